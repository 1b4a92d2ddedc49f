//! The request side against golden files and arbitrary input.
//!
//! A golden file holds one case: `{"name", "direction", "input", "expected", "why"}`. `chat_request` compares the
//! Messages request as JSON, without regard to the order of keys, and the warnings as a set; `chat_request_raw` looks
//! for pieces of the body's text.

mod properties;
mod upstream;

use std::collections::BTreeSet;
use std::path::Path;

use portcullis_provider::{
    ChatRequest, FileReference, InvalidRequest, KnownFiles, Target, TranslatedRequest, UpstreamError,
};
use portcullis_types::{Compliance, TranslationOptions, TranslationSettings};
use serde_json::{Value, json};

fn translate(body: &[u8], options: &TranslationOptions) -> Result<TranslatedRequest, InvalidRequest> {
    translate_with(body, options, &KnownFiles::default())
}

fn translate_with(
    body: &[u8],
    options: &TranslationOptions,
    files: &KnownFiles,
) -> Result<TranslatedRequest, InvalidRequest> {
    let request = ChatRequest::parse(body)?;
    let model = request.model().parse().expect("the golden files name models");
    request.into_messages(&Target { files, ..Target::embedded(&model, *options) })
}

/// What an operator set for the provider: `context.options`, as in the admin API.
fn options(context: &Value) -> TranslationOptions {
    let settings = context.get("options").cloned().unwrap_or_else(|| json!({}));
    let settings: TranslationSettings = serde_json::from_value(settings).unwrap();
    TranslationOptions::default().with(&settings)
}

/// What the caller uploaded before: `context.files`, by the client's ids.
fn files(context: &Value) -> KnownFiles {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let files = context["files"].as_object().into_iter().flatten();
    let reference = |file: &Value| FileReference {
        upstream_id: text(&file["upstream_id"]),
        mime_type: text(&file["mime_type"]),
        filename: text(&file["filename"]),
    };
    files.map(|(id, file)| (id.clone(), reference(file))).collect()
}

/// Numbers by value, objects without order.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// What differs, or nothing.
fn compare(case: &Value) -> Option<String> {
    let (input, expected) = (&case["input"], &case["expected"]);
    if case["direction"] == "chat_request_raw" {
        let raw = input["request_raw"].as_str()?;
        let body =
            translate(raw.as_bytes(), &TranslationOptions::default()).map(|translated| translated.body);
        let body = String::from_utf8(body.unwrap()).unwrap();
        let missing =
            expected["must_contain"].as_array()?.iter().find(|piece| !body.contains(piece.as_str().unwrap()));
        return missing.map(|piece| format!("{piece} is missing in {body}"));
    }
    let context = &input["context"];
    let result = translate_with(input["request"].to_string().as_bytes(), &options(context), &files(context));
    match (result, expected.get("error")) {
        (Err(invalid), Some(error)) => {
            let named = invalid.message.contains(invalid.param.as_deref().unwrap_or_default());
            let seen = json!({"param": invalid.param, "code": invalid.code.as_str()});
            let wanted = json!({"param": error["param"], "code": error["code"]});
            (!named || seen != wanted).then(|| format!("{seen} {}", invalid.message))
        }
        (Ok(translated), None) => {
            let body: Value = serde_json::from_slice(&translated.body).unwrap();
            let warnings: BTreeSet<&str> = translated.warnings.iter().collect();
            let wanted: BTreeSet<&str> =
                expected["warnings"].as_array()?.iter().filter_map(Value::as_str).collect();
            let betas = translated.betas.join(",");
            let profile = translated.user_profile.as_deref();
            let ok = same(&body, &expected["request"])
                && profile == expected["headers"]["anthropic-user-profile-id"].as_str()
                && warnings == wanted
                && betas == expected["headers"]["anthropic-beta"].as_str().unwrap_or_default();
            (!ok).then(|| format!("{body}\n  {warnings:?} {betas}"))
        }
        (result, _) => Some(format!("{:?}", result.map(|translated| String::from_utf8(translated.body)))),
    }
}

#[test]
fn golden_requests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/requests");
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        count += 1;
        if let Some(difference) = compare(&case) {
            failures.push(format!(
                "{}: {}\n  {difference}\n  {}",
                path.display(),
                case["why"],
                case["expected"]
            ));
        }
    }
    assert!(count >= 270, "only {count} golden files were found");
    assert!(failures.is_empty(), "{} of {count} differ:\n{}", failures.len(), failures.join("\n"));
}

fn base() -> Value {
    json!({"model": "claude-opus-4-8", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]})
}

fn with(key: &str, value: &Value) -> Vec<u8> {
    let mut request = base();
    request[key] = value.clone();
    request.to_string().into_bytes()
}

/// Every parameter of a chat completion in OpenAI's clients, with a value that is not its default.
///
/// Source: OpenAI API reference, "Create chat completion".
fn every_parameter() -> Vec<(&'static str, Value)> {
    vec![
        ("messages", json!([{"role": "user", "content": "other"}])),
        ("audio", json!({"voice": "x", "format": "wav"})),
        ("frequency_penalty", json!(0.5)),
        ("function_call", json!("none")),
        ("functions", json!([{"name": "f"}])),
        ("logit_bias", json!({"1": 2})),
        ("logprobs", json!(true)),
        ("max_completion_tokens", json!(7)),
        ("max_tokens", json!(7)),
        ("metadata", json!({"team": "x"})),
        ("modalities", json!(["audio"])),
        ("moderation", json!({"mode": "x"})),
        ("n", json!(2)),
        ("parallel_tool_calls", json!(false)),
        ("prediction", json!({"type": "content", "content": "x"})),
        ("presence_penalty", json!(0.5)),
        ("prompt_cache_key", json!("k")),
        ("prompt_cache_options", json!({"mode": "implicit"})),
        ("prompt_cache_retention", json!("24h")),
        ("reasoning_effort", json!("low")),
        ("response_format", json!({"type": "json_object"})),
        ("safety_identifier", json!("x")),
        ("seed", json!(1)),
        ("service_tier", json!("auto")),
        ("stop", json!("x")),
        ("store", json!(true)),
        ("stream", json!(true)),
        ("stream_options", json!({"include_usage": true})),
        ("temperature", json!(0.5)),
        ("tool_choice", json!("none")),
        ("tools", json!([{"type": "function", "function": {"name": "f"}}])),
        ("top_logprobs", json!(2)),
        ("top_p", json!(0.5)),
        ("user", json!("x")),
        ("verbosity", json!("low")),
        ("web_search_options", json!({})),
    ]
}

#[test]
fn every_key_of_the_request_type_hits_a_rule() {
    let plain = translate(base().to_string().as_bytes(), &TranslationOptions::default()).unwrap();
    // These mean nothing without tools, which the base request does not have.
    let no_effect = ["function_call", "tool_choice", "parallel_tool_calls"];
    for (key, value) in every_parameter() {
        match translate(&with(key, &value), &TranslationOptions::default()) {
            Ok(translated) => {
                let visible = translated.body != plain.body || !translated.warnings.is_empty();
                assert!(visible || no_effect.contains(&key), "{key} was dropped silently");
            }
            Err(invalid) => {
                assert_ne!(invalid.code.as_str(), "unknown_parameter", "{key}");
                assert!(invalid.message.contains(key), "{key}: {}", invalid.message);
            }
        }
        if key != "messages" {
            let null = translate(&with(key, &Value::Null), &TranslationOptions::default());
            assert!(null.is_ok_and(|null| null.warnings.is_empty()), "{key} is absent when it is null");
        }
    }
}

#[test]
fn every_other_key_is_refused_by_name() {
    for key in ["extra_body", "Temperature", "", "n ", "anthropic_version", "portcullis"] {
        let invalid = translate(&with(key, &json!(1)), &TranslationOptions::default()).unwrap_err();
        assert_eq!((invalid.code.as_str(), invalid.param.as_deref()), ("unknown_parameter", Some(key)));
    }
}

#[test]
fn no_parameter_is_lost_beside_tools() {
    let tools = |extra: Value| {
        let mut request = base();
        request["tools"] = json!([{"type": "function", "function": {"name": "f"}}]);
        request.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        translate(request.to_string().as_bytes(), &TranslationOptions::default()).unwrap().body
    };
    let plain = tools(json!({}));
    for extra in [
        json!({"tool_choice": "none"}),
        json!({"parallel_tool_calls": false}),
        json!({"function_call": "none"}),
    ] {
        assert_ne!(tools(extra), plain);
    }
}

#[test]
fn the_context_tells_the_way_back_what_was_asked() {
    let mut request = base();
    request["stream"] = json!(true);
    request["stream_options"] = json!({"include_usage": true});
    request["service_tier"] = json!("auto");
    request["tools"] = json!([{"type": "custom", "custom": {"name": "sh"}}]);
    let options = TranslationOptions { compliance: Compliance::Strict, ..TranslationOptions::default() };
    let context = translate(request.to_string().as_bytes(), &options).unwrap().context;
    assert!(
        context.client_streams && context.include_usage && context.is_strict() && context.service_tier_asked
    );
    assert_eq!(context.max_tokens_field, "max_tokens");
    assert_eq!(context.custom_tools.into_iter().collect::<Vec<_>>(), ["sh"]);
    assert!(!context.legacy_functions);
}

#[test]
fn files_are_named_once_each_and_nothing_else_is() {
    let ids = |messages: Value| {
        let body = json!({"model": "m", "messages": messages}).to_string();
        ChatRequest::parse(body.as_bytes()).unwrap().file_ids()
    };
    let file = |id: &str| json!({"type": "file", "file": {"file_id": id}});
    let image = |id: &str| json!({"type": "image", "source": {"type": "file", "file_id": id}});
    let document = json!({"type": "document", "source": {"type": "content", "content": [image("file-4")]}});
    let text = json!({"type": "text", "text": "{\"file_id\":\"file-9\"}"});
    let call = json!({"type": "tool_use", "id": "c", "name": "f", "input": {"file_id": "file-8"}});
    assert_eq!(
        ids(json!([
            {"role": "user", "content": [file("file-1"), text, image("file-2"), file("file-1")]},
            {"role": "assistant", "content_blocks": [call, image("file-3")]},
            {"role": "tool", "tool_call_id": "c", "content": [document, {"type": "container_upload", "file_id": "file-5"}]},
        ])),
        ["file-1", "file-2", "file-3", "file-4", "file-5"]
    );
    let many = (0..200_000).map(|number| file(&format!("file-{number}"))).collect::<Vec<_>>();
    assert_eq!(ids(json!([{"role": "user", "content": many}])).len(), 200_000);
    let none: [&str; 0] = [];
    assert_eq!(ids(json!([{"role": "user", "content": "file_id"}, {"role": 1}, 2])), none);
    assert_eq!(ids(json!({})), none);
}

#[test]
fn a_file_may_be_known_by_the_upstreams_own_id() {
    let files = [("file_1".to_owned(), FileReference::at_upstream("file_1"))].into_iter().collect();
    let translated = |part: Value| {
        let body = with("messages", &json!([{"role": "user", "content": [part]}]));
        translate_with(&body, &TranslationOptions::default(), &files)
    };
    let image = json!({"type": "image", "source": {"type": "file", "file_id": "file_1"}});
    let body: Value = serde_json::from_slice(&translated(image.clone()).unwrap().body).unwrap();
    assert_eq!(body["messages"][0]["content"], json!([image]));
    let unclear = translated(json!({"type": "file", "file": {"file_id": "file_1"}})).unwrap_err();
    assert_eq!(unclear.code.as_str(), "unsupported_value");
}

#[test]
fn counting_and_batches_get_what_they_take() {
    let mut request = base();
    request["temperature"] = json!(1);
    request["stop"] = json!("x");
    request["user"] = json!("somebody");
    request.as_object_mut().unwrap().shift_remove("max_tokens");
    let translated = translate(request.to_string().as_bytes(), &TranslationOptions::default()).unwrap();
    let keys = |body: Vec<u8>| -> Vec<String> {
        let body: Value = serde_json::from_slice(&body).unwrap();
        body.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys(translated.to_count_tokens()), ["model", "messages"]);
    let params = translated.to_batch_params().unwrap();
    assert_eq!(keys(params), ["model", "max_tokens", "messages", "stop_sequences", "metadata"]);
    let streamed = translate(&with("stream", &json!(true)), &TranslationOptions::default()).unwrap();
    assert_eq!(streamed.to_batch_params().unwrap_err().param.as_deref(), Some("stream"));
    let profiled = with("user_profile_id", &json!("uprof_1"));
    let profiled = translate(&profiled, &TranslationOptions::default()).unwrap();
    assert_eq!(profiled.to_batch_params().unwrap_err().param.as_deref(), Some("user_profile_id"));
    let empty = translate(&with("max_completion_tokens", &json!(0)), &TranslationOptions::default());
    assert!(empty.is_err(), "two limits that differ");
    let empty = translate(&with("max_tokens", &json!(0)), &TranslationOptions::default()).unwrap();
    assert_eq!(empty.to_batch_params().unwrap_err().param.as_deref(), Some("max_tokens"));
}

#[test]
fn long_and_unlimited_answers_stream_upstream() {
    let streams = |limit: Value| {
        let translated = translate(&with("max_tokens", &limit), &TranslationOptions::default()).unwrap();
        assert!(!translated.context.client_streams);
        translated.upstream_streams
    };
    assert!(!streams(json!(16_000)) && streams(json!(16_001)) && streams(Value::Null));
}

#[test]
fn debug_shows_no_conversation() {
    let shown = format!("{:?}", ChatRequest::parse(&with("user", &json!("somebody"))).unwrap());
    assert!(
        shown.contains("claude-opus-4-8") && !shown.contains("hi") && !shown.contains("somebody"),
        "{shown}"
    );
}

#[test]
fn a_body_that_is_no_request_is_refused() {
    for body in [&b""[..], b"{", b"[]", b"\xff", b"null", b"{\"model\":\"x\"} x"] {
        assert_eq!(ChatRequest::parse(body).unwrap_err().code.as_str(), "invalid_json");
    }
    assert_eq!(ChatRequest::parse(b"{}").unwrap_err().code.as_str(), "missing_required_parameter");
    assert_eq!(ChatRequest::parse(b"{\"model\":1}").unwrap_err().code.as_str(), "invalid_type");
}

/// The content a message was built from comes back byte for byte on the next turn.
#[test]
fn arguments_and_schemas_keep_their_text() {
    let arguments = r#"{"z": 1e2, "id":12345678901234567890,"a":[ 1.0 ]}"#;
    let mut request = base();
    request["messages"] = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ]);
    let body = translate(request.to_string().as_bytes(), &TranslationOptions::default()).unwrap().body;
    assert!(String::from_utf8(body).unwrap().contains(&format!("\"input\":{arguments}")));
}

#[test]
fn many_calls_of_one_id_stay_linear() {
    let calls: Vec<Value> = (0..20_000)
        .map(|_| json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}))
        .collect();
    let mut messages =
        vec![json!({"role": "user", "content": "x"}), json!({"role": "assistant", "tool_calls": calls})];
    messages.extend((0..20_000).map(|_| json!({"role": "tool", "tool_call_id": "c", "content": ""})));
    let mut request = base();
    request["messages"] = Value::Array(messages);
    let translated = translate(request.to_string().as_bytes(), &TranslationOptions::default()).unwrap();
    assert!(String::from_utf8(translated.body).unwrap().contains("\"tool_use_id\":\"c_20000\""));
    assert!(translated.warnings.header_value().unwrap().len() <= 4096);
}

/// Names from outside do not make an error as long as the body.
#[test]
fn a_long_name_is_cut_in_the_error() {
    let invalid =
        translate(&with(&"é".repeat(10_000), &json!(1)), &TranslationOptions::default()).unwrap_err();
    assert_eq!(invalid.param.unwrap().chars().count(), 128);
    assert!(invalid.message.len() < 400);
}

/// Many clients keep of an answer only what OpenAI defines, and learn of it with the next turn.
#[test]
fn a_refusal_for_want_of_thinking_says_what_must_come_back() {
    let body = json!({"type": "error", "error": {"type": "invalid_request_error", "message":
        "messages.0.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`."}});
    let request = translate(&base().to_string().into_bytes(), &TranslationOptions::default()).unwrap();
    let error = UpstreamError::parse(400, &|_| None, body.to_string().as_bytes()).to_openai(&request.context);
    assert!(error.message.starts_with(body["error"]["message"].as_str().unwrap()), "{}", error.message);
    assert!(error.message.contains("`thinking_blocks`"), "{}", error.message);
    assert_eq!((error.status, error.param.as_deref()), (400, Some("messages[0]")));
}

#[test]
fn a_profile_that_would_end_its_header_is_refused() {
    for bad in [json!(""), json!("a\r\nb"), json!("a b"), json!("é"), json!("a".repeat(257)), json!(1)] {
        let refused = translate(&with("user_profile_id", &bad), &TranslationOptions::default()).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("user_profile_id"), "{bad}");
    }
}

#[test]
fn betas_share_one_header() {
    let betas =
        |names: Value| translate(&with("betas", &names), &TranslationOptions::default()).map(|t| t.betas);
    assert_eq!(betas(json!(["a", "b", "a"])).unwrap(), ["a", "b"]);
    for bad in [
        json!(["a,b"]),
        json!(["a\r\nx: y"]),
        json!([""]),
        json!(["é"]),
        json!(vec!["a"; 65]),
        json!("a"),
        json!([1]),
    ] {
        assert!(
            betas(bad.clone())
                .is_err_and(|invalid| invalid.param.is_some_and(|param| param.starts_with("betas"))),
            "{bad}"
        );
    }
}

#[test]
fn an_mcp_flag_of_the_clients_own_stands_for_itself_wherever_it_was_sent() {
    let translated = |header: &[&str]| {
        let body = with("mcp_servers", &json!([{"type": "url", "url": "https://x.example", "name": "s"}]));
        let header = header.iter().map(|beta| (*beta).to_owned());
        let request = ChatRequest::parse(&body).unwrap().with_header_betas(header);
        let model = request.model().parse().unwrap();
        let translated =
            request.into_messages(&Target::embedded(&model, TranslationOptions::default())).unwrap();
        let has_toolset = String::from_utf8(translated.body).unwrap().contains("mcp_toolset");
        (translated.betas.join(","), has_toolset)
    };
    assert_eq!(translated(&[]), ("mcp-client-2025-11-20".to_owned(), true));
    assert_eq!(translated(&["a", "b"]), ("a,b,mcp-client-2025-11-20".to_owned(), true));
    assert_eq!(translated(&["mcp-client-2025-11-20"]), ("mcp-client-2025-11-20".to_owned(), true));
    assert_eq!(translated(&["mcp-client-2026-09-15", "a"]), ("mcp-client-2026-09-15,a".to_owned(), true));
    assert_eq!(translated(&["mcp-client-2025-04-04"]), ("mcp-client-2025-04-04".to_owned(), false));
}

/// The client's path for an upstream's complaint about the translated request.
fn blamed(request: &Value, upstream_path: &str) -> Option<String> {
    let translated = translate(request.to_string().as_bytes(), &TranslationOptions::default()).unwrap();
    let message = format!("{upstream_path}: Field required");
    let body = json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}});
    let error = UpstreamError::parse(400, &|_| None, body.to_string().as_bytes());
    error.to_openai(&translated.context).param
}

#[test]
fn an_upstream_error_names_the_clients_message_and_tool() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
    let call = json!({"id": "c1", "type": "function", "function": {"name": "b", "arguments": "{}"}});
    let mut request = json!({
        "model": "claude-opus-4-8", "max_tokens": 100, "tools": [tool("a"), tool("b")], "web_search_options": {},
        "messages": [
            {"role": "system", "content": "s"}, {"role": "user", "content": "hi"},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "r"}, {"role": "user", "content": "and?"},
            {"role": "assistant", "content": ""}, {"role": "assistant", "content": "yes"},
            {"role": "user", "content": "go on"},
        ],
    });
    let names = |request: &Value, path| blamed(request, path).unwrap_or_default();
    assert_eq!(names(&request, "messages.0.content.0.text"), "messages[1]");
    assert_eq!(names(&request, "messages.1.content.0.tool_use.id"), "messages[2]");
    // Two of the client's, joined.
    assert_eq!(names(&request, "messages.2.content"), "messages");
    // An empty one disappeared before it.
    assert_eq!(names(&request, "messages.3"), "messages[6]");
    assert_eq!(names(&request, "messages.4"), "messages[7]");
    assert_eq!(names(&request, "messages.5"), "");
    assert_eq!(names(&request, "system.0.text"), "messages");
    assert_eq!(names(&request, "tools.1.custom.input_schema.type"), "tools[1]");
    assert_eq!(names(&request, "tools.2.max_uses"), "tools");
    let allowed = json!({"mode": "auto", "tools": [{"type": "function", "function": {"name": "b"}}]});
    request["tool_choice"] = json!({"type": "allowed_tools", "allowed_tools": allowed});
    assert_eq!(names(&request, "tools.0.custom.input_schema.type"), "tools");
    let only_system = json!({"model": "claude-opus-4-8", "messages": [{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}]});
    assert_eq!(names(&only_system, "messages.0.content.0.text"), "messages");
}

fn with_schema(schema: &str) -> Result<TranslatedRequest, InvalidRequest> {
    let format = format!(r#"{{"type":"json_schema","json_schema":{{"name":"x","schema":{schema}}}}}"#);
    // As text: `serde_json` would drop keys that stand twice.
    let rest = base().to_string();
    translate(
        format!(r#"{{"response_format":{format},{}"#, &rest[1..]).as_bytes(),
        &TranslationOptions::default(),
    )
}

/// Each would take minutes if its cost were quadratic; the suite would be noticed to hang.
#[test]
fn hostile_schemas_stay_cheap() {
    let many =
        |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join(",");
    let repeated = many(50_000, &|_| r#""oneOf":[]"#.to_owned());
    assert!(with_schema(&format!("{{{repeated}}}")).is_ok());
    let names = many(30_000, &|n| format!(r#""p{n}":{{}}"#));
    let references = many(30_000, &|n| format!(r##"{{"$ref":"#/properties/p{n}"}}"##));
    let wide = format!(r#"{{"type":"object","properties":{{{names}}},"anyOf":[{references}]}}"#);
    assert!(with_schema(&wide).unwrap_err().message.contains("too many places"));
    let definitions = many(900, &|n| format!(r##""d{n}":{{"anyOf":[{{"$ref":"#/$defs/d{}"}}]}}"##, n + 1));
    let chain = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{definitions},"d900":{{}}}}}}"##);
    assert!(with_schema(&chain).unwrap_err().message.contains("nests too deeply"));
}

#[test]
fn references_that_end_somewhere_pass() {
    let shared = r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/A~1x"},"b":{"$ref":"#/properties/a"}},"$defs":{"A/x":{"enum":[1,"$ref",null]}}}"##;
    assert!(with_schema(shared).is_ok());
    let refused = |schema: &str| with_schema(schema).unwrap_err().param.unwrap();
    let root = "response_format.json_schema.schema";
    assert_eq!(refused(r##"{"properties":{"a":{"$ref":"#"}}}"##), root);
    assert_eq!(
        refused(r##"{"properties":{"a":{"items":{"$ref":"#/properties/a"}}}}"##),
        format!("{root}/properties/a")
    );
    assert_eq!(refused(r##"{"properties":{"a":{"$ref":"#/$defs/none"}}}"##), root);
    assert_eq!(refused(r##"{"properties":{"a":{"\u0024ref":"#"}}}"##), root);
}
