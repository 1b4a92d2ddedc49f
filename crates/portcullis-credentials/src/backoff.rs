//! How long a failure is remembered before AWS is asked again.

use std::time::Duration;

use crate::error::CredentialsError;

/// Whether somebody still lives on an older value while the failure is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Nobody can be served: ask again soon.
    Waiting,
    /// A live value serves everybody: there is time.
    Served,
}

/// How long `error`, the `streak`-th in a row (from 1), is repeated instead of asking again. `jitter` is 0 to 1.
///
/// What passes by itself (throttling, outages) 1 to 5 s; what a person has to change 2.5 to 15 s, long enough to spare
/// STS and short enough that a correction shows at once. Twice as long with each failure, half of it jitter.
pub(crate) fn hold(error: &CredentialsError, streak: u32, urgency: Urgency, jitter: f64) -> Duration {
    let (first, longest) = match (error.is_retryable(), urgency) {
        (true, Urgency::Waiting) => (2, 5),
        (true, Urgency::Served) => (2, 30),
        (false, Urgency::Waiting) => (5, 15),
        (false, Urgency::Served) => (5, 60),
    };
    let doubled = first << streak.saturating_sub(1).min(10);
    Duration::from_secs(longest.min(doubled)).mul_f64(0.5 + 0.5 * jitter)
}

/// A number from 0 to 1. Good enough to spread calls, and for nothing else.
pub(crate) fn jitter() -> f64 {
    fastrand::f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Explanation;

    #[test]
    fn failures_are_held_by_kind_and_streak() {
        let throttled = CredentialsError::Throttled(Explanation::new("slow down"));
        let denied = CredentialsError::AccessDenied(Explanation::new("no"));
        let check = |error: &CredentialsError, streak, urgency, shortest_ms, longest_ms| {
            assert_eq!(hold(error, streak, urgency, 0.0).as_millis(), shortest_ms);
            assert_eq!(hold(error, streak, urgency, 1.0).as_millis(), longest_ms);
        };
        check(&throttled, 1, Urgency::Waiting, 1000, 2000);
        check(&throttled, 2, Urgency::Waiting, 2000, 4000);
        check(&throttled, 9, Urgency::Waiting, 2500, 5000);
        check(&throttled, 9, Urgency::Served, 15_000, 30_000);
        check(&denied, 1, Urgency::Waiting, 2500, 5000);
        check(&denied, u32::MAX, Urgency::Waiting, 7500, 15_000);
    }

    #[test]
    fn jitter_lies_between_nothing_and_one_and_varies() {
        let drawn: Vec<f64> = (0..100).map(|_| jitter()).collect();
        assert!(drawn.iter().all(|j| (0.0..=1.0).contains(j)));
        assert!(drawn.iter().any(|j| *j != drawn[0]));
    }
}
