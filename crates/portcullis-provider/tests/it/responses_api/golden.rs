//! Golden files, one case each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use portcullis_provider::error::ApiError;
use portcullis_provider::responses::context::ResponsesContext;
use portcullis_provider::responses::response::to_response;
use serde_json::{Value, json};

use super::streams::to_bytes;
use super::upstream::check_request;
use super::{COMPLETED, CREATED, read, stream, translate};

/// Every case of a direction, with its file.
pub(super) fn cases(direction: &str) -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/responses_api");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        (path, case)
    };
    files.map(read).filter(|(_, case)| case["direction"] == direction).collect()
}

/// What the request side notes down; a case of an answer may leave its request to us.
pub(super) fn context(input: &Value) -> ResponsesContext {
    let mut request = json!({"model": "claude-opus-5-5", "input": "hi"});
    for (key, value) in input["request"].as_object().into_iter().flatten() {
        request[key] = value.clone();
    }
    let input = json!({"request": request, "context": input["context"]});
    translate(&input).unwrap_or_else(|invalid| panic!("{invalid}: {input}")).context
}

/// The events of a case: `[{"event": …, "data": …}]`, or the data alone.
pub(super) fn events_of(input: &Value) -> Vec<(String, String)> {
    let events = input["events"].as_array().unwrap();
    let data = |event: &Value| event.get("data").unwrap_or(event).clone();
    events
        .iter()
        .map(data)
        .map(|data| (data["type"].as_str().unwrap().to_owned(), data.to_string()))
        .collect()
}

fn error_of(error: &ApiError) -> Value {
    let body: Value = serde_json::from_slice(&error.openai_body()).unwrap();
    json!({"status": error.status, "type": body["error"]["type"], "code": body["error"]["code"]})
}

/// What a request becomes, in the form of the files.
fn request(input: &Value) -> Value {
    match translate(input) {
        Err(invalid) => {
            let named = invalid.message.contains(invalid.param.as_deref().unwrap_or_default());
            assert!(named, "{invalid}");
            json!({"error": {"param": invalid.param, "code": invalid.code.as_str()}})
        }
        Ok(translated) => {
            let body: Value = serde_json::from_slice(&translated.body).unwrap();
            check_request(&body);
            let warnings: BTreeSet<&str> = translated.warnings.iter().collect();
            let mut expected = json!({"request": body, "warnings": warnings});
            if !translated.betas.is_empty() {
                expected["headers"] = json!({"anthropic-beta": translated.betas.join(",")});
            }
            expected
        }
    }
}

fn response(input: &Value) -> Value {
    let message = input["response"].to_string();
    let answer = to_response(message.as_bytes(), &context(input), CREATED, COMPLETED).unwrap();
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    let kept: Value = serde_json::from_str(answer.content()).unwrap();
    assert_eq!(kept, input["response"]["content"], "the content is kept verbatim");
    assert_eq!(Some(answer.id.as_str()), body["id"].as_str());
    let warnings: Vec<&str> = answer.warnings.iter().collect();
    if warnings.is_empty() {
        json!({"response": body})
    } else {
        json!({"response": body, "warnings": warnings})
    }
}

fn events(input: &Value) -> Value {
    let bytes = to_bytes(&events_of(input));
    let received = stream([bytes.as_slice()], &context(input));
    let mut expected = json!({"events": read(&received.bytes)});
    if let Some(error) = &received.error {
        expected["error"] = error_of(error);
    }
    expected
}

/// Compares every case of a direction.
fn check(direction: &str, at_least: usize, actual: impl Fn(&Value) -> Value) {
    let cases = cases(direction);
    assert!(cases.len() >= at_least, "only {} cases of {direction} were found", cases.len());
    let different = cases.iter().filter_map(|(path, case)| {
        let actual = actual(&case["input"]);
        let message = || format!("{}: {}\n  {actual}\n  {}", path.display(), case["why"], case["expected"]);
        (actual != case["expected"]).then(message)
    });
    let different: Vec<String> = different.collect();
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

#[test]
fn every_request_becomes_the_expected_one() {
    check("responses_request", 100, request);
}

#[test]
fn every_message_becomes_the_expected_response() {
    check("responses_response", 20, response);
}

#[test]
fn every_stream_becomes_the_expected_events() {
    check("responses_stream", 15, events);
}
