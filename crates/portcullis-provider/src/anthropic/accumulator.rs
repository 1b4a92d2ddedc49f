//! A Messages stream becomes the whole message it stands for.
//!
//! [`MessageAccumulator`] is for a client that waits for the whole answer while the upstream streams it. [`Assembly`]
//! below it knows the protocol, what may follow what, and is what the translated stream stands on as well.
//!
//! Source: "Streaming messages" in Anthropic's documentation.

mod block;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::message::Message;
use crate::ResponseContext;
use crate::error::{ApiError, UpstreamError};
use crate::json::lenient;
use crate::sse::Event;
use crate::usage::Usage;

pub(crate) use block::{Block, BlockKind};

/// Whether a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// More events must follow.
    Continue,
    /// That was the terminal event.
    Done,
}

/// Puts a stream of events together to the message that the upstream would have sent without streaming.
///
/// The arguments of a tool call that `max_tokens` cut are no JSON: `input` is then a string with what there is of
/// them, which no complete call has.
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

    /// Takes the next event.
    ///
    /// # Errors
    /// The upstream's `error` event, or a break of the protocol. No message can come of it any more.
    pub fn push(&mut self, event: &Event<'_>) -> Result<Flow, ApiError> {
        if self.failed {
            return Err(StreamFault::AFTER_ERROR.into_api_error(&ResponseContext::default()));
        }
        match self.assembly.apply(event) {
            Ok(Step::Stopped) => Ok(Flow::Done),
            Ok(_) if self.assembly.is_stopped() => Ok(Flow::Done),
            Ok(_) => Ok(Flow::Continue),
            Err(fault) => {
                self.failed = true;
                Err(fault.into_api_error(&ResponseContext::default()))
            }
        }
    }

    /// What was counted so far.
    pub fn usage(&self) -> &Usage {
        &self.assembly.message.usage
    }

    /// The message as JSON.
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

/// What an event did. Indices are those of [`Assembly::blocks`].
#[derive(Debug)]
pub(crate) enum Step<'e> {
    Started,
    BlockStarted(usize),
    /// A string of JSON, quotes included, as the upstream escaped it.
    Text(usize, &'e str),
    Thinking(usize, &'e str),
    InputJson(usize, &'e str),
    BlockStopped(usize),
    /// Stop reason and usage were updated.
    Updated,
    Stopped,
    Ping,
    /// Something that changes nothing a client sees now.
    Silent,
}

/// The message so far, and what may come next.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    pub(crate) message: Message,
    pub(crate) blocks: Vec<Block>,
    started: bool,
    updated: bool,
    stopped: bool,
}

#[derive(Deserialize)]
struct DeltaEvent<'a> {
    index: usize,
    #[serde(borrow)]
    delta: Delta<'a>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    partial_json: Option<&'a RawValue>,
    #[serde(borrow)]
    signature: Option<&'a RawValue>,
    #[serde(borrow)]
    citation: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    encrypted_content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct StopEvent {
    index: usize,
}

impl Assembly {
    pub(crate) fn is_started(&self) -> bool {
        self.started
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Takes the next event. Events of unknown types are skipped, as Anthropic asks of its clients.
    pub(crate) fn apply<'e>(&mut self, event: &'e Event<'_>) -> Result<Step<'e>, StreamFault> {
        let data: &'e str = &event.data;
        let unnamed;
        let name = match event.name {
            Some(name) => name,
            None => {
                unnamed = event_type(data).ok_or(StreamFault::NOT_JSON)?;
                unnamed.as_str()
            }
        };
        if self.stopped {
            return Ok(if name == "ping" { Step::Ping } else { Step::Silent });
        }
        match name {
            "content_block_delta" => self.delta(data),
            "content_block_start" => self.start_block(data),
            "content_block_stop" => self.stop_block(data),
            "message_start" => self.start(data),
            "message_delta" => self.update(data),
            "message_stop" => self.stop(),
            "ping" => Ok(Step::Ping),
            "error" => Err(StreamFault::Upstream(Box::new(UpstreamError::from_event(data)))),
            _ => Ok(Step::Silent),
        }
    }

    /// The message with all of its blocks.
    pub(crate) fn into_message(self) -> Message {
        let content = self.content();
        let mut message = self.message;
        message.content = content;
        message
    }

    /// All blocks as a message that was not streamed would have them.
    pub(crate) fn content(&self) -> Vec<Value> {
        self.blocks.iter().map(Block::to_value).collect()
    }

    fn start(&mut self, data: &str) -> Result<Step<'static>, StreamFault> {
        if self.started {
            return Err(StreamFault::SECOND_START);
        }
        let mut event = object(data)?;
        let Some(Value::Object(message)) = event.remove("message") else { return Err(StreamFault::NOT_JSON) };
        self.message = Message::from_fields(message).ok_or(StreamFault::NOT_JSON)?;
        self.started = true;
        Ok(Step::Started)
    }

    fn start_block(&mut self, data: &str) -> Result<Step<'static>, StreamFault> {
        self.require_start()?;
        let mut event = object(data)?;
        let index = event.get("index").and_then(Value::as_u64);
        let Some(Value::Object(start)) = event.remove("content_block") else {
            return Err(StreamFault::NOT_JSON);
        };
        if index.and_then(|index| usize::try_from(index).ok()) != Some(self.blocks.len()) {
            return Err(StreamFault::WRONG_INDEX);
        }
        self.blocks.push(Block::new(start));
        Ok(Step::BlockStarted(self.blocks.len() - 1))
    }

    fn delta<'e>(&mut self, data: &'e str) -> Result<Step<'e>, StreamFault> {
        self.require_start()?;
        let DeltaEvent { index, delta } = serde_json::from_str(data).map_err(|_| StreamFault::NOT_JSON)?;
        let block = self.blocks.get_mut(index).filter(|block| block.open).ok_or(StreamFault::NOT_OPEN)?;
        let mut body = |field, value: Option<&'e RawValue>| {
            let quoted = value.map(RawValue::get).filter(|text| text.starts_with('"'));
            let quoted = quoted.ok_or(StreamFault::NOT_JSON)?;
            if block.append(field, &quoted[1..quoted.len() - 1]) {
                Ok(quoted)
            } else {
                Err(StreamFault::WRONG_DELTA)
            }
        };
        match delta.kind.as_ref() {
            "text_delta" => return body("text", delta.text).map(|text| Step::Text(index, text)),
            "thinking_delta" => {
                return body("thinking", delta.thinking).map(|text| Step::Thinking(index, text));
            }
            "input_json_delta" => {
                return body("input", delta.partial_json).map(|text| Step::InputJson(index, text));
            }
            "signature_delta" => block.sign(delta.signature.map(RawValue::get).unwrap_or_default()),
            "citations_delta" => block.citations.extend(value(delta.citation)),
            "compaction_delta" => block.compact(value(delta.content), value(delta.encrypted_content)),
            _ => {}
        }
        Ok(Step::Silent)
    }

    fn stop_block(&mut self, data: &str) -> Result<Step<'static>, StreamFault> {
        let StopEvent { index } = serde_json::from_str(data).map_err(|_| StreamFault::NOT_JSON)?;
        let block = self.blocks.get_mut(index).filter(|block| block.open).ok_or(StreamFault::NOT_OPEN)?;
        block.open = false;
        Ok(Step::BlockStopped(index))
    }

    fn update(&mut self, data: &str) -> Result<Step<'static>, StreamFault> {
        self.require_start()?;
        let mut event = object(data)?;
        self.message.usage.merge(event.get("usage"));
        let Some(Value::Object(delta)) = event.remove("delta") else { return Err(StreamFault::NOT_JSON) };
        let rest = event.into_iter().filter(|(key, _)| !matches!(key.as_str(), "type" | "usage"));
        for (key, value) in delta.into_iter().chain(rest) {
            // A later event that repeats a field without its value does not take the value back.
            if !value.is_null() || self.message.given(&key).is_none() {
                self.message.set(&key, value);
            }
        }
        self.updated = true;
        Ok(Step::Updated)
    }

    fn stop(&mut self) -> Result<Step<'static>, StreamFault> {
        self.require_start()?;
        if !self.updated {
            return Err(StreamFault::NO_END);
        }
        self.stopped = true;
        Ok(Step::Stopped)
    }

    fn require_start(&self) -> Result<(), StreamFault> {
        if self.started { Ok(()) } else { Err(StreamFault::NO_START) }
    }
}

fn value(raw: Option<&RawValue>) -> Option<Value> {
    raw.and_then(|raw| lenient::read(raw.get()))
}

fn object(data: &str) -> Result<Map<String, Value>, StreamFault> {
    match lenient::read(data) {
        Some(Value::Object(fields)) => Ok(fields),
        _ => Err(StreamFault::NOT_JSON),
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
