//! What CI asks before it runs a test.

use anyhow::Result;

use crate::arguments::Arguments;
use crate::{layers, process, progress, tidy, workspace};

pub(crate) const HELP: &str = "
Usage: cargo xtask check

Format (rustfmt), lints (clippy on all targets, warnings are errors), layers, tidy. In this order, cheapest first
but for the lints, and all of them even when one fails.
";

type Step = fn(&mut Arguments) -> Result<()>;

/// Runs all checks.
pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    arguments.finish()?;
    let steps: [(&str, Step); 4] =
        [("format", |_| format()), ("layers", layers::run), ("tidy", tidy::run), ("lints", |_| lints())];
    let mut failed = Vec::new();
    for (name, step) in steps {
        if let Err(error) = progress::loud(name, || step(arguments)) {
            crate::interrupt::check()?;
            eprintln!("{error:#}");
            failed.push(name);
        }
    }
    anyhow::ensure!(failed.is_empty(), "these checks failed: {}", failed.join(", "));
    Ok(())
}

fn format() -> Result<()> {
    process::run(workspace::cargo().args(["fmt", "--all", "--check"]))
}

fn lints() -> Result<()> {
    let mut clippy = workspace::cargo();
    clippy.args(["clippy", "--locked", "--workspace", "--all-targets", "--", "--deny", "warnings"]);
    process::run(&mut clippy)
}
