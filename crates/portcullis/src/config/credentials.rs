//! How credentials are got and kept, as an operator sets it.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use portcullis_types::Region;

use super::{ConfigError, Variables, seconds, up_to, up_to_a_million};

/// As many calls a second as STS takes from one account, and more.
const MOST_CALLS: u32 = 1000;
/// A week between two looks at an integration is no schedule any more, but it is somebody's wish.
const LONGEST_INTERVAL_S: u64 = 7 * 24 * 60 * 60;

/// The settings of the credential engine and of what looks after integrations.
#[derive(Debug)]
pub(crate) struct CredentialOptions {
    /// Asked in this order when the STS of an integration's region does not answer.
    pub(crate) sts_fallbacks: Vec<StsFallback>,
    /// Calls to STS a second, over all integrations.
    pub(crate) sts_rate: NonZeroU32,
    /// Calls to STS at once after a quiet time.
    pub(crate) sts_burst: NonZeroU32,
    /// A session that nobody has used for so long is not refreshed any more.
    pub(crate) session_idle: Duration,
    /// Distinct sessions of one integration.
    pub(crate) sessions_per_integration: usize,
    /// Whether sessions are made at the start, before anybody asks.
    pub(crate) warm_up: bool,
    /// Between two verifications of an integration; `None`: never by itself.
    pub(crate) verify_interval: Option<Duration>,
}

/// An STS to ask besides that of an integration's own region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StsFallback {
    /// Signed for, and where it is unless `endpoint` says otherwise.
    pub(crate) region: Region,
    /// An origin of its own, such as that of a VPC endpoint.
    pub(crate) endpoint: Option<String>,
}

impl CredentialOptions {
    /// # Errors
    /// Names the variable and says what it must be.
    pub(super) fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            sts_fallbacks: variables
                .parse("PORTCULLIS_STS_FALLBACKS", FALLBACKS_ARE, parse_fallbacks)?
                .unwrap_or_default(),
            sts_rate: calls(variables, "PORTCULLIS_STS_RATE", "5")?,
            sts_burst: calls(variables, "PORTCULLIS_STS_BURST", "10")?,
            session_idle: seconds(variables, "PORTCULLIS_SESSION_IDLE_S", "3600")?,
            sessions_per_integration: up_to_a_million(
                variables,
                "PORTCULLIS_SESSIONS_PER_INTEGRATION",
                "100",
            )?,
            warm_up: variables.parse_or("PORTCULLIS_WARM_UP", "true", "`true` or `false`", bool::from_str)?,
            verify_interval: verify_interval(variables)?,
        })
    }
}

const FALLBACKS_ARE: &str = "regions, comma-separated, each alone or with an origin: `us-east-1,eu-west-1=https://vpce-1.example.com`";

fn calls(
    variables: &Variables,
    name: &'static str,
    default: &'static str,
) -> Result<NonZeroU32, ConfigError> {
    variables.parse_or(name, default, "a whole number, 1 to 1000", |raw| {
        up_to(MOST_CALLS, raw).and_then(|number| NonZeroU32::new(number).ok_or("not such a number"))
    })
}

fn verify_interval(variables: &Variables) -> Result<Option<Duration>, ConfigError> {
    let expected = "whole seconds, 60 to 604800, or 0 for never";
    let seconds = variables.parse_or("PORTCULLIS_VERIFY_INTERVAL_S", "86400", expected, |raw| match raw {
        "0" => Ok(0),
        _ => up_to(LONGEST_INTERVAL_S, raw).and_then(|s| if s < 60 { Err("too often") } else { Ok(s) }),
    })?;
    Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
}

fn parse_fallbacks(raw: &str) -> Result<Vec<StsFallback>, String> {
    raw.split(',').map(str::trim).map(parse_fallback).collect()
}

fn parse_fallback(raw: &str) -> Result<StsFallback, String> {
    let (region, endpoint) = match raw.split_once('=') {
        Some((region, endpoint)) => (region.trim(), Some(parse_origin(endpoint.trim())?)),
        None => (raw, None),
    };
    let region = region.parse().map_err(|error| format!("`{}`: {error}", region.escape_debug()))?;
    Ok(StsFallback { region, endpoint })
}

/// An origin, with nothing behind it that would be lost.
fn parse_origin(raw: &str) -> Result<String, String> {
    let wrong = || format!("`{}` is no origin", raw.escape_debug());
    let uri: http::Uri = raw.parse().map_err(|_| wrong())?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if is_http && is_bare && !has_user { Ok(raw.trim_end_matches('/').to_owned()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Result<CredentialOptions, ConfigError> {
        CredentialOptions::from_variables(&Variables::of(pairs))
    }

    #[test]
    fn fallbacks_are_regions_with_or_without_an_origin_of_their_own() {
        let raw = "us-east-1, eu-west-1 = https://vpce-1.example.com/ ,us-west-2=http://127.0.0.1:1";
        let read = options(&[("PORTCULLIS_STS_FALLBACKS", raw)]).unwrap().sts_fallbacks;
        let shown: Vec<_> = read.iter().map(|f| (f.region.as_str(), f.endpoint.as_deref())).collect();
        let expected = [
            ("us-east-1", None),
            ("eu-west-1", Some("https://vpce-1.example.com")),
            ("us-west-2", Some("http://127.0.0.1:1")),
        ];
        assert_eq!(shown, expected);
        for wrong in [
            "nowhere",
            "us-east-1,",
            "us-east-1=ftp://x",
            "us-east-1=https://x/path",
            "us-east-1=https://a@b",
        ] {
            let text = options(&[("PORTCULLIS_STS_FALLBACKS", wrong)]).expect_err(wrong).to_string();
            assert!(text.contains("PORTCULLIS_STS_FALLBACKS must be regions"), "{text}");
        }
    }

    #[test]
    fn verification_can_be_off_but_not_a_flood() {
        let interval = |raw| options(&[("PORTCULLIS_VERIFY_INTERVAL_S", raw)]).map(|o| o.verify_interval);
        assert_eq!(interval("0").unwrap(), None);
        assert_eq!(interval("").unwrap(), Some(Duration::from_secs(86_400)));
        assert_eq!(interval("604800").unwrap(), Some(Duration::from_secs(604_800)));
        for wrong in ["1", "59", "604801", "nightly", "-1"] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_have_limits() {
        assert_eq!(options(&[]).unwrap().sts_rate.get(), 5);
        assert!(options(&[("PORTCULLIS_STS_RATE", "0")]).is_err());
        assert!(options(&[("PORTCULLIS_STS_BURST", "1001")]).is_err());
        assert!(options(&[("PORTCULLIS_SESSIONS_PER_INTEGRATION", "0")]).is_err());
        assert!(options(&[("PORTCULLIS_SESSION_IDLE_S", "0")]).is_err());
        assert!(options(&[("PORTCULLIS_WARM_UP", "later")]).is_err());
    }
}
