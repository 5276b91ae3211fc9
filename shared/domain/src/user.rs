//! The company's directory: users, links to their accounts at providers, and identifiers that at most one user may
//! have.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::identity::{IdentityKey, hash_parts};
use crate::{Claims, ConnectorId, Notices, ProviderKind, UserId, email};

/// A user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The permanent id in this directory.
    pub id: UserId,
    /// The `sub` in tokens: the id, unless the user was imported.
    pub subject: String,
    /// Increased with each change of links, credentials or status. Each change is conditional on it.
    pub version: u32,
    /// The user's claims.
    pub claims: Claims,
    /// Attributes that journeys have stored.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub attributes: serde_json::Map<String, Value>,
    /// The user's accounts at providers.
    pub links: Vec<UserLink>,
    /// When the user was created.
    pub created_at: DateTime<Utc>,
}

/// A link in the user's item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLink {
    /// The account.
    pub key: IdentityKey,
    /// The connector that first saw the account.
    pub connector: ConnectorId,
    /// The kind of provider.
    pub provider: ProviderKind,
    /// When the link was created.
    pub linked_at: DateTime<Utc>,
}

/// Whether a link may be used to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkStatus {
    /// It may be used.
    Active,
    /// The user is disabled.
    Disabled,
}

/// Maps an account at a provider to a user. Read at every login, so it also holds the user data that a login needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The account.
    pub key: IdentityKey,
    /// The user.
    pub user: UserId,
    /// The user's `sub` in tokens.
    pub subject: String,
    /// Whether it may be used to sign in.
    pub status: LinkStatus,
    /// The user's claims for tokens.
    pub claims: Claims,
    /// What the provider has told of the account.
    #[serde(default, skip_serializing_if = "Notices::is_empty")]
    pub notices: Notices,
}

impl Link {
    /// Whether the user may go on with a login that the provider confirmed at `confirmed`; `None` if that is not known.
    pub fn admits(&self, confirmed: Option<DateTime<Utc>>) -> bool {
        self.status == LinkStatus::Active && !confirmed.is_some_and(|confirmed| self.notices.have_ended(confirmed))
    }
}

/// An identifier that at most one user may have.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identifier {
    /// The kind.
    pub kind: IdentifierKind,
    /// The normalized value: see [`Identifier::email`].
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
    /// A normalized e-mail address; `None` if the text is not a single address ([`email::is_address`]).
    pub fn email(address: &str) -> Option<Self> {
        email::is_address(address).then(|| Self { kind: IdentifierKind::Email, value: email::normalize(address) })
    }

    /// The hash of the value, for a storage key.
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
    /// The name in a storage key.
    pub fn as_str(self) -> &'static str {
        match self {
            IdentifierKind::Email => "email",
        }
    }
}
