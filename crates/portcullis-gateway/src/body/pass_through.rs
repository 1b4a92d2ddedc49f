//! The upstream's own bytes, in whole events.
//!
//! Bytes are held back only from the middle of an event to its end: were an event cut in two by a broken connection, the
//! error event that must follow would be glued to its first half.

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use portcullis_provider::anthropic::tap::MessagesTap;
use portcullis_provider::error::{ApiError, ErrorKind};
use portcullis_provider::usage::Usage;

use super::{Flow, Relay, Relayed};

/// Passes bytes on and watches them on the side.
pub(crate) struct PassThrough {
    tap: MessagesTap,
    /// The beginning of an event whose end has not come yet.
    partial: BytesMut,
    max_event_bytes: usize,
    request_id: String,
}

impl PassThrough {
    pub(crate) fn new(request_id: String, max_event_bytes: usize) -> Self {
        Self { tap: MessagesTap::new(), partial: BytesMut::new(), max_event_bytes, request_id }
    }

    /// The bytes up to the end of the last whole event; the rest waits.
    fn whole_events(&mut self, chunk: Bytes) -> Bytes {
        if self.partial.is_empty() {
            let end = end_of_last_event(&chunk);
            self.partial.extend_from_slice(&chunk[end..]);
            return chunk.slice(..end);
        }
        self.partial.extend_from_slice(&chunk);
        let end = end_of_last_event(&self.partial);
        self.partial.split_to(end).freeze()
    }
}

/// The position behind the last blank line, in any of the three line endings.
fn end_of_last_event(bytes: &[u8]) -> usize {
    if bytes.ends_with(b"\n\n") {
        return bytes.len();
    }
    let behind = |needle: &[u8]| memmem::rfind(bytes, needle).map_or(0, |at| at + needle.len());
    behind(b"\n\n").max(behind(b"\r\n\r\n")).max(behind(b"\r\r"))
}

impl Relay for PassThrough {
    fn push(&mut self, chunk: Bytes) -> Relayed {
        self.tap.push(&chunk);
        let bytes = self.whole_events(chunk);
        let flow = if self.tap.error().is_some() {
            Flow::Failed
        } else if self.tap.saw_end() {
            Flow::Done
        } else if self.partial.len() > self.max_event_bytes {
            let message = format!("an event of the upstream is larger than {} bytes", self.max_event_bytes);
            Flow::Broken(ApiError::new(502, ErrorKind::Server, "upstream_stream_error", message))
        } else {
            Flow::Continue
        };
        Relayed { bytes, flow }
    }

    fn end(&mut self) -> Result<Bytes, ApiError> {
        if self.tap.saw_end() {
            return Ok(self.partial.split().freeze());
        }
        let message = "the upstream's stream ended before its last event".to_owned();
        Err(ApiError::new(502, ErrorKind::Server, "upstream_stream_error", message))
    }

    fn has_started(&self) -> bool {
        true // the client understands an error event itself; nothing is gained by waiting
    }

    fn ping(&self) -> Option<Bytes> {
        None // the upstream sends its own
    }

    fn error_event(&self, error: &ApiError) -> Bytes {
        error.anthropic_event(&self.request_id).into()
    }

    fn usage(&self) -> (&Usage, Option<&str>) {
        (self.tap.usage(), self.tap.stop_reason())
    }
}
