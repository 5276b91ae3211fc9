#![doc = include_str!("../guides/onelogin.md")]

mod errors;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use domain::{ClientAuthMethod, Method};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::document::{self, InvalidConnector};
use crate::oidc::{
    Begun, Connection, IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Probing, Profile, is_label,
};
use crate::registry::Provider;
use crate::report::{NotPassed, Verdict};
use crate::{Attempt, Finding, ProviderError, not_switched_on};

pub(crate) const PROVIDER: Provider = Provider::oidc(
    "onelogin",
    &[Method::Oidc, Method::Password],
    &[&OF_A_REDIRECT, &errors::REFUSED_CODE, &OF_A_CODE, &errors::OF_A_PASSWORD],
    OneLogin::read,
);

const SEEN_IN_A_LOGIN: NotPassed = NotPassed::Unverifiable(
    "only a login shows it: OneLogin documents no answer to a grant that names nobody. Assign the users or their roles to the \
     application (Access), and see that no policy of theirs or of the application's demands MFA. Log in once by password",
);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// What stands before `.onelogin.com` in the account's address.
    subdomain: String,
}

#[derive(Debug)]
struct OneLogin(Profile);

impl OneLogin {
    fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
        let Settings { subdomain } = document::settings(settings)?;
        if !is_label(&subdomain) {
            return Err(InvalidConnector::at(
                "settings.subdomain",
                format!("{subdomain:?} is not what stands before .onelogin.com in the account's address, such as acme"),
            ));
        }
        let issuer = IssuerPolicy::exact(format!("https://{subdomain}.onelogin.com/oidc/2"));
        Ok(Box::new(Self(Profile {
            client_auth: ClientAuthMethod::ClientSecretBasic,
            another_issuer: "the discovery document names another issuer: put into settings.subdomain what stands before .onelogin.com \
                             in the issuer that was found",
            of_a_code: errors::TO_A_CODE,
            refused_page: "OneLogin refuses on a page of its own: Applications > the application > Configuration > Redirect URI's: \
                           add the redirect URI exactly as it stands in the detail; compare SSO > Client ID with client.id",
            ..Profile::new(issuer)
        })))
    }
}

#[async_trait]
impl OidcProvider for OneLogin {
    fn profile(&self) -> &Profile {
        &self.0
    }

    /// The resource owner grant: <https://developers.onelogin.com/openid-connect/api/password-grant>.
    async fn begin(&self, provider: &Connection<'_>, attempt: Attempt<'_>) -> Result<Begun, ProviderError> {
        let Attempt::Password { username, password, .. } = attempt else {
            return Err(not_switched_on(attempt.method()));
        };
        let mut grant = grant(provider)?;
        grant.extend([("username", username), ("password", password.expose_secret())]);
        provider.grant(Method::Password, &grant, errors::TO_A_PASSWORD).await.map(Begun::Tokens)
    }

    async fn probe(&self, probing: &Probing<'_>) -> Vec<Finding> {
        if !probing.has(Method::Password) {
            return Vec::new();
        }
        vec![Finding::of("password_grant", may_grant(probing).await)]
    }
}

/// All but who it is. The page demands `client_id` in the form of a client, too, that shows it in the header.
fn grant<'a>(provider: &Connection<'a>) -> Result<Vec<(&'static str, &'a str)>, ProviderError> {
    let registration = provider.registration;
    let client = registration.client(Method::Password)?;
    let is_basic = client.token_endpoint_auth_method == Some(ClientAuthMethod::ClientSecretBasic);
    let id = (is_basic && client.shows_secret()).then_some(("client_id", client.id.as_str()));
    Ok([("grant_type", "password"), ("scope", registration.scope())].into_iter().chain(id).collect())
}

/// A grant without a name is nobody's failed login.
async fn may_grant(probing: &Probing<'_>) -> Verdict {
    let grant = grant(&probing.connection())?;
    match probing.grant(Method::Password, &grant, errors::TO_A_PASSWORD).await? {
        Err(error) if error == errors::NO_GRANT => Err(error.into()),
        Err(error @ (ProviderError::Unavailable { .. } | ProviderError::Throttled { .. })) => Err(error.into()),
        _ => Err(SEEN_IN_A_LOGIN),
    }
}
