//! An Amazon Cognito user pool with managed login and the user pools API, as its documentation shows it:
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-userpools-server-contract-reference.html>,
//! claims as in <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html>.

mod api;
mod code;

use axum::http::StatusCode;
use domain::Method;
use serde_json::{Map, Value, json};

use crate::core::{Direct, DirectCall, Endpoint, Quirks, Simulator, by_redirect};

/// How it is made.
pub const SIMULATOR: Simulator = by_redirect::<Cognito>("cognito");

const REGION: &str = "eu-central-1";
const POOL: &str = "eu-central-1_AbCdEfGhI";

/// What Cognito does in its own way. Discovery and keys are at a host of AWS, the other endpoints at the pool's domain; here all
/// are on one host.
#[derive(Debug)]
pub struct Cognito;

impl Quirks for Cognito {
    const METHODS: &'static [Method] = &[Method::Oidc, Method::Password, Method::EmailOtp, Method::SmsOtp];
    const SENDS_ISS: bool = false;

    fn path(endpoint: Endpoint) -> &'static str {
        match endpoint {
            Endpoint::Discovery => "/.well-known/openid-configuration",
            Endpoint::Keys => "/.well-known/jwks.json",
            Endpoint::Token => "/oauth2/token",
            Endpoint::Userinfo => "/oauth2/userInfo",
            Endpoint::Authorize => "/oauth2/authorize",
            Endpoint::Login => "/login",
        }
    }

    fn issuer(_: &str) -> String {
        format!("https://cognito-idp.{REGION}.amazonaws.com/{POOL}")
    }

    fn settings(address: &str) -> Vec<(&'static str, Value)> {
        let api = json!(format!("{address}/"));
        vec![("region", json!(REGION)), ("user_pool_id", json!(POOL)), ("api_endpoint", api)]
    }

    fn has_login_api(path: &str) -> bool {
        path == "/"
    }

    fn direct(call: &mut DirectCall<'_>) -> Option<Direct> {
        (call.path == "/").then(|| api::answer(call))
    }

    fn direct_fields(_: &str, json: &Value) -> Vec<(&'static str, String)> {
        api::fields(json)
    }

    /// The API's errors have other names than OAuth's.
    fn error_body(error: &str, description: &str, number: u64) -> Value {
        match error.ends_with("Exception") {
            true => api::error(error, description),
            false => json!({ "error": error, "error_description": description, "error_codes": [number] }),
        }
    }

    /// Short: neither PKCE, nor grants, nor response modes.
    fn document(document: &mut Value) {
        if let Some(members) = document.as_object_mut() {
            let unsaid = ["code_challenge_methods_supported", "grant_types_supported", "response_modes_supported"];
            members.retain(|name, _| !unsaid.contains(&name.as_str()));
        }
        document["response_types_supported"] = json!(["code", "token"]);
        document["scopes_supported"] = json!(["openid", "email", "phone", "profile"]);
        document["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic", "client_secret_post"]);
    }

    fn id_token(claims: &mut Map<String, Value>) {
        claims.insert("token_use".into(), json!("id"));
        claims.insert("cognito:username".into(), claims.get("sub").cloned().unwrap_or_default());
        claims.insert("cognito:groups".into(), json!(["staff"]));
        claims.insert("origin_jti".into(), json!("14c7ff7d-49a0-4f68-a2ae-4b4b9b9d6b1a"));
        claims.insert("event_id".into(), json!("64f513be-32db-42b0-b78e-b02127b4f463"));
    }

    /// Booleans as text.
    fn userinfo(info: &mut Map<String, Value>, _: &str) {
        if let Some(verified) = info.get("email_verified").and_then(Value::as_bool) {
            info.insert("email_verified".into(), json!(verified.to_string()));
        }
        info.insert("username".into(), info.get("sub").cloned().unwrap_or_default());
    }

    /// All with 400.
    fn refusal(error: &'static str) -> (StatusCode, &'static str) {
        (StatusCode::BAD_REQUEST, error)
    }

    /// A page of its own, to which the browser is sent.
    fn unregistered(_: bool) -> (StatusCode, &'static str) {
        (StatusCode::FOUND, "/error?error=redirect_mismatch")
    }
}
