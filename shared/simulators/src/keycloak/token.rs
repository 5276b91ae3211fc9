//! The token endpoint, in the order in which the server checks: grant, client, what the client may do, scope, user.
//!
//! Client authentication and grants follow RFC 6749 sections 2.3, 4.1 and 4.3 where Keycloak does.

use std::borrow::Cow;

use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::client::{Client, ClientKind};
use super::direct_grant::{self, Passed};
use super::login::Session;
use super::mint::{self, BrowserLogin, Login};
use super::server_error;
use super::{FlowEnd, Realm, State, code};
use crate::core::Endpoint;
use crate::core::client_key::Seen;
use crate::core::server::Call;
use crate::core::wire::Reply;

/// A refusal by the token endpoint: status, `error`, `error_description`.
pub(super) struct Refusal(StatusCode, &'static str, Cow<'static, str>);

pub(super) const fn refusal(status: StatusCode, error: &'static str, description: &'static str) -> Refusal {
    Refusal(status, error, Cow::Borrowed(description))
}

pub(super) const BAD: StatusCode = StatusCode::BAD_REQUEST;
pub(super) const DENIED: StatusCode = StatusCode::UNAUTHORIZED;

const REALM_DISABLED: Refusal = refusal(StatusCode::FORBIDDEN, "access_denied", "Realm not enabled");
const NO_GRANT_TYPE: Refusal = refusal(BAD, "invalid_request", "Missing form parameter: grant_type");
const UNSUPPORTED_GRANT: Refusal = refusal(BAD, "unsupported_grant_type", "Unsupported grant_type");
const DUPLICATED: Refusal = refusal(BAD, "invalid_request", "duplicated parameter");

const UNKNOWN_CLIENT: Refusal = refusal(DENIED, "invalid_client", "Invalid client or Invalid client credentials");
const WRONG_SECRET: Refusal = refusal(DENIED, "unauthorized_client", "Invalid client or Invalid client credentials");
const NO_ASSERTION: Refusal = refusal(BAD, "invalid_client", "Parameter client_assertion_type is missing");
const NO_CLIENT_KEY: Refusal = refusal(BAD, "invalid_client", "Unable to load public key");
// <https://github.com/keycloak/keycloak/blob/main/services/src/main/java/org/keycloak/authentication/authenticators/client/JWTClientAuthenticator.java>
const SIGNED_JWT_FAILED: &str = "Client authentication with signed JWT failed";
const SAML_CLIENT: Refusal = refusal(BAD, "invalid_client", "Wrong client protocol.");

const NO_DIRECT_GRANTS: Refusal = refusal(BAD, "unauthorized_client", "Client not allowed for direct access grants");
const CONSENT_REQUIRED: Refusal = refusal(BAD, "invalid_client", "Client requires user consent");
// `invalid_grant`, like a wrong password: only the text tells them apart.
const PROHIBITED: Refusal = refusal(BAD, "invalid_grant", "resource owner password credentials grant is prohibited.");

const NOT_SET_UP: Refusal = refusal(BAD, "invalid_grant", "Account is not fully set up");

pub(super) fn answer(state: &mut State, realm: &str, call: &Call<'_>) -> Reply {
    let reply = grant(state, realm, call).unwrap_or_else(|Refusal(status, error, description)| {
        Reply::json(status, &json!({ "error": error, "error_description": description }))
    });
    reply.header(CACHE_CONTROL, "no-store")
}

fn grant(state: &mut State, realm_name: &str, call: &Call<'_>) -> Result<Reply, Refusal> {
    let issuer = state.issuer(call.host, realm_name);
    let State { realms, sessions, codes, book, assertions, .. } = state;
    // The router has answered for unknown realms.
    let Some(realm) = realms.get_mut(realm_name).filter(|realm| realm.enabled) else { return Err(REALM_DISABLED) };

    let grant_type = call.form.text("grant_type").ok_or(NO_GRANT_TYPE)?;
    if !matches!(grant_type.as_str(), "password" | "authorization_code") {
        return Err(UNSUPPORTED_GRANT);
    }
    if call.form.has_duplicates() {
        return Err(DUPLICATED);
    }
    let client = authenticate(realm, &issuer, assertions, call)?.clone();
    let misbehaviour = book.at(Endpoint::Token);
    if grant_type == "authorization_code" {
        let sent = call.form.text("code").ok_or(code::NO_CODE)?;
        // It is used up whatever comes of it.
        let code = codes.remove(&sent).ok_or(code::BAD_CODE)?;
        let user = code.check(realm, &client, call)?;
        let browser = BrowserLogin {
            nonce: code.request.nonce.as_deref(),
            authenticated: code.authenticated,
            by_session: code.by_session,
        };
        return Ok(answered(&Login {
            realm,
            client: &client,
            user: &user,
            scopes: &code.request.scopes,
            issuer: &issuer,
            misbehaviour,
            call,
            sid: &code.sid,
            amr: &[],
            browser: Some(browser),
        }));
    }

    let scopes = check_client(&client, call)?;
    let Passed { user, amr } = direct_grant::pass(realm, &client, call)?;
    match realm.flow_end {
        Some(FlowEnd::DenyAccess) => return Ok(Reply::html(DENIED, "Access denied")),
        Some(FlowEnd::UserSessionLimits) => {
            return Ok(Reply::html(StatusCode::FORBIDDEN, "There are too many sessions"));
        }
        None => {}
    }
    if realm.pending_action(&user).is_some() {
        return Err(NOT_SET_UP);
    }
    realm.forget_failures(&user.username);

    let sid = URL_SAFE_NO_PAD.encode(call.entropy.bytes::<18>()); // 24 characters
    let reply = answered(&Login {
        realm,
        client: &client,
        user: &user,
        scopes: &scopes,
        issuer: &issuer,
        misbehaviour,
        call,
        sid: &sid,
        amr: &amr,
        browser: None,
    });
    sessions.insert(sid, Session::new(realm_name, &user.username, call.now));
    Ok(reply)
}

fn answered(login: &Login<'_>) -> Reply {
    mint::answer(login).unwrap_or_else(|_| server_error())
}

/// The client, proven to be it. The form wins over Basic, for id and secret each.
fn authenticate<'a>(
    realm: &'a Realm,
    issuer: &str,
    assertions: &mut Seen,
    call: &Call<'_>,
) -> Result<&'a Client, Refusal> {
    let (id, sent) = call.client();
    let id = id.and_then(|id| String::from_utf8(id).ok()).ok_or(UNKNOWN_CLIENT)?;
    let client = realm.clients.get(&id).filter(|client| client.enabled).ok_or(UNKNOWN_CLIENT)?;
    match &client.kind {
        ClientKind::Confidential { secret } => {
            if sent.as_deref() == Some(secret.as_bytes()) {
                Ok(client)
            } else {
                Err(WRONG_SECRET)
            }
        }
        ClientKind::Public => Ok(client),
        ClientKind::SignedJwt { .. } if call.form.bytes("client_assertion_type").is_none() => Err(NO_ASSERTION),
        ClientKind::SignedJwt { key: None } => Err(NO_CLIENT_KEY),
        ClientKind::SignedJwt { key: Some(key) } => {
            let audiences = [format!("{issuer}/protocol/openid-connect/token"), issuer.to_owned()];
            let wrong = |what| Refusal(BAD, "invalid_client", format!("{SIGNED_JWT_FAILED}: {what}").into());
            key.check(call, &client.id, &audiences, assertions).map_err(wrong).map(|()| client)
        }
        ClientKind::Saml => Err(SAML_CLIENT),
    }
}

/// What this client is granted, before anything is asked about the user.
fn check_client(client: &Client, call: &Call<'_>) -> Result<Vec<String>, Refusal> {
    if !client.direct_grants {
        return Err(NO_DIRECT_GRANTS);
    }
    if client.consent_required {
        return Err(CONSENT_REQUIRED);
    }
    if client.password_grant_prohibited {
        return Err(PROHIBITED);
    }
    let scope = call.form.text("scope").unwrap_or_default();
    client.grant(&scope).ok_or_else(|| Refusal(BAD, "invalid_scope", format!("Invalid scopes: {scope}").into()))
}

#[cfg(test)]
mod tests;
