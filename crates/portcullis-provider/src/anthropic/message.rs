//! The message that Anthropic answers with.

use serde_json::{Map, Value};

use crate::ResponseContext;
use crate::error::{ApiError, ErrorKind, UpstreamError};
use crate::json::lenient;
use crate::usage::Usage;

/// A message, its fields as the upstream sent them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    /// Everything, in the upstream's order; `content` and `usage` hold their places only.
    fields: Map<String, Value>,
    /// The content blocks.
    pub(crate) content: Vec<Value>,
    /// The counts.
    pub(crate) usage: Usage,
}

impl Message {
    /// Reads a whole answer.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let value =
            lenient::read(&String::from_utf8_lossy(body)).ok_or_else(|| not_a_message("is not JSON"))?;
        let Value::Object(fields) = value else { return Err(not_a_message("is not a JSON object")) };
        if fields.get("type").and_then(Value::as_str) == Some("error") {
            let text = String::from_utf8_lossy(body);
            return Err(UpstreamError::from_event(&text).to_openai(&ResponseContext::default()));
        }
        Self::from_fields(fields).ok_or_else(|| not_a_message("has no list of content blocks"))
    }

    /// Takes a message apart; none if its `content` is something else than a list.
    pub(crate) fn from_fields(mut fields: Map<String, Value>) -> Option<Self> {
        let content = match fields.get_mut("content").map(Value::take) {
            Some(Value::Array(content)) => content,
            None | Some(Value::Null) if fields.contains_key("id") => Vec::new(),
            _ => return None,
        };
        let usage = Usage::from_value(fields.get("usage"));
        Some(Self { fields, content, usage })
    }

    /// Puts the message together again.
    pub(crate) fn into_json(mut self) -> Vec<u8> {
        self.fields.insert("content".to_owned(), Value::Array(self.content));
        self.fields.insert("usage".to_owned(), Value::Object(self.usage.native));
        serde_json::to_vec(&self.fields).expect("a JSON value is always JSON")
    }

    /// Goes on as another message, of which only what is new is taken over: how it ends, what it used, and fields of its
    /// own that are not null. It remains the same message.
    pub(crate) fn go_on(&mut self, next: Self) {
        const ENDS: [&str; 3] = ["stop_reason", "stop_sequence", "stop_details"];
        const STAY: [&str; 6] = ["id", "type", "role", "model", "content", "usage"];
        for end in ENDS {
            if let Some(value) = self.fields.get_mut(end) {
                *value = Value::Null;
            }
        }
        let fresh = |(name, value): &(String, Value)| !value.is_null() && !STAY.contains(&name.as_str());
        self.fields.extend(next.fields.into_iter().filter(fresh));
        self.usage = next.usage;
    }

    /// A field that is there and not null.
    pub(crate) fn given(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.fields.insert(name.to_owned(), value);
    }

    pub(crate) fn id(&self) -> &str {
        self.given("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// The model that answered, which server-side fallback may have changed.
    pub(crate) fn model(&self) -> &str {
        self.given("model").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn stop_reason(&self) -> Option<&str> {
        self.given("stop_reason").and_then(Value::as_str)
    }

    /// Why the model refused, in its own words.
    pub(crate) fn refusal(&self) -> Option<&str> {
        let details = self.given("stop_details").filter(|_| self.stop_reason() == Some("refusal"))?;
        details.get("explanation").and_then(Value::as_str)
    }
}

/// The block's `type`; empty for something that is no block.
pub(crate) fn block_type(block: &Value) -> &str {
    block.get("type").and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn not_a_message(how: &str) -> ApiError {
    let message = format!("the upstream's answer {how}");
    ApiError::new(502, ErrorKind::Server, "upstream_invalid_response", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_refused() {
        for body in ["", "[]", "{}", r#"{"content":7}"#, r#"{"id":"msg_1","content":{}}"#] {
            let error = Message::parse(body.as_bytes()).unwrap_err();
            assert_eq!(
                (error.status, error.code.as_deref()),
                (502, Some("upstream_invalid_response")),
                "{body}"
            );
        }
        let error = Message::parse(br#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#);
        assert_eq!(error.unwrap_err().code.as_deref(), Some("overloaded"));
    }

    #[test]
    fn a_message_taken_apart_is_put_together_in_order() {
        let text =
            r#"{"id":"msg_1","content":[{"type":"text","text":"a"}],"model":"m","usage":{"input_tokens":1}}"#;
        assert_eq!(String::from_utf8(Message::parse(text.as_bytes()).unwrap().into_json()).unwrap(), text);
    }
}
