//! What a direct grant asks of a user: the executions of its flow, one after the other.

use axum::http::StatusCode;

use super::SEE_THE_LOG;
use super::client::Client;
use super::token::{BAD, DENIED, Refusal, refusal};
use super::{Realm, User};
use crate::core::server::Call;

const NO_USERNAME: Refusal = refusal(DENIED, "invalid_request", "Missing parameter: username");
const BAD_CREDENTIALS: Refusal = refusal(BAD, "invalid_grant", "Invalid user credentials");
const USER_DISABLED: Refusal = refusal(BAD, "invalid_grant", "Account disabled");
// The real server throws, and so reveals that there is such a user.
const NO_SECOND_FACTOR: Refusal = refusal(StatusCode::INTERNAL_SERVER_ERROR, "unknown_error", SEE_THE_LOG);

/// A flow for direct grants, as a client is bound to one under "Authentication flow overrides".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectGrantFlow {
    asks_password: bool,
    otp: Requirement,
    otp_reference: Option<String>,
}

/// Of whom an execution asks what it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// Asked of every user.
    Required,
    /// Asked of users who have it ("Condition - user configured").
    Conditional,
    /// Never asked. An alternative next to required executions comes to the same.
    Disabled,
}

impl DirectGrantFlow {
    /// The built-in flow: username, password, and a code from who has a second factor.
    pub fn password() -> Self {
        Self { asks_password: true, otp: Requirement::Conditional, otp_reference: None }
    }

    /// A flow of one's own, "Username Validation" and "OTP": nothing looks at a password. Unless the code is
    /// [`Required`](Requirement::Required) there are users whose name alone gets their tokens.
    pub fn username_otp(otp: Requirement) -> Self {
        Self { asks_password: false, otp, otp_reference: None }
    }

    /// "Authenticator Reference" of the OTP execution (`default.reference.value`): what `amr` says of who gave a code,
    /// at clients with the [mapper](Client::amr_mapper).
    pub fn otp_reference(mut self, reference: &str) -> Self {
        self.otp_reference = Some(reference.into());
        self
    }
}

/// Who went through a flow.
pub(super) struct Passed {
    pub(super) user: User,
    /// The references of the executions that have checked something (RFC 8176).
    pub(super) amr: Vec<String>,
}

/// The user, proven to be them as far as the client's flow asks for it.
pub(super) fn pass(realm: &mut Realm, client: &Client, call: &Call<'_>) -> Result<Passed, Refusal> {
    let flow = &client.direct_grant_flow;
    let username = call.form.text("username").ok_or(NO_USERNAME)?;
    let user = realm.find_user(&username).ok_or(BAD_CREDENTIALS)?.clone();
    // Before everything else: nothing that is right or wrong shows that the account is locked.
    if user.is_locked(call.now) {
        return Err(BAD_CREDENTIALS);
    }
    if flow.asks_password && !realm.check_password(&user.username, call.form.bytes("password"), call.now) {
        return Err(BAD_CREDENTIALS);
    }
    // Only a user who has shown the password is told; in a flow without a password, no user is.
    if !user.enabled {
        return Err(if flow.asks_password { USER_DISABLED } else { BAD_CREDENTIALS });
    }
    let mut amr = Vec::new();
    match (flow.otp, &user.totp) {
        (Requirement::Disabled, _) | (Requirement::Conditional, None) => {}
        (Requirement::Required, None) => return Err(NO_SECOND_FACTOR),
        (Requirement::Required | Requirement::Conditional, Some(_)) => {
            let code = call.form.bytes("otp").or(call.form.bytes("totp"));
            if !realm.check_totp(&user.username, code, call.now) {
                return Err(BAD_CREDENTIALS);
            }
            amr.extend(flow.otp_reference.clone());
        }
    }
    Ok(Passed { user, amr })
}

#[cfg(test)]
mod tests;
