//! What any simulated provider can be asked by a test, whatever it imitates.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use domain::{Clock, Entropy, Factor, Method};
use serde_json::{Value, json};

use super::client_key::ClientKey;
use super::{Algorithm, Endpoint, Enrolled, Misbehaviour, SentCode, Standing, TokenRequest};

/// A kind of simulated provider.
#[derive(Clone, Copy)]
pub struct Simulator {
    /// What connector documents call its provider.
    pub provider: &'static str,
    /// The methods it can be asked for.
    pub methods: &'static [Method],
    /// What it answers at: one that signs ID tokens has keys, for example.
    pub endpoints: &'static [Endpoint],
    /// Whether it answers `prompt=none` without a page.
    pub is_silent: bool,
    /// Whether a browser that is not signed in learns that a redirect URI is not registered.
    pub checks_redirect_uris: bool,
    /// A server below this path (`/demo/keycloak`, or none), without users yet.
    pub make: Make,
}

/// Makes a server below a path, by this clock and this randomness.
pub type Make = fn(&str, Arc<dyn Clock>, Arc<dyn Entropy>) -> Arc<dyn Subject>;

/// A simulated provider in the hands of a test: how a connector leads to it, who is registered, and how it breaks. What
/// only one provider can do is asked of that provider itself, after a downcast.
pub trait Subject: Any + fmt::Debug + Send + Sync {
    /// The settings of a connector to this server, which is served at `origin` (scheme, host and port).
    fn settings(&self, origin: &str) -> Vec<(&'static str, Value)>;

    /// How its tokens name the issuer.
    fn issuer(&self, origin: &str) -> String;

    /// Where its discovery document is.
    fn discovery(&self, origin: &str) -> String {
        format!("{}/.well-known/openid-configuration", self.issuer(origin))
    }

    /// What the world sees.
    fn router(&self) -> Router;

    /// Registers an application that uses this method, or registers it anew.
    fn register(&self, method: Method, application: Registration);

    /// Adds a user, or puts another in their place.
    fn enrol(&self, person: Person);

    /// Gives a user these factors, which have not been used yet, in place of others.
    fn give_factors(&self, _username: &str, _factors: &[(Factor, &str)]) {}

    /// The `sub` of a user.
    fn subject(&self, username: &str) -> Option<String>;

    /// Signs with a new key from now on.
    fn rotate_key(&self, old: OldKey);

    /// Signs with this algorithm from now on, by a new key.
    fn sign_with(&self, algorithm: Algorithm);

    /// Misbehaves at one endpoint from now on; `None`: no longer. What is about ID tokens has no effect elsewhere.
    fn misbehave_at(&self, endpoint: Endpoint, how: Option<Misbehaviour>);

    /// How often an endpoint was called so far.
    fn calls(&self, endpoint: Endpoint) -> usize;

    /// What the token endpoint has received so far, oldest first.
    fn received(&self) -> Vec<TokenRequest>;

    /// A notification as the provider sends it to this client unasked: `event`, in the provider's words, about a user. Signed as
    /// ID tokens are, or by the client's secret, and spoilt as those of the token endpoint. `None`: the provider sends none.
    fn notification(&self, _event: &str, _username: &str, _client: &str) -> Option<Delivery> {
        None
    }

    /// The body of an error answer in the provider's own form.
    fn error_body(&self, error: &str, description: &str, number: u64) -> Value {
        json!({ "error": error, "error_description": description, "error_codes": [number] })
    }

    /// The codes it has sent to users, oldest first.
    fn sent(&self) -> Vec<SentCode> {
        Vec::new()
    }

    /// What a user answers next to a question of the provider's app.
    fn confirm(&self, _username: &str, _is_right: bool) {}

    /// What the provider does in a case of its own, where its documentation leaves that open or a tenant decides it. Which cases
    /// there are, the provider's file says.
    fn set_case(&self, _case: &'static str, _value: Value) {}

    /// Misbehaves at the token endpoint.
    fn misbehave(&self, how: Option<Misbehaviour>) {
        self.misbehave_at(Endpoint::Token, how);
    }

    /// The codes it has received for exchange.
    fn exchanges(&self) -> Vec<TokenRequest> {
        received(self.received(), "authorization_code")
    }

    /// The password grants it has received.
    fn requests(&self) -> Vec<TokenRequest> {
        received(self.received(), "password")
    }
}

fn received(mut requests: Vec<TokenRequest>, grant_type: &str) -> Vec<TokenRequest> {
    requests.retain(|request| request.grant_type() == Some(grant_type));
    requests
}

/// A request that a provider makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What its address ends with, where there is one for each kind.
    pub query: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its body.
    pub body: String,
}

/// What happens to the key that signed until now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldKey {
    /// It stays in the key set, and its tokens stay valid.
    Kept,
    /// It vanishes at once (disabled or deleted), and its tokens fail.
    Removed,
    /// Likewise, and the new one goes by its `kid`.
    Replaced,
}

/// An application as a provider's administrator registers it.
#[derive(Clone)]
pub struct Registration {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) key: Option<ClientKey>,
    pub(crate) redirect_uri: String,
    pub(crate) pkce_required: bool,
    pub(crate) claims_in_id_token: bool,
    pub(crate) signed_userinfo: bool,
}

impl Registration {
    /// An application that authenticates with a secret, and is called back at one address.
    pub fn confidential(id: &str, secret: &str, redirect_uri: &str) -> Self {
        Self { secret: Some(secret.into()), ..Self::public(id, redirect_uri) }
    }

    /// An application that authenticates with assertions, signed by the private half of this public key or certificate
    /// (PEM).
    pub fn signing(id: &str, pem: &str, redirect_uri: &str) -> Self {
        Self { key: Some(ClientKey::new(pem)), ..Self::public(id, redirect_uri) }
    }

    /// An application without a secret.
    pub fn public(id: &str, redirect_uri: &str) -> Self {
        Self {
            id: id.into(),
            secret: None,
            key: None,
            redirect_uri: redirect_uri.into(),
            pkce_required: false,
            claims_in_id_token: true,
            signed_userinfo: false,
        }
    }

    /// Whether it has to use PKCE.
    pub fn pkce_required(self, required: bool) -> Self {
        Self { pkce_required: required, ..self }
    }

    /// Whether the ID token says of the user what userinfo says.
    pub fn claims_in_id_token(self, shown: bool) -> Self {
        Self { claims_in_id_token: shown, ..self }
    }

    /// Whether userinfo is answered as a signed JWT.
    pub fn signed_userinfo(self, signed: bool) -> Self {
        Self { signed_userinfo: signed, ..self }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A user as a provider's administrator adds one.
#[derive(Clone)]
pub struct Person {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) email: Option<(String, bool)>,
    pub(crate) name: Option<(String, String)>,
    pub(crate) factors: Vec<Enrolled>,
    pub(crate) standing: Standing,
}

impl Person {
    /// A person with a user name and a password.
    pub fn new(username: &str, password: &str) -> Self {
        let (factors, standing) = (Vec::new(), Standing::Active);
        Self { username: username.into(), password: password.into(), email: None, name: None, factors, standing }
    }

    /// With one factor more: its destination; of an authenticator app, the seed; of a recovery code, the code.
    pub fn factor(mut self, factor: Factor, to: &str) -> Self {
        self.factors.push(Enrolled::new(factor, to));
        self
    }

    /// What the provider makes of the account.
    pub fn standing(self, standing: Standing) -> Self {
        Self { standing, ..self }
    }

    /// The e-mail, and whether it is verified.
    pub fn email(self, address: &str, verified: bool) -> Self {
        Self { email: Some((address.into(), verified)), ..self }
    }

    /// First and last name.
    pub fn name(self, given: &str, family: &str) -> Self {
        Self { name: Some((given.into(), family.into())), ..self }
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("username", &self.username).finish_non_exhaustive()
    }
}
