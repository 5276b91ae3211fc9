//! Authorization codes: what they are bound to, and what becomes of them at the token endpoint
//! (RFC 6749 section 4.1.3).

use chrono::{DateTime, Utc};

use super::authorize::AuthorizationRequest;
use super::client::Client;
use super::token::{BAD, Refusal, refusal};
use super::{Realm, User};
use crate::core::pkce::{Challenge, WrongVerifier};
use crate::core::server::Call;

/// How long a code is good for in a fresh realm, in seconds.
const LIFESPAN: i64 = 60;

pub(super) const NO_CODE: Refusal = refusal(BAD, "invalid_request", "Missing parameter: code");
pub(super) const BAD_CODE: Refusal = refusal(BAD, "invalid_grant", "Code not valid");
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

/// A code that has not been used yet.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) sid: String,
    pub(super) username: String,
    pub(super) request: AuthorizationRequest,
    pub(super) issued: DateTime<Utc>,
    pub(super) authenticated: DateTime<Utc>,
    pub(super) by_session: bool,
}

impl Code {
    /// Whose login it stands for, if `client` may redeem it with this request.
    pub(super) fn check(&self, realm: &Realm, client: &Client, call: &Call<'_>) -> Result<User, Refusal> {
        if (call.now - self.issued).num_seconds() >= LIFESPAN {
            return Err(BAD_CODE);
        }
        let user = realm.users.get(&self.username).ok_or(NO_USER)?;
        if !user.enabled {
            return Err(USER_DISABLED);
        }
        if call.form.text("redirect_uri").as_ref() != Some(&self.request.target.redirect_uri) {
            return Err(WRONG_REDIRECT_URI);
        }
        if self.request.client != client.id {
            return Err(WRONG_CLIENT);
        }
        if !client.standard_flow {
            return Err(NO_STANDARD_FLOW);
        }
        let verifier = call.form.text("code_verifier");
        Challenge::check(self.request.challenge.as_ref(), verifier.as_deref()).map_err(|wrong| match wrong {
            WrongVerifier::Unasked => NO_CHALLENGE,
            WrongVerifier::Missing => NO_VERIFIER,
            WrongVerifier::Malformed => BAD_VERIFIER,
            WrongVerifier::Mismatch => WRONG_VERIFIER,
        })?;
        Ok(user.clone())
    }
}

#[cfg(test)]
mod tests;
