#![doc = include_str!("../guides/auth0.md")]

mod errors;
mod mfa;
mod password;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use domain::{AssertionAudience, Method, Pending};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::document::{self, InvalidConnector};
use crate::oidc::{
    AuthorizeParams, Begun, Connection, Endpoints, IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Probing,
    Profile, VerifiedClaims, is_host,
};
use crate::registry::Provider;
use crate::report::NotPassed;
use crate::{Answer, Attempt, Callback, Check, Finding, ProviderError, Stage, not_switched_on};
use password::Passwords;

pub(crate) const PROVIDER: Provider = Provider::oidc(
    "auth0",
    &[Method::Oidc, Method::Password],
    &[
        &errors::REFUSED_REDIRECT,
        &OF_A_REDIRECT,
        &errors::REFUSED_CODE,
        &OF_A_CODE,
        &errors::OF_A_PASSWORD,
        &errors::OF_A_FACTORS_CODE,
        &errors::OF_A_CONFIRMATION,
        &errors::OF_A_FACTOR,
        &errors::OF_A_DIRECT_GRANT,
    ],
    Auth0::read,
);

const ALGORITHM: NotPassed = NotPassed::Unverifiable(
    "only a token shows how the application signs: Applications > the application > Settings > Advanced Settings > OAuth > JSON Web \
     Token Signature Algorithm has to be RS256. With HS256 every login is refused at id_token: algorithm",
);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The tenant's own domain, `acme.eu.auth0.com`: by which its users are known, also behind a custom domain.
    domain: String,
    /// The tenant's custom domains. Users log in at the first.
    #[serde(default)]
    custom_domains: Vec<String>,
    /// The connection users are sent to at once, and in which passwords are looked up.
    connection: Option<String>,
    /// The organization they have to log in to: its id (`org_...`), or its name where tokens have names.
    organization: Option<String>,
    /// The identifier of an API, for which Auth0 makes the access token.
    audience: Option<String>,
}

#[derive(Debug)]
struct Auth0 {
    profile: Profile,
    organization: Option<String>,
    passwords: Passwords,
}

impl Auth0 {
    fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
        let Settings { domain, custom_domains, connection, organization, audience } = document::settings(settings)?;
        if !is_host(&domain) || !is_auth0(&domain) {
            return Err(InvalidConnector::at(
                "settings.domain",
                format!(
                    "{domain:?} is not the tenant's own domain, such as acme.eu.auth0.com, without https:// and path: domains \
                     of your own are custom_domains"
                ),
            ));
        }
        if let Some((index, custom)) =
            custom_domains.iter().enumerate().find(|(_, host)| !is_host(host) || is_auth0(host))
        {
            return Err(InvalidConnector::at(
                format!("settings.custom_domains[{index}]"),
                format!("{custom:?} is not a domain of your own, such as login.acme.com"),
            ));
        }
        for (name, value) in [("connection", &connection), ("organization", &organization), ("audience", &audience)] {
            if value.as_deref() == Some("") {
                return Err(InvalidConnector::at(format!("settings.{name}"), "is empty: leave it out"));
            }
        }
        // The tenant names itself by the host that was asked, with a slash at its end.
        let issuers = custom_domains.iter().chain([&domain]).map(|host| format!("https://{host}/"));
        let keys = format!("https://{domain}/.well-known/jwks.json");
        let passwords = Passwords::new(connection.clone(), audience.clone());
        let profile = Profile {
            endpoints: Endpoints::keys_of_own_host(!custom_domains.is_empty(), &keys),
            authorize_params: AuthorizeParams::of([
                ("connection", connection),
                ("organization", organization.clone()),
                ("audience", audience),
            ]),
            // <https://auth0.com/docs/get-started/authentication-and-authorization-flow/authenticate-with-private-key-jwt>
            assertion_audience: AssertionAudience::Issuer,
            of_a_redirect: errors::TO_A_REDIRECT,
            of_a_code: errors::TO_A_CODE,
            another_issuer: "the discovery document names another issuer: put the domain of the issuer that was found into settings.domain \
                             (*.auth0.com) or settings.custom_domains",
            refused_page: "Auth0 refuses on a page of its own: Applications > the application > Settings > Allowed Callback \
                           URLs: add the redirect URI exactly as it stands in the detail; compare Client ID with client.id",
            ..Profile::new(IssuerPolicy::any_of(issuers).known_as(format!("https://{domain}")))
        };
        Ok(Box::new(Self { profile, organization, passwords }))
    }
}

#[async_trait]
impl OidcProvider for Auth0 {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The browser could leave the parameter out: what was logged in to, the token says.
    fn identify(&self, _: Method, claims: &mut VerifiedClaims, _: Option<&Callback>) -> Result<(), ProviderError> {
        match &self.organization {
            Some(wanted) if ["org_id", "org_name"].iter().all(|name| claims.text(name) != Some(wanted)) => {
                Err(Stage::IdToken.refused(Check::Tenant))
            }
            _ => Ok(()),
        }
    }

    async fn begin(&self, provider: &Connection<'_>, attempt: Attempt<'_>) -> Result<Begun, ProviderError> {
        match attempt {
            // Its token would name no organization: nothing is sent that could only be refused.
            Attempt::Password { .. } if self.organization.is_some() => {
                Err(Stage::Attempt.misconfigured(password::NO_ORGANIZATION))
            }
            // A code beside the password is not sent: Auth0 asks for it in a call of its own.
            Attempt::Password { username, password, .. } => self.passwords.begin(provider, username, password).await,
            other => Err(not_switched_on(other.method())),
        }
    }

    async fn answer(
        &self,
        provider: &Connection<'_>,
        pending: &Pending,
        answer: Answer<'_>,
    ) -> Result<Begun, ProviderError> {
        mfa::answer(provider, pending, answer).await
    }

    async fn probe(&self, probing: &Probing<'_>) -> Vec<Finding> {
        let mut checks = vec![Finding::of("signature_algorithm", Err(ALGORITHM))];
        if probing.has(Method::Password) {
            checks.extend(self.passwords.probe(probing, self.organization.is_some()).await);
        }
        checks
    }
}

fn is_auth0(host: &str) -> bool {
    host.ends_with(".auth0.com")
}
