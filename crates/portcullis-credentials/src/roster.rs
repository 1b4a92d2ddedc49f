//! The sessions of one integration, and how many of them there may be.
//!
//! Where sessions depend on the caller, whoever can vary what they say of themselves could have STS called for each
//! request. So the number of distinct sessions is capped, for the integration and over all of them: a newcomer takes the
//! place of the least recently used one, if that one is idle; if none is, the newcomer is served by the workspace's common
//! session, which says less of the caller. One that lives leaves only once the newcomer's session has come.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use portcullis_types::Revision;
use tokio::sync::OwnedSemaphorePermit;

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

/// One of the places for callers' sessions that there are over all integrations. Free again once it is dropped.
pub(crate) type Place = OwnedSemaphorePermit;

#[derive(Debug, Default)]
pub(crate) struct Roster {
    seats: HashMap<SessionKey, Seat>,
    /// Newcomers whose sessions have not come yet, and who leaves when they do.
    moving: Vec<(SessionKey, SessionKey)>,
    full: Option<Full>,
}

#[derive(Debug)]
struct Seat {
    slot: Weak<SessionSlot>,
    standing: Standing,
    /// Held by a caller's session, unless it waits for that of the one who leaves.
    place: Option<Place>,
}

/// That nobody leaves for a while.
#[derive(Debug)]
struct Full {
    /// Sessions of an older one make room at once.
    revision: Revision,
    until: SystemTime,
}

/// Whether a session is one of many, or a workspace's common one. Common ones are as many as there are workspaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Common,
    OfCaller,
}

/// Who asks for a seat.
#[derive(Debug)]
pub(crate) enum Newcomer {
    Common,
    OfCaller {
        /// How many of a caller's own there may be here.
        cap: usize,
        /// `None` if there are too many over all integrations.
        place: Option<Place>,
    },
}

impl Roster {
    /// Whether a newcomer of a caller's own is worth a try.
    pub(crate) fn may_have_room(&self, revision: Revision, now: SystemTime) -> bool {
        self.full.as_ref().is_none_or(|full| full.revision != revision || now >= full.until)
    }

    /// Gives `key` a seat, with the slot that `make` finds or makes. `None` when there is no room.
    ///
    /// - `remove`: takes a session that has to make room out of the cache.
    pub(crate) fn seat(
        &mut self,
        key: &SessionKey,
        newcomer: Newcomer,
        now: SystemTime,
        make: impl FnOnce() -> Arc<SessionSlot>,
        mut remove: impl FnMut(&SessionKey),
    ) -> Option<Arc<SessionSlot>> {
        self.seats.retain(|_, seat| seat.slot.strong_count() > 0);
        self.settle(&mut remove);
        let (standing, place) = match newcomer {
            Newcomer::Common => (Standing::Common, None),
            Newcomer::OfCaller { cap, place } => {
                (Standing::OfCaller, self.make_room(key, cap, place, now, &mut remove)?)
            }
        };
        let slot = make();
        self.seats.insert(key.clone(), Seat { slot: Arc::downgrade(&slot), standing, place });
        Some(slot)
    }

    /// Has those leave whose successors have come.
    pub(crate) fn settle(&mut self, remove: &mut impl FnMut(&SessionKey)) {
        for (newcomer, leaving) in mem::take(&mut self.moving) {
            let Some(slot) = self.seats.get(&newcomer).and_then(|seat| seat.slot.upgrade()) else { continue };
            if !self.seats.contains_key(&leaving) {
                continue;
            }
            if slot.peek().is_none() {
                self.moving.push((newcomer, leaving));
                continue;
            }
            remove(&leaving);
            let left = self.seats.remove(&leaving).and_then(|seat| seat.place);
            let seat = self.seats.get_mut(&newcomer).expect("its slot was just found");
            seat.place = seat.place.take().or(left);
        }
    }

    /// Has those leave who hold a place and no session, and have not just tried to get one.
    pub(crate) fn clear_out(&mut self, now: SystemTime, mut remove: impl FnMut(&SessionKey)) {
        self.seats.retain(|key, seat| {
            let slot = seat.slot.upgrade();
            let stays = slot.is_some_and(|slot| slot.is_alive() || leaves_at(&slot) > now);
            if !stays {
                remove(key);
            }
            stays
        });
    }

    /// Every session that is still kept somewhere.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = Arc<SessionSlot>> {
        self.seats.values().filter_map(|seat| seat.slot.upgrade())
    }

    /// Sees to it that there is room for one more, besides `key` itself. `None` if there is none, else the place to hold.
    fn make_room(
        &mut self,
        key: &SessionKey,
        cap: usize,
        place: Option<Place>,
        now: SystemTime,
        remove: &mut impl FnMut(&SessionKey),
    ) -> Option<Option<Place>> {
        if let Some(seat) = self.seats.get_mut(key) {
            return Some(seat.place.take().or(place));
        }
        if place.is_some() && self.n_seated() < cap {
            return Some(place);
        }
        let first = self.first_to_leave();
        let leaves_at = first.as_ref().map_or(now, |first| first.at);
        let Some(first) = first.filter(|first| first.at <= now) else {
            self.full = Some(Full { revision: key.revision, until: leaves_at.max(now + FULL_FOR) });
            return None;
        };
        if first.is_missed {
            self.moving.push((key.clone(), first.key));
            return Some(place);
        }
        // A newcomer that waited in vain hands on whom it waited for.
        for (newcomer, _) in self.moving.iter_mut().filter(|(newcomer, _)| *newcomer == first.key) {
            *newcomer = key.clone();
        }
        remove(&first.key);
        Some(self.seats.remove(&first.key).and_then(|seat| seat.place).or(place))
    }

    /// How many callers' sessions there are, once every newcomer has taken the place of another.
    fn n_seated(&self) -> usize {
        let of_callers = self.seats.values().filter(|seat| seat.standing == Standing::OfCaller).count();
        of_callers.saturating_sub(self.moving.len())
    }

    /// Who has to make room first: those who may at once, and among them the least recently used.
    fn first_to_leave(&self) -> Option<Leaving> {
        let is_leaving = |key: &SessionKey| self.moving.iter().any(|(_, leaving)| leaving == key);
        let seats = self.seats.iter().filter(|(_, seat)| seat.standing == Standing::OfCaller);
        let seats = seats.filter(|(key, _)| !is_leaving(key));
        let slots = seats.filter_map(|(key, seat)| Some((key, seat.slot.upgrade()?)));
        let (key, slot) = slots.min_by_key(|(_, slot)| (leaves_at(slot), slot.used_at()))?;
        let is_missed = slot.is_wanted() && slot.is_alive();
        Some(Leaving { key: key.clone(), at: leaves_at(&slot), is_missed })
    }
}

/// One that has to make room.
struct Leaving {
    key: SessionKey,
    /// From when on.
    at: SystemTime,
    /// Whether somebody may still come for its session.
    is_missed: bool,
}

/// From when on a session may be made to leave, as things stand.
fn leaves_at(slot: &SessionSlot) -> SystemTime {
    if !slot.is_wanted() {
        return SystemTime::UNIX_EPOCH;
    }
    slot.used_at() + if slot.is_alive() { IDLE_AFTER } else { DEAD_AFTER }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use portcullis_types::{
        AwsAuth, ClaudePlatformAws, FeatureSet, IntegrationId, ManualClock, SessionSubject,
    };
    use tokio::runtime::Handle;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::BoxFuture;
    use crate::error::CredentialsError;
    use crate::plan::Plan;
    use crate::slot::{Fetched, Landed, Purpose, Supply, Surroundings};

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    /// A supply that nobody asks.
    #[derive(Debug)]
    struct Never;

    impl Supply<Session> for Never {
        fn fetch(&self, _: Purpose) -> BoxFuture<'static, Result<Fetched<Session>, CredentialsError>> {
            Box::pin(std::future::pending())
        }

        fn landed(&self, _: Result<Landed, &CredentialsError>) {}
    }

    fn slot() -> Arc<SessionSlot> {
        let around = Surroundings {
            clock: Arc::new(ManualClock::at(START)),
            runtime: Handle::current(),
            patience: Duration::from_secs(1),
            idle_after: Duration::from_secs(3600),
            unless_measured: None,
        };
        Arc::new(Slot::new(around, Arc::new(Never)))
    }

    fn key(workspace: &str) -> SessionKey {
        let platform = ClaudePlatformAws {
            region: "us-west-2".parse().unwrap(),
            workspace_id: "wrkspc_01AbCdEf23GhIj".parse().unwrap(),
            auth: AwsAuth::AssumedRole {
                role_arn: "arn:aws:iam::123456789012:role/claude".parse().unwrap(),
                external_id: "pcs-acme".parse().unwrap(),
                settings: Arc::default(),
            },
            features: FeatureSet::default(),
        };
        let plan = Arc::new(Plan::of(&platform).unwrap().unwrap());
        let wording = plan.wording(&SessionSubject {
            organisation: "acme",
            workspace,
            integration: "claude",
            key: None,
            user: None,
            metadata: None,
        });
        SessionKey { integration: IntegrationId::generate(START), revision: Revision(1), plan, wording }
    }

    #[tokio::test]
    async fn seats_of_common_sessions_that_are_gone_leave_memory() {
        let mut roster = Roster::default();
        for n in 0..1000 {
            // The slot is dropped at once, as the cache does with one that was idle for long.
            roster.seat(&key(&format!("workspace-{n}")), Newcomer::Common, START, slot, |_| ()).unwrap();
        }
        assert_eq!(roster.seats.len(), 1);
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_its_seat_is_given_up() {
        let places = Arc::new(Semaphore::new(1));
        let mut roster = Roster::default();
        let newcomer = Newcomer::OfCaller { cap: 1, place: Arc::clone(&places).try_acquire_owned().ok() };
        let kept = Mutex::new(Some(slot()));
        let make = || kept.lock().unwrap().clone().unwrap();
        assert!(roster.seat(&key("red"), newcomer, START, make, |_| ()).is_some());
        assert_eq!(places.available_permits(), 0);
        let without_a_place = || Newcomer::OfCaller { cap: 2, place: None };
        assert!(roster.seat(&key("green"), without_a_place(), START, slot, |_| ()).is_none());
        assert!(!roster.may_have_room(Revision(1), START) && roster.may_have_room(Revision(2), START));
        roster.clear_out(START + DEAD_AFTER, |_| drop(kept.lock().unwrap().take()));
        assert_eq!(places.available_permits(), 1);
    }
}
