//! How credentials are got and kept, as an operator sets it.

use std::str::FromStr;
use std::time::Duration;

use portcullis_credentials::{EngineSettings, StsBudget, StsEndpoint};
use portcullis_types::SharedClock;

use super::{ConfigError, Variables, seconds, up_to, up_to_a_million};

/// As many calls a second as STS takes from one account, and more.
const MOST_CALLS: u32 = 1000;
/// A week between two looks at an integration is no schedule any more, but it is somebody's wish.
const LONGEST_INTERVAL_S: u64 = 7 * 24 * 60 * 60;

/// The settings of the credential engine and of what looks after integrations.
#[derive(Debug)]
pub(crate) struct CredentialOptions {
    /// Asked in this order when the STS of an integration's region does not answer.
    sts_fallbacks: Vec<StsEndpoint>,
    budget: StsBudget,
    /// A session that nobody has used for so long is not refreshed any more.
    session_idle: Duration,
    /// Distinct sessions of one integration.
    sessions_per_integration: usize,
    /// Whether sessions are made at the start, before anybody asks.
    pub(crate) warm_up: bool,
    /// Between two verifications of an integration; `None`: never by itself.
    pub(crate) verify_interval: Option<Duration>,
}

impl CredentialOptions {
    /// # Errors
    /// Names the variable and says what it must be.
    pub(super) fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            sts_fallbacks: variables
                .parse("PORTCULLIS_STS_FALLBACKS", FALLBACKS_ARE, parse_fallbacks)?
                .unwrap_or_default(),
            budget: StsBudget {
                per_second: calls(variables, "PORTCULLIS_STS_RATE", "5")?,
                burst: calls(variables, "PORTCULLIS_STS_BURST", "10")?,
            },
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

    /// What an engine is made from.
    pub(crate) fn engine(&self, clock: SharedClock) -> EngineSettings {
        EngineSettings {
            sts_fallbacks: self.sts_fallbacks.clone(),
            idle_after: self.session_idle,
            sessions_per_integration: self.sessions_per_integration,
            budget: self.budget,
            ..EngineSettings::new(clock)
        }
    }
}

const FALLBACKS_ARE: &str = "regions, comma-separated, each alone or with an origin: `us-east-1,eu-west-1=https://vpce-1.example.com`";

fn calls(variables: &Variables, name: &'static str, default: &'static str) -> Result<u32, ConfigError> {
    variables.parse_or(name, default, "a whole number, 1 to 1000", |raw| up_to(MOST_CALLS, raw))
}

fn verify_interval(variables: &Variables) -> Result<Option<Duration>, ConfigError> {
    let expected = "whole seconds, 60 to 604800, or 0 for never";
    let seconds = variables.parse_or("PORTCULLIS_VERIFY_INTERVAL_S", "86400", expected, |raw| match raw {
        "0" => Ok(0),
        _ => up_to(LONGEST_INTERVAL_S, raw).and_then(|s| if s < 60 { Err("too often") } else { Ok(s) }),
    })?;
    Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
}

fn parse_fallbacks(raw: &str) -> Result<Vec<StsEndpoint>, String> {
    raw.split(',').map(str::trim).map(parse_fallback).collect()
}

fn parse_fallback(raw: &str) -> Result<StsEndpoint, String> {
    let (region, url) = match raw.split_once('=') {
        Some((region, url)) => (region.trim(), Some(parse_origin(url.trim())?)),
        None => (raw, None),
    };
    let region = region.parse().map_err(|error| format!("`{}`: {error}", region.escape_debug()))?;
    Ok(StsEndpoint { region, url })
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
        let shown: Vec<_> = read.iter().map(|f| (f.region.as_str(), f.url.as_deref())).collect();
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
        assert_eq!(options(&[]).unwrap().budget, StsBudget::default());
        assert!(options(&[("PORTCULLIS_STS_RATE", "0")]).is_err());
        assert!(options(&[("PORTCULLIS_STS_BURST", "1001")]).is_err());
        assert!(options(&[("PORTCULLIS_SESSIONS_PER_INTEGRATION", "0")]).is_err());
        assert!(options(&[("PORTCULLIS_SESSION_IDLE_S", "0")]).is_err());
        assert!(options(&[("PORTCULLIS_WARM_UP", "later")]).is_err());
    }
}
