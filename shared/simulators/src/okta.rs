//! Okta: an org's custom authorization server, as its documentation shows it: <https://developer.okta.com/docs/reference/api/oidc/>,
//! errors as in <https://developer.okta.com/docs/reference/error-codes/>. Passwords go to its token endpoint, second factors by
//! direct authentication (`grants`), codes without a password by the interaction code flow (`idx`).

mod grants;
mod idx;

#[cfg(test)]
mod tests;

use axum::http::StatusCode;
use domain::Method;
use serde_json::{Map, Value, json};

use crate::core::{Direct, DirectCall, Endpoint, Quirks, Refused, Simulator, by_redirect};

/// How it is made.
pub const SIMULATOR: Simulator = by_redirect::<Okta>("okta");

/// What Okta does in its own way.
#[derive(Debug)]
pub struct Okta;

impl Quirks for Okta {
    const METHODS: &'static [Method] = &[Method::Oidc, Method::Password, Method::Totp];
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
        vec![("domain", json!("acme.okta.com")), ("mfa", json!(["totp", "push", "sms", "voice"]))]
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

    /// An unknown client is refused in the form of Okta's own API.
    fn refused(why: Refused) -> (StatusCode, Value) {
        let invalid_client = |description| Self::error_body("invalid_client", description, 0);
        let invalid_grant = |description| Self::error_body("invalid_grant", description, 0);
        let body = match why {
            Refused::UnknownClient => {
                let summary = "Invalid value for 'client_id' parameter.";
                json!({ "errorCode": "invalid_client", "errorSummary": summary, "errorLink": "invalid_client", "errorCauses": [] })
            }
            Refused::NoSecret => invalid_client("No client credentials found."),
            Refused::WrongSecret => invalid_client("The client secret supplied for a confidential client is invalid."),
            Refused::PublicClient => {
                invalid_client("Client authentication failed. Either the client or the client credentials are invalid.")
            }
            Refused::Malformed => Self::error_body("invalid_request", "Invalid request", 0),
            Refused::UnknownGrant => Self::error_body(
                "unsupported_grant_type",
                "The authorization grant type is not supported by the authorization server. Configured grant types: \
                 [authorization_code].",
                0,
            ),
            Refused::UnknownCode | Refused::UsedCode | Refused::ExpiredCode => {
                invalid_grant("The authorization code is invalid or has expired.")
            }
            Refused::CodeOfAnother => invalid_grant(
                "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
            ),
            Refused::WrongVerifier => invalid_grant("PKCE verification failed."),
        };
        let status = if why.error() == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        (status, body)
    }

    fn has_login_api(path: &str) -> bool {
        Self::authenticates_clients(path) || idx::has(path)
    }

    fn authenticates_clients(path: &str) -> bool {
        [grants::CHALLENGE, idx::INTERACT].contains(&path)
    }

    fn direct(call: &mut DirectCall<'_>) -> Option<Direct> {
        match (call.grant_type.map(str::to_owned), call.path) {
            (Some(grant_type), _) => grants::grant(call, &grant_type),
            _ if !call.is_post => None,
            (None, grants::CHALLENGE) => Some(grants::challenge(call)),
            (None, idx::INTERACT) => Some(idx::interact(call)),
            _ => idx::step(call),
        }
    }

    fn direct_fields(_: &str, json: &Value) -> Vec<(&'static str, String)> {
        let credentials = &json["credentials"];
        let fields =
            [("username", &json["identifier"]), ("otp", &credentials["passcode"]), ("otp", &credentials["totp"])];
        let sent = fields.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
        sent.collect()
    }

    /// Okta has three: OAuth's, that of its API (`E0000047`), and that of the interaction code flow, whose keys have dots or
    /// capitals.
    fn error_body(error: &str, description: &str, number: u64) -> Value {
        let is_oauth = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-');
        if error.bytes().all(is_oauth) {
            return json!({ "error": error, "error_description": description, "error_codes": [number] });
        }
        if error.starts_with("E0") {
            return json!({ "errorCode": error, "errorSummary": description, "errorLink": error, "errorCauses": [] });
        }
        idx::message(error, description, "ERROR")
    }
}
