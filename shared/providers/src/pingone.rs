#![doc = include_str!("../guides/pingone.md")]

mod errors;
mod flow;
mod jar;
mod state;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use domain::{Method, Pending};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::document::{self, InvalidConnector};
use crate::oidc::{
    Begun, Connection, Endpoints, IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Probing, Profile, is_guid,
    is_host,
};
use crate::registry::Provider;
use crate::report::NotPassed;
use crate::{Answer, Attempt, Check, Finding, ProviderError, Stage, not_switched_on};

pub(crate) const PROVIDER: Provider = Provider::oidc(
    "pingone",
    &[Method::Oidc, Method::Password],
    &[
        &OF_A_REDIRECT,
        &errors::OF_A_CODE,
        &OF_A_CODE,
        &errors::OF_AUTHORIZE,
        &errors::OF_A_PASSWORD,
        &errors::OF_A_FACTOR,
        &errors::OF_A_NEW_PASSWORD,
        &errors::OF_ANYTHING,
        &errors::OF_A_GRANT,
    ],
    PingOne::read,
);

const GRANT: NotPassed = NotPassed::Unverifiable(
    "only a user's login shows whether the environment has the resource owner password grant: without settings.password_flow, the \
     flow API is used, which can be tested",
);

/// How a password reaches PingOne.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PasswordFlow {
    /// The flow API.
    #[default]
    Api,
    /// The resource owner password grant, which is not documented any more.
    Grant,
}

#[derive(Debug)]
struct PingOne {
    profile: Profile,
    password_flow: PasswordFlow,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// A UUID, by which the environment's users are known in every region and behind a custom domain.
    environment_id: String,
    /// Where the environment is.
    region: Region,
    /// The environment's custom domain, if it has one.
    custom_domain: Option<String>,
    #[serde(default)]
    password_flow: PasswordFlow,
}

/// A region, as the console names it: <https://docs.pingidentity.com/pingone/developer_tools/p1_ip_address_domain_reference.html>.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Region {
    /// North America.
    Na,
    /// Canada.
    Ca,
    /// Europe.
    Eu,
    /// Australia.
    Au,
    /// Singapore.
    Sg,
    /// Asia-Pacific, for customers who are there already.
    Ap,
}

impl Region {
    fn top_level_domain(self) -> &'static str {
        match self {
            Region::Na => "com",
            Region::Ca => "ca",
            Region::Eu => "eu",
            Region::Au => "com.au",
            Region::Sg => "sg",
            Region::Ap => "asia",
        }
    }
}

impl PingOne {
    fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
        let Settings { environment_id, region, custom_domain, password_flow } = document::settings(settings)?;
        if !is_guid(&environment_id) {
            return Err(InvalidConnector::at(
                "settings.environment_id",
                format!(
                    "{environment_id:?} is not the environment's id, a UUID in lower case (Settings > Environment Properties)"
                ),
            ));
        }
        if custom_domain.as_deref().is_some_and(|custom| !is_host(custom) || custom.starts_with("auth.pingone.")) {
            return Err(InvalidConnector::at(
                "settings.custom_domain",
                format!("{:?} is not a domain of your own, such as login.acme.com", custom_domain.unwrap_or_default()),
            ));
        }
        let own = format!("https://auth.pingone.{}/{environment_id}/as", region.top_level_domain());
        let endpoints = Endpoints::keys_of_own_host(custom_domain.is_some(), &format!("{own}/jwks"));
        // Once there is a custom domain, the environment names itself by it; by either, it is the same.
        let issuers = custom_domain.map(|custom| format!("https://{custom}/as")).into_iter().chain([own]);
        let profile = Profile {
            endpoints,
            another_issuer: "the discovery document names another issuer: compare settings.environment_id, settings.region and \
                         settings.custom_domain with the issuer that was found (Applications > the application > Overview > \
                         Issuer ID)",
            of_a_code: &[&errors::OF_A_CODE, &OF_A_CODE],
            refused_page: "PingOne refuses on a page of its own: Applications > the application has to be switched on, and its \
                       Configuration > Redirect URIs has to have the redirect URI exactly as it stands in the detail; \
                       compare Overview > Client ID with client.id",
            ..Profile::new(IssuerPolicy::any_of(issuers).known_as(format!("pingone:{environment_id}")))
        };
        Ok(Box::new(Self { profile, password_flow }))
    }
}

#[async_trait]
impl OidcProvider for PingOne {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn begin(&self, provider: &Connection<'_>, attempt: Attempt<'_>) -> Result<Begun, ProviderError> {
        let Attempt::Password { username, password, .. } = attempt else {
            return Err(not_switched_on(attempt.method()));
        };
        match self.password_flow {
            PasswordFlow::Api => flow::begin(provider, username, password).await,
            PasswordFlow::Grant => {
                let grant = [
                    ("grant_type", "password"),
                    ("scope", provider.scope()),
                    ("username", username),
                    ("password", password.expose_secret()),
                ];
                provider.grant(Method::Password, &grant, errors::TO_A_GRANT).await.map(Begun::Tokens)
            }
        }
    }

    async fn answer(
        &self,
        provider: &Connection<'_>,
        pending: &Pending,
        answer: Answer<'_>,
    ) -> Result<Begun, ProviderError> {
        match self.password_flow {
            PasswordFlow::Api => flow::answer(provider, pending, answer).await,
            // It never asks.
            PasswordFlow::Grant => Err(Stage::Attempt.refused(Check::Unasked)),
        }
    }

    async fn probe(&self, probing: &Probing<'_>) -> Vec<Finding> {
        if !probing.has(Method::Password) {
            return Vec::new();
        }
        let verdict = match self.password_flow {
            PasswordFlow::Api => flow::is_open(&probing.connection()).await.map_err(NotPassed::from),
            PasswordFlow::Grant => Err(GRANT),
        };
        vec![Finding::of("password_flow", verdict)]
    }
}
