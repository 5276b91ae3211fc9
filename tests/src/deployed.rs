//! A function's binary as it is deployed, run on this machine with an environment that says "local" wherever it can.

use std::collections::BTreeMap;
use std::io::{PipeReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws::SystemClock;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::{Client, Clock, SecretName, SecretSource};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokens::KeyKind;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

use crate::app::ISSUER;
use crate::proxy::{in_background, serve};
use crate::{Browser, Setup, TestApp, TestSession, demo_keycloak};

/// A function that runs, between a Runtime API and a Secrets Manager of this test. It is stopped when this is dropped.
pub struct Deployed {
    child: Child,
    output: PipeReader,
    events: mpsc::UnboundedSender<Value>,
    answers: mpsc::UnboundedReceiver<Value>,
    proxied: Arc<AtomicUsize>,
}

/// Between the test and the function: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
struct Runtime {
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
    answers: mpsc::UnboundedSender<Value>,
}

/// One request, as the function's client would send it.
#[derive(Debug, Clone)]
pub struct Sent {
    /// GET or POST.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// Header names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// Whom IAM has let through, as API Gateway says it.
    pub by: Option<&'static str>,
}

/// An app whose provider is on this machine, by the machine's clock: the function has no other.
pub async fn app() -> TestApp {
    app_with(|_| {}).await
}

/// The same with something else about it.
pub async fn app_with(change: impl FnOnce(&mut Setup)) -> TestApp {
    TestApp::with(|setup| {
        setup.time = Arc::new(SystemClock);
        setup.keycloak = demo_keycloak(Arc::new(SystemClock));
        change(setup);
    })
    .await
}

impl Sent {
    /// A POST of JSON, with a session's token if there is one.
    pub fn json(path: String, token: Option<&str>, body: &Value) -> Self {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(token.map(|token| ("authorization", format!("Bearer {token}"))));
        Self { method: "POST", path, headers, body: body.to_string(), by: None }
    }

    /// The answer to a session's form of name and password.
    pub fn password(session: &TestSession, email: &str, password: &str) -> Self {
        let data = crate::data(email, password);
        let body = json!({ "turn": session.turn, "key": crate::key(1), "option": "submit", "data": data });
        Self::json(format!("/v1/sessions/{}/steps/ask", session.id), Some(&session.token), &body)
    }
}

impl Deployed {
    /// Starts a function's binary over the tables and secrets of `app`; `more` variables beside all that say "local".
    pub async fn start(app: &TestApp, binary: &str, more: &[(&str, &str)]) -> Self {
        let (events, queued) = mpsc::unbounded_channel();
        let (answered, answers) = mpsc::unbounded_channel();
        let runtime = Arc::new(Runtime { events: Mutex::new(queued), answers: answered });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
            .fallback(fail)
            .with_state(runtime);
        let runtime = serve(router).await;
        let secrets = serve(Router::new().fallback(secret).with_state(app.secrets.clone())).await;
        let (proxy, proxied) = trap().await;

        let (dynamodb, proxy) = (format!("http://{}", app.dynamodb), format!("http://{proxy}"));
        let mut command = Command::new(binary);
        let (output, printed) = std::io::pipe().unwrap();
        command.env_clear().stdin(Stdio::null()).stdout(printed.try_clone().unwrap()).stderr(printed);
        command
            .env("AWS_LAMBDA_RUNTIME_API", runtime.to_string())
            .envs([("AWS_LAMBDA_FUNCTION_NAME", "function"), ("AWS_LAMBDA_FUNCTION_VERSION", "1")])
            .envs([("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"), ("AWS_REGION", "eu-central-1")])
            .env("AWS_ACCESS_KEY_ID", app.access_key.expose_secret())
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_ENDPOINT_URL", &dynamodb)
            .env("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb)
            .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{secrets}"))
            .env("LANDFALL_ISSUER", ISSUER)
            .env("LANDFALL_CONFIG_TABLE", &app.tables.config)
            .env("LANDFALL_DIRECTORY_TABLE", &app.tables.directory)
            .env("LANDFALL_SESSIONS_TABLE", &app.tables.sessions)
            .env("LANDFALL_SECRETS_PREFIX", "landfall/")
            // What "local" may be called; nobody reads it.
            .envs(["LANDFALL_REACH", "LANDFALL_LOCAL", "LANDFALL_ENV", "RUN_MODE"].map(|name| (name, "local")))
            .envs([("AWS_SAM_LOCAL", "true"), ("LOCALSTACK_HOSTNAME", "127.0.0.1"), ("RUST_LOG", "trace")])
            .envs([("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")]);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env(name, &proxy);
        }
        command.envs([("NO_PROXY", "127.0.0.1,localhost,*"), ("no_proxy", "127.0.0.1,localhost,*")]);
        command.envs(more.iter().copied());
        let child = command.spawn().unwrap_or_else(|error| panic!("{binary} does not start: {error}"));
        Self { child, output, events, answers, proxied }
    }

    /// What the function answers, as API Gateway is told.
    pub async fn invoke(&mut self, sent: &Sent) -> Value {
        let (path, query) = sent.path.split_once('?').unwrap_or((&sent.path, ""));
        let headers: serde_json::Map<_, _> =
            sent.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let http = json!({ "method": sent.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1" });
        let authorizer = sent.by.map(|arn| json!({ "iam": { "userArn": arn } }));
        let context = json!({
            "authorizer": authorizer, "accountId": "1", "apiId": "api", "domainName": "id.example.com", "domainPrefix": "id", "http": http,
            "requestId": "request-1", "routeKey": "$default", "stage": "$default", "time": "", "timeEpoch": 0,
        });
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
            "requestContext": context, "body": sent.body, "isBase64Encoded": false,
        });
        self.invoke_raw(event).await
    }

    /// The same to whatever event.
    pub async fn invoke_raw(&mut self, event: Value) -> Value {
        self.events.send(event).unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(30), self.answers.recv()).await;
        answer
            .unwrap_or_else(|_| {
                self.child.kill().unwrap();
                panic!("the function has ended, or does not answer: {}", self.log());
            })
            .unwrap()
    }

    /// How it ends by itself, and what it has printed.
    pub fn wait(mut self) -> (bool, String) {
        let ended = self.child.wait().unwrap();
        (ended.success(), self.log())
    }

    /// Stops it. What it has printed: its log, and whatever else.
    pub fn stop(mut self) -> String {
        assert_eq!(self.proxied.load(Ordering::Relaxed), 0, "a proxy was asked");
        self.child.kill().unwrap();
        self.log()
    }

    fn log(&mut self) -> String {
        let mut log = String::new();
        self.output.read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Deployed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Has a function's binary serve a login whose provider is on this machine: it must not call it. Then names this machine's
/// network as the deployment's own: it must not start.
pub async fn calls_nobody_on_this_machine(binary: &str, function: &str) {
    let app = app().await;
    let sent = request_of(&app, function).await;
    app.calls.take();

    let mut deployed = Deployed::start(&app, binary, &[]).await;
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
    let body = [
        ("grant_type", "authorization_code"),
        ("client_id", "demo"),
        ("client_secret", "secret-of-the-backend"),
        ("redirect_uri", landfall::demo::REDIRECT_URI),
        ("code_verifier", crate::VERIFIER),
        ("code", "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV.a-guess"),
    ];
    let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    let body = serde_urlencoded::to_string(body).unwrap();
    let sent = Sent { method: "POST", path: "/oauth2/token".into(), headers, body, by: None };
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
        "journey-start" => Sent::json("/v1/journeys/sign-in-with-keycloak/start".into(), None, &TestApp::start_body()),
        "step-submit" => Sent::password(&app.start("migrate-from-keycloak").await, EMAIL, PASSWORD),
        "oidc-callback" => {
            let start = app.try_start("sign-in-with-keycloak", &TestApp::start_body()).await.expect(201);
            let back = Browser::default().come_back(start.redirect_url(), "ada", PASSWORD).await;
            Sent { method: "GET", path: back.path, headers: Vec::new(), body: String::new(), by: None }
        }
        "issuer" => {
            let login = app.log_in(EMAIL, PASSWORD).await;
            let body = [
                ("grant_type", "authorization_code"),
                ("client_id", "demo"),
                ("redirect_uri", landfall::demo::REDIRECT_URI),
                ("code_verifier", crate::VERIFIER),
                ("code", &login.code),
            ];
            let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
            let body = serde_urlencoded::to_string(body).unwrap();
            Sent { method: "POST", path: "/oauth2/token".into(), headers, body, by: None }
        }
        "connector-test" => {
            let administrator = Some("arn:aws:iam::1:user/administrator");
            Sent { by: administrator, ..Sent::json("/v1/connectors/keycloak/test".into(), None, &json!({})) }
        }
        other => panic!("nobody knows what {other} does: say so here"),
    }
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    let Some(event) = runtime.events.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let deadline = SystemClock.now().timestamp_millis() + 10_000;
    let headers = [
        ("lambda-runtime-aws-request-id", "invocation-1".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:1:function:function".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (axum::response::AppendHeaders(headers), event.to_string()).into_response()
}

async fn answer(State(runtime): State<Arc<Runtime>>, body: Bytes) -> StatusCode {
    // The test may have heard enough.
    let _ = runtime.answers.send(serde_json::from_slice(&body).unwrap_or_default());
    StatusCode::ACCEPTED
}

async fn fail(State(runtime): State<Arc<Runtime>>, body: Bytes) -> StatusCode {
    let _ = runtime.answers.send(json!({ "failed": String::from_utf8_lossy(&body) }));
    StatusCode::ACCEPTED
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
async fn secret(State(secrets): State<Arc<crate::WatchedSecrets>>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers["x-amz-target"], "secretsmanager.GetSecretValue");
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let name = asked["SecretId"].as_str().unwrap_or_default().trim_start_matches("landfall/");
    let mut known = KeyKind::ALL.iter().map(|kind| kind.secret());
    let name = known.find(|key| key.as_str() == name).unwrap_or_else(|| match name.split_once('/') {
        Some(("clients", name)) => SecretName::client(name),
        _ => SecretName::connector(name.trim_start_matches("connectors/")),
    });
    let cx = aws::context(Arc::new(SystemClock), &aws::SystemEntropy);
    let value = secrets.get(&cx, &name).await.unwrap();
    let body = json!({ "Name": asked["SecretId"], "SecretString": value.expose_secret(), "VersionId": "1" });
    ([("content-type", "application/x-amz-json-1.1")], Body::from(body.to_string())).into_response()
}

/// A proxy that nobody should ask, and how often it was.
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
