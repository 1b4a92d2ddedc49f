//! What the gateway costs, beside nginx as a plain byte proxy and the upstream itself, in one run.
//!
//! What is measured sits alone on core 0; the load generator and the upstream share the other cores. Rounds take turns
//! (direct, nginx, Portcullis), so that a noisy minute hits all of them. Figures are medians over the rounds, and what
//! counts are the ratios.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::arguments::Arguments;
use crate::environment::find_program;
use crate::scratch::Scratch;
use crate::{process, progress, workspace};

mod admin;
mod contestants;
mod credentials;
mod load;
mod micro;
mod report;
mod usage;

use contestants::Contestants;
use load::{Load, Shape};
use report::{Measured, Report};

pub(crate) const HELP: &str = "
Usage: cargo xtask bench [--quick] [--skip-micro]

Builds in release mode and measures, in one run: signing and translation (criterion), and end to end against a fast mock
upstream, directly, through nginx and through the gateway: added latency at 200 and 1,000 requests/s, peak requests/s on
one core, CPU per request and per stream, added time to the first event, memory, start-up time. Then what credentials
cost: a request without a session, while one is replaced, and with a slow STS.
Writes the end-to-end table to docs/benchmarks.md. Needs nginx and taskset; installs the load generator (oha) into
target/tools. Takes about five minutes without the criterion part.

  --quick        one short round each, to see that everything works; docs/benchmarks.md stays as it is
  --skip-micro   leave out the criterion benchmarks
";

const OHA: (&str, &str) = ("oha", "1.16.0");

/// How much is measured.
struct Effort {
    rounds: usize,
    round: Duration,
}

/// Runs everything.
pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let (quick, skip_micro) = (arguments.flag("--quick"), arguments.flag("--skip-micro"));
    arguments.finish()?;
    for program in ["nginx", "taskset"] {
        ensure!(
            find_program(program).is_some(),
            "the benchmark needs `{program}` (Debian: nginx-light, util-linux)"
        );
    }
    let oha = install_oha()?;
    let built = build()?;
    let micro = if skip_micro { Vec::new() } else { micro::run(quick)? };
    let effort = if quick {
        Effort { rounds: 1, round: Duration::from_secs(3) }
    } else {
        Effort { rounds: 3, round: Duration::from_secs(6) }
    };
    let folder = Scratch::new("bench")?;
    let load = Load { oha: &oha, folder: folder.path() };
    let mut report = measure(&built, &load, folder.path(), &effort)?;
    report.credentials = credentials::measure(&built, &load, folder.path(), &effort)?;
    println!("\n{}\n{}\n{}", report.table(), credentials::table(&report.credentials), micro::table(&micro));
    if !quick {
        let path = workspace::root().join("docs/benchmarks.md");
        std::fs::write(&path, report.page(&effort, &micro))
            .with_context(|| format!("cannot write {}", path.display()))?;
        progress::note("wrote docs/benchmarks.md");
    }
    Ok(())
}

/// The release binaries.
struct Built {
    gateway: PathBuf,
    mock: PathBuf,
}

fn build() -> Result<Built> {
    progress::loud("building in release mode (the first time takes minutes)", || {
        process::run(workspace::cargo().args(["build", "--release", "--locked", "--package", "portcullis"]))?;
        let mock = [
            "build",
            "--release",
            "--locked",
            "--package",
            "portcullis-emulator",
            "--example",
            "mock_upstream",
        ];
        process::run(workspace::cargo().args(mock))
    })?;
    let release = workspace::metadata()?.target_directory.join("release").into_std_path_buf();
    Ok(Built { gateway: release.join("portcullis"), mock: release.join("examples/mock_upstream") })
}

fn install_oha() -> Result<PathBuf> {
    let (name, version) = OHA;
    let folder = workspace::metadata()?.target_directory.join("tools").into_std_path_buf();
    let program = folder.join("bin").join(name);
    let is_there = program.is_file()
        && process::listen_to(Command::new(&program).arg("--version"))?.stdout.contains(version);
    if !is_there {
        progress::loud(&format!("installing {name} {version} into target/tools"), || {
            let mut cargo = workspace::cargo();
            cargo.args(["install", "--locked", "--root"]).arg(&folder);
            process::run(cargo.arg(format!("{name}@{version}")))
        })?;
    }
    Ok(program)
}

fn measure(built: &Built, load: &Load<'_>, folder: &Path, effort: &Effort) -> Result<Report> {
    let contestants =
        progress::quiet("starting upstream, nginx and gateway", || Contestants::start(built, folder))?;
    let mut report = Report::new(contestants.start_up, contestants.idle_memory()?);
    for target in contestants.all() {
        // The first requests pay for connections, caches and lazy set-up everywhere.
        load.run(target, Shape::Whole, Some(200), Duration::from_secs(1))?;
        load.run(target, Shape::Streamed, Some(50), Duration::from_secs(1))?;
    }
    let shapes = [
        (Shape::Whole, Some(200)),
        (Shape::Whole, Some(1000)),
        (Shape::Whole, None),
        (Shape::SameDialect, Some(1000)),
        (Shape::Streamed, Some(50)),
    ];
    for round in 1..=effort.rounds {
        for (shape, rate) in shapes {
            let what = format!("round {round} of {}: {}", effort.rounds, shape.describe(rate));
            progress::quiet(&what, || {
                for target in contestants.all() {
                    let before = target.cpu()?;
                    let measured = load.run(target, shape, rate, effort.round)?;
                    let cpu = target.cpu()? - before;
                    report.add(
                        target.name,
                        shape,
                        rate,
                        Measured { cpu_us: cpu.as_secs_f64() * 1e6 / measured.n_requests, ..measured },
                    );
                }
                Ok(())
            })?;
        }
    }
    report.memory_after = contestants.memory()?;
    Ok(report)
}
