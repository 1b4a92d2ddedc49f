//! Keeps one value fresh: single flight on success and on failure, old value served while a new one is fetched, dead
//! value dropped.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use portcullis_types::SharedClock;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use crate::backoff::{Urgency, hold, jitter};
use crate::error::{CredentialsError, Explanation};
use crate::lifetime::Lifetime;

/// A value that replaced a rejected one is kept for so long, whatever is said of it: whoever rejects two in a row rejects
/// the third as well, and each costs a call to AWS.
const HELD_AFTER_A_REJECTION: Duration = Duration::from_secs(300);

/// The wall clock may have been set back while a value was waited out; then it is looked at again, this often at most.
const SHORTEST_WATCH: Duration = Duration::from_secs(1);

/// What a slot needs of the world.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) clock: SharedClock,
    pub(crate) runtime: Handle,
    /// A fetch that takes longer has failed, whatever its own time-outs say.
    pub(crate) patience: Duration,
}

/// A freshly fetched value and when AWS stops accepting it.
pub(crate) struct Fetched<T> {
    pub(crate) value: T,
    pub(crate) expires_at: Option<SystemTime>,
}

struct Kept<T> {
    value: T,
    life: Lifetime,
}

type Outcome<T> = Result<Arc<Kept<T>>, CredentialsError>;
type Landing<T> = watch::Receiver<Option<Outcome<T>>>;

/// The place of one value.
pub(crate) struct Slot<T> {
    /// Read on the hot path without any lock.
    kept: ArcSwapOption<Kept<T>>,
    /// Held for a few instructions, never across an await.
    tower: Mutex<Tower<T>>,
}

/// Knows of the one flight that may be in the air, and of the last that crashed.
struct Tower<T> {
    flight: Option<Landing<T>>,
    failure: Option<Failure>,
    /// When the kept value came.
    landed_at: Option<Instant>,
    origin: Origin,
}

/// What became of the value before the kept one. While none is kept: before the one to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// It came to its end, or there was none.
    Ordinary,
    /// AWS rejected it. Once its successor has landed, that one is held for longer.
    Rejection,
}

/// Whether it is worth asking for credentials again after AWS has rejected some.
#[must_use = "the same credentials would be rejected again"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// They have been replaced, or will be by whoever asks next.
    Worthwhile,
    /// The next who asks gets the same ones: they have just replaced rejected ones, or there are no others.
    Futile,
}

struct Failure {
    error: CredentialsError,
    at: Instant,
    streak: u32,
    jitter: f64,
}

impl Failure {
    /// How long this failure is still repeated.
    fn remaining(&self, urgency: Urgency) -> Option<Duration> {
        let held_for = hold(&self.error, self.streak, urgency, self.jitter);
        held_for.checked_sub(self.at.elapsed()).filter(|left| !left.is_zero())
    }
}

enum Boarding<T> {
    /// Somebody else has just landed.
    Ready(T),
    Wait(Landing<T>),
    Held(CredentialsError),
}

impl<T> std::fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

impl<T: Clone + Send + Sync + 'static> Slot<T> {
    pub(crate) fn new() -> Self {
        let tower = Tower { flight: None, failure: None, landed_at: None, origin: Origin::Ordinary };
        Self { kept: ArcSwapOption::empty(), tower: Mutex::new(tower) }
    }

    /// The value, if it may be used now. Neither waits nor starts anything.
    pub(crate) fn peek(&self, now: SystemTime) -> Option<T> {
        self.kept.load().as_deref().filter(|kept| kept.life.is_usable(now)).map(|kept| kept.value.clone())
    }

    /// The value, if it may be used now; when it is due, `fetch` replaces it in the background.
    pub(crate) fn current<F>(self: &Arc<Self>, around: &Surroundings, fetch: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = Result<Fetched<T>, CredentialsError>> + Send + 'static,
    {
        let now = around.clock.now();
        let kept = self.kept.load();
        let kept = kept.as_deref().filter(|kept| kept.life.is_usable(now))?;
        if kept.life.is_due(now) {
            self.refresh(around, fetch);
        }
        Some(kept.value.clone())
    }

    /// The value, fetched if need be. Whoever stops waiting leaves the fetch running.
    pub(crate) async fn obtain<F>(
        self: &Arc<Self>,
        around: &Surroundings,
        fetch: impl Fn() -> F,
    ) -> Result<T, CredentialsError>
    where
        F: Future<Output = Result<Fetched<T>, CredentialsError>> + Send + 'static,
    {
        loop {
            if let Some(value) = self.current(around, &fetch) {
                return Ok(value);
            }
            let mut landing = match self.board(around, &fetch) {
                Boarding::Ready(value) => return Ok(value),
                Boarding::Held(error) => return Err(error),
                Boarding::Wait(landing) => landing,
            };
            let outcome = match landing.wait_for(Option::is_some).await {
                Ok(outcome) => outcome.clone(),
                Err(_) => Some(Err(lost())),
            };
            let kept = outcome.unwrap_or_else(|| Err(lost()))?;
            // A caller that was not scheduled for a session's whole life goes round again.
            if kept.life.is_usable(around.clock.now()) {
                return Ok(kept.value.clone());
            }
        }
    }

    /// Forgets the value and any failure: the next caller fetches.
    pub(crate) fn forget(&self) {
        let mut tower = self.tower();
        self.kept.store(None);
        tower.failure = None;
        tower.origin = Origin::Ordinary;
    }

    /// Forgets the value that `is_rejected` recognises, unless it has just replaced another that was rejected.
    pub(crate) fn reject(&self, is_rejected: impl Fn(&T) -> bool) -> Renewal {
        let mut tower = self.tower();
        if !self.kept.load().as_deref().is_some_and(|kept| is_rejected(&kept.value)) {
            return Renewal::Worthwhile;
        }
        let is_recent = tower.landed_at.is_some_and(|landed_at| landed_at.elapsed() < HELD_AFTER_A_REJECTION);
        if tower.origin == Origin::Rejection && is_recent {
            return Renewal::Futile;
        }
        self.forget_rejected(&mut tower);
        Renewal::Worthwhile
    }

    /// Forgets the value that `is_rejected` recognises, whatever its age, and any failure: the next caller fetches.
    pub(crate) fn forget_if(&self, is_rejected: impl Fn(&T) -> bool) {
        let mut tower = self.tower();
        if self.kept.load().as_deref().is_some_and(|kept| is_rejected(&kept.value)) {
            self.forget_rejected(&mut tower);
        }
    }

    fn forget_rejected(&self, tower: &mut Tower<T>) {
        self.kept.store(None);
        tower.failure = None;
        tower.origin = Origin::Rejection;
    }

    fn drop_dead(&self, now: SystemTime) {
        // Under the lock, so that nothing lands between the look and the deed.
        let mut tower = self.tower();
        if self.kept.load().as_deref().is_some_and(|kept| !kept.life.is_usable(now)) {
            self.kept.store(None);
            tower.origin = Origin::Ordinary;
        }
    }

    fn refresh<F>(self: &Arc<Self>, around: &Surroundings, fetch: impl FnOnce() -> F)
    where
        F: Future<Output = Result<Fetched<T>, CredentialsError>> + Send + 'static,
    {
        // When somebody else holds the lock, they are doing what we came for.
        let mut tower = match self.tower.try_lock() {
            Ok(tower) => tower,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let still_due = self.kept.load().as_deref().is_some_and(|kept| kept.life.is_due(around.clock.now()));
        let held = tower.failure.as_ref().is_some_and(|failure| failure.remaining(Urgency::Served).is_some());
        if still_due && !held && tower.flight.is_none() {
            let pilot = self.assign(&mut tower);
            drop(tower);
            pilot.take_off(around, fetch());
        }
    }

    fn board<F>(self: &Arc<Self>, around: &Surroundings, fetch: impl FnOnce() -> F) -> Boarding<T>
    where
        F: Future<Output = Result<Fetched<T>, CredentialsError>> + Send + 'static,
    {
        let mut tower = self.tower();
        // Looked at again under the lock: a flight may have landed since the caller looked.
        if let Some(value) = self.peek(around.clock.now()) {
            return Boarding::Ready(value);
        }
        if let Some(landing) = &tower.flight {
            return Boarding::Wait(landing.clone());
        }
        if let Some(failure) = &tower.failure
            && let Some(remaining) = failure.remaining(Urgency::Waiting)
        {
            return Boarding::Held(failure.error.clone().with_retry_after(remaining));
        }
        let pilot = self.assign(&mut tower);
        drop(tower);
        let landing = pilot.announce.subscribe();
        pilot.take_off(around, fetch());
        Boarding::Wait(landing)
    }

    /// Registers a flight. It takes off once the lock is released: a runtime that shuts down drops its tasks, and with
    /// them the pilot, on the spot.
    fn assign(self: &Arc<Self>, tower: &mut Tower<T>) -> Pilot<T> {
        let (announce, landing) = watch::channel(None);
        tower.flight = Some(landing);
        Pilot { slot: Arc::clone(self), announce, outcome: None }
    }

    fn tower(&self) -> MutexGuard<'_, Tower<T>> {
        self.tower.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Slot<T> {
    /// Files the outcome and clears the runway.
    fn land(&self, outcome: Outcome<T>) -> Outcome<T> {
        let mut tower = self.tower.lock().unwrap_or_else(PoisonError::into_inner);
        tower.flight = None;
        match outcome {
            Ok(kept) => {
                tower.failure = None;
                // A value that replaces one that still is kept does so because of its age.
                if self.kept.swap(Some(Arc::clone(&kept))).is_some() {
                    tower.origin = Origin::Ordinary;
                }
                tower.landed_at = Some(Instant::now());
                Ok(kept)
            }
            Err(error) => {
                let streak = tower.failure.as_ref().map_or(0, |failure| failure.streak).saturating_add(1);
                let failure = Failure { error, at: Instant::now(), streak, jitter: jitter() };
                let held_for = hold(&failure.error, streak, Urgency::Waiting, failure.jitter);
                let told = failure.error.clone().with_retry_after(held_for);
                tower.failure = Some(failure);
                Err(told)
            }
        }
    }
}

/// Lands the flight whatever happens to its task: a panic or a shutdown must not leave anybody waiting.
struct Pilot<T> {
    slot: Arc<Slot<T>>,
    announce: watch::Sender<Option<Outcome<T>>>,
    outcome: Option<Outcome<T>>,
}

impl<T: Clone + Send + Sync + 'static> Pilot<T> {
    /// Starts the fetch in a task of its own, so that no caller can cancel it.
    fn take_off<F>(self, around: &Surroundings, fetch: F)
    where
        F: Future<Output = Result<Fetched<T>, CredentialsError>> + Send + 'static,
    {
        let (clock, patience) = (Arc::clone(&around.clock), around.patience);
        let (runtime, slot) = (around.runtime.clone(), Arc::downgrade(&self.slot));
        around.runtime.spawn(async move {
            let fetched = match tokio::time::timeout(patience, fetch).await {
                Ok(fetched) => fetched,
                Err(_) => Err(too_slow(patience)),
            };
            let outcome = fetched.and_then(|fetched| keep(fetched, clock.now()));
            let end = outcome.as_ref().ok().and_then(|kept| kept.life.usable_until);
            self.arrive(outcome);
            if let Some(end) = end {
                // A task of its own, because this one still has the room that the fetch needed.
                runtime.spawn(drop_at(end, slot, clock));
            }
        });
    }

    fn arrive(mut self, outcome: Outcome<T>) {
        self.outcome = Some(outcome);
        drop(self);
    }
}

impl<T> Drop for Pilot<T> {
    fn drop(&mut self) {
        let outcome = self.outcome.take().unwrap_or_else(|| Err(lost()));
        let told = self.slot.land(outcome);
        self.announce.send_replace(Some(told));
    }
}

fn keep<T>(fetched: Fetched<T>, now: SystemTime) -> Outcome<T> {
    let life = Lifetime::of(now, fetched.expires_at, jitter());
    if life.is_usable(now) {
        Ok(Arc::new(Kept { value: fetched.value, life }))
    } else {
        let why = "the credentials it gave have expired, or do so within a minute";
        Err(CredentialsError::MalformedAnswer(Explanation::new(why)))
    }
}

/// Drops what a slot keeps once it is dead, whether or not anybody ever asks the slot again.
async fn drop_at<T: Clone + Send + Sync + 'static>(end: SystemTime, slot: Weak<Slot<T>>, clock: SharedClock) {
    while let Ok(left) = end.duration_since(clock.now())
        && !left.is_zero()
    {
        tokio::time::sleep(left.max(SHORTEST_WATCH)).await;
    }
    if let Some(slot) = slot.upgrade() {
        slot.drop_dead(clock.now());
    }
}

fn too_slow(patience: Duration) -> CredentialsError {
    CredentialsError::StsUnavailable(Explanation::new(&format!("no answer within {} s", patience.as_secs())))
}

fn lost() -> CredentialsError {
    CredentialsError::StsUnavailable(Explanation::new("the call was broken off"))
}
