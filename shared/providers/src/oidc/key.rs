//! A public key of a provider: read and checked by openidconnect, but for two things it does not do. RSA is verified by
//! aws-lc, because the rsa crate took a quarter of all that a login computes, and so is P-521, which openidconnect has not.

use aws_lc_rs::signature::{
    ECDSA_P521_SHA512_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey, SignatureVerificationError};
use serde_json::{Map, Value};

use super::issuer::is_named_by;
use super::jws::Algorithm;

/// In bytes, of a coordinate on P-521 (RFC 7518 section 6.2.1.2).
const P521: usize = 66;

/// A key that may have signed a token.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    id: Option<String>,
    /// The one algorithm it says it is for (RFC 7517 section 4.4).
    algorithm: Option<String>,
    /// The only issuer that it may sign for, if it names one. Microsoft publishes the keys of all tenants in one set, and a key
    /// for personal accounts must not sign for a company.
    issuer: Option<String>,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    /// Modulus and exponent, as big-endian numbers without leading zeros.
    Rsa(Vec<u8>, Vec<u8>),
    /// An uncompressed point.
    P521(Vec<u8>),
    /// P-256, P-384 or Ed25519.
    Other(Box<CoreJsonWebKey>),
}

impl Key {
    /// The key of a member of a key set, unless it cannot be read.
    pub(super) fn read(key: &Value) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?.trim_end_matches('=')).ok();
        let number = |name: &str| Some(bytes(name)?.into_iter().skip_while(|byte| *byte == 0).collect());
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => Material::Rsa(number("n")?, number("e")?),
            ("EC", Some("P-521")) => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                (x.len() == P521 && y.len() == P521).then(|| Material::P521([&[4], x.as_slice(), &y].concat()))?
            }
            _ => {
                // Other members of the key are ignored.
                let named = ["kty", "crv", "x", "y"]
                    .into_iter()
                    .filter_map(|name| Some((name.to_owned(), key.get(name)?.clone())));
                let bare: Map<String, Value> = named.collect();
                Material::Other(Box::new(serde_json::from_value(Value::Object(bare)).ok()?))
            }
        };
        let owned = |name: &str| text(name).map(str::to_owned);
        Some(Self { id: owned("kid"), algorithm: owned("alg"), issuer: owned("issuer"), material })
    }

    /// Whether it may be the key of that id: one that has the id, or none.
    pub(super) fn may_be(&self, kid: Option<&str>) -> bool {
        match (&self.id, kid) {
            (Some(id), Some(kid)) => id == kid,
            _ => true,
        }
    }

    /// Whether it may have signed a token with these claims.
    pub(super) fn signs_for(&self, claims: &Map<String, Value>) -> bool {
        self.issuer.as_ref().is_none_or(|issuer| is_named_by(issuer, claims))
    }

    /// Whether it is for an algorithm: by what it says of itself, else by what it is.
    pub(super) fn fits(&self, algorithm: &Algorithm) -> bool {
        let said = match self.algorithm.as_deref() {
            None => true,
            // One algorithm by two names (RFC 8037, RFC 9864).
            Some("EdDSA" | "Ed25519") => *algorithm.core() == CoreJwsSigningAlgorithm::EdDsa,
            Some(said) => said == algorithm.name(),
        };
        said && match &self.material {
            Material::Rsa(..) => rsa(algorithm.core()).is_some(),
            Material::P521(_) => *algorithm.core() == CoreJwsSigningAlgorithm::EcdsaP521Sha512,
            // All other errors are reported before the signature (here an empty one) is checked.
            Material::Other(key) => matches!(
                key.verify_signature(algorithm.core(), b"", b""),
                Err(SignatureVerificationError::CryptoError(_))
            ),
        }
    }

    /// Whether it has signed `message`.
    pub(super) fn has_signed(&self, algorithm: &Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa(n, e) => rsa(algorithm.core()).is_some_and(|parameters| {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }),
            Material::P521(point) => {
                let key = UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point);
                key.verify(message, signature).is_ok()
            }
            Material::Other(key) => key.verify_signature(algorithm.core(), message, signature).is_ok(),
        }
    }
}

/// RFC 7518 sections 3.3 and 3.5.
fn rsa(algorithm: &CoreJwsSigningAlgorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        CoreJwsSigningAlgorithm::RsaSsaPssSha256 => Some(&RSA_PSS_2048_8192_SHA256),
        CoreJwsSigningAlgorithm::RsaSsaPssSha384 => Some(&RSA_PSS_2048_8192_SHA384),
        CoreJwsSigningAlgorithm::RsaSsaPssSha512 => Some(&RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}
