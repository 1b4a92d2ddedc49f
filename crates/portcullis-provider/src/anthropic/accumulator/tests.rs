//! What the golden streams do not show: events without a name, cut arguments, escapes cut in two.

use serde_json::{Value, json};

use super::*;
use crate::sse::{Decoder, encode};

/// Aggregates events, given as data alone; their names are sent only if `named`.
fn aggregate(events: &[Value], named: bool) -> Result<Value, ApiError> {
    let texts: Vec<String> = events.iter().map(Value::to_string).collect();
    aggregate_texts(&texts.iter().map(String::as_str).collect::<Vec<_>>(), named)
}

fn aggregate_texts(events: &[&str], named: bool) -> Result<Value, ApiError> {
    let mut bytes = Vec::new();
    for data in events {
        let name = event_type(data).filter(|_| named);
        encode(name.as_deref(), data, &mut bytes);
    }
    let mut accumulator = MessageAccumulator::new();
    Decoder::default().push(&bytes, |event| accumulator.push(event).map(|_| ()))?;
    accumulator.finish().map(|message| serde_json::from_slice(&message).unwrap())
}

fn start() -> Value {
    json!({"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "m", "stop_reason": null,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }})
}

fn block(block: Value) -> Value {
    json!({"type": "content_block_start", "index": 0, "content_block": block})
}

fn delta(delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": 0, "delta": delta})
}

fn end() -> [Value; 3] {
    [
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 2}}),
        json!({"type": "message_stop"}),
    ]
}

fn with_end(first: impl IntoIterator<Item = Value>) -> Vec<Value> {
    first.into_iter().chain(end()).collect()
}

#[test]
fn events_are_known_by_their_type_when_they_have_no_name() {
    let events = with_end([
        start(),
        block(json!({"type": "text", "text": "a"})),
        delta(json!({"type": "text_delta", "text": "b"})),
    ]);
    let message = aggregate(&events, false).unwrap();
    assert_eq!(message, aggregate(&events, true).unwrap());
    assert_eq!(message["content"], json!([{"type": "text", "text": "ab"}]));
    assert_eq!(
        (&message["stop_reason"], &message["usage"]["output_tokens"]),
        (&json!("max_tokens"), &json!(2))
    );
}

#[test]
fn arguments_that_were_cut_are_kept_as_text() {
    let tool = json!({"type": "tool_use", "id": "t", "name": "n", "input": {}});
    let cut = delta(json!({"type": "input_json_delta", "partial_json": "{\"a\": \"x"}));
    let message = aggregate(&with_end([start(), block(tool), cut]), true).unwrap();
    assert_eq!(message["content"][0]["input"], json!("{\"a\": \"x"));
}

#[test]
fn a_character_whose_escape_is_cut_in_two_comes_out_whole() {
    let part = |text: &str| {
        format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}"#
        )
    };
    let [first, second, alone] = [part(r"\ud83e"), part(r"\udd80"), part(r"!\ud83e")];
    let (begin, open) = (start().to_string(), block(json!({"type": "text", "text": ""})).to_string());
    let ends = end().map(|event| event.to_string());
    let events = [&begin, &open, &first, &second, &alone, &ends[0], &ends[1], &ends[2]].map(String::as_str);
    let message = aggregate_texts(&events, true).unwrap();
    assert_eq!(message["content"][0]["text"], json!("🦀!\u{fffd}"));
}

#[test]
fn numbers_in_arguments_keep_their_digits() {
    let tool = json!({"type": "tool_use", "id": "t", "name": "n", "input": {}});
    let json = delta(
        json!({"type": "input_json_delta", "partial_json": r#"{"id": 12345678901234567890, "x": 1.0}"#}),
    );
    let message = aggregate(&with_end([start(), block(tool), json]), true).unwrap();
    assert_eq!(message["content"][0]["input"].to_string(), r#"{"id":12345678901234567890,"x":1.0}"#);
}

#[test]
fn what_comes_with_the_ending_becomes_the_messages() {
    let mut events = with_end([start(), block(json!({"type": "text", "text": "a"}))]);
    events[3] = json!({
        "type": "message_delta", "delta": {"stop_reason": "end_turn", "container": {"id": "c"}},
        "usage": {"output_tokens": 2}, "context_management": {"applied_edits": []},
    });
    let message = aggregate(&events, true).unwrap();
    assert_eq!(
        (&message["container"]["id"], &message["context_management"]),
        (&json!("c"), &json!({"applied_edits": []}))
    );
    assert!(message.get("type") == Some(&json!("message")) && message.get("delta").is_none());
}

#[test]
fn nothing_comes_of_a_stream_that_failed() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "x"}});
    let mut accumulator = MessageAccumulator::new();
    let mut push = |data: &Value| {
        let text = data.to_string();
        accumulator.push(&Event { name: None, data: text.into(), id: "" })
    };
    assert_eq!(push(&start()), Ok(Flow::Continue));
    assert_eq!(push(&error).unwrap_err().code.as_deref(), Some("overloaded"));
    for event in with_end([]) {
        assert_eq!(push(&event).unwrap_err().code.as_deref(), Some("upstream_stream_error"));
    }
    assert!(accumulator.finish().is_err());
}

#[test]
fn what_follows_the_end_is_skipped() {
    let mut events = with_end([start(), block(json!({"type": "text", "text": "a"}))]);
    events.extend([start(), json!({"type": "ping"}), json!({"type": "error", "error": {}})]);
    assert_eq!(aggregate(&events, true).unwrap()["content"][0]["text"], json!("a"));
}

#[test]
fn half_a_surrogate_pair_in_a_citation_does_not_break_the_stream() {
    let start = start().to_string();
    let block = block(json!({"type": "text", "text": "a"})).to_string();
    let citation = r#"{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"\ud83d"}}}"#;
    let end = end().map(|event| event.to_string());
    let events = [&start, &block, citation, &end[0], &end[1], &end[2]];
    let message = aggregate_texts(&events, true).unwrap();
    assert_eq!(message["content"][0]["citations"][0]["cited_text"], "\u{fffd}");
}
