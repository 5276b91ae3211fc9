//! Google, as its documentation and its published discovery document show it:
//! <https://developers.google.com/identity/openid-connect/reference>,
//! <https://developers.google.com/identity/protocols/oauth2/web-server>,
//! <https://developers.google.com/identity/protocols/risc>.

use serde_json::{Map, Value, json};

use crate::core::{Endpoint, Envelope, Quirks, Simulator, by_redirect};

/// How it is made.
pub const SIMULATOR: Simulator = by_redirect::<Google>("google");

/// What Google does in its own way. Its endpoints are on several hosts, here on one.
#[derive(Debug)]
pub struct Google;

impl Quirks for Google {
    const NOTIFIER: Option<(&'static str, &'static str)> =
        Some(("/.well-known/risc-configuration", "https://accounts.google.com/"));

    fn path(endpoint: Endpoint) -> &'static str {
        match endpoint {
            Endpoint::Discovery => "/.well-known/openid-configuration",
            Endpoint::Keys => "/oauth2/v3/certs",
            Endpoint::Token => "/token",
            Endpoint::Userinfo => "/v1/userinfo",
            Endpoint::Authorize => "/o/oauth2/v2/auth",
            Endpoint::Login => "/v3/signin",
        }
    }

    fn issuer(_: &str) -> String {
        "https://accounts.google.com".to_owned()
    }

    fn settings(_: &str) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// 21 digits.
    fn subject(id: String) -> String {
        let digits = id.bytes().filter(u8::is_ascii_hexdigit).map(|byte| char::from(b'0' + byte % 10));
        digits.take(21).collect()
    }

    fn document(document: &mut Value) {
        document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post", "client_secret_basic"]);
        document["code_challenge_methods_supported"] = json!(["plain", "S256"]);
        document["claims_supported"] = json!([
            "aud",
            "email",
            "email_verified",
            "exp",
            "family_name",
            "given_name",
            "iat",
            "iss",
            "name",
            "picture",
            "sub"
        ]);
    }

    /// A user of a Workspace, whose domain is that of their e-mail.
    fn claims(claims: &mut Map<String, Value>) {
        if let Some(domain) = claims.get("email").and_then(Value::as_str).and_then(|email| email.split('@').nth(1)) {
            let domain = domain.to_owned();
            claims.insert("hd".into(), json!(domain));
        }
        claims.insert("picture".into(), json!("https://lh3.googleusercontent.com/a/ACg8ocJ0=s96-c"));
    }

    fn id_token(claims: &mut Map<String, Value>) {
        if let Some(audience) = claims.get("aud").cloned() {
            claims.insert("azp".into(), audience);
        }
    }

    /// Several events may be separated by blanks. An event of a token names it by the start of its text.
    fn notification(claims: &mut Map<String, Value>, event: &str, subject: &str, _: i64) -> Option<Envelope> {
        let issuer = "https://accounts.google.com/";
        let told = |event: &str| match event {
            "verification" => json!({ "state": "Test token requested at 1767323045" }),
            "token-revoked" => json!({ "subject": {
                "subject_type": "oauth_token", "token_type": "refresh_token", "token_identifier_alg": "prefix", "token": "1//0gABCDEFGHIJKL",
            } }),
            _ => {
                let mut told = json!({ "subject": { "subject_type": "iss-sub", "iss": issuer, "sub": subject } });
                if event == "account-disabled" {
                    told["reason"] = json!("hijacking");
                }
                told
            }
        };
        let of = |event: &str| if event.starts_with("token") { "oauth" } else { "risc" };
        let name = |event: &str| format!("https://schemas.openid.net/secevent/{}/event-type/{event}", of(event));
        let events: Map<_, _> = event.split(' ').map(|event| (name(event), told(event))).collect();
        claims.insert("iss".into(), json!(issuer));
        claims.insert("events".into(), json!(events));
        Some(Envelope { query: "", media_type: "application/secevent+jwt", body: |token| token })
    }

    fn description(error: &'static str) -> Option<&'static str> {
        match error {
            "invalid_grant" => Some("Malformed auth code."),
            "invalid_client" => Some("Unauthorized"),
            _ => None,
        }
    }
}
