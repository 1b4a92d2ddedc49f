//! A file that says that a process is ready, for whoever started it.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

/// Takes away what an earlier process left, so that the file means this one.
///
/// # Errors
/// When there is something at this path that cannot be removed.
pub(crate) fn clear(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove the old ready file {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes `content` so that a reader sees all of it or nothing, and nobody else reads it: it may hold the admin key.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write(path: &Path, content: &serde_json::Value) -> Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".partial");
    let written = clear(beside.as_ref()).and_then(|()| {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(content.to_string().as_bytes())?;
        Ok(fs::rename(&beside, path)?)
    });
    written.with_context(|| format!("failed to write the ready file {}", path.display()))
}
