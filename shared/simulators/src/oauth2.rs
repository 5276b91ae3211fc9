//! Providers that speak OAuth 2.0 without OpenID Connect, as their documentation shows them: no discovery document, no keys and no ID
//! token; who has logged in, an API says. Each is a [`Dialect`]; the source of each stands at it.

mod dialects;

#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::marker::PhantomData;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::core::{ApiCall, Endpoint, Person, Pkce, Quirks, Refused, Simulator, by_redirect};

pub use dialects::{Bitbucket, Discord, Dropbox, GitHub, LinkedIn, Reddit, Spotify, Twitter};

/// GitHub, to a connector with its preset.
pub const SIMULATOR: Simulator = by_redirect::<Oauth<GitHub>>("oauth2");
/// X, likewise.
pub const X: Simulator = by_redirect::<Oauth<Twitter>>("oauth2");
/// LinkedIn, likewise.
pub const LINKEDIN: Simulator = by_redirect::<Oauth<LinkedIn>>("oauth2");
/// Discord, which has no preset, as all that follow.
pub const DISCORD: Simulator = by_redirect::<Oauth<Discord>>("oauth2");
/// Spotify.
pub const SPOTIFY: Simulator = by_redirect::<Oauth<Spotify>>("oauth2");
/// Bitbucket Cloud.
pub const BITBUCKET: Simulator = by_redirect::<Oauth<Bitbucket>>("oauth2");
/// Dropbox.
pub const DROPBOX: Simulator = by_redirect::<Oauth<Dropbox>>("oauth2");
/// Reddit.
pub const REDDIT: Simulator = by_redirect::<Oauth<Reddit>>("oauth2");

/// What one provider does in its own way. Its endpoints are on several hosts, here on one.
pub struct Dialect {
    /// The settings of a connector to the provider that is served at an address, if it has a preset.
    settings: fn(&str) -> Vec<(&'static str, Value)>,
    authorize: &'static str,
    token: &'static str,
    /// The first one says who has logged in.
    apis: &'static [Api],
    /// The id of a user, made of a UUID.
    id: fn(&str) -> String,
    pkce: Pkce,
    /// How it names itself in what browsers bring back (RFC 9207), if it does.
    iss: Option<&'static str>,
    /// Whether the token endpoint answers this `Accept` with a form.
    answers_with_form: fn(&str) -> bool,
    /// Changes the answer to a code.
    tokens: fn(&mut Value),
    /// How the token endpoint refuses.
    refused: fn(Refused) -> (StatusCode, Value),
    /// How an API refuses a token, and a call without a token that it takes: 401, or the status.
    forbidden: fn(StatusCode) -> Value,
}

/// One address of an API.
struct Api {
    path: &'static str,
    is_post: bool,
    /// Without this scope it answers with this status.
    scope: Option<(&'static str, StatusCode)>,
    says: fn(&User<'_>) -> Value,
}

/// What an API may say.
struct User<'a> {
    id: String,
    username: &'a str,
    name: String,
    email: Option<(&'a str, bool)>,
    scopes: &'a [String],
}

impl User<'_> {
    fn granted(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    fn address(&self) -> Option<&str> {
        self.email.map(|(address, _)| address)
    }

    fn is_verified(&self) -> bool {
        self.email.is_some_and(|(_, verified)| verified)
    }
}

/// Which provider is played.
pub trait Play: Debug + Send + 'static {
    /// What it does in its own way.
    const DIALECT: Dialect;
}

/// A provider without OpenID Connect.
#[derive(Debug)]
pub struct Oauth<P>(PhantomData<P>);

impl<P: Play> Quirks for Oauth<P> {
    const SENDS_ISS: bool = P::DIALECT.iss.is_some();
    const ENDPOINTS: &'static [Endpoint] = &[Endpoint::Token, Endpoint::Userinfo, Endpoint::Authorize, Endpoint::Login];
    const KNOWS_PROMPTS: bool = false;
    const CHECKS_FIRST: bool = false;
    const PKCE: Pkce = P::DIALECT.pkce;

    fn path(endpoint: Endpoint) -> &'static str {
        match endpoint {
            Endpoint::Token => P::DIALECT.token,
            Endpoint::Userinfo => P::DIALECT.apis.first().map_or("", |api| api.path),
            Endpoint::Authorize => P::DIALECT.authorize,
            Endpoint::Login => "/sign-in",
            Endpoint::Discovery | Endpoint::Keys => "",
        }
    }

    fn has_api(path: &str) -> bool {
        P::DIALECT.apis.iter().any(|api| api.path == path)
    }

    fn issuer(address: &str) -> String {
        P::DIALECT.iss.unwrap_or(address).to_owned()
    }

    fn settings(address: &str) -> Vec<(&'static str, Value)> {
        (P::DIALECT.settings)(address)
    }

    fn subject(id: String) -> String {
        (P::DIALECT.id)(&id)
    }

    fn api(call: &ApiCall<'_>) -> Option<(StatusCode, Value)> {
        let Dialect { apis, forbidden, .. } = P::DIALECT;
        let refused = |status| Some((status, forbidden(status)));
        let api = apis.iter().find(|api| api.path == call.path)?;
        let Some((person, id)) = &call.user else { return refused(StatusCode::UNAUTHORIZED) };
        let user = user(person, id, call.scopes);
        match api.scope {
            _ if (call.header)("user-agent").is_empty() => refused(StatusCode::FORBIDDEN),
            _ if api.is_post != call.is_post => refused(StatusCode::METHOD_NOT_ALLOWED),
            Some((scope, status)) if !user.granted(scope) => refused(status),
            _ => Some((StatusCode::OK, (api.says)(&user))),
        }
    }

    fn tokens(answer: &mut Value) {
        (P::DIALECT.tokens)(answer);
    }

    fn answers_with_form(accept: &str) -> bool {
        (P::DIALECT.answers_with_form)(accept)
    }

    fn refused(why: Refused) -> (StatusCode, Value) {
        (P::DIALECT.refused)(why)
    }

    /// A browser that is not signed in is asked for a login before anything else.
    fn unregistered(_: bool) -> (StatusCode, &'static str) {
        (StatusCode::OK, "Sign in")
    }
}

fn user<'a>(person: &'a Person, id: &str, scopes: &'a [String]) -> User<'a> {
    let name = person.name.as_ref().map(|(given, family)| format!("{given} {family}")).unwrap_or_default();
    let email = person.email.as_ref().map(|(address, verified)| (address.as_str(), *verified));
    User { id: id.to_owned(), username: &person.username, name, email, scopes }
}

/// RFC 6749 section 5.2, with a sentence of the provider's.
fn standard(why: Refused, descriptions: &[(&str, &str)]) -> (StatusCode, Value) {
    let error = why.error();
    let status = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    let mut body = json!({ "error": error });
    if let Some((_, description)) = descriptions.iter().find(|(known, _)| *known == error) {
        body["error_description"] = json!(description);
    }
    (status, body)
}

/// The number in a UUID: its first eight hexadecimal digits.
fn number(id: &str) -> u64 {
    id.get(..8).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

/// Of a document that knows no more than who has logged in.
fn bare(address: &str, dialect: &Dialect) -> Vec<(&'static str, Value)> {
    let api = dialect.apis.first().map_or("", |api| api.path);
    let userinfo = json!([{ "url": format!("{address}{api}"), "claims": { "sub": "/id" } }]);
    vec![
        ("authorization_endpoint", json!(format!("{address}{}", dialect.authorize))),
        ("token_endpoint", json!(format!("{address}{}", dialect.token))),
        ("userinfo", userinfo),
    ]
}

/// Of the settings of a preset.
fn preset(name: &str, address: &str, api: &str, authorize: &str, token: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("preset", json!(name)),
        ("api", json!(format!("{address}{api}"))),
        ("authorization_endpoint", json!(format!("{address}{authorize}"))),
        ("token_endpoint", json!(format!("{address}{token}"))),
    ]
}
