//! What checks a user with a provider. Here is what those steps have in common: which connector, what an
//! answer means to the journey, and what of a failure the client is shown.

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

/// The connector a step goes to: its id, or an expression for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Value")]
struct ConnectorSetting(Expression);

impl TryFrom<Value> for ConnectorSetting {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let expression = Expression::try_from(value).map_err(|error| error.to_string())?;
        if let Expression::Literal(literal) = &expression {
            let id = literal.as_str().ok_or("is not the id of a connector")?;
            id.parse::<ConnectorId>().map_err(|error| error.to_string())?;
        }
        Ok(Self(expression))
    }
}

impl ConnectorSetting {
    fn reads(&self) -> impl Iterator<Item = Read> + '_ {
        Read::of("connector", &self.0)
    }

    /// The connector, where it is named outright.
    fn named(&self) -> Option<ConnectorId> {
        let Expression::Literal(literal) = &self.0 else { return None };
        literal.as_str()?.parse().ok()
    }

    fn id(&self, cx: &ViewCx<'_>) -> Result<ConnectorId, StepError> {
        cx.eval_text(&self.0)?.parse().map_err(|_| StepError::Broken("a connector's id is none"))
    }

    /// The connector, switched on and able to do `method`.
    async fn usable(&self, cx: &ViewCx<'_>, method: Method) -> Result<(ConnectorId, Option<Usable>), StepError> {
        let id = self.id(cx)?;
        let usable = cx.usable(&id, method).await?;
        Ok((id, usable))
    }
}

/// How a step ends that checks what a user has typed: with an identity, with a question, or with a failure.
fn endings() -> Vec<Ending> {
    let begun = [Ending::new("authenticated").identifying(), Ending::new("challenged").asking()];
    begun.into_iter().chain(failures()).collect()
}

/// How such a step ends without an identity. Leaves the reason.
fn failures() -> impl Iterator<Item = Ending> {
    let reason = || vec![Output { name: "reason".into(), secret: false }];
    Failure::OUTCOMES.iter().map(move |outcome| Ending::new(outcome).leaving(reason()))
}

/// Begins what a user has typed for.
async fn begin(cx: &mut StepCx<'_>, connector: &ConnectorSetting, attempt: Attempt<'_>) -> Result<Flow, StepError> {
    let method = attempt.method();
    let (id, usable) = connector.usable(&cx.look(), method).await?;
    let Some(usable) = usable else { return end(cx, unusable(&id, method)) };
    match cx.provider().begin(&usable, attempt).await? {
        ProviderOutcome::Interaction(interaction) if interaction.challenge.is_some() => {
            let here = cx.here();
            cx.provider().keep_interaction(here, &interaction)?;
            // What was typed was right, or a code is on its way.
            cx.session().rotate();
            Ok(Flow::Done("challenged"))
        }
        returned => conclude(cx, returned),
    }
}

/// What came of an attempt that has come to its end.
fn conclude(cx: &mut StepCx<'_>, returned: ProviderOutcome) -> Result<Flow, StepError> {
    match returned {
        ProviderOutcome::Identity(identity) => {
            cx.provider().authenticated(identity, &[])?;
            Ok(Flow::Done("authenticated"))
        }
        // For what this step cannot ask, the journey may have another.
        ProviderOutcome::Interaction(_) => end(cx, Failure::Rejected(Rejection::InteractionRequired)),
        ProviderOutcome::Failed(failure) => end(cx, failure),
    }
}

/// Ends the step with a failure.
fn end(cx: &mut StepCx<'_>, failure: Failure) -> Result<Flow, StepError> {
    let outcome = failure.outcome().ok_or(StepError::Refused)?;
    cx.values().leave("reason", outcome.rsplit('.').next().unwrap_or(outcome));
    if let Failure::Unavailable { retry_after: Some(seconds), .. } = failure {
        cx.session().retry_after(seconds);
    }
    cx.session().fail(match failure {
        Failure::Rejected(rejection) => shown(rejection),
        Failure::Unavailable { .. } => Code::ProviderUnavailable,
        Failure::Refused => Code::IdentityRefused,
    });
    Ok(Flow::Done(outcome))
}

/// Wrong, unknown, locked and disabled look alike to the client: what differs would tell who has an account.
fn shown(rejection: Rejection) -> Code {
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
