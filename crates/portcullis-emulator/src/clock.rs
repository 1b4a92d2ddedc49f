//! The emulator's clock: the machine's, or one that a test moves. It uses no crate of the product, so it has its own.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Says what time it is. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// A clock that asks `now` each time, for example another crate's clock.
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The machine's own clock.
    #[must_use]
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the emulator's one door to the wall clock")]
        Self::new(SystemTime::now)
    }

    /// A clock that stands still until the second half moves it.
    #[must_use]
    pub fn manual(start: SystemTime) -> (Self, ManualClock) {
        let moment = Arc::new(Mutex::new(start));
        let read = Arc::clone(&moment);
        (Self::new(move || *read.lock().unwrap_or_else(PoisonError::into_inner)), ManualClock(moment))
    }

    /// The time, UTC.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        (self.0)()
    }
}

/// A moment as the platform writes it, in whole seconds.
pub(crate) fn rfc3339(at: SystemTime) -> String {
    let at = OffsetDateTime::from(at);
    let whole = at.replace_nanosecond(0).unwrap_or(at);
    whole.format(&Rfc3339).expect("a time of this century has an RFC 3339 form")
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// Moves the clock it was made with.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<SystemTime>>);

impl ManualClock {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}
