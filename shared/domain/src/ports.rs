//! Ports to the outside: time, randomness, secrets.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use crate::RequestContext;

/// The time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Now.
    fn now(&self) -> DateTime<Utc>;
}

/// Cryptographically secure randomness.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// Fills the whole buffer.
    fn fill(&self, buffer: &mut [u8]);
}

impl dyn Entropy + '_ {
    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A random pause before a retry, within `bounds`. Requests that failed together then do not all retry together.
    pub fn pause(&self, bounds: &RangeInclusive<Duration>) -> Duration {
        let span = bounds.end().saturating_sub(*bounds.start()).as_micros();
        let micros = u128::from_be_bytes(self.bytes()) % (span + 1);
        *bounds.start() + Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

/// The store of secrets: AWS Secrets Manager, or a file on one machine.
#[async_trait]
pub trait SecretSource: fmt::Debug + Send + Sync {
    /// The secret's current value, possibly from a cache.
    async fn get(&self, cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError>;

    /// The secret's value, bypassing the cache. For when the cached value was refused: the secret may have been
    /// rotated. A source may still answer from its cache if it read the store a moment ago or cannot read it now. A
    /// source without a cache need not implement this.
    async fn reread(&self, cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        self.get(cx, name).await
    }
}

/// The name of a secret, relative to the deployment: `keys/signing`, `connectors/keycloak-prod`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretName(String);

impl SecretName {
    /// One of the issuer's own keys.
    pub fn key(name: &'static str) -> Self {
        Self(format!("keys/{name}"))
    }

    /// A connector's client secret, by its name in the connector document. The prefix stops a document from naming one
    /// of our own keys, which would then be sent to a provider.
    pub fn connector(name: &str) -> Self {
        Self(format!("connectors/{name}"))
    }

    /// An application's client secret, by its name in the client document.
    pub fn client(name: &str) -> Self {
        Self(format!("clients/{name}"))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A secret could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// There is no secret with this name: an administrator must create it.
    #[error("there is no secret {0}")]
    Unknown(SecretName),
    /// The source did not answer: the caller may try again.
    #[error("secret {0} cannot be read now")]
    Unavailable(SecretName),
}

/// A clock that moves only when it is told to. For tests.
#[derive(Debug)]
pub struct FixedClock(Mutex<DateTime<Utc>>);

impl FixedClock {
    /// A clock that shows `now`.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock; a negative `by` moves it back.
    pub fn advance(&self, by: TimeDelta) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now += by;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Repeatable bytes from a seed. For tests only: the seed determines all bytes.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededEntropy {
    /// The same seed gives the same bytes in the same order.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(digest::SHA256_OUTPUT_LEN) {
            let mut input = [0; 16];
            input[..8].copy_from_slice(&self.seed.to_be_bytes());
            input[8..].copy_from_slice(&self.drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            let block = digest::digest(&digest::SHA256, &input);
            chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_sequence() {
        let draw = |seed| {
            let entropy = SeededEntropy::new(seed);
            let entropy: &dyn Entropy = &entropy;
            [entropy.bytes::<40>(), entropy.bytes::<40>()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_ne!(draw(7)[0], draw(7)[1]);
    }

    #[test]
    fn pauses_are_random_within_their_bounds() {
        let bounds = Duration::from_millis(50)..=Duration::from_millis(150);
        let entropy: &dyn Entropy = &SeededEntropy::new(7);
        let pauses: Vec<_> = (0..100).map(|_| entropy.pause(&bounds)).collect();
        assert!(pauses.iter().all(|pause| bounds.contains(pause)), "{pauses:?}");
        assert!(pauses.windows(2).all(|pair| pair[0] != pair[1]), "{pauses:?}");
        assert_eq!(entropy.pause(&(Duration::ZERO..=Duration::ZERO)), Duration::ZERO);
    }

    #[test]
    fn a_document_cannot_name_one_of_our_own_keys() {
        assert_ne!(SecretName::connector("signing"), SecretName::key("signing"));
        assert!(SecretName::connector("../keys/signing").as_str().starts_with("connectors/"));
    }
}
