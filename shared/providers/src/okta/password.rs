//! The resource owner password grant, and second factors after it by direct authentication:
//! <https://developer.okta.com/docs/guides/implement-grant-type/ropassword/main/>,
//! <https://developer.okta.com/docs/guides/configure-direct-auth-grants/bmfaotp/main/>,
//! <https://developer.okta.com/docs/guides/configure-direct-auth-grants/dmfaoobov/main/>.
//!
//! `mfa_required` does not say which factors a user has: the settings say which ones the org has. A recorded answer has
//! `supported_challenge_types`, which leaves out what cannot be used; that it always has them is not documented.

use domain::{Challenge, Choice, Factor, Method, Pending};
use egress::Response;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::errors;
use super::settings::SecondFactor;
use crate::answers::{self, OauthError};
use crate::oidc::{Begun, Connection, Grant, TokenAnswer};
use crate::{Answer, Check, Outage, ProviderError, Rejection, Stage};

/// Okta's protocol is that of Auth0, and so are the names.
const MFA_OTP: &str = "http://auth0.com/oauth/grant-type/mfa-otp";
const MFA_OOB: &str = "http://auth0.com/oauth/grant-type/mfa-oob";
/// Seconds between two polls, unless Okta says otherwise (RFC 8628 section 3.2); and how much longer it is after
/// `slow_down` (section 3.5).
const INTERVAL: u8 = 5;

/// What the user has typed.
pub(super) struct Typed<'a> {
    pub(super) username: &'a str,
    pub(super) password: &'a SecretString,
    pub(super) otp: Option<&'a SecretString>,
}

/// A login that waits for its second factor.
#[derive(Serialize, Deserialize)]
struct Waiting {
    /// Okta's name for the login. It is bound to the user, and to the client.
    #[serde(rename = "t")]
    mfa_token: String,
    #[serde(rename = "q")]
    question: Question,
}

/// What was asked.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    Which(Vec<SecondFactor>),
    AppCode,
    SentCode { by: SecondFactor, oob_code: String },
    Confirmation { oob_code: String, every: u8, number: Option<String> },
}

/// What a poll has come to.
enum Polled {
    Done(TokenAnswer),
    NotYet,
    TooSoon,
}

pub(super) async fn sign_in(
    provider: &Connection<'_>,
    offered: &[SecondFactor],
    Typed { username, password, otp }: Typed<'_>,
) -> Result<Begun, ProviderError> {
    let grant = [
        ("grant_type", "password"),
        ("username", username),
        ("password", password.expose_secret()),
        ("scope", provider.scope()),
    ];
    let read = |response: &Response| match wants_more(response) {
        Some(more) => Ok(Err(more)),
        None => provider.tokens(response, errors::TO_A_PASSWORD).map(Ok),
    };
    let (mfa_token, types) = match provider.grant_reading(Method::Password, &Grant::of(&grant), read).await? {
        Ok(tokens) => return Ok(Begun::Tokens(tokens)),
        Err(more) => more,
    };
    let is_taken = |factor: &SecondFactor| {
        let wanted = if *factor == SecondFactor::Totp { MFA_OTP } else { MFA_OOB };
        types.as_ref().is_none_or(|types| types.iter().any(|kind| kind == wanted))
    };
    let factors: Vec<_> = offered.iter().copied().filter(is_taken).collect();
    match (factors.as_slice(), otp) {
        ([], _) => Err(ProviderError::Rejected(Rejection::InteractionRequired)),
        (factors, Some(code)) if factors.contains(&SecondFactor::Totp) => second_code(provider, &mfa_token, code).await,
        ([only], _) => start(provider, mfa_token, *only).await,
        _ => {
            let choice =
                |factor: &SecondFactor| Choice { id: factor.as_str().to_owned(), factor: factor.factor(), to: None };
            let challenge = Challenge::Choose { choices: factors.iter().map(choice).collect() };
            ask(challenge, Waiting { mfa_token, question: Question::Which(factors) })
        }
    }
}

/// The token of a login that needs a second factor, and which grants Okta would take for it, if it says so.
fn wants_more(response: &Response) -> Option<(String, Option<Vec<String>>)> {
    let error = OauthError::of(response)?;
    if error.code != "mfa_required" {
        return None;
    }
    let mut answer = answers::object(Stage::Token, response).ok()?;
    let types = answer.remove("supported_challenge_types").and_then(|types| serde_json::from_value(types).ok());
    match answer.remove("mfa_token") {
        Some(Value::String(token)) => Some((token, types)),
        _ => None,
    }
}

pub(super) async fn go_on(
    provider: &Connection<'_>,
    pending: &Pending,
    answer: Answer<'_>,
) -> Result<Begun, ProviderError> {
    let unasked = || Stage::Attempt.refused(Check::Unasked);
    let Waiting { mfa_token, question } = Waiting::deserialize(&pending.0).map_err(|_| unasked())?;
    match (question, answer) {
        (Question::Which(factors), Answer::Choose(id)) => {
            let chosen = factors.into_iter().find(|factor| factor.as_str() == id).ok_or_else(unasked)?;
            start(provider, mfa_token, chosen).await
        }
        (Question::AppCode, Answer::Code(code)) => second_code(provider, &mfa_token, code).await,
        (Question::SentCode { by, .. }, Answer::Resend) => start(provider, mfa_token, by).await,
        (Question::SentCode { oob_code, .. }, Answer::Code(code)) => {
            let answer = [("oob_code", oob_code.as_str()), ("binding_code", code.expose_secret())];
            let grant = grant(provider, MFA_OOB, &mfa_token, &answer);
            provider.grant(Method::Password, &grant, errors::TO_A_SECOND_CODE).await.map(Begun::Tokens)
        }
        (Question::Confirmation { oob_code, every, number }, Answer::Poll) => {
            let every = match poll(provider, &mfa_token, &oob_code).await? {
                Polled::Done(tokens) => return Ok(Begun::Tokens(tokens)),
                Polled::NotYet => every,
                Polled::TooSoon => every.saturating_add(INTERVAL),
            };
            let challenge = Challenge::Wait { to: None, number: number.clone(), every };
            ask(challenge, Waiting { mfa_token, question: Question::Confirmation { oob_code, every, number } })
        }
        _ => Err(unasked()),
    }
}

/// The form of a second factor's grant. The scope has to be the same as with the password.
fn grant<'a>(
    provider: &'a Connection<'_>,
    grant_type: &'a str,
    mfa_token: &'a str,
    answer: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let grant = [("grant_type", grant_type), ("mfa_token", mfa_token), ("scope", provider.scope())];
    grant.into_iter().chain(answer.iter().copied()).collect()
}

async fn second_code(provider: &Connection<'_>, mfa_token: &str, code: &SecretString) -> Result<Begun, ProviderError> {
    let grant = grant(provider, MFA_OTP, mfa_token, &[("otp", code.expose_secret())]);
    provider.grant(Method::Password, &grant, errors::TO_A_SECOND_CODE).await.map(Begun::Tokens)
}

async fn poll(provider: &Connection<'_>, mfa_token: &str, oob_code: &str) -> Result<Polled, ProviderError> {
    let read = |response: &Response| match OauthError::of(response).unwrap_or_default().code.as_str() {
        "authorization_pending" => Ok(Polled::NotYet),
        "slow_down" => Ok(Polled::TooSoon),
        _ => provider.tokens(response, errors::TO_A_PUSH).map(Polled::Done),
    };
    let grant = grant(provider, MFA_OOB, mfa_token, &[("oob_code", oob_code)]);
    provider.grant_reading(Method::Password, &Grant::of(&grant), read).await
}

/// Asks for a factor's answer, once Okta has sent or begun what there is to send or begin.
async fn start(provider: &Connection<'_>, mfa_token: String, factor: SecondFactor) -> Result<Begun, ProviderError> {
    if factor == SecondFactor::Totp {
        let challenge = Challenge::Code { factor: Factor::Totp, digits: Some(6), to: None, resend: false };
        return ask(challenge, Waiting { mfa_token, question: Question::AppCode });
    }
    let form =
        [("mfa_token", mfa_token.as_str()), ("challenge_types_supported", MFA_OOB), ("channel_hint", factor.as_str())];
    let read = |response: &Response| {
        if !response.status.is_success() || OauthError::of(response).is_some() {
            return Err(provider.refused(response, errors::TO_A_CHALLENGE));
        }
        answers::object(Stage::Token, response)
    };
    let begun = provider.grant_beside("challenge", Method::Password, &Grant::of(&form), read).await?;
    let text = |name: &str| begun.get(name).and_then(Value::as_str).map(str::to_owned);
    let oob_code = text("oob_code").ok_or(Stage::Token.unavailable(Outage::Protocol))?;
    let is_typed = match text("binding_method").as_deref() {
        Some(method) => method == "prompt",
        None => factor != SecondFactor::Push,
    };
    if is_typed {
        let challenge = Challenge::Code { factor: factor.factor(), digits: None, to: None, resend: true };
        return ask(challenge, Waiting { mfa_token, question: Question::SentCode { by: factor, oob_code } });
    }
    // With `transfer`, the user picks this number on the other device.
    let (number, every) = (text("binding_code"), interval(&begun));
    let challenge = Challenge::Wait { to: None, number: number.clone(), every };
    ask(challenge, Waiting { mfa_token, question: Question::Confirmation { oob_code, every, number } })
}

fn interval(begun: &Map<String, Value>) -> u8 {
    let asked = begun.get("interval").and_then(Value::as_u64).unwrap_or(INTERVAL.into());
    u8::try_from(asked).unwrap_or(u8::MAX).max(1)
}

fn ask(challenge: Challenge, waiting: Waiting) -> Result<Begun, ProviderError> {
    let pending = serde_json::to_value(waiting).map_err(|_| Stage::Attempt.refused(Check::Format))?;
    Ok(Begun::Ask(challenge, Pending(pending)))
}
