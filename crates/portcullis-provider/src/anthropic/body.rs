//! What else can be made of the body of a Messages request: one that only counts, one for a batch.
//!
//! Members are copied as they were written; those that the other route refuses are left out or named.

use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Writer;
use crate::json::{self, Json, Object};

/// Members that count tokens; the upstream refuses any other ("Extra inputs").
const COUNTED: [&str; 11] = [
    "model",
    "system",
    "messages",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
    "context_management",
    "mcp_servers",
    "speed",
];

/// The body of `POST /v1/messages/count_tokens` that counts what `body` would take; the answer is an estimate.
///
/// - `body`: of a Messages request, as a translation wrote it. What is no JSON object comes back as it is.
#[must_use]
pub fn count_tokens_body(body: &[u8]) -> Vec<u8> {
    match json::parse(body) {
        Ok(Json::Object(object)) => members(&object, |name| COUNTED.contains(&name)),
        _ => body.to_vec(),
    }
}

/// The `params` of an entry of a batch: `body` without `stream`.
///
/// - `client_streams`: the client asked for a stream itself, which no batch can give.
/// - `max_tokens_field`: the client's name for the limit.
///
/// # Errors
/// The request asks for something that no batch does: a stream, `speed`, `fallbacks`, or no token at all.
pub fn batch_params(
    body: &[u8],
    client_streams: bool,
    max_tokens_field: &str,
) -> Result<Vec<u8>, InvalidRequest> {
    let refuse = |name: &str, what: &str| {
        InvalidRequest::at(InvalidCode::UnsupportedValue, name, format!("`{name}` {what} in a batch"))
    };
    if client_streams {
        return Err(refuse("stream", "must not be true"));
    }
    let Ok(Json::Object(object)) = json::parse(body) else {
        return Err(InvalidRequest::body("the body is not a JSON object"));
    };
    if let Some(name) = ["speed", "fallbacks"].into_iter().find(|name| object.given(name).is_some()) {
        return Err(refuse(name, "is not supported"));
    }
    if object.get("max_tokens") == Some(&Json::Number("0")) {
        return Err(refuse(max_tokens_field, "must be at least 1"));
    }
    Ok(members(&object, |name| name != "stream"))
}

fn members(object: &Object<'_>, keep: impl Fn(&str) -> bool) -> Vec<u8> {
    let mut writer = Writer::with_capacity(object.raw.len());
    writer.object(|w| {
        for (name, value) in object.members.iter().filter(|(name, _)| keep(name)) {
            w.foreign_key(name).raw(value.raw());
        }
    });
    writer.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"model":"m","max_tokens":5,"system":[],"messages":[{"role":"user","content":[ ]}],"tools":[{"x":1.0}],"tool_choice":{},"thinking":{},"output_config":{},"stop_sequences":["a"],"stream":true,"metadata":{},"service_tier":"auto","temperature":1,"cache_control":{},"context_management":{},"mcp_servers":[]}"#;

    #[test]
    fn counting_takes_what_counts() {
        let body = String::from_utf8(count_tokens_body(BODY.as_bytes())).unwrap();
        assert_eq!(
            body,
            r#"{"model":"m","system":[],"messages":[{"role":"user","content":[ ]}],"tools":[{"x":1.0}],"tool_choice":{},"thinking":{},"output_config":{},"cache_control":{},"context_management":{},"mcp_servers":[]}"#
        );
    }

    #[test]
    fn a_batch_takes_everything_but_the_stream() {
        let params = batch_params(BODY.as_bytes(), false, "max_tokens").unwrap();
        assert_eq!(String::from_utf8(params).unwrap(), BODY.replace(r#""stream":true,"#, ""));
    }

    #[test]
    fn what_no_batch_does_is_refused_by_the_clients_name() {
        let refused = |body: &str, streams| {
            batch_params(body.as_bytes(), streams, "max_completion_tokens").unwrap_err()
        };
        assert_eq!(refused(BODY, true).param.as_deref(), Some("stream"));
        assert_eq!(refused(r#"{"speed":"fast"}"#, false).param.as_deref(), Some("speed"));
        assert_eq!(refused(r#"{"fallbacks":[]}"#, false).param.as_deref(), Some("fallbacks"));
        assert_eq!(refused(r#"{"max_tokens":0}"#, false).param.as_deref(), Some("max_completion_tokens"));
        assert_eq!(refused("[]", false).code, InvalidCode::InvalidJson);
    }
}
