//! Arbitrary bytes for whatever parses bytes from outside, for a bounded time (the targets are in `fuzz/`).

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::arguments::Arguments;
use crate::environment::find_program;
use crate::{interrupt, process, progress, tools, workspace};

mod seeds;

pub(crate) const HELP: &str = "
Usage: cargo xtask fuzz [--seconds N] [--only TARGET]

Builds the targets of fuzz/ with libFuzzer and runs each for N seconds (30), from the golden files of
portcullis-provider as seeds. A target fails on a panic, and its input is kept in target/fuzz/artifacts.

  --seconds N     how long each target runs
  --only TARGET   one target alone: sse, envelope, batch_envelope, chat_request, chat_response, chat_stream,
                  responses_request, responses_response, responses_stream

cargo-fuzz is installed into target/tools first. A nightly toolchain is used if rustup has one; otherwise the stable
one is told to take the flags that libFuzzer needs. Not part of `cargo xtask test`.
";

const CARGO_FUZZ: &str = "0.13.2";
const DEFAULT_SECONDS: u64 = 30;
/// A request that takes longer than this to translate is a finding, too.
const SLOWEST_INPUT_S: u64 = 10;
/// Golden files are smaller; what is longer only makes each run slower.
const LONGEST_INPUT: u64 = 4096;

/// Runs the targets.
pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let seconds = seconds(arguments)?;
    let only = arguments.path("--only")?.map(|name| name.to_string_lossy().into_owned());
    arguments.finish()?;
    let fuzzer = Fuzzer::new()?;
    let targets = fuzzer.targets(only.as_deref())?;
    fuzzer.build()?;
    let seeds = seeds::write(&fuzzer.folder)?;
    let mut failed = Vec::new();
    for target in &targets {
        let started = Instant::now();
        let result = progress::quiet(&format!("fuzzing {target} for {seconds} s"), || {
            fuzzer.run(target, &seeds, seconds)
        });
        interrupt::check()?;
        match result {
            Ok(executions) => progress::note(format!(
                "{target}: {executions} inputs in {}, no failure",
                progress::seconds(started.elapsed())
            )),
            Err(error) => {
                eprintln!("{error:#}");
                failed.push(target.as_str());
            }
        }
    }
    ensure!(failed.is_empty(), "these targets failed: {}", failed.join(", "));
    println!("{} targets, no failure", targets.len());
    Ok(())
}

fn seconds(arguments: &mut Arguments) -> Result<u64> {
    let Some(given) = arguments.path("--seconds")? else { return Ok(DEFAULT_SECONDS) };
    let seconds = given.to_str().and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0);
    seconds.with_context(|| format!("--seconds takes a number from 1, not `{}`", given.display()))
}

struct Fuzzer {
    cargo_fuzz: PathBuf,
    toolchain: Toolchain,
    /// What is built, found and kept between runs: `target/fuzz`.
    folder: PathBuf,
}

/// Which compiler takes libFuzzer's flags.
#[derive(Clone, Copy)]
enum Toolchain {
    Nightly,
    /// Nothing in our code needs nightly's language, only rustc's `-Z` flags.
    StableWithFlags,
}

impl Toolchain {
    fn find() -> Result<Self> {
        let Some(rustup) = find_program("rustup") else { return Ok(Self::StableWithFlags) };
        let listed = process::output_of(Command::new(rustup).args(["toolchain", "list"]))?;
        let has_nightly = listed.lines().any(|line| line.starts_with("nightly-"));
        Ok(if has_nightly { Self::Nightly } else { Self::StableWithFlags })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Nightly => "the nightly toolchain",
            Self::StableWithFlags => "the stable toolchain with RUSTC_BOOTSTRAP=1",
        }
    }

    /// cargo hands its own path and toolchain on to what it runs; cargo-fuzz would take them for its choice.
    fn choose(self, command: &mut Command) {
        match self {
            Self::Nightly => {
                command.env_remove("CARGO").env_remove("RUSTC").env("RUSTUP_TOOLCHAIN", "nightly");
            }
            Self::StableWithFlags => {
                command.env("RUSTC_BOOTSTRAP", "1");
            }
        }
    }
}

impl Fuzzer {
    fn new() -> Result<Self> {
        let cargo_fuzz = tools::program("cargo-fuzz", CARGO_FUZZ)?;
        let toolchain = Toolchain::find()?;
        progress::note(format!("fuzzing with {}", toolchain.name()));
        let folder = workspace::metadata()?.target_directory.join("fuzz").into_std_path_buf();
        std::fs::create_dir_all(&folder)?;
        Ok(Self { cargo_fuzz, toolchain, folder })
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.cargo_fuzz);
        self.toolchain.choose(command.current_dir(workspace::root()));
        command.args(["fuzz", verb]);
        command
    }

    fn targets(&self, only: Option<&str>) -> Result<Vec<String>> {
        let listed = process::output_of(&mut self.command("list"))?;
        let all: Vec<String> = listed.lines().map(str::to_owned).collect();
        match only {
            None => Ok(all),
            Some(name) if all.iter().any(|target| target == name) => Ok(vec![name.to_owned()]),
            Some(name) => bail!("there is no target `{name}`: {}", all.join(", ")),
        }
    }

    fn build(&self) -> Result<()> {
        progress::loud("building the targets (the first time takes minutes)", || {
            let mut command = self.command("build");
            // No sanitizer: there is no `unsafe` in what is fuzzed, and without one twice as many inputs are tried.
            process::run(command.args(["--sanitizer", "none", "--target-dir"]).arg(self.built()))
        })
    }

    fn built(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// A target's program, in the folder of whichever kind of machine it was built for.
    fn program(&self, target: &str) -> Result<PathBuf> {
        for entry in std::fs::read_dir(self.built())? {
            let program = entry?.path().join("release").join(target);
            if program.is_file() {
                return Ok(program);
            }
        }
        bail!("`{target}` is not in {}", self.built().display())
    }

    /// How many inputs were tried. The program runs by itself: `cargo fuzz run` would first look for changed sources.
    fn run(&self, target: &str, seeds: &seeds::Seeds, seconds: u64) -> Result<String> {
        let corpus = self.made("corpus", target)?;
        let artifacts = self.made("artifacts", target)?;
        let mut command = Command::new(self.program(target)?);
        command.current_dir(&self.folder).arg(&corpus).arg(seeds.of(target));
        command.arg(format!("-max_total_time={seconds}")).arg(format!("-timeout={SLOWEST_INPUT_S}"));
        command.arg(format!("-max_len={LONGEST_INPUT}")).arg("-print_final_stats=1");
        command.arg(format!("-dict={}", seeds.dictionary.display()));
        // libFuzzer puts the name right behind the prefix.
        command.arg(format!("-artifact_prefix={}/", artifacts.display()));
        let said = process::listen_to(&mut command)?;
        if !said.success {
            bail!("{target} failed:\n{}", last_lines(&said.stderr, 60));
        }
        executions(&said.stderr).with_context(|| format!("{target} said nothing of what it did"))
    }

    fn made(&self, kind: &str, target: &str) -> Result<PathBuf> {
        let folder = self.folder.join(kind).join(target);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// From libFuzzer's own statistics.
fn executions(said: &str) -> Option<String> {
    let line = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
    Some(line.trim().to_owned())
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_inputs_is_read_from_the_statistics() {
        let said = "Done 12 runs\nstat::number_of_executed_units: 4711\nstat::average_exec_per_sec: 1\n";
        assert_eq!(executions(said).as_deref(), Some("4711"));
        assert_eq!(executions("ERROR"), None);
    }

    #[test]
    fn only_the_end_of_a_long_text_is_shown() {
        assert_eq!(last_lines("a\nb\nc", 2), "b\nc");
        assert_eq!(last_lines("a", 2), "a");
    }
}
