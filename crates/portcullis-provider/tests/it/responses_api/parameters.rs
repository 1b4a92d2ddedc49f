//! Every parameter and every refusal names itself.

use portcullis_provider::UpstreamError;
use portcullis_provider::openai::RESPONSES_PARAMETERS;
use portcullis_provider::responses::request::ResponsesRequest;
use serde_json::{Value, json};

use super::translate;

/// A value of each parameter that is not its default.
fn every_parameter() -> Vec<(&'static str, Value)> {
    vec![
        ("access_programs", json!({"cyber": "standard"})),
        ("background", json!(true)),
        ("background_options", json!({"completion_window": "2h"})),
        ("context_management", json!([{"type": "compaction"}])),
        ("conversation", json!("conv_1")),
        ("image", json!({"context_compression": "auto"})),
        ("include", json!(["reasoning.encrypted_content"])),
        ("input", json!([{"role": "user", "content": "other"}])),
        ("instructions", json!("be brief")),
        ("max_output_tokens", json!(7)),
        ("max_tool_calls", json!(1)),
        ("metadata", json!({"a": "b"})),
        ("model", json!("claude-opus-5-5")),
        ("moderation", json!({"model": "m"})),
        ("parallel_tool_calls", json!(false)),
        ("previous_response_id", json!("resp_1")),
        ("prompt", json!({"id": "p"})),
        ("prompt_cache_key", json!("k")),
        ("prompt_cache_options", json!({"mode": "implicit"})),
        ("prompt_cache_retention", json!("24h")),
        ("reasoning", json!({"effort": "low"})),
        ("safety_identifier", json!("s")),
        ("service_tier", json!("priority")),
        ("store", json!(false)),
        ("stream", json!(true)),
        ("stream_options", json!({"include_obfuscation": true})),
        ("temperature", json!(0.5)),
        ("text", json!({"verbosity": "low"})),
        ("tool_choice", json!("required")),
        ("tools", json!([{"type": "function", "name": "g"}])),
        ("top_logprobs", json!(2)),
        ("top_p", json!(0.5)),
        ("truncation", json!("auto")),
        ("user", json!("u")),
    ]
}

/// Each is sent, or repeated, or reported, or refused by its name: none vanishes.
#[test]
fn every_key_of_the_request_type_hits_a_rule() {
    let known: Vec<&str> = every_parameter().into_iter().map(|(name, _)| name).collect();
    assert_eq!(known, RESPONSES_PARAMETERS);
    let base = json!({"model": "claude-opus-4-8", "input": "hi", "tools": [{"type": "web_search"}]});
    let plain = translate(&json!({"request": base})).unwrap();
    for (name, value) in every_parameter() {
        let mut request = base.clone();
        request[name] = value.clone();
        let seen = match translate(&json!({"request": request})) {
            Err(invalid) => invalid.param.is_some_and(|param| param.starts_with(name)),
            Ok(translated) => {
                translated.body != plain.body
                    || translated.warnings.iter().any(|token| token.contains(name))
                    || translated.context != plain.context
            }
        };
        assert!(seen, "{name}");
    }
}

#[test]
fn a_wrong_type_is_refused_by_name() {
    for name in RESPONSES_PARAMETERS {
        let request = json!({"model": "claude-opus-4-8", "input": "hi", "stream": true});
        for wrong in [json!({"odd": [1]}), json!([[1]]), json!(-1.5)] {
            let mut request = request.clone();
            request[name] = wrong.clone();
            match translate(&json!({"request": request})) {
                Err(invalid) => {
                    assert!(invalid.param.is_some_and(|param| param.starts_with(name)), "{name} {wrong}")
                }
                // Its value is the caller's or the upstream's to judge.
                Ok(_) => assert!(name == "context_management" && wrong.is_object(), "{name} {wrong}"),
            }
        }
    }
}

#[test]
fn a_body_that_is_no_request_is_refused() {
    let code = |body: &str| ResponsesRequest::parse(body.as_bytes()).unwrap_err().code.as_str();
    assert_eq!(["", "[]", "{", "null"].map(code), ["invalid_json"; 4]);
    assert_eq!(code("{}"), "missing_required_parameter");
    assert_eq!(code(r#"{"model":1}"#), "invalid_type");
    assert_eq!(code(r#"{"model":"m","store":"yes"}"#), "invalid_type");
    assert_eq!(code(r#"{"model":"m","previous_response_id":1}"#), "invalid_type");
}

/// What the upstream says about the translated request is said about the client's.
#[test]
fn an_upstreams_complaint_names_the_clients_item() {
    let request = json!({
        "model": "claude-opus-4-8", "max_output_tokens": 100, "instructions": "be brief",
        "tools": [{"type": "function", "name": "f"}, {"type": "namespace", "name": "n", "description": "", "tools": [
            {"type": "function", "name": "g"}, {"type": "function", "name": "h"},
        ]}],
        "input": [
            {"role": "user", "content": "hi"},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "r"},
            {"role": "user", "content": "more"},
        ],
    });
    let context = translate(&json!({"request": request})).unwrap().context;
    let blamed = |path: &str| {
        let message = format!("{path}: Field required");
        let body = json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}});
        let error = UpstreamError::parse(400, &|_| None, body.to_string().as_bytes());
        error.to_openai(&context.upstream).param
    };
    assert_eq!(blamed("messages.0.content.0.text").as_deref(), Some("input[0]"));
    assert_eq!(blamed("messages.1.content.0.tool_use.id").as_deref(), Some("input[1]"));
    assert_eq!(blamed("messages.2.content").as_deref(), Some("input"));
    assert_eq!(blamed("system.0.text").as_deref(), Some("instructions"));
    assert_eq!(blamed("tools.0.custom.input_schema").as_deref(), Some("tools[0]"));
    assert_eq!(blamed("tools.2.name").as_deref(), Some("tools"));
    assert_eq!(blamed("max_tokens").as_deref(), Some("max_output_tokens"));
}

/// A parameter's text reaches neither a refusal nor a warning.
#[test]
fn refusals_do_not_repeat_what_was_written() {
    let secret = "correct horse";
    for item in [
        json!({"type": secret}),
        json!({"role": secret, "content": "x"}),
        json!({"role": "user", "content": [{"type": secret}]}),
        json!({"role": "user", "content": [{"type": "input_image", "image_url": secret}]}),
        json!({"type": "item_reference", "id": secret}),
        json!({"type": "function_call_output", "call_id": secret, "output": "x"}),
        json!({"type": "compaction", "encrypted_content": secret}),
    ] {
        let request = json!({"model": "claude-opus-4-8", "input": [{"role": "user", "content": "hi"}, item]});
        let invalid = translate(&json!({"request": request})).unwrap_err();
        assert!(!invalid.message.contains(secret), "{invalid}");
    }
}

#[test]
fn what_is_counted_is_what_would_be_sent() {
    let request = json!({"model": "claude-opus-4-8", "input": "hi", "instructions": "be brief", "user": "u", "stream": true});
    let translated = translate(&json!({"request": request})).unwrap();
    let counted: Value = serde_json::from_slice(&translated.to_count_tokens()).unwrap();
    let sent: Value = serde_json::from_slice(&translated.body).unwrap();
    assert_eq!(
        counted,
        json!({"model": sent["model"], "system": sent["system"], "messages": sent["messages"]})
    );
}

#[test]
fn a_batch_streams_nothing_and_asks_for_something() {
    let params = |members: Value| {
        let mut request = json!({"model": "claude-opus-4-8", "input": "hi"});
        for (name, value) in members.as_object().unwrap() {
            request[name] = value.clone();
        }
        translate(&json!({"request": request}))
            .unwrap()
            .to_batch_params()
            .map_err(|invalid| invalid.param.unwrap())
    };
    let whole: Value = serde_json::from_slice(&params(json!({})).unwrap()).unwrap();
    assert!(whole.get("stream").is_none() && whole["max_tokens"] == json!(128_000), "{whole}");
    assert_eq!(params(json!({"stream": true})).unwrap_err(), "stream");
    assert_eq!(params(json!({"prompt_cache_options": {"prewarm": true}})).unwrap_err(), "max_output_tokens");
}
