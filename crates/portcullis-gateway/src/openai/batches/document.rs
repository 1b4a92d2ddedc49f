//! What is kept of a batch beside its row: what was asked, what has been sent, what came of it.
//!
//! It is written before anything is sent and after everything that came back, so that whoever goes on with a batch, here
//! or in another process, knows what may have happened.

use std::ops::Range;

use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_catalog::{BatchState, Caller, CatalogError, StoredBatch};
use portcullis_provider::openai_batch::{BatchEndpoint, BatchUsage, LineError, RequestCounts};
use portcullis_types::{FileId, Metadata, OnUnsupported, OrganisationId, Slug};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The rest of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Document {
    pub(super) form: Form,
    /// The slug of the provider that a header named.
    pub(super) header_provider: Option<String>,
    pub(super) asked_by: AskedBy,
    pub(super) metadata: Option<Map<String, Value>>,
    /// How long the output files are kept, in seconds.
    pub(super) output_expires_after: Option<u64>,
    /// The upstream model, when all lines name the same one.
    pub(super) model: Option<String>,
    /// Why it failed before anything was sent.
    pub(super) errors: Vec<LineError>,
    pub(super) counts: RequestCounts,
    pub(super) usage: Option<BatchUsage>,
    /// In the order of their lines.
    pub(super) parts: Vec<Part>,
    pub(super) times: Times,
    /// The upstream's batches that turned out not to be ours when a part was looked for.
    #[serde(default)]
    pub(super) not_ours: Vec<String>,
    /// Output files that can be seen as soon as they are finished, and that the row does not name yet: whoever finds some
    /// here deletes them, and writes them anew.
    #[serde(default)]
    pub(super) unnamed_files: Vec<FileId>,
    /// How often in a row the upstream could not be asked.
    #[serde(default)]
    pub(super) n_failures: u32,
}

/// What the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// OpenAI's: lines that ask for chat completions or responses.
    Lines(BatchEndpoint),
    /// Portkey's: requests in the upstream's own dialect. The input file has one item a line.
    Requests,
}

/// On whose behalf requests go out, as a session's name or tags may say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AskedBy {
    pub(super) organisation: OrganisationId,
    pub(super) user: Option<String>,
    /// What the key says of lossy translations.
    pub(super) on_unsupported: Option<OnUnsupported>,
    /// The headers that hold for every line, as they came.
    #[serde(alias = "fidelity")]
    headers: Vec<(String, String)>,
    metadata: Vec<(String, String)>,
}

/// The headers of the client's that hold for every line: how it is translated, and what the upstream is told with it.
const KEPT_HEADERS: [&str; 4] = [
    "x-portcullis-on-unsupported",
    "x-portkey-strict-open-ai-compliance",
    "anthropic-beta",
    "anthropic-user-profile-id",
];

impl AskedBy {
    pub(super) fn new(caller: &Caller, headers: &HeaderMap, metadata: &Metadata) -> Self {
        let kept = |name: &'static str| {
            let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.map(move |value| (name.to_owned(), value.to_owned()))
        };
        Self {
            organisation: caller.organisation_id,
            user: caller.user_id.clone(),
            on_unsupported: caller.on_unsupported,
            headers: KEPT_HEADERS.into_iter().flat_map(kept).collect(),
            metadata: metadata.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }
    }

    pub(super) fn metadata(&self) -> Metadata {
        self.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The headers that hold for every line.
    pub(super) fn headers(&self) -> HeaderMap {
        let header = |(name, value): &(String, String)| {
            Some((HeaderName::try_from(name.as_str()).ok()?, HeaderValue::try_from(value.as_str()).ok()?))
        };
        self.headers.iter().filter_map(header).collect()
    }
}

/// Lines that go upstream together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// The first of its lines, counted from 0.
    pub(super) first: u64,
    /// The line after its last.
    pub(super) end: u64,
    /// Requests in it: its lines without those that cannot be translated.
    pub(super) n_requests: u64,
    pub(super) state: PartState,
}

/// How far a part has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub(super) enum PartState {
    /// It is being sent, since then. Whoever finds it so later cannot know whether it arrived: see `recover`.
    Sending { since: i64 },
    /// The upstream has it. An id that was found and not given is only probably the right one, until the ids in its results
    /// tell; it was being sent since `unsure_since` then.
    Sent { id: String, unsure_since: Option<i64> },
    /// The upstream is done with it.
    Ended { id: String, is_cancelled: bool, n_expired: u64 },
    /// There was nothing to send in it.
    Empty,
    /// The upstream has none of it, for this reason.
    Lost { status: u16, code: String, message: String },
}

impl PartState {
    /// The upstream's id of it, once there is one.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Sent { id, .. } | Self::Ended { id, .. } => Some(id),
            Self::Sending { .. } | Self::Empty | Self::Lost { .. } => None,
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Ended { .. } | Self::Empty | Self::Lost { .. })
    }
}

/// When what happened, in Unix seconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Times {
    pub(super) in_progress: Option<i64>,
    pub(super) expires: Option<i64>,
    pub(super) finalizing: Option<i64>,
    pub(super) completed: Option<i64>,
    pub(super) failed: Option<i64>,
    pub(super) expired: Option<i64>,
    pub(super) cancelling: Option<i64>,
    pub(super) cancelled: Option<i64>,
}

impl Document {
    pub(super) fn new(form: Form, header_provider: Option<&Slug>, asked_by: AskedBy) -> Self {
        Self {
            form,
            header_provider: header_provider.map(ToString::to_string),
            asked_by,
            metadata: None,
            output_expires_after: None,
            model: None,
            errors: Vec::new(),
            counts: RequestCounts::default(),
            usage: None,
            parts: Vec::new(),
            times: Times::default(),
            not_ours: Vec::new(),
            unnamed_files: Vec::new(),
            n_failures: 0,
        }
    }

    pub(super) fn of(batch: &StoredBatch) -> Result<Self, CatalogError> {
        // What the reader says of a mistake may quote the document, and errors are logged.
        Self::deserialize(&batch.document).map_err(|_| CatalogError::Corrupt {
            what: "batch",
            id: batch.id.to_string(),
            reason: "its document is not as batches are written down here".to_owned(),
        })
    }

    pub(super) fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("numbers, texts and JSON under string keys are always JSON")
    }

    /// The first lines that no part has yet, up to the next part or to the end. A part that turned out never to have
    /// arrived leaves its lines behind, while those after it may be on their way.
    pub(super) fn next_lines(&self) -> Range<u64> {
        let mut first = 0;
        for part in &self.parts {
            if part.first > first {
                return first..part.first;
            }
            first = part.end;
        }
        first..self.counts.total.max(first)
    }

    /// Whether every line is in a part.
    pub(super) fn is_all_sent(&self) -> bool {
        self.next_lines().is_empty()
    }

    /// Puts a part where its lines stand, and says which one it is now.
    pub(super) fn add_part(&mut self, part: Part) -> usize {
        let part_idx = self.parts.partition_point(|other| other.first < part.first);
        self.parts.insert(part_idx, part);
        part_idx
    }

    /// Why it failed, and that it did.
    pub(super) fn fail(&mut self, errors: Vec<LineError>, now: i64) -> BatchState {
        self.errors = errors;
        self.times.failed = Some(now);
        BatchState::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_types::{ApiKeyId, BatchId, TenantWorkspaceId};
    use serde_json::json;

    #[test]
    fn a_part_reads_as_it_was_written() {
        let states = [
            PartState::Sending { since: 7 },
            PartState::Sent { id: "msgbatch_1".into(), unsure_since: None },
            PartState::Ended { id: "msgbatch_1".into(), is_cancelled: false, n_expired: 2 },
            PartState::Empty,
            PartState::Lost { status: 400, code: "c".into(), message: "m".into() },
        ];
        for state in states {
            let part = Part { first: 0, end: 5, n_requests: 4, state };
            let read: Part = serde_json::from_value(serde_json::to_value(&part).unwrap()).unwrap();
            assert_eq!(read, part);
        }
    }

    fn document(parts: &[(u64, u64)], total: u64) -> Document {
        let asked_by = json!({
            "organisation": OrganisationId::generate(std::time::UNIX_EPOCH), "user": null, "on_unsupported": null,
            "fidelity": [["anthropic-beta", "a-1"]], "metadata": [],
        });
        let mut document = Document::new(Form::Requests, None, serde_json::from_value(asked_by).unwrap());
        document.counts.total = total;
        for (first, end) in parts.iter().copied() {
            document.add_part(Part { first, end, n_requests: 1, state: PartState::Empty });
        }
        document
    }

    #[test]
    fn lines_that_a_lost_part_left_behind_are_the_next_ones() {
        let next = |parts: &[(u64, u64)]| document(parts, 9).next_lines();
        assert_eq!(next(&[]), 0..9);
        assert_eq!(next(&[(0, 4)]), 4..9);
        assert_eq!(next(&[(4, 9)]), 0..4);
        assert_eq!(next(&[(7, 9), (0, 4)]), 4..7);
        assert!(document(&[(4, 9), (0, 4)], 9).is_all_sent());
    }

    #[test]
    fn headers_are_kept_with_all_their_values() {
        let kept = document(&[], 0).asked_by.headers();
        assert_eq!(kept["anthropic-beta"], "a-1");
    }

    #[test]
    fn a_document_that_cannot_be_read_is_not_quoted() {
        let at = std::time::UNIX_EPOCH;
        let batch = StoredBatch {
            id: BatchId::generate(at),
            workspace_id: TenantWorkspaceId::generate(at),
            key_id: ApiKeyId::generate(at),
            provider_id: None,
            endpoint: "/v1/responses".into(),
            input_file_id: None,
            output_file_id: None,
            error_file_id: None,
            state: BatchState::InProgress,
            upstream_batch_ids: Vec::new(),
            document: json!({"form": "a prompt"}),
            keep_until: None,
            cancel_requested_at: None,
            created_at: at.into(),
            updated_at: at.into(),
            version: 1,
        };
        let error = Document::of(&batch).unwrap_err().to_string();
        assert!(!error.contains("prompt"), "{error}");
    }
}
