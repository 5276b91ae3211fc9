//! Native authentication of an external tenant: a password, or a code by e-mail.
//! <https://learn.microsoft.com/entra/identity-platform/reference-native-authentication-api>
//!
//! Three calls beside the token endpoint: `initiate`, `challenge`, `token`. The client shows its id and nothing else: the API is for
//! public clients. Each answer has a new continuation token, and the newest counts. Any answer may say `redirect`: the user has to go on in
//! the browser. Users without a second factor are sent there to enrol one, because the calls say that Landfall cannot do that.
//!
//! Microsoft writes the tenant's subdomain into the addresses. Landfall takes the host and the tenant's id from the discovery document:
//! a custom domain has no subdomain. That the API takes the id like the rest of Entra does is an assumption. The documentation has called one
//! parameter `capability` and, later, `capabilities`: if the name were wrong, users with a second factor would be sent to the browser.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Challenge, Choice, Factor, Method, Pending};
use egress::Response;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::errors;
use crate::answers::{self, OauthError};
use crate::oidc::{Begun, Connection, TokenAnswer};
use crate::refusals::{Refusals, of_error};
use crate::{Answer, Attempt, Check, Outage, ProviderError, Rejection, Stage, not_switched_on};

/// For how long a code is asked for that was never sent. How long Microsoft's live is not documented.
const LIFE: TimeDelta = TimeDelta::minutes(10);

const UNASKED: ProviderError = Stage::Attempt.refused(Check::Unasked);
const IN_THE_BROWSER: ProviderError = ProviderError::Rejected(Rejection::InteractionRequired);
const UNREADABLE: ProviderError = Stage::Token.unavailable(Outage::Protocol);

/// What is remembered until the user answers.
#[derive(Serialize, Deserialize)]
struct Asked {
    #[serde(rename = "m")]
    method: Method,
    #[serde(rename = "q")]
    question: Question,
    /// The newest; `None`: no code was sent, and the user is asked for one all the same.
    #[serde(rename = "t")]
    continuation_token: Option<String>,
    /// Since when.
    #[serde(rename = "a")]
    at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
enum Question {
    /// The code that was sent to this address as the first factor.
    First(String),
    /// Which of these.
    Choose(Vec<Enrolled>),
    /// The code that was sent as the second factor.
    Second(Enrolled),
}

/// A second factor of the user's.
#[derive(Clone, Serialize, Deserialize)]
struct Enrolled {
    id: String,
    #[serde(rename = "f")]
    factor: Factor,
    /// As Microsoft masks it.
    #[serde(rename = "n")]
    name: Option<String>,
}

/// An answer that is neither a refusal nor tokens.
#[derive(Deserialize)]
struct Step {
    continuation_token: String,
    challenge_type: Option<String>,
    challenge_target_label: Option<String>,
    code_length: Option<u8>,
    #[serde(default)]
    methods: Vec<Value>,
}

/// What a grant is answered with, where it is not refused.
enum Granted {
    Tokens(TokenAnswer),
    /// A second factor is demanded. The new continuation token.
    Demand(String),
}

/// The API, for one login by a method.
pub(super) struct Api<'a> {
    provider: &'a Connection<'a>,
    method: Method,
}

pub(super) async fn begin(provider: &Connection<'_>, attempt: Attempt<'_>) -> Result<Begun, ProviderError> {
    let api = Api { provider, method: attempt.method() };
    match attempt {
        Attempt::Password { username, password, .. } => api.password(username, password.expose_secret()).await,
        Attempt::Otp { to, .. } if api.method == Method::EmailOtp => api.send(to).await,
        _ => Err(not_switched_on(api.method)),
    }
}

pub(super) async fn answer(
    provider: &Connection<'_>,
    pending: &Pending,
    answer: Answer<'_>,
) -> Result<Begun, ProviderError> {
    let Asked { method, question, continuation_token, at } = Asked::deserialize(&pending.0).map_err(|_| UNASKED)?;
    let api = Api { provider, method };
    let Some(token) = continuation_token else { return api.answer_unsent(question, at, answer).await };
    match (question, answer) {
        (Question::First(_) | Question::Second(_), Answer::Code(code)) => {
            let given = [("grant_type", "oob"), ("oob", code.expose_secret())];
            match api.grant(&token, given, errors::TO_A_SENT_CODE).await? {
                Granted::Tokens(tokens) => Ok(Begun::Tokens(tokens)),
                Granted::Demand(token) => api.second_factor(&token).await,
            }
        }
        // A new code is the same call again.
        (Question::First(to), Answer::Resend) => {
            let step = api.challenge(&token, &[("challenge_type", "oob redirect")], "oob").await?;
            api.ask_first(to, Some(step.continuation_token))
        }
        (Question::Second(enrolled), Answer::Resend) => api.start(&token, enrolled).await,
        (Question::Choose(all), Answer::Choose(id)) => {
            let chosen = all.into_iter().find(|enrolled| enrolled.id == id).ok_or(UNASKED)?;
            api.start(&token, chosen).await
        }
        _ => Err(UNASKED),
    }
}

/// Whether native authentication is on: a made-up user is unknown then. Nothing is sent, and no user's failures are counted.
pub(super) async fn probe(provider: &Connection<'_>, method: Method, username: &str) -> Result<(), ProviderError> {
    match (Api { provider, method }).initiate(username).await {
        Ok(_) | Err(ProviderError::Rejected(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

impl Api<'_> {
    async fn password(&self, username: &str, password: &str) -> Result<Begun, ProviderError> {
        let token = self.initiate(username).await?;
        let step = self.challenge(&token, &[("challenge_type", "password redirect")], "password").await?;
        let given = [("grant_type", "password"), ("password", password)];
        match self.grant(&step.continuation_token, given, errors::TO_NATIVE).await? {
            Granted::Tokens(tokens) => Ok(Begun::Tokens(tokens)),
            Granted::Demand(token) => self.second_factor(&token).await,
        }
    }

    /// Has a code sent. A user who is unknown, or whom Microsoft sends none, is asked for it all the same (attack 60): the log tells.
    async fn send(&self, to: &str) -> Result<Begun, ProviderError> {
        let sent = async {
            let token = self.initiate(to).await?;
            self.challenge(&token, &[("challenge_type", "oob redirect")], "oob").await
        };
        match sent.await {
            Ok(step) => self.ask_first(to.to_owned(), Some(step.continuation_token)),
            Err(IN_THE_BROWSER) => Err(IN_THE_BROWSER),
            Err(ProviderError::Rejected(rejection)) => {
                tracing::warn!(event = "code_not_sent", reason = rejection.as_str());
                self.ask_first(to.to_owned(), None)
            }
            Err(error) => Err(error),
        }
    }

    /// An answer to a question for a code that was not sent is answered as if it had been.
    async fn answer_unsent(
        &self,
        question: Question,
        at: DateTime<Utc>,
        answer: Answer<'_>,
    ) -> Result<Begun, ProviderError> {
        let Question::First(to) = question else { return Err(UNASKED) };
        let is_over = self.provider.cx.now() - at >= LIFE;
        match answer {
            Answer::Code(_) | Answer::Resend if is_over => Err(ProviderError::Rejected(Rejection::OtpExpired)),
            Answer::Code(_) => Err(ProviderError::Rejected(Rejection::OtpInvalid)),
            Answer::Resend => self.send(&to).await,
            _ => Err(UNASKED),
        }
    }

    /// Asks for a factor: the only one at once.
    async fn second_factor(&self, token: &str) -> Result<Begun, ProviderError> {
        let step = self.call("introspect", &[("continuation_token", token)]).await?;
        let mut all: Vec<_> = step.methods.iter().filter_map(Enrolled::of).collect();
        match all.len() {
            0 => Err(IN_THE_BROWSER),
            1 => self.start(&step.continuation_token, all.remove(0)).await,
            _ => {
                let choice = |Enrolled { id, factor, name }: &Enrolled| Choice {
                    id: id.clone(),
                    factor: *factor,
                    to: name.clone(),
                };
                let challenge = Challenge::Choose { choices: all.iter().map(choice).collect() };
                self.ask(challenge, Question::Choose(all), Some(step.continuation_token))
            }
        }
    }

    /// Has a code sent as the second factor.
    async fn start(&self, token: &str, enrolled: Enrolled) -> Result<Begun, ProviderError> {
        let wanted = [("id", enrolled.id.as_str()), ("challenge_type", "oob redirect")];
        let step = self.challenge(token, &wanted, "oob").await?;
        let to = step.challenge_target_label.or_else(|| enrolled.name.clone());
        let challenge = Challenge::Code { factor: enrolled.factor, digits: step.code_length, to, resend: true };
        self.ask(challenge, Question::Second(enrolled), Some(step.continuation_token))
    }

    /// The same question to every user: what Microsoft says of the destination would tell who has an account.
    fn ask_first(&self, to: String, token: Option<String>) -> Result<Begun, ProviderError> {
        let challenge = Challenge::Code { factor: Factor::EmailOtp, digits: None, to: masked(&to), resend: true };
        self.ask(challenge, Question::First(to), token)
    }

    fn ask(
        &self,
        challenge: Challenge,
        question: Question,
        continuation_token: Option<String>,
    ) -> Result<Begun, ProviderError> {
        let asked = Asked { method: self.method, question, continuation_token, at: self.provider.cx.now() };
        let pending = serde_json::to_value(asked).map(Pending);
        Ok(Begun::Ask(challenge, pending.map_err(|_| Stage::Attempt.refused(Check::Format))?))
    }

    /// Begins for a user: the continuation token.
    async fn initiate(&self, username: &str) -> Result<String, ProviderError> {
        let types = match self.method {
            Method::Password => ("challenge_type", "password redirect"),
            _ => ("challenge_type", "oob redirect"),
        };
        let parameters = [("username", username), types, ("capabilities", "mfa_required")];
        Ok(self.call("initiate", &parameters).await?.continuation_token)
    }

    /// Has Microsoft choose what to ask for, which has to be of this type.
    async fn challenge(&self, token: &str, wanted: &[(&str, &str)], expected: &str) -> Result<Step, ProviderError> {
        let parameters = [&[("continuation_token", token)], wanted].concat();
        let step = self.call("challenge", &parameters).await?;
        if step.challenge_type.as_deref() == Some(expected) { Ok(step) } else { Err(UNREADABLE) }
    }

    async fn call(&self, name: &str, parameters: &[(&str, &str)]) -> Result<Step, ProviderError> {
        let read = |response: &Response| {
            self.not_refused(response, errors::TO_NATIVE)?;
            let answer = Value::Object(answers::object(Stage::Token, response)?);
            Step::deserialize(answer).map_err(|_| UNREADABLE)
        };
        self.provider.grant_as_public(name, self.method, parameters, read).await
    }

    /// Sends a password or a code, once.
    async fn grant(
        &self,
        token: &str,
        given: [(&str, &str); 2],
        refusals: &[&Refusals],
    ) -> Result<Granted, ProviderError> {
        let common = [("continuation_token", token), ("scope", self.provider.scope())];
        let read = |response: &Response| match demand(response) {
            Some(token) => Ok(Granted::Demand(token)),
            None => {
                self.not_refused(response, refusals)?;
                self.provider.tokens(response, refusals).map(Granted::Tokens)
            }
        };
        self.provider.grant_as_public("token", self.method, &[given, common].concat(), read).await
    }

    /// An error, or the answer that the user has to go to the browser: 200, with another type than was asked for.
    fn not_refused(&self, response: &Response, refusals: &[&Refusals]) -> Result<(), ProviderError> {
        if !response.status.is_success() || OauthError::of(response).is_some() {
            // What the error is about stands in `suberror`: `error` is the same for a wrong code and a wrong password.
            let suberror = text(response, "suberror").filter(|_| response.status.as_u16() != 429);
            let suberror = suberror.map(|code| OauthError { code, ..OauthError::default() });
            let meaning = suberror.and_then(|suberror| of_error(&[&errors::OF_NATIVE], &suberror));
            return Err(meaning.unwrap_or_else(|| self.provider.refused(response, refusals)));
        }
        match text(response, "challenge_type").as_deref() {
            Some("redirect") => Err(IN_THE_BROWSER),
            _ => Ok(()),
        }
    }
}

impl Enrolled {
    fn of(entry: &Value) -> Option<Self> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let factor = match (text("challenge_type")?, text("challenge_channel")?) {
            ("oob", "email") => Factor::EmailOtp,
            ("oob", "sms") => Factor::SmsOtp,
            _ => return None,
        };
        Some(Self { id: text("id")?.to_owned(), factor, name: text("login_hint").map(str::to_owned) })
    }
}

fn text(response: &Response, name: &str) -> Option<String> {
    let answer = answers::object(Stage::Token, response).ok()?;
    answer.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// The continuation token of a demand for a second factor.
fn demand(response: &Response) -> Option<String> {
    let is_demand = !response.status.is_success() && response.status.as_u16() != 429;
    text(response, "suberror").filter(|suberror| is_demand && suberror == "mfa_required")?;
    text(response, "continuation_token").filter(|token| !token.is_empty())
}

/// An address as the user has typed it, masked.
fn masked(to: &str) -> Option<String> {
    let (local, host) = to.split_once('@')?;
    Some(format!("{}***@{}***", local.chars().next()?, host.chars().next()?))
}
