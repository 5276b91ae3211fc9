//! What steps that check somebody with a provider have in common: what its failures mean to the journey, what of them the
//! client is shown, and what goes to the log alone.

use domain::{Code, ConnectorId, Method};
use providers::{ProviderError, Rejection};

use crate::{Ending, Flow, Outcome, Output, StepCx, StepError};

/// How such a step ends when nobody was vouched for. Leaves the reason.
pub(super) fn failures() -> impl Iterator<Item = Ending> {
    let reason = || vec![Output { name: "reason".into(), secret: false }];
    providers::OUTCOMES.iter().map(move |outcome| Ending::new(outcome).leaving(reason()))
}

/// There is no such connector, it is switched off, or it cannot do this.
pub(super) fn unusable(cx: &mut StepCx<'_>, connector: &ConnectorId, method: Method) -> Flow {
    tracing::error!(event = "connector_unusable", %connector, method = method.as_str());
    unavailable(cx, "unavailable.misconfigured")
}

/// The provider vouched for nobody.
pub(super) fn failed(
    cx: &mut StepCx<'_>,
    connector: &ConnectorId,
    method: Method,
    error: &ProviderError,
) -> Result<Flow, StepError> {
    let method = method.as_str();
    match error {
        ProviderError::Misconfigured { .. } | ProviderError::Refused { .. } => {
            tracing::error!(event = "login_failed", %connector, method, reason = %error);
        }
        _ => tracing::warn!(event = "login_failed", %connector, method, reason = %error),
    }
    let outcome = error.outcome().ok_or(StepError::Refused)?;
    if let ProviderError::Rejected(rejection) = error {
        return Ok(rejected(cx, *rejection));
    }
    if let ProviderError::Throttled { retry_after: Some(wait) } = error {
        cx.retry_after(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX));
    }
    Ok(unavailable(cx, outcome))
}

/// The user has to do something else.
pub(super) fn rejected(cx: &mut StepCx<'_>, rejection: Rejection) -> Flow {
    cx.leave("reason", rejection.as_str());
    cx.fail(shown(rejection));
    Flow::Done(rejection.outcome())
}

fn unavailable(cx: &mut StepCx<'_>, outcome: Outcome) -> Flow {
    cx.leave("reason", outcome.rsplit('.').next().unwrap_or(outcome));
    cx.fail(Code::ProviderUnavailable);
    Flow::Done(outcome)
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
