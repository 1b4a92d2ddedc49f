//! The upstream's batch object, as far as we read it.

use portcullis_provider::error::{ApiError, ErrorKind};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A message batch.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct UpstreamBatch {
    pub(super) id: String,
    processing_status: String,
    #[serde(default)]
    pub(super) request_counts: UpstreamCounts,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default)]
    cancel_initiated_at: Option<String>,
}

/// How many requests are in which state. Until the end all of them are processing.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UpstreamCounts {
    processing: u64,
    succeeded: u64,
    errored: u64,
    canceled: u64,
    pub(super) expired: u64,
}

impl UpstreamCounts {
    pub(super) const fn total(self) -> u64 {
        self.processing + self.succeeded + self.errored + self.canceled + self.expired
    }
}

/// A page of a list, the newest first.
#[derive(Debug, Deserialize)]
pub(super) struct UpstreamBatches {
    pub(super) data: Vec<UpstreamBatch>,
    #[serde(default)]
    pub(super) has_more: bool,
    #[serde(default)]
    pub(super) last_id: Option<String>,
}

impl UpstreamBatch {
    pub(super) fn has_ended(&self) -> bool {
        self.processing_status == "ended"
    }

    pub(super) fn is_being_cancelled(&self) -> bool {
        self.cancel_initiated_at.is_some()
    }

    /// Unix seconds.
    pub(super) fn created_at(&self) -> Option<i64> {
        unix(self.created_at.as_deref())
    }

    /// Unix seconds.
    pub(super) fn expires_at(&self) -> Option<i64> {
        unix(self.expires_at.as_deref())
    }

    /// Whether the id may stand in a path.
    fn is_sound(&self) -> bool {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        !self.id.is_empty() && self.id.bytes().all(allowed)
    }
}

fn unix(text: Option<&str>) -> Option<i64> {
    OffsetDateTime::parse(text?, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}

/// Reads a batch object.
pub(super) fn batch(body: &[u8]) -> Result<UpstreamBatch, ApiError> {
    serde_json::from_slice(body).ok().filter(UpstreamBatch::is_sound).ok_or_else(odd)
}

/// Reads a page of batch objects.
pub(super) fn batches(body: &[u8]) -> Result<UpstreamBatches, ApiError> {
    let page = serde_json::from_slice(body).ok();
    page.filter(|page: &UpstreamBatches| page.data.iter().all(UpstreamBatch::is_sound)).ok_or_else(odd)
}

fn odd() -> ApiError {
    let message = "the upstream's answer is no message batch";
    ApiError::new(502, ErrorKind::Server, "upstream_invalid_response", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_object_is_read_as_the_service_writes_it() {
        let read = batch(
            br#"{"id":"msgbatch_01","type":"message_batch","processing_status":"ended","request_counts":{"processing":0,
            "succeeded":2,"errored":1,"canceled":0,"expired":3},"ended_at":"2026-11-25T10:00:00Z",
            "created_at":"2026-11-25T09:00:00.5Z","expires_at":"2026-11-26T09:00:00Z","archived_at":null,
            "cancel_initiated_at":null,"results_url":"https://elsewhere.example/results"}"#,
        )
        .unwrap();
        assert_eq!((read.has_ended(), read.is_being_cancelled()), (true, false));
        assert_eq!((read.request_counts.total(), read.request_counts.expired), (6, 3));
        assert_eq!(read.expires_at().unwrap() - read.created_at().unwrap(), 24 * 3600);
    }

    #[test]
    fn an_id_that_would_lead_elsewhere_is_none() {
        for id in ["", "../files", "a/b", "a?b", "a%2F"] {
            let body = format!(r#"{{"id":"{id}","processing_status":"ended"}}"#);
            assert!(batch(body.as_bytes()).is_err(), "{id}");
        }
    }
}
