//! Converts an adapter's result to the outcome in a session. The details go only to the log.

use chrono::TimeDelta;
use domain::{Challenge, ConnectorId, Failure, Interaction, Method, ProviderOutcome, RequestContext, Unavailability};
use providers::{Progress, ProviderError};

/// The failure if a connector does not exist, is disabled, or does not support the method.
pub fn unusable(connector: &ConnectorId, method: Method) -> Failure {
    tracing::error!(event = "connector_unusable", %connector, method = method.as_str());
    Failure::unavailable(Unavailability::Misconfigured)
}

/// Counts and logs an adapter's result, and converts it.
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
        let not_before = match &challenge {
            Some(Challenge::Wait { every, .. }) => Some(cx.now + TimeDelta::seconds((*every).into())),
            _ => None,
        };
        ProviderOutcome::Interaction(Interaction {
            connector: connector.clone(),
            method,
            challenge,
            wrong: 0,
            resent: 0,
            account: None,
            proven: Vec::new(),
            not_before,
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

/// Logs the exact reason why the provider asserted no identity.
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
