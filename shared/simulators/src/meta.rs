//! Facebook Login: the dialog, the Graph API's token endpoint and profile, and the ID token for the scope `openid`, as documentation and
//! recorded answers show them:
//! <https://developers.facebook.com/documentation/facebook-login/guides/advanced/manual-flow>,
//! <https://developers.facebook.com/documentation/facebook-login/guides/advanced/oidc-token>,
//! <https://developers.facebook.com/docs/graph-api/guides/error-handling>,
//! <https://developers.facebook.com/docs/graph-api/securing-requests>,
//! <https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback>,
//! <https://github.com/panva/wellknown/tree/main/issuers/facebook>.

use aws_lc_rs::hmac;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::core::{ApiCall, Endpoint, Envelope, Misbehaviour, Quirks, Refused, Simulator, by_redirect, signer};

/// How it is made.
pub const SIMULATOR: Simulator = by_redirect::<Meta>("meta");

/// What Meta does in its own way. Its endpoints are on two hosts, here on one.
#[derive(Debug)]
pub struct Meta;

impl Quirks for Meta {
    const SENDS_ISS: bool = false;
    /// Its discovery document is for browsers and apps.
    const ENDPOINTS: &'static [Endpoint] =
        &[Endpoint::Keys, Endpoint::Token, Endpoint::Userinfo, Endpoint::Authorize, Endpoint::Login];
    const KNOWS_PROMPTS: bool = false;
    const DEMANDS_OPENID: bool = false;
    const PROFILE: &'static str = "public_profile";
    const FRAGMENT: &'static str = "_=_";
    const CLIENT_CREDENTIALS: bool = true;

    fn path(endpoint: Endpoint) -> &'static str {
        match endpoint {
            Endpoint::Discovery => "",
            Endpoint::Keys => "/.well-known/oauth/openid/jwks/",
            Endpoint::Token => "/v24.0/oauth/access_token",
            Endpoint::Userinfo => "/v24.0/me",
            Endpoint::Authorize => "/v24.0/dialog/oauth",
            Endpoint::Login => "/login/",
        }
    }

    fn issuer(_: &str) -> String {
        "https://www.facebook.com".to_owned()
    }

    fn settings(address: &str) -> Vec<(&'static str, Value)> {
        let at = |endpoint| json!(format!("{address}{}", Self::path(endpoint)));
        vec![
            ("api_version", json!("v24.0")),
            ("authorization_endpoint", at(Endpoint::Authorize)),
            ("token_endpoint", at(Endpoint::Token)),
            ("userinfo_endpoint", at(Endpoint::Userinfo)),
            ("jwks_uri", at(Endpoint::Keys)),
        ]
    }

    /// Nothing says that an e-mail is verified.
    fn id_token(claims: &mut Map<String, Value>) {
        let app = text(claims, "aud");
        let id = id_at(&app, &text(claims, "sub"));
        claims.insert("sub".into(), json!(id));
        claims.insert("jti".into(), json!(signer::s256(&format!("{id} {}", text(claims, "nonce")))));
        claims.remove("email_verified");
        claims.remove("auth_time");
    }

    /// `/me`: of the fields that are asked for, those that there are.
    fn api(call: &ApiCall<'_>) -> Option<(StatusCode, Value)> {
        let Some(said) = call.said else {
            return Some(refusal(190, "OAuthException", "Invalid OAuth access token data."));
        };
        let (app, secret) = call.client;
        let proof = secret.map(|secret| proof(secret, call.token));
        match ((call.parameter)("appsecret_proof"), proof) {
            (None, Some(_)) => {
                let message = "API calls from the server require an appsecret_proof argument";
                return Some(refusal(100, "GraphMethodException", message));
            }
            (shown @ Some(_), right) if shown != right => {
                let message = "Invalid appsecret_proof provided in the API argument";
                return Some(refusal(100, "GraphMethodException", message));
            }
            _ => {}
        }
        let fields = (call.parameter)("fields").unwrap_or_else(|| "id,name".to_owned());
        let mut me = Map::from_iter([("id".to_owned(), json!(id_at(app, &text(said, "sub"))))]);
        for field in fields.split(',') {
            let value = match field {
                "name" | "email" => said.get(field).cloned(),
                "first_name" => said.get("given_name").cloned(),
                "last_name" => said.get("family_name").cloned(),
                "picture" => Some(json!({ "data": { "url": "https://platform-lookaside.fbsbx.com/ada.jpg" } })),
                _ => None,
            };
            me.extend(value.map(|value| (field.to_owned(), value)));
        }
        Some((StatusCode::OK, Value::Object(me)))
    }

    fn refused(why: Refused) -> (StatusCode, Value) {
        let (code, message) = match why {
            Refused::UnknownClient => {
                (101, "Error validating application. Cannot get application info due to a system error.")
            }
            Refused::NoSecret | Refused::WrongSecret | Refused::PublicClient => (1, "Error validating client secret."),
            Refused::UsedCode => (100, "This authorization code has been used."),
            Refused::ExpiredCode => (100, "This authorization code has expired."),
            Refused::CodeOfAnother | Refused::WrongVerifier => (
                100,
                "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the \
                 OAuth dialog request",
            ),
            Refused::UnknownCode | Refused::Malformed | Refused::UnknownGrant => {
                (100, "Invalid verification code format.")
            }
        };
        refusal(code, "OAuthException", message)
    }

    /// The deauthorise callback's as seen: <https://www.yiiframework.com/wiki/379/facebook-deauthorize-callback-url-and-its-response-data>.
    fn notification(claims: &mut Map<String, Value>, event: &str, subject: &str, now: i64) -> Option<Envelope> {
        let user_id = id_at(&text(claims, "aud"), subject);
        let told = [("user_id", json!(user_id)), ("algorithm", json!("HMAC-SHA256")), ("issued_at", json!(now / 1000))];
        *claims = told.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        let query = match event {
            "deletion" => "?about=deletion",
            _ => {
                claims.insert("user".to_owned(), json!({ "country": "gb", "locale": "en_GB" }));
                "?about=deauthorisation"
            }
        };
        let body = |request| format!("signed_request={request}");
        Some(Envelope { query, media_type: "application/x-www-form-urlencoded", body })
    }

    fn signed_by_secret(claims: &Map<String, Value>, secret: &str) -> Option<String> {
        let payload = URL_SAFE_NO_PAD.encode(json!(claims).to_string());
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), payload.as_bytes());
        Some(format!("{}.{payload}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn unregistered(client_is_known: bool) -> (StatusCode, &'static str) {
        let page = if client_is_known { "URL blocked" } else { "Invalid App ID" };
        (StatusCode::OK, page)
    }
}

/// The id by which an app knows a user.
pub fn id_at(app: &str, user: &str) -> String {
    let digits = signer::s256(&format!("{app} {user}"));
    format!("10{}", digits.bytes().map(|byte| char::from(b'0' + byte % 10)).take(15).collect::<String>())
}

/// Whatever is asked is refused with this code and subcode of the Graph API.
pub fn refusing(code: u32, subcode: Option<u32>) -> Misbehaviour {
    let (status, mut body) = refusal(code, "OAuthException", "An error.");
    if let Some(subcode) = subcode {
        body["error"]["error_subcode"] = json!(subcode);
    }
    Misbehaviour::Answer(status.as_u16(), body)
}

fn refusal(code: u32, kind: &str, message: &str) -> (StatusCode, Value) {
    let error = json!({ "message": message, "type": kind, "code": code, "fbtrace_id": "AbCdEfGhIjK" });
    (StatusCode::BAD_REQUEST, json!({ "error": error }))
}

/// HMAC-SHA256 of the access token by the app's secret, in hexadecimal.
fn proof(secret: &str, token: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), token.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(claims: &Map<String, Value>, name: &str) -> String {
    claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
