//! What is under way: each once at a time, so that nobody floods STS by asking again and again.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// For whom something is under way. A cheap handle: clones share everything.
///
/// - `T`: an integration that is verified, or an organisation that proves a role.
#[derive(Clone, Debug)]
pub(crate) struct Running<T>(Arc<Mutex<HashSet<T>>>);

impl<T> Default for Running<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// The right to go about it, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<T: Copy + Eq + Hash> {
    running: Running<T>,
    of: T,
}

impl<T: Copy + Eq + Hash> Running<T> {
    /// The right to go about it. `None` while somebody has it.
    pub(crate) fn begin(&self, of: T) -> Option<Turn<T>> {
        let is_free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(of);
        is_free.then(|| Turn { running: Running(Arc::clone(&self.0)), of })
    }
}

impl<T: Copy + Eq + Hash> Drop for Turn<T> {
    fn drop(&mut self) {
        self.running.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.of);
    }
}

#[cfg(test)]
mod tests {
    use portcullis_types::IntegrationId;

    use super::*;

    #[test]
    fn one_at_a_time_of_each() {
        let running = Running::default();
        let [a, b] = [1, 2]
            .map(|n| IntegrationId::generate(std::time::UNIX_EPOCH + std::time::Duration::from_secs(n)));
        let first = running.begin(a);
        assert!(first.is_some() && running.begin(a).is_none() && running.begin(b).is_some());
        drop(first);
        assert!(running.begin(a).is_some());
    }
}
