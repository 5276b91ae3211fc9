//! What steps that check somebody with a provider have in common: which connector, what an answer means to the journey,
//! what of a failure the client is shown, and what goes to the log alone.

use std::sync::Arc;

use domain::{
    Asked, Code, ConnectorId, Expression, Failure, Method, Rejection, RequestContext, Returned, Unavailability,
};
use providers::{Attempt, Progress, ProviderAdapter, ProviderError};
use serde::Deserialize;
use serde_json::Value;

use crate::{Ending, Flow, Output, Read, StepCx, StepError, ViewCx};

/// The connector a step goes to: its id, or an expression for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Value")]
pub(super) struct ConnectorSetting(Expression);

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

/// A connector's adapter, as far as there is one that can do what is wanted.
pub(super) type Usable = Option<Arc<dyn ProviderAdapter>>;

impl ConnectorSetting {
    pub(super) fn reads(&self) -> impl Iterator<Item = Read> + '_ {
        Read::of("connector", &self.0)
    }

    /// The connector, where it is named outright.
    pub(super) fn named(&self) -> Option<ConnectorId> {
        let Expression::Literal(literal) = &self.0 else { return None };
        literal.as_str()?.parse().ok()
    }

    pub(super) fn id(&self, cx: &ViewCx<'_>) -> Result<ConnectorId, StepError> {
        cx.eval_text(&self.0)?.parse().map_err(|_| StepError::Broken("a connector's id is none"))
    }

    /// The connector, switched on and able to do `method`.
    pub(super) async fn usable(&self, cx: &ViewCx<'_>, method: Method) -> Result<(ConnectorId, Usable), StepError> {
        let id = self.id(cx)?;
        let connector = cx.connector(&id).await?;
        let adapter = connector.and_then(|connector| connector.adapter.clone());
        Ok((id, adapter.filter(|adapter| adapter.methods().contains(&method))))
    }
}

/// How a step ends that checks what a user has typed: with somebody, with a question, or with nobody.
pub(super) fn endings() -> Vec<Ending> {
    let begun = [Ending::new("authenticated").identifying(), Ending::new("challenged").asking()];
    begun.into_iter().chain(failures()).collect()
}

/// How such a step ends when nobody was vouched for. Leaves the reason.
pub(super) fn failures() -> impl Iterator<Item = Ending> {
    let reason = || vec![Output { name: "reason".into(), secret: false }];
    Failure::OUTCOMES.iter().map(move |outcome| Ending::new(outcome).leaving(reason()))
}

/// There is no such connector, it is switched off, or it cannot do this.
pub(crate) fn unusable(connector: &ConnectorId, method: Method) -> Failure {
    tracing::error!(event = "connector_unusable", %connector, method = method.as_str());
    Failure::unavailable(Unavailability::Misconfigured)
}

/// The provider vouched for nobody: the true reason goes to the log.
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

/// Begins what a user has typed for.
pub(super) async fn begin(
    cx: &mut StepCx<'_>,
    connector: &ConnectorSetting,
    attempt: Attempt<'_>,
) -> Result<Flow, StepError> {
    let method = attempt.method();
    let (id, adapter) = connector.usable(&cx.look(), method).await?;
    let Some(adapter) = adapter else { return end(cx, unusable(&id, method)) };
    let progress = adapter.begin(&cx.providers(), attempt).await;
    match record_outcome(cx.request, &id, method, progress) {
        Returned::Asked(asked) if asked.challenge.is_some() => {
            cx.keep_asked(cx.here, &asked)?;
            // What was typed was right, or a code is on its way.
            cx.rotate();
            Ok(Flow::Done("challenged"))
        }
        returned => conclude(cx, returned),
    }
}

/// What came of an attempt that has come to its end.
pub(super) fn conclude(cx: &mut StepCx<'_>, returned: Returned) -> Result<Flow, StepError> {
    match returned {
        Returned::Identity(identity) => {
            cx.authenticated(&identity)?;
            Ok(Flow::Done("authenticated"))
        }
        // For what this step cannot ask, the journey may have another.
        Returned::Asked(_) => end(cx, Failure::Rejected(Rejection::InteractionRequired)),
        Returned::Failed(failure) => end(cx, failure),
    }
}

/// Ends the step with a failure.
pub(super) fn end(cx: &mut StepCx<'_>, failure: Failure) -> Result<Flow, StepError> {
    let outcome = failure.outcome().ok_or(StepError::Refused)?;
    cx.leave("reason", outcome.rsplit('.').next().unwrap_or(outcome));
    if let Failure::Unavailable { retry_after: Some(seconds), .. } = failure {
        cx.retry_after(seconds);
    }
    cx.fail(match failure {
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
