//! Anthropic's rate-limit headers under the names that OpenAI's clients read.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Each header of OpenAI's, and the ones of Anthropic's it is read from, the first that is there.
const NAMES: [(&str, &[&str]); 6] = [
    ("x-ratelimit-limit-requests", &["anthropic-ratelimit-requests-limit"]),
    ("x-ratelimit-remaining-requests", &["anthropic-ratelimit-requests-remaining"]),
    ("x-ratelimit-reset-requests", &["anthropic-ratelimit-requests-reset"]),
    (
        "x-ratelimit-limit-tokens",
        &[
            "anthropic-ratelimit-tokens-limit",
            "anthropic-ratelimit-input-tokens-limit",
            "anthropic-ratelimit-output-tokens-limit",
        ],
    ),
    (
        "x-ratelimit-remaining-tokens",
        &[
            "anthropic-ratelimit-tokens-remaining",
            "anthropic-ratelimit-input-tokens-remaining",
            "anthropic-ratelimit-output-tokens-remaining",
        ],
    ),
    (
        "x-ratelimit-reset-tokens",
        &[
            "anthropic-ratelimit-tokens-reset",
            "anthropic-ratelimit-input-tokens-reset",
            "anthropic-ratelimit-output-tokens-reset",
        ],
    ),
];

/// The rate-limit headers for a client that speaks OpenAI's dialect.
///
/// The plain `tokens` set is the tightest limit in force, so it goes before the ones for input and output. A time of
/// reset becomes the time until then, rounded up to whole seconds (`12s`, `1m30s`); one that is no RFC 3339 is left out.
///
/// - `header`: looks up a header of the upstream's answer by its lower-case name.
pub fn rate_limit_headers(
    header: &dyn Fn(&str) -> Option<String>,
    now: SystemTime,
) -> Vec<(&'static str, String)> {
    NAMES
        .iter()
        .filter_map(|(name, sources)| {
            let value = sources.iter().find_map(|source| header(source))?;
            let value = if name.contains("-reset-") { until(&value, now)? } else { value };
            Some((*name, value))
        })
        .collect()
}

fn until(reset: &str, now: SystemTime) -> Option<String> {
    let reset = SystemTime::from(OffsetDateTime::parse(reset.trim(), &Rfc3339).ok()?);
    let left = reset.duration_since(now).unwrap_or(Duration::ZERO);
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    Some(match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&str, &str)], expected: &[(&'static str, &str)]) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_225_600_500); // 2026-01-01T00:00:00.5Z
        let header = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let expected: Vec<_> = expected.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        assert_eq!(rate_limit_headers(&header, now), expected);
    }

    #[test]
    fn each_number_keeps_its_text() {
        check(
            &[
                ("anthropic-ratelimit-requests-limit", "1000"),
                ("anthropic-ratelimit-requests-remaining", "999"),
                ("anthropic-ratelimit-tokens-limit", "400000"),
                ("anthropic-ratelimit-input-tokens-limit", "2000000"),
                ("anthropic-ratelimit-input-tokens-remaining", "1999000"),
            ],
            &[
                ("x-ratelimit-limit-requests", "1000"),
                ("x-ratelimit-remaining-requests", "999"),
                ("x-ratelimit-limit-tokens", "400000"),
                ("x-ratelimit-remaining-tokens", "1999000"),
            ],
        );
        check(&[], &[]);
    }

    #[test]
    fn a_reset_becomes_the_time_until_then() {
        for (reset, expected) in [
            ("2026-01-01T00:00:12Z", Some("12s")),
            ("2026-01-01T00:01:30.500Z", Some("1m30s")),
            ("2026-01-01T03:00:00+02:00", Some("1h0m0s")),
            ("2025-12-31T00:00:00Z", Some("0s")),
            ("soon", None),
        ] {
            let expected: Vec<_> =
                expected.map(|text| ("x-ratelimit-reset-requests", text)).into_iter().collect();
            check(&[("anthropic-ratelimit-requests-reset", reset)], &expected);
        }
    }
}
