//! The folder that keeps users, sessions and keys between two starts. One process at a time, its owner's alone.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws::{SystemClock, SystemEntropy};
use tokens::{KeyKind, Keys};

use crate::error::CommandError;
use crate::secrets::LocalSecrets;

const LOCK: &str = "lock";
const SECRETS: &str = "secrets.json";
const DATABASE: &str = "dynamodb.sqlite";
/// See [`DataFolder::write_environment`].
pub const ENVIRONMENT: &str = "functions.env";
/// What SQLite keeps beside it.
const BESIDE: [&str; 2] = ["dynamodb.sqlite-wal", "dynamodb.sqlite-shm"];

/// A data folder in use by this process.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Released when the process ends, however it ends.
    _lock: File,
}

impl DataFolder {
    /// Takes the folder for this process, and forgets what is in it if `reset`.
    pub fn open(path: &Path, reset: bool) -> Result<Self, CommandError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| file(path, error))?;
        let lock_path = path.join(LOCK);
        let lock = private().open(&lock_path).map_err(|error| file(&lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CommandError::DataInUse { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(file(&lock_path, error)),
        }
        if reset {
            for name in BESIDE.into_iter().chain([DATABASE, SECRETS]) {
                remove(&path.join(name))?;
            }
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The issuer's keys, made at the first start. Users without the keys they came with are never given new ones: their
    /// sessions and tokens would all be void, and nobody told.
    pub async fn secrets(&self) -> Result<LocalSecrets, CommandError> {
        let path = self.path.join(SECRETS);
        let has_users = self.path.join(DATABASE).exists();
        let secrets = match path.exists() {
            false if has_users => LocalSecrets::default(),
            _ => LocalSecrets::open(&path, &SystemEntropy)?,
        };
        // Looked at here, where the file is known by its name.
        let cx = aws::context(Arc::new(SystemClock), &SystemEntropy);
        Keys::load(&cx, &secrets, KeyKind::ALL).await.map_err(|error| CommandError::KeysLost { path, error })?;
        Ok(secrets)
    }

    /// Writes down what functions in other processes have to know, for `cargo lambda watch --env-file`.
    pub fn write_environment(&self, variables: &[(&str, String)]) -> Result<(), CommandError> {
        let lines: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let path = self.path.join(ENVIRONMENT);
        let written = private().truncate(true).open(&path).and_then(|mut file| file.write_all(lines.as_bytes()));
        written.map_err(|error| file(&path, error))
    }

    /// The database's file. It is there from now on: SQLite gives what it makes beside it the same permissions.
    pub fn database(&self) -> Result<PathBuf, CommandError> {
        let path = self.path.join(DATABASE);
        private().open(&path).map_err(|error| file(&path, error))?;
        Ok(path)
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    options
}

fn remove(path: &Path) -> Result<(), CommandError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(file(path, error)),
        _ => Ok(()),
    }
}

fn file(path: &Path, error: std::io::Error) -> CommandError {
    CommandError::File { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_is_one_processs_and_its_files_are_its_owners() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(place.path(), false).unwrap();
        let again = DataFolder::open(place.path(), true).unwrap_err();
        assert!(again.to_string().contains("is in use by another landfall"), "{again}");

        let database = folder.database().unwrap();
        assert_eq!(fs::metadata(database).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn keys_that_are_lost_while_there_are_users_are_not_made_anew() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(place.path(), false).unwrap();
        folder.secrets().await.unwrap();
        folder.database().unwrap();
        fs::remove_file(place.path().join(SECRETS)).unwrap();

        let lost = folder.secrets().await.unwrap_err();

        assert!(lost.to_string().contains("put the file back"), "{lost}");
        assert!(!place.path().join(SECRETS).exists());
    }
}
