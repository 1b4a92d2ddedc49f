//! A line of the input file.

use std::borrow::Cow;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::json::{self, Json, Object};

/// What the lines of a batch ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BatchEndpoint {
    /// Chat completions.
    #[serde(rename = "/v1/chat/completions")]
    ChatCompletions,
    /// Responses.
    #[serde(rename = "/v1/responses")]
    Responses,
}

/// Why a string is no [`BatchEndpoint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `/v1/chat/completions` or `/v1/responses`")]
pub struct InvalidEndpoint;

impl BatchEndpoint {
    /// The path, as lines and batches write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
        }
    }
}

impl FromStr for BatchEndpoint {
    type Err = InvalidEndpoint;

    fn from_str(raw: &str) -> Result<Self, InvalidEndpoint> {
        [Self::ChatCompletions, Self::Responses]
            .into_iter()
            .find(|one| one.as_str() == raw)
            .ok_or(InvalidEndpoint)
    }
}

/// Why a batch failed before anything was sent; an entry of its `errors.data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineError {
    /// A stable code, OpenAI's where it has one.
    pub code: Cow<'static, str>,
    /// The line, counted from 1; none when the file as a whole is to blame.
    pub line: Option<u64>,
    /// A sentence for people. It repeats nothing of a prompt.
    pub message: String,
    /// The member of the line that is to blame.
    pub param: Option<Cow<'static, str>>,
}

impl LineError {
    /// The file as a whole is to blame.
    pub fn file(code: &'static str, message: impl Into<String>) -> Self {
        Self { code: code.into(), line: None, message: message.into(), param: None }
    }

    /// A line is to blame.
    pub fn at(number: u64, code: &'static str, message: impl Into<String>) -> Self {
        Self { line: Some(number), ..Self::file(code, message) }
    }

    /// A member of the line is to blame.
    #[must_use]
    pub fn of(self, param: &'static str) -> Self {
        Self { param: Some(param.into()), ..self }
    }
}

/// A line of the input file: `{"custom_id","method":"POST","url","body"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputLine<'a> {
    /// The client's id for it.
    pub custom_id: Cow<'a, str>,
    /// The `model` of the body, if it is a text.
    pub model: Option<Cow<'a, str>>,
    /// The body's JSON as it was written.
    pub body: &'a str,
}

impl<'a> InputLine<'a> {
    /// Reads a line.
    ///
    /// - `number`: counted from 1, for errors.
    ///
    /// # Errors
    /// It is no JSON object, lacks a member, or asks for something else than `endpoint`. The batch fails then; whether the
    /// body is a request is judged later, and concerns the line alone.
    pub fn parse(line: &'a [u8], number: u64, endpoint: BatchEndpoint) -> Result<Self, LineError> {
        let object = object_of(line, number)?;
        let custom_id = required_text(&object, "custom_id", number)?;
        let method = required_text(&object, "method", number)?;
        if method != "POST" {
            return Err(LineError::at(number, "invalid_method", "`method` must be `POST`").of("method"));
        }
        let url = required_text(&object, "url", number)?;
        if url != endpoint.as_str() {
            let message = format!("`url` must be the batch's endpoint, `{}`", endpoint.as_str());
            return Err(LineError::at(number, "url_mismatch", message).of("url"));
        }
        let body = required_object(&object, "body", number)?;
        let model = body.text("model").map(json::Text::decode);
        Ok(Self { custom_id, model, body: body.raw })
    }
}

/// An item of Portkey's inline form: `{"custom_id","params"}`, the parameters in the upstream's own dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineItem<'a> {
    /// The client's id for it.
    pub custom_id: Cow<'a, str>,
    /// The parameters' JSON as it was written.
    pub params: &'a str,
}

impl<'a> InlineItem<'a> {
    /// Reads an item.
    ///
    /// - `number`: counted from 1, for errors.
    ///
    /// # Errors
    /// It is no JSON object, or lacks a member.
    pub fn parse(item: &'a [u8], number: u64) -> Result<Self, LineError> {
        let object = object_of(item, number)?;
        let custom_id = required_text(&object, "custom_id", number)?;
        let params = required_object(&object, "params", number)?.raw;
        Ok(Self { custom_id, params })
    }
}

fn object_of(line: &[u8], number: u64) -> Result<Object<'_>, LineError> {
    let invalid = |why: String| LineError::at(number, "invalid_json_line", why);
    match json::parse(line) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(other) => Err(invalid(format!("a line must be a JSON object, not {}", other.kind()))),
        Err(error) => Err(invalid(format!("the line is not valid JSON: {error}"))),
    }
}

fn required<'j, 'a>(
    object: &'j Object<'a>,
    name: &'static str,
    number: u64,
) -> Result<&'j Json<'a>, LineError> {
    let missing = || {
        let message = format!("the line has no `{name}`");
        LineError::at(number, "missing_required_parameter", message).of(name)
    };
    object.given(name).ok_or_else(missing)
}

fn required_text<'a>(
    object: &Object<'a>,
    name: &'static str,
    number: u64,
) -> Result<Cow<'a, str>, LineError> {
    match required(object, name, number)? {
        Json::String(text) => Ok(text.decode()),
        other => Err(wrong_type(name, "a string", other, number)),
    }
}

fn required_object<'j, 'a>(
    object: &'j Object<'a>,
    name: &'static str,
    number: u64,
) -> Result<&'j Object<'a>, LineError> {
    match required(object, name, number)? {
        Json::Object(inner) => Ok(inner),
        other => Err(wrong_type(name, "an object", other, number)),
    }
}

fn wrong_type(name: &'static str, wanted: &str, found: &Json<'_>, number: u64) -> LineError {
    let message = format!("`{name}` must be {wanted}, not {}", found.kind());
    LineError::at(number, "invalid_type", message).of(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> (String, Option<String>) {
        let error = InputLine::parse(line.as_bytes(), 3, BatchEndpoint::ChatCompletions).unwrap_err();
        assert_eq!(error.line, Some(3));
        (error.code.into_owned(), error.param.map(Cow::into_owned))
    }

    #[test]
    fn a_line_is_read_and_its_body_keeps_its_text() {
        let line = r#"{"custom_id":"é \"1\"","method":"POST","url":"/v1/chat/completions","body":{ "model":"@c/m", "n":1.0 }}"#;
        let read = InputLine::parse(line.as_bytes(), 1, BatchEndpoint::ChatCompletions).unwrap();
        assert_eq!((read.custom_id.as_ref(), read.model.as_deref()), ("é \"1\"", Some("@c/m")));
        assert_eq!(read.body, r#"{ "model":"@c/m", "n":1.0 }"#);
    }

    #[test]
    fn what_is_wrong_with_a_line_has_openais_code_and_the_members_name() {
        let check = |line: &str, code: &str, param: Option<&str>| {
            assert_eq!(refused(line), (code.to_owned(), param.map(str::to_owned)), "{line}");
        };
        check("{", "invalid_json_line", None);
        check("[]", "invalid_json_line", None);
        let missing = "missing_required_parameter";
        check("{}", missing, Some("custom_id"));
        check(r#"{"custom_id":null}"#, missing, Some("custom_id"));
        check(r#"{"custom_id":7}"#, "invalid_type", Some("custom_id"));
        check(r#"{"custom_id":"a"}"#, missing, Some("method"));
        check(r#"{"custom_id":"a","method":"GET"}"#, "invalid_method", Some("method"));
        check(r#"{"custom_id":"a","method":"POST"}"#, missing, Some("url"));
        let other = r#"{"custom_id":"a","method":"POST","url":"/v1/embeddings","body":{}}"#;
        check(other, "url_mismatch", Some("url"));
        check(r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions"}"#, missing, Some("body"));
        let text = r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":"x"}"#;
        check(text, "invalid_type", Some("body"));
    }

    #[test]
    fn an_inline_item_keeps_its_parameters_text() {
        let item = InlineItem::parse(br#"{"custom_id":"a","params":{"x" : 1e400}}"#, 1).unwrap();
        assert_eq!((item.custom_id.as_ref(), item.params), ("a", r#"{"x" : 1e400}"#));
        let error = InlineItem::parse(br#"{"custom_id":"a"}"#, 2).unwrap_err();
        assert_eq!((error.line, error.param.as_deref()), (Some(2), Some("params")));
    }
}
