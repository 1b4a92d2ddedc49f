//! Random messages, as they are and as streams, through models of the SDKs that read our answer; and bytes of no shape.

use portcullis_provider::ResponseContext;
use portcullis_provider::anthropic::accumulator::MessageAccumulator;
use portcullis_provider::anthropic::tap::MessagesTap;
use portcullis_provider::chat::response::to_completion;
use portcullis_provider::error::{ApiError, UpstreamError};
use portcullis_provider::sse::Decoder;
use portcullis_types::Compliance;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::sdk::{check_chunks, check_completion};
use super::{CREATED, read, to_bytes, translate};

pub(crate) fn text() -> impl Strategy<Value = String> {
    "[a-z é🦀\"\\\\\n\u{2028}]{1,12}"
}

pub(crate) fn input() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![any::<i64>().prop_map(|n| json!(n)), text().prop_map(|t| json!(t)), Just(json!([1, {}]))];
    proptest::collection::btree_map("[a-z]{1,4}", leaf, 0..4).prop_map(|map| json!(map))
}

pub(crate) fn block() -> impl Strategy<Value = Value> {
    let citation = json!({"type": "web_search_result_location", "url": "https://a.example", "title": null});
    prop_oneof![
        4 => text().prop_map(|text| json!({"type": "text", "text": text})),
        1 => text().prop_map(move |text| json!({"type": "text", "text": text, "citations": [citation]})),
        3 => (text(), "[a-z]{4}").prop_map(|(t, s)| json!({"type": "thinking", "thinking": t, "signature": s})),
        1 => "[a-z]{4}".prop_map(|s| json!({"type": "thinking", "thinking": "", "signature": s})),
        1 => Just(json!({"type": "redacted_thinking", "data": "b64"})),
        4 => ("[a-z]{1,3}", input())
            .prop_map(|(id, input)| json!({"type": "tool_use", "id": id, "name": "get", "input": input})),
        1 => text().prop_map(|t| json!({"type": "tool_use", "id": "c", "name": "sql", "input": {"input": t}})),
        1 => input().prop_map(|i| json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": i})),
        1 => Just(json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": []})),
    ]
}

fn message() -> impl Strategy<Value = Value> {
    let reasons = ["end_turn", "max_tokens", "tool_use", "stop_sequence", "refusal", "pause_turn", "new"];
    let reason = proptest::sample::select(reasons.to_vec());
    (proptest::collection::vec(block(), 0..6), reason, 0u64..1000, 0u64..1000).prop_map(|(content, reason, i, o)| {
        let details = if reason == "refusal" { json!({"type": "refusal", "explanation": "no"}) } else { json!(null) };
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5-5", "content": content,
            "stop_reason": reason, "stop_sequence": if reason == "stop_sequence" { json!("END") } else { json!(null) },
            "stop_details": details,
            "usage": {"input_tokens": i, "cache_read_input_tokens": 3, "output_tokens": o},
        })
    })
}

pub(crate) fn context() -> impl Strategy<Value = ResponseContext> {
    let compliance =
        proptest::sample::select(vec![Compliance::Strict, Compliance::Extended, Compliance::Everything]);
    (compliance, any::<bool>(), any::<bool>()).prop_map(|(compliance, legacy_functions, include_usage)| {
        ResponseContext {
            compliance,
            legacy_functions,
            include_usage,
            custom_tools: ["sql".to_owned()].into(),
            ..ResponseContext::default()
        }
    })
}

/// Cuts a text after every `size` characters.
fn pieces(text: &str, size: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(size).map(|chunk| chunk.iter().collect()).collect()
}

/// The message as the stream that the upstream would send.
pub(crate) fn stream_of(message: &Value, size: usize) -> Vec<(String, String)> {
    let mut events = Vec::new();
    let mut send = |data: Value| events.push((data["type"].as_str().unwrap().to_owned(), data.to_string()));
    let mut shell = message.clone();
    shell["content"] = json!([]);
    shell["usage"]["output_tokens"] = json!(1);
    for field in ["stop_reason", "stop_sequence", "stop_details"] {
        shell[field] = Value::Null;
    }
    send(json!({"type": "message_start", "message": shell}));
    for (index, block) in message["content"].as_array().unwrap().iter().enumerate() {
        let mut start = block.clone();
        let mut deltas = Vec::new();
        let fields = [("text", "text_delta", "text"), ("thinking", "thinking_delta", "thinking")];
        for (field, kind, name) in fields {
            if let Some(text) = block.get(field).and_then(Value::as_str) {
                start[field] = json!("");
                deltas.extend(pieces(text, size).into_iter().map(|piece| json!({"type": kind, name: piece})));
            }
        }
        if block.get("input").is_some_and(|input| input.as_object().is_some_and(|input| !input.is_empty())) {
            start["input"] = json!({});
            let whole = pieces(&block["input"].to_string(), size).into_iter();
            deltas.extend(whole.map(|piece| json!({"type": "input_json_delta", "partial_json": piece})));
        }
        if let Some(signature) = block.get("signature") {
            start["signature"] = json!("");
            deltas.push(json!({"type": "signature_delta", "signature": signature}));
        }
        for citation in block.get("citations").and_then(Value::as_array).into_iter().flatten() {
            start["citations"] = json!([]);
            deltas.push(json!({"type": "citations_delta", "citation": citation}));
        }
        send(json!({"type": "content_block_start", "index": index, "content_block": start}));
        for delta in deltas {
            send(json!({"type": "ping"}));
            send(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        send(json!({"type": "content_block_stop", "index": index}));
    }
    let ending =
        ["stop_reason", "stop_sequence", "stop_details"].map(|field| (field, message[field].clone()));
    let usage = json!({"output_tokens": message["usage"]["output_tokens"]});
    send(
        json!({"type": "message_delta", "delta": Map::from_iter(ending.map(|(k, v)| (k.to_owned(), v))), "usage": usage}),
    );
    send(json!({"type": "message_stop"}));
    events
}

/// `accumulate_delta` of OpenAI's Python SDK.
pub(crate) fn accumulate_python(into: &mut Map<String, Value>, delta: &Map<String, Value>) {
    for (key, later) in delta {
        let Some(before) = into.get_mut(key) else {
            into.insert(key.clone(), later.clone());
            continue;
        };
        match (before, later) {
            (before, later) if before.is_null() || key == "index" || key == "type" => *before = later.clone(),
            (Value::String(before), Value::String(later)) => before.push_str(later),
            (Value::Object(before), Value::Object(later)) => accumulate_python(before, later),
            (Value::Array(before), Value::Array(later)) => {
                for entry in later {
                    let index = entry["index"].as_u64().expect("the SDK raises without an index") as usize;
                    match before.get_mut(index) {
                        Some(Value::Object(before)) => accumulate_python(before, entry.as_object().unwrap()),
                        _ => before.push(entry.clone()),
                    }
                }
            }
            (Value::Number(_), _) => panic!("the SDK would add up `{key}`"),
            _ => {}
        }
    }
}

/// What `ChatCompletionStream` of OpenAI's Node SDK does with a delta.
fn accumulate_node(into: &mut Map<String, Value>, delta: &Map<String, Value>) {
    let append = |into: &mut Map<String, Value>, key: &str, more: &Value| {
        let before = into.get(key).and_then(Value::as_str).unwrap_or_default();
        let more = more.as_str().unwrap_or_default();
        if !more.is_empty() {
            into.insert(key.to_owned(), json!(format!("{before}{more}")));
        }
    };
    for (key, value) in delta {
        match key.as_str() {
            "content" | "refusal" => append(into, key, value),
            "tool_calls" => {
                for entry in value.as_array().unwrap() {
                    let calls = into.entry("tool_calls").or_insert(json!([])).as_array_mut().unwrap();
                    let index = entry["index"].as_u64().unwrap() as usize;
                    if calls.len() <= index {
                        calls.resize(index + 1, json!({"function": {"arguments": ""}}));
                    }
                    let call = calls[index].as_object_mut().unwrap();
                    for (key, value) in entry.as_object().unwrap() {
                        match key.as_str() {
                            "index" => {}
                            "function" => {
                                let function = call["function"].as_object_mut().unwrap();
                                if let Some(name) = value.get("name") {
                                    function.insert("name".to_owned(), name.clone());
                                }
                                append(function, "arguments", &value["arguments"]);
                            }
                            _ => drop(call.insert(key.clone(), value.clone())),
                        }
                    }
                }
            }
            "function_call" => {
                let call =
                    into.entry("function_call").or_insert(json!({"arguments": ""})).as_object_mut().unwrap();
                if let Some(name) = value.get("name") {
                    call.insert("name".to_owned(), name.clone());
                }
                append(call, "arguments", &value["arguments"]);
            }
            _ => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

fn without_indices(mut message: Value) -> Value {
    for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
        call.as_object_mut().unwrap().shift_remove("index");
    }
    message
}

/// The whole blocks of the last chunk, which Node keeps as they are.
fn without_block_indices(mut choice: Value) -> Value {
    for block in
        choice["message"].get_mut("content_blocks").and_then(Value::as_array_mut).into_iter().flatten()
    {
        let block = block.as_object_mut().unwrap();
        block.shift_remove("index");
        assert!(!block.contains_key("delta"));
    }
    choice
}

/// The choice and the usage as an accumulator ends with them.
pub(crate) fn aggregate(
    chunks: &[Value],
    accumulate: fn(&mut Map<String, Value>, &Map<String, Value>),
) -> (Value, Value) {
    let mut message = Map::new();
    let mut choice = Map::new();
    let mut usage = Value::Null;
    for chunk in chunks {
        usage = chunk.get("usage").cloned().unwrap_or_default();
        let Some(part) = chunk["choices"].get(0) else { continue };
        accumulate(&mut message, part["delta"].as_object().unwrap());
        choice.extend(part.as_object().unwrap().clone());
    }
    choice.shift_remove("delta");
    choice.insert("message".to_owned(), without_indices(Value::Object(message)));
    (Value::Object(choice), usage)
}

/// What Python's accumulator makes of pieces of blocks beside the blocks themselves goes.
pub(crate) fn expected_by_python(mut choice: Value) -> Value {
    for block in
        choice["message"].get_mut("content_blocks").and_then(Value::as_array_mut).into_iter().flatten()
    {
        let block = block.as_object_mut().unwrap();
        block.shift_remove("index");
        if let Some(pieces) = block.shift_remove("delta") {
            for key in ["text", "thinking", "signature"] {
                let piece = pieces.get(key).and_then(Value::as_str).unwrap_or_default();
                let whole = block.get(key).and_then(Value::as_str).unwrap_or_default();
                assert_eq!(piece, whole, "the pieces of a block are the block's");
            }
        }
    }
    choice
}

fn aggregate_upstream(bytes: &[u8]) -> Result<Vec<u8>, ApiError> {
    let mut accumulator = MessageAccumulator::new();
    Decoder::default().push(bytes, |event| accumulator.push(event).map(|_| ()))?;
    accumulator.finish()
}

proptest! {
    #[test]
    fn both_sdks_end_with_the_answer_that_was_not_streamed(
        message in message(), context in context(), size in 1usize..8,
    ) {
        let bytes = to_bytes(&stream_of(&message, size));
        let completion = to_completion(message.to_string().as_bytes(), &context, CREATED).unwrap();
        let completion: Value = serde_json::from_slice(&completion.body).unwrap();
        let received = translate([bytes.as_slice()], &context);
        prop_assert_eq!(&received.error, &None);
        let (chunks, _, done) = read(&received.bytes);
        prop_assert!(done);

        let is_strict = context.compliance == Compliance::Strict;
        check_completion(&completion, is_strict);
        check_chunks(&chunks, is_strict, context.include_usage);

        let (python, usage) = aggregate(&chunks, accumulate_python);
        prop_assert_eq!(&expected_by_python(python), &completion["choices"][0]);
        let usage_comes = context.include_usage || context.compliance == Compliance::Everything;
        prop_assert_eq!(&usage, if usage_comes { &completion["usage"] } else { &Value::Null });

        // Node keeps the last piece of a field it does not know, and fails on custom tools by itself.
        let (mut node, _) = aggregate(&chunks, accumulate_node);
        let mut expected = completion["choices"][0].clone();
        node = without_block_indices(node);
        for choice in [&mut node, &mut expected] {
            let message = choice["message"].as_object_mut().unwrap();
            message.shift_remove("reasoning_content");
            for field in ["content", "refusal"] {
                message.entry(field).or_insert(Value::Null);
            }
            for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
                if call["type"] == "custom" {
                    call.as_object_mut().unwrap().shift_remove("function");
                }
            }
        }
        prop_assert_eq!(node, expected);
    }

    #[test]
    fn an_aggregated_stream_is_the_message(message in message(), size in 1usize..8) {
        let whole = aggregate_upstream(&to_bytes(&stream_of(&message, size))).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(&whole).unwrap(), message);
    }

    #[test]
    fn the_tap_sees_what_the_message_says(message in message(), size in 1usize..8, chunk in 1usize..50) {
        let bytes = to_bytes(&stream_of(&message, size));
        let mut tap = MessagesTap::new();
        for chunk in bytes.chunks(chunk) {
            prop_assert!(!tap.saw_end());
            tap.push(chunk);
        }
        prop_assert!(tap.saw_start() && tap.saw_end() && tap.error().is_none());
        prop_assert_eq!(tap.stop_reason(), message["stop_reason"].as_str());
        prop_assert_eq!(tap.served_model(), message["model"].as_str());
        prop_assert_eq!(&json!(tap.usage().native), &message["usage"]);
        prop_assert_eq!(tap.saw_content(), message["content"] != json!([]));
    }

    #[test]
    fn arbitrary_bytes_are_no_answer_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let context = ResponseContext::default();
        prop_assert!(to_completion(&bytes, &context, CREATED).is_err());
        prop_assert!(translate([bytes.as_slice()], &context).error.is_some());
        prop_assert!(aggregate_upstream(&bytes).is_err());
        MessagesTap::new().push(&bytes);
        for status in [0, 200, 302, 400, 403, 429, 500, 529, 999] {
            let error = UpstreamError::parse(status, &|_| None, &bytes).to_openai(&context);
            prop_assert!(error.status >= 400);
        }
    }

    #[test]
    fn events_in_any_order_with_anything_missing_are_no_panic(
        message in message(), context in context(), picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
        gap in any::<prop::sample::Index>(), junk in any::<prop::sample::Index>(),
    ) {
        let events = stream_of(&message, 3);
        let shuffled: Vec<_> = picks.iter().map(|pick| pick.get(&events).clone()).collect();
        let received = translate([to_bytes(&shuffled).as_slice()], &context);
        prop_assert_eq!(received.error.is_none(), read(&received.bytes).2);

        // One event loses a field, or all of its shape.
        let mut damaged = events.clone();
        let at = gap.index(events.len());
        let mut data: Value = serde_json::from_str(&events[at].1).unwrap();
        let fields: Vec<String> = data.as_object().unwrap().keys().cloned().collect();
        data.as_object_mut().unwrap().shift_remove(junk.get(&fields));
        damaged[at].1 = data.to_string();
        let received = translate([to_bytes(&damaged).as_slice()], &context);
        prop_assert_eq!(received.error.is_none(), read(&received.bytes).2);
        damaged[at].1 = json!({"type": 1, "delta": [], "index": -1, "message": "", "content_block": 0}).to_string();
        let received = translate([to_bytes(&damaged).as_slice()], &context);
        prop_assert_eq!(received.error.is_none(), read(&received.bytes).2);
    }

    #[test]
    fn arbitrary_json_is_no_panic(value in input(), name in "[a-z_]{0,12}") {
        let context = ResponseContext::default();
        let wrapped = [
            json!({"content": value}), json!({"id": 1, "content": [value]}), json!({"error": value}),
            json!({"type": "error", "error": value}), json!({"content": [{"type": "tool_use", "input": value}]}),
            json!({"content": [{"type": "text", "text": value, "citations": value}], "usage": value}),
        ];
        for value in wrapped {
            let _ = to_completion(value.to_string().as_bytes(), &context, CREATED);
            let _ = UpstreamError::parse(400, &|_| None, value.to_string().as_bytes()).to_openai(&context);
            let _ = translate([to_bytes(&[(name.clone(), value.to_string())]).as_slice()], &context);
        }
    }
}
