//! The upstream's own bytes, in whole events.
//!
//! Bytes are held back only from the middle of an event to its end: were an event cut in two by a broken connection, the
//! error event that must follow would be glued to its first half.

use bytes::{Bytes, BytesMut};
use memchr::memrchr2;
use portcullis_provider::anthropic::tap::MessagesTap;
use portcullis_provider::error::{ApiError, ErrorKind};
use portcullis_provider::usage::Usage;

use super::errands::Told;
use super::{Flow, Relay, Relayed};

/// Passes bytes on and watches them on the side.
pub(crate) struct PassThrough {
    tap: MessagesTap,
    told: Option<Told>,
    /// The beginning of an event whose end has not come yet.
    partial: BytesMut,
    max_event_bytes: usize,
    request_id: String,
}

impl PassThrough {
    pub(crate) fn new(request_id: String, max_event_bytes: usize) -> Self {
        Self { tap: MessagesTap::new(), told: None, partial: BytesMut::new(), max_event_bytes, request_id }
    }

    /// Tells what was made on the way, before the client reads of it.
    pub(crate) fn telling(mut self, told: Told) -> Self {
        self.told = Some(told);
        self
    }

    /// The bytes up to the end of the last whole event; the rest waits.
    fn whole_events(&mut self, chunk: Bytes) -> Bytes {
        if self.partial.is_empty() {
            let end = end_of_last_event(&chunk, 0);
            self.partial.extend_from_slice(&chunk[end..]);
            return chunk.slice(..end);
        }
        // What was searched before holds no end, but the last two bytes may be the beginning of one.
        let searched = self.partial.len().saturating_sub(2);
        self.partial.extend_from_slice(&chunk);
        let end = end_of_last_event(&self.partial, searched);
        self.partial.split_to(end).freeze()
    }
}

/// The position behind the last blank line that ends at or behind `from`; 0 if there is none.
///
/// A line ends in LF, CR or CRLF. A blank line is an end of line right behind another: LF LF, LF CR or CR CR. (CR LF is
/// one end, not two.) An LF that follows the closing CR belongs to it.
fn end_of_last_event(bytes: &[u8], from: usize) -> usize {
    let mut until = bytes.len();
    while let Some(at) = memrchr2(b'\n', b'\r', &bytes[from..until]).map(|at| from + at) {
        let is_blank = at > 0 && matches!((bytes[at - 1], bytes[at]), (b'\n', _) | (b'\r', b'\r'));
        // Behind an LF, a CR is most likely half of a CRLF: its other half is on its way.
        let may_go_on = bytes[at] == b'\r' && at + 1 == bytes.len() && at > 0 && bytes[at - 1] == b'\n';
        if is_blank && !may_go_on {
            let closing_lf = bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n');
            return at + 1 + usize::from(closing_lf);
        }
        until = at;
    }
    0
}

impl Relay for PassThrough {
    fn push(&mut self, chunk: Bytes) -> Relayed {
        self.tap.push(&chunk);
        let made = self.tap.take_made();
        if let (Some(told), false) = (&self.told, made.is_empty()) {
            told(made);
        }
        let bytes = self.whole_events(chunk);
        // An event is known by its closing CR already, but the client gets it with the LF behind: only then is it over.
        let flow = if self.tap.error().is_some() && self.partial.is_empty() {
            Flow::Failed
        } else if self.tap.saw_end() && self.partial.is_empty() {
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
        if self.tap.saw_end() || self.tap.error().is_some() {
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

    fn error_event(&mut self, error: &ApiError) -> Bytes {
        error.anthropic_event(&self.request_id).into()
    }

    fn usage(&self) -> (&Usage, Option<&str>) {
        (self.tap.usage(), self.tap.stop_reason())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n\
        : a comment\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

    fn relay(chunks: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut relay = PassThrough::new("req".into(), 1 << 20);
        let mut sent = Vec::new();
        for chunk in chunks {
            let relayed = relay.push(Bytes::copy_from_slice(chunk));
            sent.extend_from_slice(&relayed.bytes);
            if matches!(relayed.flow, Flow::Done) {
                return (sent, true);
            }
        }
        let ended = relay.end().map(|rest| sent.extend_from_slice(&rest)).is_ok();
        (sent, ended)
    }

    #[test]
    fn every_byte_arrives_whatever_the_line_ends_and_the_cuts() {
        for line_end in ["\n", "\r", "\r\n"] {
            let stream = EVENTS.replace('\n', line_end).into_bytes();
            for cut in 0..=stream.len() {
                let (sent, ended) = relay(&[&stream[..cut], &stream[cut..]]);
                assert!(ended, "{line_end:?} cut at {cut}");
                assert_eq!(sent, stream, "{line_end:?} cut at {cut}");
            }
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            assert_eq!(relay(&bytes), (stream.clone(), true), "{line_end:?} byte by byte");
        }
    }

    #[test]
    fn what_is_sent_before_a_cut_is_whole_events() {
        for line_end in ["\n", "\r", "\r\n"] {
            let stream = EVENTS.replace('\n', line_end).into_bytes();
            let blank = format!("{line_end}{line_end}").into_bytes();
            for cut in 0..stream.len() {
                let mut relay = PassThrough::new("req".into(), 1 << 20);
                let sent = relay.push(Bytes::copy_from_slice(&stream[..cut])).bytes;
                let whole = sent.is_empty() || sent.ends_with(&blank);
                assert!(whole && stream.starts_with(&sent), "{line_end:?} cut at {cut}");
            }
        }
    }
}
