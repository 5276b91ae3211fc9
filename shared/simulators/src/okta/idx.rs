//! The interaction code flow: <https://developer.okta.com/docs/concepts/interaction-code/>. Its calls are not documented; states,
//! forms and errors are those of Okta's own fixtures:
//! <https://github.com/okta/okta-signin-widget/tree/master/playground/mocks/data/idp/idx>,
//! <https://github.com/okta/okta-idx-java/tree/master/api/src/test/resources>.
//!
//! Assumed: how long handles and codes are good. The handle changes with each answer, so that a caller has to take the newest.

mod turn;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::grants::{refused, tokens};
use crate::core::pkce::Challenge;
use crate::core::{Direct, DirectCall, Open, Standing};
use turn::Turn;

pub(super) const INTERACT: &str = "/oauth2/default/v1/interact";
const INTROSPECT: &str = "/idp/idx/introspect";
const IDENTIFY: &str = "/idp/idx/identify";
const CHALLENGE: &str = "/idp/idx/challenge";
const ANSWER: &str = "/idp/idx/challenge/answer";
const CANCEL: &str = "/idp/idx/cancel";
const MEDIA_TYPE: &str = "application/ion+json; okta-version=1.0.0";

const LIFE: TimeDelta = TimeDelta::minutes(60);
const CODE: TimeDelta = TimeDelta::seconds(60);

/// The ids of the org's authenticators.
const PASSWORD: &str = "autpw000000000000001";
const GOOGLE: &str = "autgo000000000000002";
const VERIFY: &str = "autov000000000000003";
const PHONE: &str = "autph000000000000004";

pub(super) fn has(path: &str) -> bool {
    [INTROSPECT, IDENTIFY, CHALLENGE, ANSWER, CANCEL].contains(&path)
}

/// A state document that has only this message.
pub(super) fn message(key: &str, text: &str, class: &str) -> Value {
    let message = json!({ "message": text, "i18n": { "key": key, "params": [] }, "class": class });
    json!({ "version": "1.0.0", "messages": { "type": "array", "value": [message] } })
}

pub(super) fn interact(call: &mut DirectCall<'_>) -> Direct {
    let Some(client) = call.client else { return Direct::answer(500, json!({})) };
    if call.field("redirect_uri").as_ref() != Some(&client.redirect_uri) {
        let description = "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings.";
        return refused(400, "invalid_request", description);
    }
    let is_hashed = call.field("code_challenge_method").as_deref() == Some("S256");
    let Some(challenge) = call.field("code_challenge").filter(|_| is_hashed) else {
        let description = "PKCE code challenge is required to use the interaction code flow.";
        return refused(400, "invalid_request", description);
    };
    if call.field("state").is_none_or(|state| state.is_empty()) {
        return refused(400, "invalid_request", "The authentication request has an invalid 'state' parameter.");
    }
    let (handle, scope) = (call.handle(), call.field("scope").unwrap_or_default());
    let data = json!({ "is": "interaction", "scope": scope, "challenge": challenge });
    let client = client.id.clone();
    call.open(&handle, Open { username: None, client, code: None, at: call.now, data });
    Direct::answer(200, json!({ "interaction_handle": handle }))
}

/// A step of the flow; `None` if there is no such.
pub(super) fn step(call: &mut DirectCall<'_>) -> Option<Direct> {
    if call.header("content-type") != Some(MEDIA_TYPE) || call.header("accept") != Some(MEDIA_TYPE) {
        let summary = "The request's media type is not supported.";
        return Some(Direct::answer(415, json!({ "errorCode": "E0000022", "errorSummary": summary })));
    }
    let (handle, kind) = match call.path {
        INTROSPECT => ("interactionHandle", "interaction"),
        _ => ("stateHandle", "state"),
    };
    let handle = call.json[handle].as_str().unwrap_or_default().to_owned();
    let open = call.find(&handle, LIFE).filter(|open| open.data["is"] == kind);
    let Some(open) = open else {
        let text = "You have been logged out due to inactivity. Refresh or return to the sign in screen.";
        return Some(Direct::answer(401, message("idx.session.expired", text, "ERROR")));
    };
    call.close(&handle);
    Some(match call.path {
        INTROSPECT => Turn::new(call, open).identify_form(),
        IDENTIFY => identify(call, open),
        CHALLENGE => select(call, open),
        ANSWER => answer(call, open),
        CANCEL => Direct::answer(200, json!({ "version": "1.0.0" })),
        _ => return None,
    })
}

fn identify(call: &mut DirectCall<'_>, mut open: Open) -> Direct {
    let name = call.json["identifier"].as_str().unwrap_or_default();
    let found = call.person(name).map(|person| (person.username.clone(), person.standing));
    let Some((username, standing)) = found else {
        let text = format!("There is no account with the Username {name}.");
        return Turn::new(call, open).offer_identify().say("idx.unknown.user", &text, "INFO").reply(200);
    };
    open.username = Some(username);
    let turn = Turn::new(call, open);
    match standing {
        Standing::Disabled => turn.offer_identify().say("errors.E0000004", "Authentication failed", "ERROR").reply(401),
        Standing::NotAssigned => {
            let text = "User is not assigned to this application.";
            turn.say("idx.error.code.user_not_assigned", text, "ERROR").reply(400)
        }
        Standing::MustEnrol => {
            turn.offer("select-authenticator-enroll", "/idp/idx/credential/enroll", json!([])).reply(200)
        }
        _ => turn.offer_choice("").reply(200),
    }
}

fn select(call: &mut DirectCall<'_>, open: Open) -> Direct {
    let id = call.json["authenticator"]["id"].as_str().unwrap_or_default().to_owned();
    let method = call.json["authenticator"]["methodType"].as_str().map(str::to_owned);
    let turn = Turn::new(call, open);
    let chosen = turn.enrolled().into_iter().find(|(enrolled, ..)| *enrolled == id);
    let is_known = |methods: &[&str]| method.as_ref().is_none_or(|method| methods.contains(&method.as_str()));
    match chosen {
        Some((id, _, methods)) if is_known(&methods) => turn.offer_answer(id).reply(200),
        _ => {
            Direct::answer(400, message("api.error.invalid.authenticator", "The authenticator is not known.", "ERROR"))
        }
    }
}

fn answer(call: &mut DirectCall<'_>, open: Open) -> Direct {
    let current = open.data["current"].as_str().unwrap_or_default().to_owned();
    let username = open.username.clone().unwrap_or_default();
    let standing = call.people.get(&username).map(|person| person.standing).unwrap_or_default();
    let field = if current == VERIFY { "totp" } else { "passcode" };
    let code = call.json["credentials"][field].as_str().unwrap_or_default().to_owned();
    if standing == Standing::Locked {
        let text = "Too many attempts. Try again later.";
        return Turn::new(call, open).say("authfactor.challenge.suspended_factor", text, "ERROR").reply(403);
    }
    let is_app = [GOOGLE, VERIFY].contains(&current.as_str());
    if !is_app || !call.redeem_totp(&username, &code) {
        let turn = Turn::new(call, open).offer_answer(&current);
        let text = "Invalid code. Try again.";
        return match current.as_str() {
            VERIFY => turn.say("authfactor.challenge.soft_token.invalid_passcode", text, "ERROR").reply(403),
            _ => turn.complain("api.authn.error.PASSCODE_INVALID", text).reply(401),
        };
    }
    let mut turn = Turn::new(call, open);
    if standing == Standing::PasswordExpired {
        return turn.offer("reenroll-authenticator", ANSWER, json!([])).reply(200);
    }
    let code = turn.call.handle();
    let mut issued = turn.open.clone();
    (issued.data["is"], issued.at) = (json!("interaction_code"), turn.call.now);
    turn.call.open(&code, issued);
    turn.document["remediation"].take();
    let mut success = turn.form("issue", "/oauth2/default/v1/token", json!([]));
    success["value"] = json!([
        { "name": "grant_type", "required": true, "value": "interaction_code" },
        { "name": "interaction_code", "required": true, "value": code },
        { "name": "client_id", "required": true, "value": turn.open.client },
        { "name": "code_verifier", "required": true },
    ]);
    turn.document["successWithInteractionCode"] = success;
    turn.reply(200)
}

/// The grant at the end of the flow.
pub(super) fn redeem(call: &mut DirectCall<'_>) -> Direct {
    let code = call.field("interaction_code").unwrap_or_default();
    let open = call.find(&code, CODE).filter(|open| open.data["is"] == "interaction_code");
    let open = open.filter(|open| call.client.is_some_and(|client| client.id == open.client));
    let Some(open) = open else {
        return refused(400, "invalid_grant", "The interaction code is invalid or has expired.");
    };
    call.close(&code);
    let challenge = open.data["challenge"].as_str().and_then(|value| Challenge::s256(value.to_owned()).ok());
    if Challenge::check(challenge.as_ref(), call.field("code_verifier").as_deref()).is_err() {
        return refused(400, "invalid_grant", "PKCE verification failed.");
    }
    let username = open.username.unwrap_or_default();
    tokens(call, username, open.data["scope"].as_str().unwrap_or_default())
}
