//! Secrets on one machine: the issuer's keys in a file that only its owner can read, made at the first start; the others in
//! memory.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws::SystemClock;
use chrono::{DateTime, Utc};
use domain::{Clock, Entropy, RequestContext, SecretError, SecretName, SecretSource};
use secrecy::{ExposeSecret, SecretString};
use tokens::{KeyKind, Keys};

use crate::data::create_anew;
use crate::documents;
use crate::error::CommandError;

/// Secrets by name, held in memory; the issuer's keys in a file as well, if there is one.
#[derive(Debug, Default)]
pub struct LocalSecrets {
    values: Mutex<BTreeMap<String, SecretString>>,
    file: Option<PathBuf>,
}

impl LocalSecrets {
    /// Reads the issuer's keys from `path`, or makes them and writes the file.
    pub fn open(path: &Path, entropy: &dyn Entropy) -> Result<Self, CommandError> {
        let file = Some(path.to_owned());
        match fs::read_to_string(path) {
            Ok(text) => {
                let values = documents::secrets(&path.display().to_string(), &text)?;
                Ok(Self { values: Mutex::new(values), file })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let made = Self { file, ..Self::generate(SystemClock.now(), entropy)? };
                made.write(&made.values())?;
                Ok(made)
            }
            Err(error) => Err(unusable(path, error)),
        }
    }

    /// The issuer's keys, newly made.
    pub fn generate(now: DateTime<Utc>, entropy: &dyn Entropy) -> Result<Self, CommandError> {
        let keys = Keys::generate(now, entropy)?.into_iter().map(|(name, value)| (name.to_string(), value));
        Ok(Self { values: Mutex::new(keys.collect()), file: None })
    }

    /// The same secrets, as they are now.
    pub fn copy(&self) -> Self {
        Self { values: Mutex::new(self.values().clone()), file: None }
    }

    /// A secret by its whole name.
    pub fn find(&self, name: &str) -> Option<SecretString> {
        self.values().get(name).cloned()
    }

    /// Stores a secret by its whole name; the issuer's keys in the file, too.
    pub fn put(&self, name: &str, value: SecretString) -> Result<(), CommandError> {
        let mut values = self.values();
        let before = values.insert(name.to_owned(), value);
        self.write(&values).inspect_err(|_| {
            match before {
                Some(before) => values.insert(name.to_owned(), before),
                None => values.remove(name),
            };
        })
    }

    /// Adds a connector's client secret.
    pub fn add_connector(&self, name: &str, value: SecretString) {
        self.values().insert(SecretName::connector(name).to_string(), value);
    }

    /// Adds an application's client secret.
    pub fn add_client(&self, name: &str, value: SecretString) {
        self.values().insert(SecretName::client(name).to_string(), value);
    }

    fn values(&self) -> MutexGuard<'_, BTreeMap<String, SecretString>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the whole file or nothing: with half-written keys, all sessions would be lost.
    fn write(&self, values: &BTreeMap<String, SecretString>) -> Result<(), CommandError> {
        let Some(path) = &self.file else { return Ok(()) };
        let keys = KeyKind::ALL.iter().map(|kind| kind.secret());
        let exposed: BTreeMap<_, _> =
            keys.filter_map(|name| Some((name.to_string(), values.get(name.as_str())?.expose_secret()))).collect();
        let mut text = serde_json::to_string_pretty(&exposed).map_err(|error| unusable(path, error.into()))?;
        text.push('\n');
        let beside = path.with_extension("new");
        let written =
            create_anew(&beside).and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
        written.and_then(|()| fs::rename(&beside, path)).map_err(|error| unusable(path, error))
    }
}

fn unusable(path: &Path, error: std::io::Error) -> CommandError {
    CommandError::File { path: path.to_owned(), error }
}

#[async_trait]
impl SecretSource for LocalSecrets {
    async fn get(&self, _cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        self.find(name.as_str()).ok_or_else(|| SecretError::Unknown(name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use domain::SeededEntropy;

    use super::*;

    fn values(secrets: &LocalSecrets) -> Vec<String> {
        secrets.values().values().map(|value| value.expose_secret().to_owned()).collect()
    }

    #[test]
    fn keys_are_made_once_and_only_their_owner_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");

        let made = LocalSecrets::open(&path, &SeededEntropy::new(1)).unwrap();
        let read = LocalSecrets::open(&path, &SeededEntropy::new(2)).unwrap();

        assert_eq!(values(&made), values(&read));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_file_has_the_keys_and_no_other_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let secrets = LocalSecrets::open(&path, &SeededEntropy::new(1)).unwrap();
        secrets.add_connector("keycloak", "hunter2".into());

        secrets.put("keys/signing", "another".into()).unwrap();

        let read = LocalSecrets::open(&path, &SeededEntropy::new(2)).unwrap();
        assert_eq!(read.find("keys/signing").unwrap().expose_secret(), "another");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!fs::read_to_string(&path).unwrap().contains("hunter2"));
    }
}
