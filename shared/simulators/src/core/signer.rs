//! Keys and JSON Web Signatures for simulators.
//!
//! The private keys are public, in this repository, because making an RSA key takes longer than most
//! tests. They sign nothing but simulated tokens; no real deployment may trust one of them.

mod material;
mod short;

use aws_lc_rs::digest;
use aws_lc_rs::error::Unspecified;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm as Hmac, EncodingKey, crypto};
use serde_json::{Value, json};

pub use material::Algorithm;
use material::{Material, Rsa};
pub(crate) use short::ShortKey;

const SIGNING: [Rsa; 3] = [
    Rsa { private: include_str!("keys/one.pem"), public: include_str!("keys/one.pub.pem") },
    Rsa { private: include_str!("keys/two.pem"), public: include_str!("keys/two.pub.pem") },
    Rsa { private: include_str!("keys/three.pem"), public: include_str!("keys/three.pub.pem") },
];
const FOREIGN: Rsa = Rsa { private: include_str!("keys/foreign.pem"), public: "" };
const ENCRYPTION: Rsa = Rsa { private: include_str!("keys/encryption.pem"), public: "" };

/// A key that does not sign, which is a fault of this crate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    #[error("the simulator's key cannot sign: {0}")]
    Jwt(#[from] jsonwebtoken::errors::Error),
    #[error("the simulator's key cannot sign")]
    Key(#[from] Unspecified),
    #[error("the simulator's key cannot be published: {0}")]
    Json(#[from] serde_json::Error),
}

/// A key, the algorithm it signs with, and the `kid` it goes by.
#[derive(Clone)]
pub(crate) struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    material: Material,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// The `generation`-th signing key of `owner` (an issuer, a realm). Two generations never share a `kid`; the
    /// material behind them repeats after three where it is RSA.
    pub(crate) fn generation(owner: &str, generation: usize, algorithm: Algorithm) -> Self {
        let number = generation.to_string();
        let material = match algorithm.is_rsa() {
            true => Material::Rsa(SIGNING[generation % SIGNING.len()]),
            false => Material::Seed(derive(&[owner, &number, algorithm.name()])),
        };
        Self { kid: kid(&[owner, &number]), algorithm, material }
    }

    /// The same key under another name.
    pub(crate) fn named(self, kid: &str) -> Self {
        Self { kid: kid.into(), ..self }
    }

    /// The key of `owner` that is published for encryption.
    pub(crate) fn encryption(owner: &str) -> Self {
        Self::rsa(kid(&[owner, "encryption"]), ENCRYPTION)
    }

    /// An unpublished key, under this key's id.
    pub(crate) fn forged(&self) -> Self {
        let material = match self.material {
            Material::Rsa(_) => Material::Rsa(FOREIGN),
            Material::Seed(_) => Material::Seed(derive(&["foreign"])),
        };
        Self { material, ..self.clone() }
    }

    /// An unpublished key, under an unknown id.
    pub(crate) fn foreign() -> Self {
        Self::rsa(kid(&["foreign"]), FOREIGN)
    }

    fn rsa(kid: String, rsa: Rsa) -> Self {
        Self { kid, algorithm: Algorithm::Rs256, material: Material::Rsa(rsa) }
    }

    /// How the key is known.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public half of an RSA key as text, which an attacker can read, too.
    pub(crate) fn public_pem(&self) -> &'static str {
        match self.material {
            Material::Rsa(rsa) => rsa.public,
            Material::Seed(_) => "",
        }
    }

    /// The public half as a JWK (RFC 7517), for signatures.
    pub(crate) fn jwk(&self) -> Result<Value, SignError> {
        // Of Ed25519's two names the older one, so that a header and its key may differ in it.
        let named = if self.algorithm == Algorithm::Ed25519 { Algorithm::EdDsa } else { self.algorithm };
        self.jwk_for("sig", named.name())
    }

    /// The same for another use; `usage` is `sig` or `enc`.
    pub(crate) fn jwk_for(&self, usage: &str, algorithm: &str) -> Result<Value, SignError> {
        let mut jwk = self.material.jwk(self.algorithm)?;
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!(usage);
        jwk["alg"] = json!(algorithm);
        Ok(jwk)
    }

    /// The header of what this key signs.
    pub(crate) fn header(&self) -> Value {
        json!({ "alg": self.algorithm.name(), "typ": "JWT", "kid": self.kid })
    }

    /// `payload` as a signed JWT. It is taken as text so that a script can sign what no serialiser would write.
    pub(crate) fn sign(&self, payload: &str) -> Result<String, SignError> {
        self.sign_under(&self.header(), payload)
    }

    /// The same under another header, whatever that says.
    pub(crate) fn sign_under(&self, header: &Value, payload: &str) -> Result<String, SignError> {
        let message = message(header, payload);
        let signature = self.material.sign(self.algorithm, &message)?;
        Ok(format!("{message}.{signature}"))
    }

    /// The claims of a token this key has signed; `None` for any other. Says nothing of expiry.
    pub(crate) fn open(&self, token: &str) -> Result<Option<Value>, SignError> {
        let mut parts = token.rsplitn(2, '.');
        let (Some(signature), Some(message)) = (parts.next(), parts.next()) else { return Ok(None) };
        let Some((header, payload)) = message.split_once('.') else { return Ok(None) };
        let (Some(header), Some(claims)) = (decode_part(header), decode_part(payload)) else { return Ok(None) };
        if header["alg"] != self.algorithm.name() || header["kid"] != json!(self.kid) {
            return Ok(None);
        }
        Ok(self.material.verifies(self.algorithm, message, signature)?.then_some(claims))
    }
}

/// `payload` as a JWT, signed HS256 with `secret`, under the name `kid`.
pub(crate) fn sign_hs256(kid: &str, secret: &[u8], payload: &str) -> Result<String, SignError> {
    let message = message(&json!({ "alg": "HS256", "typ": "JWT", "kid": kid }), payload);
    let signature = crypto::sign(message.as_bytes(), &EncodingKey::from_secret(secret), Hmac::HS256)?;
    Ok(format!("{message}.{signature}"))
}

/// `payload` as a JWT without a signature (`alg: none`).
pub(crate) fn unsigned(payload: &str) -> String {
    unsigned_under(&json!({ "alg": "none", "typ": "JWT" }), payload)
}

/// The same under another header, which may well promise a signature.
pub(crate) fn unsigned_under(header: &Value, payload: &str) -> String {
    format!("{}.", message(header, payload))
}

/// A certificate for [`SigningKey::foreign`], signed by itself: base64 of DER, as `x5c` wants it (RFC 7517 section 4.7).
pub(crate) fn foreign_certificate() -> String {
    include_str!("keys/foreign.crt.pem").lines().filter(|line| !line.starts_with("-----")).collect()
}

/// A UUID of 16 bytes: version 4 and the usual variant are written over them.
pub(crate) fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The same 16 bytes for the same parts, on every run.
pub(crate) fn derive(parts: &[&str]) -> [u8; 16] {
    let digest = digest::digest(&digest::SHA256, parts.join("\0").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    bytes
}

fn kid(parts: &[&str]) -> String {
    URL_SAFE_NO_PAD.encode(derive(parts))
}

/// A PKCE challenge of a verifier (RFC 7636 section 4.2).
pub(crate) fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

fn message(header: &Value, payload: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload))
}

fn decode_part(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_only_what_it_has_signed() {
        let payload = r#"{"sub":"ada"}"#;
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generation("demo", 0, algorithm);
            let token = key.sign(payload).unwrap();
            assert_eq!(key.open(&token).unwrap().unwrap()["sub"], "ada", "{algorithm:?}");

            for stranger in [
                key.forged().sign(payload).unwrap(),
                SigningKey::foreign().sign(payload).unwrap(),
                SigningKey::generation("demo", 3, algorithm).sign(payload).unwrap(),
                SigningKey::generation("other", 1, algorithm).named(key.kid()).sign(payload).unwrap(),
                sign_hs256(key.kid(), key.public_pem().as_bytes(), payload).unwrap(),
                unsigned(payload),
                token.replace("ey", "e"),
                format!("{token}!"),
                "a.b".into(),
                String::new(),
            ] {
                assert!(key.open(&stranger).unwrap().is_none(), "{algorithm:?} {stranger}");
            }
        }
    }

    #[test]
    fn the_hash_of_an_access_token_is_the_one_the_standard_prints() {
        // OIDC Core, appendix A.3.
        let at = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(Algorithm::Rs256.at_hash(at), "77QmUPtjPfzWtF2AnpK9RQ");
    }

    #[test]
    fn a_derived_uuid_looks_like_one_and_stays_the_same() {
        let one = uuid(derive(&["demo", "ada"]));
        assert_eq!(one, uuid(derive(&["demo", "ada"])));
        assert_ne!(one, uuid(derive(&["demoa", "da"])));
        assert_eq!((one.len(), &one[14..15]), (36, "4"));
    }
}
