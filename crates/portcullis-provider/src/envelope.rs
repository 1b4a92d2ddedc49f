//! Where the model stands in a Messages body, so that this one value can change and nothing else.
//!
//! A client that speaks the upstream's own dialect gets its bytes forwarded as they are: prompt caches are byte
//! prefixes, and fields we have never heard of belong to the client and the upstream. The whole body is nevertheless
//! read once, so that what is signed and sent is JSON.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use portcullis_types::ModelId;

use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{Json, Parser, Surrogates, SyntaxError};

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
        let mut parser = Parser::of_bytes(body, Surrogates::Any).map_err(invalid_json)?;
        let mut found = Found::default();
        let start = parser.position();
        if body.get(start) != Some(&b'{') {
            parser.skip_value().and_then(|()| parser.end()).map_err(invalid_json)?;
            return Err(InvalidRequest::body("the request body must be a JSON object"));
        }
        parser
            .members(|parser, key| {
                match key.decode().as_ref() {
                    "model" => found.model.push(read(parser)?),
                    "stream" => found.stream.push(read(parser)?),
                    _ => parser.skip_value()?,
                }
                Ok(())
            })
            .and_then(|()| parser.end())
            .map_err(invalid_json)?;
        found.check()
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
    model: Vec<(Range<usize>, Json<'a>)>,
    stream: Vec<(Range<usize>, Json<'a>)>,
}

fn read<'a>(parser: &mut Parser<'a>) -> Result<(Range<usize>, Json<'a>), SyntaxError> {
    let start = parser.position();
    let value = parser.value()?;
    Ok((start..start + value.raw().len(), value))
}

impl Found<'_> {
    fn check(self) -> Result<Envelope, InvalidRequest> {
        let (model_span, model) = once("model", self.model)?.ok_or_else(|| {
            InvalidRequest::at(InvalidCode::MissingRequiredParameter, "model", "`model` is missing")
        })?;
        let Json::String(model) = model else {
            return Err(wrong_type("model", "a string", &model));
        };
        let stream = match once("stream", self.stream)?.map(|(_, stream)| stream) {
            // The upstream reads null as absent, so whether to refuse it is the upstream's to say.
            None | Some(Json::Null) => false,
            Some(Json::Bool(stream)) => stream,
            Some(other) => return Err(wrong_type("stream", "a boolean", &other)),
        };
        Ok(Envelope { model: model.decode().into_owned(), model_span, stream })
    }
}

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

fn invalid_json(error: SyntaxError) -> InvalidRequest {
    InvalidRequest::body(format!("the request body is not valid JSON: {error}"))
}

#[cfg(test)]
mod tests;
