//! The message so far, event by event, and what may come next.
//!
//! A turn that the upstream paused may go on in a second message, which then is a part of the same one: ids and model are
//! those of the first, blocks are counted on, and each part keeps its own usage.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::block::Block;
use super::{StreamFault, event_type};
use crate::anthropic::message::Message;
use crate::anthropic::paused::{PAUSED, PausedTurn};
use crate::error::UpstreamError;
use crate::json::lenient;
use crate::sse::Event;
use crate::usage::Usage;

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
    /// Its usage is that of the part that runs.
    pub(crate) message: Message,
    /// Those of all parts.
    pub(crate) blocks: Vec<Block>,
    started: bool,
    updated: bool,
    stopped: bool,
    /// How many paused turns may still be continued.
    continuations: u8,
    /// The next message goes on with this one.
    resuming: bool,
    /// How many blocks came before the part that runs.
    first_block: usize,
    /// What the parts before it used.
    earlier: Vec<Map<String, Value>>,
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
        self.stopped && !self.resuming
    }

    /// A paused turn may be continued so many times.
    pub(crate) fn allow(&mut self, continuations: u8) {
        self.continuations = continuations;
    }

    /// Whether what is said of the end so far is a pause after which it may go on.
    pub(crate) fn may_pause(&self) -> bool {
        self.continuations > 0 && self.message.stop_reason() == Some(PAUSED)
    }

    /// Whether the message stopped because the upstream paused its turn, and may be continued.
    pub(crate) fn may_go_on(&self) -> bool {
        self.is_stopped() && self.may_pause()
    }

    /// The turn that the upstream paused, as far as it got, if it may be continued.
    pub(crate) fn paused(&self) -> Option<PausedTurn> {
        self.may_go_on().then(|| PausedTurn::new(&self.content()))
    }

    /// The next message goes on with this one, if it is paused and may be continued.
    pub(crate) fn resume(&mut self) {
        if self.may_go_on() {
            self.continuations -= 1;
            self.resuming = true;
        }
    }

    /// What all parts used together.
    pub(crate) fn total_usage(&self) -> Cow<'_, Usage> {
        if self.earlier.is_empty() {
            return Cow::Borrowed(&self.message.usage);
        }
        let parts = self.earlier.iter().chain([&self.message.usage.native]);
        Cow::Owned(Usage::of_segments(parts.cloned().collect()))
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
        if self.is_stopped() {
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
        let (content, usage) = (self.content(), self.total_usage().into_owned());
        let mut message = self.message;
        (message.content, message.usage) = (content, usage);
        message
    }

    /// Takes a whole message, as if it had come as a stream.
    pub(crate) fn take_whole(&mut self, mut message: Message) -> Result<(), StreamFault> {
        let content = std::mem::take(&mut message.content);
        self.begin(message)?;
        for block in content {
            let Value::Object(block) = block else { return Err(StreamFault::NOT_JSON) };
            self.blocks.push(Block::whole(block));
        }
        (self.updated, self.stopped) = (true, true);
        Ok(())
    }

    /// All blocks as a message that was not streamed would have them.
    pub(crate) fn content(&self) -> Vec<Value> {
        self.blocks.iter().map(Block::to_value).collect()
    }

    fn start(&mut self, data: &str) -> Result<Step<'static>, StreamFault> {
        let mut event = object(data)?;
        let Some(Value::Object(message)) = event.remove("message") else { return Err(StreamFault::NOT_JSON) };
        let is_first = !self.started;
        self.begin(Message::from_fields(message).ok_or(StreamFault::NOT_JSON)?)?;
        Ok(if is_first { Step::Started } else { Step::Silent })
    }

    fn begin(&mut self, message: Message) -> Result<(), StreamFault> {
        if !self.started {
            (self.message, self.started) = (message, true);
            return Ok(());
        }
        if !self.resuming {
            return Err(StreamFault::SECOND_START);
        }
        self.earlier.push(std::mem::take(&mut self.message.usage.native));
        self.message.go_on(message);
        self.first_block = self.blocks.len();
        (self.resuming, self.updated, self.stopped) = (false, false, false);
        Ok(())
    }

    fn start_block(&mut self, data: &str) -> Result<Step<'static>, StreamFault> {
        self.require_start()?;
        let mut event = object(data)?;
        let index = event.get("index").and_then(Value::as_u64);
        let Some(Value::Object(start)) = event.remove("content_block") else {
            return Err(StreamFault::NOT_JSON);
        };
        let expected = self.blocks.len() - self.first_block;
        if index.and_then(|index| usize::try_from(index).ok()) != Some(expected) {
            return Err(StreamFault::WRONG_INDEX);
        }
        self.blocks.push(Block::new(start));
        Ok(Step::BlockStarted(self.blocks.len() - 1))
    }

    fn delta<'e>(&mut self, data: &'e str) -> Result<Step<'e>, StreamFault> {
        self.require_start()?;
        let DeltaEvent { index, delta } = serde_json::from_str(data).map_err(|_| StreamFault::NOT_JSON)?;
        let index = index.saturating_add(self.first_block);
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
        let index = index.saturating_add(self.first_block);
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
        if self.started && !self.resuming { Ok(()) } else { Err(StreamFault::NO_START) }
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
