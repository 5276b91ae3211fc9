//! Okta: an org's custom authorization server, as its documentation shows it: <https://developer.okta.com/docs/reference/api/oidc/>,
//! errors as in <https://developer.okta.com/docs/reference/error-codes/>.

use serde_json::{Map, Value, json};

use crate::core::{Endpoint, Quirks, Simulator, by_redirect};

/// How it is made.
pub const SIMULATOR: Simulator = by_redirect::<Okta>("okta");

/// What Okta does in its own way.
#[derive(Debug)]
pub struct Okta;

impl Quirks for Okta {
    const ISSUER: &'static str = "/oauth2/default";
    const SENDS_ISS: bool = false;

    fn path(endpoint: Endpoint) -> &'static str {
        match endpoint {
            Endpoint::Discovery => "/.well-known/openid-configuration",
            Endpoint::Keys => "/v1/keys",
            Endpoint::Token => "/v1/token",
            Endpoint::Userinfo => "/v1/userinfo",
            Endpoint::Authorize => "/v1/authorize",
            Endpoint::Login => "/login",
        }
    }

    fn issuer(_: &str) -> String {
        "https://acme.okta.com/oauth2/default".to_owned()
    }

    fn settings(_: &str) -> Vec<(&'static str, Value)> {
        vec![("domain", json!("acme.okta.com"))]
    }

    /// `00u` and 17 letters or digits.
    fn subject(id: String) -> String {
        format!("00u{}", id.replace('-', "").get(..17).unwrap_or_default())
    }

    fn document(document: &mut Value) {
        document["grant_types_supported"] =
            json!(["authorization_code", "implicit", "refresh_token", "password", "client_credentials"]);
        document["scopes_supported"] =
            json!(["openid", "profile", "email", "address", "phone", "offline_access", "device_sso"]);
        document["request_parameter_supported"] = json!(true);
    }

    fn claims(claims: &mut Map<String, Value>) {
        if let Some(email) = claims.get("email").cloned() {
            claims.insert("preferred_username".into(), email);
        }
    }

    /// Thin, as it is where it comes with an access token: without `email_verified`.
    fn id_token(claims: &mut Map<String, Value>) {
        claims.remove("email_verified");
        claims.insert("ver".into(), json!(1));
        claims.insert("amr".into(), json!(["pwd"]));
        claims.insert("idp".into(), json!("00o1n8sbwArJ7OQRw406"));
    }
}
