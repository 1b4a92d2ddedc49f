//! A turn that the upstream paused (`stop_reason: "pause_turn"`), to be sent back so that it goes on.
//!
//! Tools that run at the upstream may take long; it then ends the message in the middle of the turn and waits to get it
//! back, unchanged, as the last one of the conversation.
//!
//! Source: "Handling stop reasons" in Anthropic's documentation.

use std::fmt;

use serde_json::Value;

use crate::json::{self, Json, Object};

/// The `stop_reason` of such a message.
pub(crate) const PAUSED: &str = "pause_turn";

/// The assistant's turn as far as it got, all parts of it if it was continued before.
#[derive(Clone, PartialEq, Eq)]
pub struct PausedTurn {
    /// Content blocks as JSON, without the brackets around them.
    blocks: String,
}

impl PausedTurn {
    pub(crate) fn new(content: &[Value]) -> Self {
        let blocks: Vec<String> = content.iter().map(Value::to_string).collect();
        Self { blocks: blocks.join(",") }
    }

    /// The body that makes the upstream go on.
    ///
    /// - `sent`: the body of the *first* request of this answer, however often it was continued; the turn holds all that
    ///   came since. What is no Messages request comes back as it is.
    #[must_use]
    pub fn next_body(&self, sent: &[u8]) -> Vec<u8> {
        let Ok(Json::Object(request)) = json::parse(sent) else { return sent.to_vec() };
        let Some(Json::Array(messages)) = request.get("messages") else { return sent.to_vec() };
        let resumed = messages.items.last().and_then(Json::as_object).and_then(assistant_content);
        // A client may resume a paused turn itself; consecutive turns of one role are one turn.
        let (list, blocks) = match resumed {
            Some(content) => (content, self.blocks.clone()),
            None => (messages, format!(r#"{{"role":"assistant","content":[{}]}}"#, self.blocks)),
        };
        let end = json::offset_in(sent, list.raw.as_bytes()) + list.raw.len() - 1;
        let comma = if list.items.is_empty() || blocks.is_empty() { "" } else { "," };
        [&sent[..end], comma.as_bytes(), blocks.as_bytes(), &sent[end..]].concat()
    }
}

fn assistant_content<'j, 'a>(message: &'j Object<'a>) -> Option<&'j json::Array<'a>> {
    let is_assistant = message.text("role").is_some_and(|role| &role == "assistant");
    message.get("content").filter(|_| is_assistant).and_then(Json::as_array)
}

impl fmt::Debug for PausedTurn {
    /// Without the blocks, which belong in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PausedTurn").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn next(sent: &str) -> String {
        let turn = PausedTurn::new(&[
            json!({"type": "server_tool_use", "id": "s"}),
            json!({"type": "text", "text": "a"}),
        ]);
        String::from_utf8(turn.next_body(sent.as_bytes())).unwrap()
    }

    #[test]
    fn the_turn_follows_the_conversation_and_nothing_else_changes() {
        let sent = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"]"}]} ],"stream":true}"#;
        let turn = r#",{"role":"assistant","content":[{"type":"server_tool_use","id":"s"},{"type":"text","text":"a"}]}"#;
        assert_eq!(next(sent), sent.replace(" ],\"stream\"", &format!(" {turn}],\"stream\"")));
    }

    #[test]
    fn a_turn_that_the_client_resumed_becomes_longer() {
        let sent = r#"{"messages":[{"role":"user","content":[]},{"role":"assistant","content":[{"type":"text","text":"b"}]}]}"#;
        let more = r#"b"},{"type":"server_tool_use","id":"s"},{"type":"text","text":"a"}"#;
        assert_eq!(next(sent), sent.replace(r#"b"}"#, more));
        let empty = r#"{"messages":[{"role":"assistant","content":[]}]}"#;
        assert_eq!(
            next(empty),
            empty.replace("[]", r#"[{"type":"server_tool_use","id":"s"},{"type":"text","text":"a"}]"#)
        );
    }

    #[test]
    fn what_is_no_request_comes_back() {
        for sent in ["", "[]", "{}", r#"{"messages":{}}"#] {
            assert_eq!(next(sent), sent);
        }
        assert_eq!(format!("{:?}", PausedTurn::new(&[json!("secret")])), "PausedTurn { .. }");
    }
}
