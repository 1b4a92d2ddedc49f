//! The trace id that every answer carries.
//!
//! The SDKs repeat a call that failed with a 5xx unless the answer has this header, so errors need it most.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use portcullis_types::{RequestId, SharedClock, given_trace_id, trace_id};
use tracing::Instrument;

/// The header, of requests and of answers.
pub const TRACE_ID: HeaderName = HeaderName::from_static(trace_id::TRACE_ID);

/// Puts the caller's trace id, or a new one, on the answer and on the span of everything logged meanwhile.
pub(crate) async fn trace_request(
    State(clock): State<SharedClock>,
    request: Request,
    next: Next,
) -> Response {
    let given = given_trace_id(request.headers().get_all(TRACE_ID).iter().map(HeaderValue::as_bytes));
    let id = given.map_or_else(|| fresh(&clock), header);
    let span = tracing::info_span!("admin_request", trace.id = id.to_str().unwrap_or_default());
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(TRACE_ID, id);
    response
}

fn fresh(clock: &SharedClock) -> HeaderValue {
    header(&RequestId::generate(clock.now()).to_string())
}

fn header(id: &str) -> HeaderValue {
    HeaderValue::from_str(id).expect("a trace id is visible ASCII, and so is a UUID")
}
