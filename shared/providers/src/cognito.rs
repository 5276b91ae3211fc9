#![doc = include_str!("../guides/cognito.md")]

use domain::Method;
use egress::Response;
use http::header::LOCATION;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::document::{self, InvalidConnector};
use crate::oidc::{
    AuthorizeParams, Endpoints, IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Profile, VerifiedClaims, is_host,
    is_label,
};
use crate::refusals::{At, Refusals, Row};
use crate::registry::Provider;
use crate::report::{NotPassed, Verdict};
use crate::{Callback, Check, ProviderError, Rejection, Stage};

pub(crate) const PROVIDER: Provider = Provider::oidc(
    "cognito",
    &[Method::Oidc],
    &[&REFUSED_REDIRECT, &OF_A_REDIRECT, &REFUSED_CODE, &OF_A_CODE],
    Cognito::read,
);

const TRIGGERS: &str =
    "<https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>";
const TOKEN: &str = "<https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html>";

/// What Cognito adds to the standard's errors of an authorization request.
const REFUSED_REDIRECT: Refusals = Refusals {
    to: "an authorization request, before the standard's",
    at: &[At::Redirect],
    rows: &[Row::error("invalid_request", ProviderError::Rejected(Rejection::Declined), TRIGGERS)
        .mentioning("failed with error")
        .note("a Lambda trigger of the pool, such as PreSignUp, refused the user")],
};

/// What Cognito adds to the standard's errors of a code.
const REFUSED_CODE: Refusals = Refusals {
    to: "an authorization code, before the standard's",
    at: &[At::Redemption],
    rows: &[
        Row::error(
            "invalid_client",
            Stage::ClientAuthentication.misconfigured(
                "Cognito does not accept the client's credentials: Applications > App clients > the app client > App client \
                 information: compare Client ID and Client secret",
            ),
            TOKEN,
        ),
        Row::error(
            "unauthorized_client",
            Stage::Token.misconfigured(
                "the app client may not redeem codes, or not for this redirect URI: Applications > App clients > the app client \
                 > Login pages: switch on Authorization code grant, and compare Allowed callback URLs to the last slash",
            ),
            TOKEN,
        ),
    ],
};

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
}

#[derive(Debug)]
struct Cognito(Profile);

impl Cognito {
    fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
        let Settings { region, user_pool_id, domain, identity_provider } = document::settings(settings)?;
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
        // A pool calls itself by the one or the other, as an administrator has set it:
        // <https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html>.
        let issuers = ["cognito-idp", "issuer-cognito-idp"]
            .map(|service| format!("https://{service}.{region}.amazonaws.com/{user_pool_id}"));
        Ok(Box::new(Self(Profile {
            endpoints: match domain {
                Some(domain) => endpoints(&domain, &region)?,
                None => Endpoints::default(),
            },
            authorize_params: AuthorizeParams::of([("identity_provider", identity_provider)]),
            of_a_redirect: &[&REFUSED_REDIRECT, &OF_A_REDIRECT],
            of_a_code: &[&REFUSED_CODE, &OF_A_CODE],
            no_document: "there is no such user pool: compare settings.region and settings.user_pool_id with User pools > the \
                          pool > Overview > User pool ID",
            refused_page: "Cognito refuses on a page of its own: Applications > App clients > the app client > Login pages > \
                           Allowed callback URLs: add the redirect URI exactly as it stands in the detail; compare Client ID \
                           with client.id",
            ..Profile::new(IssuerPolicy::any_of(issuers).known_as(format!("cognito:{user_pool_id}")))
        })))
    }
}

impl OidcProvider for Cognito {
    fn profile(&self) -> &Profile {
        &self.0
    }

    /// Access tokens are signed by the same keys:
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>.
    fn identify(&self, _: Method, claims: &mut VerifiedClaims, _: Option<&Callback>) -> Result<(), ProviderError> {
        match claims.text("token_use") {
            Some("id") => Ok(()),
            _ => Err(Stage::IdToken.refused(Check::Header)),
        }
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
            "/error" => Some(Err(NotPassed::Failed(self.0.refused_page))),
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

#[cfg(test)]
mod tests {
    use egress::Reach;
    use serde_json::json;
    use simulators::{Endpoint, Misbehaviour};

    use super::*;
    use crate::bench::Bench;
    use crate::oidc::complaint_about;

    const POOL: &str = "eu-central-1_AbCdEfGhI";

    async fn bench(settings: Value) -> Bench {
        let over = json!({ "settings": settings });
        Bench::at(&simulators::cognito::SIMULATOR, Method::Oidc, Reach::Local, over).await
    }

    #[tokio::test]
    async fn either_spelling_of_the_issuer_is_one_pool() {
        let bench = bench(json!({ "identity_provider": "COGNITO" })).await;
        let url = bench.hop(&bench.begin().await.unwrap()).await.unwrap();
        assert!(url.as_str().ends_with("&identity_provider=COGNITO"), "{url}");
        let key = bench.login().await.unwrap().key();
        for (host, is_the_pool) in [
            ("cognito-idp.eu-central-1", true),
            ("issuer-cognito-idp.eu-central-1", true),
            ("cognito-idp.eu-west-1", false),
            ("cognito-idp-fips.eu-central-1", false),
        ] {
            let issuer = json!({ "iss": format!("https://{host}.amazonaws.com/{POOL}") });
            bench.subject.misbehave(issuer.as_object().cloned().map(Misbehaviour::Claims));
            let identity = bench.login().await;
            assert_eq!(identity.is_ok(), is_the_pool, "{host}");
            assert!(identity.is_ok_and(|identity| identity.key() == key) || !is_the_pool, "{host}");
        }
    }

    #[tokio::test]
    async fn an_access_token_is_no_id_token() {
        let bench = bench(json!({})).await;
        for (claims, expected) in [
            (json!({ "token_use": "access" }), Some(Stage::IdToken.refused(Check::Header))),
            (json!({ "token_use": null }), Some(Stage::IdToken.refused(Check::Header))),
            (json!({ "token_use": "id" }), None),
        ] {
            bench.subject.misbehave(claims.as_object().cloned().map(Misbehaviour::Claims));
            assert_eq!(bench.login().await.err(), expected, "{claims}");
        }
    }

    #[tokio::test]
    async fn userinfo_says_in_text_that_an_email_is_verified() {
        for (told, is_verified) in
            [(json!("true"), true), (json!("false"), false), (json!("TRUE"), false), (json!(true), true)]
        {
            let bench = bench(json!({})).await;
            let thin = json!({ "email": null, "email_verified": null });
            bench.subject.misbehave(thin.as_object().cloned().map(Misbehaviour::Claims));
            let said = json!({ "email_verified": told });
            bench.subject.misbehave_at(Endpoint::Userinfo, said.as_object().cloned().map(Misbehaviour::Claims));
            let identity = bench.login().await.unwrap();
            assert_eq!(identity.claims.verified_email().is_some(), is_verified, "{told}");
        }
    }

    #[tokio::test]
    async fn a_trigger_that_refuses_is_told_from_a_request_that_is_wrong() {
        let bench = bench(json!({})).await;
        let pending = bench.begin().await.unwrap();
        let returned = bench.visit(&pending).await.unwrap();
        for (description, outcome) in [
            ("PreSignUp failed with error not on Sundays.", "rejected.declined"),
            ("PreTokenGeneration failed with error. ", "rejected.declined"),
            ("LoginWithAmazon Error - 400 invalid_request", "unavailable.misconfigured"),
        ] {
            let error =
                returned.with(&[("code", ""), ("error", "invalid_request"), ("error_description", description)]);
            assert_eq!(bench.answer(&pending, &error).await.unwrap_err().outcome(), Some(outcome));
        }
    }

    #[test]
    fn users_log_in_at_the_domain_and_keys_come_from_aws() {
        for (domain, host) in
            [("acme", "acme.auth.eu-central-1.amazoncognito.com"), ("login.acme.com", "login.acme.com")]
        {
            let settings = json!({ "region": "eu-central-1", "user_pool_id": POOL, "domain": domain });
            let cognito = Cognito::read(settings.as_object().cloned().unwrap()).unwrap();
            let Endpoints { authorization_endpoint, token_endpoint, userinfo_endpoint, jwks_uri, discovery_endpoint } =
                cognito.profile().endpoints.clone();
            let at = |path: &str| Url::parse(&format!("https://{host}/oauth2/{path}")).ok();
            assert_eq!(
                [authorization_endpoint, token_endpoint, userinfo_endpoint],
                ["authorize", "token", "userInfo"].map(at)
            );
            assert_eq!([jwks_uri, discovery_endpoint], [None, None]);
        }
    }

    #[test]
    fn a_wrong_setting_names_itself_and_what_is_right() {
        let with = |name: &str, value: &str| {
            let mut settings = json!({ "region": "eu-central-1", "user_pool_id": POOL });
            settings[name] = json!(value);
            settings
        };
        let region = |text: &str| {
            let reason = format!("settings.region: {text:?} is not an AWS Region, such as eu-central-1");
            (with("region", text), reason)
        };
        let pool = |id: &str| {
            let reason = format!(
                "settings.user_pool_id: {id:?} is not the id of a user pool in eu-central-1, such as eu-central-1_AbCdEfGhI \
                 (User pools > the pool > Overview > User pool ID)"
            );
            (with("user_pool_id", id), reason)
        };
        let domain = |text: &str| {
            let reason = format!(
                "settings.domain: {text:?} is neither the prefix of a Cognito domain, such as acme, nor a custom domain, such \
                 as login.acme.com, without https:// and path"
            );
            (with("domain", text), reason)
        };
        for (settings, expected) in [
            (with("domain", "acme"), "none".to_owned()),
            (with("domain", "login.acme.com"), "none".to_owned()),
            (with("identity_provider", "COGNITO"), "none".to_owned()),
            (json!({ "region": "eu-central-1" }), "settings: missing field `user_pool_id`".to_owned()),
            region("Frankfurt"),
            region("eu-central-1a"),
            region("eu-central-1.evil.example"),
            pool("AbCdEfGhI"),
            pool("eu-west-1_AbCdEfGhI"),
            pool("eu-central-1_"),
            pool("eu-central-1_AbC/../x"),
            domain("https://acme.auth.eu-central-1.amazoncognito.com"),
            domain("cognito-idp.eu-central-1.amazonaws.com"),
            domain(""),
            (with("identity_provider", ""), "settings.identity_provider: is empty: leave it out".to_owned()),
        ] {
            assert_eq!(complaint_about("cognito", settings), expected);
        }
    }
}
