#![doc = include_str!("../guides/auth0.md")]

use async_trait::async_trait;
use domain::{AssertionAudience, Method};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::document::{self, InvalidConnector};
use crate::oidc::{
    AuthorizeParams, Endpoints, IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Probing, Profile, VerifiedClaims,
    is_host,
};
use crate::refusals::{At, Refusals, Row};
use crate::registry::Provider;
use crate::report::NotPassed;
use crate::{Callback, Check, Finding, ProviderError, Rejection, Stage};

pub(crate) const PROVIDER: Provider = Provider::oidc(
    "auth0",
    &[Method::Oidc],
    &[&REFUSED_REDIRECT, &OF_A_REDIRECT, &REFUSED_CODE, &OF_A_CODE],
    Auth0::read,
);

const REDIRECT: &str = "<https://auth0.com/docs/manage-users/user-accounts/block-and-unblock-users>";
const REFERENCE: &str = "<https://auth0.com/docs/api/authentication>";

/// What Auth0 adds to the standard's errors of an authorization request.
const REFUSED_REDIRECT: Refusals = Refusals {
    to: "an authorization request, before the standard's",
    at: &[At::Redirect],
    rows: &[
        Row::error("unauthorized", ProviderError::Rejected(Rejection::AccountDisabled), REDIRECT)
            .mentioning("user is blocked"),
        Row::error("unauthorized", ProviderError::Rejected(Rejection::Declined), REDIRECT)
            .note("a text of the tenant's own rule or action"),
    ],
};

/// What Auth0 adds to the standard's errors of a code.
const REFUSED_CODE: Refusals = Refusals {
    to: "an authorization code, before the standard's",
    at: &[At::Redemption],
    rows: &[
        Row::error("access_denied", WRONG_SECRET, "<https://github.com/auth0/node-auth0/issues/195>")
            .saying("Unauthorized"),
        Row::error("invalid_client", WRONG_SECRET, REFERENCE),
        Row::error(
            "access_denied",
            Stage::Token.misconfigured(
                "the tenant knows no API of settings.audience: Applications > APIs > the API > Identifier",
            ),
            REFERENCE,
        )
        .mentioning("Service not enabled within domain"),
    ],
};

const WRONG_SECRET: ProviderError = Stage::ClientAuthentication.misconfigured(
    "Auth0 does not accept the client's credentials: Applications > the application > Settings: compare Client ID and Client \
     Secret, and Credentials > Authentication Method with client.token_endpoint_auth_method",
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
    /// The connection users are sent to at once.
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
        let profile = Profile {
            endpoints: Endpoints::keys_of_own_host(!custom_domains.is_empty(), &keys),
            authorize_params: AuthorizeParams::of([
                ("connection", connection),
                ("organization", organization.clone()),
                ("audience", audience),
            ]),
            // <https://auth0.com/docs/get-started/authentication-and-authorization-flow/authenticate-with-private-key-jwt>
            assertion_audience: AssertionAudience::Issuer,
            of_a_redirect: &[&REFUSED_REDIRECT, &OF_A_REDIRECT],
            of_a_code: &[&REFUSED_CODE, &OF_A_CODE],
            another_issuer: "the discovery document names another issuer: put the domain of the issuer that was found into settings.domain \
                             (*.auth0.com) or settings.custom_domains",
            refused_page: "Auth0 refuses on a page of its own: Applications > the application > Settings > Allowed Callback \
                           URLs: add the redirect URI exactly as it stands in the detail; compare Client ID with client.id",
            ..Profile::new(IssuerPolicy::any_of(issuers).known_as(format!("https://{domain}")))
        };
        Ok(Box::new(Self { profile, organization }))
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

    async fn probe(&self, _: &Probing<'_>) -> Vec<Finding> {
        vec![Finding::of("signature_algorithm", Err(ALGORITHM))]
    }
}

fn is_auth0(host: &str) -> bool {
    host.ends_with(".auth0.com")
}

#[cfg(test)]
mod tests {
    use domain::Method;
    use egress::Reach;
    use serde_json::json;
    use simulators::Misbehaviour;

    use crate::bench::Bench;
    use crate::oidc::complaint_about;
    use crate::{Check, ProviderError, Rejection, Stage};

    #[tokio::test]
    async fn a_login_to_another_organization_is_refused() {
        let over = json!({ "settings": { "organization": "org_acme", "connection": "staff" } });
        let bench = Bench::at(&simulators::auth0::SIMULATOR, Method::Oidc, Reach::Local, over).await;
        let url = bench.hop(&bench.begin().await.unwrap()).await.unwrap();
        assert!(url.as_str().ends_with("&connection=staff&organization=org_acme"), "{url}");
        let refused = Some(Stage::IdToken.refused(Check::Tenant));
        for (claims, expected) in [
            (json!({}), refused),
            (json!({ "org_id": "org_evil" }), refused),
            (json!({ "org_id": ["org_acme"] }), refused),
            (json!({ "org_id": "org_acme" }), None),
            (json!({ "org_id": "org_1", "org_name": "org_acme" }), None),
        ] {
            bench.subject.misbehave(claims.as_object().cloned().map(Misbehaviour::Claims));
            assert_eq!(bench.login().await.err(), expected, "{claims}");
        }
    }

    #[tokio::test]
    async fn a_blocked_user_differs_from_a_user_refused_by_a_rule() {
        let bench = Bench::at(&simulators::auth0::SIMULATOR, Method::Oidc, Reach::Local, json!({})).await;
        let pending = bench.begin().await.unwrap();
        let returned = bench.visit(&pending).await.unwrap();
        for (description, rejection) in
            [("user is blocked", Rejection::AccountDisabled), ("not on Sundays", Rejection::Declined)]
        {
            let error = returned.with(&[("code", ""), ("error", "unauthorized"), ("error_description", description)]);
            assert_eq!(bench.answer(&pending, &error).await.err(), Some(ProviderError::Rejected(rejection)));
        }
    }

    #[test]
    fn a_wrong_setting_names_itself_and_what_is_right() {
        let not_the_tenant = |domain: &str| {
            format!(
                "settings.domain: {domain:?} is not the tenant's own domain, such as acme.eu.auth0.com, without https:// and \
                 path: domains of your own are custom_domains"
            )
        };
        for (settings, expected) in [
            (json!({ "domain": "acme.eu.auth0.com" }), "none".to_owned()),
            (
                json!({ "domain": "acme.auth0.com", "custom_domains": ["login.acme.com"], "organization": "org_1" }),
                "none".to_owned(),
            ),
            (json!({}), "settings: missing field `domain`".to_owned()),
            (json!({ "domain": "https://acme.eu.auth0.com/" }), not_the_tenant("https://acme.eu.auth0.com/")),
            (json!({ "domain": "login.acme.com" }), not_the_tenant("login.acme.com")),
            (json!({ "domain": "acme.auth0.com.evil.example" }), not_the_tenant("acme.auth0.com.evil.example")),
            (
                json!({ "domain": "acme.auth0.com", "custom_domains": ["login.acme.com", "https://a.example"] }),
                "settings.custom_domains[1]: \"https://a.example\" is not a domain of your own, such as login.acme.com"
                    .to_owned(),
            ),
            (
                json!({ "domain": "acme.auth0.com", "connection": "" }),
                "settings.connection: is empty: leave it out".to_owned(),
            ),
        ] {
            assert_eq!(complaint_about("auth0", settings), expected);
        }
    }
}
