//! What a newcomer meets: an old provider with a user in it, an application, and the journey between them.

use std::sync::Arc;

use domain::{Client, Clock, ConnectorDocument, Entropy, JourneyDocument, Method};
use providers::Registry;
use serde::Serialize;
use simulators::Keycloak;
use simulators::keycloak::{Client as KeycloakClient, Realm, User};

use crate::documents;
use crate::error::CommandError;

/// Where the simulated Keycloak is served.
pub const KEYCLOAK_PATH: &str = "/demo/keycloak";
/// The demo user's e-mail.
pub const EMAIL: &str = "ada@example.org";
/// The demo user's password.
pub const PASSWORD: &str = "correct horse battery staple";
/// The redirect URI that the transcript names. Nobody is sent there: it redeems the code itself.
pub const REDIRECT_URI: &str = "https://demo.example/signed-in";
/// Somebody the demo's provider knows.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DemoUser {
    /// E-mail.
    pub email: &'static str,
    /// Password.
    pub password: &'static str,
}

/// Whom newcomers sign in as.
pub const USER: DemoUser = DemoUser { email: EMAIL, password: PASSWORD };

/// The demo application.
pub const CLIENT_ID: &str = "demo";
/// The simulated Keycloak's client secret. It opens nothing but the simulation.
pub const KEYCLOAK_SECRET: &str = "a-secret-of-the-demo";

/// A Keycloak with two users, who have not been brought ashore yet. It sends browsers back to `callback`.
pub fn keycloak(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, callback: &str) -> Keycloak {
    let client = KeycloakClient::confidential("landfall", KEYCLOAK_SECRET).direct_grants(true).redirect_uri(callback);
    let ada = User::new("ada").email(EMAIL, true).name("Ada", "Lovelace").password(PASSWORD);
    let grace = User::new("grace").email("grace@example.org", false).name("Grace", "Hopper").password(PASSWORD);
    Keycloak::new(clock, entropy)
        .relative_path(KEYCLOAK_PATH)
        .realm(Realm::new("demo").client(client).user(ada).user(grace))
}

/// The demo's connectors, for a server at `base`.
pub fn connectors(base: &str) -> Result<Vec<ConnectorDocument>, CommandError> {
    let text = include_str!("../demo/connectors.yaml").replace("{base}", base);
    documents::connectors(&Registry::default(), "demo/connectors.yaml", &text)
}

/// The journeys that bring users ashore from a connector: one for each of its methods.
pub fn journeys(connector: &ConnectorDocument) -> Result<Vec<JourneyDocument>, CommandError> {
    let journey = |method: &Method| {
        let sent = |channel: &str| include_str!("../demo/sent_code.yaml").replace("{channel}", channel);
        let (place, text) = match method {
            Method::Oidc => ("demo/redirect.yaml", include_str!("../demo/redirect.yaml").to_owned()),
            Method::Password => ("demo/password.yaml", include_str!("../demo/password.yaml").to_owned()),
            Method::EmailOtp => ("demo/sent_code.yaml", sent("email")),
            Method::SmsOtp => ("demo/sent_code.yaml", sent("sms")),
            Method::Totp => ("demo/app_code.yaml", include_str!("../demo/app_code.yaml").to_owned()),
        };
        documents::journey(place, &text.replace("{connector}", connector.id.as_str()))
    };
    connector.methods.keys().map(journey).collect()
}

/// The demo application, which may start `journeys` of a server at `base`.
pub fn client(base: &str, journeys: &[JourneyDocument]) -> Result<Client, CommandError> {
    let text = include_str!("../demo/client.yaml").replace("{base}", base);
    let mut client: Client = documents::parse("demo/client.yaml", &text)?;
    client.journeys = journeys.iter().map(|journey| journey.id.clone()).collect();
    Ok(client)
}
