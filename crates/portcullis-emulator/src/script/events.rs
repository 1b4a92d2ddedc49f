//! A message as server-sent events, in the order that the Messages API documents.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::compose::Message;
use crate::answer::Piece;

/// Each event as it goes over the wire.
pub(super) fn events(message: &Message) -> Vec<String> {
    let mut shell = message.to_json();
    shell["content"] = json!([]);
    shell["stop_reason"] = Value::Null;
    shell["stop_sequence"] = Value::Null;
    shell["stop_details"] = Value::Null;
    shell["usage"] = message.usage(1);
    let mut events =
        vec![event(&json!({"type": "message_start", "message": shell})), event(&json!({"type": "ping"}))];
    for (index, block) in message.content.iter().enumerate() {
        push_block(&mut events, index, block, message.characters_per_delta);
    }
    let mut usage = json!({
        "input_tokens": message.input_tokens, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "output_tokens": message.output_tokens(),
    });
    if message.web_searches > 0 {
        usage["server_tool_use"] =
            json!({"web_search_requests": message.web_searches, "web_fetch_requests": 0});
    }
    events.push(event(&json!({
        "type": "message_delta", "usage": usage,
        "delta": {"stop_reason": message.stop_reason, "stop_sequence": message.stop_sequence, "stop_details": message.stop_details},
    })));
    events.push(event(&json!({"type": "message_stop"})));
    events
}

/// One event of the stream; its name is its type.
pub(super) fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}

pub(super) fn pieces(events: &[String]) -> VecDeque<Piece> {
    events.iter().map(|event| Piece::Bytes(event.clone().into())).collect()
}

fn push_block(events: &mut Vec<String>, index: usize, block: &Value, characters: Option<usize>) {
    let text = |field: &str| block[field].as_str().unwrap_or_default();
    let mut start = block.clone();
    let mut deltas: Vec<Value> = Vec::new();
    match block["type"].as_str() {
        Some("text") => {
            start["text"] = "".into();
            if let Some(citations) = block["citations"].as_array() {
                start["citations"] = json!([]);
                deltas.extend(
                    citations.iter().map(|citation| json!({"type": "citations_delta", "citation": citation})),
                );
            }
            deltas.extend(
                split(text("text"), characters).map(|part| json!({"type": "text_delta", "text": part})),
            );
        }
        Some("thinking") => {
            start["thinking"] = "".into();
            start["signature"] = "".into();
            deltas.extend(
                split(text("thinking"), characters)
                    .map(|part| json!({"type": "thinking_delta", "thinking": part})),
            );
            deltas.push(json!({"type": "signature_delta", "signature": block["signature"]}));
        }
        Some("tool_use" | "server_tool_use") => {
            start["input"] = json!({});
            let input = block["input"].to_string();
            // The first fragment is empty upstream too.
            deltas.push(json!({"type": "input_json_delta", "partial_json": ""}));
            deltas.extend(
                split(&input, Some(7)).map(|part| json!({"type": "input_json_delta", "partial_json": part})),
            );
        }
        _ => {}
    }
    events.push(event(&json!({"type": "content_block_start", "index": index, "content_block": start})));
    events.extend(
        deltas
            .iter()
            .map(|delta| event(&json!({"type": "content_block_delta", "index": index, "delta": delta}))),
    );
    events.push(event(&json!({"type": "content_block_stop", "index": index})));
}

/// Pieces of `n` characters, or words with the space after them.
fn split(text: &str, characters: Option<usize>) -> impl Iterator<Item = String> {
    let parts: Vec<String> = match characters {
        None => text.split_inclusive(' ').map(str::to_owned).collect(),
        Some(n) => {
            text.chars().collect::<Vec<char>>().chunks(n.max(1)).map(|part| part.iter().collect()).collect()
        }
    };
    parts.into_iter()
}
