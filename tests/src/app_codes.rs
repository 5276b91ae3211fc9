//! The demo's Keycloak by all of its methods, for whoever has an authenticator app.

use domain::Clock;
use serde_json::json;
use simulators::keycloak::{Client, DirectGrantFlow, Requirement, totp};

use crate::{Answer, Setup, TestApp, TestSession, changed, key};

/// What Ada's app was set up with. Grace has none.
pub const SEED: &str = "what the app of Ada was set up with";

const SECRET: &str = "a-secret-of-the-client-that-checks-codes";

impl Setup {
    /// Gives Ada an app, and the connector the client that checks its codes without a password, as the documentation of
    /// the provider says.
    pub fn take_app_codes(&mut self) {
        let methods = "password: {}, totp: { client: { id: landfall-otp, secret: keycloak-otp } } }";
        self.connectors = changed(&self.connectors, &[("password: {} }", methods)]);
        self.secrets.insert("keycloak-otp", SECRET);
        let flow = DirectGrantFlow::username_otp(Requirement::Required).otp_reference("otp");
        let client = Client::confidential("landfall-otp", SECRET).direct_grants(true);
        let client = client.direct_grant_flow(flow).amr_mapper(true);
        self.keycloak.change_realm("demo", |realm| realm.client(client)).unwrap();
        self.keycloak.change_user("demo", "ada", |ada| ada.totp(SEED)).unwrap();
    }
}

impl TestApp {
    /// The demo with Ada's app.
    pub async fn with_app_codes() -> Self {
        Self::with(Setup::take_app_codes).await
    }

    /// What Ada's app shows now.
    pub fn app_code(&self) -> String {
        totp(SEED, self.clock.now())
    }
}

impl TestSession {
    /// Submits the form of the step `ask` that wants a name and a code, with a key for this turn.
    pub async fn submit_app_code(&self, app: &TestApp, email: &str, code: &str) -> Answer {
        let number = u32::try_from(self.turn).unwrap();
        self.submit(app, &key(number), &json!({ "email": email, "code": code })).await
    }
}
