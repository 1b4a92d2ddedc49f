//! A file that says that a process is ready, for whoever started it.

use std::path::Path;

use anyhow::{Context, Result};

/// Writes `content` so that a reader sees all of it or nothing.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write(path: &Path, content: &serde_json::Value) -> Result<()> {
    let beside = path.with_extension("partial");
    std::fs::write(&beside, content.to_string())
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("failed to write the ready file {}", path.display()))
}
