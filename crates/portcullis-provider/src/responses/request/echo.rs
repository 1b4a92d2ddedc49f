//! What a response repeats of its request. It is kept as well, so what opens a server of tools is left out, as OpenAI does.

use serde_json::Value;

use crate::json::{Object, lenient};
use crate::responses::context::Echo;

const REPEATED: [&str; 17] = [
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// The parameters as they were written, without white space: they become part of an event's one line.
pub(super) fn of(request: &Object<'_>) -> Echo {
    let given = REPEATED.into_iter().filter_map(|name| Some((name, request.given(name)?)));
    let compact = given.filter_map(|(name, value)| {
        let value: Value = lenient::read(value.raw())?;
        Some((name, without_secrets(name, with_defaults(name, value)).to_string()))
    });
    Echo(compact.collect())
}

/// Members that clients read without asking whether they are there.
fn with_defaults(name: &str, mut value: Value) -> Value {
    let members = match name {
        "text" => &[("format", r#"{"type":"text"}"#)][..],
        "reasoning" => &[("effort", "null"), ("summary", "null")][..],
        _ => &[],
    };
    if let Value::Object(object) = &mut value {
        for (member, default) in members {
            let missing = object.get(*member).is_none_or(Value::is_null);
            if missing {
                object.insert((*member).to_owned(), lenient::read(default).unwrap_or_default());
            }
        }
    }
    value
}

/// Tools without the tokens and headers of their servers.
fn without_secrets(name: &str, mut value: Value) -> Value {
    if name == "tools" {
        for tool in value.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            tool.shift_remove("authorization");
            tool.shift_remove("headers");
        }
    }
    value
}
