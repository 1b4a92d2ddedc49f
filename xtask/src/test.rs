//! The whole suite, and the table at its end.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::postgres::{self, Postgres};
use crate::{check, end_to_end, interrupt, progress};

mod cargo_tests;
mod libtest;

pub(crate) const HELP: &str = "
Usage: cargo xtask test [--long] [--only check|cargo|e2e]

Runs everything: the checks (`cargo xtask check`), all cargo tests (the store's contract on SQLite and on Postgres),
and the end-to-end tests: the real binary, the emulator as AWS, and the clients that users have: openai, anthropic and
portkey-ai in Python and JavaScript, Vercel's AI SDK, LangChain, Claude Code.

  --long         100,000 random signatures against the independent verifier, and other long versions
  --only STAGE   one stage alone: check, cargo, e2e

Needs: curl, python3 with venv, node with npm, and Postgres (`initdb` and `postgres`), of which a throw-away server is started.
PORTCULLIS_TEST_POSTGRES_URL names a server to use instead; databases are created and dropped on it.
Nothing is ever skipped: what cannot be run is an error. The last line is `N passed, N failed`.
";

/// One line of the table.
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) duration: Duration,
}

impl Row {
    pub(crate) fn new(kind: &'static str, name: impl Into<String>) -> Self {
        Self { kind, name: name.into(), passed: 0, failed: 0, duration: Duration::ZERO }
    }

    fn of(check: check::Outcome) -> Self {
        let mut row = Self::new("check", check.name);
        row.count(check.passed);
        row.duration = check.duration;
        row
    }

    pub(crate) fn count(&mut self, passed: bool) {
        if passed { self.passed += 1 } else { self.failed += 1 }
    }
}

/// Whether long versions of tests run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Usual,
    Long,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Check,
    Cargo,
    EndToEnd,
}

/// Runs the suite.
pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let length = if arguments.flag("--long") { Length::Long } else { Length::Usual };
    let stages = stages(arguments)?;
    arguments.finish()?;
    let started = Instant::now();
    let mut table = Table::default();
    if stages.contains(&Stage::Check) {
        let outcomes = check::outcomes(arguments);
        table.add_stage("checks", outcomes.map(|outcomes| outcomes.into_iter().map(Row::of).collect()))?;
    }
    if stages != [Stage::Check] {
        run_tests(&stages, length, &mut table)?;
    }
    print!("{}", table.text(started.elapsed()));
    if table.failed() == 0 { Ok(()) } else { bail!("not everything passed") }
}

fn stages(arguments: &mut Arguments) -> Result<Vec<Stage>> {
    let Some(only) = arguments.path("--only")? else {
        return Ok(vec![Stage::Check, Stage::Cargo, Stage::EndToEnd]);
    };
    Ok(vec![match only.to_string_lossy().as_ref() {
        "check" => Stage::Check,
        "cargo" => Stage::Cargo,
        "e2e" => Stage::EndToEnd,
        other => bail!("there is no stage `{other}`: check, cargo or e2e"),
    }])
}

/// What needs a Postgres; it is stopped when this returns, however it returns.
fn run_tests(stages: &[Stage], length: Length, table: &mut Table) -> Result<()> {
    let postgres = Postgres::given_or_started()?;
    if stages.contains(&Stage::Cargo) {
        table.add_stage("cargo tests", cargo_tests::run(&postgres, length))?;
    }
    if stages.contains(&Stage::EndToEnd) {
        table.add_stage("end-to-end tests", end_to_end::run(&postgres))?;
    }
    Ok(())
}

/// Tells a test where the throw-away server is.
fn with_postgres<'a>(command: &'a mut Command, postgres: &Postgres) -> &'a mut Command {
    command.env(postgres::URL_VARIABLE, &postgres.url)
}

/// What came of everything.
#[derive(Default)]
struct Table(Vec<Row>);

impl Table {
    /// A stage that could not run at all counts as one failure, so that the stages after it still run.
    fn add_stage(&mut self, name: &str, result: Result<Vec<Row>>) -> Result<()> {
        interrupt::check()?;
        match result {
            Ok(rows) => self.0.extend(rows),
            Err(error) => {
                eprintln!("✗ {name}: {error:#}");
                let mut row = Row::new("stage", name);
                row.count(false);
                self.0.push(row);
            }
        }
        Ok(())
    }

    fn failed(&self) -> u64 {
        self.0.iter().map(|row| row.failed).sum()
    }

    fn text(&self, elapsed: Duration) -> String {
        let width = self.0.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(20);
        let mut text =
            format!("\n{:<12} {:<width$} {:>7} {:>7} {:>10}\n", "kind", "what", "passed", "failed", "time");
        for row in &self.0 {
            let time = progress::seconds(row.duration);
            let line = format!(
                "{:<12} {:<width$} {:>7} {:>7} {:>10}\n",
                row.kind, row.name, row.passed, row.failed, time
            );
            text.push_str(&line);
        }
        let passed: u64 = self.0.iter().map(|row| row.passed).sum();
        text.push_str(&format!(
            "\nin {}\n{passed} passed, {} failed\n",
            progress::seconds(elapsed),
            self.failed()
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_everything_and_a_broken_stage_is_a_failure() {
        let mut table = Table::default();
        let mut row = Row::new("unit", "portcullis-signer");
        (0..34).for_each(|_| row.count(true));
        table.add_stage("cargo tests", Ok(vec![row])).unwrap();
        table.add_stage("end-to-end tests", Err(anyhow::anyhow!("no python"))).unwrap();
        let text = table.text(Duration::from_secs(61));
        assert!(text.ends_with("\nin 1 min 01 s\n34 passed, 1 failed\n"), "{text}");
        assert!(text.contains("unit         portcullis-signer         34       0      0.0 s"), "{text}");
    }
}
