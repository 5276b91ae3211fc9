use async_trait::async_trait;
use domain::{Expression, Failure, Reference, Rejection};
use journeys::{Flow, Read, Shape, Step, StepCx, StepError, StepType};
use providers::Attempt;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::ConnectorSetting;

pub(crate) const TYPE: StepType = StepType::of::<AuthenticatePassword>("authenticate_password");

/// Checks a username and password with a provider, and a one-time code if the provider accepts one with them. Stores
/// the identity, or sets `reason` if it fails.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthenticatePassword {
    connector: ConnectorSetting,
    username: Expression,
    /// A bare reference to a secret input.
    password: Reference,
    /// A bare reference to a secret input. If it is empty, no code is sent.
    otp: Option<Reference>,
}

#[async_trait]
impl Step for AuthenticatePassword {
    fn shape(&self) -> Shape {
        let otp = self.otp.iter().map(|otp| Read::Secret("otp", otp.clone()));
        let secrets = otp.chain([Read::Secret("password", self.password.clone())]);
        Shape {
            endings: super::endings(),
            reads: self.connector.reads().chain(Read::of("username", &self.username)).chain(secrets).collect(),
            connectors: self.connector.literal().into_iter().collect(),
            ..Shape::default()
        }
    }

    async fn enter(&self, cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        let username = cx.values().eval_text(&self.username)?;
        let password = cx.values().secret(&self.password)?;
        // An empty password is never sent: some directories accept a bind without a password (RFC 4513 section 5.1.2).
        if password.expose_secret().is_empty() {
            return super::end(cx, Failure::Rejected(Rejection::InvalidCredentials));
        }
        let otp = self.otp.as_ref().map(|otp| cx.values().secret(otp)).transpose()?;
        let otp = otp.filter(|otp| !otp.expose_secret().is_empty());
        let attempt = Attempt::Password { username: &username, password: &password, otp: otp.as_ref() };
        super::begin(cx, &self.connector, attempt).await
    }
}
