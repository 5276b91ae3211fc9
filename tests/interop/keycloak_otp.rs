//! Realms of a real Keycloak with one-time codes. [`OTP_CLIENT`] is set up as the adapter's guide requires; the other
//! clients differ.

use aws::SystemClock;
use chrono::TimeDelta;
use domain::Clock;
use serde_json::{Value, json};
use simulators::keycloak::totp;
use tokio::sync::OnceCell;

use crate::keycloak::{CLIENT_ID, CLIENT_SECRET, Connector, Keycloak};

/// A client whose direct grant checks a username and a code, and names the code in `amr`.
pub(crate) const OTP_CLIENT: &str = "landfall-otp";
/// Like [`OTP_CLIENT`], without the mapper of `amr`.
pub(crate) const NO_MAPPER_CLIENT: &str = "otp-no-mapper";
/// Like [`OTP_CLIENT`], without a reference value for codes in `amr`.
pub(crate) const NO_REFERENCE_CLIENT: &str = "otp-no-reference";
/// A client that checks a code only if the user has an app.
pub(crate) const CONDITIONAL_CLIENT: &str = "otp-conditional";
/// A client with the realm's default flow, which checks a password.
pub(crate) const UNBOUND_CLIENT: &str = "otp-unbound";

/// The password of all users here.
pub(crate) const PASSWORD: &str = "password-of-the-realm";

/// The journey with a username and a code.
pub(crate) const JOURNEY: &str = "app-code-from-real";

/// The realm that all tests share. Each test adds its own users, so that no other test uses their codes.
pub(crate) async fn shared() -> &'static str {
    const SHARED: &str = "codes";
    static READY: OnceCell<()> = OnceCell::const_new();
    READY.get_or_init(|| set_up(SHARED, json!({}))).await;
    SHARED
}

/// A shared realm that locks a user after three failures, at any speed.
pub(crate) async fn counting() -> &'static str {
    const COUNTING: &str = "counting";
    static READY: OnceCell<()> = OnceCell::const_new();
    let settings = json!({ "bruteForceProtected": true, "failureFactor": 3, "quickLoginCheckMilliSeconds": 0 });
    READY.get_or_init(|| set_up(COUNTING, settings)).await;
    COUNTING
}

/// Creates a realm with these settings and the clients above.
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
        keycloak.create(&format!("realms/{realm}/clients"), &client).await;
    }
}

/// "Username Validation" and "OTP", both required.
async fn flow(realm: &str, name: &str, reference: Option<&str>) -> String {
    let flow = empty_flow(realm, name, true).await;
    add(realm, &flow, json!({ "authenticator": "direct-grant-validate-username", "requirement": "REQUIRED" })).await;
    add_otp(realm, &flow, reference).await;
    flow
}

/// "Username Validation", and "OTP" if the user has an app.
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
    Keycloak::shared().create(&format!("realms/{realm}/authentication/flows"), &flow).await
}

async fn add(realm: &str, flow: &str, mut execution: Value) -> String {
    execution["parentFlow"] = json!(flow);
    Keycloak::shared().create(&format!("realms/{realm}/authentication/executions"), &execution).await
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
        Keycloak::shared().create(&place, &config).await;
    }
}

/// A connector to a realm of [`set_up`], with all methods, and this client for codes.
pub(crate) fn connector<'a>(realm: &'a str, otp_client: &'a str) -> Connector<'a> {
    let otp_client = Some(otp_client);
    Connector { realm, client: CLIENT_ID, otp_client, ..Connector::to(Keycloak::shared()) }
}

/// A user with a password, with or without an authenticator app.
pub(crate) struct Person {
    pub(crate) email: String,
    /// The user's id in Keycloak.
    id: String,
    seed: String,
}

impl Person {
    /// A new user with an app.
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

    /// A new user without an app.
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
        let id = Keycloak::shared().create(&format!("realms/{realm}/users"), &user).await;
        Self { email, id, seed }
    }

    /// Sets a required action, which the user must do before the next login.
    pub(crate) async fn require_action(&self, realm: &str, action: &str) {
        Keycloak::shared().change_user(realm, &self.id, &json!({ "requiredActions": [action] })).await;
    }

    /// The user scans a QR code: the app has this secret now.
    pub(crate) fn scan(&mut self, secret: &str) {
        secret.clone_into(&mut self.seed);
    }

    /// The app's current code.
    pub(crate) fn code(&self) -> String {
        self.code_in(0)
    }

    /// The app's code at a time, in seconds from now. A code lasts 30 seconds.
    pub(crate) fn code_in(&self, seconds: i64) -> String {
        totp(&self.seed, SystemClock.now() + TimeDelta::seconds(seconds))
    }
}
