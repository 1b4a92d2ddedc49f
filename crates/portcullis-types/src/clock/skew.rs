//! How far this machine's clock is from AWS's, learnt from AWS's answers.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use super::{Clock, SharedClock};

/// A smaller difference is noise: the `date` of an answer has whole seconds, and the answer was under way. AWS allows a
/// signature five minutes.
const SMALLEST_CORRECTION_S: i64 = 30;

/// Seconds to add to the local clock so that it says what AWS's says. One for all regions and services: AWS has one time.
#[derive(Debug, Default)]
pub struct ClockSkew(AtomicI64);

impl ClockSkew {
    /// Seconds to add to the local clock; negative when it is ahead.
    #[must_use]
    pub fn offset_seconds(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// `local` as AWS's clock would say it.
    #[must_use]
    pub fn corrected(&self, local: SystemTime) -> SystemTime {
        let offset = self.offset_seconds();
        let distance = Duration::from_secs(offset.unsigned_abs());
        let moved = if offset < 0 { local.checked_sub(distance) } else { local.checked_add(distance) };
        moved.unwrap_or(local)
    }

    /// Learns from the `date` of an answer that refused a signature for its time. True when signing again may help.
    ///
    /// - `date`: the header's value, as in `Sun, 22 Nov 2026 12:00:20 GMT`.
    /// - `now`: what the local clock says, uncorrected.
    pub fn learn_from_refusal(&self, date: Option<&str>, now: SystemTime) -> bool {
        self.learn(date, now)
    }

    /// Learns from the `date` of any other answer of AWS, so that a clock that drifts is corrected before it matters.
    pub fn learn_from_success(&self, date: Option<&str>, now: SystemTime) {
        self.learn(date, now);
    }

    fn learn(&self, date: Option<&str>, now: SystemTime) -> bool {
        let Some(server) = date.and_then(|text| httpdate::parse_http_date(text).ok()) else { return false };
        let measured = seconds(server).saturating_sub(seconds(now));
        if (measured - self.offset_seconds()).abs() < SMALLEST_CORRECTION_S {
            return false;
        }
        // A clock that is right is not corrected by the noise of one answer.
        let offset = if measured.abs() < SMALLEST_CORRECTION_S { 0 } else { measured };
        self.0.store(offset, Ordering::Relaxed);
        true
    }
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A clock that says what AWS's says, as far as that is known.
#[derive(Clone, Debug)]
pub struct CorrectedClock {
    /// The machine's own.
    pub local: SharedClock,
    /// How far that is off.
    pub skew: std::sync::Arc<ClockSkew>,
}

impl Clock for CorrectedClock {
    fn now(&self) -> SystemTime {
        self.skew.corrected(self.local.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    const NOON: Duration = Duration::from_secs(1_795_348_800); // 2026-11-22T12:00:00Z

    #[test]
    fn a_wrong_clock_is_corrected_once_and_a_right_one_never() {
        let skew = ClockSkew::default();
        let now = UNIX_EPOCH + NOON;
        assert!(
            !skew.learn_from_refusal(Some("Sun, 22 Nov 2026 12:00:20 GMT"), now),
            "within what AWS allows"
        );
        assert!(skew.learn_from_refusal(Some("Sun, 22 Nov 2026 12:20:00 GMT"), now));
        assert_eq!(skew.offset_seconds(), 1200);
        assert_eq!(skew.corrected(now), now + Duration::from_secs(1200));
        assert!(!skew.learn_from_refusal(Some("Sun, 22 Nov 2026 12:20:05 GMT"), now), "it did not help");
        for junk in [None, Some("yesterday"), Some("")] {
            assert!(!skew.learn_from_refusal(junk, now));
        }
        assert!(
            skew.learn_from_refusal(Some("Sun, 22 Nov 2026 12:00:00 GMT"), now),
            "the clock was set right"
        );
        assert_eq!(skew.offset_seconds(), 0);
    }

    #[test]
    fn a_drifting_clock_is_corrected_by_answers_that_refuse_nothing() {
        let skew = ClockSkew::default();
        let now = UNIX_EPOCH + NOON;
        skew.learn_from_success(Some("Sun, 22 Nov 2026 11:56:00 GMT"), now);
        assert_eq!(skew.offset_seconds(), -240);
        assert_eq!(skew.corrected(now), now - Duration::from_secs(240));
        skew.learn_from_success(Some("Sun, 22 Nov 2026 12:00:04 GMT"), now);
        assert_eq!(skew.offset_seconds(), 0);
    }
}
