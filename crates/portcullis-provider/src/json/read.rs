//! The reader: `jiter` finds and checks the tokens, this remembers where each value stands.

use std::borrow::Cow;

use jiter::{Jiter, JiterError, Peek};

use super::{Array, Json, Object, Text, offset_in};

/// How deep values may nest: far more than any request needs, far less than the stack holds.
const DEPTH_LIMIT: usize = 128;

/// Why bytes are not JSON.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SyntaxError {
    #[error("the text is not UTF-8 at index {0}")]
    NotUtf8(usize),
    #[error("values nest too deeply at index {0}")]
    TooDeep(usize),
    /// Half a surrogate pair is one of these as well: no text can hold it.
    #[error("{0}")]
    Malformed(#[from] JiterError),
}

/// Reads a whole body: one pass, strict, without copies.
pub(crate) fn parse(body: &[u8]) -> Result<Json<'_>, SyntaxError> {
    parse_str(std::str::from_utf8(body).map_err(|error| SyntaxError::NotUtf8(error.valid_up_to()))?)
}

/// Reads a whole text.
pub(crate) fn parse_str(text: &str) -> Result<Json<'_>, SyntaxError> {
    let mut reader = Reader { text, tokens: Jiter::new(text.as_bytes()), depth: 0 };
    let first = reader.tokens.peek()?;
    let value = reader.value(first)?;
    reader.tokens.finish()?;
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    tokens: Jiter<'a>,
    depth: usize,
}

type Parsed<T> = Result<T, SyntaxError>;

impl<'a> Reader<'a> {
    fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.tokens.current_index()]
    }

    /// Reads the value that begins here.
    fn value(&mut self, first: Peek) -> Parsed<Json<'a>> {
        let start = self.tokens.current_index();
        Ok(match first {
            Peek::Null => {
                self.tokens.known_null()?;
                Json::Null
            }
            Peek::True | Peek::False => Json::Bool(self.tokens.known_bool(first)?),
            Peek::String => {
                self.tokens.known_bytes()?;
                Json::String(Text { quoted: self.since(start) })
            }
            Peek::Array => {
                let items = self.nested(Self::items)?;
                Json::Array(Array { raw: self.since(start), items })
            }
            Peek::Object => {
                let members = self.nested(Self::members)?;
                Json::Object(Object { raw: self.since(start), members })
            }
            // Digits and signs; on whatever else begins here, this fails.
            _ => {
                self.tokens.known_number_bytes(first)?;
                Json::Number(self.since(start))
            }
        })
    }

    /// Reads something that holds values, if it is not too deep for that.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEPTH_LIMIT {
            return Err(SyntaxError::TooDeep(self.tokens.current_index()));
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn items(&mut self) -> Parsed<Vec<Json<'a>>> {
        let mut items = Vec::new();
        let mut next = self.tokens.known_array()?;
        while let Some(first) = next {
            items.push(self.value(first)?);
            next = self.tokens.array_step()?;
        }
        Ok(items)
    }

    fn members(&mut self) -> Parsed<Vec<(Cow<'a, str>, Json<'a>)>> {
        let text = self.text;
        let mut members = Vec::new();
        let mut next = self.tokens.next_object_bytes()?.map(|key| key_of(text, key));
        while let Some(key) = next {
            let first = self.tokens.peek()?;
            members.push((key.decode(), self.value(first)?));
            next = self.tokens.next_key_bytes()?.map(|key| key_of(text, key));
        }
        Ok(members)
    }
}

/// A key with its quotes.
fn key_of<'a>(text: &'a str, key: &[u8]) -> Text<'a> {
    let start = offset_in(text.as_bytes(), key);
    Text { quoted: &text[start - 1..start + key.len() + 1] }
}
