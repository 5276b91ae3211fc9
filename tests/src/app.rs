//! The merged routers over embedded services.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aws::{Config, DynamoDb};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::AUTHORIZATION;
use chrono::{DateTime, Utc};
use domain::{AdminToken, Clock, Entropy, FixedClock, RequestContext, SecretSource, SeededEntropy};
use egress::Reach;
use landfall::demo::{self, Provider};
use landfall::documents;
use landfall::embedded::EmbeddedDynamoDb;
use landfall::functions::Services;
use landfall::secrets::LocalSecrets;
use listener::{Listening, Log};
use providers::Registry;
use secrecy::SecretString;
use serde_json::Value;
use simulators::{Keycloak, Subject};
use store::{Store, TableNames};
use tokens::{KeyKind, Keys};
use tower::ServiceExt;
use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;

use crate::answer::{Answer, Heard};
use crate::functions::{self, Route};
use crate::items::keep_expired;
use crate::proxy::{Calls, before, in_background, serve};
use crate::secrets::WatchedSecrets;
use crate::sent::{Sent, get, post_json};
use crate::setup::{KEYCLOAK, Setup, keycloak_of};

/// The merged routers, as a client sees them.
pub struct TestApp {
    router: Router,
    services: Arc<Services>,
    always_cold: bool,
    config: Config,
    registry: Registry,
    routes: Vec<Route>,
    entropy: Arc<SeededEntropy>,
    /// Where secrets are read.
    pub secrets: Arc<WatchedSecrets>,
    /// Stands still until it is moved.
    pub clock: Arc<FixedClock>,
    /// What Landfall takes for the time.
    pub(crate) time: Arc<dyn Clock>,
    /// The simulated provider.
    pub subject: Arc<dyn Subject>,
    /// The connector to it.
    pub connector: &'static str,
    /// All calls to DynamoDB and the provider.
    pub calls: Calls,
    /// Straight to DynamoDB, uncounted: for looking, and for putting things in the way.
    pub store: Store,
    /// The issuer's keys.
    pub keys: Keys,
    /// Where the simulated provider is.
    pub provider: SocketAddr,
    pub(crate) dynamodb: SocketAddr,
    pub(crate) access_key: SecretString,
    pub(crate) tables: TableNames,
    logs: Log,
    /// What its callers sent, and what each was answered.
    pub heard: Mutex<Vec<Heard>>,
    _logging: Listening,
}

/// Opens the administrators' routes.
pub const ADMIN: &str = "token-of-an-administrator";

/// The issuer, whatever a request's Host says.
pub const ISSUER: &str = "https://id.example.com";

/// What the function that serves all routes at once is called in its metrics.
const FUNCTION: &str = "landfall";

/// What its deployment is called in them.
pub(crate) const STACK: &str = "landfall-test";

/// What our own lines call themselves: by their crate, or `outbound`.
const OUR_TARGETS: &[&str] = &[
    "aws",
    "connector_test",
    "directory",
    "domain",
    "egress",
    "issuer",
    "journey_start",
    "journeys",
    "oidc_callback",
    "outbound",
    "providers",
    "step_submit",
    "store",
    "tokens",
    "web",
];

fn is_ours(target: &str) -> bool {
    target.split("::").next().is_some_and(|name| OUR_TARGETS.contains(&name))
}

impl TestApp {
    /// The demo: a Keycloak with Ada, whose e-mail is verified, and Grace, whose is not.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The demo with something else about it.
    pub async fn with(change: impl FnOnce(&mut Setup)) -> Self {
        Self::over(&KEYCLOAK, change).await
    }

    /// The same over another provider.
    pub async fn over(provider: &Provider, change: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = Setup::new(provider);
        change(&mut setup);
        let Setup {
            subject, house, registry, connectors, secrets, client_secrets, journeys, unchecked, client, ..
        } = setup;
        let Setup { budget, guesses, time, clock, entropy, .. } = setup;

        let logs = Log::default();
        let writer = logs.clone();
        // More than a deployed function would: whatever is ours to log is looked at.
        let wanted = filter_fn(|data| *data.level() <= Level::INFO || is_ours(data.target()));
        let written = web::logs::layer(move || writer.clone(), Some(FUNCTION));
        let logging = listener::listen(tracing_subscriber::registry().with(wanted).with(written));

        let calls = Calls::default();
        let address = before(serve(subject.router()).await, "provider", calls.clone()).await;
        let own = own_name();
        let shared = shared_server();
        let (dynamodb, access_key) = match shared {
            // An idempotency token is one among all of an account, which is what it takes an access key for.
            Some(address) => (address, SecretString::from(own.as_str())),
            None => embedded(entropy.as_ref()).await,
        };
        let tables = TableNames::with_prefix(&own);
        let config = |address| Config {
            issuer: ISSUER.to_owned(),
            tables: tables.clone(),
            secrets_prefix: String::new(),
            dynamodb: DynamoDb::At { address, access_key: access_key.clone() },
            keys: KeyKind::ALL,
            reach: Reach::Local,
            admin: Some(AdminToken::presented(ADMIN).hash()),
            budget,
            stack: Some(STACK.to_owned()),
            guesses,
        };
        let store = aws::store(&config(dynamodb), entropy.clone()).await.unwrap();
        store.create_missing_tables().await.unwrap();
        if shared.is_some() {
            keep_expired(dynamodb, &access_key, &tables.sessions).await;
        }

        let mut connectors = connectors.replace("{keycloak}", &format!("http://{address}"));
        if let Some(house) = house {
            let house = before(serve(house.router()).await, "provider", calls.clone()).await;
            connectors = connectors.replace("{house}", &format!("http://{house}"));
        }
        let connectors = documents::connectors(&registry, "connectors", &connectors).unwrap();
        let mut all: Vec<_> = connectors.iter().flat_map(|connector| demo::journeys(connector).unwrap()).collect();
        all.extend(journeys.iter().map(|text| documents::journey("journey", text).unwrap()));
        all.extend(unchecked.iter().map(|text| documents::parse("journey", text).unwrap()));
        let client = client(demo::client(ISSUER, &all).unwrap());
        let cx = aws::context(time.clone(), entropy.as_ref());
        documents::publish(&store, &cx, documents::in_order(&connectors, &all, &[client])).await.unwrap();

        let secrets = local_secrets(&secrets, &client_secrets, time.now(), entropy.as_ref());
        let counted = config(before(dynamodb, "dynamodb", calls.clone()).await);
        let keys = Keys::load(&cx, &secrets, KeyKind::ALL).await.unwrap();
        let secrets = Arc::new(WatchedSecrets::over(secrets, calls.clone()));
        let base = aws::base(&counted, secrets.clone(), time.clone(), entropy.clone()).await.unwrap();
        let services = Arc::new(Services::new(base, registry.clone()).unwrap());
        calls.take();
        secrets.take();
        Self {
            router: services.router(),
            services,
            always_cold: false,
            config: counted,
            registry,
            routes: functions::routes(),
            entropy,
            secrets,
            clock,
            time,
            subject,
            connector: provider.id,
            calls,
            store,
            keys,
            provider: address,
            dynamodb,
            access_key,
            tables,
            logs,
            heard: Mutex::default(),
            _logging: logging,
        }
    }

    /// What only a Keycloak can do.
    pub fn keycloak(&self) -> &Keycloak {
        keycloak_of(self.subject.as_ref())
    }

    /// The journey that begins at the provider's own page.
    pub fn redirect_journey(&self) -> String {
        format!("sign-in-with-{}", self.connector)
    }

    /// Where DynamoDB counts what it is asked.
    pub(crate) fn counted(&self) -> SocketAddr {
        let DynamoDb::At { address, .. } = self.config.dynamodb else { panic!("a test stays on this machine") };
        address
    }

    /// A request that no browser asked for.
    pub fn context(&self) -> RequestContext {
        aws::context(self.time.clone(), &SeededEntropy::new(3))
    }

    /// Puts another instance in place of this one, as Lambda does at will: it remembers nothing, and has no connection.
    pub async fn start_cold(&mut self) {
        self.meet(&self.instance(self.secrets.clone(), KeyKind::ALL).await);
    }

    /// An instance that has these secrets.
    pub async fn instance_with(&self, secrets: Arc<dyn SecretSource>) -> Arc<Services> {
        self.instance(secrets, KeyKind::ALL).await
    }

    /// From now on, requests meet that instance.
    pub fn meet(&mut self, instance: &Arc<Services>) {
        self.services = Arc::clone(instance);
        self.router = instance.router();
    }

    /// From now on, each request meets an instance that has just started.
    pub fn every_request_is_the_first(&mut self) {
        self.always_cold = true;
    }

    /// The instance that meets the next request, of a function that uses these keys.
    pub(crate) async fn serving(&self, keys: &'static [KeyKind]) -> Arc<Services> {
        match self.always_cold {
            true => Box::pin(self.instance(self.secrets.clone(), keys)).await,
            false => Arc::clone(&self.services),
        }
    }

    async fn instance(&self, secrets: Arc<dyn SecretSource>, keys: &'static [KeyKind]) -> Arc<Services> {
        let config = Config { keys, ..self.config.clone() };
        let base = aws::base(&config, secrets, self.time.clone(), self.entropy.clone()).await.unwrap();
        Arc::new(Services::new(base, self.registry.clone()).unwrap())
    }

    /// Sends a request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let route = functions::serving(&self.routes, request.uri().path());
        self.calls.request_begins(route.map(|route| route.function));
        let keys = route.map_or(KeyKind::ALL, |route| route.keys);
        let router = match self.always_cold {
            true => self.serving(keys).await.router(),
            false => self.router.clone(),
        };
        let (parts, body) = request.into_parts();
        let sent = to_bytes(body, usize::MAX).await.unwrap();
        let path = parts.uri.to_string();
        let authorization =
            parts.headers.get(AUTHORIZATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let body = String::from_utf8_lossy(&sent).into_owned();
        let response = router.oneshot(Request::from_parts(parts, Body::from(sent))).await.unwrap();
        let (parts, answered) = response.into_parts();
        let bytes = to_bytes(answered, usize::MAX).await.unwrap();
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        };
        self.heard.lock().unwrap().push(Heard { path, authorization, body, answer: answer.clone() });
        answer
    }

    /// Posts JSON, with a session's token if there is one.
    pub async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        self.send(post_json(path, token, body.to_string())).await
    }

    /// Gets a path with a session's token.
    pub async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.send(get(path, token)).await
    }

    /// Posts a form.
    pub async fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(Sent::form(path, form).to_request()).await
    }

    /// Forgets what it has heard, called and logged.
    pub fn forget(&self) {
        self.heard.lock().unwrap().clear();
        self.calls.take();
        self.logs.take();
    }

    /// All that was logged so far.
    pub fn logs(&self) -> String {
        self.logs.text()
    }

    /// The same line by line.
    pub fn lines(&self) -> Vec<Value> {
        self.logs().lines().map(|line| serde_json::from_str(line).expect("every log line is JSON")).collect()
    }

    /// The log lines with that `event`.
    pub fn events(&self, event: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["event"] == event).collect()
    }
}

/// A server that all tests share, if the test is told of one.
fn shared_server() -> Option<SocketAddr> {
    #[expect(clippy::disallowed_methods, reason = "the environment of the test, not of a deployed function")]
    let endpoint = std::env::var("LANDFALL_TEST_DYNAMODB").ok().filter(|endpoint| !endpoint.is_empty())?;
    let address = endpoint.strip_prefix("http://").and_then(|address| address.parse().ok());
    Some(address.expect("LANDFALL_TEST_DYNAMODB is http://, an address and a port"))
}

async fn embedded(entropy: &dyn Entropy) -> (SocketAddr, SecretString) {
    let embedded = EmbeddedDynamoDb::in_memory(entropy).await.unwrap();
    let DynamoDb::At { address, access_key } = embedded.location() else {
        panic!("an embedded engine is at an address");
    };
    in_background(async move { embedded.serve().await.unwrap() });
    (address, access_key)
}

/// Letters and digits, as an access key has to be.
fn own_name() -> String {
    static APPS: AtomicU32 = AtomicU32::new(0);
    format!("test{}x{}", std::process::id(), APPS.fetch_add(1, Ordering::Relaxed))
}

fn local_secrets(
    connectors: &BTreeMap<&str, &str>,
    clients: &BTreeMap<&str, &str>,
    now: DateTime<Utc>,
    entropy: &dyn Entropy,
) -> LocalSecrets {
    let secrets = LocalSecrets::generate(now, entropy).unwrap();
    for (name, value) in connectors {
        secrets.add_connector(name, SecretString::from(*value));
    }
    for (name, value) in clients {
        secrets.add_client(name, SecretString::from(*value));
    }
    secrets
}
