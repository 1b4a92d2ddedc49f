//! Arbitrary input: a translation is a well-formed request or an error that says why.

use portcullis_provider::{ChatRequest, FileReference};
use portcullis_types::{MidSystem, OnUnsupported, ReasoningDisplay, SamplingPolicy, TranslationOptions};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::upstream::check_request;
use super::{base, every_parameter, translate, translate_with, with};

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

/// What every Messages request must be, whatever it was made from; see there for what is the upstream's to judge.
fn check_shape(request: &Value, body: &[u8]) {
    check_request(body, has_native_parts(request));
}

/// Whether something in the request passes as it is.
fn has_native_parts(json: &Value) -> bool {
    match json {
        Value::Object(members) => members.iter().any(|(key, value)| {
            let native =
                matches!(key.as_str(), "content_blocks" | "thinking" | "output_config") && !value.is_null();
            let kept = key == "cache_control" && !value.is_null();
            native || kept || has_native_parts(value)
        }),
        Value::Array(items) => items.iter().any(has_native_parts),
        _ => false,
    }
}

/// Every setting of a route, in every combination.
fn options() -> impl Strategy<Value = TranslationOptions> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (flags, proptest::option::of(1u64..200_000)).prop_map(
        |((report, inline, omitted, rename, grammar), cap)| TranslationOptions {
            sampling: if report { SamplingPolicy::Report } else { SamplingPolicy::Error },
            mid_system: if inline { MidSystem::Inline } else { MidSystem::Hoist },
            reasoning_display: if omitted { ReasoningDisplay::Omitted } else { ReasoningDisplay::Summarized },
            rename_tools: rename,
            emulate_custom_grammar: grammar,
            max_tokens_cap: cap.and_then(std::num::NonZeroU64::new),
            ..TranslationOptions::default()
        },
    )
}

fn well_formed_request() -> impl Strategy<Value = Value> {
    let models = [
        "claude-haiku-4-5",
        "claude-opus-4-6",
        "claude-opus-4-8",
        "claude-sonnet-5",
        "claude-opus-5-5",
        "claude-next",
    ];
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let exchange = prop_oneof![
        Just(vec![json!({"role": "user", "content": "hi"})]),
        Just(vec![
            json!({"role": "user", "content": [{"type": "text", "text": " "}, {"type": "text", "text": "a"}]})
        ]),
        Just(vec![
            json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]})
        ]),
        Just(vec![
            json!({"role": "user", "content": [{"type": "file", "file": {"file_data": "data:text/csv,a", "filename": "a.csv"}}]})
        ]),
        Just(vec![json!({"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]})]),
        Just(vec![json!({"role": "system", "content": "s"})]),
        Just(vec![json!({"role": "developer", "content": [{"type": "text", "text": "d"}]})]),
        Just(vec![json!({"role": "assistant", "content": "a"})]),
        Just(vec![json!({"role": "assistant", "content": ""})]),
        Just(vec![
            json!({"role": "assistant", "content": "a", "thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "s"}, {"type": "thinking", "thinking": "x"}]})
        ]),
        Just(vec![
            json!({"role": "assistant", "content": null, "tool_calls": [call("c", "f", ""), call("c", "g h", "{\"a\":1}"), call("c.1", "f", "[1")]}),
            json!({"role": "tool", "tool_call_id": "c", "content": "r"}),
            json!({"role": "system", "content": "between"}),
            json!({"role": "tool", "tool_call_id": "c.1", "content": [{"type": "text", "text": ""}]}),
            json!({"role": "tool", "tool_call_id": "c", "content": ""}),
        ]),
        Just(vec![
            json!({"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}),
            json!({"role": "function", "name": "f", "content": "r"}),
        ]),
    ];
    let tools = prop_oneof![
        Just(Value::Null),
        Just(
            json!([{"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "g h"}}])
        ),
        Just(
            json!([{"type": "function", "function": {"name": "f", "strict": true, "parameters": {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}}}])
        ),
        Just(
            json!([{"type": "custom", "custom": {"name": "f", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}}}])
        ),
    ];
    let extra = prop_oneof![
        Just(("tool_choice", json!("required"))),
        Just(("tool_choice", json!({"type": "function", "function": {"name": "g h"}}))),
        Just((
            "tool_choice",
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]}})
        )),
        Just(("parallel_tool_calls", json!(false))),
        Just(("reasoning_effort", json!("high"))),
        Just(("reasoning_effort", json!("none"))),
        Just(("response_format", json!({"type": "json_object"}))),
        Just((
            "response_format",
            json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": {}}}})
        )),
        Just(("stop", json!(["a"]))),
        Just(("temperature", json!(0.5))),
        Just(("top_k", json!(4))),
        Just(("user", json!("a@example.com"))),
        Just(("service_tier", json!("priority"))),
        Just((
            "web_search_options",
            json!({"user_location": {"type": "approximate", "approximate": {"city": "x"}}})
        )),
        Just(("max_tokens", Value::Null)),
        Just(("stream", json!(true))),
    ];
    let exchanges = proptest::collection::vec(exchange, 1..7);
    let extras = proptest::collection::vec(extra, 0..4);
    (proptest::sample::select(models.to_vec()), exchanges, tools, extras).prop_map(
        |(model, exchanges, tools, extras)| {
            let mut request = base();
            request["model"] = json!(model);
            request["max_tokens"] = json!(4000);
            request["messages"] = Value::Array(exchanges.concat());
            request["tools"] = tools;
            for (key, value) in extras {
                request[key] = value;
            }
            request
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_requests_give_a_request_or_an_error(request in arbitrary_request()) {
        if let Ok(translated) = translate(request.to_string().as_bytes(), &TranslationOptions::default()) {
            check_shape(&request, &translated.body);
        }
    }

    #[test]
    fn whatever_is_accepted_is_a_request_of_the_upstreams(request in well_formed_request(), options in options()) {
        let file = FileReference {
            upstream_id: "file_1".to_owned(), mime_type: "application/pdf".to_owned(), filename: "a.pdf".to_owned(),
        };
        let files = [("file-1".to_owned(), file)].into_iter().collect();
        match translate_with(request.to_string().as_bytes(), &options, &files) {
            Ok(translated) => check_shape(&request, &translated.body),
            Err(invalid) => prop_assert!(invalid.param.is_some(), "{}", invalid),
        }
    }

    #[test]
    fn a_route_that_refuses_what_is_lossy_reports_repairs_only(request in well_formed_request(), options in options()) {
        let options = TranslationOptions { on_unsupported: OnUnsupported::Error, ..options };
        let lossless = ["moved:", "renamed:", "trimmed:", "media_type:"];
        if let Ok(translated) = translate(request.to_string().as_bytes(), &options) {
            for token in translated.warnings.iter() {
                prop_assert!(lossless.iter().any(|kind| token.starts_with(kind)), "{}", token);
            }
        }
    }

    #[test]
    fn a_request_without_warnings_is_accepted_by_every_route(request in well_formed_request(), options in options()) {
        let strict = TranslationOptions { on_unsupported: OnUnsupported::Error, ..options };
        let body = request.to_string();
        if let Ok(translated) = translate(body.as_bytes(), &options) && translated.warnings.is_empty() {
            prop_assert_eq!(translate(body.as_bytes(), &strict).unwrap().body, translated.body);
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
                check_shape(&Value::Null, &translated.body);
            }
        }
    }

    #[test]
    fn arbitrary_data_urls_never_panic(url in "(data:|DATA:)?[a-z/;=,%0-9A-F+ é]{0,40}") {
        let part = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]);
        if let Ok(translated) = translate(&with("messages", &part), &TranslationOptions::default()) {
            check_shape(&Value::Null, &translated.body);
        }
    }
}
