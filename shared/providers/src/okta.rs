#![doc = include_str!("../guides/okta.md")]

mod errors;
mod idx;
mod password;
mod probe;
mod settings;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use domain::{Method, Pending};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use crate::document::{self, InvalidConnector};
use crate::oidc::{
    Begun, Connection, Endpoints, IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Probing, Profile,
};
use crate::registry::Provider;
use crate::{Answer, Attempt, Finding, ProviderError, not_switched_on};
use settings::{Settings, TotpFlow};

pub(crate) const PROVIDER: Provider = Provider::oidc(
    "okta",
    &[Method::Oidc, Method::Password, Method::Totp],
    &[
        &errors::OF_A_REDIRECT,
        &OF_A_REDIRECT,
        &errors::OF_A_CODE,
        &OF_A_CODE,
        &errors::OF_A_PASSWORD,
        &errors::OF_A_SECOND_CODE,
        &errors::OF_A_PUSH,
        &errors::OF_A_CODE_ALONE,
        &errors::OF_AN_INTERACTION,
        &errors::OF_A_STEP,
        &errors::OF_AN_INTERACTION_CODE,
        &errors::OF_ANY_GRANT,
    ],
    Okta::read,
);

/// The grant of direct authentication for a code without a password:
/// <https://developer.okta.com/docs/guides/configure-direct-auth-grants/aotp/main/>.
const OTP: &str = "urn:okta:params:oauth:grant-type:otp";

#[derive(Debug)]
struct Okta {
    profile: Profile,
    settings: Settings,
}

impl Okta {
    fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
        let settings: Settings = document::settings(settings)?;
        settings.check()?;
        // A user has one id in the org, whichever authorization server and domain they come through.
        let issuer = IssuerPolicy::any_of(settings.issuers()).known_as(format!("https://{}", settings.domain));
        let profile = Profile {
            endpoints: Endpoints::keys_of_own_host(settings.custom_domain.is_some(), &settings.keys()),
            // The ID token that comes with an access token has no `email_verified`, and seldom an e-mail.
            userinfo_for: &["email", "email_verified"],
            of_a_redirect: &[&errors::OF_A_REDIRECT, &OF_A_REDIRECT],
            of_a_code: &[&errors::OF_A_CODE, &OF_A_CODE],
            another_issuer: "the discovery document names another issuer: put its domain into settings.domain or \
                             settings.custom_domain, and its id into settings.authorization_server, as they stand in the issuer \
                             that was found (Security > API > Authorization Servers > the server > Issuer)",
            refused_page: "Okta refuses on a page of its own: Applications > Applications > the application > General > Sign-in \
                           redirect URIs: add the redirect URI exactly as it stands in the detail; compare Client ID with \
                           client.id",
            ..Profile::new(issuer)
        };
        Ok(Box::new(Self { profile, settings }))
    }
}

#[async_trait]
impl OidcProvider for Okta {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn begin(&self, provider: &Connection<'_>, attempt: Attempt<'_>) -> Result<Begun, ProviderError> {
        match attempt {
            Attempt::Password { username, password, otp } => {
                let typed = password::Typed { username, password, otp };
                password::sign_in(provider, &self.settings.mfa, typed).await
            }
            Attempt::Totp { username, code } if self.settings.totp_flow == TotpFlow::OtpGrant => {
                let code = code.expose_secret();
                let grant = [("grant_type", OTP), ("login_hint", username), ("otp", code), ("scope", provider.scope())];
                provider.grant(Method::Totp, &grant, errors::TO_A_CODE_ALONE).await.map(Begun::Tokens)
            }
            Attempt::Totp { username, code } => {
                let authenticator = self.settings.totp_authenticator.as_deref();
                idx::sign_in(provider, authenticator, username, code).await
            }
            Attempt::Redirect(_) | Attempt::Otp { .. } => Err(not_switched_on(attempt.method())),
        }
    }

    async fn answer(
        &self,
        provider: &Connection<'_>,
        pending: &Pending,
        answer: Answer<'_>,
    ) -> Result<Begun, ProviderError> {
        password::go_on(provider, pending, answer).await
    }

    async fn probe(&self, probing: &Probing<'_>) -> Vec<Finding> {
        probe::checks(probing, self.settings.totp_flow).await
    }
}
