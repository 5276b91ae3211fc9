//! The folder that keeps users, sessions and keys between two starts. One process uses it at a time, and only its owner can
//! read it.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws::{SystemClock, SystemEntropy};
use tokens::{KeyKind, Keys};

use crate::error::CommandError;
use crate::secrets::LocalSecrets;

const LOCK: &str = "lock";
const KEYS: &str = "keys.json";
const DATABASE: &str = "dynamodb.sqlite";
/// See [`DataFolder::write_environment`].
pub const ENVIRONMENT: &str = "functions.env";
/// See [`DataFolder::write_login`].
pub const LOGIN: &str = "login.sh";
/// The files that outlive a start, SQLite's own among them.
const KEPT: [&str; 4] = ["dynamodb.sqlite-wal", "dynamodb.sqlite-shm", DATABASE, KEYS];

/// Only the owner reads and writes.
const OWNERS: u32 = 0o600;

/// A data folder in use by this process.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Released when the process ends, however it ends.
    _lock: File,
}

impl DataFolder {
    /// Locks the folder for this process, and deletes what is in it if `reset`.
    pub fn open(path: &Path, reset: bool) -> Result<Self, CommandError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| file(path, error))?;
        // Another user who can write here could put a link where keys are about to be written.
        let folder = fs::metadata(path).map_err(|error| file(path, error))?;
        if folder.uid() != rustix::process::geteuid().as_raw() || folder.mode() & 0o022 != 0 {
            return Err(CommandError::DataShared { path: path.to_owned() });
        }
        let lock_path = path.join(LOCK);
        let lock = private().open(&lock_path).map_err(|error| file(&lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CommandError::DataInUse { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(file(&lock_path, error)),
        }
        for name in KEPT {
            let kept = path.join(name);
            let done =
                if reset { fs::remove_file(&kept) } else { fs::set_permissions(&kept, Permissions::from_mode(OWNERS)) };
            done.or_else(unless_missing).map_err(|error| file(&kept, error))?;
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The issuer's keys, made at the first start. If there are users already, missing keys are an error: new ones would
    /// silently invalidate every session and token.
    pub async fn secrets(&self) -> Result<LocalSecrets, CommandError> {
        let path = self.path.join(KEYS);
        let has_users = self.path.join(DATABASE).exists();
        let secrets = match path.exists() {
            false if has_users => LocalSecrets::default(),
            _ => LocalSecrets::open(&path, &SystemEntropy)?,
        };
        // Read here, where the error can name the file.
        let cx = aws::context(Arc::new(SystemClock), &SystemEntropy);
        Keys::load(&cx, &secrets, KeyKind::ALL).await.map_err(|error| CommandError::KeysLost { path, error })?;
        Ok(secrets)
    }

    /// Writes the variables that functions in other processes need, for `cargo lambda watch --env-file`.
    pub fn write_environment(&self, variables: &[(&str, String)]) -> Result<(), CommandError> {
        let lines: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        self.write(ENVIRONMENT, &lines)
    }

    /// Writes the script of a login over the one from the last start; `None` deletes that.
    pub fn write_login(&self, script: Option<&str>) -> Result<(), CommandError> {
        if let Some(script) = script {
            return self.write(LOGIN, script);
        }
        let path = self.path.join(LOGIN);
        fs::remove_file(&path).or_else(unless_missing).map_err(|error| file(&path, error))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), CommandError> {
        let path = self.path.join(name);
        let written = create_anew(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| file(&path, error))
    }

    /// The database's file, created here: SQLite gives the files that it makes beside it the same permissions.
    pub fn database(&self) -> Result<PathBuf, CommandError> {
        let path = self.path.join(DATABASE);
        private().open(&path).map_err(|error| file(&path, error))?;
        Ok(path)
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(OWNERS);
    options
}

/// A new file that only its owner can read. What has this name is deleted first: an old file would keep its permissions,
/// and a link would lead elsewhere.
pub(crate) fn create_anew(path: &Path) -> std::io::Result<File> {
    fs::remove_file(path).or_else(unless_missing)?;
    OpenOptions::new().write(true).create_new(true).mode(OWNERS).open(path)
}

fn unless_missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn file(path: &Path, error: std::io::Error) -> CommandError {
    CommandError::File { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn one_process_uses_a_folder_and_its_owner_reads_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(place.path(), false).unwrap();
        let again = DataFolder::open(place.path(), true).unwrap_err();
        assert!(again.to_string().contains("is in use by another landfall"), "{again}");

        assert_eq!(mode(&folder.database().unwrap()), 0o600);
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_refused() {
        let place = tempfile::tempdir().unwrap();
        for (mode, is_refused) in [(0o777, true), (0o1777, true), (0o775, true), (0o702, true), (0o755, false)] {
            fs::set_permissions(place.path(), Permissions::from_mode(mode)).unwrap();
            let opened = DataFolder::open(place.path(), false);
            assert_eq!(matches!(opened, Err(CommandError::DataShared { .. })), is_refused, "{mode:o}: {opened:?}");
            assert_eq!(place.path().join(LOCK).exists(), !is_refused);
        }
    }

    #[tokio::test]
    async fn old_files_become_private_and_links_are_not_followed() {
        let (place, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (inside, outside) = (|name: &str| place.path().join(name), elsewhere.path().join("planted"));
        LocalSecrets::open(&inside(KEYS), &SystemEntropy).unwrap();
        fs::write(inside(DATABASE), "").unwrap();
        for name in [KEYS, DATABASE] {
            fs::set_permissions(inside(name), Permissions::from_mode(0o644)).unwrap();
        }
        fs::write(&outside, "planted").unwrap();
        for name in ["keys.new", ENVIRONMENT] {
            symlink(&outside, inside(name)).unwrap();
        }

        let folder = DataFolder::open(place.path(), false).unwrap();
        folder.secrets().await.unwrap().put("keys/signing", "another".into()).unwrap();
        folder.write_environment(&[("NAME", "value".to_owned())]).unwrap();

        for name in [KEYS, DATABASE, ENVIRONMENT] {
            assert_eq!(mode(&inside(name)), 0o600, "{name}");
            assert!(fs::symlink_metadata(inside(name)).unwrap().is_file(), "{name}");
        }
        assert!(fs::read_to_string(inside(KEYS)).unwrap().contains("another"));
        assert_eq!(fs::read_to_string(&outside).unwrap(), "planted");

        fs::set_permissions(inside(ENVIRONMENT), Permissions::from_mode(0o644)).unwrap();
        folder.write_environment(&[]).unwrap();
        assert_eq!(mode(&inside(ENVIRONMENT)), 0o600);
    }

    #[tokio::test]
    async fn lost_keys_are_not_replaced_while_there_are_users() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(place.path(), false).unwrap();
        folder.secrets().await.unwrap();
        folder.database().unwrap();
        fs::remove_file(place.path().join(KEYS)).unwrap();

        let lost = folder.secrets().await.unwrap_err();

        assert!(lost.to_string().contains("put the file back"), "{lost}");
        assert!(!place.path().join(KEYS).exists());
    }
}
