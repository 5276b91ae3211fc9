//! All keys. Parts that come from outside are hashed (`domain::identity::hash_parts`), or are ids that cannot contain a
//! separator, so that no input can form another item's key.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::identity::IdentityKey;
use domain::{ClientId, ConnectorId, Identifier, JourneyId, NotificationId, SessionId, UserId};

/// The partition key's attribute, in every table.
pub const PK: &str = "pk";
/// The sort key's attribute, in every table.
pub const SK: &str = "sk";

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    pub(crate) fn attributes(&self) -> HashMap<String, AttributeValue> {
        [(PK, &self.pk), (SK, &self.sk)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.clone())))
            .collect()
    }
}

/// A connector document.
pub fn connector(id: &ConnectorId) -> Key {
    Key::new(CONNECTORS.into(), id.as_str())
}

/// A key under which no item exists.
pub(crate) fn absent() -> Key {
    Key::new("ABSENT".into(), "ABSENT")
}

/// All client documents.
pub(crate) const CLIENTS: &str = "CLIENT";
pub(crate) const CONNECTORS: &str = "CONNECTOR";

/// A client document.
pub fn client(id: &ClientId) -> Key {
    Key::new(CLIENTS.into(), id.as_str())
}

/// One version of a journey.
pub fn journey(id: &JourneyId, version: u32) -> Key {
    Key::new(format!("JOURNEY#{id}"), format!("V#{version}"))
}

/// The item that names a journey's live version.
pub fn journey_live(id: &JourneyId) -> Key {
    Key::new(format!("JOURNEY#{id}"), "LIVE")
}

/// A user.
pub fn user(id: &UserId) -> Key {
    Key::new(format!("USER#{id}"), "PROFILE")
}

/// A link.
pub fn link(key: &IdentityKey) -> Key {
    Key::new(format!("LINK#{}#{}", key.source(), key.hash()), "LINK")
}

/// An identifier's reservation.
pub fn identifier(identifier: &Identifier) -> Key {
    Key::new(format!("IDENTIFIER#{}#{}", identifier.kind.as_str(), identifier.hash()), "RESERVATION")
}

/// A notification of a provider.
pub fn notification(connector: &ConnectorId, id: &NotificationId) -> Key {
    Key::new(format!("NOTIFICATION#{connector}#{id}"), "STATE")
}

/// The counter of attempts for this hash of an account.
pub fn guesses(account: &str) -> Key {
    Key::new(format!("COUNT#guesses#{account}"), "STATE")
}

/// The prefix before a session id.
pub(crate) const SESSION: &str = "SESSION#";

/// A session.
pub fn session(id: &SessionId) -> Key {
    Key::new(format!("{SESSION}{id}"), "STATE")
}
