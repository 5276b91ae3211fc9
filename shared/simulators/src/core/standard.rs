//! A provider that does what OpenID Connect Core says: discovery, the authorization code flow with PKCE, client
//! authentication (post, basic, signed assertions, none), ID tokens and userinfo. What a provider does otherwise is a [`Quirks`].

mod direct;
mod login;
mod quirks;
mod token;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::http::{Method as Verb, StatusCode};
use chrono::{DateTime, Utc};
use domain::{Clock, Entropy, Factor, Method};
use serde_json::{Map, Value, json};

use super::callback::Target;
use super::client_key::Seen;
use super::key_ring::KeyRing;
use super::pkce::Challenge;
use super::server::{Asked, Book, Call, Provider, Server};
use super::signer;
use super::wire::Reply;
use super::{
    Algorithm, Delivery, Desk, Endpoint, Enrolled, Misbehaviour, OldKey, Person, Registration, SentCode, Simulator,
    Subject, TokenRequest,
};

pub use quirks::{ApiCall, Envelope, Quirks, Refused};

/// A simulated provider that keeps to the standard but for its quirks. Clones are the same server.
pub struct Standard<Q> {
    server: Server<State<Q>>,
}

/// What a server knows.
pub(crate) struct State<Q> {
    book: Book,
    /// The path of the server.
    root: String,
    /// The path of the issuer.
    path: String,
    applications: BTreeMap<String, Registration>,
    people: BTreeMap<String, Person>,
    keys: KeyRing,
    /// Logins that wait for the form, by what the form says of them.
    waiting: BTreeMap<String, Waiting>,
    codes: BTreeMap<String, Login>,
    used_codes: BTreeSet<String>,
    access_tokens: BTreeMap<String, Login>,
    /// Who has signed in, at which client.
    known: BTreeSet<(String, String)>,
    assertions: Seen,
    desk: Desk,
    quirks: std::marker::PhantomData<Q>,
}

/// Where a request goes.
pub(crate) enum Place {
    /// To an endpoint, at this path below the issuer.
    Below(String),
    /// To an API that signs users in, at this path below the server.
    LoginApi(String),
}

/// An authorization request that was not refused.
#[derive(Clone)]
struct Waiting {
    client: String,
    target: Target,
    scopes: Vec<String>,
    nonce: Option<String>,
    challenge: Option<Challenge>,
}

/// Who has logged in, when, and for what.
#[derive(Clone)]
struct Login {
    username: String,
    at: DateTime<Utc>,
    request: Waiting,
}

/// What connector documents call `provider`: signs in by redirect, and keeps to the standard but for its quirks.
pub(crate) const fn by_redirect<Q: Quirks>(provider: &'static str) -> Simulator {
    Simulator {
        provider,
        methods: Q::METHODS,
        endpoints: Q::ENDPOINTS,
        is_silent: Q::KNOWS_PROMPTS,
        checks_redirect_uris: Q::CHECKS_FIRST,
        make: |path, clock, entropy| Arc::new(Standard::<Q>::new(path, clock, entropy)),
    }
}

impl<Q: Quirks> Standard<Q> {
    /// A server below this path, without users yet.
    pub fn new(path: &str, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let state = State {
            book: Book::default(),
            root: path.to_owned(),
            path: format!("{path}{}", Q::ISSUER),
            applications: BTreeMap::new(),
            people: BTreeMap::new(),
            keys: KeyRing::new(path),
            waiting: BTreeMap::new(),
            codes: BTreeMap::new(),
            used_codes: BTreeSet::new(),
            access_tokens: BTreeMap::new(),
            known: BTreeSet::new(),
            assertions: Seen::default(),
            desk: Desk::default(),
            quirks: std::marker::PhantomData,
        };
        Self { server: Server::new(clock, entropy, state) }
    }
}

impl<Q: Quirks> Subject for Standard<Q> {
    fn settings(&self, origin: &str) -> Vec<(&'static str, Value)> {
        let address = format!("{origin}{}", self.server.state().path);
        let mut settings = Q::settings(&address);
        if Q::ENDPOINTS.contains(&Endpoint::Discovery) && Q::issuer(&address) != address {
            settings.push(("discovery_endpoint", json!(self.discovery(origin))));
        }
        settings
    }

    fn issuer(&self, origin: &str) -> String {
        Q::issuer(&format!("{origin}{}", self.server.state().path))
    }

    fn discovery(&self, origin: &str) -> String {
        format!("{origin}{}{}", self.server.state().path, Q::path(Endpoint::Discovery))
    }

    fn router(&self) -> Router {
        self.server.router()
    }

    fn register(&self, _: Method, application: Registration) {
        self.server.state().applications.insert(application.id.clone(), application);
    }

    fn enrol(&self, person: Person) {
        let mut state = self.server.state();
        state.desk.forget(&person.username);
        state.people.insert(person.username.clone(), person);
    }

    fn give_factors(&self, username: &str, factors: &[(Factor, &str)]) {
        let mut state = self.server.state();
        state.desk.forget(username);
        if let Some(person) = state.people.get_mut(username) {
            person.factors = factors.iter().map(|(factor, to)| Enrolled::new(*factor, to)).collect();
        }
    }

    fn subject(&self, username: &str) -> Option<String> {
        self.server.state().people.get(username).map(subject::<Q>)
    }

    fn rotate_key(&self, old: OldKey) {
        self.server.state().keys.rotate(old);
    }

    fn sign_with(&self, algorithm: Algorithm) {
        self.server.state().keys.sign_with(algorithm);
    }

    fn misbehave_at(&self, endpoint: Endpoint, how: Option<Misbehaviour>) {
        self.server.state().book.misbehave_at(endpoint, how);
    }

    fn calls(&self, endpoint: Endpoint) -> usize {
        self.server.state().book.calls(endpoint)
    }

    fn received(&self) -> Vec<TokenRequest> {
        self.server.state().book.requests()
    }

    fn error_body(&self, error: &str, description: &str, number: u64) -> Value {
        Q::error_body(error, description, number)
    }

    fn sent(&self) -> Vec<SentCode> {
        self.server.state().desk.sent.clone()
    }

    fn confirm(&self, username: &str, is_right: bool) {
        self.server.state().desk.confirmations.insert(username.to_owned(), is_right);
    }

    fn set_case(&self, case: &'static str, value: Value) {
        self.server.state().desk.cases.insert(case, value);
    }

    fn notification(&self, event: &str, username: &str, client: &str) -> Option<Delivery> {
        let now = self.server.clock().now();
        let subject = self.subject(username).unwrap_or_else(|| Q::subject(username.to_owned()));
        let state = self.server.state();
        let mut claims = Map::from_iter([
            ("iss".to_owned(), json!(Q::issuer(""))),
            ("aud".to_owned(), json!(client)),
            ("iat".to_owned(), json!(now.timestamp())),
            ("jti".to_owned(), json!(signer::uuid(self.server.entropy().bytes()))),
        ]);
        let Envelope { query, media_type, body } =
            Q::notification(&mut claims, event, &subject, now.timestamp_millis())?;
        let secret = state.applications.get(client).and_then(|client| client.secret.clone()).unwrap_or_default();
        let (how, now) = (state.book.at(Endpoint::Token), now.timestamp());
        let mut spoilt = claims.clone();
        if let Some(how) = how {
            how.spoil_claims(&mut spoilt, now);
        }
        let token = match Q::signed_by_secret(&spoilt, &secret) {
            Some(token) => token,
            None => state.keys.id_token(how, claims, &secret, now).ok()?,
        };
        Some(Delivery { query, media_type, body: body(token) })
    }
}

impl<Q: Quirks> Provider for State<Q> {
    type Place = Place;

    fn book(&mut self) -> &mut Book {
        &mut self.book
    }

    fn find(&self, path: &str) -> Result<(Endpoint, Place), Reply> {
        let own = path.strip_prefix(self.root.as_str()).filter(|path| Q::has_login_api(path));
        if let Some(path) = own {
            return Ok((Endpoint::Token, Place::LoginApi(path.to_owned())));
        }
        let below = path.strip_prefix(self.path.as_str()).unwrap_or_default();
        let found = Q::ENDPOINTS.iter().copied().find(|endpoint| below == Q::path(*endpoint));
        let found = found.or(Q::has_api(below).then_some(Endpoint::Userinfo));
        let found = found.or(is_notifier::<Q>(below).then_some(Endpoint::Discovery));
        found.map(|endpoint| (endpoint, Place::Below(below.to_owned()))).ok_or_else(|| match Q::nowhere(path) {
            Some((status, body)) => Reply::json(status, &body),
            None => Reply::html(StatusCode::NOT_FOUND, "Not found"),
        })
    }

    fn token_request(place: &Place, call: &Call<'_>) -> TokenRequest {
        match place {
            Place::Below(_) => TokenRequest::of(call),
            Place::LoginApi(path) if Q::authenticates_clients(path) => TokenRequest::of(call),
            Place::LoginApi(path) => {
                let json = serde_json::from_slice(call.body).unwrap_or_default();
                TokenRequest::of_fields(Q::direct_fields(path, &json), call.headers)
            }
        }
    }

    fn answer(&mut self, asked: &Asked<'_, Place>, call: &Call<'_>) -> Reply {
        let below = match &asked.place {
            Place::Below(below) => below.as_str(),
            Place::LoginApi(path) => return self.login_api(path, asked.method == Verb::POST, call),
        };
        match (asked.endpoint, asked.method) {
            (Endpoint::Discovery, &Verb::GET) if is_notifier::<Q>(below) => self.notifier(call),
            (Endpoint::Discovery, &Verb::GET) => self.document(call),
            (Endpoint::Keys, &Verb::GET) => self.key_set(),
            (Endpoint::Token, &Verb::POST) => self.token(call),
            (Endpoint::Userinfo, &Verb::GET | &Verb::POST) => self.userinfo(below, asked.method, call),
            (Endpoint::Authorize, &Verb::GET) => self.authorize(call, &call.query),
            (Endpoint::Authorize, &Verb::POST) => self.authorize(call, &call.form),
            (Endpoint::Login, &Verb::POST) => self.log_in(call),
            _ => Reply::empty(StatusCode::METHOD_NOT_ALLOWED),
        }
    }
}

impl<Q: Quirks> State<Q> {
    fn issuer(&self, call: &Call<'_>) -> String {
        Q::issuer(&format!("http://{}{}", call.host, self.path))
    }

    fn address(&self, call: &Call<'_>, endpoint: Endpoint) -> String {
        format!("http://{}{}{}", call.host, self.path, Q::path(endpoint))
    }

    /// OIDC Discovery section 3.
    fn document(&self, call: &Call<'_>) -> Reply {
        let mut document = json!({
            "issuer": self.issuer(call),
            "authorization_endpoint": self.address(call, Endpoint::Authorize),
            "token_endpoint": self.address(call, Endpoint::Token),
            "userinfo_endpoint": self.address(call, Endpoint::Userinfo),
            "jwks_uri": self.address(call, Endpoint::Keys),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.keys.newest().algorithm().name()],
            "scopes_supported": ["openid", "profile", "email"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
            "code_challenge_methods_supported": ["S256"],
        });
        if Q::SENDS_ISS {
            document["authorization_response_iss_parameter_supported"] = json!(true);
        }
        Q::document(&mut document);
        if let Some(misbehaviour) = self.book.at(Endpoint::Discovery) {
            misbehaviour.spoil_discovery(&mut document);
        }
        Reply::json(StatusCode::OK, &document)
    }

    /// RISC Profile 1.0 section 3.
    fn notifier(&self, call: &Call<'_>) -> Reply {
        let document = json!({
            "issuer": Q::NOTIFIER.map(|(_, issuer)| issuer),
            "jwks_uri": self.address(call, Endpoint::Keys),
            "delivery_methods_supported": ["https://schemas.openid.net/secevent/risc/delivery-method/push"],
        });
        Reply::json(StatusCode::OK, &document)
    }

    fn key_set(&self) -> Reply {
        let keys = self.keys.published(self.book.at(Endpoint::Keys));
        let Ok(mut keys) = keys else { return Self::server_error() };
        let all = keys["keys"].as_array_mut().into_iter().flatten();
        all.filter(|key| key["use"] == "sig").for_each(Q::key);
        Reply::json(StatusCode::OK, &keys)
    }

    /// What the granted scopes say of a user (OIDC Core section 5.4).
    fn claims_of(&self, person: &Person, scopes: &[String]) -> Map<String, Value> {
        let granted = |scope: &str| scopes.iter().any(|granted| granted == scope);
        let mut claims = Map::from_iter([("sub".to_owned(), json!(subject::<Q>(person)))]);
        if let Some((given, family)) = person.name.as_ref().filter(|_| granted(Q::PROFILE)) {
            claims.insert("name".into(), json!(format!("{given} {family}")));
            claims.insert("given_name".into(), json!(given));
            claims.insert("family_name".into(), json!(family));
        }
        if let Some((email, verified)) = person.email.as_ref().filter(|_| granted("email")) {
            claims.insert("email".into(), json!(email));
            claims.insert("email_verified".into(), json!(verified));
        }
        Q::claims(&mut claims);
        claims
    }
}

/// Whether the document about notifications is at this path below the issuer.
fn is_notifier<Q: Quirks>(below: &str) -> bool {
    Q::NOTIFIER.is_some_and(|(at, _)| below == at)
}

fn subject<Q: Quirks>(person: &Person) -> String {
    Q::subject(signer::uuid(signer::derive(&["standard", &person.username])))
}

impl<Q> Clone for Standard<Q> {
    fn clone(&self) -> Self {
        Self { server: self.server.clone() }
    }
}

impl<Q> fmt::Debug for Standard<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standard").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
