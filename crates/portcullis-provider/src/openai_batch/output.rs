//! The lines of the output file and of the error file. Each ends with a line feed.

use serde::Serialize;
use serde_json::value::RawValue;

use super::result::upstream_error;
use crate::ResponseContext;
use crate::error::ApiError;
use crate::warnings::Warnings;

#[derive(Serialize)]
struct Line<'a> {
    id: String,
    custom_id: &'a str,
    response: Option<LineResponse<'a>>,
    error: Option<Failure<'a>>,
}

#[derive(Serialize)]
struct LineResponse<'a> {
    status_code: u16,
    /// None for what never reached the upstream.
    request_id: Option<&'a str>,
    body: &'a RawValue,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'a str,
    message: &'a str,
}

/// A request that succeeded.
///
/// - `surrogate`: the id under which the request went up.
/// - `request_id`: the message's id; the results of a batch carry no other.
/// - `body`: a JSON object, the answer in the client's dialect. Warnings of the translation become its member
///   `portcullis_warnings`: a line has no headers.
///
/// # Panics
/// If `body` is not the JSON object that a translation makes.
#[must_use]
pub fn succeeded(
    custom_id: &str,
    surrogate: &str,
    request_id: &str,
    body: &[u8],
    warnings: &Warnings,
) -> Vec<u8> {
    let body = raw(with_warnings(body, warnings));
    let response = LineResponse { status_code: 200, request_id: Some(request_id), body: &body };
    line(custom_id, surrogate, Some(response), None)
}

/// A request that the upstream refused, or failed to answer.
///
/// - `error`: the JSON of the error in the result.
/// - `context`: of the request's translation.
#[must_use]
pub fn errored(custom_id: &str, surrogate: &str, error: &str, context: &ResponseContext) -> Vec<u8> {
    let error = upstream_error(error);
    refused(custom_id, surrogate, error.request_id.as_deref(), &error.to_openai(context))
}

/// A request that was refused.
#[must_use]
pub fn refused(custom_id: &str, surrogate: &str, request_id: Option<&str>, error: &ApiError) -> Vec<u8> {
    let body = raw(error.openai_body());
    line(
        custom_id,
        surrogate,
        Some(LineResponse { status_code: error.status, request_id, body: &body }),
        None,
    )
}

/// A request that got no answer, such as `batch_expired`.
#[must_use]
pub fn unanswered(custom_id: &str, surrogate: &str, code: &str, message: &str) -> Vec<u8> {
    line(custom_id, surrogate, None, Some(Failure { code, message }))
}

/// A line of Portkey's native output: what the upstream said, under the client's own id.
///
/// - `result`: JSON, `{"type":"succeeded",…}`.
#[must_use]
pub fn native(custom_id: &str, result: &str) -> Vec<u8> {
    let mut out = b"{\"custom_id\":".to_vec();
    out.extend_from_slice(&serde_json::to_vec(custom_id).expect("a text is always JSON"));
    out.extend_from_slice(b",\"result\":");
    out.extend_from_slice(result.as_bytes());
    out.extend_from_slice(b"}\n");
    out
}

fn line(
    custom_id: &str,
    surrogate: &str,
    response: Option<LineResponse<'_>>,
    error: Option<Failure<'_>>,
) -> Vec<u8> {
    let id = format!("batch_req_{surrogate}");
    let mut out = serde_json::to_vec(&Line { id, custom_id, response, error })
        .expect("texts, numbers and JSON under string keys are always JSON");
    out.push(b'\n');
    out
}

fn with_warnings(body: &[u8], warnings: &Warnings) -> Vec<u8> {
    let Some(open) = body.strip_suffix(b"}").filter(|_| !warnings.is_empty()) else { return body.to_vec() };
    let tokens: Vec<&str> = warnings.iter().collect();
    let mut out = open.to_vec();
    if !open.ends_with(b"{") {
        out.push(b',');
    }
    out.extend_from_slice(b"\"portcullis_warnings\":");
    out.extend_from_slice(&serde_json::to_vec(&tokens).expect("texts are always JSON"));
    out.push(b'}');
    out
}

fn raw(json: Vec<u8>) -> Box<RawValue> {
    let text = String::from_utf8(json).expect("what this crate writes is UTF-8");
    RawValue::from_string(text).expect("what this crate writes is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::warnings::WarningKind;

    fn text(line: Vec<u8>) -> String {
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_success_carries_its_body_and_what_the_translation_left_out() {
        let mut warnings = Warnings::default();
        let line = succeeded("a \"1\"", "r4", "msg_1", br#"{"id":"msg_1"}"#, &warnings);
        assert_eq!(
            text(line),
            "{\"id\":\"batch_req_r4\",\"custom_id\":\"a \\\"1\\\"\",\"response\":{\"status_code\":200,\
             \"request_id\":\"msg_1\",\"body\":{\"id\":\"msg_1\"}},\"error\":null}\n"
        );
        warnings.add(WarningKind::Ignored, "seed");
        let line = text(succeeded("a", "r0", "msg_1", br#"{"id":"msg_1"}"#, &warnings));
        assert!(line.contains(r#""body":{"id":"msg_1","portcullis_warnings":["ignored:seed"]}"#), "{line}");
    }

    #[test]
    fn a_refusal_has_the_status_it_has_outside_of_batches() {
        let error =
            r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"},"request_id":"req_1"}"#;
        let line = text(errored("a", "r1", error, &ResponseContext::default()));
        assert!(line.contains(r#""status_code":503,"request_id":"req_1""#), "{line}");
        assert!(line.contains(r#""error":{"message":"busy","type":"server_error""#), "{line}");
        let own =
            ApiError { param: Some("n".into()), ..ApiError::new(400, ErrorKind::InvalidRequest, "c", "m") };
        let line = text(refused("a", "r1", None, &own));
        assert!(line.contains(r#""status_code":400,"request_id":null"#), "{line}");
        assert!(line.ends_with("\"error\":null}\n"), "{line}");
    }

    #[test]
    fn what_was_never_answered_has_an_error_and_no_response() {
        let line = text(unanswered("a", "r2", "batch_expired", "too late"));
        let expected = "\"response\":null,\"error\":{\"code\":\"batch_expired\",\"message\":\"too late\"}}\n";
        assert!(line.ends_with(expected), "{line}");
        let line = text(native("a", r#"{"type":"expired"}"#));
        assert_eq!(line, "{\"custom_id\":\"a\",\"result\":{\"type\":\"expired\"}}\n");
    }
}
