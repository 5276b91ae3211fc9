//! Where secrets are read, watched.

use std::sync::Mutex;

use async_trait::async_trait;
use domain::{RequestContext, SecretError, SecretName, SecretSource};
use landfall::secrets::LocalSecrets;
use secrecy::SecretString;

use crate::proxy::Calls;

/// Secrets, and the names that were asked for.
#[derive(Debug)]
pub struct WatchedSecrets {
    secrets: LocalSecrets,
    asked: Mutex<Vec<(Option<&'static str>, String)>>,
    calls: Calls,
}

impl WatchedSecrets {
    pub(crate) fn over(secrets: LocalSecrets, calls: Calls) -> Self {
        Self { secrets, asked: Mutex::default(), calls }
    }

    /// All names since the last time, each with the function that asked; forgotten thereby.
    pub fn take(&self) -> Vec<(Option<&'static str>, String)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

#[async_trait]
impl SecretSource for WatchedSecrets {
    async fn get(&self, cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        self.asked.lock().unwrap().push((self.calls.function(), name.to_string()));
        self.secrets.get(cx, name).await
    }
}
