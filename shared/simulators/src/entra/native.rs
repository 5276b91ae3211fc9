//! Native authentication of an external tenant:
//! <https://learn.microsoft.com/entra/identity-platform/reference-native-authentication-api>.
//!
//! What its documentation leaves to the tenant, a test may say: `redirect`, the call that is answered with `redirect`; `disabled`, that
//! the app is not enabled. Users have a password and codes by e-mail, where a real user flow is for one of them. How long a continuation
//! token lives is not documented: ten minutes here.

use chrono::TimeDelta;
use domain::Factor;
use serde_json::{Value, json};

use super::refusal;
use crate::core::{Direct, DirectCall, Enrolled, Open, Person, Standing};

const BELOW: &str = "/3b9c0d53-6a7e-4e0f-9a42-0123456789ab/oauth2/v2.0/";
const LIFE: TimeDelta = TimeDelta::minutes(10);
/// Longer than any test: what is older is forgotten.
const KEPT: TimeDelta = TimeDelta::days(1);
const DIGITS: usize = 8;

pub(super) fn is_at(path: &str) -> bool {
    path.strip_prefix(BELOW).is_some_and(|call| matches!(call, "initiate" | "challenge" | "introspect"))
}

pub(super) fn answer(call: &mut DirectCall<'_>) -> Option<Direct> {
    let name = match (call.path, call.grant_type) {
        ("", Some("password" | "oob")) => "token",
        ("", _) => return None,
        (path, _) => path.strip_prefix(BELOW)?,
    }
    .to_owned();
    if call.case("disabled").is_some() {
        return Some(error(7_000_218, "invalid_client", "nativeauthapi_disabled"));
    }
    if call.case("redirect").is_some_and(|at| *at == name) {
        return Some(redirect(None));
    }
    let answered = match name.as_str() {
        "initiate" => initiate(call),
        "challenge" => challenge(call),
        "introspect" => introspect(call),
        _ => token(call),
    };
    Some(answered.unwrap_or_else(|refused| refused))
}

fn error(number: u32, name: &str, suberror: &str) -> Direct {
    let (_, mut body) = refusal(number);
    body["error"] = json!(name);
    if !suberror.is_empty() {
        body["suberror"] = json!(suberror);
    }
    Direct::answer(400, body)
}

fn numbered(number: u32) -> Direct {
    let (status, body) = refusal(number);
    Direct::answer(status.as_u16(), body)
}

fn redirect(reason: Option<&str>) -> Direct {
    let mut body = json!({ "challenge_type": "redirect" });
    if let Some(reason) = reason {
        body["redirect_reason"] = json!(reason);
    }
    Direct::answer(200, body)
}

/// The types that the client can do, which have to include `redirect`.
fn types(call: &DirectCall<'_>) -> Result<Vec<String>, Direct> {
    let types = call.field("challenge_type").unwrap_or_default();
    let types: Vec<_> = types.split(' ').map(str::to_owned).collect();
    if types.iter().any(|known| known == "redirect") { Ok(types) } else { Err(error(901_007, "invalid_request", "")) }
}

fn initiate(call: &mut DirectCall<'_>) -> Result<Direct, Direct> {
    types(call)?;
    let name = call.field("username").unwrap_or_default();
    let Some(person) = call.person(&name).cloned() else {
        return Err(error(50_034, "user_not_found", ""));
    };
    let client = call.client.map(|client| client.id.clone()).unwrap_or_default();
    let capabilities = call.field("capabilities").unwrap_or_default();
    let data = json!({ "step": "initiated", "capabilities": capabilities });
    let token = follow(call, "", Open { username: Some(person.username), client, code: None, at: call.now, data });
    Ok(Direct::answer(200, json!({ "continuation_token": token })))
}

/// A new continuation token in the place of the old one.
fn follow(call: &mut DirectCall<'_>, old: &str, open: Open) -> String {
    call.close(old);
    let token = format!("AQABAAEAAA{}", call.handle());
    let at = call.now;
    call.open(&token, Open { at, ..open });
    token
}

/// The login that a continuation token stands for.
fn login(call: &DirectCall<'_>) -> Result<(String, Open, Person), Direct> {
    let token = call.field("continuation_token").unwrap_or_default();
    let client = call.client.map(|client| client.id.as_str());
    let open = call.find(&token, KEPT).filter(|open| Some(open.client.as_str()) == client);
    let found = open.and_then(|open| Some((call.person(open.username.as_deref()?)?.clone(), open)));
    match found {
        None => Err(error(55_200, "invalid_grant", "")),
        Some((_, open)) if call.now - open.at >= LIFE => Err(error(552_003, "expired_token", "")),
        Some((person, open)) => Ok((token, open, person)),
    }
}

fn challenge(call: &mut DirectCall<'_>) -> Result<Direct, Direct> {
    let types = types(call)?;
    let (old, mut open, person) = login(call)?;
    let can = |kind: &str| types.iter().any(|known| known == kind);
    if open.data["step"] == "demanded" || open.data["step"] == "second" {
        let wanted = call.field("id").unwrap_or_default();
        let found = methods(&person).into_iter().find(|(id, _)| *id == wanted);
        let Some((_, enrolled)) = found.filter(|_| can("oob")) else { return Ok(redirect(None)) };
        open.data["step"] = json!("second");
        return Ok(sent(call, &old, open, &person, &enrolled));
    }
    if can("password") && open.data["step"] == "initiated" {
        open.data["step"] = json!("password");
        let token = follow(call, &old, open);
        return Ok(Direct::answer(200, json!({ "continuation_token": token, "challenge_type": "password" })));
    }
    let email = person.email.clone().filter(|_| can("oob"));
    let Some((email, _)) = email else { return Ok(redirect(None)) };
    open.data["step"] = json!("first");
    Ok(sent(call, &old, open, &person, &Enrolled::new(Factor::EmailOtp, &email)))
}

/// Sends a code.
fn sent(call: &mut DirectCall<'_>, old: &str, open: Open, person: &Person, enrolled: &Enrolled) -> Direct {
    let code = call.send(Some(&person.username), enrolled.factor, &enrolled.to, DIGITS);
    let token = follow(call, old, Open { code: Some(code), ..open });
    let body = json!({
        "continuation_token": token, "challenge_type": "oob", "binding_method": "prompt", "challenge_channel": channel(enrolled),
        "challenge_target_label": masked(&enrolled.to), "code_length": DIGITS,
    });
    Direct::answer(200, body)
}

fn channel(enrolled: &Enrolled) -> &'static str {
    if enrolled.factor == Factor::SmsOtp { "sms" } else { "email" }
}

fn masked(to: &str) -> String {
    let last = to.char_indices().last().map_or(0, |(at, _)| at);
    format!("{}***{}", to.get(..1).unwrap_or_default(), to.get(last..).unwrap_or_default())
}

/// The second factors that a user has enrolled, with the ids that the tenant has for them.
fn methods(person: &Person) -> Vec<(String, Enrolled)> {
    let factors = person.factors.iter().enumerate();
    factors.map(|(n, enrolled)| (format!("0a0a0a0a-1111-bbbb-2222-{n:012}"), enrolled.clone())).collect()
}

fn introspect(call: &mut DirectCall<'_>) -> Result<Direct, Direct> {
    let (old, open, person) = login(call)?;
    if open.data["step"] != "demanded" {
        return Err(error(901_007, "invalid_request", ""));
    }
    let token = follow(call, &old, open);
    let entry = |(id, enrolled): &(String, Enrolled)| match enrolled.factor {
        Factor::EmailOtp | Factor::SmsOtp => json!({
            "id": id, "challenge_type": "oob", "challenge_channel": channel(enrolled), "login_hint": masked(&enrolled.to),
        }),
        // What the documentation does not name yet.
        _ => json!({ "id": id, "challenge_type": "other" }),
    };
    let list: Vec<Value> = methods(&person).iter().map(entry).collect();
    Ok(Direct::answer(200, json!({ "continuation_token": token, "methods": list })))
}

fn token(call: &mut DirectCall<'_>) -> Result<Direct, Direct> {
    let (old, mut open, person) = login(call)?;
    let step = open.data["step"].as_str().unwrap_or_default().to_owned();
    match person.standing {
        Standing::Locked => return Err(numbered(50_053)),
        Standing::Disabled if step == "first" => return Err(numbered(50_057)),
        _ => {}
    }
    match (step.as_str(), call.grant_type) {
        ("password", Some("password")) => {
            if call.field("password").as_ref() != Some(&person.password) {
                return Err(numbered(50_126));
            }
            match person.standing {
                Standing::Disabled => return Err(numbered(50_057)),
                Standing::PasswordExpired => return Err(numbered(50_055)),
                Standing::NotAssigned => return Err(numbered(50_105)),
                _ => {}
            }
            let can = |capability: &str| {
                open.data["capabilities"].as_str().is_some_and(|all| all.split(' ').any(|one| one == capability))
            };
            let demanded = match person.standing {
                Standing::MustEnrol => Some("registration_required"),
                _ => (!person.factors.is_empty()).then_some("mfa_required"),
            };
            if let Some(demanded) = demanded {
                if !can(demanded) {
                    return Ok(redirect(Some(&format!("Client is missing {demanded} capability"))));
                }
                open.data["step"] = json!("demanded");
                let token = follow(call, &old, open);
                let (status, mut body) = refusal(50_076);
                (body["suberror"], body["continuation_token"]) = (json!(demanded), json!(token));
                return Err(Direct::answer(status.as_u16(), body));
            }
        }
        ("first" | "second", Some("oob")) => {
            if call.field("oob") != open.code {
                return Err(error(50_181, "invalid_grant", "invalid_oob_value"));
            }
        }
        _ => return Err(error(55_200, "invalid_grant", "")),
    }
    call.close(&old);
    let scopes = call.scopes();
    Ok(Direct::Tokens { username: person.username, client: open.client, scopes, put_into: |answer| answer })
}
