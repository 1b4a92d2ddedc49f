//! What the gateway notes of a whole message that passes through.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::message::not_a_message;
use crate::error::ApiError;
use crate::usage::Usage;

/// The counts and the end of a message whose bytes go to the client untouched.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageSummary {
    /// What was counted.
    pub usage: Usage,
    /// Why the model stopped.
    pub stop_reason: Option<String>,
    /// The model that answered.
    pub served_model: Option<String>,
}

/// Only these members are looked into; serde scans over the rest, which also proves that the body is whole.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    usage: Option<Value>,
    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
}

/// Whether a body is JSON from its beginning to its end: the upstream's own answer, whatever it says. What is not broke
/// off, or is somebody else's, such as a proxy's page.
#[must_use]
pub fn is_whole(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

impl MessageSummary {
    /// Reads an answer that said 200.
    ///
    /// # Errors
    /// The body is not JSON, breaks off, or is no message.
    pub fn of(body: &[u8]) -> Result<Self, ApiError> {
        let members: Members<'_> =
            serde_json::from_slice(body).map_err(|_| not_a_message("is not a message"))?;
        if members.kind != "message" {
            return Err(not_a_message("is not a message"));
        }
        Ok(Self {
            usage: Usage::from_value(members.usage.as_ref()),
            stop_reason: members.stop_reason.map(Cow::into_owned),
            served_model: members.model.map(Cow::into_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"Hi"}],"model":"claude-haiku-4-5","stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4}}"#;

    #[test]
    fn counts_and_end_are_read() {
        let summary = MessageSummary::of(MESSAGE.as_bytes()).unwrap();
        assert_eq!((summary.usage.input_tokens, summary.usage.output_tokens), (3, 4));
        assert_eq!(summary.stop_reason.as_deref(), Some("end_turn"));
        assert_eq!(summary.served_model.as_deref(), Some("claude-haiku-4-5"));
    }

    #[test]
    fn a_message_cut_anywhere_is_none() {
        for cut in 0..MESSAGE.len() {
            assert!(MessageSummary::of(&MESSAGE.as_bytes()[..cut]).is_err(), "{cut}");
            assert!(!is_whole(&MESSAGE.as_bytes()[..cut]), "{cut}");
        }
        for other in [r#"{"type":"error","error":{}}"#, "[]", "null", "<html>", r#"{"type":5}"#] {
            assert!(MessageSummary::of(other.as_bytes()).is_err(), "{other}");
            assert_eq!(is_whole(other.as_bytes()), other != "<html>", "{other}");
        }
    }
}
