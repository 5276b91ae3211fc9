//! Odd key sets, and keys that must not be used.

use serde_json::{Value, json};

use super::Misbehaviour;
use crate::core::signer::{Algorithm, ShortKey, SigningKey};

/// A key that must not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadKey {
    /// RSA of 512 bits, which anyone can factor. [`Misbehaviour::ShortKeySignature`] signs with it.
    Short,
    /// A point that is not on its curve.
    OffCurve,
    /// The realm's own RSA key, said to be an elliptic-curve one.
    WrongType,
}

/// A way to publish the right keys that is known to break other relying parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySet {
    /// The key that signs is there twice, under one `kid`.
    Twice,
    /// No key has a `kid` or an `alg`, and members that decide nothing are of odd types.
    Unnamed,
    /// No key has a `kid`, and before the key that signs there is another one of its kind.
    TwoUnnamed,
    /// Before the key that signs there are two others under the same `kid`: one of its kind and one of another.
    Ambiguous,
    /// Only keys that verify no signature: one for encryption, a secret one, one of an unknown type, and the one that
    /// signs, for other algorithms.
    Unusable,
}

/// Where a bad key is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// As the first of the key set, under a name of its own; the right keys are there too.
    Beside,
    /// In place of every right signing key, under the name of the one that signs.
    Instead,
}

impl Misbehaviour {
    /// Changes a key set.
    pub(crate) fn spoil_keys(&self, keys: &mut Vec<Value>) {
        let Some(right) = keys.iter().position(|key| key["use"] == "sig") else { return };
        match self {
            Self::BadKey(kind, published) => {
                let mut bad = kind.jwk(keys[right].clone());
                match published {
                    Published::Beside => bad["kid"] = json!("beside"),
                    Published::Instead => {
                        bad["kid"] = keys[right]["kid"].clone();
                        keys.retain(|key| key["use"] != "sig");
                    }
                }
                keys.insert(0, bad);
            }
            Self::KeySet(kind) => kind.publish(keys, right),
            _ => {}
        }
    }
}

impl KeySet {
    fn publish(self, keys: &mut Vec<Value>, right: usize) {
        match self {
            Self::Twice => keys.push(keys[right].clone()),
            Self::Unnamed => {}
            Self::TwoUnnamed | Self::Ambiguous => {
                let algorithm = Algorithm::ALL.into_iter().find(|known| keys[right]["alg"] == known.name());
                let same = SigningKey::generation("another", 1, algorithm.unwrap_or_default());
                let other = (self == Self::Ambiguous).then(|| SigningKey::generation("another", 1, Algorithm::Ed25519));
                let name = keys[right]["kid"].as_str().unwrap_or_default().to_owned();
                let beside = std::iter::once(same).chain(other).filter_map(|key| key.named(&name).jwk().ok());
                keys.splice(right..right, beside);
            }
            Self::Unusable => {
                let right = keys[right].clone();
                keys.retain(|key| key["use"] == "enc");
                keys.push(json!({ "kid": "secret", "kty": "oct", "k": "c2VjcmV0" }));
                keys.push(json!({ "kid": "new", "kty": "NEW", "use": "sig", "alg": "NEW256" }));
                for algorithm in ["RSA-OAEP", "NEW256"] {
                    keys.push(right.clone());
                    if let Some(key) = keys.last_mut() {
                        key["alg"] = json!(algorithm);
                    }
                }
            }
        }
        if matches!(self, Self::Unnamed | Self::TwoUnnamed) {
            for key in keys.iter_mut().filter_map(Value::as_object_mut) {
                key.retain(|name, _| !matches!(name.as_str(), "kid" | "alg"));
                key.extend([("x5c", json!(1)), ("key_ops", json!("verify"))].map(|(name, odd)| (name.to_owned(), odd)));
            }
        }
    }
}

impl BadKey {
    fn jwk(self, mut right: Value) -> Value {
        match self {
            Self::Short => ShortKey::jwk("short"),
            // The x of a point on P-256, and the y of none.
            Self::OffCurve => json!({
                "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
                "x": "Lo7SS1CwRBUlzmvUTN0W43Cp2MhUJVFZXSuYG66v4Y0",
                "y": "5wFQJa2pU2yFBRBwMtmowgJ643Zkv4EzNYXwIly8Uf4",
            }),
            Self::WrongType => {
                right["kty"] = json!("EC");
                right
            }
        }
    }
}
