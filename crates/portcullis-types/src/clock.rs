//! The one door to the wall clock, and how far that is from AWS's.

mod skew;

pub use skew::{ClockSkew, CorrectedClock, Exchange};

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// Says what time it is. Signatures, expiries and ids take their time from one of these.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Wall-clock time, UTC.
    fn now(&self) -> SystemTime;
}

/// A clock that many own.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        #[expect(clippy::disallowed_methods, reason = "this is the door")]
        SystemTime::now()
    }
}

/// A clock that stands still until it is moved. For tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<SystemTime>);

impl ManualClock {
    /// A clock that says `now`.
    #[must_use]
    pub fn at(now: SystemTime) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().expect("no panic while it is held") += by;
    }

    /// Sets the clock.
    pub fn set(&self, now: SystemTime) {
        *self.0.lock().expect("no panic while it is held") = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().expect("no panic while it is held")
    }
}
