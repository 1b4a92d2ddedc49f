//! From a model's release to its retirement.

use serde::Deserialize;
use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const FORMAT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// How long before its retirement a model is spoken of as deprecated, in days: the shortest notice Anthropic gives.
///
/// Source: Anthropic's documentation, "Model deprecations".
pub const NOTICE_DAYS: i64 = 60;

/// What is known of a model's life. Days are UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// Where it stood when the row was written.
    pub status: Status,
    /// The day of its release.
    pub released: Option<Day>,
    /// The day its retirement was announced.
    pub deprecated_at: Option<Day>,
    /// The last day it is expected to answer.
    pub retires_at: Option<Day>,
    /// The day before which it will not retire, for a model without a date.
    pub retires_not_before: Option<Day>,
    /// The id of the model that its makers recommend instead.
    pub recommended_replacement: Option<String>,
}

impl Lifecycle {
    /// Where the model stands on a day.
    ///
    /// On the day of retirement itself it still counts as living: the hour is not known, and while the upstream
    /// answers, so do we.
    #[must_use]
    pub fn on(&self, today: Date) -> Stage {
        let left = self.retires_at.map(|day| (day.0 - today).whole_days());
        match (left, self.status) {
            (Some(left), _) if left < 0 => Stage::Retired,
            (None, Status::Retired) => Stage::Retired,
            (Some(left), _) if left <= NOTICE_DAYS => Stage::Deprecated,
            (_, Status::Deprecated | Status::Retired) => Stage::Deprecated,
            (_, Status::Legacy) => Stage::Legacy,
            (_, Status::Active) => Stage::Active,
        }
    }
}

/// A model's status as a row says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Current.
    Active,
    /// Can be called; another one is recommended.
    Legacy,
    /// Its retirement is announced.
    Deprecated,
    /// Gone.
    Retired,
}

/// Where a model stands on a given day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Current.
    Active,
    /// Can be called; another one is recommended.
    Legacy,
    /// Can be called; the end is announced, or near.
    Deprecated,
    /// Cannot be called any more.
    Retired,
}

impl Stage {
    /// As people and the Models API write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Legacy => "legacy",
            Self::Deprecated => "deprecated",
            Self::Retired => "retired",
        }
    }
}

/// A day as files write it: `2026-11-30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Day(pub Date);

/// Why a text is no [`Day`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a day such as `2026-11-30`")]
pub struct InvalidDay;

impl TryFrom<String> for Day {
    type Error = InvalidDay;

    fn try_from(raw: String) -> Result<Self, InvalidDay> {
        Date::parse(&raw, FORMAT).map(Self).map_err(|_| InvalidDay)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(date) = self;
        write!(f, "{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    fn life(status: Status, retires_at: Option<Date>) -> Lifecycle {
        Lifecycle {
            status,
            released: None,
            deprecated_at: None,
            retires_at: retires_at.map(Day),
            retires_not_before: None,
            recommended_replacement: None,
        }
    }

    #[test]
    fn a_date_decides_over_what_the_row_once_said() {
        let active = life(Status::Active, Some(date!(2026 - 11 - 30)));
        assert_eq!(active.on(date!(2026 - 09 - 30)), Stage::Active);
        assert_eq!(active.on(date!(2026 - 10 - 01)), Stage::Deprecated);
        assert_eq!(active.on(date!(2026 - 11 - 30)), Stage::Deprecated);
        assert_eq!(active.on(date!(2026 - 12 - 01)), Stage::Retired);
    }

    #[test]
    fn without_a_date_the_row_is_believed() {
        let today = date!(2026 - 11 - 25);
        assert_eq!(life(Status::Active, None).on(today), Stage::Active);
        assert_eq!(life(Status::Legacy, None).on(today), Stage::Legacy);
        assert_eq!(life(Status::Deprecated, None).on(today), Stage::Deprecated);
        assert_eq!(life(Status::Retired, None).on(today), Stage::Retired);
    }

    #[test]
    fn a_day_is_written_as_it_is_read() {
        assert_eq!(Day::try_from("2026-03-01".to_owned()).unwrap().to_string(), "2026-03-01");
        for raw in ["2026-02-30", "1.3.2026", "2026-03", ""] {
            assert_eq!(Day::try_from(raw.to_owned()), Err(InvalidDay), "{raw}");
        }
    }
}
