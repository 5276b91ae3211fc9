//! The user pools API: InitiateAuth by `USER_PASSWORD_AUTH` and `USER_AUTH`, and RespondToAuthChallenge.
//!
//! Shapes and types of errors: <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html>,
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RespondToAuthChallenge.html>. Messages are
//! as in reports, codes and sessions as seen at a real pool: a code has 8 digits, and a wrong one leaves its session alive.
//! `PreventUserExistenceErrors` is on:
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-managing-errors.html>.
//!
//! MFA is optional. A user without a factor may get a code by e-mail as the first factor; one whose only factor is a phone may get
//! it by SMS.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use domain::Factor;
use serde_json::{Map, Value, json};

use super::code;
use crate::core::{Direct, DirectCall, Open, Person, Standing};

/// `AuthSessionValidity`, unless it is changed.
const SESSION: TimeDelta = TimeDelta::minutes(3);
const PREFIX: &str = "AWSCognitoIdentityProviderService.";
const WRONG_PASSWORD: &str = "Incorrect username or password.";

type Answer = Result<Direct, Direct>;

/// Answers a call.
pub(super) fn answer(call: &mut DirectCall<'_>) -> Direct {
    let operation = call.header("x-amz-target").and_then(|target| target.strip_prefix(PREFIX)).map(str::to_owned);
    let is_json = call.header("content-type") == Some("application/x-amz-json-1.1");
    let answer = match operation.as_deref() {
        _ if !call.is_post || !is_json => Err(refused("SerializationException", "")),
        Some("InitiateAuth") => initiate(call),
        Some("RespondToAuthChallenge") => respond(call),
        _ => Err(refused("UnknownOperationException", "")),
    };
    answer.unwrap_or_else(|refused| refused)
}

/// What is kept of a call, by the standard's names.
pub(super) fn fields(json: &Value) -> Vec<(&'static str, String)> {
    let given = ["AuthParameters", "ChallengeResponses"].map(|name| json[name].as_object());
    let code = |name: &str| name.ends_with("_CODE");
    let of = |name: &str, value: &Value| {
        let standard = match name {
            "USERNAME" => "username",
            "PASSWORD" | "NEW_PASSWORD" => "password",
            "SECRET_HASH" => "client_secret",
            name if code(name) => "otp",
            _ => return None,
        };
        Some((standard, value.as_str()?.to_owned()))
    };
    let client = json["ClientId"].as_str().map(|id| ("client_id", id.to_owned()));
    let parameters = given.into_iter().flatten().flatten().filter_map(|(name, value)| of(name, value));
    parameters.chain(client).collect()
}

/// An error's body.
pub(super) fn error(kind: &str, message: &str) -> Value {
    json!({ "__type": kind, "message": message })
}

fn refused(kind: &str, message: &str) -> Direct {
    Direct::answer(400, error(kind, message))
}

fn not_authorized(message: &str) -> Direct {
    refused("NotAuthorizedException", message)
}

/// The client, whose secret the hash over this name shows.
fn client(call: &DirectCall<'_>, given: &Value, hashed: &str) -> Result<String, Direct> {
    let id = call.json["ClientId"].as_str().unwrap_or_default().to_owned();
    let Some(client) = call.registered(&id) else {
        return Err(refused("ResourceNotFoundException", &format!("User pool client {id} does not exist.")));
    };
    let shown = given["SECRET_HASH"].as_str();
    match (client.secret.as_deref(), shown) {
        (None, None) => Ok(id),
        (Some(_), None) => {
            Err(not_authorized(&format!("Client {id} is configured with secret but SECRET_HASH was not received")))
        }
        (Some(secret), Some(shown)) if shown == secret_hash(secret, &format!("{hashed}{id}")) => Ok(id),
        (_, Some(_)) => Err(not_authorized(&format!("Unable to verify secret hash for client {id}"))),
    }
}

fn secret_hash(secret: &str, message: &str) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), message.as_bytes()))
}

fn initiate(call: &mut DirectCall<'_>) -> Answer {
    let given = call.json["AuthParameters"].clone();
    let text = |name: &str| given[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let missing = |name| refused("InvalidParameterException", &format!("Missing required parameter {name}"));
    let username = text("USERNAME").ok_or_else(|| missing("USERNAME"))?;
    let client = client(call, &given, &username)?;
    match call.json["AuthFlow"].as_str() {
        Some("USER_PASSWORD_AUTH") => {
            let password = text("PASSWORD").ok_or_else(|| missing("PASSWORD"))?;
            by_password(call, client, &username, &password)
        }
        Some("USER_AUTH") => Ok(code::begin(call, client, &username, text("PREFERRED_CHALLENGE").as_deref())),
        _ => Err(refused("InvalidParameterException", "Initiate Auth method not supported.")),
    }
}

fn by_password(call: &mut DirectCall<'_>, client: String, username: &str, password: &str) -> Answer {
    let person = call.person(username).cloned();
    let locked = person.as_ref().is_some_and(|person| person.standing == Standing::Locked);
    if locked {
        return Err(not_authorized("Password attempts exceeded"));
    }
    let person = person.filter(|person| person.password == password);
    let person = person.ok_or_else(|| not_authorized(WRONG_PASSWORD))?;
    match person.standing {
        Standing::Disabled => Err(not_authorized("User is disabled.")),
        Standing::NotAssigned => {
            Err(refused("UserLambdaValidationException", "PreAuthentication failed with error not for you."))
        }
        Standing::PasswordExpired => {
            let parameters = json!({ "requiredAttributes": "[]", "userAttributes": "{\"email_verified\":\"true\"}" });
            Ok(ask(call, &client, &person, "NEW_PASSWORD_REQUIRED", None, parameters))
        }
        Standing::MustEnrol => {
            let parameters = json!({ "MFAS_CAN_SETUP": "[\"SOFTWARE_TOKEN_MFA\"]" });
            Ok(ask(call, &client, &person, "MFA_SETUP", None, parameters))
        }
        Standing::MustVerify => Err(refused("UserNotConfirmedException", "User is not confirmed.")),
        Standing::Active | Standing::Locked => Ok(second_step(call, client, &person)),
    }
}

/// The name of a factor's challenge after a password.
fn challenge_of(factor: Factor) -> Option<&'static str> {
    match factor {
        Factor::SmsOtp => Some("SMS_MFA"),
        Factor::Totp => Some("SOFTWARE_TOKEN_MFA"),
        Factor::EmailOtp => Some("EMAIL_OTP"),
        _ => None,
    }
}

fn second_step(call: &mut DirectCall<'_>, client: String, person: &Person) -> Direct {
    let challenges: Vec<_> = person.factors.iter().filter_map(|enrolled| challenge_of(enrolled.factor)).collect();
    match challenges.as_slice() {
        [] => signed_in(client, &person.username),
        [one] => challenge(call, &client, person, one),
        several => {
            let parameters = json!({ "MFAS_CAN_CHOOSE": json!(several).to_string() });
            ask(call, &client, person, "SELECT_MFA_TYPE", None, parameters)
        }
    }
}

/// A code is asked for, and sent if it is none of an app.
fn challenge(call: &mut DirectCall<'_>, client: &str, person: &Person, name: &str) -> Direct {
    let enrolled = person.factors.iter().find(|enrolled| challenge_of(enrolled.factor) == Some(name));
    match enrolled {
        Some(enrolled) if enrolled.factor != Factor::Totp => {
            let code = call.send(Some(&person.username), enrolled.factor, &enrolled.to, 6);
            let parameters = delivery(name, &enrolled.to);
            ask(call, client, person, name, Some(code), parameters)
        }
        _ => ask(call, client, person, name, None, json!({ "FRIENDLY_DEVICE_NAME": "Phone" })),
    }
}

/// `USER_ID_FOR_SRP` is the user's own name, by which they are to be called from now on.
fn ask(
    call: &mut DirectCall<'_>,
    client: &str,
    person: &Person,
    name: &str,
    code: Option<String>,
    parameters: Value,
) -> Direct {
    let mut parameters = parameters.as_object().cloned().unwrap_or_default();
    parameters.insert("USER_ID_FOR_SRP".into(), json!(person.username));
    let open = Open {
        username: Some(person.username.clone()),
        client: client.to_owned(),
        code,
        at: call.now,
        data: json!({ "challenge": name, "called": person.username }),
    };
    asked(call, open, name, parameters)
}

pub(super) fn asked(call: &mut DirectCall<'_>, open: Open, name: &str, parameters: Map<String, Value>) -> Direct {
    let session = format!("AYAB{}", call.handle());
    call.open(&session, open);
    Direct::answer(200, json!({ "ChallengeName": name, "ChallengeParameters": parameters, "Session": session }))
}

pub(super) fn delivery(name: &str, to: &str) -> Value {
    let (medium, masked) = match to.split_once('@') {
        Some((local, host)) => ("EMAIL", format!("{}***@{}***", start(local), start(host))),
        None => (
            "SMS",
            format!("+*******{}", to.chars().rev().take(4).collect::<Vec<_>>().iter().rev().collect::<String>()),
        ),
    };
    let medium = if name == "EMAIL_OTP" { "EMAIL" } else { medium };
    json!({ "CODE_DELIVERY_DELIVERY_MEDIUM": medium, "CODE_DELIVERY_DESTINATION": masked })
}

fn start(text: &str) -> String {
    text.chars().take(1).collect()
}

fn respond(call: &mut DirectCall<'_>) -> Answer {
    let given = call.json["ChallengeResponses"].clone();
    let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let username = text("USERNAME");
    client(call, &given, &username)?;
    let session = call.json["Session"].as_str().unwrap_or_default().to_owned();
    let open = call.find(&session, SESSION).filter(|open| call.json["ClientId"] == open.client.as_str());
    let open = open.ok_or_else(|| not_authorized("Invalid session for the user, session is expired."))?;
    let name = call.json["ChallengeName"].as_str().unwrap_or_default().to_owned();
    if open.data["used"] == true {
        return Err(not_authorized("Invalid session for the user, session can only be used once."));
    }
    if open.data["challenge"] != name.as_str() || open.data["called"] != username.as_str() {
        return Err(not_authorized("Invalid session for the user."));
    }
    let mismatch = || refused("CodeMismatchException", "Invalid code or auth state for the user.");
    let person = open.username.as_deref().and_then(|username| call.person(username)).cloned().ok_or_else(mismatch)?;
    let answered = match name.as_str() {
        "SELECT_CHALLENGE" => {
            let factors = code::first_factors(&person);
            let factor = factors.iter().find(|(name, ..)| *name == text("ANSWER"));
            let factor = factor.ok_or_else(|| refused("InvalidParameterException", "Invalid challenge."))?;
            code::sent(call, open.clone(), factor)
        }
        "SELECT_MFA_TYPE" => challenge(call, &open.client, &person, &text("ANSWER")),
        "SOFTWARE_TOKEN_MFA" => {
            let code = text("SOFTWARE_TOKEN_MFA_CODE");
            if !call.redeem_totp(&person.username, &code) {
                return Err(mismatch());
            }
            signed_in(open.client.clone(), &person.username)
        }
        "NEW_PASSWORD_REQUIRED" => {
            let password = text("NEW_PASSWORD");
            if password.chars().count() < 8 {
                let message = "Password does not conform to policy: Password not long enough";
                return Err(refused("InvalidPasswordException", message));
            }
            call.change_password(&person.username, &password);
            second_step(call, open.client.clone(), &person)
        }
        other => {
            if open.code != Some(text(&format!("{other}_CODE"))) {
                return Err(mismatch());
            }
            // As for anybody who has to have a second factor, and has none.
            match person.standing {
                Standing::MustEnrol => ask(call, &open.client, &person, "MFA_SETUP", None, json!({})),
                _ => signed_in(open.client.clone(), &person.username),
            }
        }
    };
    let mut used = open;
    used.data["used"] = json!(true);
    call.open(&session, used);
    Ok(answered)
}

/// The tokens are about all that the client may read of the user.
fn signed_in(client: String, username: &str) -> Direct {
    let put_into = |tokens: Value| {
        let named = [
            ("AccessToken", "access_token"),
            ("TokenType", "token_type"),
            ("ExpiresIn", "expires_in"),
            ("RefreshToken", "refresh_token"),
            ("IdToken", "id_token"),
        ];
        let member = |(own, standard): (&str, &str)| Some((own.to_owned(), tokens.get(standard)?.clone()));
        let result: Map<String, Value> = named.into_iter().filter_map(member).collect();
        json!({ "ChallengeParameters": {}, "AuthenticationResult": result })
    };
    let scopes = ["openid", "profile", "email"].map(str::to_owned).to_vec();
    Direct::Tokens { username: username.to_owned(), client, scopes, put_into }
}
