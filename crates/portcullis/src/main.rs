//! The gateway's one binary. `main` is the table of contents; each command has a file of its own.

mod cli;
mod client;
mod config;
mod emulate;
mod health;
mod keys;
mod migrate;
mod models;
mod open_files;
mod own_error;
mod panics;
mod ready_file;
mod serve;
mod server;
mod setup;
mod stop;
mod verify;
mod whoami;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
                0
            } else {
                USAGE
            };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("portcullis").build();
    let runtime = runtime.expect("the operating system gives a process threads");
    let result = runtime.block_on(async {
        match cli.command() {
            Command::Serve(options) => serve::run(options).await,
            Command::Migrate(options) => migrate::run(&options).await,
            Command::Keys(keys) => keys::run(keys).await,
            Command::Whoami(options) => whoami::run(&options).await,
            Command::Setup(options) => setup::run(*options).await,
            Command::Verify(options) => verify::run(&options).await,
            Command::Models(options) => models::run(&options),
            Command::Healthcheck(options) => health::check(&options).await,
            Command::Emulate(options) => emulate::run(options).await,
        }
    });
    // A DNS look-up or a file operation may still hang in a thread of its own: it must not hold up the exit.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

#[expect(clippy::print_stderr, reason = "the last word of a process that failed")]
fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("portcullis: {error:#}");
    let is_usage = error.chain().any(|cause| cause.is::<config::ConfigError>() || cause.is::<cli::Usage>());
    ExitCode::from(if is_usage { USAGE } else { 1 })
}
