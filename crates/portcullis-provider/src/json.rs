//! JSON as it was written: a tree that borrows the body and knows the text of each of its values.
//!
//! A translation mostly moves text it does not look into: prompts, images, tool schemas, arguments. Here every value
//! remembers where it stands in the body, so that it can be copied as it is, escapes, number text, key order and all.
//! `serde_json`'s own tree would copy every string, and its `RawValue` would read every level of the body again; the
//! figures stand in `docs/decisions/0003-json-reader.md`.
//!
//! Start at [`parse()`]; [`mod@write`] is the way out.

pub(crate) mod lenient;
mod read;
pub(crate) mod write;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub(crate) use read::{parse, parse_str};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// The number's text.
    Number(&'a str),
    String(Text<'a>),
    Array(Array<'a>),
    Object(Object<'a>),
}

/// A string, unescaped only when asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Text<'a> {
    /// As written, with its quotes.
    quoted: &'a str,
}

/// An array and its text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array<'a> {
    pub(crate) raw: &'a str,
    pub(crate) items: Vec<Json<'a>>,
}

/// An object and its text. A key may stand twice; the last one counts, as in every JSON library clients use.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object<'a> {
    pub(crate) raw: &'a str,
    pub(crate) members: Vec<(Cow<'a, str>, Json<'a>)>,
}

impl<'a> Json<'a> {
    /// The value as it was written.
    pub(crate) fn raw(&self) -> &'a str {
        match self {
            Self::Null => "null",
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
            Self::Number(text) => text,
            Self::String(text) => text.quoted,
            Self::Array(array) => array.raw,
            Self::Object(object) => object.raw,
        }
    }

    /// What this is, with an article, for a sentence that refuses it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn as_text(&self) -> Option<Text<'a>> {
        if let Self::String(text) = self { Some(*text) } else { None }
    }

    pub(crate) fn as_object(&self) -> Option<&Object<'a>> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    pub(crate) fn as_array(&self) -> Option<&Array<'a>> {
        if let Self::Array(array) = self { Some(array) } else { None }
    }

    /// The number, as near as 64-bit floating point comes to it.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        if let Self::Number(text) = self { text.parse().ok() } else { None }
    }
}

impl<'a> Text<'a> {
    /// With its quotes.
    pub(crate) fn quoted(self) -> &'a str {
        self.quoted
    }

    /// Without its quotes, still escaped.
    pub(crate) fn inner(self) -> &'a str {
        &self.quoted[1..self.quoted.len() - 1]
    }

    /// What is meant. Borrows unless something was escaped.
    pub(crate) fn decode(self) -> Cow<'a, str> {
        if self.is_escaped() {
            Cow::Owned(lenient::unescape(self.quoted))
        } else {
            Cow::Borrowed(self.inner())
        }
    }

    fn is_escaped(self) -> bool {
        memchr::memchr(b'\\', self.quoted.as_bytes()).is_some()
    }

    /// Whether it is empty or white space only. Reads the beginning, and more only if that does not tell.
    pub(crate) fn is_blank(self) -> bool {
        let rest = self.inner().trim_start();
        if rest.starts_with('\\') { self.decode().trim_start().is_empty() } else { rest.is_empty() }
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.decode() == other
    }
}

impl<'a> From<Text<'a>> for Cow<'a, str> {
    fn from(text: Text<'a>) -> Self {
        text.decode()
    }
}

impl<'a> Object<'a> {
    /// The value of the last member of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// As [`Object::get`], but null counts as absent.
    pub(crate) fn given(&self, name: &str) -> Option<&Json<'a>> {
        self.get(name).filter(|value| !value.is_null())
    }

    /// The member's text, if it is a string.
    pub(crate) fn text(&self, name: &str) -> Option<Text<'a>> {
        self.get(name).and_then(Json::as_text)
    }
}

/// Where a part of some text begins in it. Both libraries hand out parts without their places.
///
/// - `part`: a slice of `whole`, not a copy.
pub(crate) fn offset_in(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr() as usize - whole.as_ptr() as usize
}
