//! The reader: one pass, strict, without copies.

use std::borrow::Cow;

use super::{Array, Json, Object, Text};

/// How deep values may nest; what `serde_json` allows, and far more than any request needs.
const DEPTH_LIMIT: usize = 128;

/// Why bytes are not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {at}")]
pub(crate) struct SyntaxError {
    pub(crate) reason: &'static str,
    pub(crate) at: usize,
}

/// What to do with `\ud800`-like escapes that lack their other half. JSON's grammar allows them; no text can hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surrogates {
    /// They are an error: the text will be unescaped, or sent to somebody who refuses it.
    Paired,
    /// They pass.
    Any,
}

/// Reads a whole body.
pub(crate) fn parse(body: &[u8]) -> Result<Json<'_>, SyntaxError> {
    parse_str(utf8(body)?)
}

/// Reads a whole text.
pub(crate) fn parse_str(text: &str) -> Result<Json<'_>, SyntaxError> {
    let mut parser = Parser::new(text, Surrogates::Paired);
    let value = parser.value()?;
    parser.end()?;
    Ok(value)
}

/// The body as text.
pub(super) fn utf8(body: &[u8]) -> Result<&str, SyntaxError> {
    std::str::from_utf8(body)
        .map_err(|error| SyntaxError { reason: "the text is not UTF-8", at: error.valid_up_to() })
}

/// A position in a text, and how to go on from there.
pub(crate) struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    surrogates: Surrogates,
}

type Parsed<T> = Result<T, SyntaxError>;

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, surrogates: Surrogates) -> Self {
        Self { text, at: 0, depth: 0, surrogates }
    }

    /// As [`Parser::new`], for bytes.
    pub(crate) fn of_bytes(body: &'a [u8], surrogates: Surrogates) -> Parsed<Self> {
        Ok(Self::new(utf8(body)?, surrogates))
    }

    /// The byte the next token starts at.
    pub(crate) fn position(&mut self) -> usize {
        self.skip_space();
        self.at
    }

    fn fail<T>(&self, reason: &'static str) -> Parsed<T> {
        Err(SyntaxError { reason, at: self.at })
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Takes `wanted` if it is the next token.
    pub(crate) fn take(&mut self, wanted: u8) -> bool {
        self.skip_space();
        let found = self.byte() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Parsed<()> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { self.fail("something follows the JSON value") }
    }

    /// Reads one value.
    pub(crate) fn value(&mut self) -> Parsed<Json<'a>> {
        self.skip_space();
        match self.byte() {
            Some(b'"') => self.string().map(Json::String),
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Number),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) => self.fail("a JSON value was expected"),
            None => self.fail("the JSON ends too early"),
        }
    }

    /// Reads one value and forgets it.
    pub(crate) fn skip_value(&mut self) -> Parsed<()> {
        self.skip_space();
        match self.byte() {
            Some(b'{') => self.members(|parser, _| parser.skip_value()),
            Some(b'[') => self.items(Self::skip_value),
            _ => self.value().map(drop),
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Parsed<Json<'a>> {
        if !self.text[self.at..].starts_with(word) {
            return self.fail("a JSON value was expected");
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self) -> Parsed<Json<'a>> {
        let start = self.at;
        let mut members = Vec::new();
        self.members(|parser, key| {
            let value = parser.value()?;
            members.push((key.decode(), value));
            Ok(())
        })?;
        Ok(Json::Object(Object { raw: &self.text[start..self.at], members }))
    }

    fn array(&mut self) -> Parsed<Json<'a>> {
        let start = self.at;
        let mut items = Vec::new();
        self.items(|parser| {
            items.push(parser.value()?);
            Ok(())
        })?;
        Ok(Json::Array(Array { raw: &self.text[start..self.at], items }))
    }

    /// Walks over an object. `member` reads the value that follows its key.
    pub(crate) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, Text<'a>) -> Parsed<()>,
    ) -> Parsed<()> {
        self.enter()?;
        if !self.take(b'}') {
            loop {
                self.skip_space();
                if self.byte() != Some(b'"') {
                    return self.fail("a key was expected");
                }
                let key = self.string()?;
                if !self.take(b':') {
                    return self.fail("`:` was expected");
                }
                member(self, key)?;
                if self.take(b'}') {
                    break;
                }
                if !self.take(b',') {
                    return self.fail("`,` or `}` was expected");
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn items(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        self.enter()?;
        if !self.take(b']') {
            loop {
                item(self)?;
                if self.take(b']') {
                    break;
                }
                if !self.take(b',') {
                    return self.fail("`,` or `]` was expected");
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Steps over the opening bracket.
    fn enter(&mut self) -> Parsed<()> {
        if self.depth == DEPTH_LIMIT {
            return self.fail("the JSON nests too deeply");
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Reads a string; the opening quote is the next byte.
    pub(crate) fn string(&mut self) -> Parsed<Text<'a>> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let Some(run) = memchr::memchr2(b'"', b'\\', rest) else {
                self.at = self.text.len();
                return self.fail("a string does not end");
            };
            // A fold without an early exit is what the compiler turns into vector instructions.
            if rest[..run].iter().fold(false, |seen, byte| seen | (*byte < 0x20)) {
                return self.fail("a string holds a control character");
            }
            self.at += run + 1;
            if rest[run] == b'"' {
                return Ok(Text { quoted: &self.text[start..self.at], escaped });
            }
            escaped = true;
            self.escape()?;
        }
    }

    /// Steps over what follows a backslash.
    fn escape(&mut self) -> Parsed<()> {
        match self.byte() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                let unit = self.hex_unit()?;
                match unit {
                    _ if self.surrogates == Surrogates::Any => Ok(()),
                    0xD800..=0xDBFF => self.low_surrogate(),
                    0xDC00..=0xDFFF => self.fail("a string holds half a surrogate pair"),
                    _ => Ok(()),
                }
            }
            _ => self.fail("a string holds an unknown escape"),
        }
    }

    fn low_surrogate(&mut self) -> Parsed<()> {
        if self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            self.at += 1;
            if (0xDC00..=0xDFFF).contains(&self.hex_unit()?) {
                return Ok(());
            }
        }
        self.fail("a string holds half a surrogate pair")
    }

    /// Reads `uXXXX`.
    fn hex_unit(&mut self) -> Parsed<u16> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5).unwrap_or_default();
        match hex_value(digits) {
            Some(unit) => {
                self.at += 5;
                Ok(unit)
            }
            None => self.fail("a string holds an unknown escape"),
        }
    }

    fn number(&mut self) -> Parsed<&'a str> {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        let leading_zero = self.byte() == Some(b'0');
        if self.digits() == 0
            || (leading_zero && self.at - start > 1 + usize::from(self.text[start..].starts_with('-')))
        {
            return self.fail("a number is malformed");
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return self.fail("a number is malformed");
            }
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return self.fail("a number is malformed");
            }
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }
}

fn hex_value(digits: &[u8]) -> Option<u16> {
    if digits.len() != 4 {
        return None;
    }
    digits.iter().try_fold(0_u16, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)? as u16))
}

/// Unescapes the inside of a string that was read with [`Surrogates::Paired`]; half a pair, which then cannot occur,
/// becomes U+FFFD.
pub(super) fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let escape = rest.bytes().next().unwrap_or(b'\\');
        let mut taken = usize::from(!rest.is_empty());
        match escape {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => {
                let (decoded, length) = unescape_unit(rest.as_bytes());
                out.push(decoded);
                taken = length;
            }
            other => out.push(char::from(other)),
        }
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
}

/// The character of `uXXXX` or `uXXXX\uXXXX`, and how many bytes that took.
fn unescape_unit(bytes: &[u8]) -> (char, usize) {
    let high = bytes.get(1..5).and_then(hex_value).unwrap_or(0xFFFD);
    if let Some(plain) = char::from_u32(u32::from(high)) {
        return (plain, 5);
    }
    let low = bytes.get(7..11).filter(|_| bytes[5..].starts_with(b"\\u")).and_then(hex_value);
    let pair = low.and_then(|low| char::decode_utf16([high, low]).next()?.ok());
    pair.map_or((char::REPLACEMENT_CHARACTER, 5), |character| (character, 11))
}

impl<'a> From<Text<'a>> for Cow<'a, str> {
    fn from(text: Text<'a>) -> Self {
        text.decode()
    }
}
