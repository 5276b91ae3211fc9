use async_trait::async_trait;
use domain::{Expression, Failure, Method, Reference, Rejection};
use providers::{Attempt, Progress};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::StepType;
use super::provider::{self, ConnectorSetting};
use crate::{Ending, Flow, Read, Shape, Step, StepCx, StepError};

pub(super) const TYPE: StepType = StepType::of::<AuthenticatePassword>("authenticate_password");

/// Checks a username and password with a provider. Leaves who it is, and `reason` when it is nobody.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthenticatePassword {
    connector: ConnectorSetting,
    username: Expression,
    /// A bare reference to a secret input.
    password: Reference,
}

#[async_trait]
impl Step for AuthenticatePassword {
    fn shape(&self) -> Shape {
        let password = Read::Secret("password", self.password.clone());
        Shape {
            endings: [Ending::new("authenticated").identifying(), Ending::new("challenged")]
                .into_iter()
                .chain(provider::failures())
                .collect(),
            reads: self.connector.reads().chain(Read::of("username", &self.username)).chain([password]).collect(),
            ..Shape::default()
        }
    }

    async fn enter(&self, cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        let (connector, adapter) = self.connector.usable(&cx.look(), Method::Password).await?;
        let Some(adapter) = adapter else {
            return provider::end(cx, provider::unusable(&connector, Method::Password));
        };
        let username = cx.eval_text(&self.username)?;
        // Never sent: some directories take a bind without a password for a success (RFC 4513 section 5.1.2).
        if cx.secret(&self.password)?.expose_secret().is_empty() {
            return provider::end(cx, Failure::Rejected(Rejection::InvalidCredentials));
        }
        let attempt = Attempt::Password { username: &username, password: cx.secret(&self.password)?, otp: None };
        match adapter.begin(&cx.providers(), attempt).await {
            // The journey sends the browser there, if it wants to: nobody is shown a way out who typed a password.
            Ok(Progress::Hop(_)) => provider::end(cx, Failure::Rejected(Rejection::InteractionRequired)),
            progress => provider::go_on(cx, provider::came(&connector, Method::Password, progress)),
        }
    }
}
