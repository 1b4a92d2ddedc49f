//! One fetch, from take-off to landing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use super::rejections::Rejections;
use super::{Fetched, Kept, Landed, Purpose, Slot, Surroundings, keeper, lost};
use crate::backoff::{Urgency, hold, jitter};
use crate::error::{CredentialsError, Explanation};
use crate::lifetime::Lifetime;

pub(super) type Outcome<T> = Result<Arc<Kept<T>>, CredentialsError>;
pub(super) type Landing<T> = watch::Receiver<Option<Outcome<T>>>;

/// Knows of the one flight that may be in the air, and of the last that crashed.
pub(super) struct Tower<T> {
    pub(super) flight: Option<Landing<T>>,
    pub(super) failure: Option<Failure>,
    /// How many values have come.
    pub(super) n_landings: u64,
    pub(super) rejections: Rejections,
}

pub(super) struct Failure {
    pub(super) error: CredentialsError,
    at: Instant,
    streak: u32,
    jitter: f64,
}

impl<T> Tower<T> {
    pub(super) fn new() -> Self {
        Self { flight: None, failure: None, n_landings: 0, rejections: Rejections::default() }
    }

    /// How long the last failure is still repeated instead of asking again.
    pub(super) fn held_for(&self, urgency: Urgency) -> Option<Duration> {
        let failure = self.failure.as_ref()?;
        let held_for = hold(&failure.error, failure.streak, urgency, failure.jitter);
        held_for.checked_sub(failure.at.elapsed()).filter(|left| !left.is_zero())
    }
}

impl<T: Clone + Send + Sync + 'static> Slot<T> {
    /// Registers a flight and lets it take off once the lock is released: a runtime that shuts down drops its tasks, and
    /// with them the pilot, on the spot.
    pub(super) fn depart(
        self: &Arc<Self>,
        mut tower: MutexGuard<'_, Tower<T>>,
        purpose: Purpose,
    ) -> Landing<T> {
        let (announce, landing) = watch::channel(None);
        tower.flight = Some(landing.clone());
        drop(tower);
        let pilot = Pilot { slot: Arc::clone(self), announce: Some(announce) };
        pilot.take_off(purpose);
        landing
    }
}

impl<T: 'static> Slot<T> {
    /// Files the outcome and clears the runway.
    fn land(&self, outcome: Result<(T, Lifetime), CredentialsError>) -> Outcome<T> {
        let now = self.around.clock.now();
        let mut tower = self.tower.lock().unwrap_or_else(PoisonError::into_inner);
        tower.flight = None;
        let landed = match outcome {
            Ok((value, life)) => Ok(self.keep(&mut tower, value, life)),
            Err(error) => {
                self.acquit();
                Err(tower.crash(error))
            }
        };
        drop(tower);
        match &landed {
            Ok((_, replaced)) => {
                let late_by = replaced.map(|life| now.duration_since(life.refresh_at).unwrap_or_default());
                self.supply.landed(Ok(Landed { at: now, late_by }));
            }
            Err(error) => self.supply.landed(Err(error)),
        }
        landed.map(|(kept, _)| kept)
    }

    fn keep(&self, tower: &mut Tower<T>, value: T, life: Lifetime) -> (Arc<Kept<T>>, Option<Lifetime>) {
        tower.failure = None;
        tower.n_landings += 1;
        tower.rejections.land();
        let is_suspect = AtomicBool::new(false);
        let kept = Arc::new(Kept { value, life, landing: tower.n_landings, is_suspect });
        let replaced = self.kept.swap(Some(Arc::clone(&kept)));
        // Whoever looks after the value before may go.
        self.bell.send_replace(());
        (kept, replaced.map(|replaced| replaced.life))
    }

    /// Lets a rejected value serve again: it has no successor yet.
    pub(super) fn acquit(&self) {
        if let Some(kept) = self.kept.load().as_deref() {
            kept.is_suspect.store(false, Ordering::Relaxed);
        }
    }
}

impl<T> Tower<T> {
    /// Remembers the failure. What comes back says for how long.
    fn crash(&mut self, error: CredentialsError) -> CredentialsError {
        let streak = self.failure.as_ref().map_or(0, |failure| failure.streak).saturating_add(1);
        let failure = Failure { error, at: Instant::now(), streak, jitter: jitter() };
        let held_for = hold(&failure.error, streak, Urgency::Waiting, failure.jitter);
        let told = failure.error.clone().with_retry_after(held_for);
        self.failure = Some(failure);
        told
    }
}

/// Lands the flight whatever happens to its task: a panic or a shutdown must not leave anybody waiting.
struct Pilot<T: 'static> {
    slot: Arc<Slot<T>>,
    /// Gone once the outcome is announced.
    announce: Option<watch::Sender<Option<Outcome<T>>>>,
}

impl<T: Clone + Send + Sync + 'static> Pilot<T> {
    /// Starts the fetch in a task of its own, so that no caller can cancel it.
    fn take_off(mut self, purpose: Purpose) {
        let around = self.slot.around.clone();
        let fetch = self.slot.supply.fetch(purpose);
        let runtime = around.runtime.clone();
        runtime.spawn(async move {
            let fetched = match tokio::time::timeout(around.patience, fetch).await {
                Ok(fetched) => fetched,
                Err(_) => Err(too_slow(around.patience)),
            };
            let landed = self.touch_down(fetched.and_then(|fetched| live(fetched, &around)));
            if let Some(landing) = landed {
                // A task of its own, because this one still has the room that the fetch needed.
                keeper::look_after(&self.slot, landing);
            }
        });
    }
}

impl<T: 'static> Pilot<T> {
    /// Lands and tells everybody. Gives the number of the landing, unless it was a crash.
    fn touch_down(&mut self, outcome: Result<(T, Lifetime), CredentialsError>) -> Option<u64> {
        let announce = self.announce.take()?;
        let told = self.slot.land(outcome);
        let landing = told.as_ref().ok().map(|kept| kept.landing);
        announce.send_replace(Some(told));
        landing
    }
}

impl<T: 'static> Drop for Pilot<T> {
    fn drop(&mut self) {
        self.touch_down(Err(lost()));
    }
}

fn live<T>(fetched: Fetched<T>, around: &Surroundings) -> Result<(T, Lifetime), CredentialsError> {
    let now = around.clock.now();
    let life = Lifetime::of(now, fetched.expires_at, jitter());
    if life.is_usable(now) {
        Ok((fetched.value, life))
    } else if around.is_clock_in_doubt() {
        Ok((fetched.value, life.on_trial()))
    } else {
        let why = "the credentials it gave have expired, or do so within a minute";
        Err(CredentialsError::MalformedAnswer(Explanation::new(why)))
    }
}

fn too_slow(patience: Duration) -> CredentialsError {
    CredentialsError::StsUnavailable(Explanation::new(&format!("no answer within {} s", patience.as_secs())))
}
