use async_trait::async_trait;
use domain::{Asked, ConnectorId, Expression, Method, Reference};
use providers::{Attempt, Progress, Rejection};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{StepType, provider};
use crate::{Ending, Flow, Read, Shape, Step, StepCx, StepError};

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
            endings: [Ending::new("authenticated").identifying(), Ending::new("challenged")]
                .into_iter()
                .chain(provider::failures())
                .collect(),
            reads,
            ..Shape::default()
        }
    }

    async fn enter(&self, cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        let connector = cx.connector(&self.connector).await?;
        let adapter = connector.as_ref().and_then(|connector| connector.adapter.as_ref());
        let Some(adapter) = adapter.filter(|adapter| adapter.methods().contains(&Method::Password)) else {
            return Ok(provider::unusable(cx, &self.connector, Method::Password));
        };
        let username = cx.eval_text(&self.username)?;
        // Never sent: some directories take a bind without a password for a success (RFC 4513 section 5.1.2).
        if cx.secret(&self.password)?.expose_secret().is_empty() {
            return Ok(provider::rejected(cx, Rejection::InvalidCredentials));
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
            Err(error) => provider::failed(cx, &self.connector, Method::Password, &error),
        }
    }
}
