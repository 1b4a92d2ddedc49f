//! A line of the upstream's results.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{ApiError, ErrorKind, UpstreamError};

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineResult<'a> {
    /// A message; its JSON.
    Succeeded(&'a str),
    /// A refusal or a failure; its JSON, an error body such as a single request gets.
    Errored(&'a str),
    /// The batch was cancelled first.
    Canceled,
    /// The batch's time was over first.
    Expired,
}

/// A line of the upstream's results, which come in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultLine<'a> {
    /// Under which id the request went up; [`Surrogates::index_of`](super::Surrogates::index_of) leads to its line.
    pub surrogate: String,
    /// What became of it.
    pub result: LineResult<'a>,
    /// The same as it was written: `{"type":"succeeded",…}`.
    pub raw: &'a str,
}

#[derive(Deserialize)]
struct Wire<'a> {
    custom_id: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize)]
struct WireResult<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl<'a> ResultLine<'a> {
    /// Reads a line. A message or an error in it is not looked into.
    ///
    /// # Errors
    /// It is no result.
    pub fn parse(line: &'a str) -> Result<Self, ApiError> {
        let wire: Wire<'a> = serde_json::from_str(line).map_err(|_| odd())?;
        let raw = wire.result.get();
        let result: WireResult<'a> = serde_json::from_str(raw).map_err(|_| odd())?;
        let result = match (result.kind.as_str(), result.message, result.error) {
            ("succeeded", Some(message), _) => LineResult::Succeeded(message.get()),
            ("errored", _, Some(error)) => LineResult::Errored(error.get()),
            ("canceled", ..) => LineResult::Canceled,
            ("expired", ..) => LineResult::Expired,
            _ => return Err(odd()),
        };
        Ok(Self { surrogate: wire.custom_id, result, raw })
    }
}

/// What the upstream answered to an errored request, and its id of that request.
#[must_use]
pub(super) fn upstream_error(error: &str) -> UpstreamError {
    UpstreamError::from_event(error)
}

fn odd() -> ApiError {
    let message = "a line of the upstream's results cannot be read";
    ApiError::new(502, ErrorKind::Server, "upstream_invalid_response", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_result_is_read_and_messages_keep_their_text() {
        let check = |result: &str, expect: LineResult<'_>| {
            let line = format!(r#"{{"custom_id":"r12","result":{result}}}"#);
            let read = ResultLine::parse(&line).unwrap();
            assert_eq!((read.surrogate.as_str(), &read.result, read.raw), ("r12", &expect, result));
        };
        // Half a surrogate pair is not ours to judge here.
        let message = r#"{"id":"msg_1", "content":["\ud800"]}"#;
        check(&format!(r#"{{"type":"succeeded","message":{message}}}"#), LineResult::Succeeded(message));
        let error = r#"{"type":"error","error":{"type":"x","message":"y"}}"#;
        check(&format!(r#"{{"type":"errored","error":{error}}}"#), LineResult::Errored(error));
        check(r#"{"type":"canceled"}"#, LineResult::Canceled);
        check(r#"{"type":"expired"}"#, LineResult::Expired);
    }

    #[test]
    fn what_is_no_result_is_an_error() {
        for line in [
            "",
            "{}",
            r#"{"custom_id":"r1","result":{"type":"succeeded"}}"#,
            r#"{"custom_id":"r1","result":{"type":"new"}}"#,
            r#"{"custom_id":"r1"}"#,
        ] {
            assert_eq!(ResultLine::parse(line).unwrap_err().status, 502, "{line}");
        }
    }
}
