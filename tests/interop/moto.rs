//! moto's Cognito on loopback: an emulator, which others have written from AWS's documentation.
//!
//! It answers `USER_PASSWORD_AUTH`, `NEW_PASSWORD_REQUIRED` and `SOFTWARE_TOKEN_MFA`, publishes a discovery document without
//! endpoints, as a pool without a domain, and signs with a key that it publishes. It verifies `SECRET_HASH` in the code of a second
//! factor only, tells unknown users (`PreventUserExistenceErrors` has no effect), and does not know `USER_AUTH`.
//!
//! Needs Python 3 with `venv` on the PATH. It is installed once into `target/interop`; its log is there too, one file per start.

use std::sync::OnceLock;
use std::time::Duration;

use aws::SystemClock;
use domain::Clock;
use landfall_tests::TestApp;
use serde_json::{Value, json};
use simulators::keycloak::totp;

use crate::landfall::landfall_with;
use crate::server::{self, Server};
use crate::wire;

const REGION: &str = "us-east-1";
const START_LIMIT: Duration = Duration::from_secs(60);

/// The seed of every authenticator app.
const SEED: &str = "1234567890";
pub(crate) const PASSWORD: &str = "Correct horse, battery 9";

/// A running server. Ends when dropped.
pub(crate) struct Moto(Server);

impl Moto {
    /// The server for all tests. The first call installs it if needed, and starts it.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Moto> = OnceLock::new();
        SHARED.get_or_init(|| {
            let _lock = server::lock("moto");
            let home = server::install("install-moto.sh");
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/moto/server.py");
            let mut command = server::supervised(&home.join("bin/python"));
            command.arg(script);
            let advice = format!("Removing {} installs it anew.", home.display());
            Self(Server::start("moto", command, START_LIMIT, &advice))
        })
    }

    fn url(&self) -> String {
        format!("http://{}/", self.0.address())
    }
}

/// A user pool of one test, whose users sign in by e-mail, and its app client.
pub(crate) struct Pool {
    url: String,
    id: String,
    client: String,
    pub(crate) secret: &'static str,
}

impl Pool {
    pub(crate) async fn new() -> Self {
        let url = Moto::shared().url();
        let made = call(&url, "CreateUserPool", json!({ "PoolName": "people", "UsernameAttributes": ["email"] })).await;
        let id = text(&made["UserPool"]["Id"]);
        let flows = ["ALLOW_USER_PASSWORD_AUTH"];
        let client = json!({
            "UserPoolId": id, "ClientName": "landfall", "GenerateSecret": true, "ExplicitAuthFlows": flows,
        });
        let made = call(&url, "CreateUserPoolClient", client).await;
        let (client, secret) = (&made["UserPoolClient"]["ClientId"], &made["UserPoolClient"]["ClientSecret"]);
        Self { url, id, client: text(client), secret: String::leak(text(secret)) }
    }

    /// A user with [`PASSWORD`], which they have to change if it is `temporary`.
    pub(crate) async fn user(&self, email: &str, temporary: bool) {
        let attributes = json!([{ "Name": "email", "Value": email }, { "Name": "email_verified", "Value": "true" }]);
        let user = json!({ "UserPoolId": self.id, "Username": email, "TemporaryPassword": PASSWORD, "UserAttributes": attributes });
        self.call("AdminCreateUser", user).await;
        if !temporary {
            let password = json!({ "UserPoolId": self.id, "Username": email, "Password": PASSWORD, "Permanent": true });
            self.call("AdminSetUserPassword", password).await;
        }
    }

    /// Sets up an authenticator app for a user.
    pub(crate) async fn app(&self, email: &str) {
        let parameters = json!({ "USERNAME": email, "PASSWORD": PASSWORD });
        let login = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": self.client, "AuthParameters": parameters });
        let token = self.call("InitiateAuth", login).await["AuthenticationResult"]["AccessToken"].clone();
        self.call("AssociateSoftwareToken", json!({ "AccessToken": token })).await;
        self.call("VerifySoftwareToken", json!({ "AccessToken": token, "UserCode": shown() })).await;
        let app = json!({ "Enabled": true, "PreferredMfa": true });
        self.call("SetUserMFAPreference", json!({ "AccessToken": token, "SoftwareTokenMfaSettings": app })).await;
    }

    pub(crate) async fn disable(&self, email: &str) {
        self.call("AdminDisableUser", json!({ "UserPoolId": self.id, "Username": email })).await;
    }

    async fn call(&self, operation: &str, body: Value) -> Value {
        call(&self.url, operation, body).await
    }

    /// A Landfall with a connector to the pool, whose secret is `secret`.
    pub(crate) async fn landfall(&self, secret: &'static str, journeys: &[&str]) -> TestApp {
        let Self { url, id, client, .. } = self;
        let document = format!(
            r#"
  - id: pool
    provider: cognito
    name: A user pool
    client: {{ id: "{client}", secret: of-the-client }}
    methods: {{ password: {{}} }}
    settings:
      region: {REGION}
      user_pool_id: {id}
      api_endpoint: "{url}"
      discovery_endpoint: "{url}{id}/.well-known/openid-configuration"
"#
        );
        landfall_with(&document, secret, journeys).await
    }
}

/// What every authenticator app shows now.
pub(crate) fn shown() -> String {
    totp(SEED, SystemClock.now())
}

async fn call(url: &str, operation: &str, body: Value) -> Value {
    let target = format!("AWSCognitoIdentityProviderService.{operation}");
    let (status, answer) = wire::call_aws(url, REGION, &target, &body).await;
    assert_eq!(status, 200, "{operation}: {answer}");
    answer
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
