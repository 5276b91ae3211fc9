//! OneLogin, OpenID Connect version 2, as its documentation and a discovery document recorded in 2022 show it:
//! <https://developers.onelogin.com/openid-connect/api/authorization-code>,
//! <https://developers.onelogin.com/openid-connect/api/password-grant>,
//! <https://developers.onelogin.com/openid-connect/api/provider-config>,
//! <https://developers.onelogin.com/openid-connect/api/user-info>.
//!
//! How it refuses a password is documented nowhere. Each of these cases is answered with `invalid_grant` and 400, unless a test says
//! otherwise (`{ "status": .., "body": .. }`): `wrong_credentials`, `locked`, `disabled`, `password_expired`, `not_assigned`, `mfa`.

use domain::Method;
use serde_json::{Map, Value, json};

use crate::core::{Direct, DirectCall, Endpoint, Quirks, Simulator, Standing, by_redirect};

/// How it is made.
pub const SIMULATOR: Simulator = by_redirect::<OneLogin>("onelogin");

/// What OneLogin does in its own way.
#[derive(Debug)]
pub struct OneLogin;

impl Quirks for OneLogin {
    const METHODS: &'static [Method] = &[Method::Oidc, Method::Password];
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

    /// The resource owner grant. The page demands `client_id` of a client that authenticates by Basic as well.
    fn direct(call: &mut DirectCall<'_>) -> Option<Direct> {
        call.grant_type.filter(|grant| *grant == "password")?;
        let field = |name| call.field(name).unwrap_or_default();
        let (username, password) = (field("username"), field("password"));
        let client = call.client.map(|client| client.id.clone()).unwrap_or_default();
        if field("client_id") != client {
            let body = json!({ "error": "invalid_request", "error_description": "Resource not found" });
            return Some(Direct::answer(400, body));
        }
        let Some(person) = call.person(&username).filter(|person| person.password == password) else {
            return Some(refused(call, "wrong_credentials"));
        };
        let case = match person.standing {
            Standing::Active | Standing::MustVerify if person.factors.is_empty() => None,
            Standing::Active | Standing::MustEnrol | Standing::MustVerify => Some("mfa"),
            Standing::Locked => Some("locked"),
            Standing::Disabled => Some("disabled"),
            Standing::PasswordExpired => Some("password_expired"),
            Standing::NotAssigned => Some("not_assigned"),
        };
        let username = person.username.clone();
        Some(match case {
            Some(case) => refused(call, case),
            None => Direct::Tokens { username, client, scopes: call.scopes(), put_into: |tokens| tokens },
        })
    }
}

/// What a case is answered.
fn refused(call: &DirectCall<'_>, case: &str) -> Direct {
    let said = call.case(case);
    let status = said.and_then(|said| said["status"].as_u64()).and_then(|status| u16::try_from(status).ok());
    let description = match case {
        "mfa" => "MFA is required for this user",
        _ => "Invalid user credentials",
    };
    let usual = || json!({ "error": "invalid_grant", "error_description": description });
    Direct::answer(status.unwrap_or(400), said.map_or_else(usual, |said| said["body"].clone()))
}
