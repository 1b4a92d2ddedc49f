//! How much may be under way at once on a listener: requests, and bytes of bodies that wait to be whole.
//!
//! Without these, ten thousand connections of 250 streams with 32 MiB each would be accepted, and the process would end
//! for want of memory. What is too much is refused at once, with an answer that says to try again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tracing::warn;

use super::ServerLimits;
use crate::own_error::OwnError;

/// Between two log lines about refusals, in seconds.
const QUIET_S: u64 = 10;

/// What is left to take.
#[derive(Debug)]
pub(super) struct Load {
    requests: Arc<Semaphore>,
    body_bytes_left: AtomicUsize,
    refusals: Refusals,
}

/// A request's place among those under way, given back by its drop.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held, never looked at")] OwnedSemaphorePermit);

impl Load {
    pub(super) fn new(limits: &ServerLimits) -> Arc<Self> {
        Arc::new(Self {
            requests: Arc::new(Semaphore::new(limits.max_requests)),
            body_bytes_left: AtomicUsize::new(limits.max_buffered_bytes),
            refusals: Refusals::new(),
        })
    }

    /// A place for one more request, if there is one.
    pub(super) fn place(&self) -> Option<Place> {
        Arc::clone(&self.requests).try_acquire_owned().ok().map(Place)
    }

    /// The account of one request's body.
    pub(super) fn body(self: &Arc<Self>) -> Arc<HeldBytes> {
        Arc::new(HeldBytes {
            load: Arc::clone(self),
            bytes: AtomicUsize::new(0),
            was_refused: AtomicBool::new(false),
        })
    }

    /// Tells the operator of it, now and then.
    pub(super) fn refused(&self, error: &OwnError) {
        if let Some(refused) = self.refusals.count() {
            warn!(error.code = error.code, requests.refused = refused, "refused: {}", error.message);
        }
    }
}

/// The bytes of one body that are held in memory, given back by the drop.
///
/// It lives as long as the handler runs, which holds the body that long at most.
#[derive(Debug)]
pub(super) struct HeldBytes {
    load: Arc<Load>,
    bytes: AtomicUsize,
    was_refused: AtomicBool,
}

impl HeldBytes {
    /// Counts bytes that have arrived; `false` when they are too many.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let left = self.load.body_bytes_left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes));
        if left.is_ok() {
            self.bytes.fetch_add(bytes, Relaxed);
        } else {
            self.was_refused.store(true, Relaxed);
        }
        left.is_ok()
    }

    /// Takes back bytes that are in memory no longer.
    pub(super) fn give_back(&self, bytes: usize) {
        let held = self.bytes.fetch_update(Relaxed, Relaxed, |held| Some(held.saturating_sub(bytes)));
        let held = held.expect("there is always a new value");
        self.load.body_bytes_left.fetch_add(bytes.min(held), Relaxed);
    }

    /// Whether the body was cut because of others.
    pub(super) fn was_refused(&self) -> bool {
        self.was_refused.load(Relaxed)
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.load.body_bytes_left.fetch_add(*self.bytes.get_mut(), Relaxed);
    }
}

/// Counts, and says when it is time for a line.
#[derive(Debug)]
struct Refusals {
    began: Instant,
    since_last_line: AtomicU64,
    /// The second after which the next line may come.
    quiet_until: AtomicU64,
}

impl Refusals {
    fn new() -> Self {
        Self { began: Instant::now(), since_last_line: AtomicU64::new(0), quiet_until: AtomicU64::new(0) }
    }

    /// Counts one; the number since the last line, if now is the time for another.
    fn count(&self) -> Option<u64> {
        self.since_last_line.fetch_add(1, Relaxed);
        let (now, quiet_until) = (self.began.elapsed().as_secs(), self.quiet_until.load(Relaxed));
        let is_time = now >= quiet_until
            && self.quiet_until.compare_exchange(quiet_until, now + QUIET_S, Relaxed, Relaxed).is_ok();
        is_time.then(|| self.since_last_line.swap(0, Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn load(max_requests: usize, max_buffered_bytes: usize) -> Arc<Load> {
        Load::new(&ServerLimits { max_requests, max_buffered_bytes, ..ServerLimits::default() })
    }

    #[tokio::test]
    async fn a_place_is_there_again_once_its_request_has_ended() {
        let load = load(1, 1);
        let place = load.place().expect("the first");
        assert!(load.place().is_none());
        drop(place);
        assert!(load.place().is_some());
    }

    #[tokio::test]
    async fn bytes_are_given_back_when_their_request_ends_and_what_did_not_fit_was_never_taken() {
        let load = load(1, 100);
        let (first, second) = (load.body(), load.body());
        assert!(first.take(40) && first.take(30));
        assert!(!second.take(31) && second.was_refused());
        assert!(second.take(30) && !first.was_refused());
        drop(first);
        assert!(load.body().take(70));
        drop(second);
        assert!(load.body().take(100));
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_refusals_few_are_told_and_all_are_counted() {
        let refusals = Refusals::new();
        assert_eq!(refusals.count(), Some(1));
        assert_eq!([refusals.count(), refusals.count()], [None, None]);
        tokio::time::advance(Duration::from_secs(QUIET_S)).await;
        assert_eq!(refusals.count(), Some(3));
    }
}
