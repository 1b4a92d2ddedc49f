//! What CI asks before it runs a test.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::arguments::Arguments;
use crate::{layers, process, progress, tidy, workspace};

pub(crate) const HELP: &str = "
Usage: cargo xtask check

Format (rustfmt), lints (clippy on all targets, warnings are errors), layers, tidy. In this order, cheapest first
but for the lints, and all of them even when one fails.
";

type Step = fn(&mut Arguments) -> Result<()>;

/// One check and how it ended.
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) passed: bool,
    pub(crate) duration: Duration,
}

/// Runs all checks.
pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let outcomes = outcomes(arguments)?;
    let failed: Vec<&str> = outcomes.iter().filter(|outcome| !outcome.passed).map(|it| it.name).collect();
    anyhow::ensure!(failed.is_empty(), "these checks failed: {}", failed.join(", "));
    Ok(())
}

/// Runs all checks, and says of each how it ended.
pub(crate) fn outcomes(arguments: &mut Arguments) -> Result<Vec<Outcome>> {
    arguments.finish()?;
    let steps: [(&str, Step); 4] =
        [("format", |_| format()), ("layers", layers::run), ("tidy", tidy::run), ("lints", |_| lints())];
    let mut outcomes = Vec::new();
    for (name, step) in steps {
        let started = Instant::now();
        let result = progress::loud(name, || step(arguments));
        crate::interrupt::check()?;
        if let Err(error) = &result {
            eprintln!("{error:#}");
        }
        outcomes.push(Outcome { name, passed: result.is_ok(), duration: started.elapsed() });
    }
    Ok(outcomes)
}

/// The targets of `fuzz/` are no members, but a check of their form compiles nothing.
fn format() -> Result<()> {
    process::run(workspace::cargo().args(["fmt", "--all", "--check"]))?;
    process::run(workspace::cargo().args(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
}

fn lints() -> Result<()> {
    let mut clippy = workspace::cargo();
    clippy.args(["clippy", "--locked", "--workspace", "--all-targets", "--", "--deny", "warnings"]);
    process::run(&mut clippy)
}
