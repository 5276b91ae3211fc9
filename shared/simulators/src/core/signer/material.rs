//! What keys are made of, and what they sign with it.

use aws_lc_rs::agreement::{self, PrivateKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, UnparsedPublicKey, VerificationAlgorithm};
use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm as RsaAlgorithm, DecodingKey, EncodingKey, crypto};
use serde_json::{Value, json};

use super::SignError;

/// A signature algorithm (RFC 7518 section 3.1, RFC 8037, RFC 9864).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA, PKCS #1 v1.5.
    #[default]
    Rs256,
    /// The same with longer hashes.
    Rs384,
    /// Likewise.
    Rs512,
    /// RSA, PSS.
    Ps256,
    /// The same with longer hashes.
    Ps384,
    /// Likewise.
    Ps512,
    /// P-256.
    Es256,
    /// P-384.
    Es384,
    /// P-521.
    Es512,
    /// Ed25519 under its older name, `EdDSA`.
    EdDsa,
    /// Ed25519 under its own name.
    Ed25519,
}

/// RSA of 2048 bits: PKCS#8 and SubjectPublicKeyInfo in PEM.
#[derive(Clone, Copy)]
pub(super) struct Rsa {
    pub(super) private: &'static str,
    pub(super) public: &'static str,
}

/// A private key.
#[derive(Clone, Copy)]
pub(super) enum Material {
    Rsa(Rsa),
    /// Of an elliptic curve: as the scalar, or as Ed25519's seed.
    Seed([u8; 16]),
}

/// An elliptic curve with the hash that goes with it.
struct Curve {
    name: &'static str,
    /// Bytes of a coordinate.
    size: usize,
    agreement: &'static agreement::Algorithm,
    signing: &'static signature::EcdsaSigningAlgorithm,
    verifying: &'static signature::EcdsaVerificationAlgorithm,
}

const P256: Curve = Curve {
    name: "P-256",
    size: 32,
    agreement: &agreement::ECDH_P256,
    signing: &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
    verifying: &signature::ECDSA_P256_SHA256_FIXED,
};
const P384: Curve = Curve {
    name: "P-384",
    size: 48,
    agreement: &agreement::ECDH_P384,
    signing: &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
    verifying: &signature::ECDSA_P384_SHA384_FIXED,
};
const P521: Curve = Curve {
    name: "P-521",
    size: 66,
    agreement: &agreement::ECDH_P521,
    signing: &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
    verifying: &signature::ECDSA_P521_SHA512_FIXED,
};

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Ed25519,
    ];

    /// As headers and keys name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// `at_hash` of an access token (OIDC Core section 3.1.3.6): the left half of its hash.
    pub(crate) fn at_hash(self, access_token: &str) -> String {
        let hash = match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => &digest::SHA256,
            Self::Rs384 | Self::Ps384 | Self::Es384 => &digest::SHA384,
            Self::Rs512 | Self::Ps512 | Self::Es512 | Self::EdDsa | Self::Ed25519 => &digest::SHA512,
        };
        let hash = digest::digest(hash, access_token.as_bytes());
        URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
    }

    pub(super) fn is_rsa(self) -> bool {
        self.rsa().is_some()
    }

    fn rsa(self) -> Option<RsaAlgorithm> {
        match self {
            Self::Rs256 => Some(RsaAlgorithm::RS256),
            Self::Rs384 => Some(RsaAlgorithm::RS384),
            Self::Rs512 => Some(RsaAlgorithm::RS512),
            Self::Ps256 => Some(RsaAlgorithm::PS256),
            Self::Ps384 => Some(RsaAlgorithm::PS384),
            Self::Ps512 => Some(RsaAlgorithm::PS512),
            _ => None,
        }
    }

    /// The curve; `None` for RSA, and for Ed25519, which has its own kind of key.
    fn curve(self) -> Option<Curve> {
        match self {
            Self::Es384 => Some(P384),
            Self::Es512 => Some(P521),
            Self::Es256 => Some(P256),
            _ => None,
        }
    }
}

impl Material {
    /// The public half, but for its names.
    pub(super) fn jwk(&self, algorithm: Algorithm) -> Result<Value, SignError> {
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let seed = match self {
            Self::Rsa(rsa) => {
                return Ok(serde_json::to_value(Jwk::from_encoding_key(&rsa.encoding_key()?, RsaAlgorithm::RS256)?)?);
            }
            Self::Seed(seed) => seed,
        };
        let Some(curve) = algorithm.curve() else {
            let key = ed25519(seed)?;
            return Ok(json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(key.public_key().as_ref()) }));
        };
        // After a byte that says that nothing is compressed.
        let point = curve.point(seed)?;
        let (x, y) = point[1..].split_at(curve.size);
        Ok(json!({ "kty": "EC", "crv": curve.name, "x": encoded(x), "y": encoded(y) }))
    }

    pub(super) fn sign(&self, algorithm: Algorithm, message: &str) -> Result<String, SignError> {
        let seed = match self {
            Self::Rsa(rsa) => {
                return Ok(crypto::sign(
                    message.as_bytes(),
                    &rsa.encoding_key()?,
                    algorithm.rsa().unwrap_or(RsaAlgorithm::RS256),
                )?);
            }
            Self::Seed(seed) => seed,
        };
        let Some(curve) = algorithm.curve() else {
            return Ok(URL_SAFE_NO_PAD.encode(ed25519(seed)?.sign(message.as_bytes())));
        };
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            curve.signing,
            &scalar(seed, curve.size),
            &curve.point(seed)?,
        );
        #[expect(
            clippy::disallowed_methods,
            reason = "a signature on P-521 is random, and nothing is compared with it"
        )]
        let random = rand::SystemRandom::new();
        let signature = pair.map_err(Unspecified::from)?.sign(&random, message.as_bytes())?;
        Ok(URL_SAFE_NO_PAD.encode(signature))
    }

    /// Whether that is a signature of this key's; one that is not even base64url is none.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &str, signature: &str) -> Result<bool, SignError> {
        let seed = match self {
            Self::Rsa(rsa) => {
                let key = DecodingKey::from_rsa_pem(rsa.public.as_bytes())?;
                return Ok(crypto::verify(
                    signature,
                    message.as_bytes(),
                    &key,
                    algorithm.rsa().unwrap_or(RsaAlgorithm::RS256),
                )
                .unwrap_or(false));
            }
            Self::Seed(seed) => seed,
        };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return Ok(false) };
        let (how, public): (&'static dyn VerificationAlgorithm, _) = match algorithm.curve() {
            Some(curve) => (curve.verifying, curve.point(seed)?),
            None => (&signature::ED25519, ed25519(seed)?.public_key().as_ref().to_vec()),
        };
        Ok(UnparsedPublicKey::new(how, public).verify(message.as_bytes(), &signature).is_ok())
    }
}

impl Curve {
    /// The public key as an uncompressed point.
    fn point(&self, seed: &[u8; 16]) -> Result<Vec<u8>, Unspecified> {
        let private = PrivateKey::from_private_key(self.agreement, &scalar(seed, self.size))?;
        Ok(private.compute_public_key()?.as_ref().to_vec())
    }
}

impl Rsa {
    fn encoding_key(&self) -> Result<EncodingKey, jsonwebtoken::errors::Error> {
        EncodingKey::from_rsa_pem(self.private.as_bytes())
    }
}

fn ed25519(seed: &[u8; 16]) -> Result<Ed25519KeyPair, Unspecified> {
    Ok(Ed25519KeyPair::from_seed_unchecked(&scalar(seed, 32))?)
}

/// A number that is smaller than the order of every curve.
fn scalar(seed: &[u8; 16], size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size - seed.len()];
    bytes.extend(seed);
    bytes
}
