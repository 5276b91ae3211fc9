//! Grants without a browser: the resource owner's password, and direct authentication:
//! <https://developer.okta.com/docs/guides/implement-grant-type/ropassword/main/>,
//! <https://developer.okta.com/docs/guides/configure-direct-auth-grants/>.
//!
//! Assumed, because no page says it: how long an `mfa_token` is good, what a password grant answers for a user who is
//! suspended, and that a wrong code leaves the `mfa_token` good.

use chrono::TimeDelta;
use domain::Factor;
use serde_json::json;

use super::{Okta, idx};
use crate::core::{Direct, DirectCall, Open, Quirks, Standing};

pub(super) const CHALLENGE: &str = "/oauth2/default/v1/challenge";
const MFA_OTP: &str = "http://auth0.com/oauth/grant-type/mfa-otp";
const MFA_OOB: &str = "http://auth0.com/oauth/grant-type/mfa-oob";
const OTP: &str = "urn:okta:params:oauth:grant-type:otp";

const LIFE: TimeDelta = TimeDelta::seconds(300);
/// Seconds between two polls.
const INTERVAL: i64 = 5;

/// A refusal as OAuth has it.
pub(super) fn refused(status: u16, error: &str, description: &str) -> Direct {
    Direct::answer(status, Okta::error_body(error, description, 0))
}

fn expired(token: &str) -> Direct {
    refused(403, "access_denied", &format!("'{token}' has expired. Use a new '{token}' and try again."))
}

pub(super) fn wrong_code() -> Direct {
    let description = "The 'otp' provided is either empty or incorrect. Use the correct OTP and try again.";
    refused(400, "invalid_grant", description)
}

fn not_enrolled() -> Direct {
    refused(
        403,
        "access_denied",
        "The required authenticator cannot be used. Check if it is required by policy and the user is enrolled in the \
         authenticator and try again.",
    )
}

/// A grant of the token endpoint; `None` if it is not offered.
pub(super) fn grant(call: &mut DirectCall<'_>, grant_type: &str) -> Option<Direct> {
    Some(match grant_type {
        "password" => password(call),
        MFA_OTP => second_code(call),
        MFA_OOB => out_of_band(call),
        OTP => code_alone(call),
        "interaction_code" => idx::redeem(call),
        _ => return None,
    })
}

fn client(call: &DirectCall<'_>) -> String {
    call.client.map(|client| client.id.clone()).unwrap_or_default()
}

/// The user's tokens, for the scopes that the login began with.
pub(super) fn tokens(call: &DirectCall<'_>, username: String, scope: &str) -> Direct {
    let scopes = scope.split(' ').map(str::to_owned).collect();
    Direct::Tokens { username, client: client(call), scopes, put_into: |answer| answer }
}

fn password(call: &mut DirectCall<'_>) -> Direct {
    let field = |name: &str| call.field(name).unwrap_or_default();
    let person = call.person(&field("username")).filter(|person| person.password == field("password"));
    let Some(person) = person.filter(|person| person.standing != Standing::Locked) else {
        return refused(400, "invalid_grant", "The credentials provided were invalid.");
    };
    if let Some(refusal) = of_standing(person.standing) {
        return refusal;
    }
    let (username, factors, scope) = (person.username.clone(), person.factors.clone(), field("scope"));
    if factors.is_empty() && person.standing != Standing::MustEnrol {
        return tokens(call, username, &scope);
    }
    let has_app = factors.iter().any(|enrolled| enrolled.factor == Factor::Totp);
    let has_other = factors.iter().any(|enrolled| enrolled.factor != Factor::Totp);
    let types = [(has_app, MFA_OTP), (has_other, MFA_OOB)].into_iter().filter(|(has, _)| *has);
    let types: Vec<_> = types.map(|(_, of)| of).collect();
    let (token, client) = (call.handle(), client(call));
    let mut body = json!({
        "error": "mfa_required",
        "error_description": "Verify with an additional authenticator to complete the sign-in process.",
        "mfa_token": token,
    });
    if !types.is_empty() {
        body["supported_challenge_types"] = json!(types);
    }
    let data = json!({ "is": "mfa_token", "scope": scope });
    call.open(&token, Open { username: Some(username), client, code: None, at: call.now, data });
    Direct::answer(403, body)
}

/// What an account that may not sign in is answered, once its password has been found right.
fn of_standing(standing: Standing) -> Option<Direct> {
    Some(match standing {
        Standing::Disabled => refused(403, "access_denied", "User status is invalid."),
        Standing::PasswordExpired => refused(400, "invalid_grant", "Password has expired."),
        Standing::NotAssigned => refused(400, "access_denied", "User is not assigned to the client application."),
        Standing::Active | Standing::Locked | Standing::MustEnrol | Standing::MustVerify => return None,
    })
}

/// The login that waits at this token, with the user's name.
fn waiting(call: &DirectCall<'_>, parameter: &str) -> Result<(Open, String), Direct> {
    let token = call.field(parameter).unwrap_or_default();
    let open = call.find(&token, LIFE).filter(|open| open.data["is"] == parameter);
    let Some(open) = open else { return Err(expired(parameter)) };
    if open.client != client(call) {
        let description = format!(
            "The client_id '{}' does not match the client_id in the original request '{}'. Use the original client id and try \
             again.",
            client(call),
            open.client,
        );
        return Err(refused(401, "invalid_client", &description));
    }
    let username = open.username.clone().unwrap_or_default();
    Ok((open, username))
}

fn has(call: &DirectCall<'_>, username: &str, factor: Factor) -> bool {
    call.people.get(username).is_some_and(|person| person.factors.iter().any(|enrolled| enrolled.factor == factor))
}

fn second_code(call: &mut DirectCall<'_>) -> Direct {
    let (open, username) = match waiting(call, "mfa_token") {
        Ok(waiting) => waiting,
        Err(refusal) => return refusal,
    };
    if !has(call, &username, Factor::Totp) {
        return not_enrolled();
    }
    if !call.redeem_totp(&username, &call.field("otp").unwrap_or_default()) {
        return wrong_code();
    }
    call.close(&call.field("mfa_token").unwrap_or_default());
    tokens(call, username, open.data["scope"].as_str().unwrap_or_default())
}

/// A code by phone, or a question in the user's app.
pub(super) fn challenge(call: &mut DirectCall<'_>) -> Direct {
    let (_, username) = match waiting(call, "mfa_token") {
        Ok(waiting) => waiting,
        Err(refusal) => return refusal,
    };
    if call.field("challenge_types_supported").as_deref() != Some(MFA_OOB) {
        return refused(400, "invalid_request", "The required parameter 'challenge_types_supported' is missing.");
    }
    let channel = call.field("channel_hint").unwrap_or_default();
    let factor = match channel.as_str() {
        "sms" => Factor::SmsOtp,
        "voice" => Factor::VoiceOtp,
        "push" => Factor::Push,
        _ => return refused(400, "invalid_request", "The required parameter 'channel_hint' is missing."),
    };
    let person = call.people.get(&username);
    let enrolled = person.and_then(|person| person.factors.iter().find(|enrolled| enrolled.factor == factor).cloned());
    let Some(enrolled) = enrolled else { return not_enrolled() };
    let oob_code = call.handle();
    let mut body = json!({
        "challenge_type": MFA_OOB, "oob_code": oob_code, "expires_in": LIFE.num_seconds(), "channel": channel,
    });
    let code = if factor == Factor::Push {
        let [number, ..] = call.entropy.bytes::<16>();
        (body["binding_method"], body["interval"]) = (json!("transfer"), json!(INTERVAL));
        body["binding_code"] = json!(format!("{:02}", number % 100));
        None
    } else {
        body["binding_method"] = json!("prompt");
        Some(call.send(Some(&username), factor, &enrolled.to, 6))
    };
    let data = json!({ "is": "oob_code", "mfa_token": call.field("mfa_token") });
    let open = Open { username: Some(username), client: client(call), code, at: call.now, data };
    call.open(&oob_code, open);
    Direct::answer(200, body)
}

fn out_of_band(call: &mut DirectCall<'_>) -> Direct {
    let ((open, username), (mut oob, _)) = match (waiting(call, "mfa_token"), waiting(call, "oob_code")) {
        (Ok(login), Ok(oob)) => (login, oob),
        (Err(refusal), _) | (_, Err(refusal)) => return refusal,
    };
    let (mfa_token, oob_code) = (call.field("mfa_token"), call.field("oob_code").unwrap_or_default());
    if oob.data["mfa_token"].as_str() != mfa_token.as_deref() {
        return expired("oob_code");
    }
    let is_right = match &oob.code {
        Some(code) => Some(call.field("binding_code").as_ref() == Some(code)),
        None => call.take_confirmation(&username),
    };
    match is_right {
        Some(true) => {}
        Some(false) if oob.code.is_some() => return wrong_code(),
        Some(false) => {
            call.close(&oob_code);
            return refused(400, "invalid_grant", "User rejected out-of-band authentication prompt.");
        }
        None => {
            let polled = oob.data["polled"].as_i64();
            let now = call.now.timestamp();
            oob.data["polled"] = json!(now);
            call.open(&oob_code, oob);
            if polled.is_some_and(|polled| now - polled < INTERVAL) {
                return refused(400, "slow_down", "Slow down the polling frequency. Please try again later.");
            }
            let description = "No user response received on the out-of-band authenticator yet. Continue polling to wait for a \
                               response.";
            return refused(400, "authorization_pending", description);
        }
    }
    call.close(&oob_code);
    call.close(&mfa_token.unwrap_or_default());
    tokens(call, username, open.data["scope"].as_str().unwrap_or_default())
}

/// A code in the place of a password.
fn code_alone(call: &mut DirectCall<'_>) -> Direct {
    let found = call.person(&call.field("login_hint").unwrap_or_default());
    let Some((username, standing)) = found.map(|person| (person.username.clone(), person.standing)) else {
        return refused(400, "invalid_grant", "The 'login_hint' does not uniquely identify a user.");
    };
    let code = call.field("otp").unwrap_or_default();
    if !has(call, &username, Factor::Totp) {
        return not_enrolled();
    }
    // A locked user is answered as one whose code is wrong: assumed.
    if standing == Standing::Locked || !call.redeem_totp(&username, &code) {
        return wrong_code();
    }
    match of_standing(standing) {
        Some(refusal) if standing != Standing::PasswordExpired => refusal,
        _ => tokens(call, username, &call.field("scope").unwrap_or_default()),
    }
}
