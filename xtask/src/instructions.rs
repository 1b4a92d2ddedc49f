//! Instructions that one translation, one event, one splice costs: a figure that does not depend on what else the
//! machine does.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::arguments::Arguments;
use crate::{process, progress, workspace};

pub(crate) const HELP: &str = "
Usage: cargo xtask instructions

Builds the example `instructions` of portcullis-provider, runs each of its cases twice under valgrind's callgrind, with
different counts, and prints the difference by one: user-space instructions. Needs valgrind (apt install valgrind).
";

/// Far enough apart that the making of the input does not show.
const FEW: u64 = 200;
const MANY: u64 = 1_200;

/// Runs the count.
pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    arguments.finish()?;
    progress::loud("building portcullis-provider, optimised", || {
        let mut cargo = workspace::cargo();
        cargo.args(["build", "--locked", "--release", "--package", "portcullis-provider"]);
        process::run(cargo.args(["--example", "instructions"]))
    })?;
    let program = workspace::metadata()?.target_directory.join("release/examples/instructions");
    let program = program.as_std_path();
    let cases = process::listen_to(&mut Command::new(program))?.stdout;
    println!("| one | instructions |\n|---|---|");
    for case in cases.lines() {
        let (few, many) = (count(program, case, FEW)?, count(program, case, MANY)?);
        println!("| {case} | {} |", many.saturating_sub(few) / (MANY - FEW));
    }
    Ok(())
}

/// What callgrind counts over the whole program.
fn count(program: &Path, case: &str, n: u64) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    let said = process::listen_to(valgrind.args([case, &n.to_string()]))
        .context("valgrind cannot be run; is it installed (apt install valgrind)?")?;
    let collected = said.stderr.lines().find_map(|line| line.split_once("Collected : "));
    let (_, figure) = collected.with_context(|| format!("callgrind counted nothing:\n{}", said.stderr))?;
    let figure = figure.trim().parse()?;
    ensure!(figure > 0, "callgrind counted no instruction");
    Ok(figure)
}
