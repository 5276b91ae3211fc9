#![doc = include_str!("../guides/keycloak.md")]

mod errors;
mod probe;
mod settings;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use domain::Method;
use egress::Response;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use crate::document::{self, InvalidConnector};
use crate::oidc::{Begun, Connection, IssuerPolicy, OF_A_REDIRECT, OidcProvider, Probing, Profile, VerifiedClaims};
use crate::registry::Provider;
use crate::report::{NotPassed, Verdict};
use crate::{Attempt, Callback, Finding, ProviderError, Rejection, Stage, not_switched_on};
use settings::Settings;

pub(crate) const PROVIDER: Provider = Provider::oidc(
    "keycloak",
    &[Method::Oidc, Method::Password, Method::Totp],
    &[
        &OF_A_REDIRECT,
        &errors::OF_A_CODE,
        &errors::OF_A_DIRECT_GRANT,
        &errors::OF_A_PASSWORD,
        &errors::OF_A_TOTP,
        &errors::OF_ANYTHING,
    ],
    Keycloak::read,
);

const CODE_NOT_CHECKED: &str = "the provider accepted the login without checking the code: set OTP to Required in the direct \
                                grant flow of totp's client, and its Authenticator Reference to otp";

#[derive(Debug)]
struct Keycloak(Profile);

impl Keycloak {
    fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
        let settings: Settings = document::settings(settings)?;
        Ok(Box::new(Self(Profile {
            of_a_code: errors::TO_A_CODE,
            another_issuer: "the discovery document names another issuer: put into settings.url exactly the address that stands before \
                             /realms in the issuer that was found, or have the server started with that address as its \
                             hostname",
            any_secret: NotPassed::Failed(
                "the client is public, so Keycloak accepts any secret: switch on Client authentication under \
                 Clients > the client > Settings > Capability config",
            ),
            ..Profile::new(IssuerPolicy::exact(settings.issuer()?))
        })))
    }
}

#[async_trait]
impl OidcProvider for Keycloak {
    fn profile(&self) -> &Profile {
        &self.0
    }

    /// The token has to say that the realm has checked the code (RFC 8176 section 2, `otp`): a realm may accept a login without.
    fn identify(
        &self,
        method: Method,
        claims: &mut VerifiedClaims,
        _callback: Option<&Callback>,
    ) -> Result<(), ProviderError> {
        if method != Method::Totp {
            return Ok(());
        }
        match claims.texts("amr") {
            Some(references) if references.contains(&"otp") => Ok(()),
            // The same answer as for a user without a one-time code; otherwise it would reveal which users have none. The log tells.
            Some(_) => {
                tracing::error!(event = "code_not_checked", hint = CODE_NOT_CHECKED);
                Err(ProviderError::Rejected(Rejection::OtpInvalid))
            }
            None => Err(Stage::IdToken.misconfigured(
                "the ID token has no amr: add the mapper Authentication Method Reference (AMR) under Clients > the client of \
                 totp > Client scopes > its dedicated scope",
            )),
        }
    }

    fn own_page(&self, answer: &Response) -> Option<Verdict> {
        let hint = probe::about_a_page(answer).filter(|_| answer.status.is_client_error())?;
        Some(Err(NotPassed::Failed(hint)))
    }

    async fn probe(&self, probing: &Probing<'_>) -> Vec<Finding> {
        probe::checks(probing).await
    }

    /// The resource owner password credentials grant (RFC 6749 section 4.3), without a password where its flow takes none.
    async fn begin(&self, provider: &Connection<'_>, attempt: Attempt<'_>) -> Result<Begun, ProviderError> {
        let (username, password, code, refusals) = match attempt {
            Attempt::Password { username, password, otp } => (username, Some(password), otp, errors::TO_A_PASSWORD),
            Attempt::Totp { username, code } => (username, None, Some(code), errors::TO_A_TOTP),
            Attempt::Redirect(_) | Attempt::Otp { .. } => return Err(not_switched_on(attempt.method())),
        };
        let mut grant = vec![("grant_type", "password"), ("scope", provider.scope()), ("username", username)];
        grant.extend(password.map(|password| ("password", password.expose_secret())));
        grant.extend(code.map(|code| ("totp", code.expose_secret())));
        provider.grant(attempt.method(), &grant, refusals).await.map(Begun::Tokens)
    }
}
