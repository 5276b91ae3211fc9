//! Auth0: a tenant, as its documentation shows it:
//! <https://auth0.com/docs/get-started/applications/configure-applications-with-oidc-discovery>,
//! <https://auth0.com/docs/api/authentication>.
//!
//! What a tenant decides, a test may say: `factors`, how many second factors are demanded one after the other; `mfa_requirements`,
//! whether the demand for one says which are enrolled (early access); `grants`, a list of the grants that the application may use.

mod direct;

use axum::http::StatusCode;
use domain::Method;
use serde_json::{Map, Value, json};

use crate::core::{Direct, DirectCall, Endpoint, Quirks, Simulator, by_redirect};

/// How it is made.
pub const SIMULATOR: Simulator = by_redirect::<Auth0>("auth0");

/// What Auth0 does in its own way.
#[derive(Debug)]
pub struct Auth0;

impl Quirks for Auth0 {
    const METHODS: &'static [Method] = &[Method::Oidc, Method::Password];
    const SENDS_ISS: bool = false;

    fn path(endpoint: Endpoint) -> &'static str {
        match endpoint {
            Endpoint::Discovery => "/.well-known/openid-configuration",
            Endpoint::Keys => "/.well-known/jwks.json",
            Endpoint::Token => "/oauth/token",
            Endpoint::Userinfo => "/userinfo",
            Endpoint::Authorize => "/authorize",
            Endpoint::Login => "/u/login",
        }
    }

    /// With a slash at its end.
    fn issuer(_: &str) -> String {
        "https://acme.eu.auth0.com/".to_owned()
    }

    fn settings(_: &str) -> Vec<(&'static str, Value)> {
        vec![("domain", json!("acme.eu.auth0.com"))]
    }

    /// The connection's name and the id there.
    fn subject(id: String) -> String {
        format!("auth0|{}", id.replace('-', "").get(..24).unwrap_or_default())
    }

    fn document(document: &mut Value) {
        document["id_token_signing_alg_values_supported"] = json!(["HS256", "RS256", "PS256"]);
        document["mfa_challenge_endpoint"] = json!("https://acme.eu.auth0.com/mfa/challenge");
        document["token_endpoint_auth_methods_supported"] =
            json!(["client_secret_basic", "client_secret_post", "private_key_jwt"]);
    }

    /// The time as text, where the standard has a number.
    fn claims(claims: &mut Map<String, Value>) {
        if let Some(email) = claims.get("email").and_then(Value::as_str).map(str::to_owned) {
            claims.insert("nickname".into(), json!(email.split('@').next()));
        }
        claims.insert("updated_at".into(), json!("2026-09-01T12:00:00.000Z"));
    }

    /// A wrong secret is `access_denied` with 401; what else is refused comes with 403.
    fn refusal(error: &'static str) -> (StatusCode, &'static str) {
        match error {
            "invalid_client" => (StatusCode::UNAUTHORIZED, "access_denied"),
            "invalid_grant" => (StatusCode::FORBIDDEN, error),
            _ => (StatusCode::BAD_REQUEST, error),
        }
    }

    fn description(error: &'static str) -> Option<&'static str> {
        match error {
            "access_denied" => Some("Unauthorized"),
            "invalid_grant" => Some("Invalid authorization code"),
            _ => None,
        }
    }

    fn has_login_api(path: &str) -> bool {
        matches!(path, direct::CHALLENGE | direct::AUTHENTICATORS)
    }

    fn direct(call: &mut DirectCall<'_>) -> Option<Direct> {
        direct::answer(call)
    }

    fn direct_fields(_: &str, json: &Value) -> Vec<(&'static str, String)> {
        let field = |name: &'static str| Some((name, json[name].as_str()?.to_owned()));
        ["client_id", "client_secret", "client_assertion"].into_iter().filter_map(field).collect()
    }
}
