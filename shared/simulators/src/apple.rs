//! Sign in with Apple on the web, as its documentation and recorded documents show it:
//! <https://developer.apple.com/documentation/signinwithapplerestapi/request-an-authorization>,
//! <https://developer.apple.com/documentation/signinwithapplerestapi/generate-and-validate-tokens>,
//! <https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret>,
//! <https://developer.apple.com/documentation/signinwithapple/processing-changes-for-sign-in-with-apple-accounts>,
//! <https://developer.apple.com/forums/thread/655485>,
//! <https://developer.apple.com/documentation/technotes/tn3107-resolving-sign-in-with-apple-response-errors>,
//! <https://github.com/panva/wellknown/tree/main/issuers/apple>.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::core::{Endpoint, Envelope, Fields, Person, Quirks, SignedSecret, Simulator, by_redirect};

/// How it is made.
pub const SIMULATOR: Simulator = by_redirect::<Apple>("apple");

/// The developer team.
pub const TEAM: &str = "ABCDE12345";
/// The team's key, by the id that Apple gave it.
pub const KEY: &str = "KEY1234567";

/// What Apple does in its own way.
#[derive(Debug)]
pub struct Apple;

impl Quirks for Apple {
    const SENDS_ISS: bool = false;
    const ENDPOINTS: &'static [Endpoint] =
        &[Endpoint::Discovery, Endpoint::Keys, Endpoint::Token, Endpoint::Authorize, Endpoint::Login];
    const KNOWS_PROMPTS: bool = false;
    const SIGNED_SECRET: Option<SignedSecret> =
        Some(SignedSecret { issuer: TEAM, key_id: KEY, audience: "https://appleid.apple.com", longest: 15_777_000 });

    fn path(endpoint: Endpoint) -> &'static str {
        match endpoint {
            Endpoint::Discovery => "/.well-known/openid-configuration",
            Endpoint::Keys => "/auth/keys",
            Endpoint::Token => "/auth/token",
            Endpoint::Userinfo => "",
            Endpoint::Authorize => "/auth/authorize",
            Endpoint::Login => "/appleauth/auth/signin",
        }
    }

    fn issuer(_: &str) -> String {
        "https://appleid.apple.com".to_owned()
    }

    fn settings(_: &str) -> Vec<(&'static str, Value)> {
        vec![("team_id", json!(TEAM))]
    }

    fn subject(id: String) -> String {
        format!("000768.{}.1521", id.replace('-', ""))
    }

    fn document(document: &mut Value) {
        document["response_modes_supported"] = json!(["query", "fragment", "form_post"]);
        document["subject_types_supported"] = json!(["pairwise"]);
        document["scopes_supported"] = json!(["openid", "email", "name"]);
        document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        if let Some(members) = document.as_object_mut() {
            for absent in ["userinfo_endpoint", "code_challenge_methods_supported", "grant_types_supported"] {
                members.remove(absent);
            }
        }
    }

    /// Booleans as text; no name.
    fn id_token(claims: &mut Map<String, Value>) {
        for absent in ["name", "given_name", "family_name"] {
            claims.remove(absent);
        }
        let verified = claims.get("email_verified").map(|verified| json!(verified.to_string()));
        claims.extend(verified.map(|verified| ("email_verified".to_owned(), verified)));
        let email = claims.get("email").and_then(Value::as_str);
        if email.is_some_and(|email| email.ends_with("@privaterelay.appleid.com")) {
            claims.insert("is_private_email".into(), json!("true"));
        }
        if claims.contains_key("nonce") {
            claims.insert("nonce_supported".into(), json!(true));
        }
    }

    /// Good for a day. The one event is text, its time in milliseconds, and its booleans are text too.
    fn notification(claims: &mut Map<String, Value>, event: &str, subject: &str, now: i64) -> Option<Envelope> {
        let mut told = json!({ "type": event, "sub": subject, "event_time": now });
        if event.starts_with("email-") {
            told["email"] = json!("ep9ks2tnph@privaterelay.appleid.com");
            told["is_private_email"] = json!("true");
        }
        claims.insert("exp".into(), json!(now / 1000 + 86_400));
        claims.insert("events".into(), json!(told.to_string()));
        let body = |token| json!({ "payload": token }).to_string();
        Some(Envelope { query: "", media_type: "application/json", body })
    }

    fn refusal(error: &'static str) -> (StatusCode, &'static str) {
        (StatusCode::BAD_REQUEST, error)
    }

    fn unregistered(client_is_known: bool) -> (StatusCode, &'static str) {
        let page = match client_is_known {
            true => "invalid_request: Invalid web redirect url.",
            false => "invalid_client: Invalid client.",
        };
        (StatusCode::BAD_REQUEST, page)
    }

    fn page(scopes: &[String], response_mode: Option<&str>) -> Option<(StatusCode, &'static str)> {
        let asks = scopes.iter().any(|scope| matches!(scope.as_str(), "name" | "email"));
        let page = "invalid_request: response_mode must be form_post when name or email scope is requested.";
        (asks && response_mode != Some("form_post")).then_some((StatusCode::BAD_REQUEST, page))
    }

    fn first_callback(person: &Person, scopes: &[String]) -> Fields {
        let granted = |scope: &str| scopes.iter().any(|granted| granted == scope);
        let mut user = Map::new();
        if let Some((given, family)) = person.name.as_ref().filter(|_| granted("name")) {
            user.insert("name".into(), json!({ "firstName": given, "lastName": family }));
        }
        if let Some((email, _)) = person.email.as_ref().filter(|_| granted("email")) {
            user.insert("email".into(), json!(email));
        }
        if user.is_empty() { Fields::new() } else { vec![("user", Value::Object(user).to_string())] }
    }
}
