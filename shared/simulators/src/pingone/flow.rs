//! The flow API: a login without a browser, question by question.
//! <https://developer.pingidentity.com/pingone-api/auth/flows/flows-1.html>
//!
//! Not documented, and assumed here: that each call has to bring every cookie that was set before, how long a flow lives, and
//! what is answered for users who are disabled or may not use the application.

use chrono::TimeDelta;
use domain::Factor;
use serde_json::{Value, json};

use super::ENVIRONMENT;
use crate::core::{Direct, DirectCall, Enrolled, Open, Person, Standing, signer};

/// How long a flow waits for its next answer.
const LIFE: TimeDelta = TimeDelta::minutes(15);
/// How many wrong codes a flow takes.
const WRONG_CODES: u64 = 3;
/// The cookie of a server in between.
const AFFINITY: &str = "affinity";

/// The path of the issuer's environment, below which everything is.
pub(super) fn below(path: &str) -> Option<&str> {
    path.strip_prefix('/')?.strip_prefix(ENVIRONMENT)
}

/// The answer to an authorization request with `response_mode=pi.flow`.
pub(super) fn begun(call: &mut DirectCall<'_>, id: &str) -> Direct {
    let session = signer::uuid(call.entropy.bytes());
    let data = json!({ "status": "USERNAME_PASSWORD_REQUIRED", "session": session });
    let open = Open { username: None, client: String::new(), code: None, at: call.now, data };
    call.open(id, open.clone());
    answer(call, id, &open, vec![session_cookie(&session), ("set-cookie", format!("{AFFINITY}=one; Path=/; Secure"))])
}

/// The answer to a call of the flow API; `None` if there is no such call.
pub(super) fn direct(call: &mut DirectCall<'_>) -> Option<Direct> {
    let path = below(call.path)?;
    let id = match path {
        "/as/resume" => call.parameter("flowId")?,
        path => path.strip_prefix("/flows/")?.to_owned(),
    };
    let Some(mut open) = call.find(&id, LIFE) else { return Some(error(404, "NOT_FOUND", None)) };
    let has_cookies = call.cookie("ST") == open.data["session"].as_str() && call.cookie(AFFINITY) == Some("one");
    if !has_cookies {
        return Some(error(401, "ACCESS_FAILED", Some(json!({ "code": "INVALID_TOKEN" }))));
    }
    if path == "/as/resume" {
        return Some(resumed(call, &id, &open));
    }
    let status = status_of(&open);
    let media_type = call.header("content-type").unwrap_or_default();
    let action = media_type.strip_prefix("application/vnd.pingidentity.").and_then(|rest| rest.strip_suffix("+json"));
    let refused = match (call.is_post, action.unwrap_or_default(), status.as_str()) {
        (false, _, "PUSH_CONFIRMATION_REQUIRED") => {
            confirm(call, &mut open);
            None
        }
        (false, ..) => None,
        (true, "usernamePassword.check", "USERNAME_PASSWORD_REQUIRED") => check(call, &mut open),
        (true, "device.select", _) if open.username.is_some() => select(call, &mut open),
        (true, "otp.check", "OTP_REQUIRED") => check_code(call, &mut open, "otp"),
        (true, "user.verify", "VERIFICATION_CODE_REQUIRED") => check_code(call, &mut open, "verificationCode"),
        (true, "user.sendVerificationCode", "VERIFICATION_CODE_REQUIRED") => {
            verify(call, &mut open);
            None
        }
        (true, "password.reset", "PASSWORD_EXPIRED") => reset(call, &mut open),
        _ => return Some(error(401, "ACCESS_FAILED", Some(json!({ "code": "INVALID_TOKEN" })))),
    };
    // Each answer of the user's is another session.
    let mut cookies = Vec::new();
    if call.is_post && refused.is_none() {
        let session = signer::uuid(call.entropy.bytes());
        cookies.push(session_cookie(&session));
        open.data["session"] = json!(session);
    }
    open.at = call.now;
    call.open(&id, open.clone());
    Some(refused.unwrap_or_else(|| answer(call, &id, &open, cookies)))
}

fn status_of(open: &Open) -> String {
    open.data["status"].as_str().unwrap_or_default().to_owned()
}

fn session_cookie(session: &str) -> (&'static str, String) {
    let attributes = format!("Path=/{ENVIRONMENT}; Max-Age=2592000; Secure; HttpOnly; SameSite=None");
    ("set-cookie", format!("ST={session}; {attributes}"))
}

/// A flow, as it is answered. Its addresses are those of the real server.
fn answer(call: &DirectCall<'_>, id: &str, open: &Open, headers: Vec<(&'static str, String)>) -> Direct {
    let root = format!("https://auth.pingone.com/{ENVIRONMENT}");
    let mut body = json!({
        "id": id, "status": open.data["status"], "resumeUrl": format!("{root}/as/resume?flowId={id}"),
        "_links": { "self": { "href": format!("{root}/flows/{id}") } },
        "_embedded": { "application": { "name": "Landfall" } },
    });
    if !open.data["error"].is_null() {
        body["error"] = json!({ "code": open.data["error"], "message": "An error." });
    }
    if let Some(person) = open.username.as_ref().and_then(|username| call.person(username)) {
        body["_embedded"]["devices"] = person.factors.iter().map(device).collect();
    }
    if let Some(device) = open.data["device"].as_str() {
        body["selectedDevice"] = json!({ "id": device });
    }
    let status = axum::http::StatusCode::OK;
    Direct::Answer { status, body, headers }
}

/// An error object, with one detail at most.
fn error(status: u16, code: &str, detail: Option<Value>) -> Direct {
    Direct::answer(status, error_body(code, detail))
}

pub(super) fn error_body(code: &str, detail: Option<Value>) -> Value {
    let mut body = json!({ "id": "0b7d0b2c-0000-4000-8000-000000000000", "code": code, "message": "An error." });
    if let Some(mut detail) = detail {
        detail["message"] = json!("An error.");
        body["details"] = json!([detail]);
    }
    body
}

pub(super) fn invalid(target: &str) -> Direct {
    error(400, "INVALID_DATA", Some(json!({ "code": "INVALID_VALUE", "target": target })))
}

fn device_id(enrolled: &Enrolled) -> String {
    signer::uuid(signer::derive(&["device", enrolled.factor.as_str(), &enrolled.to]))
}

fn device(enrolled: &Enrolled) -> Value {
    let masked = |to: &str| format!("{}***", to.chars().next().unwrap_or_default());
    let id = device_id(enrolled);
    match enrolled.factor {
        Factor::EmailOtp => json!({ "id": id, "type": "EMAIL", "email": masked(&enrolled.to) }),
        Factor::SmsOtp => json!({ "id": id, "type": "SMS", "phone": masked(&enrolled.to) }),
        Factor::VoiceOtp => json!({ "id": id, "type": "VOICE", "phone": masked(&enrolled.to) }),
        Factor::Totp => json!({ "id": id, "type": "TOTP" }),
        Factor::Push => json!({ "id": id, "type": "MOBILE" }),
        _ => json!({ "id": id, "type": "SECURITY_KEY" }),
    }
}

/// The password. Unknown users, wrong passwords and passwords that are missing are answered alike.
fn check(call: &mut DirectCall<'_>, open: &mut Open) -> Option<Direct> {
    let given = |name: &str| call.json[name].as_str().unwrap_or_default();
    let person = call.person(given("username")).cloned();
    let Some(person) = person else { return Some(invalid("username")) };
    if person.standing == Standing::Locked {
        let detail = json!({ "code": "PASSWORD_LOCKED_OUT", "innerError": { "secondsUntilUnlock": 900 } });
        return Some(error(400, "INVALID_DATA", Some(detail)));
    }
    if given("password") != person.password {
        return Some(invalid("username"));
    }
    open.username = Some(person.username.clone());
    go_on(call, open, &person);
    None
}

/// What follows the password.
fn go_on(call: &mut DirectCall<'_>, open: &mut Open, person: &Person) {
    let failed = |open: &mut Open, code: &str| {
        open.data["status"] = json!("FAILED");
        open.data["error"] = json!(code);
    };
    match (person.standing, person.factors.as_slice()) {
        (Standing::PasswordExpired, _) => open.data["status"] = json!("PASSWORD_EXPIRED"),
        (Standing::MustVerify, _) => verify(call, open),
        (Standing::MustEnrol, _) => failed(open, "NO_USABLE_DEVICES"),
        (Standing::Disabled | Standing::NotAssigned, _) => failed(open, "ACCESS_DENIED"),
        (_, []) => open.data["status"] = json!("COMPLETED"),
        (_, [only]) => ask(call, open, &person.username, only),
        _ => open.data["status"] = json!("DEVICE_SELECTION_REQUIRED"),
    }
}

/// Asks for the factor of a device.
fn ask(call: &mut DirectCall<'_>, open: &mut Open, username: &str, device: &Enrolled) {
    open.data["device"] = json!(device_id(device));
    open.data["wrong"] = json!(0);
    open.data["status"] = json!(match device.factor {
        Factor::Push => "PUSH_CONFIRMATION_REQUIRED",
        Factor::Totp | Factor::EmailOtp | Factor::SmsOtp | Factor::VoiceOtp => "OTP_REQUIRED",
        _ => "ASSERTION_REQUIRED",
    });
    open.code = match device.factor {
        Factor::EmailOtp | Factor::SmsOtp | Factor::VoiceOtp => {
            Some(call.send(Some(username), device.factor, &device.to, 6))
        }
        _ => None,
    };
}

/// Sends a code to the e-mail, which has to be proved.
fn verify(call: &mut DirectCall<'_>, open: &mut Open) {
    open.data["status"] = json!("VERIFICATION_CODE_REQUIRED");
    let username = open.username.clone().unwrap_or_default();
    let email = call.person(&username).and_then(|person| person.email.clone());
    open.code = Some(call.send(Some(&username), Factor::EmailOtp, &email.unwrap_or_default().0, 8));
}

fn select(call: &mut DirectCall<'_>, open: &mut Open) -> Option<Direct> {
    let person = open.username.as_ref().and_then(|username| call.person(username)).cloned();
    let chosen = call.json["device"]["id"].as_str().unwrap_or_default();
    let found = person.and_then(|person| {
        let device = person.factors.iter().find(|enrolled| device_id(enrolled) == chosen)?.clone();
        Some((person.username, device))
    });
    match found {
        Some((username, device)) => {
            ask(call, open, &username, &device);
            None
        }
        None => Some(invalid("device")),
    }
}

fn check_code(call: &mut DirectCall<'_>, open: &mut Open, name: &str) -> Option<Direct> {
    let wrong = open.data["wrong"].as_u64().unwrap_or_default();
    if wrong >= WRONG_CODES {
        let detail = json!({ "code": "QUOTA_EXCEEDED", "innerError": { "coolDownExpiresAt": 0 } });
        return Some(error(400, "INVALID_DATA", Some(detail)));
    }
    let given = call.json[name].as_str().unwrap_or_default().to_owned();
    let username = open.username.clone().unwrap_or_default();
    let is_right = match &open.code {
        Some(sent) => *sent == given,
        None => call.redeem_totp(&username, &given),
    };
    if !is_right {
        open.data["wrong"] = json!(wrong + 1);
        return Some(error(400, "INVALID_DATA", Some(json!({ "code": "INVALID_OTP", "target": name }))));
    }
    open.data["status"] = json!("COMPLETED");
    None
}

fn confirm(call: &mut DirectCall<'_>, open: &mut Open) {
    let username = open.username.clone().unwrap_or_default();
    match call.take_confirmation(&username) {
        None => {}
        Some(true) => open.data["status"] = json!("COMPLETED"),
        Some(false) => open.data["status"] = json!("PUSH_CONFIRMATION_TIMED_OUT"),
    }
}

fn reset(call: &mut DirectCall<'_>, open: &mut Open) -> Option<Direct> {
    let given = |name: &str| call.json[name].as_str().unwrap_or_default().to_owned();
    let (current, new) = (given("currentPassword"), given("newPassword"));
    let person = open.username.as_ref().and_then(|username| call.person(username)).cloned()?;
    if current != person.password {
        return Some(invalid("currentPassword"));
    }
    if new.chars().count() < 8 {
        let inner = json!({ "unsatisfiedRequirements": ["length"] });
        let detail = json!({ "code": "INVALID_VALUE", "target": "newPassword", "innerError": inner });
        return Some(error(400, "INVALID_DATA", Some(detail)));
    }
    call.change_password(&person.username, &new);
    let changed = call.person(&person.username).cloned()?;
    go_on(call, open, &changed);
    None
}

/// The end of a flow: the answer to the authorization request.
fn resumed(call: &mut DirectCall<'_>, id: &str, open: &Open) -> Direct {
    match (&open.username, status_of(open).as_str()) {
        (Some(username), "COMPLETED") => {
            call.close(id);
            let put_into = |code: &str, state: &str| {
                json!({
                    "id": ENVIRONMENT, "status": "COMPLETED", "environment": { "id": ENVIRONMENT },
                    "session": { "id": ENVIRONMENT }, "authorizeResponse": { "code": code, "state": state },
                })
            };
            Direct::Code { username: username.clone(), handle: id.to_owned(), put_into }
        }
        _ => answer(call, id, open, Vec::new()),
    }
}
