//! Authorization codes: what they are bound to, and what becomes of them at the token endpoint
//! (RFC 6749 section 4.1.3).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::client::Client;
use super::session::Session;
use super::token::{BAD, Refusal, refusal};
use super::{Realm, User};
use crate::core::pkce::{Challenge, WrongVerifier};
use crate::core::server::Call;

/// How long a code is good for in a fresh realm, in seconds.
const LIFESPAN: i64 = 60;

const NO_CODE: Refusal = refusal(BAD, "invalid_request", "Missing parameter: code");
const BAD_CODE: Refusal = refusal(BAD, "invalid_grant", "Code not valid");
const NO_USER: Refusal = refusal(BAD, "invalid_grant", "User not found");
const USER_DISABLED: Refusal = refusal(BAD, "invalid_grant", "User disabled");
const WRONG_REDIRECT_URI: Refusal = refusal(BAD, "invalid_grant", "Incorrect redirect_uri");
const WRONG_CLIENT: Refusal = refusal(BAD, "invalid_grant", "Auth error: Found different client_id in clientSession");
const NO_STANDARD_FLOW: Refusal = refusal(BAD, "invalid_grant", "Client not allowed to exchange code");
const NO_CHALLENGE: Refusal =
    refusal(BAD, "invalid_grant", "PKCE code verifier specified but challenge not present in authorization");
const NO_VERIFIER: Refusal = refusal(BAD, "invalid_grant", "PKCE code verifier not specified");
const BAD_VERIFIER: Refusal = refusal(BAD, "invalid_grant", "PKCE verification failed: Invalid code verifier");
const WRONG_VERIFIER: Refusal = refusal(BAD, "invalid_grant", "PKCE verification failed: Code mismatch");

/// A code that has not been used yet, by the first of its three parts.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) sid: String,
    pub(super) client: String,
    pub(super) username: String,
    pub(super) redirect_uri: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<Challenge>,
    pub(super) issued: DateTime<Utc>,
    pub(super) authenticated: DateTime<Utc>,
    pub(super) by_session: bool,
}

/// Redeems the code of a request by `client`. It is gone afterwards, whatever comes of it; if it was gone before, the
/// client's part of the session goes, too, because somebody has stolen one of the two (RFC 6749 section 4.1.2).
pub(super) fn redeem(
    codes: &mut BTreeMap<String, Code>,
    sessions: &mut BTreeMap<String, Session>,
    realm: &Realm,
    client: &Client,
    call: &Call<'_>,
) -> Result<(Code, User), Refusal> {
    let sent = call.form.text("code").ok_or(NO_CODE)?;
    let mut parts = sent.splitn(3, '.');
    let (Some(id), Some(sid), Some(owner)) = (parts.next(), parts.next(), parts.next()) else { return Err(BAD_CODE) };
    let known = codes.remove(id).filter(|code| code.sid == sid);
    let Some(code) = known.filter(|code| (call.now - code.issued).num_seconds() < LIFESPAN) else {
        // The real server does not ask whether such a code ever was: the other two parts are enough.
        let owner = realm.clients.values().find(|client| client.uuid_in(&realm.name) == owner);
        if let (Some(session), Some(owner)) = (sessions.get_mut(sid), owner) {
            session.clients.remove(&owner.id);
        }
        return Err(BAD_CODE);
    };
    if sessions.get(sid).is_none_or(|session| session.realm != realm.name) {
        return Err(BAD_CODE);
    }
    let user = realm.users.get(&code.username).ok_or(NO_USER)?;
    if !user.enabled {
        return Err(USER_DISABLED);
    }
    if code.redirect_uri.is_some() && code.redirect_uri != call.form.text("redirect_uri") {
        return Err(WRONG_REDIRECT_URI);
    }
    if code.client != client.id {
        return Err(WRONG_CLIENT);
    }
    if !client.standard_flow {
        return Err(NO_STANDARD_FLOW);
    }
    let verifier = call.form.text("code_verifier");
    Challenge::check(code.challenge.as_ref(), verifier.as_deref()).map_err(|wrong| match wrong {
        WrongVerifier::Unasked => NO_CHALLENGE,
        WrongVerifier::Missing => NO_VERIFIER,
        WrongVerifier::Malformed => BAD_VERIFIER,
        WrongVerifier::Mismatch => WRONG_VERIFIER,
    })?;
    Ok((code, user.clone()))
}

#[cfg(test)]
mod tests;
