//! The issuer's keys: one signs tokens, one seals what outlives a request, one derives session tokens and codes.

use std::fmt;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::{Entropy, RequestContext, SealingKey, SecretError, SecretName, SecretSource};
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::derive::DerivationKey;

/// All keys of the issuer, loaded once per process.
pub struct Keys {
    pub(crate) signing: EncodingKey,
    pub(crate) kid: String,
    public: JwkSet,
    /// Derives session tokens and codes.
    pub derivation: DerivationKey,
    /// Seals what outlives a request.
    pub sealing: SealingKey,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The keys cannot be had or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not to be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Not a key of its kind.
    #[error("{0} is not a key of its kind")]
    Malformed(SecretName),
    /// A new key could not be made.
    #[error("a key could not be made")]
    Generate,
}

impl Keys {
    /// Where the ES256 private key is: PEM, PKCS #8.
    pub fn signing_name() -> SecretName {
        SecretName::key("signing")
    }

    /// Where the derivation key is: 256 bits, base64url.
    pub fn derivation_name() -> SecretName {
        SecretName::key("derivation")
    }

    /// Where the sealing key is: 256 bits, base64url.
    pub fn sealing_name() -> SecretName {
        SecretName::key("sealing")
    }

    /// Loads all of them.
    pub async fn load(cx: &RequestContext, secrets: &dyn SecretSource) -> Result<Self, KeyError> {
        let pem = secrets.get(cx, &Self::signing_name()).await?;
        let derivation = bits(Self::derivation_name(), &secrets.get(cx, &Self::derivation_name()).await?)?;
        let sealing = bits(Self::sealing_name(), &secrets.get(cx, &Self::sealing_name()).await?)?;
        let malformed = |_| KeyError::Malformed(Self::signing_name());

        let signing = EncodingKey::from_ec_pem(pem.expose_secret().as_bytes()).map_err(malformed)?;
        // An EC key: for an HMAC key this call would export the secret itself.
        let mut jwk = Jwk::from_encoding_key(&signing, Algorithm::ES256).map_err(malformed)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(malformed)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        jwk.common.key_algorithm = Some(KeyAlgorithm::ES256);
        Ok(Self {
            signing,
            kid,
            public: JwkSet { keys: vec![jwk] },
            derivation: DerivationKey::new(&derivation),
            sealing: SealingKey::new(&sealing).map_err(|_| KeyError::Malformed(Self::sealing_name()))?,
        })
    }

    /// The public half, for whoever verifies our tokens (RFC 7517).
    pub fn public(&self) -> &JwkSet {
        &self.public
    }

    /// New keys for a deployment that has none, by name.
    pub fn generate(entropy: &dyn Entropy) -> Result<Vec<(SecretName, SecretString)>, KeyError> {
        let material = || SecretString::from(URL_SAFE_NO_PAD.encode(entropy.bytes::<32>()));
        Ok(vec![
            (Self::signing_name(), generate_signing(entropy)?),
            (Self::derivation_name(), material()),
            (Self::sealing_name(), material()),
        ])
    }
}

fn bits(name: SecretName, text: &SecretString) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.expose_secret().trim()).unwrap_or_default());
    bytes.as_slice().try_into().map(Zeroizing::new).map_err(|_| KeyError::Malformed(name))
}

fn generate_signing(entropy: &dyn Entropy) -> Result<SecretString, KeyError> {
    // A scalar of zero or beyond the group's order is no key (FIPS 186-5 A.2.2); the next draw will do.
    let scalar = (0..8).find_map(|_| PrivateKey::from_private_key(&ECDH_P256, &entropy.bytes::<32>()).ok());
    let der: EcPrivateKeyRfc5915Der<'_> = scalar.ok_or(KeyError::Generate)?.as_der().map_err(|_| KeyError::Generate)?;
    let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref())
        .map_err(|_| KeyError::Generate)?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::Generate)?;
    let body = Zeroizing::new(STANDARD.encode(pkcs8.as_ref()));
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", body.as_str()).into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use async_trait::async_trait;
    use chrono::DateTime;
    use domain::{ClientAddress, FixedClock, SeededEntropy};

    use super::*;

    #[derive(Debug)]
    struct Held(BTreeMap<String, SecretString>);

    #[async_trait]
    impl SecretSource for Held {
        async fn get(&self, _cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
            self.0.get(name.as_str()).cloned().ok_or_else(|| SecretError::Unknown(name.clone()))
        }
    }

    fn generated(seed: u64) -> Held {
        let keys = Keys::generate(&SeededEntropy::new(seed)).unwrap();
        Held(keys.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
    }

    async fn load(secrets: &Held) -> Result<Keys, KeyError> {
        let clock = Arc::new(FixedClock::at(DateTime::UNIX_EPOCH));
        let id = "req".parse().unwrap();
        let cx = RequestContext::new(id, clock, Duration::from_secs(1), ClientAddress::default(), None);
        Keys::load(&cx, secrets).await
    }

    #[tokio::test]
    async fn generated_keys_load_and_publish_their_public_half_only() {
        let keys = load(&generated(1)).await.unwrap();
        let jwk = serde_json::to_value(keys.public()).unwrap()["keys"][0].clone();
        let members: Vec<_> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        assert_eq!((&jwk["alg"], &jwk["use"], &jwk["kid"]), (&"ES256".into(), &"sig".into(), &keys.kid.clone().into()));
    }

    #[tokio::test]
    async fn a_key_keeps_its_id_and_another_has_another() {
        assert_eq!(load(&generated(1)).await.unwrap().kid, load(&generated(1)).await.unwrap().kid);
        assert_ne!(load(&generated(1)).await.unwrap().kid, load(&generated(2)).await.unwrap().kid);
    }

    #[tokio::test]
    async fn a_key_that_is_missing_or_none_is_named() {
        for (name, value) in [("keys/signing", "no PEM"), ("keys/derivation", "c2hvcnQ"), ("keys/sealing", "!")] {
            let mut secrets = generated(1);
            secrets.0.insert(name.to_owned(), value.into());
            assert_eq!(load(&secrets).await.unwrap_err().to_string(), format!("{name} is not a key of its kind"));
            secrets.0.remove(name);
            assert_eq!(load(&secrets).await.unwrap_err().to_string(), format!("there is no secret {name}"));
        }
    }
}
