//! What must hold of anything that is sent on: upstream's requests, clients' bodies and clients' events.

use portcullis_provider::{ApiError, Warnings};
use serde_json::{Map, Value};

/// The object that this text is. Nothing else may leave a translation.
#[must_use]
pub fn object(json: &[u8]) -> Map<String, Value> {
    match serde_json::from_slice(json) {
        Ok(Value::Object(object)) => object,
        other => panic!("{other:?} is no object: {}", String::from_utf8_lossy(json)),
    }
}

/// A Messages request that any version of the upstream would read, whatever it thinks of its values.
pub fn check_messages_request(body: &[u8], model: &str, betas: &[String], warnings: &Warnings) {
    let request = object(body);
    assert_eq!(request["model"], model);
    assert!(request["max_tokens"].is_u64(), "{}", request["max_tokens"]);
    let messages = request["messages"].as_array().expect("`messages` is an array");
    assert!(!messages.is_empty(), "a conversation begins with a turn");
    for message in messages {
        let role = message["role"].as_str().expect("a turn has a role");
        assert!(["user", "assistant", "system"].contains(&role), "{role}");
        assert!(message["content"].is_string() || message["content"].is_array(), "{message}");
    }
    assert!(betas.iter().all(|beta| is_header_value(beta)), "{betas:?}");
    assert!(warnings.header_value().is_none_or(|value| is_header_value(&value)));
}

/// What HTTP carries without a change.
fn is_header_value(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// A refusal in OpenAI's words.
pub fn check_error(error: &ApiError) {
    let body = object(&error.openai_body());
    assert!(body["error"]["message"].is_string() && body["error"]["type"].is_string(), "{body:?}");
    assert!((400..=599).contains(&error.status), "{}", error.status);
}

/// The JSON of each event that a client received, and whether OpenAI's end mark came last. Comments are left out.
#[must_use]
pub fn events(sent: &[u8]) -> (Vec<Value>, bool) {
    let text = std::str::from_utf8(sent).expect("a client is sent text");
    assert!(text.is_empty() || text.ends_with("\n\n"), "a client is sent whole events");
    let mut events = Vec::new();
    let mut ended = false;
    for event in text.split_terminator("\n\n").filter(|event| !event.starts_with(':')) {
        assert!(!ended, "nothing follows the end mark");
        let data = event.lines().find_map(|line| line.strip_prefix("data: ")).expect("an event has data");
        match data {
            "[DONE]" => ended = true,
            _ => events.push(Value::Object(object(data.as_bytes()))),
        }
    }
    (events, ended)
}
