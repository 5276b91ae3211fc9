//! Where the connector's secret is kept.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::{RequestContext, SecretError, SecretName, SecretSource};
use secrecy::SecretString;

/// One secret, or the same failure for all: as it is kept, and as a forced read finds it.
#[derive(Debug)]
pub(crate) struct Secrets {
    kept: Mutex<Secret>,
    stored: Mutex<Option<Secret>>,
    rereads: AtomicUsize,
}

type Secret = Result<&'static str, fn(SecretName) -> SecretError>;

impl Secrets {
    pub(crate) fn new(secret: &'static str) -> Self {
        Self { kept: Mutex::new(Ok(secret)), stored: Mutex::default(), rereads: AtomicUsize::default() }
    }

    pub(crate) fn set(&self, secret: Secret) {
        *self.kept.lock().unwrap() = secret;
    }

    /// From now on a forced read finds another.
    pub(crate) fn rotate(&self, secret: Secret) {
        *self.stored.lock().unwrap() = Some(secret);
    }

    /// Forced reads so far.
    pub(crate) fn rereads(&self) -> usize {
        self.rereads.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl SecretSource for Secrets {
    async fn get(&self, _cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        assert_eq!(name.as_str(), "connectors/staff");
        let secret = *self.kept.lock().unwrap();
        secret.map(SecretString::from).map_err(|error| error(name.clone()))
    }

    async fn reread(&self, cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        self.rereads.fetch_add(1, Ordering::Relaxed);
        if let Some(stored) = *self.stored.lock().unwrap() {
            self.set(stored);
        }
        self.get(cx, name).await
    }
}
