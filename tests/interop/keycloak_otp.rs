//! Realms of a real Keycloak in which one-time codes are looked at: as the adapter's documentation wants it by
//! [`OTP_CLIENT`], and otherwise by others.

use aws::SystemClock;
use chrono::TimeDelta;
use domain::Clock;
use serde_json::{Value, json};
use simulators::keycloak::totp;
use tokio::sync::OnceCell;

use crate::keycloak::{CLIENT_ID, CLIENT_SECRET, Connector, Keycloak};

/// A client whose direct grant asks for a name and a code, and says so in `amr`.
pub(crate) const OTP_CLIENT: &str = "landfall-otp";
/// The same without the mapper of `amr`.
pub(crate) const NO_MAPPER_CLIENT: &str = "otp-no-mapper";
/// The same, but nobody has said what `amr` calls a code.
pub(crate) const NO_REFERENCE_CLIENT: &str = "otp-no-reference";
/// A client that asks for a code only where the user has one.
pub(crate) const CONDITIONAL_CLIENT: &str = "otp-conditional";
/// A client of the realm's own flow, which asks for a password.
pub(crate) const UNBOUND_CLIENT: &str = "otp-unbound";

/// The password of everybody here.
pub(crate) const PASSWORD: &str = "password-of-the-realm";

/// The journey of a name and a code.
pub(crate) const JOURNEY: &str = "app-code-from-real";

/// The realm that all tests share. Each adds people of its own, whose codes nobody else uses up.
pub(crate) async fn shared() -> &'static str {
    const SHARED: &str = "codes";
    static READY: OnceCell<()> = OnceCell::const_new();
    READY.get_or_init(|| set_up(SHARED, json!({}))).await;
    SHARED
}

/// Likewise, one that locks who has failed three times, however fast.
pub(crate) async fn counting() -> &'static str {
    const COUNTING: &str = "counting";
    static READY: OnceCell<()> = OnceCell::const_new();
    let settings = json!({ "bruteForceProtected": true, "failureFactor": 3, "quickLoginCheckMilliSeconds": 0 });
    READY.get_or_init(|| set_up(COUNTING, settings)).await;
    COUNTING
}

/// Makes a realm with these settings, and with the clients above.
pub(crate) async fn set_up(realm: &str, settings: Value) {
    let keycloak = Keycloak::shared();
    keycloak.add_realm(realm, &settings).await;
    let required = flow(realm, "code", Some("otp")).await;
    let nameless = flow(realm, "code-without-reference", None).await;
    let conditional = conditional_flow(realm).await;
    for (id, flow, mapper) in [
        (OTP_CLIENT, Some(&required), true),
        (NO_MAPPER_CLIENT, Some(&required), false),
        (NO_REFERENCE_CLIENT, Some(&nameless), true),
        (CONDITIONAL_CLIENT, Some(&conditional), true),
        (UNBOUND_CLIENT, None, true),
    ] {
        let mut client = json!({ "clientId": id, "secret": CLIENT_SECRET, "directAccessGrantsEnabled": true });
        if let Some(flow) = flow {
            client["authenticationFlowBindingOverrides"] = json!({ "direct_grant": flow });
        }
        if mapper {
            client["protocolMappers"] = json!([{
                "name": "amr",
                "protocol": "openid-connect",
                "protocolMapper": "oidc-amr-mapper",
                "config": { "id.token.claim": "true" },
            }]);
        }
        keycloak.make(&format!("realms/{realm}/clients"), &client).await;
    }
}

/// "Username Validation" and "OTP", both required.
async fn flow(realm: &str, name: &str, reference: Option<&str>) -> String {
    let flow = empty_flow(realm, name, true).await;
    add(realm, &flow, json!({ "authenticator": "direct-grant-validate-username", "requirement": "REQUIRED" })).await;
    add_otp(realm, &flow, reference).await;
    flow
}

/// "Username Validation", and "OTP" of who has it.
async fn conditional_flow(realm: &str) -> String {
    let flow = empty_flow(realm, "code-if-there-is-one", true).await;
    add(realm, &flow, json!({ "authenticator": "direct-grant-validate-username", "requirement": "REQUIRED" })).await;
    let inner = empty_flow(realm, "a-code-if-there-is-one", false).await;
    add(realm, &flow, json!({ "authenticatorFlow": true, "flowId": inner, "requirement": "CONDITIONAL" })).await;
    add(realm, &inner, json!({ "authenticator": "conditional-user-configured", "requirement": "REQUIRED" })).await;
    add_otp(realm, &inner, Some("otp")).await;
    flow
}

async fn empty_flow(realm: &str, name: &str, outermost: bool) -> String {
    let flow = json!({ "alias": name, "providerId": "basic-flow", "topLevel": outermost, "builtIn": false });
    Keycloak::shared().make(&format!("realms/{realm}/authentication/flows"), &flow).await
}

async fn add(realm: &str, flow: &str, mut execution: Value) -> String {
    execution["parentFlow"] = json!(flow);
    Keycloak::shared().make(&format!("realms/{realm}/authentication/executions"), &execution).await
}

async fn add_otp(realm: &str, flow: &str, reference: Option<&str>) {
    let otp = json!({ "authenticator": "direct-grant-validate-otp", "requirement": "REQUIRED" });
    let execution = add(realm, flow, otp).await;
    if let Some(reference) = reference {
        let config = json!({
            "alias": format!("of {execution}"),
            "config": { "default.reference.value": reference, "default.reference.maxAge": "300" },
        });
        let place = format!("realms/{realm}/authentication/executions/{execution}/config");
        Keycloak::shared().make(&place, &config).await;
    }
}

/// Landfall before a realm of [`set_up`], with all methods, and codes by one of its clients.
pub(crate) fn connector<'a>(realm: &'a str, otp_client: &'a str) -> Connector<'a> {
    let otp_client = Some(otp_client);
    Connector { realm, client: CLIENT_ID, otp_client, ..Connector::to(Keycloak::shared()) }
}

/// Somebody with a password, and with an authenticator app or without.
pub(crate) struct Person {
    pub(crate) email: String,
    /// By which the administrator knows them.
    id: String,
    seed: String,
}

impl Person {
    /// Somebody new who has an app.
    pub(crate) async fn with_app(realm: &str, name: &str, more: Value) -> Self {
        let seed = format!("seed of {name}");
        let app = json!({
            "type": "otp",
            "secretData": json!({ "value": seed }).to_string(),
            "credentialData": json!({
                "subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1",
            }).to_string(),
        });
        Self::new(realm, name, seed, vec![app], more).await
    }

    /// Somebody new who has none.
    pub(crate) async fn without_app(realm: &str, name: &str, more: Value) -> Self {
        Self::new(realm, name, String::new(), Vec::new(), more).await
    }

    async fn new(realm: &str, name: &str, seed: String, mut credentials: Vec<Value>, more: Value) -> Self {
        let email = format!("{name}@example.org");
        credentials.push(json!({ "type": "password", "value": PASSWORD }));
        let mut user = json!({
            "username": name, "email": email, "emailVerified": true, "enabled": true,
            "firstName": "Some", "lastName": "Body", "credentials": credentials,
        });
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let id = Keycloak::shared().make(&format!("realms/{realm}/users"), &user).await;
        Self { email, id, seed }
    }

    /// The administrator wants something of them before their next login.
    pub(crate) async fn has_to(&self, realm: &str, action: &str) {
        Keycloak::shared().change_user(realm, &self.id, &json!({ "requiredActions": [action] })).await;
    }

    /// They have scanned a QR code, and have an app with this secret now.
    pub(crate) fn scan(&mut self, secret: &str) {
        secret.clone_into(&mut self.seed);
    }

    /// What their app shows.
    pub(crate) fn code(&self) -> String {
        self.code_in(0)
    }

    /// What it will show, or has shown: by seconds from now. A step lasts 30.
    pub(crate) fn code_in(&self, seconds: i64) -> String {
        totp(&self.seed, SystemClock.now() + TimeDelta::seconds(seconds))
    }
}
