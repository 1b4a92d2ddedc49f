//! The command line.

mod onboarding;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

pub(crate) use onboarding::{GatewayOptions, SetupOptions, TargetOption, VerifyOptions, WhoamiOptions};

/// A gateway for teams that use Claude through AWS: it assumes your role, signs each request, streams the answer back.
///
/// Without a command it serves. Configuration comes from the environment (`PORTCULLIS_…`, `DATABASE_URL`, `AWS_…`) and,
/// below it, from an optional TOML file with the same names.
#[derive(Debug, Parser)]
#[command(
    name = "portcullis",
    version,
    // Options before a command would be those of `serve`, and silently not count.
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeOptions,
}

impl Cli {
    /// The command; `serve` when none is given.
    pub(crate) fn command(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the gateway and its admin API (the default)
    Serve(ServeOptions),
    /// Bring the database to this version's schema, then exit
    Migrate(ConfigOptions),
    /// Make keys without going through the admin API
    Keys(KeysCommand),
    /// Show the AWS identity that a gateway started here would have
    Whoami(WhoamiOptions),
    /// Make what an AWS account needs for an integration: external ID, policies, commands, templates
    Setup(Box<SetupOptions>),
    /// Prove step by step that an integration works, and that its role is closed to others
    Verify(VerifyOptions),
    /// Show what this gateway knows of each model: status, retirement, limits, prices
    Models(ModelsOptions),
    /// Ask a running gateway whether it is ready; exit code 0 if it is
    Healthcheck(ConfigOptions),
    /// Serve a stand-in for STS and Claude Platform on AWS, to try things without an AWS account
    Emulate(EmulateOptions),
}

/// A command that was called wrongly, in a way that only running it shows. Ends with exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Where configuration comes from besides the environment.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigOptions {
    /// A TOML file with the same names as the environment's; the environment wins
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_CONFIG", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    config: Option<PathBuf>,
}

impl ConfigOptions {
    /// The file, if one is named. As with every variable, an empty value counts as none.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.config.as_deref().filter(|path| !path.as_os_str().is_empty())
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ServeOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// Write a JSON object with the address here once requests are served
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct KeysCommand {
    #[command(subcommand)]
    pub(crate) command: KeysSubcommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysSubcommand {
    /// Make a key and print it, once
    Create(CreateKeyOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CreateKeyOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// A name to recognise the key by
    #[arg(long, default_value = "command line")]
    pub(crate) name: String,
    /// The workspace whose providers the key may use (its slug or id); not with --admin
    #[arg(long, default_value = "ws-default", conflicts_with = "admin")]
    pub(crate) workspace: String,
    /// Make a key for the admin API of the whole organisation instead
    #[arg(long)]
    pub(crate) admin: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ModelsOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct EmulateOptions {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8788")]
    pub(crate) listen: SocketAddr,
    /// Write a JSON object with the address and the environment for a gateway here once requests are served
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
}
