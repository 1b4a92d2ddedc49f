//! Keeps one value fresh: single flight on success and on failure, old value served while a new one is fetched ahead of
//! its end, dead value dropped. A value that AWS rejects is replaced, but not thrown away before its successor is there:
//! AWS may have been wrong, and STS may be away.
//!
//! A [`Slot`] gets its values from a [`Supply`]. What happens between take-off and landing is in [`flight`]; [`keeper`] is
//! the task that looks after a value that has landed.

mod flight;
mod keeper;
mod rejections;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use portcullis_types::{ClockSkew, SharedClock};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Duration;

use crate::BoxFuture;
use crate::backoff::Urgency;
use crate::error::{CredentialsError, Explanation};
use crate::lifetime::Lifetime;
use flight::{Failure, Landing, Outcome, Tower};
use rejections::Rejections;

/// So long the successor of a rejected value is waited for while that one still lives. Then it serves again.
const LONGEST_SUSPICION: Duration = Duration::from_secs(3);

/// What a slot needs of the world.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) clock: SharedClock,
    pub(crate) runtime: Handle,
    /// A fetch that takes longer has failed, whatever its own time-outs say.
    pub(crate) patience: Duration,
    /// A value that nobody has used for so long is not replaced ahead of its end.
    pub(crate) idle_after: Duration,
    /// While this has never been measured, the clock may be wrong, and a value that seems to be over when it comes is tried
    /// all the same. `None`: such a value is never used.
    pub(crate) unless_measured: Option<Arc<ClockSkew>>,
}

impl Surroundings {
    fn is_clock_in_doubt(&self) -> bool {
        self.unless_measured.as_ref().is_some_and(|skew| !skew.is_measured())
    }
}

/// A freshly fetched value and when AWS stops accepting it.
pub(crate) struct Fetched<T> {
    pub(crate) value: T,
    pub(crate) expires_at: Option<SystemTime>,
}

/// For whom AWS is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Somebody waits for it.
    Wanted,
    /// Nobody does: a turn in the budget is waited for first.
    Ahead,
}

/// Where the values of a slot come from.
pub(crate) trait Supply<T>: fmt::Debug + Send + Sync + 'static {
    /// Fetches a value. Runs in a task of its own, for whoever waits and for nobody.
    fn fetch(&self, purpose: Purpose) -> BoxFuture<'static, Result<Fetched<T>, CredentialsError>>;

    /// Waits until a fetch that nobody waits for may begin.
    fn turn(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Whether a value is due to be replaced although it lives: another one would come of the same fetch today.
    fn is_outdated(&self, _value: &T) -> bool {
        false
    }

    /// Whether anybody will still ask for a value of this supply.
    fn is_wanted(&self) -> bool {
        true
    }

    /// Told of every landing.
    fn landed(&self, outcome: Result<Landed, &CredentialsError>);
}

/// A value that has landed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Landed {
    pub(crate) at: SystemTime,
    /// How long ago the value before it was due to be replaced, if there was one.
    pub(crate) late_by: Option<Duration>,
}

struct Kept<T> {
    value: T,
    life: Lifetime,
    /// Which landing brought it, counted from 1.
    landing: u64,
    /// AWS has rejected it, and its successor is in the air: whoever comes waits for that.
    is_suspect: AtomicBool,
}

impl<T> Kept<T> {
    fn may_serve(&self, now: SystemTime) -> bool {
        self.life.is_usable(now) && !self.is_suspect.load(Ordering::Relaxed)
    }
}

/// The place of one value.
pub(crate) struct Slot<T> {
    /// Read on the hot path without any lock.
    kept: ArcSwapOption<Kept<T>>,
    /// Held for a few instructions, never across an await.
    tower: Mutex<Tower<T>>,
    around: Surroundings,
    supply: Arc<dyn Supply<T>>,
    /// Seconds since 1970. Written by whoever uses the value, every few seconds at most.
    used_at: AtomicU64,
    /// Wakes the keeper: a value that is due is in use, or has been thrown away. Ends with the slot.
    bell: watch::Sender<()>,
    /// Whether the bell has been rung since the keeper last looked.
    is_rung: AtomicBool,
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

enum Boarding<T> {
    /// Somebody else has just landed.
    Ready(T),
    Wait(Landing<T>),
    Held(CredentialsError),
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

impl<T: Clone + Send + Sync + 'static> Slot<T> {
    pub(crate) fn new(around: Surroundings, supply: Arc<dyn Supply<T>>) -> Self {
        let used_at = AtomicU64::new(seconds(around.clock.now()));
        Self {
            kept: ArcSwapOption::empty(),
            tower: Mutex::new(Tower::new()),
            around,
            supply,
            used_at,
            bell: watch::Sender::new(()),
            is_rung: AtomicBool::new(false),
        }
    }

    /// The value, if it may be used now. Neither waits nor starts anything, and is no use of it.
    pub(crate) fn peek(&self) -> Option<T> {
        let now = self.now();
        self.kept.load().as_deref().filter(|kept| kept.may_serve(now)).map(|kept| kept.value.clone())
    }

    /// The value, if it may be used now. One that is due is replaced in the background.
    pub(crate) fn current(&self) -> Option<T> {
        let now = self.now();
        self.note_use(now);
        let kept = self.kept.load();
        let kept = kept.as_deref().filter(|kept| kept.may_serve(now))?;
        if kept.life.is_due(now) || self.supply.is_outdated(&kept.value) {
            self.ring();
        }
        Some(kept.value.clone())
    }

    /// The value, fetched if need be. Whoever stops waiting leaves the fetch running.
    pub(crate) async fn obtain(self: &Arc<Self>, purpose: Purpose) -> Result<T, CredentialsError> {
        loop {
            if let Some(value) = self.current() {
                return Ok(value);
            }
            let landing = match self.board(purpose) {
                Boarding::Ready(value) => return Ok(value),
                Boarding::Held(error) => return Err(error),
                Boarding::Wait(landing) => landing,
            };
            match self.wait(landing).await {
                Some(Ok(kept)) if kept.life.is_usable(self.now()) => return Ok(kept.value.clone()),
                // A rejected value that still lives is better than none.
                Some(Err(error)) => return self.current().ok_or(error),
                // The suspicion is over; or the caller was not scheduled for a session's whole life.
                Some(Ok(_)) | None => {}
            }
        }
    }

    /// Waits for a flight: to its end, or, while a suspect lives, as long as a suspicion lasts.
    async fn wait(&self, mut landing: Landing<T>) -> Option<Outcome<T>> {
        let landed = async {
            let outcome = landing.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
            outcome.unwrap_or_else(|| Err(lost()))
        };
        if !self.has_suspect() {
            return Some(landed.await);
        }
        let outcome = tokio::time::timeout(LONGEST_SUSPICION, landed).await.ok();
        if outcome.is_none() {
            self.acquit();
        }
        outcome
    }

    /// Waits until a fetch that nobody waits for may begin.
    pub(crate) async fn turn(&self) {
        self.supply.turn().await;
    }

    /// Forgets the value and any failure: the next caller fetches.
    pub(crate) fn forget(&self) {
        let mut tower = self.tower();
        self.kept.store(None);
        tower.failure = None;
        tower.rejections = Rejections::default();
        self.bell.send_replace(());
    }

    /// Has the value that `is_rejected` recognises replaced, unless it has just replaced another that was rejected, or
    /// AWS has just failed to give a successor. It serves again if none comes.
    pub(crate) fn reject(self: &Arc<Self>, is_rejected: impl Fn(&T) -> bool) -> Renewal {
        let mut tower = self.tower();
        let kept = self.kept.load();
        let Some(kept) = kept.as_deref().filter(|kept| is_rejected(&kept.value)) else {
            return Renewal::Worthwhile;
        };
        if tower.rejections.is_held() || tower.held_for(Urgency::Waiting).is_some() {
            return Renewal::Futile;
        }
        tower.rejections.note();
        kept.is_suspect.store(true, Ordering::Relaxed);
        if tower.flight.is_none() {
            self.depart(tower, Purpose::Wanted);
        }
        Renewal::Worthwhile
    }

    /// Forgets the value that `is_rejected` recognises, whatever its age, and any failure: the next caller fetches.
    pub(crate) fn forget_if(&self, is_rejected: impl Fn(&T) -> bool) {
        let mut tower = self.tower();
        if self.kept.load().as_deref().is_some_and(|kept| is_rejected(&kept.value)) {
            self.kept.store(None);
            tower.failure = None;
            tower.rejections.note();
            self.bell.send_replace(());
        }
    }

    /// When the value was last asked for, within a few seconds.
    pub(crate) fn used_at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.used_at.load(Ordering::Relaxed))
    }

    /// Whether the value was asked for of late.
    pub(crate) fn is_in_use(&self) -> bool {
        let unused_for = self.now().duration_since(self.used_at()).unwrap_or_default();
        unused_for < self.around.idle_after
    }

    /// Whether there is a value that may be used, or one on its way.
    pub(crate) fn is_alive(&self) -> bool {
        self.tower().flight.is_some()
            || self.kept.load().as_deref().is_some_and(|kept| kept.life.is_usable(self.now()))
    }

    /// Whether anybody will ask for another value.
    pub(crate) fn is_wanted(&self) -> bool {
        self.supply.is_wanted()
    }

    /// How long ago the value was due to be replaced, if it is and somebody will ask for the next one.
    pub(crate) fn overdue_by(&self) -> Option<Duration> {
        let now = self.now();
        let kept = self.kept.load();
        let life =
            kept.as_deref().map(|kept| kept.life).filter(|life| life.is_usable(now) && life.is_due(now))?;
        let is_kept_fresh = self.is_in_use() && self.is_wanted();
        is_kept_fresh.then(|| now.duration_since(life.refresh_at).unwrap_or_default())
    }

    /// When the value ends, if there is one that may be used.
    pub(crate) fn expires_at(&self) -> Option<SystemTime> {
        let kept = self.kept.load();
        kept.as_deref().filter(|kept| kept.life.is_usable(self.now()))?.life.expires_at
    }

    fn has_suspect(&self) -> bool {
        self.kept.load().as_deref().is_some_and(|kept| kept.is_suspect.load(Ordering::Relaxed))
    }

    fn now(&self) -> SystemTime {
        self.around.clock.now()
    }

    /// Notes the use of the value, without a write where one was made a moment ago: many cores share this line.
    fn note_use(&self, now: SystemTime) {
        const COARSENESS_S: u64 = 5;
        let now = seconds(now);
        if now.abs_diff(self.used_at.load(Ordering::Relaxed)) >= COARSENESS_S {
            self.used_at.store(now, Ordering::Relaxed);
        }
    }

    fn ring(&self) {
        if !self.is_rung.load(Ordering::Relaxed) && !self.is_rung.swap(true, Ordering::AcqRel) {
            self.bell.send_replace(());
        }
    }

    fn board(self: &Arc<Self>, purpose: Purpose) -> Boarding<T> {
        let tower = self.tower();
        // Looked at again under the lock: a flight may have landed since the caller looked.
        if let Some(value) = self.peek() {
            return Boarding::Ready(value);
        }
        if let Some(landing) = &tower.flight {
            return Boarding::Wait(landing.clone());
        }
        if let Some(remaining) = tower.held_for(Urgency::Waiting)
            && let Some(Failure { error, .. }) = &tower.failure
        {
            return Boarding::Held(error.clone().with_retry_after(remaining));
        }
        Boarding::Wait(self.depart(tower, purpose))
    }

    fn tower(&self) -> MutexGuard<'_, Tower<T>> {
        self.tower.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn lost() -> CredentialsError {
    CredentialsError::StsUnavailable(Explanation::new("the call was broken off"))
}
