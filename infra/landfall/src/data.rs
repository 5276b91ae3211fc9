//! The folder that keeps users, sessions and keys between two starts. One process at a time, its owner's alone.

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
/// What outlives a start, with what SQLite keeps beside its own.
const KEPT: [&str; 4] = ["dynamodb.sqlite-wal", "dynamodb.sqlite-shm", DATABASE, KEYS];

/// For its owner to read and write, for nobody else.
const OWNERS: u32 = 0o600;

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
        // Whoever else can write here puts a link where keys are about to be written.
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

    /// The issuer's keys, made at the first start. Users without the keys they came with are never given new ones: their
    /// sessions and tokens would all be void, and nobody told.
    pub async fn secrets(&self) -> Result<LocalSecrets, CommandError> {
        let path = self.path.join(KEYS);
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
        self.write(ENVIRONMENT, &lines)
    }

    /// Writes down the script of a login, in place of the one from the last start; `None` if there is none.
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

    /// The database's file. It is there from now on: SQLite gives what it makes beside it the same permissions.
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

/// A file of its owner's in the place of whatever was called that: what is there keeps its permissions, and a link leads
/// elsewhere.
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
    fn a_folder_is_one_processs_and_its_files_are_its_owners() {
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
    async fn what_is_there_already_becomes_its_owners_and_a_link_leads_nowhere() {
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
    async fn keys_that_are_lost_while_there_are_users_are_not_made_anew() {
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
