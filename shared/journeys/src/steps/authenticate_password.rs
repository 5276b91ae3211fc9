use async_trait::async_trait;
use domain::{Asked, Code, ConnectorId, Expression, Method, Reference};
use providers::{Attempt, Progress, ProviderError, Rejection};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{PROVIDER_FAILURES, StepType};
use crate::{Flow, Outcome, Output, Read, Shape, Step, StepCx, StepError};

pub(super) const TYPE: StepType = StepType::of::<AuthenticatePassword>("authenticate_password");

/// Checks a username and password with a provider. Leaves who it is, and `reason` when it is nobody.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthenticatePassword {
    connector: ConnectorId,
    username: Expression,
    /// A bare reference to a secret input.
    password: Reference,
}

#[async_trait]
impl Step for AuthenticatePassword {
    fn shape(&self) -> Shape {
        let mut reads: Vec<_> = Read::of("username", &self.username).into_iter().collect();
        reads.push(Read::Secret("password", self.password.clone()));
        Shape {
            outcomes: ["authenticated", "challenged"].iter().chain(PROVIDER_FAILURES).copied().collect(),
            reads,
            leaves: vec![Output { name: "reason".into(), secret: false }],
            identifies: true,
            ..Shape::default()
        }
    }

    async fn enter(&self, cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        let connector = cx.connector(&self.connector).await?;
        let adapter = connector.as_ref().and_then(|connector| connector.adapter.as_ref());
        let Some(adapter) = adapter.filter(|adapter| adapter.methods().contains(&Method::Password)) else {
            tracing::error!(event = "connector_unusable", connector = %self.connector, method = "password");
            return Ok(Flow::Done(unavailable(cx, "unavailable.misconfigured")));
        };
        let username = cx.eval_text(&self.username)?;
        // Never sent: some directories take a bind without a password for a success (RFC 4513 section 5.1.2).
        if cx.secret(&self.password)?.expose_secret().is_empty() {
            return rejected(cx, Rejection::InvalidCredentials);
        }
        let attempt = Attempt::Password { username: &username, password: cx.secret(&self.password)?, otp: None };
        match adapter.begin(&cx.providers(), attempt).await {
            Ok(Progress::Done(identity)) => {
                cx.authenticated(&identity)?;
                Ok(Flow::Done("authenticated"))
            }
            Ok(Progress::Ask(challenge, pending)) => {
                cx.asked(&Asked { challenge, pending })?;
                Ok(Flow::Done("challenged"))
            }
            Err(error) => failed(cx, &self.connector, &error),
        }
    }
}

/// What a provider's failure means for the journey, and what the client is shown of it.
fn failed(cx: &mut StepCx<'_>, connector: &ConnectorId, error: &ProviderError) -> Result<Flow, StepError> {
    match error {
        ProviderError::Misconfigured { .. } | ProviderError::Refused { .. } => {
            tracing::error!(event = "login_failed", %connector, method = "password", reason = %error);
        }
        _ => tracing::warn!(event = "login_failed", %connector, method = "password", reason = %error),
    }
    let outcome = error.outcome().ok_or(StepError::Refused)?;
    let ProviderError::Rejected(rejection) = error else {
        if let ProviderError::Throttled { retry_after: Some(wait) } = error {
            cx.retry_after(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX));
        }
        return Ok(Flow::Done(unavailable(cx, outcome)));
    };
    rejected(cx, *rejection)
}

fn rejected(cx: &mut StepCx<'_>, rejection: Rejection) -> Result<Flow, StepError> {
    cx.leave("reason", rejection.as_str());
    cx.fail(shown(rejection));
    Ok(Flow::Done(rejection.outcome()))
}

/// Wrong, unknown, locked and disabled look alike to the client: what differs would tell who has an account.
fn shown(rejection: Rejection) -> Code {
    match rejection {
        Rejection::InvalidCredentials | Rejection::OtpInvalid | Rejection::OtpExpired => Code::InvalidCredentials,
        Rejection::AccountLocked | Rejection::AccountDisabled => Code::InvalidCredentials,
        Rejection::PasswordExpired | Rejection::InteractionRequired => Code::InteractionRequired,
        Rejection::Declined => Code::Declined,
    }
}

fn unavailable(cx: &mut StepCx<'_>, outcome: Outcome) -> Outcome {
    cx.leave("reason", outcome.rsplit('.').next().unwrap_or(outcome));
    cx.fail(Code::ProviderUnavailable);
    outcome
}
