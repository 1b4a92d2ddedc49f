//! Configuration: the environment first, a TOML file second, the same names in both. The one door to the environment.

mod credentials;
mod variables;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use portcullis_catalog::{DatabaseUrl, KeyRing};
use portcullis_gateway::UpstreamBase;
use portcullis_telemetry::{LogFormat, LogSettings, Logs, TelemetryError};
use portcullis_types::ApiKeySecret;

use crate::cli::ConfigOptions;
use crate::server::ServerLimits;
pub(crate) use credentials::CredentialOptions;
pub(crate) use variables::{ConfigError, Variables};

/// Each name with its default and what it means, in the order of the documentation. What is not here is refused in a
/// file, and warned of in the environment.
pub(crate) const NAMES: &[(&str, &str, &str)] = &[
    ("PORTCULLIS_LISTEN", "127.0.0.1:8787", "gateway and admin API"),
    ("PORTCULLIS_ADMIN_LISTEN", "unset", "when set, the admin API answers only there"),
    ("PORTCULLIS_METRICS_LISTEN", "unset", "when set, `/metrics` answers only there, without a key"),
    ("DATABASE_URL", "sqlite://$PORTCULLIS_DATA_DIR/portcullis.db", "`postgres://…` for production"),
    ("PORTCULLIS_DATA_DIR", "./data", "embedded database and generated secrets (files 0600)"),
    (
        "PORTCULLIS_ADMIN_KEY",
        "generated",
        "the first admin key; generated and printed once at first start when unset",
    ),
    (
        "PORTCULLIS_ENCRYPTION_KEY",
        "generated",
        "32 bytes, base64; several, comma-separated, for rotation: the first encrypts",
    ),
    (
        "ANTHROPIC_AWS_BASE_URL",
        "unset",
        "an origin instead of `https://aws-external-anthropic.{region}.api.aws`; the region still signs",
    ),
    ("PORTCULLIS_USE_SYSTEM_PROXY", "false", "whether HTTP_PROXY and its kin are obeyed on the way upstream"),
    (
        "PORTCULLIS_PRESTOP_S",
        "0",
        "how long after SIGTERM new connections are still accepted, with `/readyz` at 503, in whole seconds",
    ),
    ("PORTCULLIS_DRAIN_TIMEOUT_S", "120", "how long open requests may go on after SIGTERM, in whole seconds"),
    (
        "PORTCULLIS_STREAM_IDLE_TIMEOUT_S",
        "120",
        "how long the upstream may be silent within a stream, in whole seconds",
    ),
    (
        "PORTCULLIS_MAX_CONNECTIONS",
        "10000",
        "connections at once on a listener; one more takes the place of the longest idle one, or gets 503 when all are busy",
    ),
    (
        "PORTCULLIS_MAX_REQUESTS",
        "4096",
        "requests being answered at once on a listener, probes not counted; more get 503",
    ),
    (
        "PORTCULLIS_MAX_BUFFERED_BYTES",
        "1073741824",
        "bytes of request bodies in memory at once on a listener; what is more gets 503",
    ),
    ("PORTCULLIS_FIRST_BYTE_TIMEOUT_S", "10", "how long a new connection may say nothing, in whole seconds"),
    ("PORTCULLIS_HEAD_TIMEOUT_S", "10", "how long a request's head may take to come, in whole seconds"),
    ("PORTCULLIS_BODY_IDLE_TIMEOUT_S", "30", "how long a request's body may pause, in whole seconds"),
    ("PORTCULLIS_KEEP_ALIVE_S", "75", "how long a connection may be idle between requests, in whole seconds"),
    (
        "PORTCULLIS_WRITE_STALL_TIMEOUT_S",
        "60",
        "how long a client may take nothing of its answer, in whole seconds",
    ),
    (
        "PORTCULLIS_STS_FALLBACKS",
        "unset",
        "regions whose STS is asked when that of an integration's region is down, comma-separated; `region=https://…` for an endpoint of one's own",
    ),
    ("PORTCULLIS_STS_RATE", "5", "calls to STS a second, over all integrations, that no request waits for"),
    ("PORTCULLIS_STS_BURST", "10", "such calls at once after a quiet time"),
    (
        "PORTCULLIS_SESSION_IDLE_S",
        "3600",
        "after how many whole seconds without use a session is not refreshed any more",
    ),
    (
        "PORTCULLIS_SESSIONS_PER_INTEGRATION",
        "100",
        "distinct sessions of one integration; callers beyond share the session of their workspace",
    ),
    ("PORTCULLIS_WARM_UP", "true", "whether sessions are made at the start, before anybody asks"),
    (
        "PORTCULLIS_VERIFY_INTERVAL_S",
        "86400",
        "how often each integration is verified by itself, in whole seconds; 0 for never",
    ),
    (
        "PORTCULLIS_PUBLIC_URL",
        "unset",
        "the gateway's address as clients know it, for links in its answers; when unset, that of each request",
    ),
    (
        "PORTCULLIS_SPOOL_DIR",
        "unset",
        "where uploads of more than 1 MiB wait, in files nobody else can open; when unset, the system's folder for temporary files",
    ),
    (
        "PORTCULLIS_RESPONSE_RETENTION_S",
        "2592000",
        "how long answers of the Responses API are kept for `previous_response_id` and retrieval, in whole seconds; 0 keeps none",
    ),
    (
        "PORTCULLIS_MODELS_FILE",
        "unset",
        "a JSON file of model facts over the built-in ones; read again when it changes (docs/models.md)",
    ),
    ("PORTCULLIS_URL", "http://127.0.0.1:8787", "for `setup` and `verify`: where the admin API is"),
    (
        "PORTCULLIS_API_KEY",
        "unset",
        "for `setup` and `verify`: a key for the admin API; when unset, `PORTCULLIS_ADMIN_KEY` is used",
    ),
    ("PORTCULLIS_LOG_FORMAT", "auto", "`human`, `json`, or `auto`: human on a terminal"),
    ("RUST_LOG", "info", "which log lines are written, in the syntax of tracing's filters"),
];

/// Everything a server is told from outside.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) admin_listen: Option<SocketAddr>,
    /// `None`: on the admin listener, for keys.
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) data_dir: PathBuf,
    /// `None`: the embedded database in the data directory.
    pub(crate) database: Option<DatabaseUrl>,
    pub(crate) admin_key: Option<ApiKeySecret>,
    pub(crate) encryption_key: Option<KeyRing>,
    pub(crate) upstream_base: UpstreamBase,
    pub(crate) use_system_proxy: bool,
    /// Between the signal to stop and the drain.
    pub(crate) prestop: Duration,
    pub(crate) drain_timeout: Duration,
    pub(crate) stream_idle_timeout: Duration,
    /// `None`: links take the address of the request.
    pub(crate) public_url: Option<String>,
    /// `None`: the system's folder for temporary files.
    pub(crate) spool_dir: Option<PathBuf>,
    /// `None`: answers of the Responses API are not kept.
    pub(crate) response_retention: Option<Duration>,
    /// What an operator knows better of models than this version; `None`: nothing.
    pub(crate) models_file: Option<PathBuf>,
    /// How credentials are got and kept.
    pub(crate) credentials: CredentialOptions,
    /// What a client may take its time for.
    pub(crate) server_limits: ServerLimits,
    pub(crate) log: LogSettings,
    /// Names in the environment that look like ours and are not.
    pub(crate) unknown_names: Vec<String>,
}

impl Config {
    /// Reads the environment and the file that the options name.
    pub(crate) fn load(options: &ConfigOptions) -> Result<Self, ConfigError> {
        Self::from_variables(&Variables::load(options.file())?)
    }

    /// # Errors
    /// Names the variable and says what it must be.
    pub(crate) fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            listen: variables.parse_or(
                "PORTCULLIS_LISTEN",
                "127.0.0.1:8787",
                "an address such as `127.0.0.1:8787`",
                SocketAddr::from_str,
            )?,
            admin_listen: variables.parse(
                "PORTCULLIS_ADMIN_LISTEN",
                "an address such as `127.0.0.1:8789`",
                SocketAddr::from_str,
            )?,
            metrics_listen: variables.parse(
                "PORTCULLIS_METRICS_LISTEN",
                "an address such as `127.0.0.1:9090`",
                SocketAddr::from_str,
            )?,
            data_dir: variables.get("PORTCULLIS_DATA_DIR").unwrap_or("data").into(),
            database: variables.parse(
                "DATABASE_URL",
                "`sqlite://PATH` or `postgres://…`",
                DatabaseUrl::from_str,
            )?,
            admin_key: variables.parse(
                "PORTCULLIS_ADMIN_KEY",
                "a key of this gateway (`pcs_…`); leave it unset to have one made",
                ApiKeySecret::from_str,
            )?,
            encryption_key: variables.parse(
                "PORTCULLIS_ENCRYPTION_KEY",
                "32 bytes in base64 (or several, comma-separated)",
                KeyRing::parse,
            )?,
            upstream_base: variables
                .parse(
                    "ANTHROPIC_AWS_BASE_URL",
                    "an origin such as `https://vpce-1.example.com`",
                    UpstreamBase::from_str,
                )?
                .unwrap_or(UpstreamBase::ByRegion),
            use_system_proxy: variables.parse_or(
                "PORTCULLIS_USE_SYSTEM_PROXY",
                "false",
                "`true` or `false`",
                bool::from_str,
            )?,
            prestop: variables
                .parse_or("PORTCULLIS_PRESTOP_S", "0", "whole seconds, 0 to 86400", none_or_up_to_a_day)
                .map(Duration::from_secs)?,
            drain_timeout: seconds(variables, "PORTCULLIS_DRAIN_TIMEOUT_S", "120")?,
            stream_idle_timeout: seconds(variables, "PORTCULLIS_STREAM_IDLE_TIMEOUT_S", "120")?,
            public_url: variables.parse(
                "PORTCULLIS_PUBLIC_URL",
                "an address such as `https://claude.example.com`",
                public_url,
            )?,
            spool_dir: variables.get("PORTCULLIS_SPOOL_DIR").map(PathBuf::from),
            response_retention: variables
                .parse_or(
                    "PORTCULLIS_RESPONSE_RETENTION_S",
                    "2592000",
                    "whole seconds, 0 to 31622400 (366 days)",
                    none_or_up_to_a_year,
                )
                .map(|seconds| (seconds > 0).then(|| Duration::from_secs(seconds)))?,
            models_file: variables.get("PORTCULLIS_MODELS_FILE").map(PathBuf::from),
            credentials: CredentialOptions::from_variables(variables)?,
            server_limits: server_limits(variables)?,
            log: LogSettings {
                format: variables.parse_or(
                    "PORTCULLIS_LOG_FORMAT",
                    "auto",
                    "`auto`, `human` or `json`",
                    LogFormat::from_str,
                )?,
                filter: variables.get("RUST_LOG").unwrap_or("info").to_owned(),
            },
            unknown_names: variables.unknown_in_environment(),
        })
    }

    /// Sets up logging as configured.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] when the filter cannot be read.
    pub(crate) fn init_logs(&self) -> anyhow::Result<Logs> {
        match portcullis_telemetry::init(&self.log) {
            Err(TelemetryError::Filter(why)) => Err(ConfigError::Invalid {
                name: "RUST_LOG",
                expected: "levels, such as `info` or `info,portcullis_gateway=debug`",
                got: format!("`{}`", self.log.filter.escape_debug()),
                reason: why.to_string(),
            }
            .into()),
            logs => Ok(logs?),
        }
    }

    /// The database this configuration means.
    pub(crate) fn database_url(&self) -> DatabaseUrl {
        match &self.database {
            Some(url) => url.clone(),
            None => DatabaseUrl::sqlite(&self.data_dir.join("portcullis.db")),
        }
    }
}

/// Longer than any of the limits makes sense, and short enough to be added to a moment.
const LONGEST_S: u64 = 24 * 60 * 60;
/// More than one process can have sockets, and requests that use them.
const MILLION: usize = 1_000_000;
/// More than a machine for this has of memory.
const MOST_BUFFERED_BYTES: usize = 1 << 40;

fn seconds(
    variables: &Variables,
    name: &'static str,
    default: &'static str,
) -> Result<Duration, ConfigError> {
    let number =
        variables.parse_or(name, default, "whole seconds, 1 to 86400", |raw| up_to(LONGEST_S, raw))?;
    Ok(Duration::from_secs(number))
}

fn server_limits(variables: &Variables) -> Result<ServerLimits, ConfigError> {
    Ok(ServerLimits {
        first_byte: seconds(variables, "PORTCULLIS_FIRST_BYTE_TIMEOUT_S", "10")?,
        head: seconds(variables, "PORTCULLIS_HEAD_TIMEOUT_S", "10")?,
        body_idle: seconds(variables, "PORTCULLIS_BODY_IDLE_TIMEOUT_S", "30")?,
        keep_alive: seconds(variables, "PORTCULLIS_KEEP_ALIVE_S", "75")?,
        write_stall: seconds(variables, "PORTCULLIS_WRITE_STALL_TIMEOUT_S", "60")?,
        max_connections: up_to_a_million(variables, "PORTCULLIS_MAX_CONNECTIONS", "10000")?,
        max_requests: up_to_a_million(variables, "PORTCULLIS_MAX_REQUESTS", "4096")?,
        max_buffered_bytes: variables.parse_or(
            "PORTCULLIS_MAX_BUFFERED_BYTES",
            "1073741824",
            "a whole number of bytes, 1 to 1099511627776",
            |raw| up_to(MOST_BUFFERED_BYTES, raw),
        )?,
        ..ServerLimits::default()
    })
}

fn up_to_a_million(
    variables: &Variables,
    name: &'static str,
    default: &'static str,
) -> Result<usize, ConfigError> {
    variables.parse_or(name, default, "a whole number, 1 to 1000000", |raw| up_to(MILLION, raw))
}

/// An address without a slash at its end, to which paths are appended.
fn public_url(raw: &str) -> Result<String, &'static str> {
    let uri: http::Uri = raw.parse().map_err(|_| "not an address")?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
    if !is_web || uri.query().is_some() {
        return Err("it needs `http://` or `https://`, a host, and no query");
    }
    Ok(raw.trim_end_matches('/').to_owned())
}

fn none_or_up_to_a_day(raw: &str) -> Result<u64, &'static str> {
    if raw == "0" { Ok(0) } else { up_to(LONGEST_S, raw) }
}

fn none_or_up_to_a_year(raw: &str) -> Result<u64, &'static str> {
    if raw == "0" { Ok(0) } else { up_to(366 * 24 * 60 * 60, raw) }
}

/// A whole number above zero.
fn up_to<N: FromStr + PartialOrd + Default>(most: N, raw: &str) -> Result<N, &'static str> {
    let number = raw.parse().ok().filter(|number| *number > N::default() && *number <= most);
    number.ok_or("not such a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_variables(&Variables::of(pairs))
    }

    #[test]
    fn without_any_variable_everything_has_a_default() {
        let config = config(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8787");
        assert!(config.database.is_none() && config.admin_key.is_none());
        assert_eq!(config.prestop, Duration::ZERO);
        assert_eq!(config.response_retention, Some(Duration::from_secs(30 * 24 * 60 * 60)));
        assert_eq!(config.drain_timeout, Duration::from_secs(120));
        assert_eq!(format!("{:?}", config.server_limits), format!("{:?}", ServerLimits::default()));
    }

    #[test]
    fn an_error_names_the_variable_and_what_it_must_be() {
        let check = |name: &str, value: &str, expect: &str| {
            let text = config(&[(name, value)]).expect_err(name).to_string();
            assert!(text.contains(name) && text.contains(expect), "{text}");
        };
        check("PORTCULLIS_LISTEN", "8787", "an address such as");
        check("PORTCULLIS_DRAIN_TIMEOUT_S", "soon", "whole seconds");
        check("PORTCULLIS_DRAIN_TIMEOUT_S", "0", "whole seconds");
        check("PORTCULLIS_DRAIN_TIMEOUT_S", "-1", "whole seconds");
        check("PORTCULLIS_PRESTOP_S", "-1", "0 to 86400");
        check("PORTCULLIS_PRESTOP_S", "86401", "0 to 86400");
        check("PORTCULLIS_STREAM_IDLE_TIMEOUT_S", "18446744073709551615", "1 to 86400");
        check("PORTCULLIS_MAX_CONNECTIONS", "18446744073709551615", "1 to 1000000");
        check("PORTCULLIS_MAX_REQUESTS", "0", "1 to 1000000");
        check("PORTCULLIS_MAX_BUFFERED_BYTES", "1 GiB", "a whole number of bytes");
        check("ANTHROPIC_AWS_BASE_URL", "ftp://x", "an origin such as");
        check("DATABASE_URL", "mysql://x", "sqlite://");
        check("PORTCULLIS_METRICS_LISTEN", "9090", "an address such as");
        check("PORTCULLIS_USE_SYSTEM_PROXY", "yes", "`true` or `false`");
        check("PORTCULLIS_PUBLIC_URL", "claude.example.com", "an address such as");
        check("PORTCULLIS_PUBLIC_URL", "https://claude.example.com/?x=1", "no query");
        check("PORTCULLIS_RESPONSE_RETENTION_S", "forever", "whole seconds, 0 to 31622400");
    }

    #[test]
    fn a_secret_that_cannot_be_read_is_not_repeated() {
        for name in ["PORTCULLIS_ADMIN_KEY", "PORTCULLIS_ENCRYPTION_KEY", "DATABASE_URL"] {
            let text = config(&[(name, "hunter2")]).expect_err(name).to_string();
            assert!(text.contains(name) && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn the_documentation_has_exactly_these_settings() {
        let page = include_str!("../../../docs/configuration.md");
        for (name, default, meaning) in NAMES {
            let row = format!("| `{name}` | {default} | {meaning} |");
            assert!(page.contains(&row), "docs/configuration.md lacks the row\n{row}");
        }
        let n_rows = page.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(n_rows, NAMES.len());
    }

    #[test]
    fn every_name_that_is_read_is_documented() {
        let source = concat!(include_str!("config.rs"), include_str!("config/credentials.rs"));
        let is_name =
            |part: &&str| part.len() > 8 && part.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        for name in source.split('"').filter(is_name).filter(|name| !name.ends_with('_')) {
            assert!(NAMES.iter().any(|(known, ..)| *known == name), "{name}");
        }
    }
}
