//! Keeps values from breaking out of their line, or into the terminal that shows it.

use std::fmt::{self, Write};

/// Whether `c` could end a line, steer a terminal, or show text in another order than it is written.
///
/// Beyond control characters (C0, DEL, C1): the two separators that some viewers break lines at, and the bidirectional
/// overrides and isolates of Unicode TR 9.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Passes text on with every unsafe character written as an escape.
pub(crate) struct Escaping<'a, W: Write> {
    inner: &'a mut W,
    style: Style,
}

/// How an unsafe character is written.
#[derive(Clone, Copy)]
enum Style {
    /// As Rust writes it: `\n`, `\u{1b}`.
    Rust,
    /// As JSON does: `\u001b`. All unsafe characters lie in the basic plane.
    Json,
}

impl<'a, W: Write> Escaping<'a, W> {
    pub(crate) fn for_people(inner: &'a mut W) -> Self {
        Self { inner, style: Style::Rust }
    }

    pub(crate) fn for_json(inner: &'a mut W) -> Self {
        Self { inner, style: Style::Json }
    }
}

impl<W: Write> Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Nearly every line is printable ASCII: that is seen a word at a time, not a character at a time.
        if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return self.inner.write_str(text);
        }
        let mut rest = text;
        while let Some(at) = rest.find(is_unsafe) {
            let (safe, tail) = rest.split_at(at);
            self.inner.write_str(safe)?;
            let c = tail.chars().next().expect("something unsafe was found there");
            match self.style {
                Style::Rust => write!(self.inner, "{}", c.escape_default())?,
                Style::Json => write!(self.inner, "\\u{:04x}", u32::from(c))?,
            }
            rest = &tail[c.len_utf8()..];
        }
        self.inner.write_str(rest)
    }
}
