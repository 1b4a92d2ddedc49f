//! Where things lie.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};

use crate::{environment, process, progress};

/// The top of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

/// What cargo knows of the workspace, the locked dependencies included.
pub(crate) fn metadata() -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).other_options(["--locked".to_owned()]);
    command.exec().context("cannot read the workspace")
}

/// cargo itself, in the root: the one that runs us, so that a toolchain chosen with `+` holds.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(environment::variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    command.current_dir(root());
    command
}

/// Every file of the repository that git knows or would take, relative to the root.
pub(crate) fn files() -> Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.current_dir(root()).args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let listed = process::output_of(&mut git).context("cannot list the repository's files")?;
    let mut files: Vec<PathBuf> =
        listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    // A deleted file is listed until its deletion is committed.
    files.retain(|file| root().join(file).is_file());
    files.sort();
    Ok(files)
}

/// Builds the gateway's binary and says where it lies.
pub(crate) fn build_gateway() -> Result<PathBuf> {
    progress::loud("building the gateway (the first time takes minutes)", || {
        process::run(cargo().args(["build", "--locked", "--package", "portcullis"]))
    })?;
    gateway_binary()
}

/// The gateway's binary as it was built last.
pub(crate) fn gateway_binary() -> Result<PathBuf> {
    let binary = metadata()?.target_directory.join("debug").join("portcullis").into_std_path_buf();
    anyhow::ensure!(binary.is_file(), "there is no `{}`: build it first", binary.display());
    Ok(binary)
}
