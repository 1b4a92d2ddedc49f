//! Which integrations are being verified: each once at a time, so that nobody floods STS by asking again and again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use portcullis_types::IntegrationId;

/// The integrations under way. A cheap handle: clones share everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running(Arc<Mutex<HashSet<IntegrationId>>>);

/// The right to verify an integration, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    running: Running,
    integration: IntegrationId,
}

impl Running {
    /// The right to verify `integration`. `None` while somebody has it.
    pub(crate) fn begin(&self, integration: IntegrationId) -> Option<Turn> {
        let is_free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(integration);
        is_free.then(|| Turn { running: self.clone(), integration })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.running.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.integration);
    }
}

#[cfg(test)]
mod tests {
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
