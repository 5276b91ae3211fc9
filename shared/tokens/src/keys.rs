//! The issuer's keys: signing keys for tokens and session keys for sessions. Each kind is a separate secret, so that a
//! function's role can read only the kind that it uses. The keys of one kind form a [`Ring`].

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Signature};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Entropy, ErrorAnswer, RequestContext, SealingKey, SecretError, SecretName, SecretSource, SessionId};
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::Ring;
use crate::derive::DerivationKey;

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// Signs tokens: ES256, PEM, PKCS #8.
    Signing,
    /// Derives session tokens and codes, and seals confidential values: 256 bits, base64url.
    Session,
}

/// The keys that a process uses, as it last read them.
#[derive(Debug)]
pub struct Keys {
    signing: Slot<SigningKey>,
    session: Slot<SessionKey>,
}

/// A key that signs tokens.
pub(crate) struct SigningKey {
    /// Parsed once, because parsing takes longer than signing.
    pair: EcdsaKeyPair,
    pub(crate) kid: String,
    public: Jwk,
}

/// The key of the sessions that started while it was active.
#[derive(Debug)]
pub struct SessionKey {
    /// Derives session tokens and codes.
    pub derivation: DerivationKey,
    /// Seals confidential values.
    pub sealing: SealingKey,
}

/// The keys cannot be read or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The secret is not a valid ring of keys.
    #[error("secret {0} does not contain valid keys of its kind")]
    Malformed(SecretName),
    /// This process does not load this kind of keys.
    #[error("this function does not use the keys in {0}")]
    Unused(SecretName),
    /// A new key could not be generated.
    #[error("a key could not be generated")]
    Generate,
    /// A new key is already announced. A second one would replace it before all instances know it.
    #[error("a new key is already announced, and becomes active at {0}: rotate again after that")]
    Announced(DateTime<Utc>),
}

impl From<KeyError> for ErrorAnswer {
    // The keys may be restored, so the client may try again.
    fn from(error: KeyError) -> Self {
        Self::unavailable(error)
    }
}

impl KeyKind {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Signing, Self::Session];

    /// The name of the secret with these keys.
    pub fn secret(self) -> SecretName {
        SecretName::key(match self {
            Self::Signing => "signing",
            Self::Session => "session",
        })
    }

    pub(crate) fn generate(self, entropy: &dyn Entropy) -> Result<SecretString, KeyError> {
        match self {
            Self::Signing => generate_signing(entropy),
            Self::Session => Ok(URL_SAFE_NO_PAD.encode(entropy.bytes::<32>()).into()),
        }
    }
}

/// The pause before keys are read again after a failure, if there are loaded keys to use.
const RETRY_PAUSE: TimeDelta = TimeDelta::seconds(30);

/// Whether `since` is less than `age` ago. If the clock was set back, the value counts as old. Otherwise it would stay
/// young for too long.
fn is_younger(age: TimeDelta, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (now - since).abs() < age
}

impl Keys {
    /// How long a process keeps using its loaded keys after the stored keys were deleted or became unreadable.
    pub const MAX_AGE_WHILE_LOST: TimeDelta = TimeDelta::hours(24);

    /// Loads the kinds of keys that a process uses.
    pub async fn load(cx: &RequestContext, secrets: &dyn SecretSource, uses: &[KeyKind]) -> Result<Self, KeyError> {
        let keys = Self { signing: Slot::new(KeyKind::Signing, uses), session: Slot::new(KeyKind::Session, uses) };
        keys.refresh(cx, secrets).await?;
        Ok(keys)
    }

    /// Reads the keys again. Called once per request; the source's cache makes it cheap.
    ///
    /// # Errors
    /// [`KeyError::Secret`] and [`KeyError::Malformed`] if the source has been down, or without valid keys, for a day.
    pub async fn refresh(&self, cx: &RequestContext, secrets: &dyn SecretSource) -> Result<(), KeyError> {
        self.signing.refresh(cx, secrets, SigningKey::read).await?;
        self.session.refresh(cx, secrets, SessionKey::read).await
    }

    /// The public keys that verify our past, current and future tokens (RFC 7517).
    pub fn public(&self, now: DateTime<Utc>) -> Result<JwkSet, KeyError> {
        let ring = self.signing.ring()?;
        Ok(JwkSet { keys: ring.known(now).map(|key| key.public.clone()).collect() })
    }

    /// The key that signs tokens now.
    pub(crate) fn signing(&self, now: DateTime<Utc>) -> Result<Arc<SigningKey>, KeyError> {
        self.signing.active_at(now)
    }

    /// The key of a session: the one that was active when the session started, so that all instances use the same.
    pub fn session(&self, id: &SessionId) -> Result<Arc<SessionKey>, KeyError> {
        self.session.active_at(id.generated_at())
    }

    /// New keys for a deployment that has none, by name.
    pub fn generate(now: DateTime<Utc>, entropy: &dyn Entropy) -> Result<Vec<(SecretName, SecretString)>, KeyError> {
        let ring = |kind: &KeyKind| Ok((kind.secret(), Ring::generate(*kind, now, entropy)?.to_secret()?));
        KeyKind::ALL.iter().map(ring).collect()
    }
}

/// The keys of one kind.
struct Slot<K> {
    kind: KeyKind,
    used: bool,
    loaded: Mutex<Option<Loaded<K>>>,
}

struct Loaded<K> {
    from: SecretString,
    ring: Arc<Ring<Arc<K>>>,
    /// When the source last returned them.
    seen: DateTime<Utc>,
    /// When the source last had no valid keys, since then.
    lost: Option<DateTime<Utc>>,
}

impl<K> fmt::Debug for Slot<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("kind", &self.kind).field("used", &self.used).finish_non_exhaustive()
    }
}

impl<K> Slot<K> {
    fn new(kind: KeyKind, uses: &[KeyKind]) -> Self {
        Self { kind, used: uses.contains(&kind), loaded: Mutex::default() }
    }

    async fn refresh(
        &self,
        cx: &RequestContext,
        secrets: &dyn SecretSource,
        read: impl Fn(&SecretString) -> Option<K>,
    ) -> Result<(), KeyError> {
        if !self.used {
            return Ok(());
        }
        if self
            .loaded()
            .as_ref()
            .and_then(|loaded| loaded.lost)
            .is_some_and(|lost| is_younger(RETRY_PAUSE, lost, cx.now))
        {
            return Ok(());
        }
        let found = match secrets.get(cx, &self.kind.secret()).await {
            Ok(from) => self.update(cx.now, from, read),
            // A source that is down returns its cached value as long as that may be used.
            Err(error @ SecretError::Unavailable(_)) => return Err(error.into()),
            Err(error) => Err(error.into()),
        };
        found.or_else(|error| self.keep_using(cx.now, error))
    }

    fn update(
        &self,
        now: DateTime<Utc>,
        from: SecretString,
        read: impl Fn(&SecretString) -> Option<K>,
    ) -> Result<(), KeyError> {
        let mut loaded = self.loaded();
        if let Some(same) = loaded.as_mut().filter(|loaded| loaded.from.expose_secret() == from.expose_secret()) {
            (same.seen, same.lost) = (now, None);
            return Ok(());
        }
        let malformed = || KeyError::Malformed(self.kind.secret());
        let ring = Ring::read(self.kind, &from)?;
        let ring = Arc::new(ring.try_map(|key| read(key).map(Arc::new).ok_or_else(malformed))?);
        *loaded = Some(Loaded { from, ring, seen: now, lost: None });
        Ok(())
    }

    /// If the stored keys were deleted or damaged, keeps using the loaded keys for a limited time, as in an outage.
    fn keep_using(&self, now: DateTime<Utc>, error: KeyError) -> Result<(), KeyError> {
        match self.loaded().as_mut().filter(|loaded| is_younger(Keys::MAX_AGE_WHILE_LOST, loaded.seen, now)) {
            Some(loaded) => {
                tracing::error!(event = "keys_unreadable", reason = %error);
                loaded.lost = Some(now);
                Ok(())
            }
            None => Err(error),
        }
    }

    fn loaded(&self) -> MutexGuard<'_, Option<Loaded<K>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) -> Result<Arc<Ring<Arc<K>>>, KeyError> {
        let loaded = self.loaded();
        loaded.as_ref().map(|loaded| Arc::clone(&loaded.ring)).ok_or_else(|| KeyError::Unused(self.kind.secret()))
    }

    fn active_at(&self, at: DateTime<Utc>) -> Result<Arc<K>, KeyError> {
        self.ring()?.active_at(at).cloned().ok_or_else(|| KeyError::Malformed(self.kind.secret()))
    }
}

impl SigningKey {
    fn read(pem: &SecretString) -> Option<Self> {
        let key = EncodingKey::from_ec_pem(pem.expose_secret().as_bytes()).ok()?;
        // Only for EC keys: for an HMAC key this call would publish the secret.
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).ok()?;
        let kid = public.thumbprint(ThumbprintHash::SHA256).ok()?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        public.common.key_algorithm = Some(KeyAlgorithm::ES256);
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_bytes()).ok()?;
        Some(Self { pair, kid, public })
    }

    /// RFC 7518 section 3.4.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Signature> {
        self.pair.sign_digest(&digest::digest(&digest::SHA256, message)).ok()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SessionKey {
    fn read(text: &SecretString) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.expose_secret().trim()).ok()?);
        let derivation = DerivationKey::new(bytes.as_slice().try_into().ok()?);
        let sealing = SealingKey::new(&derivation.sealing()).ok()?;
        Some(Self { derivation, sealing })
    }
}

fn generate_signing(entropy: &dyn Entropy) -> Result<SecretString, KeyError> {
    // A scalar of zero or above the group's order is not a valid key (FIPS 186-5 A.2.2): draw again.
    let scalar = (0..8).find_map(|_| PrivateKey::from_private_key(&ECDH_P256, &entropy.bytes::<32>()).ok());
    let der: EcPrivateKeyRfc5915Der<'_> = scalar.ok_or(KeyError::Generate)?.as_der().map_err(|_| KeyError::Generate)?;
    let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref())
        .map_err(|_| KeyError::Generate)?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::Generate)?;
    let body = Zeroizing::new(STANDARD.encode(pkcs8.as_ref()));
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", body.as_str()).into())
}

#[cfg(test)]
mod tests;
