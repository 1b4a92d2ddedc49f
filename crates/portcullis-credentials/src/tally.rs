//! Counts what the engine does, over all integrations.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::CredentialsError;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Calls of `AssumeRole` by outcome. They are rare: a lock costs nothing here.
    calls: Mutex<BTreeMap<&'static str, u64>>,
    last_lag_ms: AtomicU64,
    n_over_cap: AtomicU64,
}

impl Tally {
    pub(crate) fn count_call<T>(&self, outcome: &Result<T, CredentialsError>) {
        let name = outcome.as_ref().err().map_or("ok", CredentialsError::code);
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    pub(crate) fn calls(&self) -> Vec<(&'static str, u64)> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().map(|(name, n)| (*name, *n)).collect()
    }

    pub(crate) fn note_lag(&self, lag: Duration) {
        self.last_lag_ms.store(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn last_lag(&self) -> Duration {
        Duration::from_millis(self.last_lag_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn count_over_cap(&self) {
        self.n_over_cap.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn n_over_cap(&self) -> u64 {
        self.n_over_cap.load(Ordering::Relaxed)
    }
}
