//! A message as server-sent events, in the order that the Messages API documents.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use super::compose::{Delivery, Message};
use crate::answer::Piece;

/// How many parts a silence has, with a ping between each two.
const PARTS_OF_A_SILENCE: u32 = 4;
/// Events before a silence: the start, a ping, the start of a block, a delta.
const EVENTS_BEFORE_A_SILENCE: usize = 4;

/// Each event as it goes over the wire.
pub(super) fn events(message: &Message) -> Vec<String> {
    let mut shell = message.to_json();
    shell["content"] = json!([]);
    shell["stop_reason"] = Value::Null;
    shell["stop_sequence"] = Value::Null;
    shell["stop_details"] = Value::Null;
    shell["usage"] = message.usage(1);
    let mut events = vec![event(&json!({"type": "message_start", "message": shell})), ping()];
    if message.delivery.is_strange {
        events.push(event(&json!({"type": "weather_report", "sky": {"colour": "blue"}, "index": 0})));
    }
    for (index, block) in message.content.iter().enumerate() {
        push_block(&mut events, index, block, message.delivery);
    }
    let mut delta = json!({"stop_reason": message.stop_reason, "stop_sequence": message.stop_sequence, "stop_details": message.stop_details});
    if !message.container.is_null() {
        delta["container"] = message.container.clone();
    }
    let mut usage = Value::Object(message.running_usage(message.output_tokens()));
    if message.delivery.is_strange {
        usage["photon_tokens"] = json!(7);
    }
    events.push(event(&json!({"type": "message_delta", "delta": delta, "usage": usage})));
    events.push(event(&json!({"type": "message_stop"})));
    events
}

/// One event of the stream; its name is its type.
pub(super) fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}

fn ping() -> String {
    event(&json!({"type": "ping"}))
}

/// The healthy stream.
pub(super) fn pieces(message: &Message) -> VecDeque<Piece> {
    let mut pieces = bytes(&events(message));
    if let Some(silence) = message.delivery.silence {
        let rest = pieces.split_off(EVENTS_BEFORE_A_SILENCE.min(pieces.len()));
        pieces.extend(silent_for(silence));
        pieces.extend(rest);
    }
    pieces
}

fn silent_for(silence: Duration) -> impl Iterator<Item = Piece> {
    let part = silence / PARTS_OF_A_SILENCE;
    let pings = (1..PARTS_OF_A_SILENCE).flat_map(move |_| [Piece::Pause(part), Piece::Bytes(ping().into())]);
    pings.chain([Piece::Pause(part)])
}

pub(super) fn bytes(events: &[String]) -> VecDeque<Piece> {
    events.iter().map(|event| Piece::Bytes(event.clone().into())).collect()
}

fn push_block(events: &mut Vec<String>, index: usize, block: &Value, delivery: Delivery) {
    let (start, deltas) = open(block, delivery);
    events.push(event(&json!({"type": "content_block_start", "index": index, "content_block": start})));
    events.extend(
        deltas
            .iter()
            .map(|delta| event(&json!({"type": "content_block_delta", "index": index, "delta": delta}))),
    );
    events.push(event(&json!({"type": "content_block_stop", "index": index})));
}

/// The block as it is opened, and what is then added to it. Results of tools arrive whole.
fn open(block: &Value, delivery: Delivery) -> (Value, Vec<Value>) {
    let text = |field: &str| block[field].as_str().unwrap_or_default();
    let characters = delivery.characters_per_delta;
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
        Some("tool_use" | "server_tool_use" | "mcp_tool_use") => {
            start["input"] = json!({});
            if !(delivery.hides_empty_input && block["input"] == json!({})) {
                deltas.extend(input_deltas(&block["input"]));
            }
        }
        Some("compaction") => {
            start["content"] = Value::Null;
            start["encrypted_content"] = Value::Null;
            let (content, sealed) = (&block["content"], &block["encrypted_content"]);
            deltas.push(json!({"type": "compaction_delta", "content": content, "encrypted_content": sealed}));
        }
        Some("hologram") => {
            start["beam"] = "".into();
            deltas.push(json!({"type": "hologram_delta", "beam": block["beam"]}));
        }
        _ => {}
    }
    (start, deltas)
}

fn input_deltas(input: &Value) -> Vec<Value> {
    let fragment = |part: &str| json!({"type": "input_json_delta", "partial_json": part});
    // The first fragment is empty upstream too.
    let parts: Vec<Value> = split(&input.to_string(), Some(7)).map(|part| fragment(&part)).collect();
    std::iter::once(fragment("")).chain(parts).collect()
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
