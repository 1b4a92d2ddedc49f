//! What is measured: the upstream itself, nginx in front of it, the gateway in front of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::admin::Admin;
use super::{Built, usage};
use crate::environment::without_settings;
use crate::process::{Service, Stop};

/// Where what is measured runs, alone.
pub(super) const MEASURED_CORE: &str = "0";
/// Where everything else runs.
pub(super) const LOAD_CORES: &str = "1";
const UPSTREAM: &str = "127.0.0.1:18701";
const NGINX: &str = "127.0.0.1:18702";
const GATEWAY: &str = "127.0.0.1:18703";

/// One address to send load to.
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) address: String,
    pub(super) model: String,
    pub(super) key: String,
    pids: Vec<u32>,
}

impl Target {
    /// A target whose CPU time is not of interest.
    pub(super) fn new(name: &'static str, address: &str, model: &str, key: &str) -> Self {
        Self { name, address: address.into(), model: model.into(), key: key.into(), pids: Vec::new() }
    }

    /// CPU time so far.
    pub(super) fn cpu(&self) -> Result<Duration> {
        self.pids.iter().map(|pid| usage::cpu_time(*pid)).sum()
    }
}

/// All of them, running.
pub(super) struct Contestants {
    targets: [Target; 3],
    gateway_pid: u32,
    idle_mib: f64,
    /// From the start of the process to its first answer, on a warm disk with the embedded database.
    pub(super) start_up: Duration,
    _services: Vec<Service>,
}

impl Contestants {
    pub(super) fn start(built: &Built, folder: &Path) -> Result<Self> {
        let upstream = pinned(LOAD_CORES, &built.mock, |command| command.arg(UPSTREAM))?;
        wait_for(UPSTREAM)?;
        let nginx = start_nginx(folder)?;
        let gateway = GatewayProcess { binary: &built.gateway, folder };
        // Once for the migrations and the generated secrets, so that what is timed is a start and not a set-up.
        drop(gateway.start()?);
        let (service, start_up) = gateway.start()?;
        let key = gateway.register()?;
        let idle_mib = usage::memory_mib(service.id())?;
        let direct = Target {
            name: "direct",
            address: format!("http://{UPSTREAM}"),
            model: "claude-haiku-4-5".into(),
            key: "none".into(),
            pids: vec![upstream.id()],
        };
        let through_nginx = Target {
            name: "nginx",
            address: format!("http://{NGINX}"),
            model: "claude-haiku-4-5".into(),
            key: "none".into(),
            pids: [vec![nginx.id()], usage::children(nginx.id())?].concat(),
        };
        let through_gateway = Target {
            name: "portcullis",
            address: format!("http://{GATEWAY}"),
            model: "@bench/claude-haiku-4-5".into(),
            key,
            pids: vec![service.id()],
        };
        Ok(Self {
            targets: [direct, through_nginx, through_gateway],
            gateway_pid: service.id(),
            idle_mib,
            start_up,
            _services: vec![service, nginx, upstream],
        })
    }

    pub(super) fn all(&self) -> &[Target] {
        &self.targets
    }

    pub(super) fn idle_memory(&self) -> Result<f64> {
        Ok(self.idle_mib)
    }

    pub(super) fn memory(&self) -> Result<f64> {
        usage::memory_mib(self.gateway_pid)
    }
}

fn pinned(
    cores: &str,
    program: &Path,
    arguments: impl FnOnce(&mut Command) -> &mut Command,
) -> Result<Service> {
    let mut command = Command::new("taskset");
    without_settings(&mut command).args(["-c", cores]).arg(program);
    arguments(&mut command).stdout(Stdio::null()).stderr(Stdio::null());
    Service::start(&mut command, Stop::TERMINATE)
}

/// Waits until something listens.
fn wait_for(address: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(address).is_err() {
        ensure!(Instant::now() < deadline, "nothing listens on {address} after 10 s");
        std::thread::park_timeout(Duration::from_millis(1));
    }
    Ok(())
}

/// A byte proxy with one worker, keep-alive on both sides and no buffering of answers: what a gateway that did nothing
/// would cost.
fn start_nginx(folder: &Path) -> Result<Service> {
    let conf = folder.join("nginx.conf");
    std::fs::write(&conf, nginx_configuration(folder))?;
    let nginx = crate::environment::find_program("nginx").context("no nginx")?;
    let service =
        pinned(MEASURED_CORE, &nginx, |command| command.arg("-p").arg(folder).arg("-c").arg(&conf))?;
    wait_for(NGINX)?;
    Ok(service)
}

fn nginx_configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; tcp_nodelay on;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream mock {{ server {UPSTREAM}; keepalive 128; keepalive_requests 1000000000; }}
  server {{
    listen {NGINX};
    location / {{ proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffering off; }}
  }}
}}
"
    )
}

struct GatewayProcess<'a> {
    binary: &'a Path,
    folder: &'a Path,
}

impl GatewayProcess<'_> {
    fn admin_key(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.admin_key_file())?.trim().to_owned())
    }

    fn admin_key_file(&self) -> PathBuf {
        self.folder.join("admin-key")
    }

    /// Starts it and says how long the first answer took.
    fn start(&self) -> Result<(Service, Duration)> {
        let ready_file = self.folder.join("ready.json");
        let log = std::fs::File::create(self.folder.join("gateway.log"))?;
        let mut command = Command::new("taskset");
        without_settings(&mut command).args(["-c", MEASURED_CORE]).arg(self.binary).arg("serve");
        command.arg("--ready-file").arg(&ready_file);
        command.env("PORTCULLIS_LISTEN", GATEWAY).env("PORTCULLIS_DATA_DIR", self.folder.join("data"));
        command.env("ANTHROPIC_AWS_BASE_URL", format!("http://{UPSTREAM}"));
        command.stdout(Stdio::null()).stderr(Stdio::from(log));
        let started = Instant::now();
        let mut service = Service::start(&mut command, Stop::TERMINATE)?;
        while !is_ready() {
            ensure!(started.elapsed() < Duration::from_secs(30), "the gateway was not ready after 30 s");
            std::thread::park_timeout(Duration::from_millis(1));
        }
        let start_up = started.elapsed();
        let read = || serde_json::from_str::<Value>(&std::fs::read_to_string(&ready_file).ok()?).ok();
        let ready = service.wait_until(Duration::from_secs(10), read)?;
        std::fs::remove_file(&ready_file)?;
        if let Some(key) = ready["admin_key"].as_str() {
            std::fs::write(self.admin_key_file(), key)?;
        }
        Ok((service, start_up))
    }

    /// Registers a provider and returns a key that may use it.
    ///
    /// A key pair instead of a role: a warm request is the same for both, and the mock upstream is no STS.
    fn register(&self) -> Result<String> {
        let configurations = json!({
            "aws_auth_type": "accessKey",
            "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "aws_region": "us-west-2",
            "anthropic_aws_workspace_id": "wrkspc_01AbCdEf23GhIj",
        });
        let integration = json!({
            "name": "bench", "slug": "bench", "ai_provider_id": "claude-platform-aws", "configurations": configurations,
        });
        let key = self.admin_key()?;
        let admin = Admin { address: &format!("http://{GATEWAY}"), key: &key };
        admin.post("/v1/integrations", &integration)?;
        let provider = json!({ "name": "bench", "slug": "bench", "integration_id": "bench", "workspace_id": "ws-default" });
        admin.post("/v1/providers", &provider)?;
        admin.make_key()
    }
}

/// Asks `/readyz` over a connection of its own.
fn is_ready() -> bool {
    use std::io::{Read, Write};
    let ask = || -> std::io::Result<String> {
        let mut stream = std::net::TcpStream::connect(GATEWAY)?;
        stream.write_all(
            format!("GET /readyz HTTP/1.1\r\nhost: {GATEWAY}\r\nconnection: close\r\n\r\n").as_bytes(),
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
