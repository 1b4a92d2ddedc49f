//! The sessions of one integration, and how many of them there may be.
//!
//! Where sessions depend on the caller, whoever can vary what they say of themselves could have STS called for each
//! request. So the number of distinct sessions is capped: a newcomer takes the place of the least recently used one, if
//! that one is idle; if none is, the newcomer is served by the workspace's common session, which says less of the caller.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use crate::session::{Session, SessionKey};
use crate::slot::Slot;

/// Where one session lives.
pub(crate) type SessionSlot = Slot<Session>;

/// A session that has not been used for so long gives up its place.
const IDLE_AFTER: Duration = Duration::from_secs(5 * 60);
/// One that AWS refuses does so sooner, but not at once: refusals cost calls as well.
const DEAD_AFTER: Duration = Duration::from_secs(60);
/// How long a roster is full at least, once it is: it is not searched for each request.
const FULL_FOR: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Roster {
    seats: HashMap<SessionKey, Seat>,
    /// Nobody leaves before.
    full_until: SystemTime,
}

#[derive(Debug)]
struct Seat {
    slot: Weak<SessionSlot>,
    /// Whether it counts towards the cap; common sessions do not.
    counts: bool,
}

/// Whether a session is one of many, or a workspace's common one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Common,
    OfCaller,
}

impl Roster {
    pub(crate) fn new() -> Self {
        Self { seats: HashMap::new(), full_until: SystemTime::UNIX_EPOCH }
    }

    /// Whether a newcomer of a caller's own is worth a try.
    pub(crate) fn may_have_room(&self, now: SystemTime) -> bool {
        now >= self.full_until
    }

    /// Gives `key` a place: the slot that has it already, else the one that `make` makes. `None` when there is no room.
    ///
    /// - `remove`: takes the session that has to make room out of the cache.
    pub(crate) fn seat(
        &mut self,
        key: &SessionKey,
        (standing, cap): (Standing, usize),
        now: SystemTime,
        make: impl FnOnce() -> Arc<SessionSlot>,
        remove: impl FnOnce(&SessionKey),
    ) -> Option<Arc<SessionSlot>> {
        if standing == Standing::OfCaller && !self.make_room(key, cap, now, remove) {
            return None;
        }
        let slot = make();
        let counts = standing == Standing::OfCaller;
        self.seats.insert(key.clone(), Seat { slot: Arc::downgrade(&slot), counts });
        Some(slot)
    }

    /// Every session that is still kept somewhere.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = Arc<SessionSlot>> {
        self.seats.values().filter_map(|seat| seat.slot.upgrade())
    }

    /// Sees to it that there is room for one more, besides `key` itself.
    fn make_room(
        &mut self,
        key: &SessionKey,
        cap: usize,
        now: SystemTime,
        remove: impl FnOnce(&SessionKey),
    ) -> bool {
        self.seats.retain(|_, seat| seat.slot.strong_count() > 0);
        if self.seats.contains_key(key) || self.seats.values().filter(|seat| seat.counts).count() < cap {
            return true;
        }
        let Some((_, leaving, leaves_at)) = self.first_to_leave() else { return true };
        if leaves_at > now {
            self.full_until = leaves_at.max(now + FULL_FOR);
            return false;
        }
        let leaving = leaving.clone();
        remove(&leaving);
        self.seats.remove(&leaving);
        true
    }

    /// Who has to make room first: by when they may, and among those who may at once, the least recently used.
    fn first_to_leave(&self) -> Option<(SystemTime, &SessionKey, SystemTime)> {
        let seats = self.seats.iter().filter(|(_, seat)| seat.counts);
        let leaving = seats.filter_map(|(key, seat)| {
            let slot = seat.slot.upgrade()?;
            Some((slot.used_at(), key, leaves_at(&slot)))
        });
        leaving.min_by_key(|(used_at, _, leaves_at)| (*leaves_at, *used_at))
    }
}

/// From when on a session may be made to leave, as things stand.
fn leaves_at(slot: &SessionSlot) -> SystemTime {
    if !slot.is_wanted() {
        return SystemTime::UNIX_EPOCH;
    }
    slot.used_at() + if slot.is_alive() { IDLE_AFTER } else { DEAD_AFTER }
}
