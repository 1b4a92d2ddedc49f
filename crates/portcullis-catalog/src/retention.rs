//! What goes when its time is over.

/// How much one round of [`Catalog::purge_expired`](crate::Catalog::purge_expired) took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Files, with those that were never finished.
    pub files: u64,
    /// Batches.
    pub batches: u64,
    /// Responses.
    pub responses: u64,
    /// Records of objects at the upstream.
    pub upstream_objects: u64,
}

impl Purged {
    /// Whether there was nothing left to take away.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
