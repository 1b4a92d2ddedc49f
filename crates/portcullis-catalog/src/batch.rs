//! Batches of OpenAI's API, on which the gateway works in the background.
//!
//! Whoever works on one claims it ([`Catalog::due_batches`](crate::Catalog::due_batches)) and has it alone for
//! [`BATCH_LEASE`]. Its version is the proof: a claim and every change increments it, and a change that was decided on an
//! earlier one is refused, so that a worker that was away for too long cannot undo what its successor did.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use portcullis_types::{ApiKeyId, BatchId, FileId, ProviderId, TenantWorkspaceId};
use time::OffsetDateTime;

/// How long a claimed batch is one worker's alone, from the claim or from its last change that held on to it.
pub const BATCH_LEASE: Duration = Duration::from_secs(5 * 60);

/// How far a batch has come.
///
/// Source: OpenAI's API reference, "The batch object", `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BatchState {
    /// Its input is being read.
    Validating,
    /// Its input could not be used. The end.
    Failed,
    /// The upstream works on it.
    InProgress,
    /// Its results are being written.
    Finalizing,
    /// Its results are there. The end.
    Completed,
    /// It was not done in time. The end.
    Expired,
    /// It is being stopped.
    Cancelling,
    /// It was stopped. The end.
    Cancelled,
}

/// Why a string is no [`BatchState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no state of a batch")]
pub struct InvalidBatchState;

impl BatchState {
    const ALL: [Self; 8] = [
        Self::Validating,
        Self::Failed,
        Self::InProgress,
        Self::Finalizing,
        Self::Completed,
        Self::Expired,
        Self::Cancelling,
        Self::Cancelled,
    ];

    /// OpenAI's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Validating => "validating",
            Self::Failed => "failed",
            Self::InProgress => "in_progress",
            Self::Finalizing => "finalizing",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether there is nothing more to do.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Failed | Self::Completed | Self::Expired | Self::Cancelled)
    }
}

impl FromStr for BatchState {
    type Err = InvalidBatchState;

    fn from_str(raw: &str) -> Result<Self, InvalidBatchState> {
        Self::ALL.into_iter().find(|state| state.as_str() == raw).ok_or(InvalidBatchState)
    }
}

/// A batch to be made.
#[derive(Clone)]
pub struct NewBatch {
    /// Whose it will be.
    pub workspace_id: TenantWorkspaceId,
    /// The key that asked for it.
    pub key_id: ApiKeyId,
    /// Which provider serves it, once that is known.
    pub provider_id: Option<ProviderId>,
    /// Which of the API's paths its requests are for: 1 to 255 visible characters.
    pub endpoint: String,
    /// Where its requests stand; none when they came with the request for it.
    pub input_file_id: Option<FileId>,
    /// Everything else there is to know of it, which the catalog does not look into. It is sealed.
    pub document: serde_json::Value,
    /// From when on it may go, once it is over.
    pub keep_until: Option<OffsetDateTime>,
}

/// A batch.
#[derive(Clone, PartialEq)]
pub struct StoredBatch {
    /// Its id.
    pub id: BatchId,
    /// Whose it is.
    pub workspace_id: TenantWorkspaceId,
    /// The key that asked for it. That one may have been revoked.
    pub key_id: ApiKeyId,
    /// Which provider serves it, once that is known. That one may be gone.
    pub provider_id: Option<ProviderId>,
    /// Which of the API's paths its requests are for.
    pub endpoint: String,
    /// Where its requests stand. The file may be gone.
    pub input_file_id: Option<FileId>,
    /// The answers.
    pub output_file_id: Option<FileId>,
    /// The errors.
    pub error_file_id: Option<FileId>,
    /// How far it has come.
    pub state: BatchState,
    /// The upstream's batches that do its work.
    pub upstream_batch_ids: Vec<String>,
    /// Everything else there is to know of it.
    pub document: serde_json::Value,
    /// From when on it may go, once it is over.
    pub keep_until: Option<OffsetDateTime>,
    /// When somebody asked to stop it. Only [`Catalog::request_cancel`](crate::Catalog::request_cancel) sets it.
    pub cancel_requested_at: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
    /// Incremented by every claim and every change.
    pub version: u64,
}

/// What becomes of the lease with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThenLease {
    /// It begins anew: [`BATCH_LEASE`] from now.
    Hold,
    /// It ends: whoever comes next may claim the batch.
    Release {
        /// From when on there is something to do. A batch that is over has no such time.
        due_at: OffsetDateTime,
    },
}

/// Without the document, which may hold what people asked.
impl fmt::Debug for NewBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewBatch")
            .field("workspace_id", &self.workspace_id)
            .field("endpoint", &self.endpoint)
            .field("input_file_id", &self.input_file_id)
            .finish_non_exhaustive()
    }
}

/// Without the document, which may hold what people asked.
impl fmt::Debug for StoredBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredBatch")
            .field("id", &self.id)
            .field("workspace_id", &self.workspace_id)
            .field("provider_id", &self.provider_id)
            .field("state", &self.state)
            .field("upstream_batch_ids", &self.upstream_batch_ids)
            .field("cancel_requested_at", &self.cancel_requested_at)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
