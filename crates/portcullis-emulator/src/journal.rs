//! What the emulator saw: one entry per request, the bodies of requests to the platform, and counters. Holds no secret,
//! no token and no signature.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One request, verified or refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedRequest {
    /// Milliseconds since 1970, the emulator's clock.
    pub at_ms: u64,
    /// The `request-id` or STS `RequestId` of the answer.
    pub request_id: String,
    /// Which connection it came on: requests with the same number shared one.
    #[serde(default)]
    pub connection: u64,
    /// The IAM action, for example `aws-external-anthropic:CreateInference`; the method and path if there is none.
    pub operation: String,
    /// Whether the signature held, or the API key is one that exists.
    pub verified: bool,
    /// HTTP status of the answer.
    pub status: u16,
    /// Error code or type, with the message; `None` when the request was served.
    pub refusal: Option<String>,
    /// Who signed.
    pub principal_arn: Option<String>,
    /// The access key id that signed.
    pub access_key_id: Option<String>,
    /// The header that an API key came in.
    #[serde(default)]
    pub api_key_header: Option<String>,
    /// The external ID that came with `AssumeRole`.
    pub external_id: Option<String>,
    /// The role that was asked for.
    pub role_arn: Option<String>,
    /// The session name that was asked for.
    pub session_name: Option<String>,
    /// Whether a session policy came with `AssumeRole`.
    pub session_policy: bool,
    /// What `AssumeRole` was asked for; `None` for other calls.
    #[serde(default)]
    pub assume_role: Option<AssumeRoleParameters>,
    /// Tags of the session that signed, inherited ones included.
    #[serde(default)]
    pub session_tags: BTreeMap<String, String>,
    /// Source identity of the session that signed.
    #[serde(default)]
    pub source_identity: Option<String>,
    /// Names of signed headers.
    pub signed_headers: Vec<String>,
    /// The query as it came, without the `?`.
    #[serde(default)]
    pub query: Option<String>,
    /// All headers of a platform request, in order of arrival; values that are or prove secrets are left out.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Names of all headers, in order of arrival.
    pub header_names: Vec<String>,
    /// Region of the signature's scope.
    pub region: Option<String>,
    /// Service of the signature's scope.
    pub service: Option<String>,
    /// The workspace header.
    pub workspace: Option<String>,
    /// `model` of the body.
    pub model: Option<String>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// SHA-256 of the body, lower-case hex.
    pub body_sha256: String,
    /// Bytes of the body.
    pub body_bytes: u64,
    /// The header `anthropic-version`.
    pub anthropic_version: Option<String>,
    /// The header `anthropic-beta`, lines joined by commas.
    pub anthropic_beta: Option<String>,
}

/// What one `AssumeRole` asked for, as sent, before anything was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssumeRoleParameters {
    /// `RoleArn`.
    pub role_arn: String,
    /// `RoleSessionName`.
    pub role_session_name: String,
    /// `ExternalId`.
    pub external_id: Option<String>,
    /// `DurationSeconds`; `None` when it was not sent or is no number.
    pub duration_seconds: Option<u32>,
    /// `Tags`.
    pub tags: BTreeMap<String, String>,
    /// `TransitiveTagKeys`.
    pub transitive_tag_keys: Vec<String>,
    /// `SourceIdentity`.
    pub source_identity: Option<String>,
    /// `Policy`, parsed; the text if it is not JSON.
    pub policy: Option<Value>,
    /// `PackedPolicySize` of the answer, percent.
    pub packed_policy_percent: Option<usize>,
}

/// A stream that its client left before the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlyClose {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The `request-id` of the answer.
    pub request_id: String,
    /// How many pieces of the answer had been handed to the connection.
    pub pieces_sent: u64,
}

/// Counters since the start or the last `DELETE /_emulator/requests`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Calls of `AssumeRole`, refused ones included.
    pub assume_role_calls: u64,
    /// Calls of `GetCallerIdentity`.
    pub get_caller_identity_calls: u64,
    /// Calls of `AssumeRoleWithWebIdentity`, refused ones included.
    #[serde(default)]
    pub web_identity_calls: u64,
    /// Requests to `/v1/…`.
    pub platform_calls: u64,
    /// Answers to `/v1/…` that are under way now. Not reset.
    pub open_answers: u64,
    /// Answers to `/v1/…` sent to their end.
    pub finished_answers: u64,
    /// Answers that the client closed early: the mark of a cancelled request.
    pub closed_early: Vec<EarlyClose>,
}

/// How many bytes of bodies are kept; the oldest go first.
const MAX_BODY_BYTES_KEPT: usize = 64 * 1024 * 1024;

/// Bodies by request id, the oldest first.
#[derive(Debug, Default)]
struct Bodies {
    kept: VecDeque<(String, Bytes)>,
    n_bytes: usize,
}

impl Bodies {
    fn push(&mut self, request_id: &str, body: &Bytes) {
        self.kept.push_back((request_id.to_owned(), body.clone()));
        self.n_bytes += body.len();
        while self.n_bytes > MAX_BODY_BYTES_KEPT
            && let Some((_, oldest)) = self.kept.pop_front()
        {
            self.n_bytes -= oldest.len();
        }
    }
}

/// The log, the bodies and the counters.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    requests: Mutex<Vec<LoggedRequest>>,
    bodies: Mutex<Bodies>,
    counters: Mutex<Counters>,
}

impl Journal {
    pub(crate) fn record(&self, request: LoggedRequest) {
        tracing::debug!(
            operation = request.operation,
            status = request.status,
            refusal = request.refusal,
            "request"
        );
        crate::state::locked(&self.requests).push(request);
    }

    /// Keeps the bytes of a platform request's body for [`Journal::body`].
    pub(crate) fn keep_body(&self, request_id: &str, body: &Bytes) {
        crate::state::locked(&self.bodies).push(request_id, body);
    }

    /// The body of this request, byte for byte, unless later ones have displaced it.
    pub(crate) fn body(&self, request_id: &str) -> Option<Bytes> {
        let bodies = crate::state::locked(&self.bodies);
        bodies.kept.iter().rev().find(|(id, _)| id == request_id).map(|(_, body)| body.clone())
    }

    pub(crate) fn requests(&self) -> Vec<LoggedRequest> {
        crate::state::locked(&self.requests).clone()
    }

    /// Empties the log and gives what was in it: nothing is lost between reading and emptying.
    pub(crate) fn take_requests(&self) -> Vec<LoggedRequest> {
        std::mem::take(&mut crate::state::locked(&self.requests))
    }

    pub(crate) fn counters(&self) -> Counters {
        crate::state::locked(&self.counters).clone()
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut crate::state::locked(&self.counters));
    }

    /// Empties the log and the counters, but for what is open now.
    pub(crate) fn clear(&self) {
        crate::state::locked(&self.requests).clear();
        *crate::state::locked(&self.bodies) = Bodies::default();
        self.count(|counters| {
            *counters = Counters { open_answers: counters.open_answers, ..Counters::default() }
        });
    }
}

pub(crate) fn unix_ms(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
