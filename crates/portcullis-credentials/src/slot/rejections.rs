//! How often AWS has rejected the values of a slot in a row, and how long the one that came of it is kept.

use tokio::time::{Duration, Instant};

/// The first value that replaces a rejected one is kept for so long, whatever is said of it; then twice as long.
const FIRST_HOLD: Duration = Duration::from_secs(5);
/// Whoever rejects all values costs one of them in this time.
const LONGEST_HOLD: Duration = Duration::from_secs(300);
/// A value that served for so long ends the row.
const FORGIVEN_AFTER: Duration = Duration::from_secs(600);

/// What AWS makes of the values of one slot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rejections {
    /// How many values in a row replaced a rejected one.
    n_in_a_row: u32,
    /// Whether the kept value (while none is kept: the one before) is rejected.
    is_rejected: bool,
    /// When the kept value came.
    landed_at: Option<Instant>,
}

impl Rejections {
    /// Notes that the kept value is rejected.
    pub(super) const fn note(&mut self) {
        self.is_rejected = true;
    }

    /// Notes that a value has come. One that comes because of the age of the one before ends the row.
    pub(super) fn land(&mut self) {
        let served_for = self.landed_at.map_or(Duration::ZERO, |landed_at| landed_at.elapsed());
        let before = if served_for < FORGIVEN_AFTER { self.n_in_a_row } else { 0 };
        let n_in_a_row = if self.is_rejected { before.saturating_add(1) } else { 0 };
        *self = Self { n_in_a_row, is_rejected: false, landed_at: Some(Instant::now()) };
    }

    /// Whether the kept value came so shortly after a rejection that another is not answered with another.
    pub(super) fn is_held(&self) -> bool {
        let Some(n_before) = self.n_in_a_row.checked_sub(1) else { return false };
        let hold = LONGEST_HOLD.min(FIRST_HOLD.saturating_mul(1 << n_before.min(10)));
        self.landed_at.is_some_and(|landed_at| landed_at.elapsed() < hold)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// Rejects the value once it is no longer held, and lets the next one land.
    async fn held_for(rejections: &mut Rejections) -> u64 {
        let mut held_for = 0;
        while rejections.is_held() {
            advance(Duration::from_secs(1)).await;
            held_for += 1;
        }
        rejections.note();
        rejections.land();
        held_for
    }

    #[tokio::test(start_paused = true)]
    async fn each_rejection_in_a_row_holds_twice_as_long_up_to_five_minutes() {
        let mut rejections = Rejections::default();
        rejections.land();
        for seconds in [0, 5, 10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(held_for(&mut rejections).await, seconds);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_that_served_for_ten_minutes_or_was_replaced_for_its_age_ends_the_row() {
        let mut rejections = Rejections::default();
        rejections.land();
        for _ in 0..4 {
            held_for(&mut rejections).await;
        }
        advance(Duration::from_secs(599)).await;
        assert_eq!(held_for(&mut rejections).await, 0);
        assert_eq!(held_for(&mut rejections).await, 80);
        advance(Duration::from_secs(600)).await;
        assert_eq!((held_for(&mut rejections).await, held_for(&mut rejections).await), (0, 5));
        rejections.land();
        assert!(!rejections.is_held());
    }
}
