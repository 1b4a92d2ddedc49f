//! What is kept of a batch beside its row: what was asked, what has been sent, what came of it.
//!
//! It is written before anything is sent and after everything that came back, so that whoever goes on with a batch, here
//! or in another process, knows what may have happened.

use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_catalog::{BatchState, Caller, CatalogError, StoredBatch};
use portcullis_provider::openai_batch::{BatchEndpoint, BatchUsage, LineError, RequestCounts};
use portcullis_types::{Metadata, OnUnsupported, OrganisationId, Slug};
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
    /// In the order of their lines, without gaps.
    pub(super) parts: Vec<Part>,
    pub(super) times: Times,
    /// The upstream's batches that turned out not to be ours when a part was looked for.
    #[serde(default)]
    pub(super) not_ours: Vec<String>,
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
    /// The headers that say how requests are translated, as they came.
    fidelity: Vec<(String, String)>,
    metadata: Vec<(String, String)>,
}

/// The headers of the client's that hold for every line.
const FIDELITY: [&str; 2] = ["x-portcullis-on-unsupported", "x-portkey-strict-open-ai-compliance"];

impl AskedBy {
    pub(super) fn new(caller: &Caller, headers: &HeaderMap, metadata: &Metadata) -> Self {
        let kept = |name: &str| Some((name.to_owned(), headers.get(name)?.to_str().ok()?.to_owned()));
        Self {
            organisation: caller.organisation_id,
            user: caller.user_id.clone(),
            on_unsupported: caller.on_unsupported,
            fidelity: FIDELITY.into_iter().filter_map(kept).collect(),
            metadata: metadata.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }
    }

    pub(super) fn metadata(&self) -> Metadata {
        self.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The headers that say how requests are translated.
    pub(super) fn fidelity_headers(&self) -> HeaderMap {
        let header = |(name, value): &(String, String)| {
            Some((HeaderName::try_from(name.as_str()).ok()?, HeaderValue::try_from(value.as_str()).ok()?))
        };
        self.fidelity.iter().filter_map(header).collect()
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
            n_failures: 0,
        }
    }

    pub(super) fn of(batch: &StoredBatch) -> Result<Self, CatalogError> {
        serde_json::from_value(batch.document.clone()).map_err(|error| CatalogError::Corrupt {
            what: "batch",
            id: batch.id.to_string(),
            reason: error.to_string(),
        })
    }

    pub(super) fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("numbers, texts and JSON under string keys are always JSON")
    }

    /// The first line that no part has yet.
    pub(super) fn next_line(&self) -> u64 {
        self.parts.last().map_or(0, |part| part.end)
    }

    /// Whether every line is in a part.
    pub(super) fn is_all_sent(&self) -> bool {
        self.next_line() >= self.counts.total
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
}
