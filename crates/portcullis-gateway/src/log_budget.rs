//! Log lines that strangers can cause, of which there are a few a second at most.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);

/// What may still be written.
#[derive(Debug)]
pub(crate) struct LogBudget {
    per_second: u32,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    /// `None`: nothing has been written yet.
    began: Option<Instant>,
    written: u32,
    left_out: u64,
}

impl LogBudget {
    pub(crate) const fn new(per_second: u32) -> Self {
        Self { per_second, window: Mutex::new(Window { began: None, written: 0, left_out: 0 }) }
    }

    /// Whether one more line may be written at `now`, and then how many were left out since the last.
    pub(crate) fn take(&self, now: Instant) -> Option<u64> {
        // Each of the numbers is whole after a panic, and no more than a log hangs on them.
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.began.is_none_or(|began| now.saturating_duration_since(began) >= WINDOW) {
            window.began = Some(now);
            window.written = 0;
        }
        if window.written == self.per_second {
            window.left_out += 1;
            return None;
        }
        window.written += 1;
        Some(std::mem::take(&mut window.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_lines_a_second_are_written_and_the_rest_is_counted_in_the_next() {
        let (budget, start) = (LogBudget::new(2), Instant::now());
        let at = |millis| budget.take(start + Duration::from_millis(millis));
        assert_eq!([0, 1, 2, 999].map(at), [Some(0), Some(0), None, None]);
        assert_eq!([1000, 1001, 1002].map(at), [Some(2), Some(0), None]);
        assert_eq!(at(60_000), Some(1));
    }
}
