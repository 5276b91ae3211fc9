//! Values that open something: session tokens, authorization codes, the keys of submits. Typed so that none can be
//! printed by accident, and compared by hash only, so that the time of a comparison tells nothing about the value.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{ConnectorId, Entropy, SessionId};

/// SHA-256 of a secret of at least 128 random bits: what is stored instead of it.
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
            /// What may be stored.
            pub fn hash(&self) -> SecretHash {
                SecretHash::of(&self.0)
            }

            /// The value itself: to be handed to its owner or fed to a derivation, never to be kept or logged.
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
    /// Opens one session for whoever started it (`Authorization: Bearer`). Rotates when somebody is authenticated.
    SessionToken
);
secret!(
    /// The one-time code an application redeems for tokens (RFC 6749 section 4.1.2). Starts with its session's id, so
    /// that redeeming it takes one conditional update of that session.
    AuthorizationCode
);
secret!(
    /// Made anew by the client for each submit: a repeat with the same key gets the same answer, and nobody else does. For
    /// the second half of a redirect, `resume` is the key.
    SubmitKey
);
secret!(
    /// `state` of a redirect (RFC 6749 section 4.1.1). Starts with its session's id, so that the callback takes it by one
    /// conditional update of that session. At most 80 bytes, as SAML's RelayState.
    CallbackState
);

secret!(
    /// Opens the administrators' routes of a server on one machine, as long as it runs.
    AdminToken
);

impl AdminToken {
    /// A new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(entropy.bytes::<32>())))
    }

    /// One as a caller presented it.
    pub fn presented(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl SessionToken {
    /// The token a new session starts with.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::from_derived(&entropy.bytes::<32>())
    }

    /// A token from key material.
    pub fn from_derived(material: &[u8; 32]) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(material)))
    }

    /// A token as a client presented it.
    pub fn presented(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl AuthorizationCode {
    /// A code for `session` from key material.
    pub fn from_derived(session: &SessionId, material: &[u8; 32]) -> Self {
        Self(Zeroizing::new(format!("{session}.{}", URL_SAFE_NO_PAD.encode(material))))
    }

    /// A code as a client presented it, with the session it names; `None` if it names none.
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

    /// A state as a browser brought it back, with the session it names; `None` if it names none.
    pub fn presented(text: &str) -> Option<(SessionId, Self)> {
        let (session, _) = text.split_once('.')?;
        Some((session.parse().ok()?, Self(Zeroizing::new(text.to_owned()))))
    }

    /// What may be stored of a state that went out to `connector`: at another's callback it is nobody's.
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
        // Hexadecimal holds 4 bits a character, base64 6.
        let enough = if text.bytes().all(|byte| byte.is_ascii_hexdigit()) { 32 } else { 22 };
        let fits = (enough..=128).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=' | '+' | '/'));
        if fits { Ok(Self(Zeroizing::new(text))) } else { Err(InvalidKey) }
    }
}

/// A submit's key is too short to hold 128 random bits, or no hexadecimal or base64 text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a submit's key is 128 random bits or more, as 32 to 128 characters of hexadecimal or 22 to 128 of base64")]
pub struct InvalidKey;

impl<'de> Deserialize<'de> for SubmitKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The one way a token or code leaves: in the answer to its owner.
pub fn serialize_exposed<T: Exposed, S: Serializer>(secret: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(T::exposed).serialize(serializer)
}

/// Secrets that are handed to their owner in an answer.
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
    fn nothing_secret_is_printed() {
        let token = SessionToken::generate(&SeededEntropy::new(1));
        let printed = format!("{token:?} {:?}", token.hash());
        assert_eq!(printed, "SessionToken SecretHash");
    }

    #[test]
    fn a_code_names_its_session() {
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
    fn a_submit_key_is_long_enough_to_be_unguessable() {
        assert!(SubmitKey::try_from("0123456789abcdef0123456789abcde".to_owned()).is_err());
        assert!(SubmitKey::try_from("AAECAwQFBgcICQoLDA0ODw".to_owned()).is_ok());
        assert!(SubmitKey::try_from("AAECAwQFBgcICQoLDA0OD".to_owned()).is_err());
        assert!(SubmitKey::try_from("0123456789abcdef0123456789abcdef".to_owned()).is_ok());
        assert!(SubmitKey::try_from("0123456789abcdef0123456789abcde\n".to_owned()).is_err());
    }
}
