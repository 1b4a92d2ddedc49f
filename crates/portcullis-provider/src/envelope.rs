//! Where the model stands in a Messages body, so that this one value can change and nothing else.
//!
//! A client that speaks the upstream's own dialect gets its bytes forwarded as they are: prompt caches are byte
//! prefixes, and fields we have never heard of belong to the client and the upstream. The whole body is nevertheless
//! read once, so that what is signed and sent is JSON.
//!
//! [`batch`] does the same for the items of a batch, [`answers`] for what comes back about batches, files and the like;
//! [`references`] says which stored objects a body names, [`made`] which ones an answer does.

pub mod answers;
pub mod batch;
pub mod made;
pub mod references;
mod splice;

use std::fmt;
use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use portcullis_types::ModelId;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{self, Json, lenient};

/// What the gateway must know about a same-dialect body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The model, unescaped.
    pub model: String,
    /// The bytes of the model's value in the body, its quotes included.
    pub model_span: Range<usize>,
    /// The client asks for a stream.
    pub stream: bool,
}

impl Envelope {
    /// Reads the whole body once, linear in its size, and copies nothing but the model.
    ///
    /// # Errors
    /// The body is not JSON, not an object, has no `model`, has a `model` that is no string or a `stream` that is no
    /// boolean, or has one of the two twice: the upstream might count the other one.
    pub fn scan(body: &[u8]) -> Result<Self, InvalidRequest> {
        let text = std::str::from_utf8(body)
            .map_err(|error| invalid_json(format_args!("not UTF-8 at index {}", error.valid_up_to())))?;
        let found: Found<'_> = serde_json::from_str(text).map_err(|error| match error.classify() {
            Category::Data => InvalidRequest::body("the request body must be a JSON object"),
            _ => invalid_json(error),
        })?;
        found.check(body)
    }

    /// The body with the model replaced: `body` itself if it names this model already.
    ///
    /// - `body`: the bytes that were scanned.
    ///
    /// # Panics
    /// If `body` is shorter than the one that was scanned.
    pub fn splice_model(&self, body: &Bytes, model: &ModelId) -> Bytes {
        if self.model == model.as_str() {
            return body.clone();
        }
        let mut spliced = BytesMut::with_capacity(body.len() + model.as_str().len());
        spliced.put_slice(&body[..self.model_span.start]);
        // A model id needs no escapes, by its own rules.
        spliced.put_u8(b'"');
        spliced.put_slice(model.as_str().as_bytes());
        spliced.put_u8(b'"');
        spliced.put_slice(&body[self.model_span.end..]);
        spliced.freeze()
    }
}

/// The members that matter, as often as they stand there.
#[derive(Default)]
struct Found<'a> {
    model: Vec<&'a RawValue>,
    stream: Vec<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Found<'de> {
    fn deserialize<D: Deserializer<'de>>(body: D) -> Result<Self, D::Error> {
        body.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// What is skipped is checked for its grammar only: what an escape means is the upstream's to judge.
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Found<'de>, A::Error> {
        let mut found = Found::default();
        while let Some(key) = members.next_key::<&RawValue>()? {
            match lenient::unescape(key.get()).as_str() {
                "model" => found.model.push(members.next_value()?),
                "stream" => found.stream.push(members.next_value()?),
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

impl Found<'_> {
    fn check(self, body: &[u8]) -> Result<Envelope, InvalidRequest> {
        let raw = once("model", self.model)?.ok_or_else(|| {
            InvalidRequest::at(InvalidCode::MissingRequiredParameter, "model", "`model` is missing")
        })?;
        let model = match json::parse_str(raw.get()).map_err(invalid_json)? {
            Json::String(model) => model.decode().into_owned(),
            other => return Err(wrong_type("model", "a string", &other)),
        };
        let start = json::offset_in(body, raw.get().as_bytes());
        let stream = once("stream", self.stream)?.map(|stream| json::parse_str(stream.get())).transpose();
        let stream = match stream.map_err(invalid_json)? {
            // The upstream reads null as absent, so whether to refuse it is the upstream's to say.
            None | Some(Json::Null) => false,
            Some(Json::Bool(stream)) => stream,
            Some(other) => return Err(wrong_type("stream", "a boolean", &other)),
        };
        Ok(Envelope { model, model_span: start..start + raw.get().len(), stream })
    }
}

/// The one value of what must not stand there twice.
fn once<T>(name: &str, mut values: Vec<T>) -> Result<Option<T>, InvalidRequest> {
    if values.len() > 1 {
        let message = format!("`{name}` stands in the body {} times", values.len());
        return Err(InvalidRequest::at(InvalidCode::DuplicateParameter, name, message));
    }
    Ok(values.pop())
}

fn wrong_type(name: &str, wanted: &str, found: &Json<'_>) -> InvalidRequest {
    InvalidRequest::at(
        InvalidCode::InvalidType,
        name,
        format!("`{name}` must be {wanted}, not {}", found.kind()),
    )
}

fn invalid_json(error: impl fmt::Display) -> InvalidRequest {
    InvalidRequest::body(format!("the request body is not valid JSON: {error}"))
}

#[cfg(test)]
mod tests;
