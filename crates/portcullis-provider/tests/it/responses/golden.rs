//! Golden files, one case each: `{name, direction, input, expected, why, source}`.

use std::path::Path;

use portcullis_provider::ResponseContext;
use portcullis_provider::anthropic::accumulator::MessageAccumulator;
use portcullis_provider::chat::response::to_completion;
use portcullis_provider::error::{ApiError, UpstreamError};
use portcullis_provider::sse::Decoder;
use portcullis_types::Compliance;
use serde_json::{Value, json};

use super::sdk::{check_chunks, check_completion};
use super::{CREATED, read, to_bytes, translate};

/// Runs `check` on every case of a direction.
fn for_each(direction: &str, check: impl Fn(&str, &Value, &Value)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/responses");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let case: Value = serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
        if case["direction"] == direction {
            let name = case["name"].as_str().unwrap();
            check(name, &case["input"], &case["expected"]);
            count += 1;
        }
    }
    assert!(count >= 30, "only {count} cases of {direction} were found");
}

/// What the request side would have noted down for this request.
fn context(input: &Value) -> ResponseContext {
    let request = &input["request"];
    let tools = request["tools"].as_array().into_iter().flatten();
    let field =
        if request.get("max_completion_tokens").is_some() { "max_completion_tokens" } else { "max_tokens" };
    ResponseContext {
        client_streams: request["stream"] == true,
        include_usage: request["stream_options"]["include_usage"] == true,
        compliance: match (&input["context"]["strict_openai"], &input["context"]["everything"]) {
            (Value::Bool(true), _) => Compliance::Strict,
            (_, Value::Bool(true)) => Compliance::Everything,
            _ => Compliance::Extended,
        },
        service_tier_asked: request.get("service_tier").is_some(),
        max_tokens_field: field,
        custom_tools: tools
            .filter(|tool| tool["type"] == "custom")
            .map(|tool| tool["custom"]["name"].as_str().unwrap().to_owned())
            .collect(),
        legacy_functions: request.get("functions").is_some(),
        ..ResponseContext::default()
    }
}

fn error_of(error: &ApiError) -> Value {
    let body: Value = serde_json::from_slice(&error.openai_body()).unwrap();
    json!({"status": error.status, "type": body["error"]["type"], "code": body["error"]["code"]})
}

fn events_of(input: &Value) -> Vec<(String, String)> {
    let events = input["events"].as_array().unwrap();
    events.iter().map(|e| (e["event"].as_str().unwrap().to_owned(), e["data"].to_string())).collect()
}

#[test]
fn every_message_becomes_the_expected_completion() {
    for_each("chat_response", |name, input, expected| {
        let message = input["response"].to_string();
        let completion = to_completion(message.as_bytes(), &context(input), CREATED).unwrap();
        let body: Value = serde_json::from_slice(&completion.body).unwrap();
        assert_eq!(body, expected["response"], "{name}");
        assert_eq!(completion.stop_reason.as_deref(), input["response"]["stop_reason"].as_str(), "{name}");
        assert_eq!(completion.model, input["response"]["model"].as_str().unwrap(), "{name}");
    });
}

#[test]
fn every_stream_becomes_the_expected_chunks() {
    for_each("chat_stream", |name, input, expected| {
        let bytes = to_bytes(&events_of(input));
        let received = translate([bytes.as_slice()], &context(input));
        let (chunks, comments, done) = read(&received.bytes);
        assert_eq!(json!(chunks), expected["chunks"], "{name}");
        assert_eq!(
            (json!(comments), json!(done)),
            (expected["comments"].clone(), expected["done"].clone()),
            "{name}"
        );
        let error = received.error.as_ref().map_or(Value::Null, error_of);
        assert_eq!(&error, expected.get("error").unwrap_or(&Value::Null), "{name}");
    });
}

#[test]
fn a_stream_cut_at_any_byte_or_in_chunks_of_any_size_gives_the_same_bytes() {
    for_each("chat_stream", |name, input, _| {
        let bytes = to_bytes(&events_of(input));
        let whole = translate([bytes.as_slice()], &context(input));
        assert_eq!(translate(bytes.chunks(1), &context(input)), whole, "{name}");
        for cut in 0..bytes.len() {
            assert_eq!(translate([&bytes[..cut], &bytes[cut..]], &context(input)), whole, "{name}, {cut}");
        }
        for size in 2..=64 {
            assert_eq!(translate(bytes.chunks(size), &context(input)), whole, "{name}, chunks of {size}");
        }
        let crlf = String::from_utf8(bytes).unwrap().replace('\n', "\r\n");
        assert_eq!(translate(crlf.as_bytes().chunks(1), &context(input)), whole, "{name}");
    });
}

/// Whatever the client asks for, the types it knows hold.
#[test]
fn every_answer_and_every_stream_is_of_the_sdks_types() {
    let every = [Compliance::Strict, Compliance::Extended, Compliance::Everything];
    for_each("chat_response", |_, input, _| {
        for compliance in every {
            let context = ResponseContext { compliance, ..context(input) };
            let completion =
                to_completion(input["response"].to_string().as_bytes(), &context, CREATED).unwrap();
            let completion = serde_json::from_slice(&completion.body).unwrap();
            check_completion(&completion, compliance == Compliance::Strict);
        }
    });
    for_each("chat_stream", |_, input, expected| {
        for compliance in every.into_iter().filter(|_| expected["done"] == true) {
            let context = ResponseContext { compliance, ..context(input) };
            let (chunks, _, _) = read(&translate([to_bytes(&events_of(input)).as_slice()], &context).bytes);
            check_chunks(&chunks, compliance == Compliance::Strict, context.include_usage);
        }
    });
}

#[test]
fn a_stream_that_ends_early_never_ends_silently() {
    for_each("chat_stream", |name, input, expected| {
        let bytes = to_bytes(&events_of(input));
        for end in 0..bytes.len() {
            let received = translate([&bytes[..end]], &context(input));
            assert!(received.error.is_some(), "{name}, {end}");
            assert!(!read(&received.bytes).2, "{name}, {end}");
        }
        let whole = translate([bytes.as_slice()], &context(input));
        assert_eq!(whole.error.is_none(), expected["done"] == true, "{name}");
    });
}

#[test]
fn an_aggregated_stream_fails_where_the_stream_fails() {
    for_each("chat_stream", |name, input, expected| {
        let mut accumulator = MessageAccumulator::new();
        let result: Result<(), ApiError> = Decoder::default()
            .push(&to_bytes(&events_of(input)), |event| accumulator.push(event).map(|_| ()));
        let message = result.and_then(|()| accumulator.finish());
        let error = message.as_ref().err().map_or(Value::Null, error_of);
        assert_eq!(&error, expected.get("error").unwrap_or(&Value::Null), "{name}");
        if let Ok(message) = message {
            to_completion(&message, &context(input), CREATED).unwrap();
        }
    });
}

#[test]
fn every_upstream_error_becomes_the_expected_one() {
    for_each("chat_error", |name, input, expected| {
        let header = |wanted: &str| {
            let headers = input["headers"].as_object().unwrap();
            let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.as_str().unwrap().to_owned())
        };
        let body = input["body"].as_str().map_or_else(|| input["body"].to_string(), str::to_owned);
        let status = u16::try_from(input["status"].as_u64().unwrap()).unwrap();
        let error = UpstreamError::parse(status, &header, body.as_bytes()).to_openai(&context(input));
        assert_eq!(json!(error.status), expected["status"], "{name}");
        let got: Value = serde_json::from_slice(&error.openai_body()).unwrap();
        for (field, value) in expected["body"]["error"].as_object().unwrap() {
            assert_eq!(&got["error"][field], value, "{name}: {field}");
        }
        let message = got["error"]["message"].as_str().unwrap();
        assert!(!message.is_empty() && !message.contains('<'), "{name}: {message}");
        assert_eq!(json!(error.retry_after), expected["headers"]["retry-after"], "{name}");
        if let Some(should_retry) = expected["headers"]["x-should-retry"].as_str() {
            assert_eq!(error.should_retry.map(|b| b.to_string()).as_deref(), Some(should_retry), "{name}");
        }
    });
}
