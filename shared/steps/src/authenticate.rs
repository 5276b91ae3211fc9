//! Steps that authenticate a user with a provider. This file has what they share: the connector setting, the outcomes
//! for a provider's results, and the error codes for the client.

pub(crate) mod answer_challenge;
pub(crate) mod password;
pub(crate) mod redirect;
pub(crate) mod send_otp;
pub(crate) mod totp;

use domain::{Code, ConnectorId, Expression, Failure, Method, ProviderOutcome, Rejection};
use journeys::{Ending, Flow, Output, Read, StepCx, StepError, Usable, ViewCx, unusable};
use providers::Attempt;
use serde::Deserialize;
use serde_json::Value;

/// The setting for a connector: its id, or an expression for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Value")]
struct ConnectorSetting(Expression);

impl TryFrom<Value> for ConnectorSetting {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let expression = Expression::try_from(value).map_err(|error| error.to_string())?;
        if let Expression::Literal(literal) = &expression {
            let id = literal.as_str().ok_or("is not a connector id")?;
            id.parse::<ConnectorId>().map_err(|error| error.to_string())?;
        }
        Ok(Self(expression))
    }
}

impl ConnectorSetting {
    fn reads(&self) -> impl Iterator<Item = Read> + '_ {
        Read::of("connector", &self.0)
    }

    /// The connector, if it is a literal.
    fn literal(&self) -> Option<ConnectorId> {
        let Expression::Literal(literal) = &self.0 else { return None };
        literal.as_str()?.parse().ok()
    }

    fn id(&self, cx: &ViewCx<'_>) -> Result<ConnectorId, StepError> {
        cx.eval_text(&self.0)?
            .parse()
            .map_err(|_| StepError::Broken("a setting for a connector reads a value that is not a connector id"))
    }

    /// The connector, if it is enabled and supports `method`.
    async fn usable(&self, cx: &ViewCx<'_>, method: Method) -> Result<(ConnectorId, Option<Usable>), StepError> {
        let id = self.id(cx)?;
        let usable = cx.usable(&id, method).await?;
        Ok((id, usable))
    }
}

/// The endings of a step that sends the user's input: an identity, a question, or a failure.
fn endings() -> Vec<Ending> {
    let begun = [Ending::new("authenticated").identifying(), Ending::new("challenged").asking()];
    begun.into_iter().chain(failures()).collect()
}

/// The endings with a failure. They set `reason`.
fn failures() -> impl Iterator<Item = Ending> {
    let reason = || vec![Output { name: "reason".into(), secret: false }];
    Failure::OUTCOMES.iter().map(move |outcome| Ending::new(outcome).with_outputs(reason()))
}

/// Begins an attempt with the user's input.
async fn begin(cx: &mut StepCx<'_>, connector: &ConnectorSetting, attempt: Attempt<'_>) -> Result<Flow, StepError> {
    let method = attempt.method();
    let (id, usable) = connector.usable(&cx.look(), method).await?;
    let Some(usable) = usable else { return end(cx, unusable(&id, method)) };
    match cx.provider().begin(&usable, attempt).await? {
        ProviderOutcome::Interaction(interaction) if interaction.challenge.is_some() => {
            let here = cx.here();
            cx.provider().keep_interaction(here, &interaction)?;
            // The input was right, or a code was sent.
            cx.session().rotate();
            Ok(Flow::Done("challenged"))
        }
        returned => conclude(cx, returned),
    }
}

/// Ends the step with a provider's final result.
fn conclude(cx: &mut StepCx<'_>, returned: ProviderOutcome) -> Result<Flow, StepError> {
    match returned {
        ProviderOutcome::Identity(identity) => {
            cx.provider().authenticated(identity, &[])?;
            Ok(Flow::Done("authenticated"))
        }
        // This step cannot ask the question; the journey may have another step for it.
        ProviderOutcome::Interaction(_) => end(cx, Failure::Rejected(Rejection::InteractionRequired)),
        ProviderOutcome::Failed(failure) => end(cx, failure),
    }
}

/// Ends the step with a failure.
fn end(cx: &mut StepCx<'_>, failure: Failure) -> Result<Flow, StepError> {
    let outcome = failure.outcome().ok_or(StepError::Refused)?;
    cx.values().set("reason", outcome.rsplit('.').next().unwrap_or(outcome));
    if let Failure::Unavailable { retry_after: Some(seconds), .. } = failure {
        cx.session().retry_after(seconds);
    }
    cx.session().fail(match failure {
        Failure::Rejected(rejection) => client_code(rejection),
        Failure::Unavailable { .. } => Code::ProviderUnavailable,
        Failure::Refused => Code::IdentityRefused,
    });
    Ok(Flow::Done(outcome))
}

/// The code for the client. It is the same for a wrong password and for unknown, locked and disabled accounts.
/// Otherwise an attacker could find out who has an account.
fn client_code(rejection: Rejection) -> Code {
    match rejection {
        Rejection::InvalidCredentials
        | Rejection::OtpInvalid
        | Rejection::OtpExpired
        | Rejection::AccountLocked
        | Rejection::AccountDisabled => Code::InvalidCredentials,
        Rejection::PasswordExpired | Rejection::InteractionRequired => Code::InteractionRequired,
        Rejection::Declined => Code::Declined,
    }
}
