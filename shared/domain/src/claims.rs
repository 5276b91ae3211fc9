//! Claims that providers make about users: those that are copied to the directory, and all others within bounds.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::email;

/// Claims about a user, by their OpenID Connect names (OIDC Core 5.1). Personal data: never log the values.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claims(BTreeMap<String, Value>);

/// All claims about a user but those of the protocol, unchanged: for mappings, which may name a provider's own claims.
/// Personal data: never log names or values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawClaims(Map<String, Value>);

/// The claims of a provider about a user, read.
#[derive(Debug, Default)]
pub struct ReadClaims {
    /// Those that are copied to the directory.
    pub claims: Claims,
    /// All, within bounds.
    pub raw: RawClaims,
    /// Those that were dropped.
    pub left_out: LeftOut,
}

/// Claims that were dropped.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Claims of the standard, and `groups`, by name: they have the wrong type or form (OIDC Core 5.1), or are too large.
    pub known: Vec<&'static str>,
    /// The number of other claims, which were too large. Their names may hold anything, so they are only counted.
    pub others: usize,
}

/// The type of a claim.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Email,
    Url,
    Flag,
    Time,
    Address,
}

/// The claims that are copied from a provider to the directory, each with the scope that releases it to an application
/// (OIDC Core 5.1 and 5.4). If there is not room for all, the first ones are kept.
const CARRIED: &[(&str, &str, Type)] = &[
    ("email", "email", Type::Email),
    ("email_verified", "email", Type::Flag),
    ("phone_number", "phone", Type::Text),
    ("phone_number_verified", "phone", Type::Flag),
    ("name", "profile", Type::Text),
    ("given_name", "profile", Type::Text),
    ("family_name", "profile", Type::Text),
    ("middle_name", "profile", Type::Text),
    ("nickname", "profile", Type::Text),
    ("preferred_username", "profile", Type::Text),
    ("profile", "profile", Type::Url),
    ("picture", "profile", Type::Url),
    ("website", "profile", Type::Url),
    ("gender", "profile", Type::Text),
    ("birthdate", "profile", Type::Text),
    ("zoneinfo", "profile", Type::Text),
    ("locale", "profile", Type::Text),
    ("updated_at", "profile", Type::Time),
    ("address", "address", Type::Address),
];

/// Claims and their `_verified` flags. A flag is valid only for the value in the same document.
pub const FLAGGED: &[(&str, &str)] = &[("email", "email_verified"), ("phone_number", "phone_number_verified")];

/// The members of an address (OIDC Core 5.1.1).
const ADDRESS: &[&str] = &["formatted", "street_address", "locality", "region", "postal_code", "country"];

/// Claims about the token or the session, not about the user (RFC 7519 section 4.1, OIDC Core 2, 3.3.2.11 and 5.6.2,
/// Front-Channel Logout 1.0 section 3). A claim source may have an access token in it.
const PROTOCOL: &[&str] = &[
    "iss",
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "_claim_names",
    "_claim_sources",
];

/// The user's groups, if they are a list of texts.
const GROUPS: &str = "groups";

/// The largest claim, in bytes of JSON.
const MAX_CLAIM: usize = 1024;
/// The largest list of groups, in bytes of JSON.
const MAX_GROUPS: usize = 4 * 1024;
/// The most of all claims with their names, in bytes of JSON. Very large claims would make the user's item too large to store.
const MAX_ALL: usize = 8 * 1024;

impl Type {
    /// The claim, if it has this type. Some applications would accept the text "true" in our ID token as verified.
    fn read(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Type::Flag, Value::Bool(_)) | (Type::Text, Value::String(_)) => Some(value.clone()),
            (Type::Email, Value::String(text)) => email::is_address(text).then(|| value.clone()),
            // Applications put it into pages, where a `javascript:` URL would run.
            (Type::Url, Value::String(text)) => is_web_address(text).then(|| value.clone()),
            // Numbers that a double holds exactly, and DynamoDB can store.
            (Type::Time, Value::Number(seconds)) => seconds
                .as_f64()
                .is_some_and(|seconds| (0.0..9_007_199_254_740_992.0).contains(&seconds))
                .then(|| value.clone()),
            (Type::Address, Value::Object(members)) => address(members),
            _ => None,
        }
    }
}

fn is_web_address(text: &str) -> bool {
    let has_scheme = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    has_scheme && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// The standard's members of an address, if there is one and all are texts.
fn address(members: &Map<String, Value>) -> Option<Value> {
    let named = ADDRESS.iter().filter_map(|name| Some((*name, members.get(*name).filter(|value| !value.is_null())?)));
    let texts: Option<Map<String, Value>> =
        named.map(|(name, value)| value.is_string().then(|| (name.to_owned(), value.clone()))).collect();
    texts.filter(|texts| !texts.is_empty()).map(Value::Object)
}

impl ReadClaims {
    /// Reads all claims. Each is checked separately: an invalid claim is dropped, the others stay.
    pub fn of(all: &Map<String, Value>) -> Self {
        let (mut said, mut room) = (Self::default(), MAX_ALL);
        for (name, _, kind) in CARRIED {
            let Some(value) = all.get(*name).filter(|value| !value.is_null()) else { continue };
            if !said.raw.keep(name, value, &mut room) {
                said.left_out.known.push(name);
                continue;
            }
            match kind.read(value) {
                Some(value) => {
                    said.claims.0.insert((*name).to_owned(), value);
                }
                None => said.left_out.known.push(name),
            }
        }
        for (name, value) in all {
            let is_done = value.is_null() || PROTOCOL.contains(&name.as_str()) || is_carried(name);
            if !is_done && !said.raw.keep(name, value, &mut room) {
                match name.as_str() {
                    GROUPS => said.left_out.known.push(GROUPS),
                    _ => said.left_out.others += 1,
                }
            }
        }
        for (value, flag) in FLAGGED {
            if !said.claims.0.contains_key(*value) {
                said.claims.0.remove(*flag);
            }
        }
        said
    }
}

fn is_carried(name: &str) -> bool {
    CARRIED.iter().any(|(carried, ..)| *carried == name)
}

impl LeftOut {
    /// The number of claims.
    pub fn len(&self) -> usize {
        self.known.len() + self.others
    }

    /// Whether there are no claims.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl RawClaims {
    /// The value of a claim.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether there are no claims.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a claim, if there is room for it.
    fn keep(&mut self, name: &str, value: &Value, room: &mut usize) -> bool {
        let is_groups = name == GROUPS && value.as_array().is_some_and(|groups| groups.iter().all(Value::is_string));
        let most = if is_groups { MAX_GROUPS } else { MAX_CLAIM };
        let left = size(value, most).and_then(|size| room.checked_sub(size + name.len()));
        if let Some(left) = left {
            *room = left;
            self.0.insert(name.to_owned(), value.clone());
        }
        left.is_some()
    }
}

/// The bytes of a value as JSON; `None` if more than `most`, which is found without writing the whole value.
fn size(value: &Value, most: usize) -> Option<usize> {
    struct Counted {
        size: usize,
        most: usize,
    }

    impl io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.size += bytes.len();
            if self.size > self.most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.len()) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut counted = Counted { size: 0, most };
    serde_json::to_writer(&mut counted, value).ok().map(|()| counted.size)
}

impl Claims {
    /// Selects the claims that are copied.
    pub fn mapped(all: &Map<String, Value>) -> Self {
        ReadClaims::of(all).claims
    }

    /// Whether this scope releases claims.
    pub fn is_scope(scope: &str) -> bool {
        CARRIED.iter().any(|(_, releases, _)| *releases == scope)
    }

    /// The claims that these scopes release to an application.
    pub fn released_by<'a>(&self, scopes: impl Iterator<Item = &'a str> + Clone) -> Self {
        let released = |name: &str| {
            CARRIED.iter().any(|(carried, scope, _)| *carried == name && scopes.clone().any(|s| s == *scope))
        };
        let released = self.0.iter().filter(|(name, _)| released(name));
        Self(released.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The value of a text claim.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The e-mail address, if the provider has verified it: `email_verified` must be the boolean `true`.
    pub fn verified_email(&self) -> Option<&str> {
        self.text("email").filter(|_| self.0.get("email_verified") == Some(&Value::Bool(true)))
    }

    /// Whether there are no claims.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl fmt::Debug for RawClaims {
    // A name may hold anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawClaims({})", self.0.len())
    }
}

#[cfg(test)]
mod tests;
