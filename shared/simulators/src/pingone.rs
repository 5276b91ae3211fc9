//! PingOne: an environment in North America, as its documentation and the mock of its own SDK show it:
//! <https://docs.pingidentity.com/pingone/integrations/p1_discovery_document_uri.html>,
//! <https://developer.pingidentity.com/pingone-api/auth/openid-connect-oauth-2.html>.

use serde_json::{Map, Value, json};

use crate::core::{Endpoint, Quirks, Simulator, by_redirect};

/// How it is made.
pub const SIMULATOR: Simulator = by_redirect::<PingOne>("pingone");

const ENVIRONMENT: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

/// What PingOne does in its own way.
#[derive(Debug)]
pub struct PingOne;

impl Quirks for PingOne {
    const ISSUER: &'static str = "/3fa85f64-5717-4562-b3fc-2c963f66afa6/as";
    const SENDS_ISS: bool = false;

    fn path(endpoint: Endpoint) -> &'static str {
        match endpoint {
            Endpoint::Discovery => "/.well-known/openid-configuration",
            Endpoint::Keys => "/jwks",
            Endpoint::Token => "/token",
            Endpoint::Userinfo => "/userinfo",
            Endpoint::Authorize => "/authorize",
            Endpoint::Login => "/signon",
        }
    }

    fn issuer(_: &str) -> String {
        format!("https://auth.pingone.com/{ENVIRONMENT}/as")
    }

    fn settings(_: &str) -> Vec<(&'static str, Value)> {
        vec![("environment_id", json!(ENVIRONMENT)), ("region", json!("NA"))]
    }

    fn document(document: &mut Value) {
        document["response_modes_supported"] = json!(["pi.flow", "query", "fragment", "form_post"]);
        document["code_challenge_methods_supported"] = json!(["plain", "S256"]);
        document["claims_parameter_supported"] = json!(false);
        document["token_endpoint_auth_methods_supported"] =
            json!(["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"]);
    }

    /// The sign-on policy, as `acr`.
    fn id_token(claims: &mut Map<String, Value>) {
        claims.insert("acr".into(), json!("Single_Factor"));
        claims.insert("env".into(), json!(ENVIRONMENT));
    }

    /// Any failure of the client.
    fn description(error: &'static str) -> Option<&'static str> {
        (error == "invalid_client").then_some("Request denied: Unsupported authentication method (Correlation ID: 1)")
    }
}
