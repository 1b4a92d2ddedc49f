//! What is known of a request before anything is checked, and what every answer to it carries.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{ConnectInfo, Request};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use portcullis_provider::error::Dialect;
use portcullis_types::{Clock, RequestId, given_trace_id, trace_id};

use crate::claude_code::ClaudeCode;

pub(crate) const TRACE_ID: HeaderName = HeaderName::from_static(trace_id::TRACE_ID);
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is known of a request before anything is checked.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) request_id: RequestId,
    pub(crate) dialect: Dialect,
    pub(crate) uri: Uri,
    /// The other end of the connection, where the server says which: the client, or the last proxy before us.
    pub(crate) peer: Option<SocketAddr>,
    /// The caller's own trace id when it is one, else the request's id. Echoed on every answer: the Portkey clients
    /// repeat a failed call that comes back without it.
    pub(crate) trace_id: HeaderValue,
    /// Where the request stands in Claude Code's work, if it is Claude Code's.
    pub(crate) claude_code: ClaudeCode,
    /// Unix seconds.
    pub(crate) created: u64,
    pub(crate) started: Instant,
}

impl Arrival {
    pub(crate) fn of(request: &Request, dialect: Dialect, clock: &dyn Clock) -> Self {
        let now = clock.now();
        let request_id = RequestId::generate(now);
        let given = given_trace_id(request.headers().get_all(TRACE_ID).iter().map(HeaderValue::as_bytes));
        let trace_id = given.and_then(|text| HeaderValue::from_str(text).ok());
        let trace_id = trace_id.unwrap_or_else(|| id_value(request_id));
        let created = now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let peer = request.extensions().get().map(|ConnectInfo(peer)| *peer);
        let uri = request.uri().clone();
        let claude_code = ClaudeCode::of(request.headers());
        Self { request_id, dialect, uri, peer, trace_id, claude_code, created, started: Instant::now() }
    }

    /// What the gateway does of itself, on nobody's connection.
    pub(crate) fn of_ourselves(dialect: Dialect, clock: &dyn Clock) -> Self {
        let now = clock.now();
        let request_id = RequestId::generate(now);
        let created = now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let (trace_id, started) = (id_value(request_id), Instant::now());
        let (uri, claude_code) = (Uri::default(), ClaudeCode::default());
        Self { request_id, dialect, uri, peer: None, trace_id, claude_code, created, started }
    }

    /// The headers that every answer carries.
    pub(crate) fn stamp(&self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, id_value(self.request_id));
        headers.insert(TRACE_ID, self.trace_id.clone());
    }
}

fn id_value(id: RequestId) -> HeaderValue {
    HeaderValue::try_from(id.to_string()).expect("a UUID is hexadecimal digits and dashes")
}
