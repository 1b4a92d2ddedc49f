//! Messages events in, another dialect's out.

use bytes::Bytes;
use portcullis_provider::anthropic::accumulator::Flow as StreamFlow;
use portcullis_provider::anthropic::paused::PausedTurn;
use portcullis_provider::chat::stream::ChatStream;
use portcullis_provider::envelope::made::in_event;
use portcullis_provider::error::{ApiError, ErrorKind};
use portcullis_provider::sse::{Decoder, Event, SseError};
use portcullis_provider::usage::Usage;

use super::errands::{Keepsake, Told};
use super::{Flow, Relay, Relayed};

/// What makes another dialect's stream of Messages events.
pub(crate) trait Translates: Unpin + Send + 'static {
    /// Takes the next event and appends what the client gets for it.
    fn push(&mut self, event: &Event<'_>, out: &mut Vec<u8>) -> Result<StreamFlow, ApiError>;
    /// The upstream closed.
    fn end(&self) -> Result<(), ApiError>;
    /// Whether the message has begun.
    fn is_started(&self) -> bool;
    /// An error event.
    fn fail(&mut self, error: &ApiError) -> Vec<u8>;
    /// Tokens so far, and why the upstream stopped.
    fn usage(&self) -> (&Usage, Option<&str>);
    /// The turn so far, if the upstream paused it and it is to go on.
    fn paused(&self) -> Option<PausedTurn>;
    /// What is pushed from here on goes on with that turn.
    fn resume(&mut self);
    /// What is to be kept of a whole answer.
    fn keepsake(&self) -> Option<Keepsake> {
        None
    }
}

impl Translates for ChatStream {
    fn push(&mut self, event: &Event<'_>, out: &mut Vec<u8>) -> Result<StreamFlow, ApiError> {
        self.push(event, out)
    }

    fn end(&self) -> Result<(), ApiError> {
        self.end()
    }

    fn is_started(&self) -> bool {
        self.is_started()
    }

    fn fail(&mut self, error: &ApiError) -> Vec<u8> {
        error.openai_event()
    }

    fn usage(&self) -> (&Usage, Option<&str>) {
        (self.usage(), self.stop_reason())
    }

    fn paused(&self) -> Option<PausedTurn> {
        self.paused()
    }

    fn resume(&mut self) {
        self.resume();
    }
}

/// Decodes the upstream's events and translates each.
pub(crate) struct Translation<T> {
    decoder: Decoder,
    stream: T,
    told: Option<Told>,
    /// The body of the first request: what a paused turn is sent back with.
    sent: Bytes,
    max_event_bytes: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Paused,
    Done,
}

/// Why a chunk could not be translated to its end.
enum Fault {
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

impl<T: Translates> Translation<T> {
    /// - `sent`: the body that the stream answers.
    pub(crate) fn new(stream: T, sent: Bytes, max_event_bytes: usize) -> Self {
        let decoder = Decoder::new(max_event_bytes);
        Self { decoder, stream, told: None, sent, max_event_bytes, state: State::Open }
    }

    /// Tells what was made on the way, before the client reads of it.
    pub(crate) fn telling(mut self, told: Told) -> Self {
        self.told = Some(told);
        self
    }

    /// The paused turn goes on in another stream, whose bytes come next.
    fn go_on(&mut self) -> Flow {
        let Some(turn) = self.stream.paused() else { return Flow::Done };
        self.stream.resume();
        self.decoder = Decoder::new(self.max_event_bytes);
        self.state = State::Open;
        Flow::Paused(turn.next_body(&self.sent).into())
    }
}

impl<T: Translates> Relay for Translation<T> {
    fn push(&mut self, chunk: Bytes) -> Relayed {
        let mut out = Vec::with_capacity(chunk.len() * 2);
        let (stream, state, told) = (&mut self.stream, &mut self.state, &self.told);
        let decoded = self.decoder.push(&chunk, |event| {
            if *state != State::Open {
                return Err(Fault::AfterTheEnd);
            }
            if let Some(told) = told {
                tell(told, event);
            }
            *state = match stream.push(event, &mut out).map_err(Fault::Upstream)? {
                StreamFlow::Continue => State::Open,
                StreamFlow::Paused => State::Paused,
                StreamFlow::Done => State::Done,
            };
            Ok(())
        });
        let flow = match (decoded, self.state) {
            (Err(Fault::Upstream(error)), _) => Flow::Broken(error),
            (Err(Fault::Unreadable(error)), State::Open) => Flow::Broken(unreadable(&error)),
            (_, State::Paused) => self.go_on(),
            (_, State::Done) => Flow::Done,
            (_, State::Open) => Flow::Continue,
        };
        Relayed { bytes: out.into(), flow }
    }

    fn end(&mut self) -> Result<Bytes, ApiError> {
        self.stream.end().map(|()| Bytes::new())
    }

    fn has_started(&self) -> bool {
        self.stream.is_started()
    }

    fn ping(&self) -> Option<Bytes> {
        Some(Bytes::from_static(b": ping\n\n"))
    }

    fn error_event(&mut self, error: &ApiError) -> Bytes {
        self.stream.fail(error).into()
    }

    fn usage(&self) -> (&Usage, Option<&str>) {
        self.stream.usage()
    }

    fn keepsake(&mut self) -> Option<Keepsake> {
        self.stream.keepsake()
    }
}

/// Only these events may name what was made; the others, nearly all, are not looked into.
fn tell(told: &Told, event: &Event<'_>) {
    if matches!(event.name, Some("message_start" | "content_block_start" | "message_delta")) {
        let made = in_event(&event.data);
        if !made.is_empty() {
            told(made);
        }
    }
}

fn unreadable(error: &SseError) -> ApiError {
    ApiError::new(
        502,
        ErrorKind::Server,
        "upstream_stream_error",
        format!("the upstream's stream cannot be read: {error}"),
    )
}
