//! A public key of a provider, as openidconnect reads and checks it, with RSA verified by aws-lc: the rsa crate took a
//! quarter of all that a login computes.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeyType, CoreJsonWebKeyUse, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey, JsonWebKeyAlgorithm, JsonWebKeyId, SignatureVerificationError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A key that may have signed a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Key {
    key: CoreJsonWebKey,
    /// Of an RSA key: modulus and exponent, as big-endian numbers without leading zeros.
    #[serde(skip)]
    rsa: Option<(Vec<u8>, Vec<u8>)>,
}

impl Key {
    /// The key of a member of a key set, unless it cannot be read.
    pub(super) fn read(key: &Value) -> Option<Self> {
        let number = |name: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok()?;
            Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
        };
        let rsa = number("n").zip(number("e"));
        Some(Self { key: serde_json::from_value(key.clone()).ok()?, rsa })
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

impl JsonWebKey for Key {
    type KeyUse = CoreJsonWebKeyUse;
    type SigningAlgorithm = CoreJwsSigningAlgorithm;

    fn key_id(&self) -> Option<&JsonWebKeyId> {
        self.key.key_id()
    }

    fn key_type(&self) -> &CoreJsonWebKeyType {
        self.key.key_type()
    }

    fn key_use(&self) -> Option<&CoreJsonWebKeyUse> {
        self.key.key_use()
    }

    fn signing_alg(&self) -> JsonWebKeyAlgorithm<&CoreJwsSigningAlgorithm> {
        self.key.signing_alg()
    }

    fn new_symmetric(key: Vec<u8>) -> Self {
        Self { key: CoreJsonWebKey::new_symmetric(key), rsa: None }
    }

    fn verify_signature(
        &self,
        algorithm: &CoreJwsSigningAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureVerificationError> {
        let (Some((n, e)), Some(parameters)) = (&self.rsa, rsa(algorithm)) else {
            return self.key.verify_signature(algorithm, message, signature);
        };
        let bad = || SignatureVerificationError::CryptoError("bad signature".to_owned());
        match self.key.verify_signature(algorithm, b"", b"") {
            // The key is for that: everything else is said before a signature, here of nothing, is looked at.
            Err(SignatureVerificationError::CryptoError(_)) => {}
            Err(other) => return Err(other),
            Ok(()) => return Err(bad()),
        }
        RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).map_err(|_| bad())
    }

    fn hash_bytes(&self, bytes: &[u8], algorithm: &CoreJwsSigningAlgorithm) -> Result<Vec<u8>, String> {
        self.key.hash_bytes(bytes, algorithm)
    }
}
