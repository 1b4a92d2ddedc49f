//! The account of a request's body with the server, which limits how many bytes of all bodies are in memory at once.

use std::sync::Arc;

/// Takes back bytes of a body that are in memory no longer, such as those that were written to a file.
///
/// The server puts one among the extensions of a request; without one nobody counts.
#[derive(Clone)]
pub struct BodyAccount(Arc<dyn Fn(usize) + Send + Sync>);

impl BodyAccount {
    /// - `give_back`: told of so many bytes that have been let go.
    pub fn new(give_back: impl Fn(usize) + Send + Sync + 'static) -> Self {
        Self(Arc::new(give_back))
    }

    /// So many bytes of the body have been let go.
    pub fn give_back(&self, n_bytes: usize) {
        (self.0)(n_bytes);
    }
}

impl std::fmt::Debug for BodyAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BodyAccount").finish_non_exhaustive()
    }
}
