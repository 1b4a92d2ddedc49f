//! Room for connections: as many as are allowed, and a few more that learn that there is none.
//!
//! A connection beyond the cap takes the place of the one that has been idle longest. Where all are busy it is served
//! from a small reserve: a probe is answered, since a gateway that is merely full must not be taken for a dead one, and
//! everything else is refused, so that the client can go elsewhere. Left in the listener's queue both would wait.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::ServerLimits;
use super::activity::Activity;

/// Connections beyond the cap.
const RESERVE: usize = 32;
/// A client that has just been answered often asks again, and what it sends to a closing connection is lost.
const IDLE_ENOUGH: Duration = Duration::from_secs(1);
/// Whoever is in the reserve has come to ask something.
const SILENT_ENOUGH: Duration = Duration::from_millis(100);
/// How long a connection that was told to close may take for it.
const CLOSING: Duration = Duration::from_millis(500);
/// How long it may take until we notice that a client has closed its connection.
const LEAVING: Duration = Duration::from_millis(50);
/// What a connection in the reserve may take for anything.
const IN_RESERVE: Duration = Duration::from_secs(2);

/// All room of one listener.
#[derive(Debug)]
pub(super) struct Room {
    regular: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    in_regular: Arc<OpenConnections>,
    in_reserve: Arc<OpenConnections>,
}

impl Room {
    pub(super) fn new(max_connections: usize) -> Arc<Self> {
        Arc::new(Self {
            regular: Arc::new(Semaphore::new(max_connections)),
            reserve: Arc::new(Semaphore::new(RESERVE)),
            in_regular: Arc::default(),
            in_reserve: Arc::default(),
        })
    }

    /// A place to begin in, for every connection. Waits while the reserve is full of those who have something to say.
    pub(super) async fn to_begin(&self) -> OwnedSemaphorePermit {
        loop {
            let place = timeout(SILENT_ENOUGH, Arc::clone(&self.reserve).acquire_owned()).await;
            match place {
                Ok(place) => return place.expect("the semaphore is never closed"),
                Err(_) => self.in_reserve.close_idle(SILENT_ENOUGH),
            }
        }
    }

    /// A place to stay in, if there is one.
    pub(super) fn to_stay(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.regular).try_acquire_owned().ok()
    }

    /// A place to stay in, at the cost of the connection that has been idle longest, if any is; else one that somebody
    /// leaves just now.
    pub(super) async fn soon_to_stay(&self) -> Option<OwnedSemaphorePermit> {
        let patience = if self.in_regular.close_longest_idle(IDLE_ENOUGH) { CLOSING } else { LEAVING };
        let place = timeout(patience, Arc::clone(&self.regular).acquire_owned()).await.ok()?;
        Some(place.expect("the semaphore is never closed"))
    }

    /// Notes a connection that stays.
    pub(super) fn enter_regular(&self, activity: &Arc<Activity>) -> Entry {
        self.in_regular.enter(activity)
    }

    /// Notes a connection that does not.
    pub(super) fn enter_reserve(&self, activity: &Arc<Activity>) -> Entry {
        self.in_reserve.enter(activity)
    }
}

/// The limits of a connection in the reserve.
pub(super) fn limits_in_reserve(limits: &ServerLimits) -> ServerLimits {
    ServerLimits {
        first_byte: limits.first_byte.min(IN_RESERVE),
        head: limits.head.min(IN_RESERVE),
        body_idle: limits.body_idle.min(IN_RESERVE),
        keep_alive: limits.keep_alive.min(IN_RESERVE),
        write_stall: limits.write_stall.min(IN_RESERVE),
        lingering: limits.lingering.min(IN_RESERVE),
        ..limits.clone()
    }
}

/// Connections by a number of theirs. Locked when one opens or closes, and when room is made.
#[derive(Debug, Default)]
struct OpenConnections {
    entries: Mutex<HashMap<u64, Arc<Activity>>>,
    next: AtomicU64,
}

impl OpenConnections {
    fn enter(self: &Arc<Self>, activity: &Arc<Activity>) -> Entry {
        let number = self.next.fetch_add(1, Relaxed);
        self.entries().insert(number, Arc::clone(activity));
        Entry { of: Arc::clone(self), number }
    }

    /// Nothing panics while it is locked but for want of memory, and then each entry is still whole.
    fn entries(&self) -> MutexGuard<'_, HashMap<u64, Arc<Activity>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a connection was found, which has been told to close.
    fn close_longest_idle(&self, at_least: Duration) -> bool {
        let entries = self.entries();
        let idle = entries.values().filter_map(|activity| Some((activity.idle_since()?, activity)));
        match idle.min_by_key(|(since, _)| *since) {
            Some((since, activity)) if since + at_least <= Instant::now() => {
                activity.make_room();
                true
            }
            _ => false,
        }
    }

    fn close_idle(&self, at_least: Duration) {
        let now = Instant::now();
        for activity in self.entries().values() {
            if activity.idle_since().is_some_and(|since| since + at_least <= now) {
                activity.make_room();
            }
        }
    }
}

/// An open connection; struck off by its drop.
#[derive(Debug)]
pub(super) struct Entry {
    of: Arc<OpenConnections>,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.of.entries().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Version;
    use tokio::time::advance;

    const A_WHILE: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_makes_room_each_once_and_whoever_is_busy_does_not() {
        let open = Arc::new(OpenConnections::default());
        let [busy, first, second] = [(); 3].map(|()| Activity::new());
        let entries = [&busy, &first, &second].map(|activity| open.enter(activity));
        let _request = busy.begin_request(Version::HTTP_11);
        drop(first.begin_request(Version::HTTP_11));
        advance(A_WHILE).await;
        drop(second.begin_request(Version::HTTP_11));
        advance(IDLE_ENOUGH).await;
        assert!(open.close_longest_idle(IDLE_ENOUGH));
        assert!(first.idle_since().is_none() && second.idle_since().is_some(), "the first was told");
        assert!(open.close_longest_idle(IDLE_ENOUGH));
        assert!(!open.close_longest_idle(IDLE_ENOUGH), "only the busy one is left");
        drop(entries);
        assert!(open.entries().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_was_just_answered_keeps_its_place() {
        let open = Arc::new(OpenConnections::default());
        let activity = Activity::new();
        let _entry = open.enter(&activity);
        advance(A_WHILE).await;
        drop(activity.begin_request(Version::HTTP_11));
        advance(IDLE_ENOUGH - Duration::from_millis(1)).await;
        assert!(!open.close_longest_idle(IDLE_ENOUGH));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reserve_full_of_silent_connections_is_emptied() {
        let room = Room::new(1);
        let mut silent = Vec::new();
        for _ in 0..RESERVE {
            let activity = Activity::new();
            silent.push((room.enter_reserve(&activity), activity, room.to_begin().await));
        }
        let waiting = tokio::spawn({
            let room = Arc::clone(&room);
            async move { room.to_begin().await }
        });
        silent[7].1.asked_to_make_room().await;
        drop(silent);
        drop(waiting.await.unwrap());
    }
}
