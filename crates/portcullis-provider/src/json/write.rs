//! The way out: JSON written straight into a buffer, in the order the caller chose.

use std::borrow::Cow;

use super::Text;

/// A string on its way out: as it was written by the client, or as it is meant and still to be escaped.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Str<'a> {
    /// As it was written.
    Raw(Text<'a>),
    /// Not yet escaped.
    Plain(Cow<'a, str>),
}

impl<'a> Str<'a> {
    pub(crate) fn decode(&self) -> Cow<'a, str> {
        match self {
            Self::Raw(text) => text.decode(),
            Self::Plain(text) => text.clone(),
        }
    }
}

impl<'a> From<Text<'a>> for Str<'a> {
    fn from(text: Text<'a>) -> Self {
        Self::Raw(text)
    }
}

impl<'a> From<&'a str> for Str<'a> {
    fn from(text: &'a str) -> Self {
        Self::Plain(Cow::Borrowed(text))
    }
}

impl From<String> for Str<'_> {
    fn from(text: String) -> Self {
        Self::Plain(Cow::Owned(text))
    }
}

/// Writes JSON. It puts the commas; the caller opens and closes.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
    /// A value stands before the next one, so a comma is due.
    comma: bool,
}

impl Writer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { out: Vec::with_capacity(capacity), comma: false }
    }

    /// Writes behind what is there already.
    pub(crate) fn appending_to(out: Vec<u8>) -> Self {
        Self { out, comma: false }
    }

    /// How much was written, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    pub(crate) fn into_string(self) -> String {
        String::from_utf8(self.out).expect("only whole strings were written")
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    fn open(&mut self, bracket: u8) {
        self.separate();
        self.out.push(bracket);
        self.comma = false;
    }

    fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.comma = true;
    }

    pub(crate) fn object<R>(&mut self, fill: impl FnOnce(&mut Self) -> R) -> R {
        self.open(b'{');
        let filled = fill(self);
        self.close(b'}');
        filled
    }

    pub(crate) fn array<R>(&mut self, fill: impl FnOnce(&mut Self) -> R) -> R {
        self.open(b'[');
        let filled = fill(self);
        self.close(b']');
        filled
    }

    /// A key that needs no escape; its value comes next.
    pub(crate) fn key(&mut self, key: &str) -> &mut Self {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.comma = false;
        self
    }

    /// A key from outside.
    pub(crate) fn foreign_key(&mut self, key: &str) -> &mut Self {
        self.plain(key);
        self.out.push(b':');
        self.comma = false;
        self
    }

    /// A value that is JSON already.
    pub(crate) fn raw(&mut self, json: &str) {
        self.separate();
        self.out.extend_from_slice(json.as_bytes());
    }

    /// An object that is JSON already, with more members at its end.
    pub(crate) fn raw_object_and(&mut self, object: &str, more: impl FnOnce(&mut Self)) {
        self.separate();
        let inside = object.strip_suffix('}').unwrap_or(object);
        self.out.extend_from_slice(inside.as_bytes());
        self.comma = inside.len() > 1 && !inside[1..].trim_ascii().is_empty();
        more(self);
        self.close(b'}');
    }

    pub(crate) fn string(&mut self, text: &Str<'_>) {
        match text {
            Str::Plain(text) => self.plain(text),
            Str::Raw(text) => self.raw(text.quoted()),
        }
    }

    /// A string that is still to be escaped.
    pub(crate) fn plain(&mut self, text: &str) {
        self.separate();
        // Images are long and need no escape; a fold without an early exit is what the compiler turns into vector
        // instructions, where `serde_json` looks at each byte.
        let escapes = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
        if text.bytes().fold(false, |seen, byte| seen | escapes(byte)) {
            serde_json::to_writer(&mut self.out, text)
                .expect("any text is a JSON string, and a buffer takes it");
        } else {
            self.out.push(b'"');
            self.out.extend_from_slice(text.as_bytes());
            self.out.push(b'"');
        }
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    pub(crate) fn integer(&mut self, value: u64) {
        self.raw(&value.to_string());
    }
}
