//! A Messages stream becomes the whole message it stands for.
//!
//! [`MessageAccumulator`] is for a client that waits for the whole answer while the upstream streams it. [`Assembly`]
//! below it knows the protocol, what may follow what, and is what the translated stream stands on as well.
//!
//! Source: "Streaming messages" in Anthropic's documentation.

mod assembly;
mod block;

use serde::Deserialize;

use super::message::Message;
use super::paused::PausedTurn;
use crate::ResponseContext;
use crate::error::{ApiError, UpstreamError};
use crate::sse::Event;
use crate::usage::Usage;

pub(crate) use assembly::{Assembly, Step};
pub(crate) use block::BlockKind;

/// Whether a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// More events must follow.
    Continue,
    /// That was the terminal event.
    Done,
    /// The message has ended, but the upstream only paused its turn, and the reader may go on with it: send the next body
    /// of [`PausedTurn`], say `resume()`, and push what comes.
    Paused,
}

/// Puts a stream of events together to the message that the upstream would have sent without streaming.
///
/// The arguments of a tool call that `max_tokens` cut are no JSON: `input` is then a string with what there is of
/// them, which no complete call has.
///
/// A turn that the upstream paused can be continued, see [`MessageAccumulator::with_continuations`]: the message then has
/// the blocks of all parts, and their usages in `usage.segments`.
#[derive(Debug, Default)]
pub struct MessageAccumulator {
    assembly: Assembly,
    failed: bool,
}

impl MessageAccumulator {
    /// An accumulator that waits for `message_start`.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for an answer whose turn may be continued so many times when the upstream pauses it. After that, or
    /// without it, a pause is an end like any other.
    #[must_use]
    pub fn with_continuations(mut self, continuations: u8) -> Self {
        self.assembly.allow(continuations);
        self
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// The upstream's `error` event, or a break of the protocol. No message can come of it any more.
    pub fn push(&mut self, event: &Event<'_>) -> Result<Flow, ApiError> {
        self.advance(|assembly| assembly.apply(event).map(|_| ()))
    }

    /// Takes a whole message, the body of an answer that was not streamed.
    ///
    /// # Errors
    /// It is no message, or none can follow now.
    pub fn push_message(&mut self, message: &[u8]) -> Result<Flow, ApiError> {
        let message = Message::parse(message)?;
        self.advance(|assembly| assembly.take_whole(message))
    }

    fn advance(
        &mut self,
        step: impl FnOnce(&mut Assembly) -> Result<(), StreamFault>,
    ) -> Result<Flow, ApiError> {
        if self.failed {
            return Err(StreamFault::AFTER_ERROR.into_api_error(&ResponseContext::default()));
        }
        let fault = match step(&mut self.assembly) {
            Ok(()) if self.assembly.may_go_on() => return Ok(Flow::Paused),
            Ok(()) if self.assembly.is_stopped() => return Ok(Flow::Done),
            Ok(()) => return Ok(Flow::Continue),
            Err(fault) => fault,
        };
        self.failed = true;
        Err(fault.into_api_error(&ResponseContext::default()))
    }

    /// The turn so far, after [`Flow::Paused`].
    pub fn paused(&self) -> Option<PausedTurn> {
        self.assembly.paused()
    }

    /// What is pushed from here on goes on with the paused turn. Without one this changes nothing.
    pub fn resume(&mut self) {
        self.assembly.resume();
    }

    /// What was counted so far; of a turn that was continued, in the part that runs.
    pub fn usage(&self) -> &Usage {
        &self.assembly.message.usage
    }

    /// The message as JSON. A paused turn that is not continued is a message as well.
    ///
    /// # Errors
    /// The stream ended before `message_stop`.
    pub fn finish(self) -> Result<Vec<u8>, ApiError> {
        if self.failed || !self.assembly.is_stopped() {
            return Err(StreamFault::ENDED_EARLY.into_api_error(&ResponseContext::default()));
        }
        Ok(self.assembly.into_message().into_json())
    }
}

/// Why a stream cannot go on.
#[derive(Debug)]
pub(crate) enum StreamFault {
    /// The upstream said so.
    Upstream(Box<UpstreamError>),
    /// The upstream broke its own protocol.
    Corrupted(&'static str),
}

impl StreamFault {
    pub(crate) const AFTER_ERROR: Self =
        Self::Corrupted("upstream stream corrupted: an event after an error");
    pub(crate) const ENDED_EARLY: Self = Self::Corrupted("upstream stream ended unexpectedly");
    const NOT_JSON: Self = Self::Corrupted("upstream stream corrupted: an event of an unknown shape");
    const SECOND_START: Self =
        Self::Corrupted("upstream stream corrupted: a second message began inside the first");
    const NO_START: Self = Self::Corrupted("upstream stream corrupted: an event before the message began");
    const WRONG_INDEX: Self = Self::Corrupted("upstream stream corrupted: a content block out of order");
    const NOT_OPEN: Self =
        Self::Corrupted("upstream stream corrupted: an event for a content block that is not open");
    const WRONG_DELTA: Self =
        Self::Corrupted("upstream stream corrupted: a delta of another type than its block");
    const NO_END: Self = Self::Corrupted("upstream stream corrupted: the message stopped without an ending");

    pub(crate) fn into_api_error(self, context: &ResponseContext) -> ApiError {
        match self {
            Self::Upstream(error) => error.to_openai(context),
            Self::Corrupted(what) => ApiError::broken_stream(what),
        }
    }
}

/// The `type` inside an event's data, for a server that names it there only.
pub(super) fn event_type(data: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Typed {
        #[serde(rename = "type")]
        kind: String,
    }
    serde_json::from_str::<Typed>(data).ok().map(|typed| typed.kind)
}

#[cfg(test)]
mod tests;
