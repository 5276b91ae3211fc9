//! Any provider that speaks OpenID Connect: users by redirect (the authorization code flow).
//!
//! Settings:
//!
//! ```yaml
//! provider: oidc
//! client:
//!   id: landfall # with {base}/v1/callback/{connector id} as its redirect URI
//!   secret: acme
//!   token_endpoint_auth_method: client_secret_basic # client_secret_post, unless it says otherwise; none
//! methods: { oidc: {} }
//! settings:
//!   issuer: https://id.example.com/acme # as its discovery document spells it; or
//!   domain: id.example.com # for the issuer https://id.example.com
//!   # Instead of what the discovery document says. With the first two and jwks_uri none is fetched.
//!   authorization_endpoint: https://id.example.com/authorize
//!   token_endpoint: https://id.example.com/token
//!   userinfo_endpoint: https://id.example.com/userinfo
//!   jwks_uri: https://id.example.com/keys
//!   # And those that every OpenID Connect connector may have:
//!   scopes: [openid, profile, email] # these, unless it says otherwise; openid has to be among them
//!   redirect_uri: https://shop.example/after # an address of the application's own, instead of ours
//!   response_mode: form_post # or query; absent: as the provider does it
//!   prompt: select_account # unless the journey asks for another
//!   acr_values: urn:example:loa:2 # likewise
//!   authorize_params: { organization: acme } # what the provider has of its own for the authorization endpoint
//!   pkce: true # S256; false only for a provider that refuses it
//!   algorithms: [RS256] # how ID tokens may be signed; absent: every asymmetric one
//! ```
//!
//! Userinfo is asked only where the ID token has no `email` although that scope was asked for.
//!
//! # What a provider answers, and what it means
//!
//! At the callback, by `error`. The text beside it is the provider's own and is not looked at.
//!
//! | `error` | outcome | source |
//! |---|---|---|
//! | `access_denied` | `rejected.declined`: the user or the provider refused | RFC 6749 section 4.1.2.1 |
//! | `login_required` | `rejected.declined`: nobody is signed in there, and `prompt=none` forbade to ask | OIDC Core 3.1.2.6 |
//! | `unmet_authentication_requirements` | `rejected.declined`: `acr_values` asks for more than the user has | OpenID Connect Core Error Code unmet_authentication_requirements 1.0 |
//! | `interaction_required`, `consent_required`, `account_selection_required` | `rejected.interaction_required` | OIDC Core 3.1.2.6 |
//! | `temporarily_unavailable`, `server_error` | `unavailable.timeout` | RFC 6749 section 4.1.2.1 |
//! | `unauthorized_client`, `unsupported_response_type`, `invalid_scope`, `invalid_request` | `unavailable.misconfigured` | RFC 6749 section 4.1.2.1 |
//! | `request_not_supported`, `request_uri_not_supported`, `registration_not_supported`, `invalid_request_uri`, `invalid_request_object` | `unavailable.misconfigured` | OIDC Core 3.1.2.6 |
//! | `invalid_target` | `unavailable.misconfigured` | RFC 8707 section 2 |
//! | any other | `rejected.declined`: a no for a reason nobody knows | RFC 6749 section 8.5 |
//! | `iss` wrong, or missing although it is advertised; neither `error` nor `code` | refused, whatever else there is | RFC 9207 section 2.4 |
//!
//! At the token endpoint, where a code is sent once.
//!
//! | answer | outcome | source |
//! |---|---|---|
//! | `invalid_grant` | `rejected.interaction_required`: expired, used or ended; only a new redirect brings a new code | RFC 6749 section 5.2 |
//! | `invalid_client`; 401 without an error, or with `unauthorized_client` | `unavailable.misconfigured`: the client's credentials | RFC 6749 section 5.2 |
//! | `unauthorized_client`, `unsupported_grant_type`, `invalid_scope`, `invalid_request` | `unavailable.misconfigured` | RFC 6749 section 5.2 |
//! | `access_denied` | `rejected.declined`: a policy of the provider's, seen where it decides late | RFC 6749 section 8.5 |
//! | `temporarily_unavailable`, `server_error`, any other 5xx | `unavailable.timeout` | RFC 6749 section 4.1.2.1, RFC 9110 section 15.6 |
//! | 404 without an error | `unavailable.misconfigured` | RFC 9110 section 15.5.5 |
//! | 429 | `unavailable.throttled` | RFC 6585 section 4 |
//! | anything else; 200 that is no JSON | `unavailable` | |
//! | 200 without an ID token, or with one that does not pass | refused | OIDC Core 3.1.3.7 |
//!
//! At userinfo: 401 refused, 403 `unavailable.misconfigured` (RFC 6750 section 3.1), another `sub` refused (OIDC Core
//! 5.3.2).
//!
//! Sources: <https://openid.net/specs/openid-connect-core-1_0.html>, <https://www.rfc-editor.org/rfc/rfc6749>,
//! <https://www.rfc-editor.org/rfc/rfc9207>,
//! <https://openid.net/specs/openid-connect-unmet-authentication-requirements-1_0.html>.

use serde::Deserialize;
use url::Url;

use crate::oidc::{Endpoints, OidcDialect, check_address};
use crate::registry::{InvalidConnector, Provider};

pub(crate) const PROVIDER: Provider = Provider::oidc::<OpenIdConnect>("oidc");

/// `settings` of a connector document, but for those of all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenIdConnect {
    issuer: Option<String>,
    domain: Option<String>,
    authorization_endpoint: Option<Url>,
    token_endpoint: Option<Url>,
    userinfo_endpoint: Option<Url>,
    jwks_uri: Option<Url>,
}

impl OidcDialect for OpenIdConnect {
    fn issuer(&self) -> Result<String, InvalidConnector> {
        match (&self.issuer, &self.domain) {
            (Some(issuer), None) => check_issuer(issuer),
            (None, Some(domain)) => check_domain(domain),
            (None, None) => Err(InvalidConnector::at("settings", "missing field `issuer`, or `domain` in its place")),
            (Some(_), Some(_)) => {
                Err(InvalidConnector::at("settings.domain", "stands beside issuer: one of them is enough"))
            }
        }
    }

    fn endpoints(&self) -> Result<Endpoints, InvalidConnector> {
        for (name, url) in [
            ("authorization_endpoint", &self.authorization_endpoint),
            ("token_endpoint", &self.token_endpoint),
            ("userinfo_endpoint", &self.userinfo_endpoint),
            ("jwks_uri", &self.jwks_uri),
        ] {
            if let Some(Err(reason)) = url.as_ref().map(check_address) {
                return Err(InvalidConnector::at(format!("settings.{name}"), reason));
            }
        }
        Ok(Endpoints {
            authorization_endpoint: self.authorization_endpoint.clone(),
            token_endpoint: self.token_endpoint.clone(),
            userinfo_endpoint: self.userinfo_endpoint.clone(),
            jwks_uri: self.jwks_uri.clone(),
        })
    }
}

/// An https URL without query or fragment (OIDC Core 2, `iss`), as text: no other spelling of it is the same issuer.
fn check_issuer(issuer: &str) -> Result<String, InvalidConnector> {
    let invalid = |reason: &str| Err(InvalidConnector::at("settings.issuer", reason));
    match Url::parse(issuer) {
        Err(_) => invalid("is not an address"),
        Ok(url) if url.query().is_some() => invalid("has a query"),
        Ok(url) => check_address(&url).map(|()| issuer.to_owned()).or_else(invalid),
    }
}

fn check_domain(domain: &str) -> Result<String, InvalidConnector> {
    let issuer = format!("https://{domain}");
    // The parser writes it as it is, with the path of nothing, if and only if it is a host and no more.
    match Url::parse(&issuer) {
        Ok(url) if url.as_str() == format!("{issuer}/") && check_address(&url).is_ok() => Ok(issuer),
        _ => Err(InvalidConnector::at(
            "settings.domain",
            "is not the name of a host in lower case: give the issuer, if it has a path or ends in a slash",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::Registry;

    fn complaint(settings: Value) -> String {
        let document = json!({
            "id": "acme", "provider": "oidc", "name": "Acme", "client": { "id": "landfall" },
            "methods": { "oidc": {} }, "settings": settings,
        });
        match Registry::default().adapter(&serde_json::from_value(document).unwrap()) {
            Ok(_) => "none".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_wrong_setting_is_told_where_it_is_wrong() {
        const HOST: &str = "settings.domain: is not the name of a host in lower case: give the issuer, if it has a path or \
                            ends in a slash";
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
            (json!({ "domain": "id.example.com/" }), HOST),
            (json!({ "domain": "id.example.com/acme" }), HOST),
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
                "settings.isuer: unknown field `isuer`, expected one of `issuer`, `domain`, `authorization_endpoint`, \
                 `token_endpoint`, `userinfo_endpoint`, `jwks_uri`, or one of those of all connectors: `scopes`, \
                 `redirect_uri`, `response_mode`, `prompt`, `acr_values`, `authorize_params`, `pkce`, `algorithms`",
            ),
        ] {
            assert_eq!(complaint(settings), expected);
        }
    }
}
