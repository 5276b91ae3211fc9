//! An authorization request (RFC 6749 section 4.1.1, OIDC Core section 3.1.2.1), checked in the order in which the
//! server checks: client, redirect URI, response type, repetitions, scope, PKCE.

use axum::http::StatusCode;

use super::super::Realm;
use super::super::client::{Client, ClientKind};
use crate::core::callback::{ResponseMode, Target};
use crate::core::pkce::Challenge;
use crate::core::wire::Form;

/// What a client has asked for.
#[derive(Debug, Clone)]
pub(in crate::keycloak) struct AuthorizationRequest {
    pub(in crate::keycloak) client: String,
    pub(in crate::keycloak) target: Target,
    pub(in crate::keycloak) scopes: Vec<String>,
    pub(in crate::keycloak) nonce: Option<String>,
    pub(in crate::keycloak) challenge: Option<Challenge>,
    pub(in crate::keycloak) login_hint: Option<String>,
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
    /// Whether `prompt` asks for it: `none`, `login`. Others are ignored.
    pub(in crate::keycloak) fn prompts(&self, prompt: &str) -> bool {
        self.prompts.iter().any(|asked| asked == prompt)
    }

    /// The request of these parameters.
    pub(super) fn check(realm: &Realm, parameters: &Form) -> Result<Self, Refused> {
        let get = |name: &str| parameters.text(name);
        let client = find_client(realm, parameters)?;
        let redirect_uri = get("redirect_uri").filter(|address| client.redirect_uris.contains(address));
        let redirect_uri = redirect_uri.ok_or(page("Invalid parameter: redirect_uri"))?;
        let mut target = Target { redirect_uri, mode: ResponseMode::Default, state: get("state") };
        let refuse = |target: &Target, (error, description): (_, Option<&str>)| {
            Refused::Callback(target.clone(), error, description.map(str::to_owned))
        };
        check_response_type(client, &get, &mut target).map_err(|error| refuse(&target, error))?;
        let invalid = |description| refuse(&target, ("invalid_request", Some(description)));
        if parameters.has_duplicates() {
            return Err(invalid("duplicated parameter"));
        }
        let scope = get("scope").unwrap_or_default();
        let unknown = || refuse(&target, ("invalid_scope", Some(&format!("Invalid scopes: {scope}"))));
        let scopes = client.grant(&scope).ok_or_else(unknown)?;
        let challenge = check_challenge(client, &get).map_err(invalid)?;
        Ok(Self {
            client: client.id.clone(),
            scopes,
            nonce: get("nonce"),
            challenge,
            login_hint: get("login_hint"),
            prompts: get("prompt").unwrap_or_default().split(' ').map(str::to_owned).collect(),
            target,
        })
    }
}

const fn page(text: &'static str) -> Refused {
    Refused::Page(StatusCode::BAD_REQUEST, text)
}

fn find_client<'a>(realm: &'a Realm, parameters: &Form) -> Result<&'a Client, Refused> {
    let id = parameters.text("client_id").filter(|_| !parameters.repeats("client_id"));
    let client = realm.clients.get(&id.ok_or(page("Invalid Request"))?).ok_or(page("Client not found."))?;
    match client.kind {
        _ if !client.enabled => Err(page("Client disabled.")),
        ClientKind::Saml => Err(page("Wrong client protocol.")),
        _ => Ok(client),
    }
}

/// Sets the target's response mode. The implicit and hybrid flows are not simulated.
fn check_response_type(
    client: &Client,
    get: &dyn Fn(&str) -> Option<String>,
    target: &mut Target,
) -> Result<(), (&'static str, Option<&'static str>)> {
    let invalid = |text| ("invalid_request", Some(text));
    if get("response_type").ok_or(invalid("Missing parameter: response_type"))? != "code" {
        return Err(("unsupported_response_type", None));
    }
    if let Some(mode) = get("response_mode") {
        target.mode = ResponseMode::named(&mode).ok_or(invalid("Invalid parameter: response_mode"))?;
    }
    let disabled = "Client is not allowed to initiate browser login with given response_type. \
                    Standard flow is disabled for the client.";
    if client.standard_flow { Ok(()) } else { Err(("unauthorized_client", Some(disabled))) }
}

/// RFC 7636 section 4.3, and what the client's administrator makes of it.
fn check_challenge(client: &Client, get: &dyn Fn(&str) -> Option<String>) -> Result<Option<Challenge>, &'static str> {
    let (challenge, method) = (get("code_challenge"), get("code_challenge_method"));
    match (challenge, method.as_deref()) {
        (_, None) if client.pkce_required => Err("Missing parameter: code_challenge_method"),
        (None, None) => Ok(None),
        (None, Some(_)) => Err("Missing parameter: code_challenge"),
        (Some(challenge), Some("S256")) => Challenge::s256(challenge).map(Some),
        (Some(_), Some(_)) if client.pkce_required => {
            Err("Invalid parameter: code challenge method is not matching the configured one")
        }
        (Some(challenge), None | Some("plain")) => Challenge::plain(challenge).map(Some),
        (Some(_), Some(_)) => Err("Invalid parameter: code_challenge_method"),
    }
}
