//! What credentials cost a request: with a session at hand, without one, while one is replaced, and with a slow STS.
//!
//! The gateway assumes a role of the stand-in for AWS, which verifies each signature. Its sessions are said to last
//! 85 s here, so that each is replaced within seconds, under load.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::admin::{Admin, call};
use super::contestants::{LOAD_CORES, MEASURED_CORE, Target};
use super::load::{Load, Shape};
use super::{Built, Effort};
use crate::progress;
use crate::stack::{Emulator, Gateway, GatewayOptions, Stack};

/// Seconds a session lasts: due for replacement 10 s after it was made, give or take the jitter, and useless after 25.
const SHORT_SESSION_S: u32 = 85;
/// As slow as STS is made.
const SLOW_STS: Duration = Duration::from_secs(2);
/// Requests a second while sessions are replaced.
const RATE: u32 = 200;
/// Replacements that a row must contain.
const FEWEST_REPLACEMENTS: u64 = 1;

/// One row: what was done, and how long a request took.
pub(super) struct Row {
    what: &'static str,
    n_requests: usize,
    p50_ms: f64,
    p99_ms: f64,
}

/// Measures all rows.
pub(super) fn measure(built: &Built, load: &Load<'_>, folder: &Path, effort: &Effort) -> Result<Vec<Row>> {
    let stand = Stand::set_up(&built.gateway, folder)?;
    let starts = effort.rounds * 10;
    let under_load = effort.round * 4;
    let mut rows = Vec::new();
    let mut row = |what, measured: &dyn Fn() -> Result<Vec<f64>>| -> Result<()> {
        rows.push(Row::of(what, progress::quiet(what, measured)?));
        Ok(())
    };
    row("first request after a start, without warm-up", &|| stand.first_requests(starts, WarmUp::Off))?;
    row("first request after a start, warmed up", &|| stand.first_requests(starts, WarmUp::On))?;
    stand.set_sts(&json!({"mode": "slow", "ms": SLOW_STS.as_millis()}))?;
    row("first request after a start, without warm-up, STS takes 2 s", &|| {
        stand.first_requests(effort.rounds, WarmUp::Off)
    })?;
    stand.set_sts(&json!({"mode": "ok"}))?;
    rows.insert(0, stand.loaded("a session at hand, 200 requests/s", load, under_load, None)?);
    stand.set_session_seconds(Some(SHORT_SESSION_S))?;
    rows.push(stand.loaded(
        "while sessions are replaced, 200 requests/s",
        load,
        under_load,
        Some(&|| Ok(())),
    )?);
    let slow = || stand.set_sts(&json!({"mode": "slow", "ms": SLOW_STS.as_millis()}));
    rows.push(stand.loaded("the same, STS takes 2 s", load, under_load, Some(&slow))?);
    Ok(rows)
}

/// Whether the gateway makes sessions when it starts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WarmUp {
    On,
    Off,
}

/// The stand-in for AWS, and what it takes to start the gateway before it.
struct Stand<'a> {
    stack: Stack<'a>,
    emulator: Emulator,
    data_folder: std::path::PathBuf,
    admin_key: String,
    key: String,
}

impl<'a> Stand<'a> {
    fn set_up(binary: &'a Path, folder: &'a Path) -> Result<Self> {
        let stack = Stack { binary, folder };
        let emulator = stack.start_emulator_on(LOAD_CORES)?;
        let data_folder = folder.join("credentials");
        std::fs::create_dir(&data_folder)?;
        let mut stand = Self { stack, emulator, data_folder, admin_key: String::new(), key: String::new() };
        let gateway = stand.start(WarmUp::Off)?;
        stand.admin_key = gateway.admin_key.clone().context("the first start printed no admin key")?;
        stand.key = stand.register(&gateway)?;
        Ok(stand)
    }

    fn start(&self, warm_up: WarmUp) -> Result<Gateway> {
        let warm_up = if warm_up == WarmUp::On { "true" } else { "false" };
        let options = GatewayOptions {
            cores: Some(MEASURED_CORE),
            settings: &[("PORTCULLIS_WARM_UP", warm_up), ("PORTCULLIS_VERIFY_INTERVAL_S", "0")],
            ..GatewayOptions::at(&self.data_folder)
        };
        self.stack.start_gateway(&self.emulator, &options)
    }

    fn register(&self, gateway: &Gateway) -> Result<String> {
        let admin = Admin { address: &gateway.address, key: &self.admin_key };
        let integration = admin.post(
            "/v1/integrations",
            &json!({
                "name": "bench", "slug": "bench", "ai_provider_id": "claude-platform-aws", "workspace_id": "ws-default",
                "configurations": {
                    "aws_auth_type": "assumedRole",
                    "aws_role_arn": "arn:aws:iam::123456789012:role/portcullis-claude",
                    "aws_external_id": "portcullis-emulator-external-id",
                    "aws_region": "us-west-2",
                    "anthropic_aws_workspace_id": "wrkspc_01AbCdEf23GhIj",
                },
            }),
        )?;
        ensure!(integration["slug"] == "bench", "the integration has another slug than was asked for");
        admin.make_key()
    }

    fn set_sts(&self, mode: &Value) -> Result<()> {
        call("PUT", &self.emulator.address, "/_emulator/sts", None, mode).map(|_| ())
    }

    fn set_session_seconds(&self, seconds: Option<u32>) -> Result<()> {
        let body = json!({ "seconds": seconds });
        call("PUT", &self.emulator.address, "/_emulator/announced-seconds", None, &body).map(|_| ())
    }

    fn n_sessions(&self) -> Result<u64> {
        let seen = call("GET", &self.emulator.address, "/_emulator/requests", None, &Value::Null)?;
        seen.pointer("/counters/assume_role_calls")
            .and_then(Value::as_u64)
            .context("no counter of AssumeRole")
    }

    /// Starts the gateway anew each time, and times the first request, in milliseconds.
    fn first_requests(&self, n: usize, warm_up: WarmUp) -> Result<Vec<f64>> {
        (0..n)
            .map(|_| {
                let before = self.n_sessions()?;
                let gateway = self.start(warm_up)?;
                if warm_up == WarmUp::On {
                    self.wait_for_session(before)?;
                }
                Ok(time_one(&gateway.address, &self.key)?.as_secs_f64() * 1e3)
            })
            .collect()
    }

    fn wait_for_session(&self, before: u64) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.n_sessions()? == before {
            ensure!(Instant::now() < deadline, "the gateway did not warm up within 10 s");
        }
        // The answer is on its way to the gateway then.
        std::thread::park_timeout(Duration::from_millis(20));
        Ok(())
    }

    /// Requests at a steady rate. With `change`, sessions are replaced meanwhile, after `change` has been made.
    fn loaded(
        &self,
        what: &'static str,
        load: &Load<'_>,
        round: Duration,
        change: Option<&dyn Fn() -> Result<()>>,
    ) -> Result<Row> {
        progress::quiet(what, || {
            let gateway = self.start(WarmUp::Off)?;
            time_one(&gateway.address, &self.key)?;
            let target = Target::new("portcullis", &gateway.address, "@bench/claude-haiku-4-5", &self.key);
            load.run(&target, Shape::Whole, Some(RATE), Duration::from_secs(1))?;
            let before = self.n_sessions()?;
            if let Some(change) = change {
                change()?;
            }
            let measured = load.run(&target, Shape::Whole, Some(RATE), round)?;
            let replaced = self.n_sessions()? - before;
            self.set_sts(&json!({"mode": "ok"}))?;
            ensure!(change.is_none() || replaced >= FEWEST_REPLACEMENTS, "no session was replaced meanwhile");
            ensure!(change.is_some() || replaced == 0, "a session was replaced on the warm path");
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count of requests"
            )]
            let n_requests = measured.n_requests as usize;
            Ok(Row { what, n_requests, p50_ms: measured.p50_ms, p99_ms: measured.p99_ms })
        })
    }
}

impl Row {
    fn of(what: &'static str, mut milliseconds: Vec<f64>) -> Self {
        milliseconds.sort_by(f64::total_cmp);
        let at = |share: usize| milliseconds[(milliseconds.len() * share / 100).min(milliseconds.len() - 1)];
        Self { what, n_requests: milliseconds.len(), p50_ms: at(50), p99_ms: at(99) }
    }
}

/// The rows beside the warm path, which is the first.
pub(super) fn table(rows: &[Row]) -> String {
    let mut table = "| request | requests | p50 ms | p99 ms | p99 more than with a session at hand, ms |\n|---|---|---|---|---|\n".to_owned();
    let Some(warm) = rows.first() else { return String::new() };
    for row in rows {
        use std::fmt::Write;
        let Row { what, n_requests, p50_ms, p99_ms } = row;
        let more = p99_ms - warm.p99_ms;
        let _ = writeln!(table, "| {what} | {n_requests} | {p50_ms:.2} | {p99_ms:.2} | {more:.2} |");
    }
    table
}

/// How long one request takes on a connection of its own.
fn time_one(address: &str, key: &str) -> Result<Duration> {
    let host = address.strip_prefix("http://").context("the gateway's address is http")?;
    let body = Shape::Whole.body("@bench/claude-haiku-4-5");
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let started = Instant::now();
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let took = started.elapsed();
    ensure!(
        answer.starts_with("HTTP/1.1 200"),
        "the gateway answered: {}",
        answer.lines().next().unwrap_or("")
    );
    Ok(took)
}
