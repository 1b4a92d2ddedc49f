//! What the process itself answers, where no plane can: it starts, it is full, it has failed.
//!
//! Nobody knows here which dialect the caller speaks, so the body has what an OpenAI client and an Anthropic client read.

use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};
use portcullis_types::{Clock, RequestId, SystemClock, given_trace_id, trace_id};
use serde_json::json;

/// A failure that is the process's own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OwnError {
    status: StatusCode,
    /// Stable, for programs.
    pub(crate) code: &'static str,
    /// For people.
    pub(crate) message: &'static str,
    /// In seconds; `None` where a repetition may fail in the same way.
    retry_after: Option<&'static str>,
}

impl OwnError {
    pub(crate) const STARTING: Self =
        Self::unavailable("starting", "the gateway is starting: its database is not there yet", "2");
    pub(crate) const TOO_MANY_REQUESTS: Self = Self::unavailable(
        "too_many_requests_in_flight",
        "the gateway answers as many requests as it may (PORTCULLIS_MAX_REQUESTS); try again",
        "1",
    );
    pub(crate) const TOO_MANY_CONNECTIONS: Self = Self::unavailable(
        "too_many_connections",
        "the gateway has as many connections as it may (PORTCULLIS_MAX_CONNECTIONS); try again",
        "1",
    );
    pub(crate) const TOO_MANY_BYTES: Self = Self::unavailable(
        "too_many_bytes_in_flight",
        "the gateway holds as many bytes of requests as it may (PORTCULLIS_MAX_BUFFERED_BYTES); try again",
        "1",
    );
    pub(crate) const PANICKED: Self = Self {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: "internal_error",
        message: "the gateway failed, which is a defect of its own; its log has the place",
        retry_after: None,
    };

    const fn unavailable(code: &'static str, message: &'static str, retry_after: &'static str) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, code, message, retry_after: Some(retry_after) }
    }

    /// The answer to a request that brought `trace`, with an id of its own as every answer has one.
    pub(crate) fn answer(&self, trace: GivenTrace) -> Response {
        let id = RequestId::generate(SystemClock.now()).to_string();
        let body = json!({
            "type": "error",
            "error": { "message": self.message, "type": "server_error", "param": null, "code": self.code },
            "request_id": id,
        });
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        let id = HeaderValue::try_from(id).expect("a UUID is hexadecimal digits and dashes");
        headers.insert(trace_id::TRACE_ID, trace.0.unwrap_or_else(|| id.clone()));
        headers.insert("x-request-id", id);
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        response
    }
}

/// The trace id that a request brought along, kept apart from it: the request is consumed by whoever fails.
#[derive(Debug)]
pub(crate) struct GivenTrace(Option<HeaderValue>);

impl GivenTrace {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(trace_id::TRACE_ID).iter().map(HeaderValue::as_bytes);
        Self(given_trace_id(values).and_then(|text| HeaderValue::from_str(text).ok()))
    }
}
