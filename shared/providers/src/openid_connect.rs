#![doc = include_str!("../guides/oidc.md")]

use domain::Method;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::document::{self, InvalidConnector};
use crate::oidc::{IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Profile, check_address};
use crate::registry::Provider;

pub(crate) const PROVIDER: Provider = Provider::oidc("oidc", &[Method::Oidc], &[&OF_A_REDIRECT, &OF_A_CODE], read);

/// This provider's own `settings`. The shared ones are in `oidc/options.rs`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    issuer: Option<String>,
    domain: Option<String>,
}

fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
    let settings: Settings = document::settings(settings)?;
    Ok(Box::new(Profile::new(settings.issuer()?)))
}

impl Settings {
    fn issuer(&self) -> Result<IssuerPolicy, InvalidConnector> {
        match (&self.issuer, &self.domain) {
            (Some(issuer), None) => check_issuer(issuer).map(IssuerPolicy::exact),
            (None, Some(domain)) => check_domain(domain),
            (None, None) => Err(InvalidConnector::at("settings", "missing field `issuer`, or `domain` in its place")),
            (Some(_), Some(_)) => {
                Err(InvalidConnector::at("settings.domain", "stands beside issuer: one of them is enough"))
            }
        }
    }
}

/// An https URL without query or fragment (OIDC Core 2, `iss`), as text: no other spelling of it is the same issuer.
fn check_issuer(issuer: &str) -> Result<String, InvalidConnector> {
    let invalid = |reason: &str| Err(InvalidConnector::at("settings.issuer", reason));
    match Url::parse(issuer) {
        _ if issuer.contains(['{', '}']) => invalid(PLACEHOLDER),
        Err(_) => invalid("is not an address"),
        Ok(url) if url.query().is_some() => invalid("has a query"),
        Ok(url) => check_address(&url).map(|()| issuer.to_owned()).or_else(invalid),
    }
}

const PLACEHOLDER: &str = "has a placeholder in it: put your own value in the place of {...}";

/// The issuer behind a domain, as providers' consoles show one: a host, with a path where the provider has many tenants.
fn check_domain(domain: &str) -> Result<IssuerPolicy, InvalidConnector> {
    let invalid = |reason: &str| Err(InvalidConnector::at("settings.domain", reason));
    if domain.contains(['{', '}']) {
        return invalid(PLACEHOLDER);
    }
    let bare = domain.strip_suffix('/').unwrap_or(domain);
    let issuer = format!("https://{bare}");
    // A parser writes it as it is, with the path of nothing, if and only if it is a host and a path and no more.
    let same = |url: &Url| url.as_str().trim_end_matches('/') == issuer && check_address(url).is_ok();
    match Url::parse(&issuer) {
        Ok(url) if same(&url) && url.query().is_none() => Ok(IssuerPolicy::with_or_without_slash(&issuer)),
        _ => {
            invalid("is not the name of a host in lower case, with a path if the issuer has one, and without https://")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::oidc::complaint_about;

    #[test]
    fn a_wrong_setting_is_told_where_it_is_wrong() {
        const HOST: &str = "settings.domain: is not the name of a host in lower case, with a path if the issuer has one, and \
                            without https://";
        const PLACEHOLDER: &str = "has a placeholder in it: put your own value in the place of {...}";
        for (settings, expected) in [
            (json!({ "issuer": "https://id.example.com/acme/" }), "none"),
            (json!({ "issuer": "http://localhost:8080/acme" }), "none"),
            (json!({ "domain": "id.example.com" }), "none"),
            (json!({ "domain": "id.example.com:8443" }), "none"),
            (json!({}), "settings: missing field `issuer`, or `domain` in its place"),
            (
                json!({ "issuer": "https://id.example.com", "domain": "id.example.com" }),
                "settings.domain: stands beside issuer: one of them is enough",
            ),
            (json!({ "issuer": "id.example.com" }), "settings.issuer: is not an address"),
            (json!({ "issuer": "http://id.example.com" }), "settings.issuer: is not an https address"),
            (json!({ "issuer": "https://id.example.com?a=b" }), "settings.issuer: has a query"),
            (json!({ "issuer": "https://id.example.com#a" }), "settings.issuer: has a fragment"),
            (json!({ "issuer": "https://a:b@id.example.com" }), "settings.issuer: has a user name or password in it"),
            (json!({ "domain": "ID.example.com" }), HOST),
            (json!({ "domain": "id.example.com/" }), "none"),
            (json!({ "domain": "accounts.google.com" }), "none"),
            (json!({ "domain": "login.microsoftonline.com/3b9c/v2.0" }), "none"),
            (json!({ "domain": "auth.pingone.com/3b9c/as" }), "none"),
            (
                json!({ "domain": "login.microsoftonline.com/{tenant}/v2.0" }),
                &format!("settings.domain: {PLACEHOLDER}"),
            ),
            (
                json!({ "issuer": "https://auth.pingone.com/{environment}/as" }),
                &format!("settings.issuer: {PLACEHOLDER}"),
            ),
            (json!({ "domain": "id.example.com//" }), HOST),
            (json!({ "domain": "id.example.com/a/../b" }), HOST),
            (json!({ "domain": "id.example.com/a?b=c" }), HOST),
            (json!({ "domain": "id.example.com/#a" }), HOST),
            (json!({ "domain": "a@id.example.com" }), HOST),
            (json!({ "domain": "https://id.example.com" }), HOST),
            (json!({ "domain": "" }), HOST),
            (
                json!({ "domain": "id.example.com", "token_endpoint": "/token" }),
                "settings.token_endpoint: relative URL without a base: \"/token\"",
            ),
            (
                json!({ "domain": "id.example.com", "authorization_endpoint": "javascript:alert(1)" }),
                "settings.authorization_endpoint: is not an https address",
            ),
            (
                json!({ "domain": "id.example.com", "jwks_uri": "https://id.example.com/#keys" }),
                "settings.jwks_uri: has a fragment",
            ),
            (
                json!({ "domain": "id.example.com", "scopes": ["profile"] }),
                "settings.scopes: has no openid: without it there is no ID token",
            ),
            (
                json!({ "domain": "id.example.com", "isuer": "x" }),
                "settings.isuer: unknown field `isuer`, expected `issuer` or `domain`, or one of those of all connectors: \
                 `scopes`, `redirect_uri`, `response_mode`, `prompt`, `acr_values`, `authorize_params`, `pkce`, `algorithms`, \
                 `trusted_audiences`, `claims`, `discovery_endpoint`, `authorization_endpoint`, `token_endpoint`, \
                 `userinfo_endpoint`, `jwks_uri`",
            ),
        ] {
            assert_eq!(complaint_about("oidc", settings), expected);
        }
    }
}
