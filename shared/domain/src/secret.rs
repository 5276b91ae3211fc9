//! Bearer secrets: session tokens, authorization codes, submit keys. Each has its own type, so that it cannot be
//! printed by accident. Only hashes are compared, so that the duration of a comparison reveals nothing about the value.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{ConnectorId, Entropy, SessionId};

/// SHA-256 of a secret of at least 128 random bits. Stored instead of the secret.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    fn of(secret: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
        Self(hash)
    }

    /// The hash as bytes, for storage.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A hash read back from storage; `None` unless it has 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// The hash, for storage and comparison.
            pub fn hash(&self) -> SecretHash {
                SecretHash::of(&self.0)
            }

            /// The value itself. Only for the answer to its owner or a key derivation; never store or log it.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

secret!(
    /// Gives access to one session (`Authorization: Bearer`). Rotated when a user is authenticated.
    SessionToken
);
secret!(
    /// The one-time code that an application redeems for tokens (RFC 6749 section 4.1.2). It starts with the session
    /// id, so that one conditional update of that session redeems it.
    AuthorizationCode
);
secret!(
    /// A random key that the client makes for each submit. A repeated submit gets the same answer only with the same
    /// key. In the second half of a redirect, `resume` is the key.
    SubmitKey
);
secret!(
    /// The `state` of a redirect (RFC 6749 section 4.1.1). It starts with the session id, so that the callback takes it
    /// with one conditional update of that session. At most 80 bytes, the limit of SAML's RelayState.
    CallbackState
);

secret!(
    /// The code of a user's request to delete data. It shows when the request was received, and to nobody else: the
    /// provider tells the user.
    ConfirmationCode
);

secret!(
    /// Gives access to the administrators' routes of `landfall serve`, until the server stops.
    AdminToken
);

impl AdminToken {
    /// A new token.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(entropy.bytes::<32>())))
    }

    /// A token that a caller presented.
    pub fn presented(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl ConfirmationCode {
    /// A code from key material: 128 bits in hexadecimal, which a person can copy.
    pub fn from_derived(material: &[u8; 32]) -> Self {
        let digits = material[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Self(Zeroizing::new(digits))
    }

    /// A code that a request presented.
    pub fn presented(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl SessionToken {
    /// The first token of a new session.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::from_derived(&entropy.bytes::<32>())
    }

    /// A token from key material.
    pub fn from_derived(material: &[u8; 32]) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(material)))
    }

    /// A token that a client presented.
    pub fn presented(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl AuthorizationCode {
    /// A code for `session` from key material.
    pub fn from_derived(session: &SessionId, material: &[u8; 32]) -> Self {
        Self(Zeroizing::new(format!("{session}.{}", URL_SAFE_NO_PAD.encode(material))))
    }

    /// A code that a client presented, with the session id in it; `None` if there is no valid session id.
    pub fn presented(text: &str) -> Option<(SessionId, Self)> {
        let (session, _) = text.split_once('.')?;
        Some((session.parse().ok()?, Self(Zeroizing::new(text.to_owned()))))
    }
}

impl CallbackState {
    /// A state for `session` from key material.
    pub fn from_derived(session: &SessionId, material: &[u8; 32]) -> Self {
        Self(Zeroizing::new(format!("{session}.{}", URL_SAFE_NO_PAD.encode(material))))
    }

    /// A state that a browser brought back, with the session id in it; `None` if there is no valid session id.
    pub fn presented(text: &str) -> Option<(SessionId, Self)> {
        let (session, _) = text.split_once('.')?;
        Some((session.parse().ok()?, Self(Zeroizing::new(text.to_owned()))))
    }

    /// The hash of a state for `connector`. At another connector's callback the hash does not match, which prevents a
    /// mix-up attack.
    pub fn hash_at(&self, connector: &ConnectorId) -> SecretHash {
        SecretHash::of(&format!("{connector} {}", *self.0))
    }
}

impl SubmitKey {
    /// The key of a redirect's second half (`resume`).
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::from_derived(&entropy.bytes::<32>())
    }

    /// A key from key material.
    pub fn from_derived(material: &[u8; 32]) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(material)))
    }
}

impl TryFrom<String> for SubmitKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        // 128 bits: hexadecimal has 4 bits per character, base64 has 6.
        let enough = if text.bytes().all(|byte| byte.is_ascii_hexdigit()) { 32 } else { 22 };
        let fits = (enough..=128).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=' | '+' | '/'));
        if fits { Ok(Self(Zeroizing::new(text))) } else { Err(InvalidKey) }
    }
}

/// A submit key is too short for 128 random bits, or is neither hexadecimal nor base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a submit key needs at least 128 random bits: 32 to 128 characters of hexadecimal, or 22 to 128 of base64")]
pub struct InvalidKey;

impl<'de> Deserialize<'de> for SubmitKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Serializes a token or code into the answer to its owner. The only place that does.
pub fn serialize_exposed<T: Exposed, S: Serializer>(secret: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(T::exposed).serialize(serializer)
}

/// Secrets that an answer returns to their owner.
pub trait Exposed {
    /// The value itself.
    fn exposed(&self) -> &str;
}

impl Exposed for SessionToken {
    fn exposed(&self) -> &str {
        self.expose()
    }
}

impl Exposed for AuthorizationCode {
    fn exposed(&self) -> &str {
        self.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    #[test]
    fn debug_prints_no_secret() {
        let token = SessionToken::generate(&SeededEntropy::new(1));
        let printed = format!("{token:?} {:?}", token.hash());
        assert_eq!(printed, "SessionToken SecretHash");
    }

    #[test]
    fn a_code_starts_with_its_session_id() {
        let session: SessionId = "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let code = AuthorizationCode::from_derived(&session, &[7; 32]);
        let (named, presented) = AuthorizationCode::presented(code.expose()).unwrap();
        assert_eq!(named, session);
        assert_eq!(presented.hash(), code.hash());
        for bad in ["", "ses_1.x", "no-dot"] {
            assert!(AuthorizationCode::presented(bad).is_none());
        }
    }

    #[test]
    fn a_submit_key_has_at_least_128_bits() {
        assert!(SubmitKey::try_from("0123456789abcdef0123456789abcde".to_owned()).is_err());
        assert!(SubmitKey::try_from("AAECAwQFBgcICQoLDA0ODw".to_owned()).is_ok());
        assert!(SubmitKey::try_from("AAECAwQFBgcICQoLDA0OD".to_owned()).is_err());
        assert!(SubmitKey::try_from("0123456789abcdef0123456789abcdef".to_owned()).is_ok());
        assert!(SubmitKey::try_from("0123456789abcdef0123456789abcde\n".to_owned()).is_err());
    }
}
