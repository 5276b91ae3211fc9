//! What a provider does otherwise than the standard says.

use std::fmt;

use axum::http::StatusCode;
use domain::Method;
use serde_json::{Map, Value, json};

use crate::core::callback::Fields;
use crate::core::client_key::SignedSecret;
use crate::core::pkce::Pkce;
use crate::core::{Direct, DirectCall, Endpoint, Person};

/// A provider's endpoints, its claims of users, and its error texts. Everything has the standard's
/// answer; a provider's file says only what differs.
pub trait Quirks: fmt::Debug + Send + 'static {
    /// The methods by which it signs users in.
    const METHODS: &'static [Method] = &[Method::Oidc];

    /// The path of the issuer below the server.
    const ISSUER: &'static str = "";

    /// Whether it names itself in what browsers bring back (RFC 9207).
    const SENDS_ISS: bool = true;

    /// What it answers at. One without [`Endpoint::Keys`] gives no ID token.
    const ENDPOINTS: &'static [Endpoint] = &Endpoint::ALL;

    /// Whether it answers `prompt=none` without a page (OIDC Core section 3.1.2.1).
    const KNOWS_PROMPTS: bool = true;

    /// Whether a request has to have the scope `openid`. Without it there is no ID token.
    const DEMANDS_OPENID: bool = true;

    /// The scope for names.
    const PROFILE: &'static str = "profile";

    /// What stands behind `#` in the address that browsers are sent back to.
    const FRAGMENT: &'static str = "";

    /// What it demands of a client that signs its secret itself, if clients do.
    const SIGNED_SECRET: Option<SignedSecret> = None;

    /// Whether it looks at the redirect URI before it asks for a login.
    const CHECKS_FIRST: bool = true;

    /// What PKCE is to it.
    const PKCE: Pkce = Pkce::Checked;

    /// Whether a client gets a token for itself (RFC 6749 section 4.4).
    const CLIENT_CREDENTIALS: bool = false;

    /// The path of an endpoint below the issuer.
    fn path(endpoint: Endpoint) -> &'static str {
        match endpoint {
            Endpoint::Discovery => "/.well-known/openid-configuration",
            Endpoint::Keys => "/keys",
            Endpoint::Token => "/token",
            Endpoint::Userinfo => "/userinfo",
            Endpoint::Authorize => "/authorize",
            Endpoint::Login => "/login",
        }
    }

    /// How the provider names itself, where it is served at `address`: a real one has its own host in its name.
    fn issuer(address: &str) -> String {
        address.to_owned()
    }

    /// The settings of a connector to the provider that is served at `address`. One that names itself otherwise gets
    /// `discovery_endpoint` as well.
    fn settings(address: &str) -> Vec<(&'static str, Value)> {
        vec![("issuer", json!(address))]
    }

    /// The `sub` of a user, whose own `id` is a UUID.
    fn subject(id: String) -> String {
        id
    }

    /// Changes the discovery document.
    fn document(_document: &mut Value) {}

    /// Changes what is said of a user, in ID tokens and by userinfo.
    fn claims(_claims: &mut Map<String, Value>) {}

    /// Changes an ID token, once all the standard's claims are in it.
    fn id_token(_claims: &mut Map<String, Value>) {}

    /// Changes what userinfo says to this client.
    fn userinfo(_info: &mut Map<String, Value>, _client: &str) {}

    /// Whether an API of its own is at this path, beside that of userinfo.
    fn has_api(_path: &str) -> bool {
        false
    }

    /// What an API of its own answers in the place of userinfo; `None`: userinfo, as the standard has it.
    fn api(_call: &ApiCall<'_>) -> Option<(StatusCode, Value)> {
        None
    }

    /// Changes the answer to a code.
    fn tokens(_answer: &mut Value) {}

    /// Whether the token endpoint answers this `Accept` with a form, and not with JSON.
    fn answers_with_form(_accept: &str) -> bool {
        false
    }

    /// Changes a published key that signs.
    fn key(_key: &mut Value) {}

    /// Status and words of a refusal of the token endpoint (RFC 6749 section 5.2).
    fn refusal(error: &'static str) -> (StatusCode, &'static str) {
        let status = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        (status, error)
    }

    /// What it says besides, for people (`error_description`), to an error in its own words.
    fn description(_error: &'static str) -> Option<&'static str> {
        None
    }

    /// The whole of a refusal, where its words depend on more than the standard's error.
    fn refused(why: Refused) -> (StatusCode, Value) {
        let (status, error) = Self::refusal(why.error());
        let mut body = json!({ "error": error });
        if let Some(description) = Self::description(error) {
            body["error_description"] = json!(description);
        }
        (status, body)
    }

    /// What browsers are answered whose client or redirect URI is not registered: a status with the text of a page, or with the
    /// address they are sent to.
    fn unregistered(_client_is_known: bool) -> (StatusCode, &'static str) {
        (StatusCode::BAD_REQUEST, "The client or its redirect URI is not registered.")
    }

    /// What a registered client's request for these scopes and this `response_mode` is answered with instead of the login: a page.
    fn page(_scopes: &[String], _response_mode: Option<&str>) -> Option<(StatusCode, &'static str)> {
        None
    }

    /// What a callback brings besides when a user has signed in at a client for the first time.
    fn first_callback(_person: &Person, _scopes: &[String]) -> Fields {
        Fields::new()
    }

    /// Where the document is that says who signs its notifications, if it has one, and what that calls itself.
    const NOTIFIER: Option<(&'static str, &'static str)> = None;

    /// Makes the claims of a notification, which has `iss`, `aud`, `iat` and `jti`, tell `event` of a `subject`; `now` in milliseconds.
    /// What is sent then, with the token in its place; and what its address ends with. `None`: it sends none.
    fn notification(_claims: &mut Map<String, Value>, _event: &str, _subject: &str, _now: i64) -> Option<Envelope> {
        None
    }

    /// Whether an API that signs users in without a browser is at this path below the server.
    fn has_login_api(_path: &str) -> bool {
        false
    }

    /// Signs a user in without a browser, or asks for more: by a grant other than the code's, or by a call of such an API.
    /// `None`: the grant is not offered, the API does not know the call.
    fn direct(_call: &mut DirectCall<'_>) -> Option<Direct> {
        None
    }

    /// Whether a call of such an API is a form, and its client authenticates as it does at the token endpoint.
    fn authenticates_clients(_path: &str) -> bool {
        false
    }

    /// Whether a request with this `grant_type`, or a call of such an API, is for clients that authenticate with nothing: one that shows
    /// a secret is refused, and one that has a secret need not show it.
    fn is_for_public_clients(_grant_type: Option<&str>) -> bool {
        false
    }

    /// The body of an error answer in the provider's own form.
    fn error_body(error: &str, description: &str, number: u64) -> Value {
        json!({ "error": error, "error_description": description, "error_codes": [number] })
    }

    /// What is kept of a call of such an API, by the names that the standard has for it: `username`, `password`, `otp`,
    /// `client_id`, `client_secret`.
    fn direct_fields(_path: &str, _json: &Value) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The claims of a notification as it signs them by the client's secret. `None`: as it signs ID tokens.
    fn signed_by_secret(_claims: &Map<String, Value>, _secret: &str) -> Option<String> {
        None
    }

    /// The `response_mode` by which an authorization request is answered with the first question of a login without a browser
    /// ([`Quirks::begun`]) in the place of the form. Such a login ends in [`Direct::Code`].
    const BROWSERLESS: Option<&'static str> = None;

    /// What such a request is answered with; it goes by this handle from now on.
    fn begun(_call: &mut DirectCall<'_>, _handle: &str) -> Direct {
        Direct::answer(404, Value::Null)
    }

    /// What such a request is refused with, by the parameter that is wrong.
    fn not_begun(_parameter: &str) -> Direct {
        Direct::answer(400, Value::Null)
    }

    /// What is answered at a path where nothing is; `None`: a page.
    fn nowhere(_path: &str) -> Option<(StatusCode, Value)> {
        None
    }
}

/// A call of a provider's own API.
pub struct ApiCall<'a> {
    /// Its path below the issuer.
    pub path: &'a str,
    /// Whether it is a POST.
    pub is_post: bool,
    /// A header, by its name; empty if it is not there.
    pub header: &'a dyn Fn(&str) -> String,
    /// A parameter in the address.
    pub parameter: &'a dyn Fn(&str) -> Option<String>,
    /// The access token.
    pub token: &'a str,
    /// The client that the token was issued to, and its secret.
    pub client: (&'a str, Option<&'a str>),
    /// The user that the access token is about, with the id that the provider knows them by; `None` if it is none.
    pub user: Option<(&'a Person, String)>,
    /// What the token was given for.
    pub scopes: &'a [String],
    /// What userinfo would say; `None` if the token is none.
    pub said: Option<&'a Map<String, Value>>,
}

/// How a signed token is sent.
#[derive(Debug, Clone, Copy)]
pub struct Envelope {
    /// What the address ends with.
    pub query: &'static str,
    /// The media type of the body.
    pub media_type: &'static str,
    /// The body, with the token in it.
    pub body: fn(String) -> String,
}

/// Why a token request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No client has this id.
    UnknownClient,
    /// The client has a secret and has shown none.
    NoSecret,
    /// The client has another secret.
    WrongSecret,
    /// The client has no secret and has shown one.
    PublicClient,
    /// Parameters are missing, or there twice.
    Malformed,
    /// Another `grant_type`.
    UnknownGrant,
    /// The code was never issued.
    UnknownCode,
    /// The code was redeemed before.
    UsedCode,
    /// The code has expired.
    ExpiredCode,
    /// The code was issued to another client, or for another redirect URI.
    CodeOfAnother,
    /// PKCE: the verifier does not fit.
    WrongVerifier,
}

impl Refused {
    /// RFC 6749 section 5.2.
    pub(crate) fn error(self) -> &'static str {
        match self {
            Self::UnknownClient | Self::NoSecret | Self::WrongSecret | Self::PublicClient => "invalid_client",
            Self::Malformed => "invalid_request",
            Self::UnknownGrant => "unsupported_grant_type",
            Self::UnknownCode | Self::UsedCode | Self::ExpiredCode | Self::CodeOfAnother | Self::WrongVerifier => {
                "invalid_grant"
            }
        }
    }
}
