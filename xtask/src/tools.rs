//! Cargo's tools of others, in versions that are known to work, in `target/tools`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{process, progress, workspace};

/// The program of a tool, installed first if it is not there in this version.
pub(crate) fn program(name: &str, version: &str) -> Result<PathBuf> {
    let folder = workspace::metadata()?.target_directory.join("tools").into_std_path_buf();
    let program = folder.join("bin").join(name);
    if installed_version(&program)?.as_deref() != Some(version) {
        progress::loud(&format!("installing {name} {version} into target/tools"), || {
            let mut cargo = workspace::cargo();
            cargo.args(["install", "--locked", "--force", "--root"]).arg(&folder);
            process::run(cargo.arg(format!("{name}@{version}")))
        })?;
    }
    Ok(program)
}

fn installed_version(program: &Path) -> Result<Option<String>> {
    if !program.is_file() {
        return Ok(None);
    }
    let said = process::listen_to(Command::new(program).arg("--version"))?;
    Ok(said.stdout.split_whitespace().last().map(str::to_owned))
}
