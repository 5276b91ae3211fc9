//! The company's own directory: users, the links that say which outside accounts are theirs, and the identifiers that
//! are reserved for one user only.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::identity::{IdentityKey, hash_parts};
use crate::{Claims, ConnectorId, ProviderKind, UserId, email};

/// A user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Ours, for ever.
    pub id: UserId,
    /// What tokens call them: the id unless it was imported.
    pub subject: String,
    /// Grows with each change of links, credentials or status; changes are conditional on it.
    pub version: u32,
    /// What is known about them.
    pub claims: Claims,
    /// What journeys noted about them.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub attributes: serde_json::Map<String, Value>,
    /// The outside accounts that are theirs.
    pub links: Vec<UserLink>,
    /// When they were created.
    pub created_at: DateTime<Utc>,
}

/// A link as the user's own item lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLink {
    /// Which account.
    pub key: IdentityKey,
    /// Through which connector it was first seen.
    pub connector: ConnectorId,
    /// Of which kind.
    pub provider: ProviderKind,
    /// When.
    pub linked_at: DateTime<Utc>,
}

/// Whether a link still lets its user in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkStatus {
    /// It does.
    Active,
    /// Its user is disabled.
    Disabled,
}

/// Says whose an outside account is. Read at every login, so it holds what a login needs of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Which account.
    pub key: IdentityKey,
    /// Whose.
    pub user: UserId,
    /// What tokens call them.
    pub subject: String,
    /// Whether it still lets them in.
    pub status: LinkStatus,
    /// What tokens may say of them.
    pub claims: Claims,
}

/// Something at most one user may have.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identifier {
    /// What it is.
    pub kind: IdentifierKind,
    /// Normalised: [`Identifier::email`].
    pub value: String,
}

/// Kinds of identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierKind {
    /// A verified e-mail address.
    Email,
}

impl Identifier {
    /// An e-mail address, normalised; `None` for what is no single address ([`email::is_address`]).
    pub fn email(address: &str) -> Option<Self> {
        email::is_address(address).then(|| Self { kind: IdentifierKind::Email, value: email::normalize(address) })
    }

    /// The value, hashed, for a key.
    pub fn hash(&self) -> String {
        hash_parts(&[&self.value])
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("version", &self.version).finish_non_exhaustive()
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identifier").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl IdentifierKind {
    /// As it stands in a key.
    pub fn as_str(self) -> &'static str {
        match self {
            IdentifierKind::Email => "email",
        }
    }
}
