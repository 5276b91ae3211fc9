//! Where secrets are read, watched.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::{RequestContext, SecretError, SecretName, SecretSource};
use landfall::secrets::LocalSecrets;
use secrecy::SecretString;

/// Secrets, and the names that were asked for.
#[derive(Debug)]
pub struct WatchedSecrets {
    secrets: LocalSecrets,
    asked: Arc<Mutex<Vec<String>>>,
}

impl WatchedSecrets {
    pub(crate) fn over(secrets: LocalSecrets) -> Self {
        Self { secrets, asked: Arc::default() }
    }

    /// All names since the last time, forgotten thereby.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

#[async_trait]
impl SecretSource for WatchedSecrets {
    async fn get(&self, cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        self.asked.lock().unwrap().push(name.to_string());
        self.secrets.get(cx, name).await
    }
}
