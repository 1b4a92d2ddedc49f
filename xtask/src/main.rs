//! Everything a person or CI types: `cargo xtask <task>`.
//!
//! Each task is a module with a `HELP` text and a `run` function; this file is their table of contents. What several
//! tasks share: [`process`] (children that never outlive us), [`progress`] (what is going on, and for how long),
//! [`stack`] (emulator and gateway, started and ready).
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool that talks to a terminal")]

mod arguments;
mod ban_list;
mod bench;
mod check;
mod demo;
mod end_to_end;
mod environment;
mod fuzz;
mod instructions;
mod interrupt;
mod layers;
mod node;
mod postgres;
mod process;
mod progress;
mod python;
mod scratch;
mod stack;
mod supply_chain;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::arguments::Arguments;

/// One thing that can be asked for.
struct Task {
    name: &'static str,
    summary: &'static str,
    help: &'static str,
    run: fn(&mut Arguments) -> Result<()>,
}

const TASKS: &[Task] = &[
    Task {
        name: "demo",
        summary: "a chat request through an assumed role, with nothing but this repository",
        help: demo::HELP,
        run: demo::run,
    },
    Task {
        name: "test",
        summary: "the whole suite: checks, cargo tests on both databases, end-to-end",
        help: test::HELP,
        run: test::run,
    },
    Task { name: "check", summary: "format, lints, layers, tidy", help: check::HELP, run: check::run },
    Task {
        name: "layers",
        summary: "who may depend on whom, and who owns which third-party crate",
        help: layers::HELP,
        run: layers::run,
    },
    Task {
        name: "tidy",
        summary: "the house rules that no compiler checks",
        help: tidy::HELP,
        run: tidy::run,
    },
    Task {
        name: "bench",
        summary: "what the gateway costs, beside nginx, in one run",
        help: bench::HELP,
        run: bench::run,
    },
    Task {
        name: "instructions",
        summary: "what one translation and one streamed event cost, in instructions",
        help: instructions::HELP,
        run: instructions::run,
    },
    Task {
        name: "fuzz",
        summary: "arbitrary bytes for whatever parses bytes from outside, for a bounded time",
        help: fuzz::HELP,
        run: fuzz::run,
    },
    Task {
        name: "supply-chain",
        summary: "known vulnerabilities, licences, sources and duplicates of the dependencies",
        help: supply_chain::HELP,
        run: supply_chain::run,
    },
];

fn main() -> ExitCode {
    if let Err(error) = interrupt::listen() {
        eprintln!("xtask cannot listen for Ctrl-C: {error}");
        return ExitCode::FAILURE;
    }
    match dispatch(Arguments::from_command_line()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if interrupt::happened() => {
            eprintln!("interrupted; everything that was started has been stopped");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(mut arguments: Arguments) -> Result<()> {
    let Some(name) = arguments.task() else {
        print!("{}", overview());
        return Ok(());
    };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        print!("{}", overview());
        return Ok(());
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        bail!("there is no task `{name}`\n\n{}", overview());
    };
    if arguments.flag("--help") || arguments.flag("-h") {
        println!("{}", task.help.trim());
        return Ok(());
    }
    (task.run)(&mut arguments)
}

fn overview() -> String {
    let mut text = "Usage: cargo xtask <task> [options]\n\nTasks:\n".to_owned();
    for task in TASKS {
        text.push_str(&format!("  {:<13} {}\n", task.name, task.summary));
    }
    text + "\n`cargo xtask <task> --help` says more.\n"
}
