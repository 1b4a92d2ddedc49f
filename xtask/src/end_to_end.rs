//! The real binary, the emulator as AWS, and the real clients: once on SQLite, once on Postgres.
//!
//! This file starts the servers and reads what came of it; the tests themselves are Python, in `xtask/e2e`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::environment::without_settings;
use crate::postgres::Postgres;
use crate::scratch::Scratch;
use crate::stack::{Emulator, Gateway, GatewayOptions, Stack};
use crate::test::Row;
use crate::{process, progress, python, workspace};

/// Runs the end-to-end tests on both databases: beside each other, because most of the time they wait, for limits to
/// pass and for processes to stop.
pub(crate) fn run(postgres: &Postgres) -> Result<Vec<Row>> {
    let (binary, python) = (&*workspace::build_gateway()?, &*python::with_clients()?);
    progress::quiet("end-to-end on both databases (logs in target/e2e-logs)", || {
        let results = std::thread::scope(|scope| {
            let run = |store: Store| scope.spawn(move || store.run(binary, python, postgres));
            [Store::Sqlite, Store::Postgres].map(run).map(std::thread::ScopedJoinHandle::join)
        });
        let mut rows = Vec::new();
        for result in results {
            rows.extend(result.ok().context("a thread panicked")??);
        }
        Ok(rows)
    })
}

#[derive(Clone, Copy)]
enum Store {
    Sqlite,
    Postgres,
}

impl Store {
    fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    fn run(self, binary: &Path, python: &Path, postgres: &Postgres) -> Result<Vec<Row>> {
        let logs = fresh_log_folder(self.name())?;
        let stack = Stack { binary, folder: &logs };
        let data = Scratch::new("data")?;
        let database = match self {
            Self::Sqlite => None,
            Self::Postgres => Some(Database::create(python, &postgres.url)?),
        };
        let emulator = stack.start_emulator()?;
        let database_url = database.as_ref().map(|database| database.url.as_str());
        let options = GatewayOptions { database_url, ..GatewayOptions::at(data.path()) };
        let gateway = stack.start_gateway(&emulator, &options)?;
        let run = Run {
            store: self,
            binary,
            python,
            logs: &logs,
            postgres,
            emulator: &emulator,
            gateway: &gateway,
        };
        run.pytest()
    }
}

/// Logs stay after the run, for whoever wants to know why.
fn fresh_log_folder(name: &str) -> Result<PathBuf> {
    let folder = workspace::metadata()?.target_directory.join("e2e-logs").join(name).into_std_path_buf();
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A database of its own, so that a server that was given to us stays as it was.
struct Database<'a> {
    python: &'a Path,
    server_url: &'a str,
    name: String,
    url: String,
}

impl<'a> Database<'a> {
    fn create(python: &'a Path, server_url: &'a str) -> Result<Self> {
        let name = format!("portcullis_e2e_{}", std::process::id());
        let url =
            process::output_of(&mut database_script(python, "create", server_url, &name))?.trim().to_owned();
        Ok(Self { python, server_url, name, url })
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        if let Err(error) =
            process::run(&mut database_script(self.python, "drop", self.server_url, &self.name))
        {
            progress::note(format!("the database `{}` is left behind: {error:#}", self.name));
        }
    }
}

/// The URL holds a password, so it goes through the environment and not onto the command line.
fn database_script(python: &Path, verb: &str, server_url: &str, name: &str) -> Command {
    let mut command = Command::new(python);
    command.arg(workspace::root().join("xtask/e2e/database.py")).args([verb, name]);
    command.env("PORTCULLIS_E2E_POSTGRES_URL", server_url).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Everything one run of pytest needs.
struct Run<'a> {
    store: Store,
    binary: &'a Path,
    python: &'a Path,
    logs: &'a Path,
    postgres: &'a Postgres,
    emulator: &'a Emulator,
    gateway: &'a Gateway,
}

impl Run<'_> {
    fn pytest(&self) -> Result<Vec<Row>> {
        let results = self.logs.join("results.json");
        let mut command = Command::new(self.python);
        without_settings(&mut command).current_dir(workspace::root().join("xtask/e2e"));
        command.args(["-m", "pytest", "--quiet", "--tb=short", "-p", "no:cacheprovider"]);
        self.tell(&mut command, &results)?;
        // Its exit status says less than the results do, but a crash leaves no results.
        let said = process::listen_to(&mut command)?;
        if !said.success {
            eprintln!("end-to-end on {}:\n{}{}", self.store.name(), said.stdout, said.stderr);
        }
        let text = std::fs::read_to_string(&results).context("pytest left no results")?;
        let rows = rows_of(&text, self.store.name())?;
        let failed: u64 = rows.iter().map(|row| row.failed).sum();
        ensure!(said.success || failed > 0, "pytest failed outside of any test (see above)");
        Ok(rows)
    }

    fn tell(&self, command: &mut Command, results: &Path) -> Result<()> {
        let admin_key = self.gateway.admin_key.as_deref().context("the gateway generated no admin key")?;
        let aws: BTreeMap<_, _> = self.emulator.environment.iter().cloned().collect();
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PORTCULLIS_E2E_STORE", self.store.name())
            .env("PORTCULLIS_E2E_BINARY", self.binary)
            .env("PORTCULLIS_E2E_XTASK", std::env::current_exe()?)
            .env("PORTCULLIS_E2E_GATEWAY_URL", &self.gateway.address)
            .env("PORTCULLIS_E2E_EMULATOR_URL", &self.emulator.address)
            .env("PORTCULLIS_E2E_EMULATOR_ENV", serde_json::to_string(&aws)?)
            .env("PORTCULLIS_E2E_ADMIN_KEY", admin_key)
            .env("PORTCULLIS_E2E_POSTGRES_URL", &self.postgres.url)
            .env("PORTCULLIS_E2E_LOGS", self.logs)
            .env("PORTCULLIS_E2E_RESULTS", results);
        Ok(())
    }
}

/// The results that `conftest.py` wrote, one row a client. Whatever did not pass has failed: a skipped test is a test
/// that was not run.
fn rows_of(text: &str, store: &str) -> Result<Vec<Row>> {
    let results: Value = serde_json::from_str(text).context("the results of pytest are no JSON")?;
    let tests = results["tests"].as_array().context("the results of pytest have no `tests`")?;
    ensure!(!tests.is_empty(), "pytest found no tests");
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for test in tests {
        let client = test["client"].as_str().context("a result has no `client`")?;
        let row = rows.entry(client).or_insert_with(|| Row::new("end-to-end", format!("{client}, {store}")));
        row.count(test["outcome"] == "passed");
        row.duration +=
            Duration::try_from_secs_f64(test["seconds"].as_f64().unwrap_or(0.0)).unwrap_or_default();
    }
    Ok(rows.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_become_a_row_a_client_and_a_skipped_test_has_failed() {
        let text = r#"{"tests": [
            {"client": "openai", "outcome": "passed", "seconds": 0.25},
            {"client": "openai", "outcome": "skipped", "seconds": 0.25},
            {"client": "anthropic", "outcome": "passed", "seconds": 1}
        ]}"#;
        let rows = rows_of(text, "sqlite").unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.passed, row.failed)).collect();
        assert_eq!(told, [("anthropic, sqlite", 1, 0), ("openai, sqlite", 1, 1)]);
        assert_eq!(rows[1].duration, Duration::from_millis(500));
    }

    #[test]
    fn no_tests_at_all_is_an_error() {
        assert!(rows_of(r#"{"tests": []}"#, "sqlite").is_err());
    }
}
