//! Where secrets are read, watched.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{Entropy, RequestContext, SecretError, SecretName, SecretSource};
use landfall::secrets::LocalSecrets;
use secrecy::SecretString;
use tokens::{KeyKind, Ring};

use crate::proxy::Calls;

/// Secrets, and the names that were asked for.
#[derive(Debug)]
pub struct WatchedSecrets {
    secrets: LocalSecrets,
    asked: Mutex<Vec<(Option<&'static str>, String)>>,
    given: Mutex<BTreeMap<String, SecretString>>,
    calls: Calls,
}

impl WatchedSecrets {
    pub(crate) fn over(secrets: LocalSecrets, calls: Calls) -> Self {
        Self { secrets, asked: Mutex::default(), given: Mutex::default(), calls }
    }

    /// Announces a new key. When it will be in force.
    pub fn rotate(&self, kind: KeyKind, now: DateTime<Utc>, entropy: &dyn Entropy) -> DateTime<Utc> {
        let name = kind.secret();
        let mut ring = Ring::read(kind, &self.secrets.find(name.as_str()).unwrap()).unwrap();
        let from = ring.rotate(kind, now, entropy).unwrap();
        self.secrets.put(name.as_str(), ring.to_secret().unwrap()).unwrap();
        from
    }

    /// Stores a secret by its whole name.
    pub fn put(&self, name: &str, value: &str) {
        self.secrets.put(name, value.into()).unwrap();
    }

    /// A secret by its whole name, noted as asked for.
    pub(crate) fn read(&self, name: &str) -> Option<SecretString> {
        self.asked.lock().unwrap().push((self.calls.function(), name.to_owned()));
        let secret = self.secrets.find(name)?;
        self.given.lock().unwrap().insert(name.to_owned(), secret.clone());
        Some(secret)
    }

    /// What they are now, for an instance that will not look again.
    pub fn copy(&self) -> LocalSecrets {
        self.secrets.copy()
    }

    /// All names since the last time, each with the function that asked; forgotten thereby.
    pub fn take(&self) -> Vec<(Option<&'static str>, String)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// Every secret that was ever read, by name.
    pub fn given(&self) -> BTreeMap<String, SecretString> {
        self.given.lock().unwrap().clone()
    }
}

#[async_trait]
impl SecretSource for WatchedSecrets {
    async fn get(&self, _cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        self.read(name.as_str()).ok_or_else(|| SecretError::Unknown(name.clone()))
    }
}
