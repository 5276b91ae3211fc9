#![doc = include_str!("../guides/okta.md")]

use domain::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::document::{self, InvalidConnector};
use crate::oidc::{Endpoints, IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Profile, is_host};
use crate::refusals::{At, Refusals, Row};
use crate::registry::Provider;
use crate::{ProviderError, Stage};

pub(crate) const PROVIDER: Provider =
    Provider::oidc("okta", &[Method::Oidc], &[&REFUSED_REDIRECT, &OF_A_REDIRECT, &REFUSED_CODE, &OF_A_CODE], read);

const ERRORS: &str = "<https://developer.okta.com/docs/reference/error-codes/>";
const NO_POLICY: &str = "no access policy of the authorization server lets this client in: Security > API > Authorization Servers \
                         > the server > Access Policies: add a policy for the client with a rule for the Authorization Code \
                         grant and the scopes";

/// What Okta adds to the standard's errors of an authorization request: several have one `error`, and the description alone
/// tells them apart.
const REFUSED_REDIRECT: Refusals = Refusals {
    to: "an authorization request, before the standard's",
    at: &[At::Redirect],
    rows: &[
        Row::error("access_denied", Stage::Callback.misconfigured(NO_POLICY), ERRORS)
            .mentioning("Policy evaluation failed"),
        Row::error("access_denied", Stage::Callback.misconfigured(NO_POLICY), ERRORS).mentioning("no_matching_policy"),
    ],
};

/// What Okta adds to the standard's errors of a code.
const REFUSED_CODE: Refusals = Refusals {
    to: "an authorization code, before the standard's",
    at: &[At::Redemption],
    rows: &[
        Row::error("access_denied", at_token(NO_POLICY), ERRORS).mentioning("Policy evaluation failed"),
        Row::error(
            "access_denied",
            at_token(
                "Okta does not take calls from here: add Landfall's public addresses to the network zone of the client, or \
                 lift it, under Applications > the application > General > Network",
            ),
            ERRORS,
        )
        .mentioning("permitted network zones"),
        Row::error("invalid_client", CLIENT, ERRORS),
        Row::status(401, CLIENT, ERRORS).note("an unknown client has its error in `errorCode`"),
    ],
};

const CLIENT: ProviderError = Stage::ClientAuthentication.misconfigured(
    "Okta does not accept the client's credentials: Applications > Applications > the application > General > Client Credentials: \
     compare Client ID, Client secret and Client authentication with client.id, the secret and \
     client.token_endpoint_auth_method",
);

const fn at_token(hint: &'static str) -> ProviderError {
    Stage::Token.misconfigured(hint)
}

/// Domains of Okta's own: what stands before them is the name of an org.
const OKTA: &[&str] = &[".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com", ".okta.mil"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The org's own domain, `acme.okta.com`: by which its users are known, also behind a custom domain.
    domain: String,
    /// `default`, or the id of another one (`aus...`); empty: the org's own.
    #[serde(default = "default_server")]
    authorization_server: String,
    /// The org's custom domain, if users are to log in there.
    custom_domain: Option<String>,
}

fn default_server() -> String {
    "default".to_owned()
}

fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
    let Settings { domain, authorization_server: server, custom_domain } = document::settings(settings)?;
    check_domain(&domain)?;
    if !server.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(InvalidConnector::at(
            "settings.authorization_server",
            format!(
                "{server:?} is neither default, nor the id of an authorization server (aus...), nor empty for the org's own"
            ),
        ));
    }
    if custom_domain.as_deref().is_some_and(|custom| !is_host(custom) || is_okta(custom)) {
        return Err(InvalidConnector::at(
            "settings.custom_domain",
            format!("{:?} is not a domain of your own, such as login.acme.com", custom_domain.unwrap_or_default()),
        ));
    }
    // A custom authorization server names itself by either domain, as its settings or the request's host have it.
    let issuer = |host: &str| match server.as_str() {
        "" => format!("https://{host}"),
        server => format!("https://{host}/oauth2/{server}"),
    };
    let issuers = custom_domain.as_deref().into_iter().chain([domain.as_str()]).map(issuer);
    let keys = match server.as_str() {
        "" => format!("https://{domain}/oauth2/v1/keys"),
        server => format!("https://{domain}/oauth2/{server}/v1/keys"),
    };
    // A user has one id in the org, whichever authorization server and domain they come through.
    let issuer = IssuerPolicy::any_of(issuers).known_as(format!("https://{domain}"));
    Ok(Box::new(Profile {
        endpoints: Endpoints::keys_of_own_host(custom_domain.is_some(), &keys),
        // The ID token that comes with an access token has no `email_verified`, and seldom an e-mail.
        userinfo_for: &["email", "email_verified"],
        of_a_redirect: &[&REFUSED_REDIRECT, &OF_A_REDIRECT],
        of_a_code: &[&REFUSED_CODE, &OF_A_CODE],
        another_issuer: "the discovery document names another issuer: put its domain into settings.domain or \
                         settings.custom_domain, and its id into settings.authorization_server, as they stand in the issuer \
                         that was found (Security > API > Authorization Servers > the server > Issuer)",
        refused_page: "Okta refuses on a page of its own: Applications > Applications > the application > General > Sign-in \
                       redirect URIs: add the redirect URI exactly as it stands in the detail; compare Client ID with \
                       client.id",
        ..Profile::new(issuer)
    }))
}

fn is_okta(host: &str) -> bool {
    OKTA.iter().any(|domain| host.ends_with(domain))
}

fn check_domain(domain: &str) -> Result<(), InvalidConnector> {
    let invalid = |reason: String| Err(InvalidConnector::at("settings.domain", reason));
    if !is_host(domain) {
        return invalid(format!(
            "{domain:?} is not the org's domain, such as acme.okta.com, without https:// and path"
        ));
    }
    if !is_okta(domain) {
        return invalid(format!(
            "{domain:?} is not a domain of Okta's own: put acme.okta.com here, and a domain of your own into custom_domain"
        ));
    }
    if domain.split('.').next().is_some_and(|org| org.ends_with("-admin")) {
        return invalid(format!("{domain:?} is the address of the admin console: leave out -admin"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use egress::Reach;
    use serde_json::json;

    use super::*;
    use crate::bench::Bench;
    use crate::oidc::complaint_about;

    #[tokio::test]
    async fn a_thin_id_token_is_completed_by_userinfo() {
        let bench = Bench::at(&simulators::okta::SIMULATOR, Method::Oidc, Reach::Local, json!({})).await;
        assert_eq!(bench.login().await.unwrap().claims.verified_email(), Some("ada@example.org"));
        assert_eq!(bench.calls(), [1, 1, 1, 1]);
    }

    #[tokio::test]
    async fn a_missing_access_policy_is_the_administrators_to_mend() {
        let bench = Bench::at(&simulators::okta::SIMULATOR, Method::Oidc, Reach::Local, json!({})).await;
        let pending = bench.begin().await.unwrap();
        let returned = bench.visit(&pending).await.unwrap();
        let policy = "Policy evaluation failed for this request, please check the policy configurations.";
        for (description, outcome) in [
            (policy, "unavailable.misconfigured"),
            ("User is not assigned to the client application.", "rejected.declined"),
        ] {
            let error = returned.with(&[("code", ""), ("error", "access_denied"), ("error_description", description)]);
            assert_eq!(bench.answer(&pending, &error).await.unwrap_err().outcome(), Some(outcome));
        }
    }

    #[test]
    fn a_wrong_setting_names_itself_and_what_is_right() {
        let wrong = |name: &str, value: &str, reason: &str| {
            (json!({ "domain": "acme.okta.com", name: value }), reason.to_owned())
        };
        let nowhere = |domain: &str| {
            format!(
                "settings.domain: {domain:?} is not the org's domain, such as acme.okta.com, without https:// and path"
            )
        };
        for (settings, expected) in [
            (json!({ "domain": "acme.okta.com" }), "none".to_owned()),
            (json!({ "domain": "acme.oktapreview.com", "authorization_server": "" }), "none".to_owned()),
            (json!({ "domain": "acme.okta.com", "custom_domain": "login.acme.com" }), "none".to_owned()),
            (json!({}), "settings: missing field `domain`".to_owned()),
            wrong("domain", "https://acme.okta.com", &nowhere("https://acme.okta.com")),
            wrong("domain", "acme.okta.com/oauth2/default", &nowhere("acme.okta.com/oauth2/default")),
            wrong(
                "domain",
                "login.acme.com",
                "settings.domain: \"login.acme.com\" is not a domain of Okta's own: put acme.okta.com here, and a domain of \
                 your own into custom_domain",
            ),
            wrong(
                "domain",
                "acme-admin.okta.com",
                "settings.domain: \"acme-admin.okta.com\" is the address of the admin console: leave out -admin",
            ),
            wrong(
                "authorization_server",
                "oauth2/default",
                "settings.authorization_server: \"oauth2/default\" is neither default, nor the id of an authorization server \
                 (aus...), nor empty for the org's own",
            ),
            wrong(
                "custom_domain",
                "acme.okta.com",
                "settings.custom_domain: \"acme.okta.com\" is not a domain of your own, such as login.acme.com",
            ),
        ] {
            assert_eq!(complaint_about("okta", settings), expected);
        }
    }

    #[test]
    fn one_org_is_one_authority_whatever_server_and_domain() {
        for settings in [
            json!({ "domain": "acme.okta.com" }),
            json!({ "domain": "acme.okta.com", "authorization_server": "" }),
            json!({ "domain": "acme.okta.com", "authorization_server": "aus9o8wzkhckw9TLa0h7", "custom_domain": "id.acme.com" }),
        ] {
            let Value::Object(settings) = settings else { panic!("an object") };
            let okta = read(settings).unwrap();
            assert_eq!(okta.profile().issuer.key(), "https://acme.okta.com");
        }
    }
}
