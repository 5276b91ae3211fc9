use async_trait::async_trait;
use domain::{Expression, Failure, Reference, Rejection};
use journeys::{Flow, Read, Shape, Step, StepCx, StepError, StepType};
use providers::Attempt;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::ConnectorSetting;

pub(crate) const TYPE: StepType = StepType::of::<AuthenticateTotp>("authenticate_totp");

/// Checks a username and a code from an authenticator app with a provider. Stores the identity, or sets `reason` if it
/// fails.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthenticateTotp {
    connector: ConnectorSetting,
    username: Expression,
    /// A bare reference to a secret input.
    code: Reference,
}

#[async_trait]
impl Step for AuthenticateTotp {
    fn shape(&self) -> Shape {
        let code = Read::Secret("code", self.code.clone());
        Shape {
            endings: super::endings(),
            reads: self.connector.reads().chain(Read::of("username", &self.username)).chain([code]).collect(),
            connectors: self.connector.literal().into_iter().collect(),
            ..Shape::default()
        }
    }

    async fn enter(&self, cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        let username = cx.values().eval_text(&self.username)?;
        let code = cx.values().secret(&self.code)?;
        // An empty code is never sent: a provider's flow that does not check the code would accept the username alone.
        if code.expose_secret().is_empty() {
            return super::end(cx, Failure::Rejected(Rejection::OtpInvalid));
        }
        super::begin(cx, &self.connector, Attempt::Totp { username: &username, code: &code }).await
    }
}
