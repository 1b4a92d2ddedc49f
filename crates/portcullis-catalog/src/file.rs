//! Files of OpenAI's API: kept here, or known to be at the upstream, or both.

use std::fmt;
use std::str::FromStr;

use portcullis_types::{FileId, ProviderId, TenantWorkspaceId};
use time::OffsetDateTime;

/// How much of a file lies in one row: every chunk but the last has this many bytes.
pub const FILE_CHUNK_BYTES: usize = 1 << 20;

/// What a file is for, of the purposes that the gateway serves.
///
/// Source: OpenAI's API reference, "Files", `purpose`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilePurpose {
    /// Input for assistants.
    Assistants,
    /// The lines of a batch.
    Batch,
    /// What a batch came to.
    BatchOutput,
    /// Input for models.
    UserData,
    /// Images for models.
    Vision,
}

/// Why a string is no [`FilePurpose`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `assistants`, `batch`, `batch_output`, `user_data` or `vision`")]
pub struct InvalidFilePurpose;

impl FilePurpose {
    const ALL: [Self; 5] = [Self::Assistants, Self::Batch, Self::BatchOutput, Self::UserData, Self::Vision];

    /// OpenAI's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assistants => "assistants",
            Self::Batch => "batch",
            Self::BatchOutput => "batch_output",
            Self::UserData => "user_data",
            Self::Vision => "vision",
        }
    }
}

impl FromStr for FilePurpose {
    type Err = InvalidFilePurpose;

    fn from_str(raw: &str) -> Result<Self, InvalidFilePurpose> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == raw).ok_or(InvalidFilePurpose)
    }
}

impl fmt::Display for FilePurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the upstream has a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileAtUpstream {
    /// Through which provider it was uploaded. That one may be gone.
    pub provider_id: ProviderId,
    /// Its id there: 1 to 255 characters.
    pub upstream_id: String,
}

/// A file to be made.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// Whose it will be.
    pub workspace_id: TenantWorkspaceId,
    /// What it is for.
    pub purpose: FilePurpose,
    /// 1 to 255 visible characters.
    pub filename: String,
    /// 1 to 255 visible characters.
    pub mime_type: String,
    /// From when on it is gone; must lie ahead.
    pub expires_at: Option<OffsetDateTime>,
}

/// A file. One that can be seen is whole: OpenAI's `status` of it is `processed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its id.
    pub id: FileId,
    /// Whose it is.
    pub workspace_id: TenantWorkspaceId,
    /// What it is for.
    pub purpose: FilePurpose,
    /// As its owner named it.
    pub filename: String,
    /// What is in it.
    pub mime_type: String,
    /// Its length.
    pub bytes: u64,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
    /// Where the upstream has it, when it does.
    pub upstream: Option<FileAtUpstream>,
    /// Whether its content is here, to be read with [`Catalog::read_file`](crate::Catalog::read_file).
    pub is_kept: bool,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// From when on it is gone.
    pub expires_at: Option<OffsetDateTime>,
}

/// In which order files are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListOrder {
    /// By the time they were made: `asc`.
    Oldest,
    /// The other way round: `desc`.
    #[default]
    Newest,
}

/// Which files a list shows.
#[derive(Clone, Copy, Debug)]
pub struct FileFilter {
    /// Only those for this purpose.
    pub purpose: Option<FilePurpose>,
    /// Only what comes behind this one, which need not exist any more.
    pub after: Option<FileId>,
    /// So many at most; taken as at least 1 and at most 10,000.
    pub limit: u32,
    /// Which come first.
    pub order: ListOrder,
}
