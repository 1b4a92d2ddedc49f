//! The directory for what the gateway keeps of its own: the embedded database and generated secrets.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use portcullis_catalog::KeyRing;
use portcullis_types::ExposeSecret;
use tracing::{info, warn};

const KEY_FILE: &str = "encryption-key";

/// A directory that only we can read.
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    /// Opens the directory, and makes it (0700) when it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(|| {
            format!("failed to make the data directory {} (PORTCULLIS_DATA_DIR)", path.display())
        })?;
        Ok(Self(path.into()))
    }

    /// The key that seals secrets in the database: from its file, or made and kept there (0600).
    pub(crate) fn encryption_key(&self) -> Result<KeyRing> {
        let path = self.0.join(KEY_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => {
                warn_if_others_can_read(&path);
                KeyRing::parse(text.trim())
                    .with_context(|| format!("{} holds no encryption key", path.display()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => self.make_encryption_key(&path),
            Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
        }
    }

    /// The file appears whole or not at all: another process that starts at this moment must not read half a key, and
    /// one that is killed must not leave half a key behind.
    fn make_encryption_key(&self, path: &Path) -> Result<KeyRing> {
        let keys = KeyRing::generate().context("the operating system has no randomness")?;
        let beside = self.0.join(format!("{KEY_FILE}.{}", std::process::id()));
        let made =
            write_new(&beside, keys.to_text().expose_secret()).and_then(|()| fs::hard_link(&beside, path));
        let _ = fs::remove_file(&beside);
        match made {
            Ok(()) => {}
            // Another process was first: its key is the one.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return self.encryption_key(),
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("failed to make {} (PORTCULLIS_DATA_DIR)", path.display()));
            }
        }
        // Without it a power cut could take the key and leave what it sealed.
        fs::File::open(&self.0)
            .and_then(|folder| folder.sync_all())
            .context("failed to sync the data directory")?;
        info!(
            "made an encryption key in {}: keep it with the database's backups, or set PORTCULLIS_ENCRYPTION_KEY",
            path.display()
        );
        Ok(keys)
    }
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    // A process of the same number may have been killed here.
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn warn_if_others_can_read(path: &Path) {
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        warn!("{} can be read by others (mode {:o}); it should be 0600", path.display(), mode & 0o777);
    }
}

/// Whether there is a key to find, for commands that must not make one.
pub(crate) fn existing_key(data_dir: &Path) -> Result<KeyRing> {
    if !data_dir.join(KEY_FILE).exists() {
        bail!(
            "there is no encryption key: neither PORTCULLIS_ENCRYPTION_KEY nor {} (start the gateway once, or set the variable)",
            data_dir.join(KEY_FILE).display()
        );
    }
    DataDir::open(data_dir)?.encryption_key()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_we_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        DataDir::open(&path).unwrap().encryption_key().unwrap();
        let first = fs::read_to_string(path.join(KEY_FILE)).unwrap();
        DataDir::open(&path).unwrap().encryption_key().unwrap();
        assert_eq!(fs::read_to_string(path.join(KEY_FILE)).unwrap(), first);
        assert_eq!(fs::metadata(path.join(KEY_FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_damaged_key_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(KEY_FILE), "not a key").unwrap();
        let error = format!("{:#}", DataDir::open(dir.path()).unwrap().encryption_key().expect_err("no key"));
        assert!(error.contains(KEY_FILE) && !error.contains("not a key"), "{error}");
    }

    #[test]
    fn a_command_that_must_not_make_a_key_says_where_one_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let error = existing_key(dir.path()).expect_err("no key").to_string();
        assert!(error.contains("PORTCULLIS_ENCRYPTION_KEY"), "{error}");
    }
}
