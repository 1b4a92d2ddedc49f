//! Emulator and gateway: the real binary, started and ready.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use crate::environment::without_settings;
use crate::process::{Service, Stop};

/// How long a server may take until it listens. Both need milliseconds; a loaded machine is no reason to fail.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Stands in for AWS.
pub(crate) struct Emulator {
    _service: Service,
    /// `http://127.0.0.1:port`, for STS, the Messages API and the emulator's own control API.
    pub(crate) address: String,
    /// What a gateway's environment must say to use it.
    pub(crate) environment: Vec<(String, String)>,
}

/// The gateway under test.
pub(crate) struct Gateway {
    _service: Service,
    /// `http://127.0.0.1:port`.
    pub(crate) address: String,
    /// Set when the gateway generated it: at the first start on a new database.
    pub(crate) admin_key: Option<String>,
}

/// What a gateway is started with.
pub(crate) struct GatewayOptions<'a> {
    pub(crate) data_folder: &'a Path,
    pub(crate) database_url: Option<&'a str>,
    pub(crate) admin_key: Option<&'a str>,
    /// Further settings.
    pub(crate) settings: &'a [(&'a str, &'a str)],
    /// Where it may run, as `taskset` takes it; anywhere when absent.
    pub(crate) cores: Option<&'a str>,
}

impl<'a> GatewayOptions<'a> {
    /// An embedded database in this folder, and nothing special.
    pub(crate) fn at(data_folder: &'a Path) -> Self {
        Self { data_folder, database_url: None, admin_key: None, settings: &[], cores: None }
    }
}

/// One binary, and a folder for ready files and logs.
pub(crate) struct Stack<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) folder: &'a Path,
}

impl Stack<'_> {
    /// Starts the emulator with its default world.
    pub(crate) fn start_emulator(&self) -> Result<Emulator> {
        self.start_emulator_with(self.command("emulate", None))
    }

    /// The same, on these cores alone.
    pub(crate) fn start_emulator_on(&self, cores: &str) -> Result<Emulator> {
        self.start_emulator_with(self.command("emulate", Some(cores)))
    }

    fn start_emulator_with(&self, mut command: Command) -> Result<Emulator> {
        command.args(["--listen", "127.0.0.1:0"]);
        let (service, ready) = self.start("emulator", &mut command)?;
        let environment = ready["env"].as_object().context("the emulator's ready file has no `env`")?;
        let pairs =
            environment.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        Ok(Emulator { _service: service, address: address_of(&ready)?, environment: pairs.collect() })
    }

    /// Starts a gateway whose AWS is the emulator.
    pub(crate) fn start_gateway(&self, emulator: &Emulator, options: &GatewayOptions<'_>) -> Result<Gateway> {
        let mut command = self.command("serve", options.cores);
        command.envs(emulator.environment.iter().map(|(name, value)| (name, value)));
        command.env("PORTCULLIS_LISTEN", "127.0.0.1:0").env("PORTCULLIS_DATA_DIR", options.data_folder);
        command.envs(options.settings.iter().copied());
        if let Some(url) = options.database_url {
            command.env("DATABASE_URL", url);
        }
        if let Some(key) = options.admin_key {
            command.env("PORTCULLIS_ADMIN_KEY", key);
        }
        let (service, ready) = self.start("gateway", &mut command)?;
        let admin_key = ready["admin_key"].as_str().map(str::to_owned);
        Ok(Gateway { _service: service, address: address_of(&ready)?, admin_key })
    }

    fn command(&self, subcommand: &str, cores: Option<&str>) -> Command {
        let mut command = match cores {
            Some(cores) => {
                let mut pinned = Command::new("taskset");
                pinned.args(["-c", cores]).arg(self.binary);
                pinned
            }
            None => Command::new(self.binary),
        };
        without_settings(&mut command).arg(subcommand).current_dir(self.folder);
        command
    }

    /// Where a server's log lies.
    pub(crate) fn log_of(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    fn start(&self, name: &str, command: &mut Command) -> Result<(Service, Value)> {
        let ready_file = self.folder.join(format!("{name}.ready.json"));
        let log_path = self.log_of(name);
        let log = File::create(&log_path)?;
        command.arg("--ready-file").arg(&ready_file);
        command.stdout(Stdio::from(log.try_clone()?)).stderr(Stdio::from(log));
        let mut service = Service::start(command, Stop::TERMINATE)?;
        // A half-written file is no JSON yet.
        let read = || serde_json::from_str(&std::fs::read_to_string(&ready_file).ok()?).ok();
        let ready = service.wait_until(START_LIMIT, read).map_err(|error| {
            let log = std::fs::read_to_string(&log_path).unwrap_or_default();
            anyhow!("the {name} did not start: {error}\n{log}")
        })?;
        // It may hold the admin key.
        std::fs::remove_file(&ready_file)?;
        Ok((service, ready))
    }
}

fn address_of(ready: &Value) -> Result<String> {
    Ok(ready["address"].as_str().context("a ready file has no `address`")?.to_owned())
}
