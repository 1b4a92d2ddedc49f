//! Reads a request's JSON body: its media type, its size, its syntax, and that no name is given twice.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::AdminError;
use crate::fields::read::type_name;

/// The largest body, in bytes. The largest honest one is a few kilobytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A request's body: a JSON object, not yet read. It may hold secrets, so it has no `Debug`.
pub(crate) struct JsonObject(pub(crate) Map<String, Value>);

/// Why a body cannot be read at all. The caller's mistake, each one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnreadableBody {
    #[error("the body must be JSON, sent with the header `content-type: application/json`")]
    MediaType,
    #[error("the body is larger than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    #[error("the body did not arrive whole")]
    Incomplete,
    #[error("the body is empty; send a JSON object")]
    Empty,
    #[error("the body is not valid JSON at line {line}, column {column}: {reason}")]
    Syntax { line: usize, column: usize, reason: String },
    #[error("the body must be a JSON object, not {0}")]
    NotAnObject(&'static str),
    #[error("the body gives `{0}` twice in one object")]
    Duplicate(String),
}

impl<S: Send + Sync> FromRequest<S> for JsonObject {
    type Rejection = AdminError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, AdminError> {
        if !is_json(request.headers()) {
            return Err(UnreadableBody::MediaType.into());
        }
        // The limit's own error tells "too large" from "broken off".
        let body = to_bytes(request.into_body(), MAX_BODY_BYTES).await.map_err(|error| {
            let too_large = std::error::Error::source(&error)
                .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
            if too_large { UnreadableBody::TooLarge } else { UnreadableBody::Incomplete }
        })?;
        Ok(Self(parse(&body)?))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The JSON object that `body` is.
fn parse(body: &[u8]) -> Result<Map<String, Value>, UnreadableBody> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(UnreadableBody::Empty);
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| syntax(&error))?;
    let Value::Object(object) = value else { return Err(UnreadableBody::NotAnObject(type_name(&value))) };
    // The map has kept the last of two values; another reader on the way may have acted on the first.
    match duplicate_name(body) {
        Some(name) => Err(UnreadableBody::Duplicate(crate::problem::echo(&name))),
        None => Ok(object),
    }
}

fn syntax(error: &serde_json::Error) -> UnreadableBody {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or_default().to_owned();
    UnreadableBody::Syntax { line: error.line(), column: error.column(), reason }
}

/// The first name that stands twice in one object of `json`, which is known to be valid.
fn duplicate_name(json: &[u8]) -> Option<String> {
    let members: Members<'_> = serde_json::from_slice(json).ok()?;
    let mut seen = std::collections::HashSet::new();
    for (name, _) in &members.0 {
        if !seen.insert(name) {
            return Some(name.clone());
        }
    }
    members.0.iter().find_map(|(_, value)| duplicate_name(value.get().as_bytes()))
}

/// The members of an object, or the items of an array under distinct names, as they stand in the text.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> serde::de::Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(item) = items.next_element()? {
            members.push((members.len().to_string(), item));
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests;
