//! Objects at the upstream, and who made them.
//!
//! Everything in one of Anthropic's workspaces is open to whoever may use it. Where several tenant workspaces do, this
//! record tells what is whose.

use portcullis_types::{ProviderId, TenantWorkspaceId, WorkspaceId};
use time::OffsetDateTime;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UpstreamObjectKind {
    /// A message batch.
    Batch,
    /// A container in which code runs, with the files in it.
    Container,
    /// A file.
    File,
    /// A skill, with all its versions.
    Skill,
    /// A user profile.
    UserProfile,
}

impl UpstreamObjectKind {
    /// One word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Container => "container",
            Self::File => "file",
            Self::Skill => "skill",
            Self::UserProfile => "user_profile",
        }
    }
}

/// An object at the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamObject {
    /// What it is.
    pub kind: UpstreamObjectKind,
    /// Where it lies.
    pub anthropic_workspace_id: WorkspaceId,
    /// Its id there: 1 to 255 characters.
    pub upstream_id: String,
    /// Whose it is: the workspace that made it.
    pub workspace_id: TenantWorkspaceId,
    /// Through which provider it was made. That one may be gone.
    pub provider_id: ProviderId,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// From when on the record may go. (The object itself goes when the upstream says so.)
    pub expires_at: Option<OffsetDateTime>,
}
