//! A simulated provider on a real socket, and a connector to it.

mod server;

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use domain::{
    CallbackState, Challenge, Channel, ClientAddress, Clock, ExternalIdentity, Factor, FixedClock, Method, Pending,
    RequestContext, SecretError, SecretName, SecretSource, SeededEntropy,
};
use egress::{Egress, Reach};
use secrecy::SecretString;
use serde_json::{Value, json};
use simulators::keycloak::{Client, Keycloak, Realm, totp};
use simulators::{Browser, Endpoint, Misbehaviour, Person, Registration, Return, Simulator, Subject};
use tokio::task::JoinSet;
use url::Url;

use crate::{
    Answer, Attempt, Callback, Cx, Hints, Probe, Progress, ProviderAdapter, ProviderError, Providers, Report, Stage,
};

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

    /// Ada logs in, in time, by the connector's method.
    pub(crate) async fn login(&self) -> Result<ExternalIdentity, ProviderError> {
        self.login_within(IN_TIME).await
    }

    /// The same where the request that sends the code or the password has this much time.
    pub(crate) async fn login_within(&self, budget: Duration) -> Result<ExternalIdentity, ProviderError> {
        match self.method {
            Method::Oidc => {
                let pending = self.begin().await?;
                let returned = self.visit(&pending).await?;
                self.answer_within(&pending, &returned, budget).await
            }
            Method::Password => self.attempt("ada", PASSWORD, None, budget).await,
            Method::Totp => {
                // An app set up anew has shown no code before.
                self.subject.give_factors("ada", &[(Factor::Totp, SEED)]);
                let login = self.attempt_totp_within("ada", &totp(SEED, self.clock.now()), budget).await;
                self.subject.give_factors("ada", &[]);
                login
            }
            Method::EmailOtp => self.code_login(Channel::Email, EMAIL, budget).await,
            Method::SmsOtp => {
                self.subject.give_factors("ada", &[(Factor::SmsOtp, PHONE)]);
                let login = self.code_login(Channel::Sms, PHONE, budget).await;
                self.subject.give_factors("ada", &[]);
                login
            }
        }
    }

    /// Ada lets herself be sent a code, and types it.
    async fn code_login(
        &self,
        channel: Channel,
        to: &str,
        budget: Duration,
    ) -> Result<ExternalIdentity, ProviderError> {
        let pending = self.ask_for_code(channel, to, budget).await?;
        let code = self.subject.sent().pop().unwrap().code;
        self.give(&pending, Answer::Code(&code.into()), budget).await.and_then(done)
    }

    /// A code is sent: what the adapter keeps until it is typed.
    pub(crate) async fn ask_for_code(
        &self,
        channel: Channel,
        to: &str,
        budget: Duration,
    ) -> Result<Pending, ProviderError> {
        let request = self.request(budget);
        match self.adapter.begin(&self.cx(&request), Attempt::Otp { channel, to }).await? {
            Progress::Ask(_, pending) => Ok(pending),
            other => panic!("{other:?}"),
        }
    }

    /// Ada signs in by the connector's method as far as the provider asks for nothing more.
    pub(crate) async fn attempt_within(&self, budget: Duration) -> Result<(), ProviderError> {
        let (request, password) = (self.request(budget), SecretString::from(PASSWORD));
        let code = SecretString::from(totp(SEED, self.clock.now()));
        let attempt = match self.method {
            Method::Oidc => Attempt::Redirect(Hints::default()),
            Method::Password => Attempt::Password { username: "ada", password: &password, otp: None },
            Method::EmailOtp => Attempt::Otp { channel: Channel::Email, to: EMAIL },
            Method::SmsOtp => Attempt::Otp { channel: Channel::Sms, to: PHONE },
            Method::Totp => Attempt::Totp { username: "ada", code: &code },
        };
        self.adapter.begin(&self.cx(&request), attempt).await.map(drop)
    }

    /// What the provider asks Ada after her password.
    pub(crate) async fn asked(&self) -> Result<(Challenge, Pending), ProviderError> {
        let (request, password) = (self.request(IN_TIME), SecretString::from(PASSWORD));
        let attempt = Attempt::Password { username: "ada", password: &password, otp: None };
        match self.adapter.begin(&self.cx(&request), attempt).await? {
            Progress::Ask(challenge, pending) => Ok((challenge, pending)),
            other => panic!("{other:?}"),
        }
    }

    /// Ada has given her password, and chosen this factor if there was a choice.
    pub(crate) async fn challenged(&self, factor: Factor) -> Result<Pending, ProviderError> {
        let (challenge, pending) = self.asked().await?;
        let Challenge::Choose { choices } = challenge else { return Ok(pending) };
        let choice = choices.iter().find(|choice| choice.factor == factor).unwrap();
        match self.give(&pending, Answer::Choose(&choice.id), IN_TIME).await? {
            Progress::Ask(_, pending) => Ok(pending),
            other => panic!("{other:?}"),
        }
    }

    /// Ada has given a password that she has to change.
    pub(crate) async fn asked_for_new_password(&self) -> Result<Pending, ProviderError> {
        let (challenge, pending) = self.asked().await?;
        assert!(matches!(challenge, Challenge::NewPassword { .. }), "{challenge:?}");
        Ok(pending)
    }

    /// Gives an answer to what the provider has asked.
    pub(crate) async fn give(
        &self,
        pending: &Pending,
        answer: Answer<'_>,
        budget: Duration,
    ) -> Result<Progress, ProviderError> {
        let request = self.request(budget);
        self.adapter.answer(&self.cx(&request), pending, answer).await
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

    pub(crate) async fn attempt_totp(&self, username: &str, code: &str) -> Result<ExternalIdentity, ProviderError> {
        self.attempt_totp_within(username, code, IN_TIME).await
    }

    async fn attempt_totp_within(
        &self,
        username: &str,
        code: &str,
        budget: Duration,
    ) -> Result<ExternalIdentity, ProviderError> {
        let (request, code) = (self.request(budget), SecretString::from(code));
        done(self.adapter.begin(&self.cx(&request), Attempt::Totp { username, code: &code }).await?)
    }

    pub(crate) async fn login_as(&self, username: &str, password: &str) -> Result<ExternalIdentity, ProviderError> {
        self.attempt(username, password, None, IN_TIME).await
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
        done(self.adapter.begin(&self.providers.cx(&request), attempt).await?)
    }

    /// A redirect is about to go out.
    pub(crate) async fn begin(&self) -> Result<Pending, ProviderError> {
        self.begin_with(Hints::default()).await
    }

    pub(crate) async fn begin_with(&self, hints: Hints<'_>) -> Result<Pending, ProviderError> {
        let request = self.request(IN_TIME);
        match self.adapter.begin(&self.cx(&request), Attempt::Redirect(hints)).await? {
            Progress::Hop(pending) => Ok(pending),
            other => panic!("{other:?}"),
        }
    }

    /// Where the browser is sent.
    pub(crate) async fn hop(&self, pending: &Pending) -> Result<Url, ProviderError> {
        let request = self.request(IN_TIME);
        self.adapter.hop(&self.cx(&request), pending, &state()).await
    }

    /// Ada goes there and logs in: what her browser brings back.
    pub(crate) async fn visit(&self, pending: &Pending) -> Result<Return, ProviderError> {
        let url = self.hop(pending).await?;
        Ok(Browser::default().come_back(url.as_str(), "ada", PASSWORD).await)
    }

    pub(crate) async fn answer(&self, pending: &Pending, returned: &Return) -> Result<ExternalIdentity, ProviderError> {
        self.answer_within(pending, returned, IN_TIME).await
    }

    async fn answer_within(
        &self,
        pending: &Pending,
        returned: &Return,
        budget: Duration,
    ) -> Result<ExternalIdentity, ProviderError> {
        let request = self.request(budget);
        let callback = Callback::read(returned.parameters()).unwrap();
        done(self.adapter.answer(&self.cx(&request), pending, Answer::Callback(&callback)).await?)
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

fn done(progress: Progress) -> Result<ExternalIdentity, ProviderError> {
    match progress {
        Progress::Done(identity) => Ok(*identity),
        other => panic!("{other:?}"),
    }
}

/// What the engine would send along.
pub(crate) fn state() -> CallbackState {
    CallbackState::from_derived(&"ses_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), &[7; 32])
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

/// One secret, or the same failure for all: as it is kept, and as a forced read finds it.
#[derive(Debug)]
pub(crate) struct Secrets {
    kept: Mutex<Secret>,
    stored: Mutex<Option<Secret>>,
    rereads: AtomicUsize,
}

type Secret = Result<&'static str, fn(SecretName) -> SecretError>;

impl Secrets {
    pub(crate) fn new(secret: &'static str) -> Self {
        Self { kept: Mutex::new(Ok(secret)), stored: Mutex::default(), rereads: AtomicUsize::default() }
    }

    pub(crate) fn set(&self, secret: Secret) {
        *self.kept.lock().unwrap() = secret;
    }

    /// From now on a forced read finds another.
    pub(crate) fn rotate(&self, secret: Secret) {
        *self.stored.lock().unwrap() = Some(secret);
    }

    /// Forced reads so far.
    pub(crate) fn rereads(&self) -> usize {
        self.rereads.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl SecretSource for Secrets {
    async fn get(&self, _cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        assert_eq!(name.as_str(), "connectors/staff");
        let secret = *self.kept.lock().unwrap();
        secret.map(SecretString::from).map_err(|error| error(name.clone()))
    }

    async fn reread(&self, cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        self.rereads.fetch_add(1, Ordering::Relaxed);
        if let Some(stored) = *self.stored.lock().unwrap() {
            self.set(stored);
        }
        self.get(cx, name).await
    }
}

/// What a login comes to at a provider whose discovery document names another issuer than the connector.
pub(crate) fn another_issuer() -> ProviderError {
    Stage::Discovery.misconfigured(
        "the discovery document names another issuer than the settings: run the connector test, which shows both",
    )
}
