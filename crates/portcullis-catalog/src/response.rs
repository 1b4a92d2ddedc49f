//! Responses of OpenAI's Responses API, kept so that they can be read again and continued.

use std::fmt;

use portcullis_types::{ProviderId, ResponseId, TenantWorkspaceId};
use time::OffsetDateTime;

/// The longest document of a response: as long as the longest request that the upstream takes.
pub const MAX_RESPONSE_BYTES: usize = 32 << 20;

/// A response.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// Its id, unique in the workspace.
    pub id: ResponseId,
    /// Whose it is.
    pub workspace_id: TenantWorkspaceId,
    /// Which provider made it. That one may be gone.
    pub provider_id: ProviderId,
    /// The model, 1 to 1024 characters.
    pub model: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// From when on it is gone.
    pub expires_at: OffsetDateTime,
    /// Everything else there is to know of it, which the catalog does not look into: at most [`MAX_RESPONSE_BYTES`]. It is
    /// sealed.
    pub document: Vec<u8>,
}

/// Without the document, which holds what people asked.
impl fmt::Debug for StoredResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredResponse")
            .field("id", &self.id)
            .field("workspace_id", &self.workspace_id)
            .field("provider_id", &self.provider_id)
            .field("model", &self.model)
            .field("expires_at", &self.expires_at)
            .field("n_bytes", &self.document.len())
            .finish_non_exhaustive()
    }
}
