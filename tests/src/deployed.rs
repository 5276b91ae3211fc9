//! A function's binary as it is deployed, run on this machine with an environment that says "local" wherever it can.

use std::collections::BTreeMap;
use std::io::{PipeReader, Read};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws::SystemClock;
use domain::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::lambda::Lambda;
use crate::proxy::in_background;
pub use crate::sent::Sent;
use crate::sent::token_form;
use crate::{Away, ISSUER, KEYCLOAK, Setup, TestApp, TestSession, subject_of, submission};

/// A function that runs among all that says "local". It is stopped when this is dropped.
pub struct Deployed {
    lambda: Lambda,
    output: PipeReader,
    proxied: Arc<AtomicUsize>,
}

/// An app whose provider is on this machine, by the machine's clock: the function has no other.
pub async fn app() -> TestApp {
    app_with(|_| {}).await
}

/// The same with something else about it.
pub async fn app_with(change: impl FnOnce(&mut Setup)) -> TestApp {
    TestApp::with(|setup| {
        setup.time = Arc::new(SystemClock);
        setup.subject = subject_of(&KEYCLOAK, Arc::new(SystemClock), ISSUER);
        change(setup);
    })
    .await
}

impl Sent {
    /// The answer to a session's form of name and password.
    pub fn password(session: &TestSession, email: &str, password: &str) -> Self {
        let body = submission(session.turn, &crate::key(1), &crate::data(email, password));
        Self::json(format!("/v1/sessions/{}/steps/ask", session.id), Some(&session.token), &body)
    }
}

impl Deployed {
    /// Starts a function's binary over the tables and secrets of `app`; `more` variables beside all that say "local".
    pub async fn start(app: &TestApp, binary: &str, more: &[(&str, &str)]) -> Self {
        let (proxy, proxied) = trap().await;
        let proxy = format!("http://{proxy}");
        let mut command = Command::new(binary);
        let (output, printed) = std::io::pipe().unwrap();
        command.env_clear().stdout(printed.try_clone().unwrap()).stderr(printed);
        command
            .envs(app.environment().await)
            // What "local" may be called; it is not read.
            .envs(["LANDFALL_REACH", "LANDFALL_LOCAL", "LANDFALL_ENV", "RUN_MODE"].map(|name| (name, "local")))
            .envs([("AWS_SAM_LOCAL", "true"), ("LOCALSTACK_HOSTNAME", "127.0.0.1"), ("RUST_LOG", "trace")])
            .envs([("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")]);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env(name, &proxy);
        }
        command.envs([("NO_PROXY", "127.0.0.1,localhost,*"), ("no_proxy", "127.0.0.1,localhost,*")]);
        command.envs(more.iter().copied());
        Self { lambda: Lambda::start(&mut command).await, output, proxied }
    }

    /// What the function answers, as API Gateway is told.
    pub async fn invoke(&mut self, sent: &Sent) -> Value {
        self.invoke_raw(sent.event()).await
    }

    /// The same to whatever event.
    pub async fn invoke_raw(&mut self, event: Value) -> Value {
        let Some(answer) = self.lambda.answers(event).await else {
            self.lambda.stop();
            panic!("the function has ended, or does not answer: {}", self.log());
        };
        answer
    }

    /// How it ends by itself, and what it has printed.
    pub fn wait(mut self) -> (bool, String) {
        let succeeded = self.lambda.wait();
        (succeeded, self.log())
    }

    /// Stops it. What it has printed: its log, and whatever else.
    pub fn stop(mut self) -> String {
        assert_eq!(self.proxied.load(Ordering::Relaxed), 0, "a proxy was asked");
        self.lambda.stop();
        self.log()
    }

    fn log(&mut self) -> String {
        let mut log = String::new();
        self.output.read_to_string(&mut log).unwrap();
        log
    }
}

/// Has a function's binary serve a login whose provider is on this machine: it must not call it. Then names this machine's
/// network as the deployment's own: it must not start.
pub async fn calls_nothing_on_this_machine(binary: &str, function: &str) {
    let app = app().await;
    let sent = request_of(&app, function).await;
    app.calls.take();

    let mut deployed = Deployed::start(&app, binary, &[]).await;
    deployed.lambda.polls().await;
    let opened: Vec<_> = app.calls.take().into_iter().map(|call| call.operation).collect();
    assert_eq!(opened, ["GetItem"], "a function that starts opens its connection to DynamoDB, and reads nothing");
    let answer = deployed.invoke(&sent).await;
    let log = deployed.stop();

    let calls = app.calls.take();
    assert!(calls.iter().all(|call| call.service != "provider"), "{function} called {calls:#?}");
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
    let (status, refused) = (&answer["statusCode"], log.matches("address").count());
    match function {
        "issuer" => assert_eq!((status, body["token_type"].as_str()), (&json!(200), Some("Bearer")), "{answer:#}"),
        // What came of it waits for the second half.
        "oidc-callback" => assert_eq!(status, 303, "{answer:#}\n{log}"),
        "connector-test" => {
            let found = &body["checks"][0];
            assert_eq!((status, &found["status"]), (&json!(200), &json!("failed")), "{answer:#}\n{log}");
            assert!(found["hint"].as_str().unwrap_or_default().starts_with("the address is not"), "{answer:#}");
        }
        _ => assert_eq!(body["rejection"]["code"], "try_later", "{answer:#}\n{log}"),
    }
    assert!(log.contains(&format!("\"function\":\"{function}\"")), "its metrics do not say whose they are: {log}");
    let tells = ["issuer", "connector-test"].contains(&function);
    assert!(tells || refused > 0, "the log does not say why: {log}");

    let named = Deployed::start(&app, binary, &[("LANDFALL_PRIVATE_NETWORKS", "127.0.0.0/8")]).await;
    let (succeeded, log) = named.wait();
    assert!(!succeeded && log.contains("LANDFALL_PRIVATE_NETWORKS"), "{log}");
}

/// Starts instances of the issuer's binary all at once, and has each answer requests of a client that authenticates: each
/// reads its keys and that client's secret once.
pub async fn each_instance_reads_each_secret_once(binary: &str) {
    const INSTANCES: usize = 3;
    let app = TestApp::with(|setup| {
        setup.time = Arc::new(SystemClock);
        setup.client_secrets = [("backend", "secret-of-the-backend")].into();
        setup.client = |client| Client { secret: Some("backend".into()), ..client };
    })
    .await;
    let code = "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV.a-guess";
    let sent = Sent::form("/oauth2/token", &token_form(code, &[("client_secret", "secret-of-the-backend")]));
    app.secrets.take();

    let mut instances = Vec::new();
    for _ in 0..INSTANCES {
        instances.push(Deployed::start(&app, binary, &[]).await);
    }
    for _ in 0..4 {
        for instance in &mut instances {
            let answer = instance.invoke(&sent).await;
            // Who it is was right: what is wrong is the code.
            assert!(answer["body"].as_str().unwrap_or_default().contains("invalid_grant"), "{answer:#}");
        }
    }

    let mut asked = BTreeMap::<_, usize>::new();
    for (_, name) in app.secrets.take() {
        *asked.entry(name).or_default() += 1;
    }
    assert!(asked.values().all(|times| *times == INSTANCES), "{asked:?}");
    assert!(asked.contains_key("clients/backend") && asked.keys().any(|name| name.starts_with("keys/")), "{asked:?}");
    for instance in instances {
        instance.stop();
    }
}

/// What has the function call a provider, where it ever does.
async fn request_of(app: &TestApp, function: &str) -> Sent {
    use landfall::demo::{EMAIL, PASSWORD};
    match function {
        "journey-start" => Sent::json("/v1/journeys/sign-in-with-keycloak/start", None, &TestApp::start_body()),
        "step-submit" => Sent::password(&app.start("migrate-from-keycloak").await, EMAIL, PASSWORD),
        "oidc-callback" => {
            let back = Away::new(app).await.back().await;
            Sent::get(back.path, None)
        }
        "issuer" => {
            let login = app.log_in(EMAIL, PASSWORD).await;
            Sent::form("/oauth2/token", &token_form(&login.code, &[]))
        }
        "connector-test" => {
            let administrator = Some("arn:aws:iam::1:user/administrator");
            Sent { by: administrator, ..Sent::json("/v1/connectors/keycloak/test", None, &json!({})) }
        }
        other => panic!("say here what has {other} call a provider"),
    }
}

/// A proxy that should never be asked, and how often it was.
async fn trap() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&asked);
    in_background(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    (address, asked)
}
