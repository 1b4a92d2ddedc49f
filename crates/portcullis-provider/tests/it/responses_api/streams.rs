//! Streams, however they are cut, and what OpenAI's SDK makes of them.

use std::collections::BTreeMap;

use portcullis_provider::Flow;
use portcullis_provider::anthropic::accumulator::MessageAccumulator;
use portcullis_provider::error::ApiError;
use portcullis_provider::responses::context::ResponsesContext;
use portcullis_provider::responses::response::to_response;
use portcullis_provider::responses::stream::ResponsesStream;
use portcullis_provider::sse::{self, Decoder};
use serde_json::{Value, json};

use super::golden::{cases, context, events_of};
use super::{COMPLETED, CREATED, Received, read, stream};

/// Events as an upstream would send them.
pub(super) fn to_bytes(events: &[(String, String)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, data) in events {
        sse::encode(Some(name), data, &mut bytes);
    }
    bytes
}

/// What the Python SDK's accumulator demands of events, and the Response it ends with.
///
/// Source: `openai/lib/streaming/responses`.
pub(super) fn accumulate(events: &[Value]) -> Option<Value> {
    let mut id = Value::Null;
    let mut added: BTreeMap<u64, Value> = BTreeMap::new();
    let mut done: BTreeMap<u64, Value> = BTreeMap::new();
    let mut last = None;
    for (position, event) in events.iter().enumerate() {
        assert!(last.is_none(), "nothing follows the end: {event}");
        let kind = event["type"].as_str().unwrap();
        assert_eq!(kind == "response.created", position == 0, "created comes first and once");
        let index = event["output_index"].as_u64();
        match kind {
            "response.created" => id = event["response"]["id"].clone(),
            "response.in_progress" => assert_eq!(event["response"]["id"], id),
            "response.completed" | "response.incomplete" | "response.failed" => {
                assert_eq!(event["response"]["id"], id);
                last = Some(event["response"].clone());
            }
            "response.output_item.added" => {
                let index = index.unwrap();
                assert_eq!(index, added.len() as u64, "items begin in order");
                assert!(added.insert(index, event["item"].clone()).is_none());
            }
            "response.output_item.done" => {
                let before = &added[&index.unwrap()];
                assert_eq!(identity(before), identity(&event["item"]));
                assert!(done.insert(index.unwrap(), event["item"].clone()).is_none());
            }
            _ => {
                let item = added.get_mut(&index.unwrap()).expect("an item begins before its events");
                assert_eq!(item["id"], event["item_id"]);
                assert!(!done.contains_key(&index.unwrap()), "an item that is done has no events: {event}");
                apply(item, kind, event);
            }
        }
    }
    let response = last?;
    let output = response["output"].as_array().unwrap();
    if response["status"] == "failed" {
        assert_eq!(output, &done.into_values().collect::<Vec<_>>());
        return Some(response);
    }
    assert_eq!(output.len(), added.len());
    for (index, item) in output.iter().enumerate() {
        let index = index as u64;
        let mut sent = done[&index].clone();
        if item["type"] == "code_interpreter_call" {
            // Where it ran is known at the end only.
            sent["container_id"] = item["container_id"].clone();
        }
        assert_eq!(&sent, item);
        same_text(&added[&index], item);
    }
    Some(response)
}

fn identity(item: &Value) -> (Value, Value, Value) {
    (item["type"].clone(), item["id"].clone(), item["call_id"].clone())
}

/// Adds a delta to the item that the client has.
fn apply(item: &mut Value, kind: &str, event: &Value) {
    let append = |text: &mut Value| {
        let whole = format!("{}{}", text.as_str().unwrap(), event["delta"].as_str().unwrap());
        *text = json!(whole);
    };
    let part = event["content_index"].as_u64().map(|index| index as usize);
    let summary = event["summary_index"].as_u64().map(|index| index as usize);
    match kind {
        "response.content_part.added" => {
            let parts = item["content"].as_array_mut().unwrap();
            assert_eq!(parts.len(), part.unwrap());
            parts.push(event["part"].clone());
        }
        "response.output_text.delta" => {
            assert_eq!(event["logprobs"], json!([]));
            append(&mut item["content"][part.unwrap()]["text"]);
        }
        "response.output_text.annotation.added" => {
            let annotations = item["content"][part.unwrap()]["annotations"].as_array_mut().unwrap();
            assert_eq!(event["annotation_index"], json!(annotations.len()));
            annotations.push(event["annotation"].clone());
        }
        "response.refusal.delta" => append(&mut item["content"][part.unwrap()]["refusal"]),
        "response.refusal.done" => assert_eq!(item["content"][part.unwrap()]["refusal"], event["refusal"]),
        "response.output_text.done" => assert_eq!(item["content"][part.unwrap()]["text"], event["text"]),
        "response.content_part.done" => assert_eq!(item["content"][part.unwrap()], event["part"]),
        "response.reasoning_summary_part.added" => {
            let parts = item["summary"].as_array_mut().unwrap();
            assert_eq!(parts.len(), summary.unwrap());
            parts.push(event["part"].clone());
        }
        "response.reasoning_summary_text.delta" => append(&mut item["summary"][summary.unwrap()]["text"]),
        "response.reasoning_summary_text.done" => {
            assert_eq!(item["summary"][summary.unwrap()]["text"], event["text"]);
        }
        "response.reasoning_summary_part.done" => {
            assert_eq!(item["summary"][summary.unwrap()], event["part"])
        }
        "response.function_call_arguments.delta" | "response.mcp_call_arguments.delta" => {
            append(&mut item["arguments"]);
        }
        "response.function_call_arguments.done" | "response.mcp_call_arguments.done" => {
            assert_eq!(meaning(&item["arguments"]), meaning(&event["arguments"]));
        }
        "response.custom_tool_call_input.delta" => append(&mut item["input"]),
        "response.custom_tool_call_input.done" => assert_eq!(item["input"], event["input"]),
        "response.code_interpreter_call_code.delta" => append(&mut item["code"]),
        "response.code_interpreter_call_code.done" => assert_eq!(item["code"], event["code"]),
        "response.web_search_call.in_progress"
        | "response.web_search_call.searching"
        | "response.web_search_call.completed"
        | "response.code_interpreter_call.in_progress"
        | "response.code_interpreter_call.interpreting"
        | "response.code_interpreter_call.completed"
        | "response.mcp_call.in_progress"
        | "response.mcp_call.completed"
        | "response.mcp_call.failed"
        | "response.compaction.compacting" => {}
        other => panic!("{other} is no event of ours"),
    }
}

/// What arguments say, however they are written; those that were cut, as they are.
fn meaning(arguments: &Value) -> Value {
    serde_json::from_str(arguments.as_str().unwrap()).unwrap_or_else(|_| arguments.clone())
}

/// What a client put together is what the whole item says.
fn same_text(mine: &Value, whole: &Value) {
    for field in ["content", "summary", "input", "code"] {
        assert_eq!(mine[field], whole[field], "{field}");
    }
    if mine.get("arguments").is_some() {
        assert_eq!(meaning(&mine["arguments"]), meaning(&whole["arguments"]));
    }
}

/// The message that the upstream would have sent without streaming.
pub(super) fn aggregate(bytes: &[u8]) -> Result<Vec<u8>, ApiError> {
    let mut accumulator = MessageAccumulator::new();
    Decoder::default().push(bytes, |event| accumulator.push(event).map(|_| ()))?;
    accumulator.finish()
}

/// Checks one whole stream against the Response that is not streamed.
pub(super) fn check(bytes: &[u8], received: &Received, context: &ResponsesContext) {
    let response = accumulate(&read(&received.bytes));
    let Ok(message) = aggregate(bytes) else {
        assert!(received.error.is_some() && received.kept.is_none());
        return;
    };
    let answer = to_response(&message, context, CREATED, COMPLETED).unwrap();
    let whole: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(response.as_ref(), Some(&whole));
    let content: Value = serde_json::from_str(answer.content()).unwrap();
    assert_eq!(received.kept, Some((whole, content)));
}

#[test]
fn both_ways_end_with_the_same_response() {
    for (_, case) in cases("responses_stream") {
        let bytes = to_bytes(&events_of(&case["input"]));
        let context = context(&case["input"]);
        check(&bytes, &stream([bytes.as_slice()], &context), &context);
    }
}

#[test]
fn a_stream_cut_anywhere_gives_the_same_bytes() {
    for (path, case) in cases("responses_stream") {
        let bytes = to_bytes(&events_of(&case["input"]));
        let context = context(&case["input"]);
        let whole = stream([bytes.as_slice()], &context);
        for cut in 0..bytes.len() {
            assert_eq!(stream([&bytes[..cut], &bytes[cut..]], &context), whole, "{}, {cut}", path.display());
        }
        for size in 1..=64 {
            assert_eq!(stream(bytes.chunks(size), &context), whole, "{}, {size}", path.display());
        }
        let crlf = String::from_utf8(bytes).unwrap().replace('\n', "\r\n");
        assert_eq!(stream(crlf.as_bytes().chunks(1), &context), whole, "{}", path.display());
    }
}

#[test]
fn a_stream_that_ends_early_fails_and_says_what_was_done() {
    for (path, case) in cases("responses_stream") {
        let bytes = to_bytes(&events_of(&case["input"]));
        let context = context(&case["input"]);
        let whole = stream([bytes.as_slice()], &context);
        for end in (0..bytes.len()).filter(|end| bytes[*end] == b'\n') {
            let received = stream([&bytes[..end]], &context);
            assert!(received.error.is_some() && received.kept.is_none(), "{}, {end}", path.display());
            let events = read(&received.bytes);
            let last = accumulate(&events);
            assert_eq!(last.is_some(), !events.is_empty());
            assert!(last.is_none_or(|response| response["status"] == "failed"));
        }
        assert_eq!(whole.error.is_some(), case["expected"].get("error").is_some());
    }
}

fn events(of: &Value) -> Vec<u8> {
    to_bytes(&events_of(&json!({"events": of})))
}

/// A turn that pauses with a search under way, and how it goes on.
fn paused_turn() -> [Vec<u8>; 2] {
    let start = |id: &str| {
        json!({"type": "message_start", "message": {
            "id": id, "type": "message", "role": "assistant", "model": "claude-opus-5-5", "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 5, "output_tokens": 1},
        }})
    };
    let end = |reason: &str| json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 9}});
    let block = |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let stop = |index: u64| json!({"type": "content_block_stop", "index": index});
    let result = json!({"type": "web_search_tool_result", "tool_use_id": "srv1", "content": []});
    let call =
        json!({"type": "server_tool_use", "id": "srv1", "name": "web_search", "input": {"query": "x"}});
    let last = json!({"type": "message_stop"});
    [
        events(&json!([start("msg_1"), block(0, call), stop(0), end("pause_turn"), last])),
        events(&json!([
            start("msg_2"),
            block(0, result),
            stop(0),
            block(1, json!({"type": "text", "text": "found"})),
            stop(1),
            end("end_turn"),
            last,
        ])),
    ]
}

fn push(stream: &mut ResponsesStream, bytes: &[u8], out: &mut Vec<u8>) -> Flow {
    let mut last = Flow::Continue;
    let pushed: Result<(), ApiError> = Decoder::default().push(bytes, |event| {
        last = stream.push(event, out)?;
        Ok(())
    });
    pushed.unwrap();
    last
}

#[test]
fn a_paused_turn_goes_on_in_the_same_response() {
    let [first, second] = paused_turn();
    let mut stream = ResponsesStream::new(ResponsesContext::default(), CREATED).with_continuations(1);
    let mut out = Vec::new();
    assert_eq!(push(&mut stream, &first, &mut out), Flow::Paused);
    assert!(stream.end().is_err(), "what is paused is no end");
    let body = String::from_utf8(stream.paused().unwrap().next_body(br#"{"messages":[]}"#)).unwrap();
    assert!(body.contains(r#""role":"assistant","content":[{"type":"server_tool_use""#), "{body}");
    stream.resume();
    assert_eq!(push(&mut stream, &second, &mut out), Flow::Done);
    let response = accumulate(&read(&out)).unwrap();
    let kinds: Vec<&Value> =
        response["output"].as_array().unwrap().iter().map(|item| &item["type"]).collect();
    assert_eq!(kinds, ["web_search_call", "message"]);
    assert_eq!((&response["id"], &response["status"]), (&json!("resp_1"), &json!("completed")));
    assert_eq!(
        (&response["usage"]["input_tokens"], &response["usage"]["output_tokens"]),
        (&json!(10), &json!(18))
    );
}

#[test]
fn a_pause_that_is_not_continued_is_an_incomplete_end() {
    let [first, _] = paused_turn();
    let ends = |continuations: u8| {
        let mut stream =
            ResponsesStream::new(ResponsesContext::default(), CREATED).with_continuations(continuations);
        let mut out = Vec::new();
        push(&mut stream, &first, &mut out);
        stream.give_up(&mut out);
        assert!(stream.end().is_ok());
        accumulate(&read(&out)).unwrap()
    };
    assert_eq!(ends(0), ends(1));
    assert_eq!(ends(0)["incomplete_details"]["reason"], json!("max_output_tokens"));
    assert_eq!(ends(0)["output"][0]["status"], json!("incomplete"));
}

#[test]
fn nothing_fails_after_the_end() {
    let [_, second] = paused_turn();
    let mut stream = ResponsesStream::new(ResponsesContext::default(), CREATED);
    let mut out = Vec::new();
    push(&mut stream, &second, &mut out);
    let length = out.len();
    stream.fail(&ApiError::broken_stream("late"), &mut out);
    assert_eq!(out.len(), length);
    assert!(stream.end().is_ok());
}
