//! Ids. Each is validated once, when it is parsed; the types guarantee that it is valid.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::identity::hash_parts;
use crate::{ConfirmationCode, Entropy};

/// The text is not an id of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {kind}: {rule}")]
pub struct InvalidId {
    kind: &'static str,
    rule: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:expr, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.to_owned())) } else { Err(InvalidId { kind: $kind, rule: $rule }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! generated {
    ($name:ident, $prefix:literal) => {
        impl $name {
            /// A new id, sortable by creation time (ULID).
            pub fn generate(now: DateTime<Utc>, entropy: &dyn Entropy) -> Self {
                Self(format!(concat!($prefix, "{}"), ulid(now, entropy)))
            }
        }
    };
}

impl Source {
    /// The default pool of accounts for an issuer key. It is the same for every connector to that issuer, so a
    /// connector may be renamed or exist twice without making duplicate users.
    pub fn of_issuer(key: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, key.as_bytes());
        Self(hash.as_ref()[..10].iter().fold("issuer-".to_owned(), |name, byte| format!("{name}{byte:02x}")))
    }

    /// A pool of accounts that belongs to one connector only.
    pub fn of_connector(id: &ConnectorId) -> Self {
        Self(id.to_string())
    }
}

fn ulid(now: DateTime<Utc>, entropy: &dyn Entropy) -> Ulid {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
    Ulid::from_parts(millis, u128::from_be_bytes(entropy.bytes::<16>()))
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn is_prefixed_ulid(text: &str, prefix: &str) -> bool {
    // `Ulid::from_string` also accepts lower case. One spelling per id keeps keys canonical.
    text.strip_prefix(prefix).is_some_and(|rest| Ulid::from_string(rest).is_ok_and(|ulid| ulid.to_string() == rest))
}

/// The rule for names of connectors, clients and journeys, for error messages.
pub const NAME_RULE: &str = "1 to 64 letters, digits, '-', '_' or '.', starting with a letter or digit";
/// The rule for names of steps, slots, parameters and fields, for error messages.
pub const WORD_RULE: &str = "1 to 64 lower-case letters, digits or '_', starting with a letter";

id!(/// A configured identity provider.
    ConnectorId, "connector id", NAME_RULE, is_name);
id!(/// The pool of accounts behind a connector.
    Source, "source", NAME_RULE, is_name);
id!(/// The kind of an identity provider: its name in the registry, such as `keycloak`.
    ProviderKind, "provider", WORD_RULE, is_word);
id!(/// An application's registration at our issuer (RFC 6749 section 2.2).
    ClientId, "client id", NAME_RULE, is_name);
id!(/// A journey.
    JourneyId, "journey id", NAME_RULE, is_name);
id!(/// A step of one journey.
    StepId, "step id", WORD_RULE, is_word);
id!(/// The name under which a step stores an external identity (`as:`). Expressions cannot write to it.
    Slot, "slot", WORD_RULE, is_word);
id!(/// One run of a journey.
    SessionId, "session id", "'ses_' and a ULID", |text| is_prefixed_ulid(text, "ses_"));
id!(/// A user of the company's own directory.
    UserId, "user id", "'usr_' and a ULID", |text| is_prefixed_ulid(text, "usr_"));
id!(/// A notification of a provider: a hash of what tells it from others of the connector, so that a copy has the same.
    NotificationId, "notification id", "43 characters of base64url",
    |text| text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
id!(/// One request, for logs and error answers.
    RequestId, "request id", "1 to 128 visible ASCII characters",
    |text| (1..=128).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic()));

generated!(SessionId, "ses_");
generated!(UserId, "usr_");
generated!(RequestId, "req_");

impl NotificationId {
    /// From what tells the notification from others.
    pub fn of(parts: &[&str]) -> Self {
        Self(hash_parts(parts))
    }

    /// Of the one that a user can ask about by this code, which is stored nowhere.
    pub fn confirmed_by(code: &ConfirmationCode) -> Self {
        Self::of(&["confirmed by", code.expose()])
    }
}

impl SessionId {
    /// When it was generated, to the millisecond.
    pub fn generated_at(&self) -> DateTime<Utc> {
        let ulid = self.0.strip_prefix("ses_").and_then(|rest| Ulid::from_string(rest).ok());
        let millis = ulid.and_then(|ulid| i64::try_from(ulid.timestamp_ms()).ok());
        millis.and_then(DateTime::from_timestamp_millis).unwrap_or_default()
    }
}

/// Whether `text` may name a field or parameter: [`WORD_RULE`].
pub fn is_field_name(text: &str) -> bool {
    is_word(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    #[test]
    fn invalid_ids_are_refused() {
        for bad in ["", "a b", "-a", "a/b", "a#b", &"a".repeat(65)] {
            assert!(bad.parse::<ConnectorId>().is_err(), "{bad}");
        }
        for bad in ["", "Ask", "1a", "a-b"] {
            assert!(bad.parse::<StepId>().is_err(), "{bad}");
        }
        for bad in ["ses_", "ses_01", "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV", "ses_01arz3ndektsv4rrffq69g5fav"] {
            assert!(bad.parse::<SessionId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn generated_ids_are_valid() {
        let now = "2026-01-02T03:04:05.678Z".parse().unwrap();
        assert_eq!(SessionId::generate(now, &SeededEntropy::new(1)).generated_at(), now);
        let id = SessionId::generate(DateTime::UNIX_EPOCH, &SeededEntropy::new(1));
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
    }
}
