//! A provider's public keys (RFC 7517).

use egress::Request;
use serde_json::Value;
use url::Url;

use super::jws::{Algorithm, Unverified};
use super::key::Key;
use crate::{Check, Cx, ProviderError, Stage, answers};

/// The keys among a provider's that may have signed a token.
#[derive(Debug, Clone)]
pub(crate) struct Keys(Vec<Key>);

impl Keys {
    /// Fetches the key set at `url`.
    pub(crate) async fn fetch(cx: &Cx<'_>, url: &Url) -> Result<Self, ProviderError> {
        let stage = Stage::Keys;
        let response = cx.read(stage, Request::get(url.clone())).await?;
        if !response.status.is_success() {
            let hint = "there is no key set at the jwks_uri that the discovery document or the settings name";
            return Err(answers::unpublished(cx.now(), stage, &response, hint));
        }
        match answers::object(stage, &response)?.get("keys") {
            Some(Value::Array(keys)) => Ok(Self::select(keys)),
            _ => Err(stage.misconfigured("the answer at jwks_uri has no member keys: is this the provider's key set?")),
        }
    }

    /// A key that cannot be read is passed over (RFC 7517 section 5), and so is one that must not verify a signature.
    pub(super) fn select(keys: &[Value]) -> Self {
        Self(keys.iter().filter(|key| may_verify(key)).filter_map(Key::read).collect())
    }

    /// How many of them a token could be verified with that is signed by one of these algorithms.
    pub(super) fn usable(&self, algorithms: &[Algorithm]) -> usize {
        self.0.iter().filter(|key| algorithms.iter().any(|algorithm| key.fits(algorithm))).count()
    }

    /// Which of these algorithms there is a key for.
    pub(super) fn algorithms(&self, among: &[Algorithm]) -> Vec<&'static str> {
        let has_key = |algorithm: &&Algorithm| self.0.iter().any(|key| key.fits(algorithm));
        among.iter().filter(has_key).map(Algorithm::name).collect()
    }

    /// Whether one of them has signed a token; if none has, which check failed. Every key that fits is tried, those without
    /// an id among them: providers publish the same key twice, and rotate keys without changing their id.
    pub(super) fn verify(&self, token: &Unverified<'_>, algorithm: &Algorithm) -> Result<(), ProviderError> {
        let (kid, (message, signature)) = (token.kid()?, token.signed()?);
        let may_have = |key: &&Key| key.may_be(kid) && key.fits(algorithm) && key.signs_for(&token.claims);
        let mut fitting = self.0.iter().filter(may_have).peekable();
        let check = if fitting.peek().is_some() { Check::Signature } else { Check::Key };
        match fitting.any(|key| key.has_signed(algorithm, message, &signature)) {
            true => Ok(()),
            false => Err(token.stage.refused(check)),
        }
    }
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
            json!({"kty": "EC", "kid": "ec", "use": "sig", "crv": "P-256", "x": "eA", "y": "eQ"}),
            json!("no key"),
        ]);
        let kids = ["sig", "enc", "bare", "short", "padded", "shared", "ec"];
        let taken: Vec<_> = kids.into_iter().filter(|kid| keys.0.iter().any(|key| key.may_be(Some(kid)))).collect();
        assert_eq!(taken, ["sig", "bare", "ec"]);
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
