//! How far this machine's clock is from AWS's, learnt from a refusal.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use portcullis_signer::ClockOffset;

/// A difference smaller than this is not what AWS refuses a signature for (it allows five minutes).
const SMALLEST_CORRECTION_S: i64 = 30;

/// Seconds to add to the local clock when signing. One for all regions: AWS has one time.
#[derive(Debug, Default)]
pub(crate) struct ClockSkew(AtomicI64);

impl ClockSkew {
    /// What signatures are corrected by now.
    pub(crate) fn offset(&self) -> ClockOffset {
        ClockOffset::from_seconds(self.0.load(Ordering::Relaxed))
    }

    /// Learns from the `date` of an answer that refused a signature for its time. True when signing again may help.
    pub(crate) fn learn(&self, date: Option<&str>, now: SystemTime) -> bool {
        let Some(server) = date.and_then(|text| httpdate::parse_http_date(text).ok()) else { return false };
        let measured = ClockOffset::between(now, server).seconds();
        let known = self.0.load(Ordering::Relaxed);
        if (measured - known).abs() < SMALLEST_CORRECTION_S {
            return false;
        }
        self.0.store(measured, Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_wrong_clock_is_corrected_once_and_a_right_one_never() {
        let skew = ClockSkew::default();
        let now = UNIX_EPOCH + Duration::from_secs(1_795_348_800); // 2026-11-22T12:00:00Z
        assert!(!skew.learn(Some("Sun, 22 Nov 2026 12:00:20 GMT"), now), "within what AWS allows");
        assert!(skew.learn(Some("Sun, 22 Nov 2026 12:20:00 GMT"), now));
        assert_eq!(skew.offset().seconds(), 1200);
        assert!(!skew.learn(Some("Sun, 22 Nov 2026 12:20:05 GMT"), now), "the correction did not help");
        for junk in [None, Some("yesterday"), Some("")] {
            assert!(!skew.learn(junk, now));
        }
        assert!(skew.learn(Some("Sun, 22 Nov 2026 12:00:00 GMT"), now), "the clock was set right");
        assert_eq!(skew.offset().seconds(), 0);
    }
}
