//! Watches a Messages stream that passes by.

use crate::anthropic::accumulator::event_type;
use crate::envelope::made::{Made, in_event};
use crate::error::UpstreamError;
use crate::sse::{DEFAULT_EVENT_LIMIT, Decoder, Event, SseError};
use crate::usage::Usage;

use serde_json::Value;

/// Reads usage, stop reason and terminal event from a stream whose bytes go to the client untouched.
///
/// It looks into the few events that matter and only scans the others, so it costs little beside forwarding them. It
/// never fails: a stream that it cannot read is still the client's stream, and then simply has no end that it saw.
#[derive(Debug)]
pub struct MessagesTap {
    decoder: Option<Decoder>,
    seen: Seen,
}

#[derive(Debug, Default)]
struct Seen {
    usage: Usage,
    model: Option<String>,
    stop_reason: Option<String>,
    error: Option<Box<UpstreamError>>,
    started: bool,
    content: bool,
    end: bool,
    made: Vec<Made>,
}

impl MessagesTap {
    /// A tap at the start of a stream.
    pub fn new() -> Self {
        Self { decoder: Some(Decoder::new(DEFAULT_EVENT_LIMIT)), seen: Seen::default() }
    }

    /// Takes a chunk, however it is cut.
    pub fn push(&mut self, chunk: &[u8]) {
        let Some(decoder) = &mut self.decoder else { return };
        let seen = &mut self.seen;
        let result: Result<(), SseError> = decoder.push(chunk, |event| {
            seen.take(event);
            Ok(())
        });
        if result.is_err() {
            self.decoder = None;
        }
    }

    /// Whether `message_start` has passed.
    pub fn saw_start(&self) -> bool {
        self.seen.started
    }

    /// Whether any content has passed: a refusal without any is not billed.
    pub fn saw_content(&self) -> bool {
        self.seen.content
    }

    /// Whether the stream reached its own end, `message_stop`. A stream that closes without it, or without an error
    /// event, was cut.
    pub fn saw_end(&self) -> bool {
        self.seen.end
    }

    /// The upstream's `error` event.
    pub fn error(&self) -> Option<&UpstreamError> {
        self.seen.error.as_deref()
    }

    /// What was counted so far.
    pub fn usage(&self) -> &Usage {
        &self.seen.usage
    }

    /// Why the model stopped, once it has.
    pub fn stop_reason(&self) -> Option<&str> {
        self.seen.stop_reason.as_deref()
    }

    /// What the stream told was made since this was asked last.
    pub fn take_made(&mut self) -> Vec<Made> {
        std::mem::take(&mut self.seen.made)
    }

    /// The model that answers.
    pub fn served_model(&self) -> Option<&str> {
        self.seen.model.as_deref()
    }
}

impl Default for MessagesTap {
    fn default() -> Self {
        Self::new()
    }
}

impl Seen {
    fn take(&mut self, event: &Event<'_>) {
        let unnamed;
        let name = match event.name {
            Some(name) => name,
            None => {
                unnamed = event_type(&event.data).unwrap_or_default();
                unnamed.as_str()
            }
        };
        if matches!(name, "message_start" | "content_block_start" | "message_delta") {
            self.made.append(&mut in_event(&event.data));
        }
        match name {
            "message_start" => self.take_start(&event.data),
            "content_block_start" => self.content = true,
            "message_delta" => self.take_update(&event.data),
            "message_stop" => self.end = self.started,
            "error" => self.error = Some(Box::new(UpstreamError::from_event(&event.data))),
            _ => {}
        }
    }

    fn take_start(&mut self, data: &str) {
        let Ok(event) = serde_json::from_str::<Value>(data) else { return };
        let Some(message) = event.get("message") else { return };
        self.started = true;
        self.model = message.get("model").and_then(Value::as_str).map(str::to_owned);
        self.usage.merge(message.get("usage"));
    }

    fn take_update(&mut self, data: &str) {
        let Ok(event) = serde_json::from_str::<Value>(data) else { return };
        self.usage.merge(event.get("usage"));
        let reason = event.get("delta").and_then(|delta| delta.get("stop_reason")).and_then(Value::as_str);
        self.stop_reason = reason.map(str::to_owned).or_else(|| self.stop_reason.take());
    }
}

#[cfg(test)]
mod tests;
