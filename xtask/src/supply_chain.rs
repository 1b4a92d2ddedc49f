//! Known vulnerabilities, licences, sources and duplicates of everything we depend on.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::arguments::Arguments;
use crate::{process, progress, tools, workspace};

pub(crate) const HELP: &str = "
Usage: cargo xtask supply-chain [--db DIR]

Runs cargo-deny (the policy is deny.toml) and cargo-audit over Cargo.lock.
Both are installed into target/tools first if they are not there in the version named in xtask/src/supply_chain.rs.

  --db DIR   a RustSec advisory database on disk, as a checkout or an unpacked archive; nothing is fetched then
";

const CARGO_DENY: &str = "0.20.2";
const CARGO_AUDIT: &str = "0.22.2";

/// Runs the check.
pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let database = arguments.path("--db")?;
    arguments.finish()?;
    let cargo_deny = tools::program("cargo-deny", CARGO_DENY)?;
    let cargo_audit = tools::program("cargo-audit", CARGO_AUDIT)?;
    let database =
        database.map(|path| path.canonicalize().with_context(|| format!("no `{}`", path.display())));
    let database = database.transpose()?;
    let denied = progress::loud("cargo deny: bans, licences, sources", || {
        process::run(deny(&cargo_deny).args(["check", "bans", "licenses", "sources"]))
    });
    let audited =
        progress::loud("cargo audit: known vulnerabilities", || audit(&cargo_audit, database.as_deref()));
    denied.and(audited)
}

fn deny(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root()).args(["--locked", "--workspace", "--all-features"]);
    command
}

fn audit(program: &Path, database: Option<&Path>) -> Result<()> {
    let mut command = Command::new(program);
    command.current_dir(workspace::root()).args(["audit", "--deny", "warnings"]);
    if let Some(database) = database {
        // A database on disk is taken as it is: no fetch, and no complaint about its age.
        command.args(["--no-fetch", "--stale", "--db"]).arg(database);
    }
    process::run(&mut command)
}
