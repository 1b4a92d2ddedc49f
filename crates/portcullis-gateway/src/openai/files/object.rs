//! A file as clients read it.

use portcullis_catalog::StoredFile;
use serde::Serialize;

/// OpenAI's file object. Times are Unix seconds.
#[derive(Debug, Serialize)]
pub(super) struct FileObject {
    pub(super) id: String,
    object: &'static str,
    bytes: u64,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    filename: String,
    purpose: &'static str,
    /// A file that can be seen is whole.
    status: &'static str,
    status_details: Option<String>,
}

impl From<&StoredFile> for FileObject {
    fn from(file: &StoredFile) -> Self {
        Self {
            id: file.id.to_string(),
            object: "file",
            bytes: file.bytes,
            created_at: file.created_at.unix_timestamp(),
            expires_at: file.expires_at.map(time::OffsetDateTime::unix_timestamp),
            filename: file.filename.clone(),
            purpose: file.purpose.as_str(),
            status: "processed",
            status_details: None,
        }
    }
}
