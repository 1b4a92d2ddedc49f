//! How far this machine's clock is from AWS's, learnt from AWS's answers.
//!
//! Anything on the way may have put a `date` into an answer, so it is believed as far as AWS vouches for it: a signature
//! that was accepted was at most five minutes off, and a date that says otherwise counts for nothing; a refusal's date is
//! tried for signatures, but the lives of sessions go by it only once AWS has accepted such a signature.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use super::{Clock, SharedClock};

/// A smaller difference is noise: the `date` of an answer has whole seconds, and the answer was under way.
const SMALLEST_CORRECTION_S: i64 = 30;

/// So far off AWS lets a signature be.
///
/// Source: IAM User Guide, "Create a signed AWS API request": a request must reach AWS within five minutes of its time.
const TOLERANCE_S: i64 = 300;

/// Seconds to add to the local clock so that it says what AWS's says. One for all regions and services: AWS has one time.
#[derive(Debug, Default)]
pub struct ClockSkew {
    /// By which signatures are dated.
    offset: AtomicI64,
    /// By which AWS has accepted a signature.
    confirmed: AtomicI64,
    is_measured: AtomicBool,
}

/// One request that AWS has answered, by the local clock.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// When it was signed.
    pub sent: SystemTime,
    /// When its answer began.
    pub received: SystemTime,
    /// What [`ClockSkew::offset_seconds`] said when it was signed.
    pub offset_seconds: i64,
}

impl ClockSkew {
    /// Seconds to add to the local clock for a signature; negative when it is ahead.
    #[must_use]
    pub fn offset_seconds(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// `local` as AWS's clock would say it, as far as AWS has confirmed that: what expiries are compared with.
    #[must_use]
    pub fn corrected(&self, local: SystemTime) -> SystemTime {
        moved(local, self.confirmed.load(Ordering::Relaxed))
    }

    /// `local` as signatures are dated.
    #[must_use]
    pub fn for_signatures(&self, local: SystemTime) -> SystemTime {
        moved(local, self.offset_seconds())
    }

    /// Whether AWS has ever accepted a signature. Until then the local clock may say anything.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.is_measured.load(Ordering::Relaxed)
    }

    /// Learns from an answer that refused a signature for its time. True when signing again may help, by what this answer
    /// told or by what another has told since the request was signed.
    ///
    /// A date that agrees with the offset of the refused signature is none of AWS's: then the local clock is tried.
    ///
    /// - `date`: the header's value, as in `Sun, 22 Nov 2026 12:00:20 GMT`.
    /// - `now`: what the local clock says, uncorrected.
    /// - `offset_seconds`: what [`Self::offset_seconds`] said when the request was signed.
    pub fn learn_from_refusal(&self, date: Option<&str>, now: SystemTime, offset_seconds: i64) -> bool {
        if let Some(measured) = date.and_then(seconds_of).map(|date| date.saturating_sub(seconds(now))) {
            if is_noise(measured, offset_seconds) {
                let _ = self.offset.compare_exchange(offset_seconds, 0, Ordering::Relaxed, Ordering::Relaxed);
            } else if !is_noise(measured, self.offset_seconds()) {
                self.offset.store(without_noise(measured), Ordering::Relaxed);
            }
        }
        self.offset_seconds() != offset_seconds
    }

    /// Learns from an answer to a signature that AWS accepted, so that a clock that drifts is corrected before it matters.
    ///
    /// - `date`: as above. It was set at some moment between the two ends of the exchange.
    pub fn learn_from_success(&self, date: Option<&str>, exchange: &Exchange) {
        let Exchange { sent, received, offset_seconds } = *exchange;
        let (sent, received) = (seconds(sent), seconds(received));
        // The clock may have been set meanwhile, or set back.
        if !(0..=TOLERANCE_S).contains(&(received - sent)) {
            return;
        }
        let measured = date
            .and_then(seconds_of)
            .map(|date| offset_seconds.clamp(date.saturating_sub(received), date.saturating_sub(sent)))
            .filter(|measured| measured.abs_diff(offset_seconds) <= TOLERANCE_S.unsigned_abs());
        self.confirm(measured.unwrap_or(offset_seconds));
    }

    /// Takes `measured` for true. Writes only what changes: every request that succeeds comes here.
    fn confirm(&self, measured: i64) {
        let known = self.offset_seconds();
        let offset = if is_noise(measured, known) { known } else { without_noise(measured) };
        for place in [&self.offset, &self.confirmed] {
            if place.load(Ordering::Relaxed) != offset {
                place.store(offset, Ordering::Relaxed);
            }
        }
        if !self.is_measured() {
            self.is_measured.store(true, Ordering::Relaxed);
        }
    }
}

fn is_noise(one: i64, other: i64) -> bool {
    one.abs_diff(other) < SMALLEST_CORRECTION_S.unsigned_abs()
}

/// A clock that is right is not corrected by the noise of one answer.
fn without_noise(measured: i64) -> i64 {
    if is_noise(measured, 0) { 0 } else { measured }
}

fn moved(local: SystemTime, offset_seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(offset_seconds.unsigned_abs());
    let moved = if offset_seconds < 0 { local.checked_sub(distance) } else { local.checked_add(distance) };
    moved.unwrap_or(local)
}

fn seconds_of(date: &str) -> Option<i64> {
    httpdate::parse_http_date(date).ok().map(seconds)
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A clock that says what AWS's says, as far as AWS has confirmed that.
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

    fn noon() -> SystemTime {
        UNIX_EPOCH + NOON
    }

    /// So many seconds from noon, as a header says it.
    fn date(seconds: i64) -> String {
        httpdate::fmt_http_date(moved(noon(), seconds))
    }

    /// A signature by this offset is refused at noon, and the answer says so many seconds from noon.
    fn refuse(skew: &ClockSkew, offset_seconds: i64, says: i64) -> bool {
        skew.learn_from_refusal(Some(&date(says)), noon(), offset_seconds)
    }

    /// A signature by this offset, `took` seconds before noon, is accepted at noon.
    fn accept(skew: &ClockSkew, offset_seconds: i64, says: Option<i64>, took: u64) {
        let exchange =
            Exchange { sent: noon() - Duration::from_secs(took), received: noon(), offset_seconds };
        skew.learn_from_success(says.map(date).as_deref(), &exchange);
    }

    #[test]
    fn a_wrong_clock_is_corrected_once_and_a_right_one_never() {
        let skew = ClockSkew::default();
        assert!(!refuse(&skew, 0, 20), "within what AWS allows");
        assert!(refuse(&skew, 0, 1200));
        assert_eq!(skew.offset_seconds(), 1200);
        assert_eq!(skew.for_signatures(noon()), noon() + Duration::from_secs(1200));
        for junk in [None, Some("yesterday"), Some("")] {
            assert!(!skew.learn_from_refusal(junk, noon(), 1200));
        }
        assert!(refuse(&skew, 1200, 3), "the clock was set right");
        assert_eq!(skew.offset_seconds(), 0);
    }

    #[test]
    fn a_request_that_was_signed_before_another_learnt_is_worth_signing_again() {
        let skew = ClockSkew::default();
        assert!(refuse(&skew, 0, 1200));
        assert!(refuse(&skew, 0, 1205));
        assert!(skew.learn_from_refusal(None, noon(), 0), "even if its own answer tells no time");
        assert_eq!(skew.offset_seconds(), 1200);
    }

    #[test]
    fn a_date_that_does_not_help_is_given_up_for_the_local_clock() {
        let skew = ClockSkew::default();
        assert!(refuse(&skew, 0, 1200));
        assert!(refuse(&skew, 1200, 1205), "the local clock is another thing to try");
        assert_eq!(skew.offset_seconds(), 0);
        assert!(!refuse(&skew, 0, 5));
    }

    #[test]
    fn expiries_go_by_an_offset_once_aws_has_accepted_a_signature_by_it() {
        let skew = ClockSkew::default();
        refuse(&skew, 0, 1200);
        assert_eq!((skew.corrected(noon()), skew.is_measured()), (noon(), false));
        accept(&skew, 1200, Some(1201), 0);
        assert_eq!(skew.corrected(noon()), noon() + Duration::from_secs(1200));
        assert!(skew.is_measured());
        refuse(&skew, 1200, 100_000);
        assert_eq!(skew.corrected(noon()), noon() + Duration::from_secs(1200), "nobody has confirmed that");
    }

    #[test]
    fn a_drifting_clock_is_corrected_by_answers_that_refuse_nothing() {
        let skew = ClockSkew::default();
        accept(&skew, 0, Some(-240), 0);
        assert_eq!(skew.offset_seconds(), -240);
        assert_eq!(skew.corrected(noon()), noon() - Duration::from_secs(240));
        accept(&skew, -240, Some(4), 0);
        assert_eq!(skew.offset_seconds(), 0);
    }

    #[test]
    fn a_date_that_an_accepted_signature_contradicts_is_not_believed() {
        let skew = ClockSkew::default();
        for strange in [301, -301, 7200, -1_000_000_000] {
            accept(&skew, 0, Some(strange), 0);
            assert_eq!((skew.offset_seconds(), skew.corrected(noon())), (0, noon()), "{strange}");
        }
        assert!(skew.is_measured(), "the signature was accepted all the same");
    }

    #[test]
    fn an_accepted_signature_says_more_than_a_refusals_date() {
        let skew = ClockSkew::default();
        refuse(&skew, 0, 7200);
        accept(&skew, 0, None, 0);
        assert_eq!(skew.offset_seconds(), 0);
    }

    #[test]
    fn an_answer_that_was_long_under_way_does_not_move_the_clock() {
        let skew = ClockSkew::default();
        accept(&skew, 0, Some(-250), 250);
        accept(&skew, 0, Some(0), 250);
        assert_eq!(skew.offset_seconds(), 0, "the date is that of its beginning, or of its end");
        accept(&skew, 0, Some(-290), 301);
        let (sent, received) = (noon() + Duration::from_secs(1), noon());
        skew.learn_from_success(Some(&date(-250)), &Exchange { sent, received, offset_seconds: 0 });
        assert_eq!((skew.offset_seconds(), skew.is_measured()), (0, true));
    }
}
