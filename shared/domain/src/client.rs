//! Applications' registrations at our issuer.

use serde::{Deserialize, Serialize};

use crate::{ClientId, ConnectorId, JourneyId};

/// Who may use the journey API for a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectApi {
    /// Nobody: the client signs its users in by redirect.
    #[default]
    Off,
    /// Anybody who knows the client id: a browser or native application.
    Public,
    /// Whoever authenticates as the client: a backend.
    Confidential,
}

/// A client document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its `client_id`.
    pub id: ClientId,
    /// For people.
    pub name: String,
    /// Whether it is the company's own: only those may use the journey API.
    #[serde(default)]
    pub first_party: bool,
    /// Whether it may use the journey API.
    #[serde(default)]
    pub direct_api: DirectApi,
    /// The name of its own client secret, found at `clients/<name>` among the deployment's secrets. Who has one
    /// authenticates wherever a client may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The journeys it may start.
    #[serde(default)]
    pub journeys: Vec<JourneyId>,
    /// The connectors its users may choose from; absent: all that a journey offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connectors: Option<Vec<ConnectorId>>,
    /// Where its pages live, as browsers write it in `Origin`: `https://shop.example`. Compared exactly.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Where a signed-in user may be sent, compared exactly (RFC 9700 section 2.1). Text, not URLs: a parser would make
    /// different spellings equal.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
}

impl Client {
    /// Whether this client may start `journey` through the API, once it has authenticated if it has to.
    pub fn may_start(&self, journey: &JourneyId) -> bool {
        self.first_party && self.direct_api != DirectApi::Off && self.journeys.contains(journey)
    }

    /// Whether nobody may act for this client without its secret.
    pub fn is_confidential(&self) -> bool {
        self.secret.is_some() || self.direct_api == DirectApi::Confidential
    }

    /// Whether its users may choose `connector`.
    pub fn offers(&self, connector: &ConnectorId) -> bool {
        self.connectors.as_ref().is_none_or(|connectors| connectors.contains(connector))
    }

    /// Whether a page of this origin may call on its behalf; nobody says where a backend's or native application's lives.
    pub fn admits(&self, origin: Option<&str>) -> bool {
        origin.is_none_or(|origin| self.origins.iter().any(|listed| listed == origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_first_party_client_may_start_and_only_its_own_journeys() {
        let client = Client {
            id: "shop".parse().unwrap(),
            name: "Shop".into(),
            first_party: true,
            direct_api: DirectApi::Public,
            secret: None,
            journeys: vec!["login".parse().unwrap()],
            connectors: None,
            origins: vec!["https://shop.example".into()],
            redirect_uris: vec![],
        };
        let login = "login".parse().unwrap();
        assert!(client.may_start(&login));
        assert!(!client.may_start(&"admin".parse().unwrap()));
        assert!(!Client { first_party: false, ..client.clone() }.may_start(&login));
        assert!(!Client { direct_api: DirectApi::Off, ..client }.may_start(&login));
    }
}
