//! The second factor after the password, by Auth0's MFA API.
//! <https://auth0.com/docs/secure/multi-factor-authentication/authenticate-using-ropg-flow-with-mfa>
//!
//! Recovery codes are not offered: a used one is replaced by a new one that the user has to be shown, and a [`Challenge`] can show none.
//! Duo and WebAuthn are beyond that API.

use domain::{Challenge, Choice, ClientAuthMethod, Factor, Method, Pending};
use egress::{Request, Response};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::errors;
use crate::answers::{self, OauthError};
use crate::oidc::{Begun, Connection, Grant, TokenAnswer};
use crate::refusals::Refusals;
use crate::{Answer, Check, Outage, ProviderError, Rejection, Stage};

const MFA_OTP: &str = "http://auth0.com/oauth/grant-type/mfa-otp";
const MFA_OOB: &str = "http://auth0.com/oauth/grant-type/mfa-oob";

/// Seconds between two questions whether the user has confirmed: twelve a minute are allowed
/// (<https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy/rate-limit-configurations/free-public>).
const EVERY: u8 = 6;
/// The same, once Auth0 has said `slow_down`.
const MORE_SLOWLY: u8 = 12;

const NOT_ENROLLED: ProviderError = ProviderError::Rejected(Rejection::InteractionRequired);

/// What is remembered until the user answers.
#[derive(Serialize, Deserialize)]
struct Asked {
    /// The `mfa_token`: good for ten minutes, at the tenant that gave it.
    #[serde(rename = "t")]
    token: String,
    #[serde(rename = "q")]
    question: Question,
}

#[derive(Serialize, Deserialize)]
enum Question {
    /// Which of these.
    Choose(Vec<Authenticator>),
    /// A code of the user's authenticator app.
    Totp,
    /// What was begun by a challenge: a code that was sent, or a question in the user's app. The newest `oob_code` counts.
    Begun(Authenticator, String),
}

/// A factor that the user has enrolled.
#[derive(Clone, Serialize, Deserialize)]
struct Authenticator {
    id: String,
    #[serde(rename = "f")]
    factor: Factor,
    /// As Auth0 masks it.
    #[serde(rename = "n")]
    name: Option<String>,
}

/// What a grant is answered with, where it is not refused.
pub(super) enum Answered {
    Tokens(TokenAnswer),
    Demand(Demand),
    /// The user has not confirmed yet; in how many seconds to ask again.
    NotYet(u8),
}

/// A demand for a second factor, or for one more.
pub(super) struct Demand {
    token: String,
    /// The types that the user has enrolled (`mfa_requirements`, in early access).
    types: Option<Vec<String>>,
}

impl Demand {
    fn of(response: &Response) -> Option<Self> {
        let answer = answers::object(Stage::Token, response).ok()?;
        let is_demand = answer.get("error").and_then(Value::as_str) == Some("mfa_required");
        let token = answer.get("mfa_token").and_then(Value::as_str).filter(|token| is_demand && !token.is_empty())?;
        let list = |name: &str| answer.get("mfa_requirements")?.get(name)?.as_array();
        let types = |entries: &Vec<Value>| {
            let types = entries.iter().filter_map(|entry| entry.get("type")?.as_str());
            types.map(str::to_owned).collect()
        };
        // If only `enroll` is there, nothing is enrolled.
        let types = list("challenge").map(types).or_else(|| list("enroll").map(|_| Vec::new()));
        Some(Self { token: token.to_owned(), types })
    }
}

/// Whether the client shows a secret: Auth0's documents promise for no other client that the user's address counts.
/// <https://auth0.com/docs/get-started/authentication-and-authorization-flow/resource-owner-password-flow/avoid-common-issues-with-resource-owner-password-flow-and-attack-protection>
pub(super) fn is_confidential(provider: &Connection<'_>) -> bool {
    provider.registration.client(Method::Password).is_ok_and(|client| {
        client.shows_secret() && client.token_endpoint_auth_method != Some(ClientAuthMethod::PrivateKeyJwt)
    })
}

/// Sends a grant, with the user's own address: Auth0 counts failures by it.
pub(super) async fn grant(
    provider: &Connection<'_>,
    parameters: &[(&str, &str)],
    refusals: &[&Refusals],
) -> Result<Answered, ProviderError> {
    let address = provider.user_ip().filter(|_| is_confidential(provider));
    let address = address.and_then(|address| HeaderValue::from_str(&address.to_string()).ok());
    let headers = address.map(|address| (HeaderName::from_static("auth0-forwarded-for"), address));
    let grant = Grant { parameters, headers: HeaderMap::from_iter(headers) };
    provider.grant_reading(Method::Password, &grant, |response| read(provider, response, refusals)).await
}

fn read(provider: &Connection<'_>, response: &Response, refusals: &[&Refusals]) -> Result<Answered, ProviderError> {
    if let Some(demand) = Demand::of(response) {
        return Ok(Answered::Demand(demand));
    }
    // 429 asks for more than patience with the user.
    let error = OauthError::of(response).filter(|_| response.status.as_u16() != 429);
    match error.as_ref().map(|error| error.code.as_str()) {
        Some("authorization_pending") => Ok(Answered::NotYet(EVERY)),
        Some("slow_down") => Ok(Answered::NotYet(MORE_SLOWLY)),
        _ => provider.tokens(response, refusals).map(Answered::Tokens),
    }
}

/// Goes on from the answer to a grant for which nothing has to be confirmed.
pub(super) async fn begun(provider: &Connection<'_>, answered: Answered) -> Result<Begun, ProviderError> {
    match answered {
        Answered::Tokens(tokens) => Ok(Begun::Tokens(tokens)),
        Answered::Demand(demand) => ask(provider, demand).await,
        Answered::NotYet(_) => Err(Stage::Token.unavailable(Outage::Protocol)),
    }
}

/// Asks for a factor: the only one at once.
async fn ask(provider: &Connection<'_>, Demand { token, types }: Demand) -> Result<Begun, ProviderError> {
    let types = types.map(|mut types| {
        types.retain(|kind| matches!(kind.as_str(), "otp" | "phone" | "push-notification" | "email"));
        types
    });
    match types.as_deref() {
        Some([]) => return Err(NOT_ENROLLED),
        // For a code of an app, no authenticator has to be named.
        Some([only]) if only == "otp" => return asked(token, Question::Totp, EVERY),
        _ => {}
    }
    let mut enrolled = authenticators(provider, &token).await?;
    match enrolled.len() {
        0 => Err(NOT_ENROLLED),
        1 => start(provider, token, enrolled.remove(0)).await,
        _ => asked(token, Question::Choose(enrolled), EVERY),
    }
}

/// Asks the user.
fn asked(token: String, question: Question, every: u8) -> Result<Begun, ProviderError> {
    let challenge = match &question {
        Question::Choose(enrolled) => {
            let choice = |Authenticator { id, factor, name }: &Authenticator| Choice {
                id: id.clone(),
                factor: *factor,
                to: name.clone(),
            };
            Challenge::Choose { choices: enrolled.iter().map(choice).collect() }
        }
        Question::Totp => Challenge::Code { factor: Factor::Totp, digits: None, to: None, resend: false },
        Question::Begun(Authenticator { factor: Factor::Push, name, .. }, _) => {
            Challenge::Wait { to: name.clone(), number: None, every }
        }
        Question::Begun(Authenticator { factor, name, .. }, _) => {
            Challenge::Code { factor: *factor, digits: None, to: name.clone(), resend: true }
        }
    };
    let pending = serde_json::to_value(Asked { token, question }).map(Pending);
    Ok(Begun::Ask(challenge, pending.map_err(|_| Stage::Attempt.refused(Check::Format))?))
}

/// What the user has enrolled and can be asked for here.
async fn authenticators(provider: &Connection<'_>, token: &str) -> Result<Vec<Authenticator>, ProviderError> {
    let request = Request::get(address(provider, "../mfa/authenticators").await?).bearer(token);
    let response = provider.send(request.ok_or(Stage::Token.refused(Check::Format))?).await?;
    if !response.status.is_success() {
        return Err(provider.refused(&response, errors::TO_A_CHALLENGE));
    }
    let Value::Array(list) = answers::value(Stage::Token, &response)? else {
        return Err(provider.refused(&response, errors::TO_A_CHALLENGE));
    };
    let mut enrolled: Vec<Authenticator> = Vec::new();
    for authenticator in list.iter().filter_map(Authenticator::of) {
        // A code of any app counts: several apps are one choice.
        let is_another_app =
            authenticator.factor == Factor::Totp && enrolled.iter().any(|known| known.factor == Factor::Totp);
        if !is_another_app {
            enrolled.push(authenticator);
        }
    }
    Ok(enrolled)
}

impl Authenticator {
    fn of(entry: &Value) -> Option<Self> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        // One that was begun and not confirmed can do nothing yet.
        if entry.get("active").and_then(Value::as_bool) != Some(true) {
            return None;
        }
        let channels = entry.get("oob_channels").and_then(Value::as_array).into_iter().flatten();
        let mut channels = text("oob_channel").into_iter().chain(channels.filter_map(Value::as_str));
        let factor = match text("authenticator_type")? {
            "otp" => Factor::Totp,
            "oob" => channels.find_map(|channel| match channel {
                "sms" => Some(Factor::SmsOtp),
                "voice" => Some(Factor::VoiceOtp),
                "email" => Some(Factor::EmailOtp),
                "auth0" => Some(Factor::Push),
                _ => None,
            })?,
            _ => return None,
        };
        Some(Self { id: text("id")?.to_owned(), factor, name: text("name").map(str::to_owned) })
    }
}

/// An endpoint beside the token endpoint: an `mfa_token` never goes to another host.
async fn address(provider: &Connection<'_>, relative: &str) -> Result<Url, ProviderError> {
    let metadata = provider.metadata().await?;
    metadata.token_endpoint()?.join(relative).map_err(|_| Stage::Token.unavailable(Outage::Protocol))
}

/// Begins with a factor: has a code sent, or the user's app ask.
async fn start(provider: &Connection<'_>, token: String, authenticator: Authenticator) -> Result<Begun, ProviderError> {
    if authenticator.factor == Factor::Totp {
        return asked(token, Question::Totp, EVERY);
    }
    let body = json!({ "challenge_type": "oob", "authenticator_id": authenticator.id, "mfa_token": token });
    let body = body.as_object().cloned().unwrap_or_default();
    let url = address(provider, "../mfa/challenge").await?;
    let code = |response: &Response| {
        if !response.status.is_success() || OauthError::of(response).is_some() {
            return Err(provider.refused(response, errors::TO_A_CHALLENGE));
        }
        let code = answers::object(Stage::Token, response)?.remove("oob_code");
        let code = code.as_ref().and_then(Value::as_str).filter(|code| !code.is_empty());
        code.map(str::to_owned).ok_or(Stage::Token.unavailable(Outage::Protocol))
    };
    let code = provider.post_json(Method::Password, &url, &body, code).await?;
    asked(token, Question::Begun(authenticator, code), EVERY)
}

/// Goes on with the user's answer.
pub(super) async fn answer(
    provider: &Connection<'_>,
    pending: &Pending,
    answer: Answer<'_>,
) -> Result<Begun, ProviderError> {
    let unasked = Stage::Attempt.refused(Check::Unasked);
    let Asked { token, question } = Asked::deserialize(&pending.0).map_err(|_| unasked)?;
    match (question, answer) {
        (Question::Choose(enrolled), Answer::Choose(id)) => {
            let chosen = enrolled.into_iter().find(|authenticator| authenticator.id == id).ok_or(unasked)?;
            start(provider, token, chosen).await
        }
        (Question::Totp, Answer::Code(code)) => {
            let grant = [("grant_type", MFA_OTP), ("mfa_token", &token), ("otp", code.expose_secret())];
            begun(provider, self::grant(provider, &grant, errors::TO_A_FACTORS_CODE).await?).await
        }
        (Question::Begun(authenticator, oob_code), Answer::Poll) if authenticator.factor == Factor::Push => {
            let grant = [("grant_type", MFA_OOB), ("mfa_token", &token), ("oob_code", &oob_code)];
            match self::grant(provider, &grant, errors::TO_A_CONFIRMATION).await? {
                Answered::NotYet(every) => asked(token, Question::Begun(authenticator, oob_code), every),
                answered => begun(provider, answered).await,
            }
        }
        (Question::Begun(authenticator, _), Answer::Resend) if authenticator.factor != Factor::Push => {
            start(provider, token, authenticator).await
        }
        (Question::Begun(authenticator, oob_code), Answer::Code(code)) if authenticator.factor != Factor::Push => {
            let code = code.expose_secret();
            let grant =
                [("grant_type", MFA_OOB), ("mfa_token", &token), ("oob_code", &oob_code), ("binding_code", code)];
            begun(provider, self::grant(provider, &grant, errors::TO_A_FACTORS_CODE).await?).await
        }
        _ => Err(unasked),
    }
}
