//! The trace id that every answer carries.
//!
//! The SDKs repeat a call that failed with a 5xx unless the answer has this header, so errors need it most.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_types::{RequestId, SharedClock};
use tracing::Instrument;

/// The header, of requests and of answers.
pub const TRACE_ID: HeaderName = HeaderName::from_static("x-portkey-trace-id");

/// Longest trace id that is taken from a caller, in bytes.
const MAX_LENGTH: usize = 128;

/// Puts the caller's trace id, or a new one, on the answer and on the span of everything logged meanwhile.
pub(crate) async fn trace_request(
    State(clock): State<SharedClock>,
    request: Request,
    next: Next,
) -> Response {
    let id = given(request.headers()).unwrap_or_else(|| fresh(&clock));
    let span = tracing::info_span!("admin_request", trace.id = id.to_str().unwrap_or_default());
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(TRACE_ID, id);
    response
}

/// The caller's own id, when there is exactly one and it is safe in a log line.
fn given(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut values = headers.get_all(TRACE_ID).iter();
    let (first, second) = (values.next()?, values.next());
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:/+=@".contains(b);
    let fits = (1..=MAX_LENGTH).contains(&first.len()) && first.as_bytes().iter().all(allowed);
    (fits && second.is_none()).then(|| first.clone())
}

fn fresh(clock: &SharedClock) -> HeaderValue {
    let id = RequestId::generate(clock.now()).to_string();
    HeaderValue::from_str(&id).expect("a UUID is hexadecimal digits and hyphens")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_id_is_taken_from_the_caller() {
        let check = |values: &[&str], expect: Option<&str>| {
            let headers: HeaderMap =
                values.iter().map(|value| (TRACE_ID, HeaderValue::from_str(value).unwrap())).collect();
            assert_eq!(given(&headers).as_ref().map(|id| id.to_str().unwrap()), expect, "{values:?}");
        };
        check(&[], None);
        check(&["my-trace_1.2:3"], Some("my-trace_1.2:3"));
        check(&[""], None);
        check(&["with space"], None);
        check(&["a\"b"], None);
        check(&["a", "b"], None);
        check(&[&"x".repeat(128)], Some(&"x".repeat(128)));
        check(&[&"x".repeat(129)], None);
    }
}
