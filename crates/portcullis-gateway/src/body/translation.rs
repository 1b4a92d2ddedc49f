//! Messages events in, Chat Completions chunks out.

use bytes::Bytes;
use portcullis_provider::ResponseContext;
use portcullis_provider::anthropic::accumulator::Flow as ChatFlow;
use portcullis_provider::chat::stream::ChatStream;
use portcullis_provider::error::{ApiError, ErrorKind};
use portcullis_provider::sse::{Decoder, SseError};
use portcullis_provider::usage::Usage;

use super::{Flow, Relay, Relayed};

/// Decodes the upstream's events and translates each.
pub(crate) struct Translation {
    decoder: Decoder,
    chat: ChatStream,
    done: bool,
}

/// Why a chunk could not be translated to its end.
pub(crate) enum Fault {
    Upstream(ApiError),
    Unreadable(SseError),
    /// What follows the terminal event is nobody's.
    AfterTheEnd,
}

impl From<SseError> for Fault {
    fn from(error: SseError) -> Self {
        Self::Unreadable(error)
    }
}

impl Translation {
    pub(crate) fn new(context: ResponseContext, created: u64, max_event_bytes: usize) -> Self {
        Self { decoder: Decoder::new(max_event_bytes), chat: ChatStream::new(context, created), done: false }
    }
}

impl Relay for Translation {
    fn push(&mut self, chunk: Bytes) -> Relayed {
        let mut out = Vec::with_capacity(chunk.len() * 2);
        let (chat, done) = (&mut self.chat, &mut self.done);
        let decoded = self.decoder.push(&chunk, |event| {
            if *done {
                return Err(Fault::AfterTheEnd);
            }
            let flow = chat.push(event, &mut out).map_err(Fault::Upstream)?;
            *done = matches!(flow, ChatFlow::Done);
            Ok(())
        });
        let flow = match decoded {
            Err(Fault::Upstream(error)) => Flow::Broken(error),
            Err(Fault::Unreadable(error)) if !self.done => Flow::Broken(unreadable(&error)),
            _ if self.done => Flow::Done,
            _ => Flow::Continue,
        };
        Relayed { bytes: out.into(), flow }
    }

    fn end(&mut self) -> Result<Bytes, ApiError> {
        self.chat.end().map(|()| Bytes::new())
    }

    fn has_started(&self) -> bool {
        self.chat.is_started()
    }

    fn ping(&self) -> Option<Bytes> {
        Some(Bytes::from_static(b": ping\n\n"))
    }

    fn error_event(&mut self, error: &ApiError) -> Bytes {
        error.openai_event().into()
    }

    fn usage(&self) -> (&Usage, Option<&str>) {
        (self.chat.usage(), self.chat.stop_reason())
    }
}

/// What a client reads of a stream that makes no sense.
pub(crate) fn unreadable(error: &SseError) -> ApiError {
    ApiError::new(
        502,
        ErrorKind::Server,
        "upstream_stream_error",
        format!("the upstream's stream cannot be read: {error}"),
    )
}
