//! Arbitrary input: a translation is a well-formed request or an error that says why.

use portcullis_provider::ChatRequest;
use portcullis_types::{SamplingPolicy, TranslationOptions};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{base, every_parameter, translate, with};

/// JSON that looks like parts of requests more often than chance would have it.
fn arbitrary_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just(""),
        Just("text"),
        Just("user"),
        Just("system"),
        Just("assistant"),
        Just("tool"),
        Just("function"),
        Just("custom"),
        Just("object"),
        Just("auto"),
        Just("data:image/png;base64,AAAA"),
        Just("https://x.example"),
        Just("{}"),
        Just("c1"),
        Just("json_schema"),
        Just("image_url"),
        Just("file"),
        Just("high"),
        Just("#/$defs/a"),
        Just("thinking"),
        Just("é\u{0}\n"),
    ];
    let key = prop_oneof![
        Just("role"),
        Just("content"),
        Just("type"),
        Just("text"),
        Just("tool_calls"),
        Just("id"),
        Just("function"),
        Just("name"),
        Just("arguments"),
        Just("tool_call_id"),
        Just("parameters"),
        Just("properties"),
        Just("$ref"),
        Just("$defs"),
        Just("a"),
        Just("items"),
        Just("oneOf"),
        Just("url"),
        Just("image_url"),
        Just("file_data"),
        Just("schema"),
        Just("json_schema"),
        Just("strict"),
        Just("cache_control"),
        Just("content_blocks"),
        Just("thinking_blocks"),
        Just("minimum"),
        Just("effort"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        Just(json!(1.5)),
        word.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..6).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

fn arbitrary_request() -> impl Strategy<Value = Value> {
    let keys: Vec<&'static str> = every_parameter()
        .into_iter()
        .map(|(key, _)| key)
        .chain(["thinking", "reasoning", "output_config"])
        .collect();
    let members = proptest::collection::vec((proptest::sample::select(keys), arbitrary_json()), 0..3);
    let turn = prop_oneof![
        Just(json!({"role": "user", "content": "hi"})),
        Just(json!({"role": "system", "content": "s"})),
        Just(json!({"role": "assistant", "content": "a"})),
        Just(
            json!({"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": ""}}]})
        ),
        Just(json!({"role": "tool", "tool_call_id": "c1", "content": "r"})),
        arbitrary_json(),
    ];
    (members, proptest::collection::vec(turn, 0..6)).prop_map(|(members, turns)| {
        let mut request = base();
        request["messages"] = Value::Array(turns);
        for (key, value) in members {
            request[key] = value;
        }
        request
    })
}

/// What every Messages request must be, whatever it was made from.
fn check_shape(body: &[u8]) {
    let body: Value = serde_json::from_slice(body).expect("a translation is JSON");
    let turns = body["messages"].as_array().unwrap();
    assert_eq!(turns[0]["role"], "user");
    for pair in turns.windows(2) {
        assert_ne!(pair[0]["role"], pair[1]["role"]);
    }
    for turn in turns {
        let blocks = turn["content"].as_array().unwrap();
        assert!(!blocks.is_empty());
        let results = blocks.iter().take_while(|block| block["type"] == "tool_result").count();
        assert!(blocks[results..].iter().all(|block| block["type"] != "tool_result"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_requests_give_a_request_or_an_error(request in arbitrary_request()) {
        if let Ok(translated) = translate(request.to_string().as_bytes(), &TranslationOptions::default()) {
            check_shape(&translated.body);
        }
    }

    #[test]
    fn translating_twice_is_byte_identical(request in arbitrary_request()) {
        let body = request.to_string();
        let options = TranslationOptions { sampling: SamplingPolicy::Report, ..TranslationOptions::default() };
        match (translate(body.as_bytes(), &options), translate(body.as_bytes(), &options)) {
            (Ok(once), Ok(twice)) => {
                prop_assert_eq!(once.body, twice.body);
                prop_assert_eq!(once.warnings, twice.warnings);
            }
            (once, twice) => prop_assert_eq!(once.err(), twice.err()),
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(ChatRequest::parse(&bytes));
    }

    #[test]
    fn arbitrary_schemas_never_panic(schema in arbitrary_json()) {
        for body in [
            with("response_format", &json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})),
            with("tools", &json!([{"type": "function", "function": {"name": "f", "strict": true, "parameters": schema}}])),
        ] {
            if let Ok(translated) = translate(&body, &TranslationOptions::default()) {
                check_shape(&translated.body);
            }
        }
    }

    #[test]
    fn arbitrary_data_urls_never_panic(url in "(data:|DATA:)?[a-z/;=,%0-9A-F+ é]{0,40}") {
        let part = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]);
        if let Ok(translated) = translate(&with("messages", &part), &TranslationOptions::default()) {
            check_shape(&translated.body);
        }
    }
}
