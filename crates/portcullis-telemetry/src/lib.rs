//! Logs, set up in one place: structured, to standard error, for people on a terminal and for machines elsewhere; and
//! metrics, as the text that is scraped.
//!
//! Start at [`init`], which the binary calls once, first thing. [`subscriber`] is the same without the global state, for
//! whoever brings a writer. The private `escape` keeps values from forging lines; `filter` reads what is to be logged; `queue`
//! keeps a reader who does not read from holding up those who log.
//!
//! Everything else in the house logs through `tracing` and knows nothing of this crate. Traces for export are further
//! layers on the one subscriber, so they belong here too, and [`Logs`] flushes at the end. What is counted is told by
//! the parts that count it and brought to [`metrics`] by the binary.
//!
//! # Invariants
//! - One event is one line, whatever its values hold. (tests `a_value_cannot_forge_a_line`, `any_text_stays_on_its_line`)
//! - No value reaches a terminal as a control sequence. (test `a_value_cannot_steer_a_terminal`)
//! - A log that cannot be written is lost, and stops nothing. (test `a_broken_writer_stops_nothing`)
//! - A log that nobody reads stops nothing either: what waits is bounded, and what is lost is counted and said. (test
//!   `a_blocked_writer_holds_up_nobody_and_what_is_lost_is_said_in_its_place`)
//! - A label's value stays in its label. (test `a_label_cannot_break_out_of_its_line`)
//! - A filter that would silently log nothing is refused, not guessed at. (test `what_is_wrong_with_a_filter_is_said`)

pub mod metrics;

mod escape;
mod filter;
mod format;
mod queue;

#[cfg(test)]
mod tests;

use std::io::IsTerminal;
use std::str::FromStr;

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

pub use filter::InvalidFilter;

/// How logs look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// [`Human`](Self::Human) when standard error is a terminal, else [`Json`](Self::Json).
    #[default]
    Auto,
    /// Time, level, spans, message and fields on a line; in colour on a terminal, unless `NO_COLOR` is set.
    Human,
    /// One JSON object a line: `timestamp`, `level`, `target`, `fields` (with `message`), `span`.
    Json,
}

/// Why a string is no [`LogFormat`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a log format is `auto`, `human` or `json`")]
pub struct InvalidLogFormat;

impl FromStr for LogFormat {
    type Err = InvalidLogFormat;

    fn from_str(raw: &str) -> Result<Self, InvalidLogFormat> {
        match raw {
            "auto" => Ok(Self::Auto),
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            _ => Err(InvalidLogFormat),
        }
    }
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// How logs look.
    pub format: LogFormat,
    /// What is logged: a level, or directives with commas between, such as `info,portcullis_gateway=debug`.
    pub filter: String,
}

/// Whatever is at least [`INFO`](tracing::Level::INFO), in the format that suits where it goes.
impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "info".into() }
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be understood. The operator's mistake.
    #[error("cannot read the log filter")]
    Filter(#[from] InvalidFilter),
    /// Something in this process has set up logging before.
    #[error("logging is already set up in this process")]
    AlreadySet,
    /// The operating system has no thread to give for writing.
    #[error("cannot start the thread that writes the log")]
    Thread(#[source] std::io::Error),
}

/// Logging, set up. Keep it until the process ends: dropping it writes out what waits, for two seconds at most, and
/// what is logged afterwards is lost.
#[derive(Debug)]
#[must_use = "logging ends when this is dropped"]
pub struct Logs {
    format: LogFormat,
    _flush: queue::Flush,
}

impl Logs {
    /// The format in use, never [`LogFormat::Auto`].
    #[must_use]
    pub fn format(&self) -> LogFormat {
        self.format
    }
}

/// Sets up logging to standard error for the whole process, through a thread of its own: whoever logs never waits.
///
/// # Errors
/// [`TelemetryError::Filter`] when the filter cannot be read, [`TelemetryError::AlreadySet`] the second time,
/// [`TelemetryError::Thread`] when there is no thread to be had.
pub fn init(settings: &LogSettings) -> Result<Logs, TelemetryError> {
    let destination =
        if std::io::stderr().is_terminal() { Destination::Terminal } else { Destination::Other };
    let format = resolve(settings.format, destination);
    let say_lost = move |lost| format::lost_lines(format, lost);
    let (lines, flush) = queue::start(std::io::stderr(), queue::CAPACITY, queue::PATIENCE, say_lost)
        .map_err(TelemetryError::Thread)?;
    let subscriber = subscriber(settings, destination, lines)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::AlreadySet)?;
    Ok(Logs { format, _flush: flush })
}

/// Where log lines end up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A person's terminal.
    Terminal,
    /// A file, a pipe, a log collector.
    Other,
}

/// What [`init`] sets up, for another writer and without touching global state.
///
/// # Errors
/// [`InvalidFilter`] when the filter cannot be read.
pub fn subscriber<W>(
    settings: &LogSettings,
    destination: Destination,
    writer: W,
) -> Result<impl Subscriber + Send + Sync + use<W>, InvalidFilter>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let filter: EnvFilter = filter::parse(&settings.filter)?;
    // A line that cannot be written is lost: the alternative, reporting it on standard error, panics when that is closed.
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).log_internal_errors(false);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match resolve(settings.format, destination) {
        LogFormat::Json => Box::new(
            lines.with_ansi(false).fmt_fields(format::json_fields()).event_format(format::JsonLines::new()),
        ),
        LogFormat::Human | LogFormat::Auto => {
            let lines = lines.fmt_fields(format::HumanFields);
            match destination {
                Destination::Terminal => Box::new(lines),
                Destination::Other => Box::new(lines.with_ansi(false)),
            }
        }
    };
    Ok(Registry::default().with(layer.with_filter(filter)))
}

fn resolve(format: LogFormat, destination: Destination) -> LogFormat {
    match (format, destination) {
        (LogFormat::Auto, Destination::Terminal) => LogFormat::Human,
        (LogFormat::Auto, Destination::Other) => LogFormat::Json,
        (chosen, _) => chosen,
    }
}
