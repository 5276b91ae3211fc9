//! Passwords, and the second factors after them:
//! <https://auth0.com/docs/api/authentication/resource-owner-password-flow/get-token>,
//! <https://auth0.com/docs/secure/multi-factor-authentication/authenticate-using-ropg-flow-with-mfa>,
//! <https://auth0.com/docs/secure/attack-protection/brute-force-protection>.
//!
//! Recovery codes are listed, but not taken.

use chrono::TimeDelta;
use domain::Factor;
use serde_json::{Value, json};

use crate::core::{Direct, DirectCall, Enrolled, Open, Standing};

pub(super) const CHALLENGE: &str = "/mfa/challenge";
pub(super) const AUTHENTICATORS: &str = "/mfa/authenticators";

const PASSWORD: &str = "password";
const PASSWORD_REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
const MFA_OTP: &str = "http://auth0.com/oauth/grant-type/mfa-otp";
const MFA_OOB: &str = "http://auth0.com/oauth/grant-type/mfa-oob";

/// The tenant's one database.
const REALM: &str = "Username-Password-Authentication";
/// How long a demand for a second factor is good, and a code that was sent.
const MFA_TOKEN: TimeDelta = TimeDelta::minutes(10);
const CODE: TimeDelta = TimeDelta::minutes(5);
/// How many failures of one user from one address lock the user there, and for how long.
const FAILURES: u64 = 10;
const LOCKED: TimeDelta = TimeDelta::days(30);

const BLOCKED: &str = "Your account has been blocked after multiple consecutive login attempts. We've sent you a notification \
                       via your preferred contact method with instructions on how to unblock it.";

pub(super) fn answer(call: &mut DirectCall<'_>) -> Option<Direct> {
    if let Some(grant) = call.grant_type {
        let grants = call.case("grants").and_then(Value::as_array);
        if grants.is_some_and(|grants| grants.iter().all(|allowed| allowed != grant)) {
            let text = format!("Grant type '{grant}' not allowed for the client.");
            return Some(refusal(403, "unauthorized_client", &text));
        }
    }
    Some(match (call.path, call.grant_type) {
        ("", Some(PASSWORD)) => password(call),
        ("", Some(PASSWORD_REALM)) if call.field("realm").as_deref() == Some(REALM) => password(call),
        ("", Some(PASSWORD_REALM)) => refusal(400, "invalid_request", "the connection was not found"),
        ("", Some(MFA_OTP)) => second_factor(call, app_code),
        ("", Some(MFA_OOB)) => second_factor(call, out_of_band),
        (CHALLENGE, None) if call.is_post => challenge(call),
        (AUTHENTICATORS, None) if !call.is_post => authenticators(call),
        _ => return None,
    })
}

fn refusal(status: u16, error: &str, description: &str) -> Direct {
    Direct::answer(status, json!({ "error": error, "error_description": description }))
}

fn password(call: &mut DirectCall<'_>) -> Direct {
    let (Some(username), Some(password)) = (call.field("username"), call.field("password")) else {
        return refusal(400, "invalid_request", "Missing required parameter: username, password");
    };
    // The header counts only of a client that has shown a secret.
    let is_confidential = call.client.is_some_and(|client| client.secret.is_some());
    let address = call.header("auth0-forwarded-for").filter(|_| is_confidential).unwrap_or("ours").to_owned();
    let failures = format!("failures {address} {}", username.to_lowercase());
    let failed = call.find(&failures, LOCKED).and_then(|open| open.data.as_u64()).unwrap_or_default();
    let person = call.person(&username).cloned();
    let is_locked = person.as_ref().is_some_and(|person| person.standing == Standing::Locked);
    if is_locked || failed >= FAILURES {
        return refusal(429, "too_many_attempts", BLOCKED);
    }
    let client = call.client.map(|client| client.id.clone()).unwrap_or_default();
    let Some(person) = person.filter(|person| person.password == password) else {
        let open = Open { username: None, client, code: None, at: call.now, data: json!(failed + 1) };
        call.open(&failures, open);
        return refusal(403, "invalid_grant", "Wrong email or password.");
    };
    call.close(&failures);
    match person.standing {
        Standing::Disabled => refusal(401, "unauthorized", "user is blocked"),
        Standing::PasswordExpired => refusal(
            401,
            "password_leaked",
            "This login attempt has been blocked because the password you're using was previously disclosed through a data \
             breach (not in this application).",
        ),
        Standing::NotAssigned => refusal(403, "access_denied", "You are not allowed to use this application."),
        Standing::Active if person.factors.is_empty() => {
            Direct::Tokens { username: person.username, client, scopes: call.scopes(), put_into: |tokens| tokens }
        }
        _ => {
            let factors = call.case("factors").and_then(Value::as_u64).unwrap_or(1);
            let data = json!({ "scopes": call.scopes(), "left": factors });
            demand(call, Open { username: Some(person.username), client, code: None, at: call.now, data })
        }
    }
}

/// Demands a second factor.
fn demand(call: &mut DirectCall<'_>, open: Open) -> Direct {
    let token = format!("Fe26.2**{}", call.handle());
    let mut body = json!({
        "error": "mfa_required", "error_description": "Multifactor authentication required", "mfa_token": token,
    });
    if call.case("mfa_requirements").is_some() {
        let kind = |(_, enrolled): &(String, Enrolled)| json!({ "type": type_of(enrolled.factor) });
        let types: Vec<_> = enrolled(call, &open).iter().map(kind).collect();
        let name = if types.is_empty() { "enroll" } else { "challenge" };
        let types = if types.is_empty() { vec![json!({ "type": "otp" }), json!({ "type": "phone" })] } else { types };
        body["mfa_requirements"] = json!({ name: types });
    }
    call.open(&token, open);
    Direct::answer(403, body)
}

fn type_of(factor: Factor) -> &'static str {
    match factor {
        Factor::Totp => "otp",
        Factor::Push => "push-notification",
        Factor::EmailOtp => "email",
        Factor::RecoveryCode => "recovery-code",
        _ => "phone",
    }
}

/// What the user has enrolled, with the ids that the tenant has for it.
fn enrolled(call: &DirectCall<'_>, open: &Open) -> Vec<(String, Enrolled)> {
    let person = open.username.as_ref().and_then(|username| call.people.get(username));
    let kind = |factor: Factor| match factor {
        Factor::Totp => "totp",
        Factor::Push => "push",
        Factor::EmailOtp => "email",
        Factor::VoiceOtp => "voice",
        Factor::RecoveryCode => "recovery-code",
        _ => "sms",
    };
    let factors = person.into_iter().flat_map(|person| &person.factors).enumerate();
    factors.map(|(n, enrolled)| (format!("{}|dev_{n}", kind(enrolled.factor)), enrolled.clone())).collect()
}

/// The login that an `mfa_token` stands for.
fn login(call: &DirectCall<'_>, token: &str) -> Result<Open, Direct> {
    if !token.starts_with("Fe26.2**") {
        return Err(refusal(401, "invalid_grant", "Malformed mfa_token"));
    }
    call.find(token, MFA_TOKEN).ok_or_else(|| refusal(401, "expired_token", "mfa_token is expired"))
}

fn authenticators(call: &DirectCall<'_>) -> Direct {
    let token = call.header("authorization").and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default();
    let open = match login(call, token) {
        Ok(open) => open,
        Err(refused) => return refused,
    };
    let listed = |(id, enrolled): (String, Enrolled)| {
        let mut entry = json!({ "id": id, "authenticator_type": "oob", "active": true });
        match enrolled.factor {
            Factor::Totp => entry["authenticator_type"] = json!("otp"),
            Factor::RecoveryCode => entry["authenticator_type"] = json!("recovery-code"),
            Factor::Push => (entry["oob_channel"], entry["name"]) = (json!("auth0"), json!("Ada's phone")),
            Factor::EmailOtp => (entry["oob_channel"], entry["name"]) = (json!("email"), json!("ad****@ex****")),
            // Some answers have a list.
            Factor::VoiceOtp => (entry["oob_channels"], entry["name"]) = (json!(["voice"]), masked(&enrolled.to)),
            _ => (entry["oob_channel"], entry["name"]) = (json!("sms"), masked(&enrolled.to)),
        }
        entry
    };
    let mut list: Vec<_> = enrolled(call, &open).into_iter().map(listed).collect();
    if !list.is_empty() {
        // Begun and not confirmed: it can do nothing yet.
        list.push(
            json!({ "id": "email|dev_new", "authenticator_type": "oob", "oob_channel": "email", "active": false }),
        );
    }
    Direct::answer(200, Value::Array(list))
}

fn masked(phone: &str) -> Value {
    json!(format!("XXXXXXXX{}", phone.get(phone.len().saturating_sub(4)..).unwrap_or_default()))
}

/// Sends a code, or asks the user's app.
fn challenge(call: &mut DirectCall<'_>) -> Direct {
    let text = |name: &str| call.json[name].as_str().unwrap_or_default();
    let client = call.registered(text("client_id"));
    let is_shown = client.is_some_and(|client| match &client.secret {
        Some(secret) => text("client_secret") == secret,
        None => client.key.is_none() || !text("client_assertion").is_empty(),
    });
    if !is_shown {
        return refusal(401, "access_denied", "Unauthorized");
    }
    let token = text("mfa_token").to_owned();
    let open = match login(call, &token) {
        Ok(open) => open,
        Err(refused) => return refused,
    };
    let wanted = enrolled(call, &open).into_iter().find(|(id, _)| id == text("authenticator_id"));
    let Some((_, wanted)) = wanted.filter(|_| text("challenge_type") == "oob") else {
        return refusal(400, "unsupported_challenge_type", "The user has no such authenticator.");
    };
    let oob_code = format!("Fe26.2**{}", call.handle());
    let mut body = json!({ "challenge_type": "oob", "oob_code": oob_code });
    let mut code = None;
    if wanted.factor != Factor::Push {
        body["binding_method"] = json!("prompt");
        code = Some(call.send(open.username.as_deref(), wanted.factor, &wanted.to, 6));
    }
    let (mut data, client) = (open.data.clone(), open.client.clone());
    call.open(&oob_code, Open { username: open.username.clone(), client, code, at: call.now, data: Value::Null });
    // The newest counts.
    data["oob_code"] = json!(oob_code);
    call.open(&token, Open { data, ..open });
    Direct::answer(200, body)
}

/// A grant with the proof of a second factor.
fn second_factor(call: &mut DirectCall<'_>, prove: fn(&mut DirectCall<'_>, &Open) -> Result<(), Direct>) -> Direct {
    let token = call.field("mfa_token").unwrap_or_default();
    let client = call.client.map(|client| client.id.clone()).unwrap_or_default();
    let open = match login(call, &token) {
        Ok(open) if open.client == client => open,
        Ok(_) => return refusal(401, "invalid_grant", "Malformed mfa_token"),
        Err(refused) => return refused,
    };
    if let Err(refused) = prove(call, &open) {
        return refused;
    }
    call.close(&token);
    let left = open.data["left"].as_u64().unwrap_or(1).saturating_sub(1);
    if left > 0 {
        let data = json!({ "scopes": open.data["scopes"], "left": left });
        return demand(call, Open { at: call.now, data, ..open });
    }
    let scopes = open.data["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let scopes = scopes.map(str::to_owned).collect();
    Direct::Tokens { username: open.username.unwrap_or_default(), client, scopes, put_into: |tokens| tokens }
}

fn app_code(call: &mut DirectCall<'_>, open: &Open) -> Result<(), Direct> {
    let (username, code) = (open.username.as_deref().unwrap_or_default(), call.field("otp").unwrap_or_default());
    if call.redeem_totp(username, &code) { Ok(()) } else { Err(refusal(403, "invalid_grant", "Invalid otp_code.")) }
}

fn out_of_band(call: &mut DirectCall<'_>, open: &Open) -> Result<(), Direct> {
    let oob_code = call.field("oob_code").unwrap_or_default();
    let sent = call.find(&oob_code, CODE).filter(|_| open.data["oob_code"] == oob_code);
    let Some(sent) = sent else {
        return Err(refusal(403, "invalid_grant", "Invalid binding_code."));
    };
    match sent.code {
        Some(code) if call.field("binding_code").as_deref() == Some(&code) => {}
        Some(_) => return Err(refusal(403, "invalid_grant", "Invalid binding_code.")),
        None => match call.take_confirmation(open.username.as_deref().unwrap_or_default()) {
            None => {
                return Err(refusal(400, "authorization_pending", "Authorization pending: please repeat the request."));
            }
            Some(false) => return Err(refusal(403, "invalid_grant", "MFA Authorization rejected.")),
            Some(true) => {}
        },
    }
    call.close(&oob_code);
    Ok(())
}
