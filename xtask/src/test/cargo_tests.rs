//! Builds all test binaries at once, then runs them one by one: so each has its own line and its own time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
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
    let mut rows = Vec::new();
    for binary in &binaries {
        rows.extend(binary.run(postgres, length)?);
    }
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
            let kind = kind_of(&self.package, self.is_integration, verdict.path);
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

/// The store's contract is told apart by database; its tests have the database's name in their path.
fn kind_of(package: &str, is_integration: bool, path: &str) -> &'static str {
    match (is_integration, package) {
        (true, "portcullis-catalog") if path.contains("postgres") => "on Postgres",
        (true, "portcullis-catalog") if path.contains("sqlite") => "on SQLite",
        (true, _) => "integration",
        (false, _) => "unit",
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
    fn the_stores_contract_is_told_apart_by_database() {
        assert_eq!(kind_of("portcullis-catalog", true, "contract::postgres::keys"), "on Postgres");
        assert_eq!(kind_of("portcullis-catalog", true, "contract::sqlite::keys"), "on SQLite");
        assert_eq!(kind_of("portcullis-catalog", false, "url::postgres_is_parsed"), "unit");
        assert_eq!(kind_of("portcullis-gateway", true, "postgres"), "integration");
    }
}
