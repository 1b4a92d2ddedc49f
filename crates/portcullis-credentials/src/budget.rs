//! How often STS is called, over all integrations.
//!
//! A token is a call. What nobody waits for (warm-up, refreshing ahead) waits for its tokens. A call that somebody waits
//! for takes what there is and goes ahead anyway: a request that fails for a limit of our own would be an outage that we
//! made, and single flight with its backoff bounds those calls already. They count, so that the others make room for them.

use std::time::Duration;

use leaky_bucket::RateLimiter;

use crate::settings::StsBudget;

#[derive(Debug)]
pub(crate) struct Budget {
    bucket: RateLimiter,
    burst: usize,
}

impl Budget {
    pub(crate) fn new(StsBudget { per_second, burst }: StsBudget) -> Self {
        let burst = usize::try_from(burst.max(1)).unwrap_or(usize::MAX);
        let bucket = RateLimiter::builder()
            .initial(burst)
            .max(burst)
            .refill(1)
            .interval(Duration::from_secs(1) / per_second.clamp(1, 1000))
            .build();
        Self { bucket, burst }
    }

    /// Waits until so many calls fit.
    pub(crate) async fn wait(&self, n_calls: usize) {
        self.bucket.acquire(n_calls.min(self.burst)).await;
    }

    /// Waits until one call fits, but no longer than `patience`. The call counts, whether or not its turn came; says which.
    pub(crate) async fn wait_at_most(&self, patience: Duration) -> bool {
        let has_come = tokio::time::timeout(patience, self.wait(1)).await.is_ok();
        if !has_come {
            self.take(1);
        }
        has_come
    }

    /// Takes the tokens of so many calls if they are there, and never waits.
    pub(crate) fn take(&self, n_calls: usize) {
        for _ in 0..n_calls {
            if !self.bucket.try_acquire(1) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let budget = Budget::new(StsBudget { per_second: 5, burst: 10 });
        let started = Instant::now();
        for _ in 0..10 {
            budget.wait(1).await;
        }
        assert_eq!(started.elapsed(), Duration::ZERO);
        for _ in 0..50 {
            budget.wait(1).await;
        }
        let seconds = started.elapsed().as_secs_f64();
        assert!((9.8..=10.3).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_do_not_wait_make_the_others_wait() {
        let budget = Budget::new(StsBudget { per_second: 1, burst: 2 });
        budget.take(5);
        let started = Instant::now();
        budget.wait(1).await;
        assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn more_calls_than_a_burst_has_are_no_wait_for_ever() {
        let budget = Budget::new(StsBudget { per_second: 1, burst: 2 });
        budget.wait(5).await;
    }
}
