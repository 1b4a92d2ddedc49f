//! Server-sent events, decoded at whatever byte boundaries the network chose.
//!
//! [`Decoder`] follows the "event stream interpretation" of the WHATWG HTML standard: a line may end in LF, CR or
//! CRLF, a byte order mark may come first, an event may have several `data` lines. An event that lies within one
//! chunk on one `data` line is handed out without being copied. [`encode`] is the way back.

use std::borrow::Cow;

/// Longest event the gateway accepts, in bytes: a complete web-fetch result of the Messages API fits.
pub const DEFAULT_EVENT_LIMIT: usize = 4 << 20;

const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// One dispatched event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field; none if it was absent or empty (the standard then says "message").
    pub name: Option<&'a str>,
    /// The `data` lines, joined by LF. Bytes that are no UTF-8 became U+FFFD.
    pub data: Cow<'a, str>,
    /// The last `id` field of the stream up to here; empty if there was none.
    pub id: &'a str,
}

/// Why a stream of bytes is no stream of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// The limit is the only defence against a line that never ends.
    #[error("an event of more than {limit} bytes")]
    EventTooLarge {
        /// Bytes allowed.
        limit: usize,
    },
    /// The stream ended between the beginning of an event and its blank line.
    #[error("the stream ended inside an event")]
    Incomplete,
}

/// Turns chunks of bytes into events.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    /// How much of a byte order mark the stream has begun with; none once that is settled.
    mark: Option<usize>,
    /// The last chunk ended in CR: an LF at the start of the next one belongs to it.
    after_cr: bool,
    /// A line whose end has not come yet.
    line: Vec<u8>,
    name: String,
    /// What earlier lines or chunks gave to the event, joined by LF.
    data: Vec<u8>,
    has_data: bool,
    id: String,
    retry: Option<u64>,
}

impl Decoder {
    /// A decoder at the start of a stream.
    ///
    /// - `limit`: bytes of data an event may have, and bytes a line may have; see [`DEFAULT_EVENT_LIMIT`].
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            mark: Some(0),
            after_cr: false,
            line: Vec::new(),
            name: String::new(),
            data: Vec::new(),
            has_data: false,
            id: String::new(),
            retry: None,
        }
    }

    /// The last `retry` field, in milliseconds.
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    /// Takes the next chunk and hands each event that it completes to `on_event`.
    ///
    /// # Errors
    /// The first error of `on_event`, or [`SseError::EventTooLarge`]. The rest of the chunk is then lost, so the
    /// decoder is of no further use.
    pub fn push<E: From<SseError>>(
        &mut self,
        chunk: &[u8],
        mut on_event: impl FnMut(&Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = self.skip_mark(chunk);
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        // The event's only data line so far, when all of it lies in this chunk.
        let mut borrowed: Option<&[u8]> = None;
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            rest = if rest[end] == b'\r' { self.skip_lf_after_cr(after) } else { after };
            let held = self.data.len() + borrowed.map_or(0, <[u8]>::len) + self.line.len();
            self.check_size(held + line.len())?;
            if self.line.is_empty() {
                if line.is_empty() {
                    self.dispatch(borrowed.take(), &mut on_event)?;
                } else {
                    self.take_line(line, &mut borrowed);
                }
            } else {
                self.line.extend_from_slice(line);
                let whole = std::mem::take(&mut self.line);
                self.take_split_line(&whole, &mut borrowed);
                self.line = whole;
                self.line.clear();
            }
        }
        if let Some(data) = borrowed {
            self.data.extend_from_slice(data);
        }
        self.check_size(self.data.len() + self.line.len() + rest.len())?;
        self.line.extend_from_slice(rest);
        Ok(())
    }

    /// The stream has ended.
    ///
    /// # Errors
    /// [`SseError::Incomplete`] if an event had begun; the standard drops it, and so does this decoder.
    pub fn finish(self) -> Result<(), SseError> {
        let begun = !self.line.is_empty() || self.has_data || !self.name.is_empty();
        if begun { Err(SseError::Incomplete) } else { Ok(()) }
    }

    fn check_size(&self, size: usize) -> Result<(), SseError> {
        if size > self.limit { Err(SseError::EventTooLarge { limit: self.limit }) } else { Ok(()) }
    }

    /// Skips a byte order mark at the start of the stream, even one that arrives in pieces.
    fn skip_mark<'c>(&mut self, mut chunk: &'c [u8]) -> &'c [u8] {
        while let Some(matched) = self.mark {
            let Some(&first) = chunk.first() else { break };
            if first == BYTE_ORDER_MARK[matched] {
                chunk = &chunk[1..];
                self.mark = if matched == 2 { None } else { Some(matched + 1) };
            } else {
                self.line.extend_from_slice(&BYTE_ORDER_MARK[..matched]);
                self.mark = None;
            }
        }
        chunk
    }

    /// What follows a CR, without the LF that may belong to it.
    fn skip_lf_after_cr<'c>(&mut self, after: &'c [u8]) -> &'c [u8] {
        self.after_cr = after.is_empty();
        after.strip_prefix(b"\n").unwrap_or(after)
    }

    /// A line that lies within the chunk.
    fn take_line<'c>(&mut self, line: &'c [u8], borrowed: &mut Option<&'c [u8]>) {
        let (field, value) = split_field(line);
        if field != b"data" {
            return self.take_other_field(field, value);
        }
        if self.has_data {
            self.settle(borrowed);
            self.data.push(b'\n');
            self.data.extend_from_slice(value);
        } else {
            *borrowed = Some(value);
            self.has_data = true;
        }
    }

    /// A line put together from several chunks.
    fn take_split_line(&mut self, line: &[u8], borrowed: &mut Option<&[u8]>) {
        let (field, value) = split_field(line);
        if field != b"data" {
            return self.take_other_field(field, value);
        }
        self.settle(borrowed);
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(value);
    }

    fn settle(&mut self, borrowed: &mut Option<&[u8]>) {
        if let Some(first) = borrowed.take() {
            self.data.extend_from_slice(first);
        }
    }

    fn take_other_field(&mut self, field: &[u8], value: &[u8]) {
        match field {
            b"event" => {
                self.name.clear();
                self.name.push_str(&String::from_utf8_lossy(value));
            }
            b"id" if !value.contains(&0) => {
                self.id.clear();
                self.id.push_str(&String::from_utf8_lossy(value));
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let parsed = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
                self.retry = parsed.or(self.retry);
            }
            // Comments have an empty field name; the standard ignores fields it does not know.
            _ => {}
        }
    }

    fn dispatch<E>(
        &mut self,
        borrowed: Option<&[u8]>,
        on_event: &mut impl FnMut(&Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut result = Ok(());
        if self.has_data {
            let data = String::from_utf8_lossy(borrowed.unwrap_or(&self.data));
            let name = Some(self.name.as_str()).filter(|name| !name.is_empty());
            result = on_event(&Event { name, data, id: &self.id });
        }
        self.name.clear();
        self.data.clear();
        self.has_data = false;
        result
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(DEFAULT_EVENT_LIMIT)
    }
}

/// `field: value`, with one space after the colon dropped; without a colon the whole line is the field's name.
fn split_field(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b':', line) {
        Some(colon) => {
            let value = &line[colon + 1..];
            (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
        }
        None => (line, b""),
    }
}

/// Appends an event to `out`. Line ends in `data` become LF, which is how any decoder reads them.
///
/// - `name`: must be a single line; what follows a line end is left out.
pub fn encode(name: Option<&str>, data: &str, out: &mut Vec<u8>) {
    if let Some(line) = name.and_then(|name| name.split(['\r', '\n']).next()) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
    let mut rest = data;
    loop {
        let end = memchr::memchr2(b'\r', b'\n', rest.as_bytes());
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&rest.as_bytes()[..end.unwrap_or(rest.len())]);
        out.push(b'\n');
        let Some(end) = end else { break };
        let after = &rest[end..];
        rest = after.strip_prefix("\r\n").unwrap_or(&after[1..]);
    }
    out.push(b'\n');
}

/// Appends a comment, which every client skips: it keeps idle proxies from closing the connection.
///
/// - `text`: must be a single line; what follows a line end is left out.
pub fn encode_comment(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b": ");
    out.extend_from_slice(text.split(['\r', '\n']).next().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests;
