//! A simulated provider on a real socket, and a connector to it.

mod logins;
mod secrets;
mod server;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use domain::{ClientAddress, FixedClock, Method, RequestContext, SeededEntropy};
use egress::{Egress, Reach};
use serde_json::{Value, json};
use simulators::keycloak::{Client, Keycloak, Realm};
use simulators::{Endpoint, Misbehaviour, Person, Registration, Simulator, Subject};
use tokio::task::JoinSet;

use crate::{Cx, Probe, ProviderAdapter, ProviderError, Providers, Report, Stage};

pub(crate) use logins::state;
pub(crate) use secrets::Secrets;
pub(crate) use server::{listen, self_signed, serve};

pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const SECRET: &str = "client-secret+canary:%";
/// What Ada's authenticator app was set up with, where she has one.
pub(crate) const SEED: &str = "seed of an app";
/// Ada's e-mail, and her phone.
pub(crate) const EMAIL: &str = "ada@example.org";
pub(crate) const PHONE: &str = "+4915112345678";
/// The connector's callback URL.
pub(crate) const CALLBACK: &str = "https://login.example/v1/callback/staff";
pub(crate) const IN_TIME: Duration = Duration::from_secs(30);

/// A key that a client signs assertions with: as it is stored, and as the provider knows it.
#[derive(Clone, Copy)]
pub(crate) struct ClientKey {
    pub(crate) secret: &'static str,
    pub(crate) public: &'static str,
    /// What its assertions are signed with, unless the connector says otherwise.
    pub(crate) algorithm: &'static str,
}

/// With its certificate, which the provider has.
pub(crate) const RSA_KEY: ClientKey = ClientKey {
    secret: include_str!("bench/keys/rsa.pem"),
    public: include_str!("bench/keys/rsa.crt.pem"),
    algorithm: "RS256",
};
pub(crate) const P256_KEY: ClientKey = ClientKey {
    secret: include_str!("bench/keys/p256.pem"),
    public: include_str!("bench/keys/p256.pub.pem"),
    algorithm: "ES256",
};

pub(crate) struct Bench {
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) subject: Arc<dyn Subject>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) url: String,
    simulator: &'static Simulator,
    providers: Providers,
    adapter: Arc<dyn ProviderAdapter>,
    method: Method,
    server: JoinSet<()>,
}

impl Bench {
    /// A Keycloak, and a connector to it that sends passwords.
    pub(crate) async fn start() -> Self {
        Self::with(|realm| realm, json!({})).await
    }

    /// Another realm; `over` overrides members of the connector document.
    pub(crate) async fn with(configure: impl FnOnce(Realm) -> Realm, over: Value) -> Self {
        let bench = Self::at(&simulators::keycloak::SIMULATOR, Method::Password, Reach::Local, over).await;
        bench.keycloak().change_realm("demo", configure).unwrap();
        bench
    }

    /// A server with one user (`ada`, [`PASSWORD`]) and an application for each method, and a connector to it.
    pub(crate) async fn at(simulator: &'static Simulator, method: Method, reach: Reach, over: Value) -> Self {
        let clock = Arc::new(FixedClock::at(DateTime::from_timestamp(1_790_000_000, 0).unwrap()));
        let subject = (simulator.make)("", clock.clone(), Arc::new(SeededEntropy::new(1)));
        for method in simulator.methods {
            subject.register(*method, registration(*method));
        }
        subject.enrol(ada(true));

        let (listener, url) = listen().await;
        let server = serve(listener, subject.router()).await;

        let secrets = Arc::new(Secrets::new(SECRET));
        let (egress, entropy) = (Egress::new(reach).unwrap(), Arc::new(SeededEntropy::new(2)));
        let providers = Providers::new(egress, secrets.clone(), entropy, "https://login.example");
        let providers = providers.pausing(Duration::ZERO..=Duration::ZERO);
        let adapter = connector(simulator.provider, method, subject.settings(&url), over);
        Self { clock, subject, secrets, url, simulator, providers, adapter, method, server }
    }

    /// What only a Keycloak can do.
    pub(crate) fn keycloak(&self) -> &Keycloak {
        let subject: &dyn Any = &*self.subject;
        subject.downcast_ref().unwrap()
    }

    /// How the provider's tokens name it.
    pub(crate) fn issuer(&self) -> String {
        self.subject.issuer(&self.url)
    }

    /// From now on through another connector to the same server, in the same process.
    pub(crate) fn connect(&mut self, provider: &str, method: Method, over: Value) {
        let settings = match provider {
            // A simulator whose issuer is another host's says itself where its document is.
            "oidc" => match self.issuer() {
                own if own.starts_with(&self.url) => vec![("issuer", json!(own))],
                other => {
                    vec![("issuer", json!(other)), ("discovery_endpoint", json!(self.subject.discovery(&self.url)))]
                }
            },
            own => {
                assert_eq!(own, self.simulator.provider);
                self.subject.settings(&self.url)
            }
        };
        self.use_adapter(connector(provider, method, settings, over), method);
    }

    pub(crate) fn use_adapter(&mut self, adapter: Arc<dyn ProviderAdapter>, method: Method) {
        (self.adapter, self.method) = (adapter, method);
    }

    /// Another server beside, as long as this one.
    pub(crate) fn and_serve(&mut self, mut other: JoinSet<()>) {
        self.server.spawn(async move { while other.join_next().await.is_some() {} });
    }

    /// The server is switched off.
    pub(crate) async fn stop(&mut self) {
        self.server.shutdown().await;
    }

    pub(crate) fn cx<'a>(&'a self, request: &'a RequestContext) -> Cx<'a> {
        self.providers.cx(request)
    }

    pub(crate) fn adapter(&self) -> &dyn ProviderAdapter {
        self.adapter.as_ref()
    }

    /// The connector's application, to be registered anew with something else about it.
    pub(crate) fn registration(&self) -> Registration {
        registration(self.method)
    }

    /// The `client_id` of the connector's application.
    pub(crate) fn client_id(&self) -> &'static str {
        client_for(self.method)
    }

    pub(crate) fn register(&self, application: Registration) {
        self.subject.register(self.method, application);
    }

    /// Gives the connector's application another secret.
    pub(crate) fn change_secret(&self, secret: &str) {
        self.register(Registration::confidential(client_for(self.method), secret, CALLBACK));
    }

    /// The connector's application signs assertions with this key from now on.
    pub(crate) fn change_key(&self, key: &ClientKey) {
        self.register(Registration::signing(client_for(self.method), key.public, CALLBACK));
    }

    /// Changes the connector's client of a Keycloak.
    pub(crate) fn change_client(&self, change: impl FnOnce(Client) -> Client) {
        self.keycloak().change_client("demo", client_for(self.method), change).unwrap();
    }

    /// The connector is tested.
    pub(crate) async fn probe(&self, test_user: Option<&str>) -> Report {
        self.probe_within(test_user, IN_TIME).await
    }

    pub(crate) async fn probe_within(&self, test_user: Option<&str>, budget: Duration) -> Report {
        let request = self.request(budget);
        self.adapter.probe(&self.cx(&request), &Probe { test_user }).await
    }

    pub(crate) fn request(&self, budget: Duration) -> RequestContext {
        RequestContext::new("req".parse().unwrap(), self.clock.clone(), budget, ClientAddress::default(), None)
    }

    /// Changes members of the discovery document; null takes one away.
    pub(crate) fn change_document(&self, members: Value) {
        self.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::members(&members)));
    }

    /// Calls so far: discovery, keys, token, userinfo.
    pub(crate) fn calls(&self) -> [usize; 4] {
        [Endpoint::Discovery, Endpoint::Keys, Endpoint::Token, Endpoint::Userinfo].map(|at| self.subject.calls(at))
    }

    pub(crate) fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }
}

/// Ada, whose e-mail is verified or not.
pub(crate) fn ada(verified: bool) -> Person {
    Person::new("ada", PASSWORD).email(EMAIL, verified).name("Ada", "Lovelace")
}

fn registration(method: Method) -> Registration {
    Registration::confidential(client_for(method), SECRET, CALLBACK)
}

fn client_for(method: Method) -> &'static str {
    if method == Method::Totp { "landfall-otp" } else { "landfall" }
}

/// A connector with these settings.
fn connector(provider: &str, method: Method, settings: Vec<(&str, Value)>, over: Value) -> Arc<dyn ProviderAdapter> {
    let mut document = json!({
        "id": "staff", "provider": provider, "name": "Staff", "source": "people",
        "client": { "id": client_for(method), "secret": "staff" },
        "methods": { method.as_str(): {} },
        "settings": settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<serde_json::Map<_, _>>(),
    });
    for (name, value) in over.as_object().unwrap() {
        match (document[name].as_object_mut(), value.as_object()) {
            (Some(members), Some(over)) => members.extend(over.clone()),
            _ => document[name] = value.clone(),
        }
    }
    crate::Registry::default().adapter(&serde_json::from_value(document).unwrap()).unwrap()
}

/// What a login comes to at a provider whose discovery document names another issuer than the connector.
pub(crate) fn another_issuer() -> ProviderError {
    Stage::Discovery.misconfigured(
        "the discovery document names another issuer than the settings: run the connector test, which shows both",
    )
}
