//! The demo's Keycloak by all of its methods, an authenticator app among them.

use domain::{Clock, Method};
use serde_json::json;
use simulators::Registration;
use simulators::keycloak::totp;

use crate::{Answer, ISSUER, Setup, TestApp, TestSession, changed, key};

/// What Ada's app was set up with. Grace has none.
pub const SEED: &str = "what the app of Ada was set up with";

/// The secret of the client that checks codes.
pub const APP_CODE_SECRET: &str = "a-secret-of-the-client-that-checks-codes";

impl Setup {
    /// Gives Ada an app, and the connector the client that checks its codes without a password, as the documentation of
    /// the provider says.
    pub fn take_app_codes(&mut self) {
        let methods = "password: {}, totp: { client: { id: landfall-otp, secret: keycloak-otp } } }";
        self.connectors = changed(&self.connectors, &[("password: {} }", methods)]);
        self.secrets.insert("keycloak-otp", APP_CODE_SECRET);
        let callback = providers::callback_url(ISSUER, &"keycloak".parse().unwrap());
        self.subject.register(Method::Totp, Registration::confidential("landfall-otp", APP_CODE_SECRET, &callback));
        self.keycloak().change_user("demo", "ada", |ada| ada.totp(SEED)).unwrap();
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
