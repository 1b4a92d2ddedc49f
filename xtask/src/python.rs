//! The real clients, from PyPI, in a virtual environment of our own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::environment::find_program;
use crate::{process, progress, workspace};

/// The Python that has the packages of `xtask/e2e/requirements.txt`, in `target/e2e-venv`. What is there is used again
/// for as long as the requirements and the interpreter are the same.
///
/// # Errors
/// When there is no Python, when it cannot make virtual environments, or when a package cannot be had.
pub(crate) fn with_clients() -> Result<PathBuf> {
    let requirements = workspace::root().join("xtask/e2e/requirements.txt");
    let folder = workspace::metadata()?.target_directory.join("e2e-venv").into_std_path_buf();
    let python =
        find_program("python3").context("the end-to-end tests need Python: there is no `python3`")?;
    let wanted = format!("{}\n{}", version(&python)?, std::fs::read_to_string(&requirements)?);
    let (stamp, own_python) = (folder.join("made-from"), folder.join("bin/python"));
    if own_python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == wanted) {
        return Ok(own_python);
    }
    progress::quiet("making a virtual environment for the real clients", || make(&python, &folder))?;
    progress::quiet("installing the clients for Python, LangChain and linters", || {
        let mut pip = Command::new(&own_python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"]);
        let said = process::listen_to(pip.arg(&requirements))?;
        if said.success { Ok(()) } else { bail!("`pip install` failed: {}{}", said.stdout, said.stderr) }
    })?;
    std::fs::write(&stamp, wanted)?;
    Ok(own_python)
}

fn version(python: &Path) -> Result<String> {
    let said = process::listen_to(Command::new(python).arg("--version"))?;
    let text = format!("{}{}", said.stdout, said.stderr).trim().to_owned();
    let number = text.strip_prefix("Python 3.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    match number {
        Some(minor) if minor >= 10 => Ok(text),
        _ => bail!("the end-to-end tests need Python 3.10 or later, `{}` is `{text}`", python.display()),
    }
}

fn make(python: &Path, folder: &Path) -> Result<()> {
    let said = process::listen_to(Command::new(python).args(["-m", "venv", "--clear"]).arg(folder))?;
    if said.success {
        return Ok(());
    }
    bail!(
        "Python cannot make a virtual environment (Debian: `apt-get install python3-venv`): {}{}",
        said.stdout,
        said.stderr
    )
}
