//! The figures, their medians, and the page they stand on.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;
use std::time::Duration;

use super::Effort;
use super::credentials;
use super::load::Shape;
use super::micro::{self, Timed};
use crate::process;

/// One round against one target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) n_requests: f64,
    pub(super) requests_per_s: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// Until the first byte of the answer's body.
    pub(super) first_byte_p99_ms: f64,
    /// CPU time of the target per request, in microseconds.
    pub(super) cpu_us: f64,
}

type Row = (Shape, Option<u32>);

/// Everything that was measured.
pub(super) struct Report {
    rounds: BTreeMap<(Row, &'static str), Vec<Measured>>,
    start_up: Duration,
    memory_idle: f64,
    pub(super) memory_after: f64,
    pub(super) credentials: Vec<credentials::Row>,
}

impl Report {
    pub(super) fn new(start_up: Duration, memory_idle: f64) -> Self {
        Self {
            rounds: BTreeMap::new(),
            start_up,
            memory_idle,
            memory_after: f64::NAN,
            credentials: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, target: &'static str, shape: Shape, rate: Option<u32>, measured: Measured) {
        self.rounds.entry(((shape, rate), target)).or_default().push(measured);
    }

    fn median(&self, target: &'static str, row: Row, figure: fn(&Measured) -> f64) -> f64 {
        let mut values: Vec<f64> =
            self.rounds.get(&(row, target)).into_iter().flatten().map(figure).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// What a target adds to the upstream's own figure.
    fn added(&self, target: &'static str, row: Row, figure: fn(&Measured) -> f64) -> f64 {
        self.median(target, row, figure) - self.median("direct", row, figure)
    }

    /// The table: figure, nginx, Portcullis, ratio, what it must be and what we want it to be.
    pub(super) fn table(&self) -> String {
        let at_200 = (Shape::Whole, Some(200));
        let at_1000 = (Shape::Whole, Some(1000));
        let peak = (Shape::Whole, None);
        let same = (Shape::SameDialect, Some(1000));
        let streams = (Shape::Streamed, Some(50));
        let mut table =
            "| figure | nginx | Portcullis | ratio | must | goal |\n|---|---|---|---|---|---|\n".to_owned();
        let mut compare = |what: &str, nginx: f64, ours: f64, digits: usize, must: &str, goal: &str| {
            let ratio = ours / nginx;
            let _ = writeln!(
                table,
                "| {what} | {nginx:.digits$} | {ours:.digits$} | {ratio:.2} | {must} | {goal} |"
            );
        };
        let cpu = |measured: &Measured| measured.cpu_us;
        let pair = |row, figure| (self.median("nginx", row, figure), self.median("portcullis", row, figure));
        let added = |row, figure| (self.added("nginx", row, figure), self.added("portcullis", row, figure));

        let (nginx, ours) = pair(at_1000, cpu);
        compare("CPU µs per request, 1,000/s", nginx, ours, 1, "≤ 3.5", "≤ 2.5");
        let (nginx, ours) = pair(peak, cpu);
        compare("CPU µs per request, at peak", nginx, ours, 1, "–", "–");
        let (nginx, ours) = pair(peak, |measured| measured.requests_per_s);
        compare("requests/s on one core", nginx, ours, 0, "≥ 0.30", "≥ 0.40");
        for (row, rate) in [(at_200, "200"), (at_1000, "1,000")] {
            let (nginx, ours) = added(row, |measured| measured.p50_ms);
            compare(&format!("added p50 ms, {rate}/s"), nginx, ours, 3, "≤ 1.8", "≤ 1.4");
            let (nginx, ours) = added(row, |measured| measured.p99_ms);
            compare(&format!("added p99 ms, {rate}/s"), nginx, ours, 3, "≤ 2.5", "≤ 2.0");
        }
        let (nginx, ours) = pair(streams, cpu);
        compare("CPU µs per stream of 40 events", nginx, ours, 1, "≤ 1.8", "≤ 1.4");
        let (nginx, ours) = added(streams, |measured| measured.first_byte_p99_ms);
        compare("added time to first event p99 ms", nginx, ours, 3, "≤ 2", "≤ 1.5");
        let (nginx, ours) = pair(same, cpu);
        compare("same dialect: CPU µs per request, 1,000/s", nginx, ours, 1, "≤ 2.5", "≤ 1.8");
        let mut alone = |what: &str, ours: String, must: &str, goal: &str| {
            let _ = writeln!(table, "| {what} | – | {ours} | – | {must} | {goal} |");
        };
        alone("memory idle, MiB", format!("{:.1}", self.memory_idle), "≤ 25", "≤ 15");
        alone("memory after the load, MiB", format!("{:.1}", self.memory_after), "≤ 60", "≤ 40");
        alone(
            "start to first answer, ms",
            format!("{:.0}", self.start_up.as_secs_f64() * 1e3),
            "≤ 200",
            "≤ 100",
        );
        table
    }

    /// `docs/benchmarks.md`.
    pub(super) fn page(&self, effort: &Effort, micro: &[Timed]) -> String {
        format!(
            "# Benchmarks

Made by `cargo xtask bench`; every figure is the median of {} rounds of {} s, taken in turns in one run.
On another machine the figures differ; the ratios are what counts.

{}
## What credentials cost

The gateway assumes a role; the stand-in for AWS verifies every signature, so a request takes longer here than above.
Sessions last 85 s where they are replaced, and every request must have succeeded.

{}
## Signing and translation alone

Medians of criterion, one core, nothing else measured at the time. Bodies: small (about 150 bytes), 8 kB (about 2,000 tokens), 1 MB.

{}
## How it is measured

- {}
- What is measured (nginx, or the gateway with one worker thread) runs alone on core 0; the load generator (oha, 32 connections, latency counted from when a request was due) and the mock upstream share core 1.
- nginx is a byte proxy: one worker, keep-alive on both sides, no buffering of answers, no log. It neither checks a key nor translates nor signs; it is the floor.
- The gateway does all it does: key check, look-up, translation both ways, SigV4, one log line a request (to a file).
- \"Added\" is a figure through the target less the same figure straight to the upstream.
- CPU is the process's own time from `/proc`, divided by the requests answered.
- A stream is one message of 40 text deltas, a millisecond apart; 50 streams start each second.
- Start to first answer: from the start of the process to its first 200 on `/readyz`, embedded database, second start.

## What the profile says

See `docs/profile.md`.
",
            effort.rounds,
            effort.round.as_secs(),
            self.table(),
            credentials::table(&self.credentials),
            micro::table(micro),
            machine(),
        )
    }
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown", |(_, name)| name.trim());
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = process::output_of(Command::new("uname").arg("-sr")).unwrap_or_default();
    format!("Machine: {cores} cores of {model}, {}.", kernel.trim())
}
