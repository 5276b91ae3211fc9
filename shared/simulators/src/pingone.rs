//! PingOne: an environment in North America, as its documentation and the mock of its own SDK show it:
//! <https://docs.pingidentity.com/pingone/integrations/p1_discovery_document_uri.html>,
//! <https://developer.pingidentity.com/pingone-api/auth/openid-connect-oauth-2.html>,
//! <https://developer.pingidentity.com/pingone-api/auth/auth-config-options/browserless-authentication-flow-options.html>.

mod flow;

use domain::Method;
use serde_json::{Map, Value, json};

use crate::core::{Direct, DirectCall, Endpoint, Quirks, Simulator, Standing, by_redirect};

/// How it is made.
pub const SIMULATOR: Simulator = by_redirect::<PingOne<false>>("pingone");
/// An environment that has the resource owner password grant, which today's documentation does not name any more.
pub const WITH_GRANT: Simulator = by_redirect::<PingOne<true>>("pingone");

const ENVIRONMENT: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

/// What PingOne does in its own way, with the resource owner password grant or without.
#[derive(Debug)]
pub struct PingOne<const GRANT: bool>;

impl<const GRANT: bool> Quirks for PingOne<GRANT> {
    const METHODS: &'static [Method] = &[Method::Oidc, Method::Password];
    const BROWSERLESS: Option<&'static str> = Some("pi.flow");
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
    fn has_login_api(path: &str) -> bool {
        flow::below(path).is_some_and(|path| path == "/as/resume" || path.starts_with("/flows/"))
    }

    fn direct_fields(_: &str, json: &Value) -> Vec<(&'static str, String)> {
        let fields = [("username", "username"), ("password", "password"), ("otp", "otp"), ("otp", "verificationCode")];
        let text = |(name, member): (&'static str, &str)| Some((name, json[member].as_str()?.to_owned()));
        fields.into_iter().filter_map(text).collect()
    }

    fn begun(call: &mut DirectCall<'_>, handle: &str) -> Direct {
        flow::begun(call, handle)
    }

    fn not_begun(parameter: &str) -> Direct {
        flow::invalid(parameter)
    }

    fn direct(call: &mut DirectCall<'_>) -> Option<Direct> {
        match call.grant_type {
            None => flow::direct(call),
            Some("password") if GRANT => grant(call),
            Some(_) => None,
        }
    }

    /// The token endpoint writes errors as OAuth does, in small letters; everything else has error objects.
    fn error_body(error: &str, description: &str, _: u64) -> Value {
        if error.starts_with(|first: char| first.is_ascii_lowercase()) {
            return json!({ "error": error, "error_description": description });
        }
        flow::error_body("INVALID_DATA", Some(json!({ "code": error, "target": description })))
    }
}

/// The resource owner password grant (RFC 6749 section 4.3).
fn grant(call: &mut DirectCall<'_>) -> Option<Direct> {
    let person = call.field("username").and_then(|name| call.person(&name).cloned());
    let person = person.filter(|person| call.field("password").as_ref() == Some(&person.password));
    match person.filter(|person| person.standing == Standing::Active && person.factors.is_empty()) {
        Some(person) => {
            let (client, scopes) = (call.client?.id.clone(), call.scopes());
            Some(Direct::Tokens { username: person.username, client, scopes, put_into: |answer| answer })
        }
        None => Some(Direct::answer(400, json!({ "error": "invalid_grant" }))),
    }
}
