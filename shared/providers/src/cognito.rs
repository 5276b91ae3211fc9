#![doc = include_str!("../guides/cognito.md")]

mod api;
mod challenge;
mod errors;
mod password;
mod probe;
mod redirect;
mod sent_code;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use domain::{Method, Pending};
use egress::Response;
use http::header::LOCATION;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::document::{self, InvalidConnector};
use crate::oidc::{
    AuthorizeParams, Begun, Connection, Endpoints, IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Probing,
    Profile, VerifiedClaims, check_address, is_host, is_label,
};
use crate::registry::Provider;
use crate::report::{NotPassed, Verdict};
use crate::{Answer, Attempt, Callback, Check, Finding, ProviderError, Stage, not_switched_on};
use api::Api;
use challenge::Asked;

pub(crate) const PROVIDER: Provider = Provider::oidc(
    "cognito",
    &[Method::Oidc, Method::Password, Method::EmailOtp, Method::SmsOtp],
    &[
        &redirect::REFUSED_REDIRECT,
        &OF_A_REDIRECT,
        &redirect::REFUSED_CODE,
        &OF_A_CODE,
        &errors::OF_A_PASSWORD,
        &errors::OF_SENDING,
        &errors::OF_AN_ANSWER,
        &errors::OF_A_NEW_PASSWORD,
        &errors::OF_THE_API,
        &errors::ANY_PASSWORD,
        &errors::ANY_SENDING,
        &errors::ANY_ANSWER,
    ],
    Cognito::read,
);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The AWS Region of the pool, `eu-central-1`; of a pool in several Regions: its primary one.
    region: String,
    /// `eu-central-1_AbCdEfGhI`, by which the pool's users are known.
    user_pool_id: String,
    /// Where users log in, if not where the pool's discovery document says: the prefix of a Cognito domain, or a custom domain.
    domain: Option<String>,
    /// The name of the identity provider in the pool that users are sent to at once; `COGNITO`: the pool's own users.
    identity_provider: Option<String>,
    /// The address of the user pools API, if not the Region's public one: a FIPS, dual-stack or VPC endpoint, an emulator.
    api_endpoint: Option<Url>,
}

#[derive(Debug)]
struct Cognito {
    profile: Profile,
    /// The user pools API.
    api: Url,
}

impl Cognito {
    fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
        let Settings { region, user_pool_id, domain, identity_provider, api_endpoint } = document::settings(settings)?;
        if !is_region(&region) {
            return Err(InvalidConnector::at(
                "settings.region",
                format!("{region:?} is not an AWS Region, such as eu-central-1"),
            ));
        }
        let own = user_pool_id.strip_prefix(&region).and_then(|rest| rest.strip_prefix('_'));
        if !own.is_some_and(|own| (1..=55).contains(&own.len()) && own.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        {
            return Err(InvalidConnector::at(
                "settings.user_pool_id",
                format!(
                    "{user_pool_id:?} is not the id of a user pool in {region}, such as {region}_AbCdEfGhI (User pools > the pool \
                     > Overview > User pool ID)"
                ),
            ));
        }
        if identity_provider.as_deref() == Some("") {
            return Err(InvalidConnector::at("settings.identity_provider", "is empty: leave it out"));
        }
        let api = api_endpoint.or_else(|| Url::parse(&format!("https://cognito-idp.{region}.amazonaws.com/")).ok());
        let Some(api) = api else { return Err(InvalidConnector::at("settings.region", "is no part of an address")) };
        check_address(&api).map_err(|reason| InvalidConnector::at("settings.api_endpoint", reason))?;
        // A pool calls itself by the one or the other, as an administrator has set it:
        // <https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html>.
        let issuers = ["cognito-idp", "issuer-cognito-idp"]
            .map(|service| format!("https://{service}.{region}.amazonaws.com/{user_pool_id}"));
        let profile = Profile {
            endpoints: match domain {
                Some(domain) => endpoints(&domain, &region)?,
                None => Endpoints::default(),
            },
            authorize_params: AuthorizeParams::of([("identity_provider", identity_provider)]),
            of_a_redirect: &[&redirect::REFUSED_REDIRECT, &OF_A_REDIRECT],
            of_a_code: &[&redirect::REFUSED_CODE, &OF_A_CODE],
            no_document: "there is no such user pool: compare settings.region and settings.user_pool_id with User pools > the \
                          pool > Overview > User pool ID",
            refused_page: "Cognito refuses on a page of its own: Applications > App clients > the app client > Login pages > \
                           Allowed callback URLs: add the redirect URI exactly as it stands in the detail; compare Client ID \
                           with client.id",
            ..Profile::new(IssuerPolicy::any_of(issuers).known_as(format!("cognito:{user_pool_id}")))
        };
        Ok(Box::new(Self { profile, api }))
    }

    fn api<'a>(&'a self, provider: &'a Connection<'a>, method: Method) -> Api<'a> {
        Api { endpoint: &self.api, provider, method }
    }
}

#[async_trait]
impl OidcProvider for Cognito {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Access tokens are signed by the same keys:
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>.
    /// A user of another provider (`fed`) gives the pool neither password nor code:
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-step-up-authentication.html>.
    fn identify(&self, method: Method, claims: &mut VerifiedClaims, _: Option<&Callback>) -> Result<(), ProviderError> {
        let is_federated = claims.texts("amr").is_some_and(|references| references.contains(&"fed"));
        match claims.text("token_use") {
            Some("id") if method == Method::Oidc || !is_federated => Ok(()),
            _ => Err(Stage::IdToken.refused(Check::Header)),
        }
    }

    /// Its access tokens lack the scope `openid`: <https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html>.
    fn has_own_api(&self, method: Method) -> bool {
        method != Method::Oidc
    }

    async fn begin(&self, provider: &Connection<'_>, attempt: Attempt<'_>) -> Result<Begun, ProviderError> {
        let api = self.api(provider, attempt.method());
        match attempt {
            Attempt::Password { username, password, .. } => password::begin(&api, username, password).await,
            Attempt::Otp { to, .. } => sent_code::begin(&api, to).await,
            Attempt::Redirect(_) | Attempt::Totp { .. } => Err(not_switched_on(attempt.method())),
        }
    }

    async fn answer(
        &self,
        provider: &Connection<'_>,
        pending: &Pending,
        answer: Answer<'_>,
    ) -> Result<Begun, ProviderError> {
        let asked = Asked::read(pending)?;
        let api = self.api(provider, asked.method);
        match asked.method {
            Method::Password => password::answer(&api, &asked, answer).await,
            _ => sent_code::answer(&api, &asked, answer).await,
        }
    }

    async fn probe(&self, probing: &Probing<'_>) -> Vec<Finding> {
        probe::checks(&self.api, probing).await
    }

    /// Userinfo has texts where the ID token has booleans:
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html>.
    fn describe(&self, claims: &mut VerifiedClaims) {
        claims.read_as_boolean("email_verified");
        claims.read_as_boolean("phone_number_verified");
    }

    /// A browser without a session is sent to `/login` at the same host, or to `/error` if the request is refused.
    fn own_page(&self, answer: &Response) -> Option<Verdict> {
        let location = answer.header(&LOCATION)?;
        let path = Url::parse(location).map_or_else(
            |_| location.split(['?', '#']).next().unwrap_or_default().to_owned(),
            |location| location.path().to_owned(),
        );
        match path.as_str() {
            "/login" => Some(Ok(())),
            "/error" => Some(Err(NotPassed::Failed(self.profile.refused_page))),
            _ => None,
        }
    }
}

fn is_region(text: &str) -> bool {
    is_label(text) && text.split('-').count() >= 3 && text.ends_with(|last: char| last.is_ascii_digit())
}

/// At the domain. The keys stay where the pool's discovery document says, at a host of AWS.
fn endpoints(domain: &str, region: &str) -> Result<Endpoints, InvalidConnector> {
    let host = if is_label(domain) { format!("{domain}.auth.{region}.amazoncognito.com") } else { domain.to_owned() };
    if !is_host(&host) || is_issuer(&host) {
        return Err(InvalidConnector::at(
            "settings.domain",
            format!(
                "{domain:?} is neither the prefix of a Cognito domain, such as acme, nor a custom domain, such as \
                 login.acme.com, without https:// and path"
            ),
        ));
    }
    let at = |path: &str| Url::parse(&format!("https://{host}/oauth2/{path}")).ok();
    Ok(Endpoints {
        authorization_endpoint: at("authorize"),
        token_endpoint: at("token"),
        userinfo_endpoint: at("userInfo"),
        ..Endpoints::default()
    })
}

/// The pools' own hosts have no login.
fn is_issuer(host: &str) -> bool {
    host.ends_with(".amazonaws.com")
}
