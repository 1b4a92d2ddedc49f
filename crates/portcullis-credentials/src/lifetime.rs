//! When a value is due to be replaced, and until when it may be used.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Nothing is handed out that has less than this to live: a request under way must reach AWS before the end.
pub(crate) const SAFETY_MARGIN: Duration = Duration::from_secs(60);

/// Replacement begins at most this long before the end. The service mints a token inside the session's life (300 s by
/// default), so minutes before expiry already count as late.
const REFRESH_AHEAD: Duration = Duration::from_secs(15 * 60);

/// It begins so long before a value stops being handed out at the least, however short its life.
const SHORTEST_NOTICE: Duration = Duration::from_secs(15);

/// A value that is due when it comes is kept for so long before the next is fetched: its supply may have no better one.
const SHORTEST_REST: Duration = Duration::from_secs(5);

/// So long a value that seems to be over is tried: long enough for a call of STS, which says what time it is.
const TRIAL: Duration = Duration::from_secs(30);

/// How often a source without an expiry is read again, so that a rotated key file is noticed within a minute.
const REREAD_LONG_TERM: Duration = Duration::from_secs(45);

/// The two moments that matter in a value's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    /// From here on a replacement is fetched in the background.
    pub(crate) refresh_at: SystemTime,
    /// From here on it is not handed out. `None`: it has no end.
    pub(crate) usable_until: Option<SystemTime>,
    /// From here on AWS does not accept it.
    pub(crate) expires_at: Option<SystemTime>,
    /// It seemed to be over when it came, by a clock that may be wrong: until then it is used all the same.
    pub(crate) tried_until: Option<Instant>,
}

impl Lifetime {
    /// The life of a value obtained at `now` that AWS accepts until `expires_at`.
    ///
    /// Due at min(15 min, 25 % of its life) before the end, but 15 s before it stops being usable at the least; and up to
    /// ten per cent of that earlier or later by `jitter` (0 to 1, 0.5 is neither), so that sessions made together are not
    /// all replaced together.
    pub(crate) fn of(now: SystemTime, expires_at: Option<SystemTime>, jitter: f64) -> Self {
        let Some(end) = expires_at else {
            let refresh_at = now + REREAD_LONG_TERM;
            return Self { refresh_at, usable_until: None, expires_at: None, tried_until: None };
        };
        let life = end.duration_since(now).unwrap_or_default();
        let quarter = (life / 4).max(SAFETY_MARGIN + SHORTEST_NOTICE);
        let ahead = REFRESH_AHEAD.min(quarter).mul_f64(0.9 + 0.2 * jitter);
        let refresh_at = (end - ahead).max(now + SHORTEST_REST);
        Self { refresh_at, usable_until: Some(end - SAFETY_MARGIN), expires_at, tried_until: None }
    }

    /// The same life while nobody knows whether the clock is right: it is tried for a moment, whatever that clock says.
    pub(crate) fn on_trial(self) -> Self {
        Self { tried_until: Some(Instant::now() + TRIAL), ..self }
    }

    pub(crate) fn is_usable(&self, now: SystemTime) -> bool {
        match self.tried_until {
            Some(until) => Instant::now() < until,
            None => self.usable_until.is_none_or(|until| now < until),
        }
    }

    pub(crate) fn is_due(&self, now: SystemTime) -> bool {
        self.tried_until.is_none() && now >= self.refresh_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    fn check(life_s: u64, refresh_s: u64, usable_s: u64) {
        let at = |s| START + Duration::from_secs(s);
        let expires_at = Some(at(10_000 + life_s));
        let got = Lifetime::of(at(10_000), expires_at, 0.5);
        let usable_until = Some(at(10_000 + usable_s));
        assert_eq!(
            got,
            Lifetime { refresh_at: at(10_000 + refresh_s), usable_until, expires_at, tried_until: None }
        );
    }

    #[test]
    fn lives_of_every_length_are_replaced_ahead_of_their_end() {
        check(3600, 2700, 3540);
        check(43_200, 42_300, 43_140);
        check(900, 675, 840);
        check(300, 225, 240);
        check(120, 45, 60);
        check(85, 10, 25);
    }

    #[test]
    fn a_short_life_is_replaced_before_it_is_unusable_and_not_the_moment_it_begins() {
        for life_s in 66..400 {
            for jitter in [0.0, 0.5, 1.0] {
                let life = Lifetime::of(START, Some(START + Duration::from_secs(life_s)), jitter);
                assert!(life.refresh_at < life.usable_until.unwrap(), "{life_s} s, {jitter}");
                assert!(life.refresh_at >= START + Duration::from_secs(5), "{life_s} s, {jitter}");
            }
        }
    }

    #[test]
    fn jitter_makes_it_a_tenth_earlier_or_later() {
        let end = START + Duration::from_secs(3600);
        assert_eq!(Lifetime::of(START, Some(end), 1.0).refresh_at, START + Duration::from_secs(2610));
        assert_eq!(Lifetime::of(START, Some(end), 0.0).refresh_at, START + Duration::from_secs(2790));
    }

    #[test]
    fn what_is_over_is_not_usable_and_what_has_no_end_is() {
        let now = START + Duration::from_secs(500);
        assert!(!Lifetime::of(now, Some(START + Duration::from_secs(499)), 0.0).is_usable(now));
        assert!(!Lifetime::of(now, Some(now + SAFETY_MARGIN), 0.0).is_usable(now));
        assert!(Lifetime::of(now, None, 0.0).is_usable(now + Duration::from_secs(1 << 30)));
    }
}
