//! Signed tokens before they are trusted (RFC 7515): what is read of one, and which signatures count.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::json::{self, JsonError};
use openidconnect::core::CoreJwsSigningAlgorithm;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::{Check, ProviderError, Stage};

/// The accepted algorithms, whatever the provider advertises: every registered asymmetric one (RFC 7518 section 3.1,
/// RFC 8037, RFC 9864). HMAC is refused: a client secret could sign, and a public key could be taken for the HMAC
/// key.
pub(super) const ALGORITHMS: &[(&str, CoreJwsSigningAlgorithm)] = &[
    ("RS256", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
    ("RS384", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384),
    ("RS512", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512),
    ("PS256", CoreJwsSigningAlgorithm::RsaSsaPssSha256),
    ("PS384", CoreJwsSigningAlgorithm::RsaSsaPssSha384),
    ("PS512", CoreJwsSigningAlgorithm::RsaSsaPssSha512),
    ("ES256", CoreJwsSigningAlgorithm::EcdsaP256Sha256),
    ("ES384", CoreJwsSigningAlgorithm::EcdsaP384Sha384),
    ("ES512", CoreJwsSigningAlgorithm::EcdsaP521Sha512),
    ("EdDSA", CoreJwsSigningAlgorithm::EdDsa),
    ("Ed25519", CoreJwsSigningAlgorithm::EdDsa),
];

/// One of [`ALGORITHMS`], by its name.
#[derive(Debug, Clone)]
pub(crate) struct Algorithm {
    name: &'static str,
    algorithm: CoreJwsSigningAlgorithm,
}

impl Algorithm {
    pub(super) fn all() -> Vec<Self> {
        ALGORITHMS.iter().map(|(name, algorithm)| Self { name, algorithm: algorithm.clone() }).collect()
    }

    /// As RFC 7518 section 3.1 calls it.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// As openidconnect calls it.
    pub(super) fn core(&self) -> &CoreJwsSigningAlgorithm {
        &self.algorithm
    }
}

impl<'de> Deserialize<'de> for Algorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = || ALGORITHMS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let unknown = || D::Error::custom(format!("{name:?} is not supported. Supported are: {}", known()));
        Self::all().into_iter().find(|algorithm| algorithm.name == name).ok_or_else(unknown)
    }
}

/// What a token must match.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// Whose it has to be (`aud`).
    pub(crate) client_id: &'a str,
    /// How it may be signed.
    pub(crate) algorithms: &'a [Algorithm],
    /// For whom else it may be.
    pub(crate) trusted_audiences: &'a [String],
}

/// A token that has been read and not believed.
pub(super) struct Unverified<'a> {
    pub(super) stage: Stage,
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    message: &'a str,
    signature: &'a str,
}

impl<'a> Unverified<'a> {
    /// A JWS in compact form (RFC 7515 section 7.1), without duplicate members.
    pub(super) fn read(stage: Stage, token: &'a str) -> Result<Self, ProviderError> {
        let format = || stage.refused(Check::Format);
        let (message, signature) = token.rsplit_once('.').ok_or_else(format)?;
        let (header, claims) = message.split_once('.').ok_or_else(format)?;
        // A part with a dot in it is no base64url, so there are three.
        Ok(Self { stage, header: part(stage, header)?, claims: part(stage, claims)?, message, signature })
    }

    /// The algorithm, if it is one of those that count, and nothing in the header changes what the signature means.
    pub(super) fn check_header<'b>(&self, allowed: &'b [Algorithm]) -> Result<&'b Algorithm, ProviderError> {
        let named = self.header.get("alg").and_then(Value::as_str);
        let Some(algorithm) = allowed.iter().find(|algorithm| named == Some(algorithm.name)) else {
            return Err(self.stage.refused(Check::Algorithm));
        };
        // Extensions that change what is signed (RFC 7515 section 4.1.11, RFC 7797). Keys and addresses of keys in the
        // header (`jwk`, `jku`, `x5c`, `x5u`) are never used.
        if self.header.contains_key("crit") || self.header.contains_key("b64") {
            return Err(self.stage.refused(Check::Header));
        }
        // A logout token is signed by the same keys for the same audience (Back-Channel Logout 1.0 section 2.4), and so is a
        // notification. What has no events is no notification.
        if self.claims.contains_key("events") != (self.stage == Stage::Notification) {
            return Err(self.stage.refused(Check::Header));
        }
        Ok(algorithm)
    }

    pub(super) fn kid(&self) -> Result<Option<&str>, ProviderError> {
        match self.header.get("kid") {
            None => Ok(None),
            Some(Value::String(kid)) => Ok(Some(kid)),
            Some(_) => Err(self.stage.refused(Check::Header)),
        }
    }

    /// The octets that are signed, and the signature over them.
    pub(super) fn signed(&self) -> Result<(&[u8], Vec<u8>), ProviderError> {
        let signature = URL_SAFE_NO_PAD.decode(self.signature).map_err(|_| self.stage.refused(Check::Format))?;
        Ok((self.message.as_bytes(), signature))
    }
}

fn part(stage: Stage, text: &str) -> Result<Map<String, Value>, ProviderError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| stage.refused(Check::Format))?;
    json::object(&bytes).map_err(|error| match error {
        JsonError::Malformed => stage.refused(Check::Format),
        JsonError::Ambiguous => stage.refused(Check::Json),
    })
}
