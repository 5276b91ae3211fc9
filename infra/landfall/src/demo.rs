//! What a newcomer meets: an old provider with a user in it, an application, and the journey between them.

use std::sync::Arc;

use domain::{Client, Clock, ConnectorDocument, Entropy, JourneyDocument};
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
/// The demo application's only redirect URI. Nobody is sent there: the transcript redeems the code itself.
pub const REDIRECT_URI: &str = "https://demo.example/signed-in";
/// The demo application.
pub const CLIENT_ID: &str = "demo";
/// The simulated Keycloak's client secret. It opens nothing but the simulation.
pub const KEYCLOAK_SECRET: &str = "a-secret-of-the-demo";

/// A Keycloak with one user, who has not been brought ashore yet.
pub fn keycloak(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Keycloak {
    let client = KeycloakClient::confidential("landfall", KEYCLOAK_SECRET).direct_grants(true);
    let ada = User::new("ada").email(EMAIL, true).name("Ada", "Lovelace").password(PASSWORD);
    let grace = User::new("grace").email("grace@example.org", false).name("Grace", "Hopper").password(PASSWORD);
    Keycloak::new(clock, entropy)
        .relative_path(KEYCLOAK_PATH)
        .realm(Realm::new("demo").client(client).user(ada).user(grace))
}

/// The demo's connectors, for a server at `base`.
pub fn connectors(base: &str) -> Result<Vec<ConnectorDocument>, CommandError> {
    documents::connectors("demo/connectors.yaml", &include_str!("../demo/connectors.yaml").replace("{base}", base))
}

/// The journey that migrates users from a connector.
pub fn journey(connector: &ConnectorDocument) -> Result<JourneyDocument, CommandError> {
    let text = include_str!("../demo/journey.yaml").replace("{connector}", connector.id.as_str());
    documents::journey("demo/journey.yaml", &text)
}

/// The demo application, which may start `journeys`.
pub fn client(journeys: &[JourneyDocument]) -> Result<Client, CommandError> {
    let mut client: Client = documents::parse("demo/client.yaml", include_str!("../demo/client.yaml"))?;
    client.journeys = journeys.iter().map(|journey| journey.id.clone()).collect();
    Ok(client)
}
