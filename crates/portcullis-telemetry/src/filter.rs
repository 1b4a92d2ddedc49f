//! What is to be logged: directives as `RUST_LOG` has them, read strictly.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

/// Why a log filter cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFilter {
    /// There is no directive in it, which would log nothing.
    #[error("the filter is empty; `info` is the usual one, `off` logs nothing")]
    Empty,
    /// One directive is neither a level nor `target=level`.
    ///
    /// The common syntax reads a lone word as a target at its most talkative level, so that `inof` would silence all else.
    #[error("`{0}` is neither a level (off, error, warn, info, debug, trace) nor `target=level`")]
    Directive(String),
}

/// Reads directives with commas between, such as `info,portcullis_gateway=debug,hyper=off`.
///
/// # Errors
/// [`InvalidFilter`] names the first directive that is none.
pub(crate) fn parse(raw: &str) -> Result<EnvFilter, InvalidFilter> {
    // An empty `EnvFilter` lets errors of every target through; what nobody asked for is off.
    let mut filter = EnvFilter::default().add_directive(LevelFilter::OFF.into());
    let mut is_empty = true;
    for directive in raw.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        filter = filter.add_directive(parse_directive(directive)?);
        is_empty = false;
    }
    if is_empty { Err(InvalidFilter::Empty) } else { Ok(filter) }
}

fn parse_directive(raw: &str) -> Result<Directive, InvalidFilter> {
    let wrong = || InvalidFilter::Directive(raw.chars().take(100).flat_map(char::escape_debug).collect());
    let is_target = |target: &str| {
        !target.is_empty() && target.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:-.".contains(&b))
    };
    let level = match raw.split_once('=') {
        Some((target, level)) if is_target(target) => level,
        Some(_) => return Err(wrong()),
        None => raw,
    };
    let _level: LevelFilter = level.parse().map_err(|_| wrong())?;
    raw.parse().map_err(|_| wrong())
}
