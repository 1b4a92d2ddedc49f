//! The real binary, the emulator as AWS, and the real clients: on SQLite and on Postgres, from Python and from Node.
//!
//! This file starts the servers and has the tests run; `results` reads what came of them. The tests themselves are
//! Python in `xtask/e2e` and JavaScript in `xtask/e2e/node`. Each of the four runs has a gateway, an emulator and a
//! database of its own, so that none sees another's requests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::environment::without_settings;
use crate::node::Node;
use crate::postgres::Postgres;
use crate::scratch::Scratch;
use crate::stack::{Emulator, Gateway, GatewayOptions, Stack};
use crate::test::Row;
use crate::{node, process, progress, python, workspace};

mod results;

/// Runs the end-to-end tests on both databases and in both languages: beside each other, because most of the time they
/// wait, for limits to pass and for processes to stop.
pub(crate) fn run(postgres: &Postgres) -> Result<Vec<Row>> {
    let tools = Tools::prepare(postgres)?;
    progress::quiet("end-to-end on both databases (logs in target/e2e-logs)", || {
        let results = std::thread::scope(|scope| {
            let tools = &tools;
            let run = |run: Run| scope.spawn(move || run.run(tools));
            Run::ALL.map(run).map(std::thread::ScopedJoinHandle::join)
        });
        let mut rows = Vec::new();
        for result in results {
            rows.extend(result.ok().context("a thread panicked")??);
        }
        Ok(rows)
    })
}

/// What every run uses.
struct Tools<'a> {
    binary: PathBuf,
    python: PathBuf,
    node: Node,
    postgres: &'a Postgres,
}

impl<'a> Tools<'a> {
    /// The clients are fetched while the gateway is built: one waits for the network, the other for the processor.
    fn prepare(postgres: &'a Postgres) -> Result<Self> {
        std::thread::scope(|scope| {
            let python = scope.spawn(python::with_clients);
            let node = scope.spawn(node::with_clients);
            let binary = workspace::build_gateway()?;
            let python = python.join().ok().context("a thread panicked")??;
            let node = node.join().ok().context("a thread panicked")??;
            Ok(Self { binary, python, node, postgres })
        })
    }
}

/// In which language the tests are written.
#[derive(Clone, Copy)]
enum Language {
    Python,
    Node,
}

impl Language {
    fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
        }
    }
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
}

/// All tests of one language against one store.
#[derive(Clone, Copy)]
struct Run(Language, Store);

impl Run {
    const ALL: [Self; 4] = [
        Self(Language::Python, Store::Sqlite),
        Self(Language::Python, Store::Postgres),
        Self(Language::Node, Store::Sqlite),
        Self(Language::Node, Store::Postgres),
    ];

    fn run(self, tools: &Tools<'_>) -> Result<Vec<Row>> {
        let Self(language, store) = self;
        let logs = fresh_log_folder(store, language)?;
        let stack = Stack { binary: &tools.binary, folder: &logs };
        let data = Scratch::new("data")?;
        let database = match store {
            Store::Sqlite => None,
            Store::Postgres => Some(Database::create(tools, language)?),
        };
        let emulator = stack.start_emulator()?;
        let database_url = database.as_ref().map(|database| database.url.as_str());
        let options = GatewayOptions { database_url, ..GatewayOptions::at(data.path()) };
        let gateway = stack.start_gateway(&emulator, &options)?;
        let results = logs.join("results.json");
        let mut tests = match language {
            Language::Python => pytest(tools),
            Language::Node => node_test(tools, &results),
        };
        self.tell(&mut tests, tools, &emulator, &gateway)?;
        tests.env("PORTCULLIS_E2E_LOGS", &logs).env("PORTCULLIS_E2E_RESULTS", &results);
        self.judge(&mut tests, &results)
    }

    fn tell(
        self,
        tests: &mut Command,
        tools: &Tools<'_>,
        emulator: &Emulator,
        gateway: &Gateway,
    ) -> Result<()> {
        let admin_key = gateway.admin_key.as_deref().context("the gateway generated no admin key")?;
        let aws: BTreeMap<_, _> = emulator.environment.iter().cloned().collect();
        tests
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PORTCULLIS_E2E_STORE", self.1.name())
            .env("PORTCULLIS_E2E_BINARY", &tools.binary)
            .env("PORTCULLIS_E2E_XTASK", std::env::current_exe()?)
            .env("PORTCULLIS_E2E_GATEWAY_URL", &gateway.address)
            .env("PORTCULLIS_E2E_EMULATOR_URL", &emulator.address)
            .env("PORTCULLIS_E2E_EMULATOR_ENV", serde_json::to_string(&aws)?)
            .env("PORTCULLIS_E2E_ADMIN_KEY", admin_key)
            .env("PORTCULLIS_E2E_POSTGRES_URL", &tools.postgres.url);
        Ok(())
    }

    /// Runs the tests. Their exit status says less than the results do, but a crash leaves no results.
    fn judge(self, tests: &mut Command, results: &Path) -> Result<Vec<Row>> {
        let Self(language, store) = self;
        let said = process::listen_to(tests)?;
        if !said.success {
            eprintln!("end-to-end on {}, {}:\n{}{}", store.name(), language.name(), said.stdout, said.stderr);
        }
        let text = std::fs::read_to_string(results)
            .with_context(|| format!("the tests in {} left no results", language.name()))?;
        let rows = results::rows_of(&text, store.name())?;
        let failed: u64 = rows.iter().map(|row| row.failed).sum();
        ensure!(said.success || failed > 0, "{} failed outside of any test (see above)", language.name());
        Ok(rows)
    }
}

fn pytest(tools: &Tools<'_>) -> Command {
    let mut command = Command::new(&tools.python);
    without_settings(&mut command).current_dir(workspace::root().join("xtask/e2e"));
    command.args(["-m", "pytest", "--quiet", "--tb=short", "-p", "no:cacheprovider"]);
    command
}

/// Two files at once: each is a process that mostly waits for the gateway, after it has loaded its client.
fn node_test(tools: &Tools<'_>, results: &Path) -> Command {
    let mut command = Command::new(&tools.node.program);
    without_settings(&mut command).current_dir(&tools.node.tests);
    command.args(["--test", "--test-concurrency=2"]);
    command.args(["--test-reporter=spec", "--test-reporter-destination=stdout"]);
    command.arg("--test-reporter=./reporter.js").arg("--test-reporter-destination").arg(results);
    command
}

/// Logs stay after the run, for whoever wants to know why.
fn fresh_log_folder(store: Store, language: Language) -> Result<PathBuf> {
    let logs = workspace::metadata()?.target_directory.join("e2e-logs");
    let folder = logs.join(format!("{}-{}", store.name(), language.name())).into_std_path_buf();
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
    fn create(tools: &'a Tools<'_>, language: Language) -> Result<Self> {
        let (python, server_url) = (&*tools.python, &*tools.postgres.url);
        let name = format!("portcullis_e2e_{}_{}", language.name(), std::process::id());
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
