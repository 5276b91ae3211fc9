//! Microsoft Entra ID: a company's tenant, the same by the address of all organizations, and an external tenant, as its
//! documentation and recorded documents show them:
//! <https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc>,
//! <https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference>,
//! <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>,
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth-ropc>,
//! <https://learn.microsoft.com/azure/hdinsight/domain-joined/domain-joined-authentication-issues>,
//! <https://github.com/panva/wellknown/tree/main/issuers/entra-common>.

mod native;

use std::fmt::Debug;
use std::marker::PhantomData;

use axum::http::StatusCode;
use domain::Method;
use serde_json::{Map, Value, json};

use crate::core::{
    Direct, DirectCall, Endpoint, Misbehaviour, Quirks, Refused, Simulator, Standing, by_redirect, signer,
};

/// The company's tenant.
pub const TENANT: &str = "3b9c0d53-6a7e-4e0f-9a42-0123456789ab";
/// The tenant of personal accounts.
pub const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The tenant, by its id.
pub const SIMULATOR: Simulator = by_redirect::<Entra<Company>>("entra");
/// The tenant, which signs in through the address of all organizations.
pub const ORGANIZATIONS: Simulator = by_redirect::<Entra<Organizations>>("entra");
/// An external tenant (Microsoft Entra External ID).
pub const EXTERNAL: Simulator = by_redirect::<Entra<External>>("entra");

/// By which address Entra is asked.
pub trait Authority: Debug + Send + 'static {
    /// What stands in it for the tenant.
    const PATH: &'static str;
    /// How the discovery document there names the issuer.
    const NAMED: &'static str = "https://login.microsoftonline.com/3b9c0d53-6a7e-4e0f-9a42-0123456789ab/v2.0";
    /// How tokens do.
    const ISSUER: &'static str = "https://login.microsoftonline.com/3b9c0d53-6a7e-4e0f-9a42-0123456789ab/v2.0";
    /// Whose tokens a key signs.
    const KEYS: &'static str = "https://login.microsoftonline.com/{tenantid}/v2.0";
    /// Whether it has native authentication in the place of the grant.
    const IS_EXTERNAL: bool = false;
    /// How users sign in there.
    const METHODS: &'static [Method] = &[Method::Oidc, Method::Password];

    /// A connector's settings.
    fn settings() -> Vec<(&'static str, Value)>;
}

/// A tenant.
#[derive(Debug)]
pub struct Company;

/// Every tenant.
#[derive(Debug)]
pub struct Organizations;

/// A tenant for customers.
#[derive(Debug)]
pub struct External;

impl Authority for Company {
    const PATH: &'static str = "/3b9c0d53-6a7e-4e0f-9a42-0123456789ab";

    fn settings() -> Vec<(&'static str, Value)> {
        vec![("tenant", json!(TENANT))]
    }
}

impl Authority for Organizations {
    const PATH: &'static str = "/organizations";
    const NAMED: &'static str = "https://login.microsoftonline.com/{tenantid}/v2.0";

    fn settings() -> Vec<(&'static str, Value)> {
        vec![("tenant", json!("organizations")), ("allowed_tenants", json!([TENANT]))]
    }
}

impl Authority for External {
    const PATH: &'static str = "/3b9c0d53-6a7e-4e0f-9a42-0123456789ab";
    const NAMED: &'static str = Self::ISSUER;
    const ISSUER: &'static str =
        "https://3b9c0d53-6a7e-4e0f-9a42-0123456789ab.ciamlogin.com/3b9c0d53-6a7e-4e0f-9a42-0123456789ab/v2.0";
    const KEYS: &'static str = "https://{tenantid}.ciamlogin.com/{tenantid}/v2.0";
    const IS_EXTERNAL: bool = true;
    const METHODS: &'static [Method] = &[Method::Oidc, Method::Password, Method::EmailOtp];

    fn settings() -> Vec<(&'static str, Value)> {
        vec![("tenant", json!(TENANT)), ("external_id", json!("acmecustomers"))]
    }
}

/// What Entra does in its own way.
#[derive(Debug)]
pub struct Entra<A>(PhantomData<A>);

impl<A: Authority> Quirks for Entra<A> {
    const METHODS: &'static [Method] = A::METHODS;
    const ISSUER: &'static str = A::PATH;
    const SENDS_ISS: bool = false;
    const CLIENT_CREDENTIALS: bool = true;

    fn path(endpoint: Endpoint) -> &'static str {
        match endpoint {
            Endpoint::Discovery => "/v2.0/.well-known/openid-configuration",
            Endpoint::Keys => "/discovery/v2.0/keys",
            Endpoint::Token => "/oauth2/v2.0/token",
            Endpoint::Userinfo => "/oidc/userinfo",
            Endpoint::Authorize => "/oauth2/v2.0/authorize",
            Endpoint::Login => "/login",
        }
    }

    fn issuer(_: &str) -> String {
        A::ISSUER.to_owned()
    }

    fn settings(_: &str) -> Vec<(&'static str, Value)> {
        A::settings()
    }

    fn document(document: &mut Value) {
        document["issuer"] = json!(A::NAMED);
        document["subject_types_supported"] = json!(["pairwise"]);
        document["scopes_supported"] = json!(["openid", "profile", "email", "offline_access"]);
        document["token_endpoint_auth_methods_supported"] =
            json!(["client_secret_post", "private_key_jwt", "client_secret_basic"]);
        document["request_uri_parameter_supported"] = json!(false);
        document["tenant_region_scope"] = Value::Null;
        document["cloud_instance_name"] = json!("microsoftonline.com");
        document["msgraph_host"] = json!("graph.microsoft.com");
    }

    fn key(key: &mut Value) {
        key["issuer"] = json!(A::KEYS);
    }

    /// The object id comes with the scope `profile`, as the name does, and `sub` is another one for each client. That an e-mail
    /// is verified has been seen as text.
    fn id_token(claims: &mut Map<String, Value>) {
        let (object, client) = (claims.get("sub").cloned(), text(claims, "aud"));
        pairwise(claims, &client);
        if claims.contains_key("name") {
            claims.extend(object.map(|object| ("oid".to_owned(), object)));
            claims.insert("preferred_username".into(), json!("ada@acme.onmicrosoft.com"));
        }
        let verified = claims.remove("email_verified").map(|verified| verified == json!(true));
        claims.extend(verified.map(|verified| ("xms_edov".to_owned(), json!(if verified { "1" } else { "0" }))));
        claims.insert("tid".into(), json!(TENANT));
        claims.insert("ver".into(), json!("2.0"));
        claims.extend(claims.get("iat").cloned().map(|issued| ("nbf".to_owned(), issued)));
        for absent in ["at_hash", "auth_time"] {
            claims.remove(absent);
        }
    }

    fn userinfo(info: &mut Map<String, Value>, client: &str) {
        pairwise(info, client);
        info.remove("email_verified");
    }

    fn has_login_api(path: &str) -> bool {
        A::IS_EXTERNAL && native::is_at(path)
    }

    fn authenticates_clients(path: &str) -> bool {
        Self::has_login_api(path)
    }

    fn is_for_public_clients(grant_type: Option<&str>) -> bool {
        A::IS_EXTERNAL && !matches!(grant_type, Some("authorization_code" | "client_credentials"))
    }

    fn refused(why: Refused) -> (StatusCode, Value) {
        refusal(match why {
            Refused::UnknownClient => 700_016,
            Refused::NoSecret => 7_000_218,
            Refused::WrongSecret => 7_000_215,
            Refused::PublicClient => 700_025,
            Refused::Malformed => 900_144,
            Refused::UnknownGrant => 70_003,
            Refused::UnknownCode => 9_002_313,
            Refused::UsedCode => 54_005,
            Refused::ExpiredCode => 70_008,
            Refused::CodeOfAnother => 70_000,
            Refused::WrongVerifier => 501_481,
        })
    }

    /// The resource owner password credentials grant, which looks at the password first and at Conditional Access last.
    fn direct(call: &mut DirectCall<'_>) -> Option<Direct> {
        if A::IS_EXTERNAL {
            return native::answer(call);
        }
        if call.grant_type != Some("password") || !A::METHODS.contains(&Method::Password) {
            return None;
        }
        let number = match call.field("username").and_then(|name| call.person(&name).cloned()) {
            None => 50_034,
            Some(person) if person.standing == Standing::Locked => 50_053,
            Some(person) if call.field("password").as_ref() != Some(&person.password) => 50_126,
            Some(person) => match person.standing {
                Standing::Disabled => 50_057,
                Standing::PasswordExpired => 50_055,
                Standing::NotAssigned => 50_105,
                Standing::MustEnrol => 50_079,
                _ if !person.factors.is_empty() => 50_076,
                _ => {
                    let client = call.client?.id.clone();
                    let (username, scopes) = (person.username, call.scopes());
                    return Some(Direct::Tokens { username, client, scopes, put_into: |answer| answer });
                }
            },
        };
        let (status, body) = refusal(number);
        Some(Direct::answer(status.as_u16(), body))
    }

    /// A page whose script shows the error.
    fn unregistered(client_is_known: bool) -> (StatusCode, &'static str) {
        let page = match client_is_known {
            true => {
                "<script>$Config={\"strServiceExceptionMessage\":\"AADSTS50011: The redirect URI is not registered.\"}</script>"
            }
            false => {
                "<script>$Config={\"strServiceExceptionMessage\":\"AADSTS700016: The application was not found.\"}</script>"
            }
        };
        (StatusCode::OK, page)
    }

    /// Of a tenant that there is not.
    fn nowhere(path: &str) -> Option<(StatusCode, Value)> {
        path.ends_with("/v2.0/.well-known/openid-configuration").then(|| refusal(90_002))
    }
}

/// The `sub` that one client sees.
fn pairwise(claims: &mut Map<String, Value>, client: &str) {
    let object = text(claims, "sub");
    claims.insert("sub".into(), json!(signer::s256(&format!("{client} {object}"))));
}

fn text(claims: &Map<String, Value>, name: &str) -> String {
    claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The refusals of the token endpoint: number, status, error and suberror.
const REFUSALS: &[(u32, u16, &str, &str)] = &[
    (50_034, 400, "invalid_grant", ""),
    (50_053, 400, "unauthorized_client", ""),
    (50_055, 400, "user_password_expired", "user_password_expired"),
    (50_057, 400, "invalid_grant", ""),
    (50_076, 400, "invalid_grant", "basic_action"),
    (50_079, 400, "interaction_required", ""),
    (50_105, 400, "invalid_grant", ""),
    (50_126, 400, "invalid_grant", ""),
    (50_194, 400, "invalid_request", ""),
    (50_196, 400, "invalid_grant", ""),
    (53_003, 400, "interaction_required", "message_only"),
    (54_005, 400, "invalid_grant", ""),
    (65_001, 400, "invalid_grant", "consent_required"),
    (70_000, 400, "invalid_grant", ""),
    (70_003, 400, "unsupported_grant_type", ""),
    (70_008, 400, "invalid_grant", ""),
    (90_002, 400, "invalid_tenant", ""),
    (501_481, 400, "invalid_grant", ""),
    (700_005, 400, "invalid_grant", ""),
    (700_016, 400, "unauthorized_client", ""),
    (700_025, 401, "invalid_client", ""),
    (900_144, 400, "invalid_request", ""),
    (7_000_112, 400, "unauthorized_client", ""),
    (7_000_215, 401, "invalid_client", ""),
    (7_000_218, 401, "invalid_client", ""),
    (7_000_222, 401, "invalid_client", ""),
    (9_002_313, 400, "invalid_grant", "bad_token"),
];

fn refusal(number: u32) -> (StatusCode, Value) {
    let known = REFUSALS.iter().find(|(known, ..)| *known == number);
    let (_, status, error, suberror) = known.copied().unwrap_or((number, 400, "invalid_request", ""));
    let mut body = json!({
        "error": error,
        "error_description": format!("AADSTS{number}: An error.\r\nTrace ID: t\r\nCorrelation ID: c\r\nTimestamp: 2026-09-21 13:33:20Z"),
        "error_codes": [number],
        "timestamp": "2026-09-21 13:33:20Z",
        "trace_id": "t",
        "correlation_id": "c",
        "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
    });
    if !suberror.is_empty() {
        body["suberror"] = json!(suberror);
    }
    match number {
        50_055 => body["password_change_url"] = json!("https://portal.microsoftonline.com/ChangePassword.aspx"),
        50_076 | 50_079 => {
            let claims = json!({ "access_token": { "capolids": { "essential": true, "values": [TENANT] } } });
            body["claims"] = json!(claims.to_string());
        }
        _ => {}
    }
    (StatusCode::from_u16(status).unwrap_or_default(), body)
}

/// Whatever is asked of the token endpoint is refused with this number of the error reference.
pub fn refusing(number: u32) -> Misbehaviour {
    let (status, body) = refusal(number);
    Misbehaviour::Answer(status.as_u16(), body)
}
