//! The real clients of JavaScript, from npm, in a folder of our own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::environment::find_program;
use crate::{process, progress, workspace};

/// Node 20 runs the newest versions of the clients that are pinned, and its test runner takes a concurrency.
const OLDEST_MAJOR: u32 = 20;

/// Node, and where tests lie that find the clients.
pub(crate) struct Node {
    /// The program.
    pub(crate) program: PathBuf,
    /// The tests, beside the packages they import.
    pub(crate) tests: PathBuf,
}

/// Installs the packages of `xtask/e2e/node/package-lock.json` into `target/e2e-node`, unless they are there, and puts
/// the tests beside them: a module finds its packages in the folders above it.
///
/// # Errors
/// When there is no Node or npm, when Node is too old, or when a package cannot be had.
pub(crate) fn with_clients() -> Result<Node> {
    let sources = workspace::root().join("xtask/e2e/node");
    let folder = workspace::metadata()?.target_directory.join("e2e-node").into_std_path_buf();
    let program = wanted("node")?;
    let lock = std::fs::read_to_string(sources.join("package-lock.json"))?;
    let made_from = format!("{}\n{lock}", version(&program)?);
    let stamp = folder.join("made-from");
    if !std::fs::read_to_string(&stamp).is_ok_and(|before| before == made_from) {
        install(&sources, &folder)?;
        std::fs::write(&stamp, made_from)?;
    }
    let tests = folder.join("tests");
    copy_tests(&sources, &tests)?;
    Ok(Node { program, tests })
}

fn wanted(name: &str) -> Result<PathBuf> {
    find_program(name).with_context(|| {
        format!("the end-to-end tests need Node {OLDEST_MAJOR} or later with npm: there is no `{name}`")
    })
}

fn version(node: &Path) -> Result<String> {
    let text = process::output_of(Command::new(node).arg("--version"))?.trim().to_owned();
    let major = text.strip_prefix('v').and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    match major {
        Some(major) if major >= OLDEST_MAJOR => Ok(text),
        _ => {
            bail!("the end-to-end tests need Node {OLDEST_MAJOR} or later, `{}` is `{text}`", node.display())
        }
    }
}

/// No package's own script runs: what they would do is not needed, and nobody here has read them.
fn install(sources: &Path, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(sources.join(name), folder.join(name))?;
    }
    let mut npm = Command::new(wanted("npm")?);
    npm.current_dir(folder);
    npm.args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--loglevel=error",
    ]);
    progress::quiet("installing the clients for Node and Claude Code (580 MB)", || {
        let said = process::listen_to(&mut npm)?;
        if said.success { Ok(()) } else { bail!("`npm ci` failed: {}{}", said.stdout, said.stderr) }
    })
}

/// Whole, so that a test that is gone from the sources is gone here too.
fn copy_tests(sources: &Path, tests: &Path) -> Result<()> {
    if tests.exists() {
        std::fs::remove_dir_all(tests)?;
    }
    std::fs::create_dir_all(tests)?;
    for entry in std::fs::read_dir(sources)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "js") {
            std::fs::copy(&path, tests.join(path.file_name().context("a file has a name")?))?;
        }
    }
    Ok(())
}
