//! Times on the wire: RFC 3339, UTC, milliseconds. Clients decode them strictly.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// `2026-01-02T03:04:05.000Z`.
pub(crate) fn format(at: OffsetDateTime) -> String {
    let layout = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    // What cannot be moved to UTC lies within a day of the end of year 9999, and is off by hours at most.
    let utc = at.checked_to_offset(UtcOffset::UTC).unwrap_or(at);
    utc.format(layout).expect("the layout asks for nothing that a time does not have")
}

/// Reads RFC 3339 with any offset; `None` when it is not, or not within the years 0 to 9999 in UTC.
pub(crate) fn parse(raw: &str) -> Option<OffsetDateTime> {
    let at = OffsetDateTime::parse(raw, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
    (0..=9999).contains(&at.year()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        let check = |raw: &str, expect: Option<&str>| {
            assert_eq!(parse(raw).map(format).as_deref(), expect, "{raw}");
        };
        check("2026-01-02T03:04:05Z", Some("2026-01-02T03:04:05.000Z"));
        check("2026-01-02T03:04:05.678901+02:00", Some("2026-01-02T01:04:05.678Z"));
        check("2026-01-02", None);
        check("2024-07-30 13:27:29+00:00", Some("2024-07-30T13:27:29.000Z"));
        check("9999-12-31T23:59:59-23:00", None);
        check("tomorrow", None);
    }
}
