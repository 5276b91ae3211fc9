//! Secrets on one machine: a file that only its owner can read, made at the first start.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use async_trait::async_trait;
use aws::SystemClock;
use chrono::{DateTime, Utc};
use domain::{Clock, Entropy, RequestContext, SecretError, SecretName, SecretSource};
use secrecy::{ExposeSecret, SecretString};
use tokens::Keys;

use crate::documents;
use crate::error::CommandError;

/// Secrets by name, held in memory.
#[derive(Debug, Clone, Default)]
pub struct LocalSecrets(BTreeMap<String, SecretString>);

impl LocalSecrets {
    /// Reads the issuer's keys from `path`, or makes them and writes the file.
    pub fn open(path: &Path, entropy: &dyn Entropy) -> Result<Self, CommandError> {
        match fs::read_to_string(path) {
            Ok(text) => documents::secrets(&path.display().to_string(), &text).map(Self),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::make(path, entropy),
            Err(error) => Err(file(path, error)),
        }
    }

    /// The issuer's keys, newly made.
    pub fn generate(now: DateTime<Utc>, entropy: &dyn Entropy) -> Result<Self, CommandError> {
        Ok(Self(Keys::generate(now, entropy)?.into_iter().map(|(name, value)| (name.to_string(), value)).collect()))
    }

    fn make(path: &Path, entropy: &dyn Entropy) -> Result<Self, CommandError> {
        let made = Self::generate(SystemClock.now(), entropy)?;
        let exposed: BTreeMap<_, _> = made.0.iter().map(|(name, value)| (name, value.expose_secret())).collect();
        let mut text = serde_json::to_string_pretty(&exposed).map_err(|error| file(path, error.into()))?;
        text.push('\n');
        let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        written.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| file(path, error))?;
        Ok(made)
    }

    /// A secret by its whole name.
    pub fn find(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name)
    }

    /// Stores a secret by its whole name.
    pub fn put(&mut self, name: &SecretName, value: SecretString) {
        self.0.insert(name.to_string(), value);
    }

    /// Adds a connector's client secret.
    pub fn add_connector(&mut self, name: &str, value: SecretString) {
        self.put(&SecretName::connector(name), value);
    }

    /// Adds an application's client secret.
    pub fn add_client(&mut self, name: &str, value: SecretString) {
        self.put(&SecretName::client(name), value);
    }
}

fn file(path: &Path, error: std::io::Error) -> CommandError {
    CommandError::File { path: path.to_owned(), error }
}

#[async_trait]
impl SecretSource for LocalSecrets {
    async fn get(&self, _cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        self.find(name.as_str()).cloned().ok_or_else(|| SecretError::Unknown(name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use domain::SeededEntropy;

    use super::*;

    #[test]
    fn keys_are_made_once_and_are_their_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.json");
        let values = |secrets: &LocalSecrets| -> Vec<String> {
            secrets.0.values().map(|value| value.expose_secret().to_owned()).collect()
        };

        let made = LocalSecrets::open(&path, &SeededEntropy::new(1)).unwrap();
        let read = LocalSecrets::open(&path, &SeededEntropy::new(2)).unwrap();

        assert_eq!(values(&made), values(&read));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
