//! Known vulnerabilities, licences, sources and duplicates of everything we depend on.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::arguments::Arguments;
use crate::{process, progress, workspace};

pub(crate) const HELP: &str = "
Usage: cargo xtask supply-chain [--db DIR]

Runs cargo-deny (the policy is deny.toml) and cargo-audit over Cargo.lock.
Both are installed into target/tools first if they are not there in the version named in xtask/src/supply_chain.rs.

  --db DIR   a RustSec advisory database on disk, as a checkout or an unpacked archive; nothing is fetched then
";

/// The tools and the versions that are known to work.
const TOOLS: [(&str, &str); 2] = [("cargo-deny", "0.20.2"), ("cargo-audit", "0.22.2")];

/// Runs the check.
pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let database = arguments.path("--db")?;
    arguments.finish()?;
    let folder = workspace::metadata()?.target_directory.join("tools").into_std_path_buf();
    for (name, version) in TOOLS {
        install(&folder, name, version)?;
    }
    let programs = folder.join("bin");
    let database =
        database.map(|path| path.canonicalize().with_context(|| format!("no `{}`", path.display())));
    let database = database.transpose()?;
    let denied = progress::loud("cargo deny: bans, licences, sources", || {
        process::run(deny(&programs).args(["check", "bans", "licenses", "sources"]))
    });
    let audited =
        progress::loud("cargo audit: known vulnerabilities", || audit(&programs, database.as_deref()));
    denied.and(audited)
}

fn install(folder: &Path, name: &str, version: &str) -> Result<()> {
    if installed_version(&folder.join("bin").join(name))?.as_deref() == Some(version) {
        return Ok(());
    }
    progress::loud(&format!("installing {name} {version} into target/tools"), || {
        let mut cargo = workspace::cargo();
        cargo.args(["install", "--locked", "--force", "--root"]).arg(folder);
        process::run(cargo.arg(format!("{name}@{version}")))
    })
}

fn installed_version(program: &PathBuf) -> Result<Option<String>> {
    if !program.is_file() {
        return Ok(None);
    }
    let said = process::listen_to(Command::new(program).arg("--version"))?;
    Ok(said.stdout.split_whitespace().last().map(str::to_owned))
}

fn deny(programs: &Path) -> Command {
    let mut command = Command::new(programs.join("cargo-deny"));
    command.current_dir(workspace::root()).args(["--locked", "--workspace", "--all-features"]);
    command
}

fn audit(programs: &Path, database: Option<&Path>) -> Result<()> {
    let mut command = Command::new(programs.join("cargo-audit"));
    command.current_dir(workspace::root()).args(["audit", "--deny", "warnings"]);
    if let Some(database) = database {
        // A database on disk is taken as it is: no fetch, and no complaint about its age.
        command.args(["--no-fetch", "--stale", "--db"]).arg(database);
    }
    process::run(&mut command)
}
