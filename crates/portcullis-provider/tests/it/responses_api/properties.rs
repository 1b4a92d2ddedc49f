//! Arbitrary input: a translation is a request of the upstream's shape or an error that says why; an answer ends the same
//! way however it was sent.

use portcullis_provider::responses::context::ResponsesContext;
use portcullis_provider::responses::encrypted_content;
use portcullis_provider::responses::input_items::InputItemsQuery;
use portcullis_provider::responses::request::ResponsesRequest;
use portcullis_provider::responses::response::to_response;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::streams::{check, to_bytes};
use super::upstream::check_request;
use super::{COMPLETED, CREATED, read, stream, translate};
use crate::responses::properties::{input, stream_of, text};

fn block() -> impl Strategy<Value = Value> {
    let citation = json!({"type": "web_search_result_location", "url": "https://a.example", "title": null});
    let result = json!([{"type": "web_search_result", "url": "https://a.example", "encrypted_content": "e"}]);
    let failure = json!({"type": "web_search_tool_result_error", "error_code": "unavailable"});
    prop_oneof![
        4 => text().prop_map(|text| json!({"type": "text", "text": text})),
        1 => Just(json!({"type": "text", "text": ""})),
        2 => text().prop_map(move |text| json!({"type": "text", "text": text, "citations": [citation, citation]})),
        3 => (text(), "[a-z]{4}").prop_map(|(t, s)| json!({"type": "thinking", "thinking": t, "signature": s})),
        1 => "[a-z]{4}".prop_map(|s| json!({"type": "thinking", "thinking": "", "signature": s})),
        1 => Just(json!({"type": "redacted_thinking", "data": "b64"})),
        4 => ("[a-z]{4}", input())
            .prop_map(|(id, input)| json!({"type": "tool_use", "id": id, "name": "get", "input": input})),
        1 => text().prop_map(|t| json!({"type": "tool_use", "id": "c", "name": "sql", "input": {"input": t}})),
        1 => Just(json!({"type": "tool_use", "id": "n", "name": "ns__get", "input": {}})),
        1 => text().prop_map(|t| json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": t}})),
        1 => Just(json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": result})),
        1 => Just(json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": failure})),
        1 => text().prop_map(|t| json!({"type": "server_tool_use", "id": "e", "name": "bash_code_execution", "input": {"command": t}})),
        1 => Just(json!({"type": "bash_code_execution_tool_result", "tool_use_id": "e", "content": {"type": "bash_code_execution_result", "stdout": "1"}})),
        1 => input().prop_map(|i| json!({"type": "mcp_tool_use", "id": "m", "name": "f", "server_name": "srv", "input": i})),
        1 => any::<bool>().prop_map(|e| json!({"type": "mcp_tool_result", "tool_use_id": "m", "is_error": e, "content": [{"type": "text", "text": "r"}]})),
        1 => Just(json!({"type": "compaction", "content": "short"})),
        1 => Just(json!({"type": "block_of_next_year", "value": 1})),
    ]
}

fn message() -> impl Strategy<Value = Value> {
    let reasons = ["end_turn", "max_tokens", "tool_use", "stop_sequence", "refusal", "pause_turn", "new"];
    let reason = proptest::sample::select(reasons.to_vec());
    let content = proptest::collection::vec(block(), 0..8);
    (content, reason, 0u64..1000, 0u64..1000).prop_map(|(content, reason, i, o)| {
        let refused = json!({"type": "refusal", "explanation": "no"});
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5-5",
            "content": unique(content), "stop_reason": reason, "stop_sequence": null,
            "stop_details": if reason == "refusal" { refused } else { json!(null) },
            "usage": {"input_tokens": i, "cache_read_input_tokens": 3, "output_tokens": o},
        })
    })
}

/// The upstream gives no id to two calls.
fn unique(mut content: Vec<Value>) -> Vec<Value> {
    let mut seen = std::collections::BTreeSet::new();
    content.retain(|block| block["id"].as_str().is_none_or(|id| seen.insert(id.to_owned())));
    content
}

fn context() -> impl Strategy<Value = ResponsesContext> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(reasoning, sources, outputs)| {
        let includes = [
            (reasoning, "reasoning.encrypted_content"),
            (sources, "web_search_call.action.sources"),
            (outputs, "code_interpreter_call.outputs"),
        ];
        let include: Vec<&str> = includes.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        let inner = json!({"type": "function", "name": "get"});
        let request = json!({"model": "claude-opus-5-5", "input": "hi", "include": include, "tools": [
            {"type": "custom", "name": "sql"},
            {"type": "namespace", "name": "ns", "description": "d", "tools": [inner]},
        ]});
        translate(&json!({"request": request})).unwrap().context
    })
}

/// JSON that looks like parts of requests more often than chance would have it.
fn arbitrary_json() -> impl Strategy<Value = Value> {
    let words = [
        "",
        "message",
        "user",
        "system",
        "assistant",
        "function",
        "custom",
        "object",
        "auto",
        "function_call",
        "function_call_output",
        "reasoning",
        "item_reference",
        "input_text",
        "output_text",
        "input_image",
        "input_file",
        "data:image/png;base64,AAAA",
        "https://x.example",
        "{}",
        "c1",
        "json_schema",
        "high",
        "mcp",
        "never",
        "web_search",
        "namespace",
        "compaction",
        "anthropic.v1.W3t9XQ",
        "[{}]",
        "é\u{0}\n",
        "[{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"s\"}]",
    ];
    let keys = [
        "role",
        "content",
        "type",
        "text",
        "id",
        "name",
        "arguments",
        "call_id",
        "output",
        "input",
        "parameters",
        "properties",
        "items",
        "image_url",
        "file_data",
        "file_url",
        "file_id",
        "schema",
        "format",
        "strict",
        "effort",
        "summary",
        "encrypted_content",
        "server_label",
        "server_url",
        "require_approval",
        "tools",
        "container",
        "namespace",
        "mode",
        "a",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        proptest::sample::select(words.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let member = (proptest::sample::select(keys.to_vec()), inner.clone());
        prop_oneof![
            proptest::collection::vec(inner, 0..5).prop_map(Value::from),
            proptest::collection::vec(member, 0..6).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

fn arbitrary_request() -> impl Strategy<Value = Value> {
    let keys = portcullis_provider::openai::RESPONSES_PARAMETERS.to_vec();
    let members = proptest::collection::vec((proptest::sample::select(keys), arbitrary_json()), 0..3);
    let call = |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"});
    let output = |id: &str| json!({"type": "function_call_output", "call_id": id, "output": "r"});
    let thinking = r#"[{"type":"thinking","thinking":"","signature":"s"}]"#;
    let item = prop_oneof![
        2 => Just(json!({"role": "user", "content": "hi"})),
        1 => Just(json!({"role": "system", "content": "s"})),
        1 => Just(json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]})),
        1 => Just(json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": thinking})),
        2 => Just(call("c1")),
        2 => Just(output("c1")),
        1 => Just(call("c2")),
        1 => Just(output("c2")),
        1 => Just(json!({"type": "web_search_call", "id": "ws_1", "status": "completed"})),
        1 => arbitrary_json(),
    ];
    (members, proptest::collection::vec(item, 0..7)).prop_map(|(members, items)| {
        let mut request = json!({"model": "claude-opus-4-8", "input": items});
        // Which texts name a model is not the translation's to say.
        let told = members.into_iter().filter(|(key, value)| *key != "model" || !value.is_string());
        told.for_each(|(key, value)| request[key] = value);
        request
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn both_ways_end_the_same(message in message(), context in context(), size in 1usize..8) {
        let bytes = to_bytes(&stream_of(&message, size));
        let received = stream([bytes.as_slice()], &context);
        prop_assert_eq!(&received.error, &None);
        check(&bytes, &received, &context);
        let whole = to_response(message.to_string().as_bytes(), &context, CREATED, COMPLETED).unwrap();
        let whole: Value = serde_json::from_slice(&whole.body).unwrap();
        prop_assert_eq!(&received.kept.unwrap(), &(whole, message["content"].clone()));
    }

    #[test]
    fn a_stream_in_any_chunks_is_the_same(message in message(), context in context(), size in 1usize..64) {
        let bytes = to_bytes(&stream_of(&message, 5));
        prop_assert_eq!(stream(bytes.chunks(size), &context), stream([bytes.as_slice()], &context));
    }

    #[test]
    fn events_in_any_order_are_no_panic_and_have_no_gap(
        message in message(), context in context(),
        picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let events = stream_of(&message, 3);
        let shuffled: Vec<_> = picks.iter().map(|pick| pick.get(&events).clone()).collect();
        let received = stream([to_bytes(&shuffled).as_slice()], &context);
        let events = read(&received.bytes);
        let last = events.last().map_or("", |event| event["type"].as_str().unwrap());
        prop_assert_eq!(received.kept.is_some(), matches!(last, "response.completed" | "response.incomplete"));
    }

    #[test]
    fn arbitrary_requests_give_a_request_or_an_error(request in arbitrary_request()) {
        let input = json!({"request": request});
        match (translate(&input), translate(&input)) {
            (Ok(once), Ok(twice)) => {
                check_request(&serde_json::from_slice(&once.body).unwrap());
                prop_assert_eq!(once.body, twice.body);
                prop_assert_eq!(once.warnings, twice.warnings);
            }
            (once, twice) => {
                let (once, twice) = (once.map(drop), twice.map(drop));
                prop_assert!(once.as_ref().is_err_and(|invalid| !invalid.message.is_empty()));
                prop_assert_eq!(once, twice);
            }
        }
    }

    #[test]
    fn what_was_answered_can_be_continued(message in message(), again in arbitrary_request()) {
        let mut message = message;
        // Whoever continues has the outputs of the calls.
        let calls = message["content"].as_array().unwrap().iter().filter(|block| block["type"] == "tool_use");
        let outputs: Vec<Value> = calls
            .map(|call| json!({"type": "function_call_output", "call_id": call["id"], "output": "r"}))
            .collect();
        message["id"] = json!("msg_2");
        let first = json!({"model": "claude-opus-4-8", "input": "hi", "instructions": "first"});
        let mut second = again;
        second["previous_response_id"] = json!("resp_2");
        second["input"] = outputs.into_iter().chain([json!({"role": "user", "content": "go on"})]).collect();
        let input = json!({"request": second, "earlier": [{"request": first, "response": message}]});
        if let Ok(translated) = translate(&input) {
            let body: Value = serde_json::from_slice(&translated.body).unwrap();
            check_request(&body);
            prop_assert!(!body["system"].to_string().contains("first"));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let context = ResponsesContext::default();
        prop_assert!(ResponsesRequest::parse(&bytes).is_err());
        prop_assert!(to_response(&bytes, &context, CREATED, COMPLETED).is_err());
        let received = stream([bytes.as_slice()], &context);
        prop_assert!(received.error.is_some() && received.kept.is_none());
    }

    #[test]
    fn arbitrary_messages_never_panic(value in arbitrary_json(), name in "[a-z_]{0,12}") {
        let context = ResponsesContext::default();
        for value in [
            json!({"id": "msg_1", "content": [value]}), json!({"content": value}), json!({"error": value}),
            json!({"id": 1, "content": [{"type": "mcp_tool_use", "input": value}, {"type": "mcp_tool_result", "content": value}]}),
            json!({"id": "m", "content": [{"type": "text", "text": value, "citations": value}], "usage": value}),
        ] {
            let _ = to_response(value.to_string().as_bytes(), &context, CREATED, COMPLETED);
            let _ = stream([to_bytes(&[(name.clone(), value.to_string())]).as_slice()], &context);
        }
    }

    #[test]
    fn arbitrary_wrappings_never_panic(text in ".{0,40}", prefixed in any::<bool>()) {
        let text = if prefixed { format!("{}{text}", encrypted_content::PREFIX) } else { text };
        for kind in ["reasoning", "compaction"] {
            let request = json!({"model": "claude-opus-4-8", "input": [
                {"role": "user", "content": "hi"}, {"type": kind, "id": "x", "summary": [], "encrypted_content": text},
            ]});
            let _ = translate(&json!({"request": request}));
        }
    }

    #[test]
    fn arbitrary_queries_never_panic(name in "(after|limit|order|[a-z]{0,4})", value in ".{0,8}") {
        if let Ok(query) = InputItemsQuery::parse([(name.as_str(), value.as_str())]) {
            let _ = query.page(&[json!({"id": "a"})]);
        }
    }
}
