//! A provider's public keys (RFC 7517).

use egress::Request;
use openidconnect::core::CoreJwsSigningAlgorithm;
use openidconnect::{JsonWebKey, JsonWebKeyAlgorithm, JsonWebKeySet, SignatureVerificationError};
use serde_json::Value;
use url::Url;

use super::jws::Algorithm;
use super::key::Key;
use crate::{Check, Cx, ProviderError, Stage, answers};

/// The keys among a provider's that may have signed a token.
#[derive(Debug, Clone)]
pub(crate) struct Keys(JsonWebKeySet<Key>);

impl Keys {
    /// Fetches the key set at `url`.
    pub(crate) async fn fetch(cx: &Cx<'_>, url: &Url) -> Result<Self, ProviderError> {
        let stage = Stage::Keys;
        let response = cx.read(stage, Request::get(url.clone())).await?;
        if response.status != http::StatusCode::OK {
            let hint = "there is no key set at the jwks_uri that the discovery document names";
            return Err(answers::unpublished(cx.now(), stage, &response, hint));
        }
        match answers::object(stage, &response)?.get("keys") {
            Some(Value::Array(keys)) => Ok(Self::select(keys)),
            _ => Err(stage.refused(Check::Format)),
        }
    }

    /// A key that cannot be read is passed over (RFC 7517 section 5), and so is one that must not verify a signature.
    pub(super) fn select(keys: &[Value]) -> Self {
        let usable = keys.iter().filter(|key| may_verify(key));
        Self(JsonWebKeySet::new(usable.filter_map(Key::read).collect()))
    }

    /// Whether there is a key of that id; without an id, any key.
    pub(crate) fn has(&self, kid: Option<&str>) -> bool {
        self.named(kid).next().is_some()
    }

    fn named(&self, kid: Option<&str>) -> impl Iterator<Item = &Key> {
        let fits = move |key: &&Key| kid.is_none() || key.key_id().map(|id| id.as_str()) == kid;
        self.0.keys().iter().filter(fits)
    }

    /// How many of them a token could be verified with that is signed by one of these algorithms.
    pub(super) fn usable(&self, algorithms: &[Algorithm]) -> usize {
        let fits = |key: &&Key| algorithms.iter().any(|algorithm| fits(key, algorithm));
        self.0.keys().iter().filter(fits).count()
    }

    /// Which of these algorithms there is a key for.
    pub(super) fn algorithms(&self, among: &[Algorithm]) -> Vec<&'static str> {
        let has_key = |algorithm: &&Algorithm| self.0.keys().iter().any(|key| fits(key, algorithm));
        among.iter().filter(has_key).map(Algorithm::name).collect()
    }

    /// Whether a key of that id has signed `message`: which check failed, if none has.
    pub(super) fn verify(
        &self,
        kid: Option<&str>,
        algorithm: &CoreJwsSigningAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Check> {
        let mut failed = Check::Key;
        for key in self.named(kid) {
            match key.verify_signature(algorithm, message, signature) {
                Ok(()) => return Ok(()),
                // Made for another algorithm.
                Err(SignatureVerificationError::InvalidKey(_)) => {}
                Err(_) => failed = Check::Signature,
            }
        }
        Err(failed)
    }

    /// As the verifier takes them.
    pub(crate) fn set(&self) -> JsonWebKeySet<Key> {
        self.0.clone()
    }
}

/// Whether a key is for an algorithm: by what it says of itself (RFC 7517 section 4.4), else by what it is.
fn fits(key: &Key, algorithm: &Algorithm) -> bool {
    let said = match key.signing_alg() {
        JsonWebKeyAlgorithm::Unspecified => true,
        JsonWebKeyAlgorithm::Algorithm(said) => said == algorithm.core(),
        JsonWebKeyAlgorithm::Unsupported => false,
    };
    // Everything else is said before a signature, here of nothing, is looked at.
    let tried = || key.verify_signature(algorithm.core(), b"", b"");
    said && matches!(tried(), Err(SignatureVerificationError::CryptoError(_)))
}

/// Signing keys only: no key for encryption, no shared secret, no RSA below 2048 bits (RFC 7518 section 3.3).
/// `use` may be absent where a provider publishes signing keys alone (Discovery 1.0 section 3, `jwks_uri`).
fn may_verify(key: &Value) -> bool {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let signs = match key.get("use") {
        None => true,
        Some(usage) => usage.as_str() == Some("sig"),
    };
    let strong = match text("kty") {
        Some("RSA") => text("n").is_some_and(|modulus| modulus.trim_start_matches('A').len() * 6 >= 2048),
        Some("EC" | "OKP") => true,
        _ => false,
    };
    signs && strong
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_strong_signing_keys_are_taken() {
        let modulus = "w".repeat(342);
        let rsa = |usage: &str| json!({"kty": "RSA", "kid": usage, "use": usage, "n": modulus, "e": "AQAB"});
        let keys = Keys::select(&[
            rsa("sig"),
            rsa("enc"),
            json!({"kty": "RSA", "kid": "bare", "n": modulus, "e": "AQAB"}),
            json!({"kty": "RSA", "kid": "short", "use": "sig", "n": "w".repeat(86), "e": "AQAB"}),
            json!({"kty": "RSA", "kid": "padded", "use": "sig", "n": format!("{}{}", "A".repeat(300), "w".repeat(86)), "e": "AQAB"}),
            json!({"kty": "oct", "kid": "shared", "use": "sig", "k": "c2VjcmV0"}),
            json!({"kty": "EC", "kid": "odd", "use": "sig", "alg": "nobody-knows", "crv": "P-256", "x": "eA", "y": "eQ"}),
            json!({"kty": "EC", "kid": "ec", "use": "sig", "crv": "P-256", "x": "eA", "y": "eQ"}),
            json!("no key"),
        ]);
        let kids = ["sig", "enc", "bare", "short", "padded", "shared", "odd", "ec"];
        let taken: Vec<_> = kids.into_iter().filter(|kid| keys.has(Some(kid))).collect();
        assert_eq!(taken, ["sig", "bare", "ec"]);
        assert!(keys.has(None));
        assert!(!Keys::select(&[]).has(None));
    }

    #[test]
    fn a_key_counts_where_it_could_verify_a_signature() {
        let modulus = "w".repeat(342);
        let rsa = json!({"kty": "RSA", "use": "sig", "n": modulus, "e": "AQAB"});
        let ps256 = json!({"kty": "RSA", "use": "sig", "alg": "PS256", "n": modulus, "e": "AQAB"});
        let oaep = json!({"kty": "RSA", "alg": "RSA-OAEP", "n": modulus, "e": "AQAB"});
        let off_curve = json!({"kty": "EC", "use": "sig", "crv": "P-256", "x": "eA", "y": "eQ"});
        let without_exponent = json!({"kty": "RSA", "use": "sig", "n": modulus});
        let all = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
        for (keys, usable, algorithms) in [
            (vec![rsa.clone()], 1, &all[..]),
            (vec![ps256.clone(), oaep.clone()], 1, &["PS256"]),
            (vec![rsa, ps256], 2, &all),
            (vec![oaep, off_curve, without_exponent], 0, &[]),
        ] {
            let keys = Keys::select(&keys);
            assert_eq!(keys.usable(&Algorithm::all()), usable);
            assert_eq!(keys.algorithms(&Algorithm::all()), algorithms);
        }
    }
}
