//! A simulated Keycloak on a real socket, and a connector to it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use chrono::{DateTime, TimeDelta};
use domain::{
    ClientAddress, ExternalIdentity, FixedClock, RequestContext, SecretError, SecretName, SecretSource, SeededEntropy,
};
use egress::{Egress, Reach};
use secrecy::SecretString;
use serde_json::{Value, json};
use simulators::keycloak::{Client, Endpoint, Keycloak, Realm, User};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::{Attempt, Cx, Progress, ProviderAdapter, ProviderError, Providers};

pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const SECRET: &str = "client-secret-canary";

pub(crate) struct Bench {
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) keycloak: Keycloak,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) url: String,
    providers: Providers,
    adapter: Arc<dyn ProviderAdapter>,
    _server: JoinSet<()>,
}

impl Bench {
    /// A server with one realm, one client that may send passwords, one user (`ada`, [`PASSWORD`]).
    pub(crate) async fn start() -> Self {
        Self::with(Reach::Local, |realm| realm, json!({})).await
    }

    /// Another realm; `over` overrides members of the connector document.
    pub(crate) async fn with(reach: Reach, configure: impl FnOnce(Realm) -> Realm, over: Value) -> Self {
        let clock = Arc::new(FixedClock::at(DateTime::from_timestamp(1_790_000_000, 0).unwrap()));
        let realm = Realm::new("demo")
            .client(Client::confidential("landfall", SECRET).direct_grants(true))
            .user(User::new("ada").email("ada@example.org", true).name("Ada", "Lovelace").password(PASSWORD));
        let keycloak = Keycloak::new(clock.clone(), Arc::new(SeededEntropy::new(1))).realm(configure(realm));

        let (listener, url) = listen().await;
        let server = serve(listener, keycloak.router());

        let mut document = json!({
            "id": "staff", "provider": "keycloak", "name": "Staff", "source": "people",
            "client": { "id": "landfall", "secret": "staff" },
            "methods": { "password": {} },
            "settings": { "url": url, "realm": "demo" },
        });
        for (name, value) in over.as_object().unwrap() {
            match (document[name].as_object_mut(), value.as_object()) {
                (Some(members), Some(over)) => members.extend(over.clone()),
                _ => document[name] = value.clone(),
            }
        }
        let secrets = Arc::new(Secrets(Mutex::new(Ok(SECRET))));
        let providers = Providers::new(Egress::new(reach).unwrap(), secrets.clone());
        let adapter = crate::adapter(&serde_json::from_value(document).unwrap()).unwrap();
        Self { clock, keycloak, secrets, url, providers, adapter, _server: server }
    }

    pub(crate) fn cx<'a>(&'a self, request: &'a RequestContext) -> Cx<'a> {
        self.providers.cx(request)
    }

    pub(crate) fn adapter(&self) -> &dyn ProviderAdapter {
        self.adapter.as_ref()
    }

    /// Ada logs in, in time.
    pub(crate) async fn login(&self) -> Result<ExternalIdentity, ProviderError> {
        self.login_as("ada", PASSWORD).await
    }

    pub(crate) async fn login_as(&self, username: &str, password: &str) -> Result<ExternalIdentity, ProviderError> {
        self.attempt(username, password, None, Duration::from_secs(30)).await
    }

    pub(crate) async fn attempt(
        &self,
        username: &str,
        password: &str,
        otp: Option<&str>,
        budget: Duration,
    ) -> Result<ExternalIdentity, ProviderError> {
        let request = self.request(budget);
        let (password, otp) = (SecretString::from(password), otp.map(SecretString::from));
        let attempt = Attempt::Password { username, password: &password, otp: otp.as_ref() };
        match self.adapter.begin(&self.providers.cx(&request), attempt).await? {
            Progress::Done(identity) => Ok(identity),
            Progress::Ask(..) => panic!("a direct grant never asks"),
        }
    }

    pub(crate) fn request(&self, budget: Duration) -> RequestContext {
        RequestContext::new("req".parse().unwrap(), self.clock.clone(), budget, ClientAddress::default(), None)
    }

    /// Calls so far: discovery, keys, token, userinfo.
    pub(crate) fn calls(&self) -> [usize; 4] {
        [Endpoint::Discovery, Endpoint::Certs, Endpoint::Token, Endpoint::Userinfo].map(|at| self.keycloak.calls(at))
    }

    pub(crate) fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }
}

/// A free port, and the URL of whoever serves it.
pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Serves until it is dropped.
pub(crate) fn serve(listener: TcpListener, router: Router) -> JoinSet<()> {
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, router).await.unwrap() });
    server
}

/// One secret, or the same failure for all.
#[derive(Debug)]
pub(crate) struct Secrets(Mutex<Secret>);

type Secret = Result<&'static str, fn(SecretName) -> SecretError>;

impl Secrets {
    pub(crate) fn set(&self, secret: Secret) {
        *self.0.lock().unwrap() = secret;
    }
}

#[async_trait]
impl SecretSource for Secrets {
    async fn get(&self, _cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        assert_eq!(name.as_str(), "connectors/staff");
        let secret = *self.0.lock().unwrap();
        secret.map(SecretString::from).map_err(|error| error(name.clone()))
    }
}
