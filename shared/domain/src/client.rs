//! Applications' registrations at our issuer.

use serde::{Deserialize, Serialize};

use crate::{ClientId, JourneyId};

/// Who may use the journey API for a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectApi {
    /// Nobody: the client signs its users in by redirect.
    #[default]
    Off,
    /// Anybody who knows the client id: a browser or native application.
    Public,
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
    /// The journeys it may start.
    #[serde(default)]
    pub journeys: Vec<JourneyId>,
    /// Where a signed-in user may be sent, compared exactly (RFC 9700 section 2.1). Text, not URLs: a parser would make
    /// different spellings equal.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
}

impl Client {
    /// Whether this client may start `journey` through the API.
    pub fn may_start(&self, journey: &JourneyId) -> bool {
        self.first_party && self.direct_api == DirectApi::Public && self.journeys.contains(journey)
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
            journeys: vec!["login".parse().unwrap()],
            redirect_uris: vec![],
        };
        let login = "login".parse().unwrap();
        assert!(client.may_start(&login));
        assert!(!client.may_start(&"admin".parse().unwrap()));
        assert!(!Client { first_party: false, ..client.clone() }.may_start(&login));
        assert!(!Client { direct_api: DirectApi::Off, ..client }.may_start(&login));
    }
}
