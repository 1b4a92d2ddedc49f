//! The upstream's answer as a client of Anthropic's reads it: status, body, and the headers that concern it.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use portcullis_provider::ResponseContext;
use portcullis_provider::error::UpstreamError;

use crate::arrival::Arrival;
use crate::way::send::Head;

/// What of an answer's headers concerns a client. Framing is ours, the rest is the upstream's own business.
const FORWARDED: [&str; 7] = [
    "request-id",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "x-amzn-requestid",
    // A file's name, and how its bytes are packed.
    "content-disposition",
    "content-encoding",
];

/// A refusal in the client's own dialect passes byte for byte: clients branch on its words. What the operator has to
/// mend passes with an explanation added; what is not in that dialect (a proxy's page, AWS's own JSON) is said in it; and
/// what concerns the gateway's credentials is not the client's to take for its own key's failure.
pub(crate) fn refuse(arrival: &Arrival, head: &Head, error: &UpstreamError, body: Bytes) -> Response {
    let cause = error.cause();
    let concerns_credentials = matches!(head.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        || cause.is_authentication()
        || cause.is_permission();
    let is_in_dialect = error.error_type.is_some();
    if is_in_dialect && !concerns_credentials {
        let body = error.annotate(&body).map_or(body, Bytes::from);
        let mut response = with_head(head, Body::from(body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return response;
    }
    let mut response = crate::error::respond(&error.to_openai(&ResponseContext::default()), arrival);
    copy_headers(&head.headers, response.headers_mut());
    response
}

/// The upstream's head, and this body.
pub(crate) fn with_head(head: &Head, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    copy_headers(&head.headers, response.headers_mut());
    if let Some(kind) = head.headers.get(CONTENT_TYPE) {
        response.headers_mut().insert(CONTENT_TYPE, kind.clone());
    }
    response
}

fn copy_headers(from: &HeaderMap, to: &mut HeaderMap) {
    let is_forwarded =
        |name: &HeaderName| FORWARDED.contains(&name.as_str()) || name.as_str().starts_with("anthropic-");
    for (name, value) in from.iter().filter(|(name, _)| is_forwarded(name)) {
        to.insert(name.clone(), value.clone());
    }
}
