//! OneLogin, OpenID Connect version 2, as its documentation and a discovery document recorded in 2022 show it:
//! <https://developers.onelogin.com/openid-connect/api/authorization-code>,
//! <https://developers.onelogin.com/openid-connect/api/provider-config>,
//! <https://developers.onelogin.com/openid-connect/api/user-info>.

use serde_json::{Map, Value, json};

use crate::core::{Endpoint, Quirks, Simulator, by_redirect};

/// How it is made.
pub const SIMULATOR: Simulator = by_redirect::<OneLogin>("onelogin");

/// What OneLogin does in its own way.
#[derive(Debug)]
pub struct OneLogin;

impl Quirks for OneLogin {
    const ISSUER: &'static str = "/oidc/2";
    const SENDS_ISS: bool = false;

    fn path(endpoint: Endpoint) -> &'static str {
        match endpoint {
            Endpoint::Discovery => "/.well-known/openid-configuration",
            Endpoint::Keys => "/certs",
            Endpoint::Token => "/token",
            Endpoint::Userinfo => "/me",
            Endpoint::Authorize => "/auth",
            Endpoint::Login => "/login",
        }
    }

    fn issuer(_: &str) -> String {
        "https://acme.onelogin.com/oidc/2".to_owned()
    }

    fn settings(_: &str) -> Vec<(&'static str, Value)> {
        vec![("subdomain", json!("acme"))]
    }

    /// A number, as text.
    fn subject(id: String) -> String {
        id.bytes().fold(0, |number: u32, byte| number.wrapping_mul(31).wrapping_add(byte.into())).to_string()
    }

    fn document(document: &mut Value) {
        document["id_token_signing_alg_values_supported"] = json!(["HS256", "RS256", "PS256"]);
        document["grant_types_supported"] =
            json!(["authorization_code", "implicit", "refresh_token", "client_credentials", "password"]);
        document["scopes_supported"] = json!(["openid", "name", "profile", "groups", "email", "params", "phone"]);
        document["acr_values_supported"] = json!(["onelogin:nist:level:1:re-auth"]);
        document["claims_parameter_supported"] = json!(true);
    }

    /// Milliseconds, where the standard has seconds.
    fn claims(claims: &mut Map<String, Value>) {
        claims.insert("updated_at".into(), json!(1_590_019_767_000_u64));
        if let Some(email) = claims.get("email").cloned() {
            claims.insert("preferred_username".into(), email);
        }
    }
}
