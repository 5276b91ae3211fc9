//! An authorization request (RFC 6749 section 4.1.1, OIDC Core section 3.1.2.1), checked in the order in which the
//! server checks: client, redirect URI, response type, repetitions, scope, PKCE.

use axum::http::StatusCode;

use super::super::Realm;
use super::super::client::{Client, ClientKind};
use crate::core::callback::{ResponseMode, Target};
use crate::core::pkce::Challenge;
use crate::core::wire::Form;

/// Parameters longer than this are as good as not there.
const LONGEST: usize = 4_000;

/// What a client has asked for.
#[derive(Debug, Clone)]
pub(in crate::keycloak) struct AuthorizationRequest {
    pub(in crate::keycloak) client: String,
    pub(in crate::keycloak) target: Target,
    /// As it was sent: the exchange of the code has to repeat it.
    pub(in crate::keycloak) redirect_uri: Option<String>,
    /// `false` for the response type `none`.
    pub(in crate::keycloak) wants_code: bool,
    pub(in crate::keycloak) scopes: Vec<String>,
    pub(in crate::keycloak) nonce: Option<String>,
    pub(in crate::keycloak) challenge: Option<Challenge>,
    pub(in crate::keycloak) login_hint: Option<String>,
    /// Seconds.
    pub(in crate::keycloak) max_age: Option<i64>,
    prompts: Vec<String>,
}

/// Why a request is not answered with a login.
#[derive(Debug)]
pub(super) enum Refused {
    /// The browser stays here: the client or its address is not to be trusted.
    Page(StatusCode, &'static str),
    /// The client learns it.
    Callback(Target, &'static str, Option<String>),
}

impl AuthorizationRequest {
    /// Whether `prompt` asks for it: `none`, `login`, `consent`. Others are ignored.
    pub(in crate::keycloak) fn prompts(&self, prompt: &str) -> bool {
        self.prompts.iter().any(|asked| asked == prompt)
    }

    /// The request of these parameters.
    pub(super) fn check(realm: &Realm, parameters: &Form) -> Result<Self, Refused> {
        let get = |name: &str| parameters.text(name).filter(|value| value.len() <= LONGEST);
        let client = find_client(realm, parameters)?;
        let max_age = match get("max_age").map(|seconds| seconds.parse()) {
            None => None,
            Some(Ok(seconds)) => Some(seconds),
            Some(Err(_)) => return Err(page("Invalid Request")),
        };
        // Request objects are not simulated: each is one that cannot be read.
        if get("request").is_some() || get("request_uri").is_some() {
            return Err(page("Invalid Request"));
        }
        let scope = get("scope").unwrap_or_default();
        let redirect_uri = get("redirect_uri");
        let address =
            address(client, redirect_uri.as_deref(), &scope).ok_or(page("Invalid parameter: redirect_uri"))?;
        let mut target = Target { redirect_uri: address, mode: ResponseMode::Default, state: get("state") };
        let prompts: Vec<String> =
            get("prompt").unwrap_or_default().split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        if prompts.iter().any(|prompt| prompt == "create") {
            return Err(page("Registration not allowed"));
        }

        let refuse = |target: &Target, error, description: Option<&str>| {
            Refused::Callback(target.clone(), error, description.map(str::to_owned))
        };
        let wants_code = check_response_type(client, &get, &mut target)
            .map_err(|(error, description)| refuse(&target, error, description))?;
        if parameters.has_duplicates() {
            return Err(refuse(&target, "invalid_request", Some("duplicated parameter")));
        }
        let scopes = client
            .grant(&scope)
            .ok_or_else(|| refuse(&target, "invalid_scope", Some(&format!("Invalid scopes: {scope}"))))?;
        let challenge = check_challenge(client, &get)
            .map_err(|description| refuse(&target, "invalid_request", Some(description)))?;
        Ok(Self {
            client: client.id.clone(),
            target,
            redirect_uri,
            wants_code,
            scopes,
            nonce: get("nonce"),
            challenge,
            login_hint: get("login_hint"),
            max_age,
            prompts,
        })
    }
}

const fn page(text: &'static str) -> Refused {
    Refused::Page(StatusCode::BAD_REQUEST, text)
}

fn find_client<'a>(realm: &'a Realm, parameters: &Form) -> Result<&'a Client, Refused> {
    let id = parameters.text("client_id").filter(|_| !parameters.repeats("client_id"));
    let client = realm.clients.get(&id.ok_or(page("Invalid Request"))?).ok_or(page("Client not found."))?;
    if !client.enabled {
        return Err(page("Client disabled."));
    }
    match client.kind {
        ClientKind::BearerOnly => Err(Refused::Page(
            StatusCode::FORBIDDEN,
            "Bearer-only applications are not allowed to initiate browser login",
        )),
        ClientKind::Saml => Err(page("Wrong client protocol.")),
        _ => Ok(client),
    }
}

/// Where the answer goes. Without `openid` a client with just one address need not name it.
fn address(client: &Client, sent: Option<&str>, scope: &str) -> Option<String> {
    match sent {
        Some(sent) => client.redirects_to(sent).then(|| sent.to_owned()),
        None if scope.split(' ').any(|scope| scope == "openid") => None,
        None => match client.redirect_uris.as_slice() {
            [only] if !only.ends_with('*') => Some(only.clone()),
            _ => None,
        },
    }
}

/// Sets the target's response mode, and says whether a code is wanted.
fn check_response_type(
    client: &Client,
    get: &dyn Fn(&str) -> Option<String>,
    target: &mut Target,
) -> Result<bool, (&'static str, Option<&'static str>)> {
    let bad = |text| ("invalid_request", Some(text));
    let response_type = get("response_type").ok_or(bad("Missing parameter: response_type"))?;
    let mut words: Vec<&str> = response_type.split(' ').collect();
    words.sort_unstable();
    let implicit = match words.as_slice() {
        ["code"] | ["none"] => false,
        ["id_token"]
        | ["token"]
        | ["id_token", "token"]
        | ["code", "id_token"]
        | ["code", "token"]
        | ["code", "id_token", "token"] => true,
        _ => return Err(("unsupported_response_type", None)),
    };
    if let Some(mode) = get("response_mode") {
        target.mode = ResponseMode::named(&mode).ok_or(bad("Invalid parameter: response_mode"))?;
    }
    if implicit && target.mode == ResponseMode::Query {
        return Err(bad("Response_mode 'query' not allowed for implicit or hybrid flow"));
    }
    if implicit && target.mode == ResponseMode::Default {
        target.mode = ResponseMode::Fragment;
    }
    let disabled = if !client.standard_flow && words.contains(&"code") {
        "Client is not allowed to initiate browser login with given response_type. \
         Standard flow is disabled for the client."
    } else if implicit {
        "Client is not allowed to initiate browser login with given response_type. \
         Implicit flow is disabled for the client."
    } else {
        return Ok(words == ["code"]);
    };
    Err(("unauthorized_client", Some(disabled)))
}

/// RFC 7636 section 4.3, and what the client's administrator makes of it.
fn check_challenge(client: &Client, get: &dyn Fn(&str) -> Option<String>) -> Result<Option<Challenge>, &'static str> {
    let (challenge, method) = (get("code_challenge"), get("code_challenge_method"));
    if client.pkce_required {
        match method.as_deref() {
            None => return Err("Missing parameter: code_challenge_method"),
            Some("S256") => {}
            Some(_) => return Err("Invalid parameter: code challenge method is not matching the configured one"),
        }
    }
    match (challenge, method.as_deref()) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err("Missing parameter: code_challenge"),
        (Some(challenge), None | Some("plain")) => Challenge::plain(challenge).map(Some),
        (Some(challenge), Some("S256")) => Challenge::s256(challenge).map(Some),
        (Some(_), Some(_)) => Err("Invalid parameter: code_challenge_method"),
    }
}
