//! One burst of load against one target.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::contestants::Target;
use super::report::Measured;
use crate::process;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Shape {
    /// A chat completion, translated both ways.
    Whole,
    /// A message in the upstream's own dialect.
    SameDialect,
    /// A chat completion of 40 events.
    Streamed,
}

const QUESTION: &str = r#"Summarise the plot of a play about a lighthouse keeper, in two sentences."#;

impl Shape {
    pub(super) fn describe(self, rate: Option<u32>) -> String {
        let what = match self {
            Self::Whole => "chat completions",
            Self::SameDialect => "messages (same dialect)",
            Self::Streamed => "streams of 40 events",
        };
        match rate {
            Some(rate) => format!("{rate} {what}/s"),
            None => format!("as many {what} as one core gives"),
        }
    }

    fn path(self) -> &'static str {
        if self == Self::SameDialect { "/v1/messages" } else { "/v1/chat/completions" }
    }

    pub(super) fn body(self, model: &str) -> String {
        let stream = if self == Self::Streamed { r#","stream":true"# } else { "" };
        format!(
            r#"{{"model":"{model}","max_tokens":256,"messages":[{{"role":"user","content":"{QUESTION}"}}]{stream}}}"#
        )
    }
}

/// The load generator.
pub(super) struct Load<'a> {
    pub(super) oha: &'a Path,
    pub(super) folder: &'a Path,
}

impl Load<'_> {
    /// Sends requests for `round`: at `rate` a second, or as many as come back.
    pub(super) fn run(
        &self,
        target: &Target,
        shape: Shape,
        rate: Option<u32>,
        round: Duration,
    ) -> Result<Measured> {
        let body = self.folder.join("body.json");
        std::fs::write(&body, shape.body(&target.model))?;
        let mut command = Command::new("taskset");
        command.args(["-c", super::contestants::LOAD_CORES]).arg(self.oha);
        command.args(["--no-tui", "--output-format", "json", "--method", "POST", "--disable-compression"]);
        command.arg("-z").arg(format!("{}s", round.as_secs())).args(["-c", "32", "-D"]).arg(&body);
        command.args([
            "-H",
            "content-type: application/json",
            "-H",
            &format!("authorization: Bearer {}", target.key),
        ]);
        if let Some(rate) = rate {
            // Latency counts from when a request was due: a slow answer must not hide those that waited behind it.
            command.args(["-q", &rate.to_string(), "--latency-correction"]);
        }
        command.arg(format!("{}{}", target.address, shape.path()));
        let said = process::listen_to(&mut command)?;
        ensure!(said.success, "the load generator failed: {}", said.stderr);
        read(&said.stdout).with_context(|| format!("{}: {}", target.name, shape.describe(rate)))
    }
}

fn read(json: &str) -> Result<Measured> {
    let answer: Value = serde_json::from_str(json).context("the load generator's answer is no JSON")?;
    let number =
        |path: &str| answer.pointer(path).and_then(Value::as_f64).with_context(|| format!("no {path}"));
    let codes = answer["statusCodeDistribution"].as_object().context("no status codes")?;
    ensure!(codes.len() == 1 && codes.contains_key("200"), "not only 200s came back: {codes:?}");
    Ok(Measured {
        n_requests: codes["200"].as_f64().context("no count")?,
        requests_per_s: number("/summary/requestsPerSec")?,
        p50_ms: number("/latencyPercentiles/p50")? * 1e3,
        p99_ms: number("/latencyPercentiles/p99")? * 1e3,
        first_byte_p99_ms: number("/firstBytePercentiles/p99").unwrap_or(f64::NAN) * 1e3,
        cpu_us: f64::NAN,
    })
}
