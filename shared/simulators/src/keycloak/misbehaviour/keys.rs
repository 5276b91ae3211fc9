//! Key sets nobody should verify with.

use serde_json::{Value, json};

use super::Misbehaviour;
use crate::signer::ShortKey;

/// A key that must not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadKey {
    /// RSA of 512 bits, which anybody can factor. [`Misbehaviour::ShortKeySignature`] signs with it.
    Short,
    /// A point that is not on its curve.
    OffCurve,
    /// The realm's own RSA key, said to be an elliptic-curve one.
    WrongType,
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
    pub(in crate::keycloak) fn spoil_keys(&self, keys: &mut Vec<Value>) {
        let Self::BadKey(kind, published) = self else { return };
        let Some(right) = keys.iter().find(|key| key["use"] == "sig").cloned() else { return };
        let mut bad = kind.jwk(right.clone());
        match published {
            Published::Beside => bad["kid"] = json!("beside"),
            Published::Instead => {
                bad["kid"] = right["kid"].clone();
                keys.retain(|key| key["use"] != "sig");
            }
        }
        keys.insert(0, bad);
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
