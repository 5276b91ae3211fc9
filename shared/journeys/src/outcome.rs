//! What an adapter answered, as a session keeps it; the details go to the log alone.

use domain::{ConnectorId, Failure, Interaction, Method, ProviderOutcome, RequestContext, Unavailability};
use providers::{Progress, ProviderError};

/// There is no such connector, it is switched off, or it cannot do this.
pub fn unusable(connector: &ConnectorId, method: Method) -> Failure {
    tracing::error!(event = "connector_unusable", %connector, method = method.as_str());
    Failure::unavailable(Unavailability::Misconfigured)
}

/// What an adapter answered, as it may be kept.
pub(crate) fn record_outcome(
    cx: &RequestContext,
    connector: &ConnectorId,
    method: Method,
    progress: Result<Progress, ProviderError>,
) -> ProviderOutcome {
    cx.count(|counts| {
        counts.attempts += 1;
        counts.attempt = Some(match &progress {
            Ok(Progress::Done(_)) => "authenticated",
            Ok(Progress::Ask(..)) => "challenged",
            Ok(Progress::Hop(_)) => "redirected",
            Err(error) => error.as_str(),
        });
    });
    let interaction = |challenge, pending| {
        let (wrong, resent, answered) = (0, 0, Vec::new());
        ProviderOutcome::Interaction(Interaction {
            connector: connector.clone(),
            method,
            challenge,
            wrong,
            resent,
            account: None,
            answered,
            pending,
        })
    };
    match progress {
        Ok(Progress::Done(identity)) => ProviderOutcome::Identity(*identity),
        Ok(Progress::Ask(challenge, pending)) => interaction(Some(challenge), pending),
        Ok(Progress::Hop(pending)) => interaction(None, pending),
        Err(error) => ProviderOutcome::Failed(failed(connector, method, &error)),
    }
}

/// The provider asserted no identity: the true reason goes to the log.
fn failed(connector: &ConnectorId, method: Method, error: &ProviderError) -> Failure {
    let (method, hint) = (method.as_str(), error.hint());
    match error {
        ProviderError::Misconfigured { .. } | ProviderError::Refused { .. } => {
            tracing::error!(event = "login_failed", %connector, method, reason = %error, hint);
        }
        _ => tracing::warn!(event = "login_failed", %connector, method, reason = %error, hint),
    }
    error.failure()
}
