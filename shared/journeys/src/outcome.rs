//! What an adapter answered, as a session keeps it; the details go to the log alone.

use domain::{Asked, ConnectorId, Failure, Method, RequestContext, Returned, Unavailability};
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
) -> Returned {
    cx.count(|counts| {
        counts.attempts += 1;
        counts.attempt = Some(match &progress {
            Ok(Progress::Done(_)) => "authenticated",
            Ok(Progress::Ask(..)) => "challenged",
            Ok(Progress::Hop(_)) => "redirected",
            Err(error) => error.as_str(),
        });
    });
    let asked = |challenge, pending| {
        let (wrong, resent, answered) = (0, 0, Vec::new());
        Returned::Asked(Asked { connector: connector.clone(), method, challenge, wrong, resent, answered, pending })
    };
    match progress {
        Ok(Progress::Done(identity)) => Returned::Identity(identity),
        Ok(Progress::Ask(challenge, pending)) => asked(Some(challenge), pending),
        Ok(Progress::Hop(pending)) => asked(None, pending),
        Err(error) => Returned::Failed(failed(connector, method, &error)),
    }
}

/// The provider asserted no identity: the true reason goes to the log.
fn failed(connector: &ConnectorId, method: Method, error: &ProviderError) -> Failure {
    let method = method.as_str();
    match error {
        ProviderError::Misconfigured { .. } | ProviderError::Refused { .. } => {
            tracing::error!(event = "login_failed", %connector, method, reason = %error);
        }
        _ => tracing::warn!(event = "login_failed", %connector, method, reason = %error),
    }
    error.failure()
}
