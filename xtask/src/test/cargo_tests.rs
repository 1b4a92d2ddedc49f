//! Builds all test binaries at once, then runs them as cargo would, but some beside each other, since many wait for
//! databases and limits; each has its own line and its own time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use cargo_metadata::{Message, TargetKind};

use super::{Length, Row, libtest, with_postgres};
use crate::postgres::Postgres;
use crate::{process, progress, workspace};

/// Set for tests that have a long version.
const LONG_VARIABLE: &str = "PORTCULLIS_LONG_TESTS";
/// Its long version signs 100,000 requests, which only an optimised build does in reasonable time.
const OPTIMISED_WHEN_LONG: &str = "portcullis-signer";

/// One program full of tests.
struct TestBinary {
    package: String,
    /// Where `cargo test` would run it.
    folder: PathBuf,
    is_integration: bool,
    program: PathBuf,
}

/// Runs all cargo tests of the workspace.
pub(super) fn run(postgres: &Postgres, length: Length) -> Result<Vec<Row>> {
    let mut binaries = progress::loud("building all tests", || build(&["--workspace"]))?;
    if length == Length::Long {
        binaries.retain(|binary| binary.package != OPTIMISED_WHEN_LONG);
        let optimised = ["--package", OPTIMISED_WHEN_LONG, "--release"];
        binaries.extend(progress::loud("building the signer's tests, optimised", || build(&optimised))?);
    }
    let mut rows = run_all(&binaries, postgres, length)?;
    rows.extend(documentation_tests()?);
    ensure!(rows.iter().any(|row| row.passed + row.failed > 0), "not a single test was run");
    Ok(rows)
}

fn build(selection: &[&str]) -> Result<Vec<TestBinary>> {
    let mut cargo = workspace::cargo();
    cargo
        .args(["test", "--locked", "--no-run", "--message-format", "json-render-diagnostics"])
        .args(selection);
    let messages = process::output_of(&mut cargo)?;
    let mut binaries = Vec::new();
    for message in Message::parse_stream(messages.as_bytes()) {
        let Message::CompilerArtifact(artifact) = message? else { continue };
        let Some(program) = artifact.executable.filter(|_| artifact.profile.test) else { continue };
        let folder = artifact.manifest_path.parent().context("a manifest lies in a folder")?;
        binaries.push(TestBinary {
            package: folder.file_name().context("a package's folder has its name")?.to_owned(),
            folder: folder.into(),
            is_integration: artifact.target.kind.contains(&TargetKind::Test),
            program: program.into(),
        });
    }
    binaries.sort_by(|a, b| (a.is_integration, &a.package).cmp(&(b.is_integration, &b.package)));
    Ok(binaries)
}

/// Runs the binaries, as many at once as there are processors; the last ones, which take longest, first.
fn run_all(binaries: &[TestBinary], postgres: &Postgres, length: Length) -> Result<Vec<Row>> {
    let left: Mutex<Vec<_>> = Mutex::new(binaries.iter().enumerate().collect());
    let take = || left.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let work = || {
        let numbered = std::iter::from_fn(take);
        numbered.map(|(number, binary)| (number, binary.run(postgres, length))).collect::<Vec<_>>()
    };
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let results = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(|worker| worker.join().ok().context("a thread panicked"));
        joined.collect::<Result<Vec<_>>>()
    })?;
    let mut results: Vec<_> = results.into_iter().flatten().collect();
    results.sort_by_key(|(number, _)| *number);
    let mut rows = Vec::new();
    for (_, result) in results {
        rows.extend(result?);
    }
    Ok(rows)
}

impl TestBinary {
    fn run(&self, postgres: &Postgres, length: Length) -> Result<Vec<Row>> {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        if length == Length::Long {
            command.env(LONG_VARIABLE, "1");
        }
        let kind = if self.is_integration { "integration" } else { "unit" };
        let started = Instant::now();
        let said = progress::quiet(&format!("{}, {kind}", self.package), || {
            let said = process::listen_to(with_postgres(&mut command, postgres))?;
            if !said.success {
                eprintln!("{}{}", said.stdout, said.stderr);
            }
            Ok(said)
        })?;
        let verdicts =
            libtest::verdicts(&said.stdout).map_err(|error| anyhow!("{}: {error}", self.package))?;
        let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
        for verdict in verdicts {
            let kind = kind_of(self.is_integration, verdict.path);
            rows.entry(kind).or_insert_with(|| Row::new(kind, &self.package)).count(verdict.passed);
        }
        // The tests run beside each other, so the time is the binary's; it stands in its first row.
        if let Some(row) = rows.values_mut().next() {
            row.duration = started.elapsed();
        }
        let failed: u64 = rows.values().map(|row| row.failed).sum();
        ensure!(said.success || failed > 0, "{} failed outside of any test", self.package);
        Ok(rows.into_values().collect())
    }
}

/// A contract that holds on both databases is told apart by the database: the part of a test's path that names it.
fn kind_of(is_integration: bool, path: &str) -> &'static str {
    let has_part = |names: [&str; 2]| path.split("::").any(|part| names.contains(&part));
    match is_integration {
        true if has_part(["postgres", "on_postgres"]) => "on Postgres",
        true if has_part(["sqlite", "on_sqlite"]) => "on SQLite",
        true => "integration",
        false => "unit",
    }
}

fn documentation_tests() -> Result<Vec<Row>> {
    let mut cargo = workspace::cargo();
    cargo.args([
        "test",
        "--locked",
        "--workspace",
        "--doc",
        "--no-fail-fast",
        "--quiet",
        "--",
        "--format=pretty",
    ]);
    let started = Instant::now();
    let said = progress::quiet("documentation tests", || process::listen_to(&mut cargo))?;
    let (passed, failed) = libtest::totals(&said.stdout);
    if !said.success {
        eprintln!("{}{}", said.stdout, said.stderr);
        ensure!(failed > 0, "the documentation tests could not be run");
    }
    Ok(vec![Row { kind: "doc", name: "workspace".into(), passed, failed, duration: started.elapsed() }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_is_told_apart_by_database() {
        assert_eq!(kind_of(true, "api_keys::on_postgres::a_key_names_its_caller"), "on Postgres");
        assert_eq!(kind_of(true, "providers::sqlite::a_slug_is_taken_once"), "on SQLite");
        assert_eq!(kind_of(true, "properties::any_body_is_answered::postgres"), "on Postgres");
        assert_eq!(kind_of(true, "outages::a_postgres_that_is_away"), "integration");
        assert_eq!(kind_of(false, "url::postgres::is_parsed"), "unit");
    }
}
