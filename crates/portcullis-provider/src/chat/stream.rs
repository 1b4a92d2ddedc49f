//! A stream of Messages events becomes a stream of chat completion chunks.
//!
//! | event | what the client gets |
//! |---|---|
//! | `message_start` | nothing yet |
//! | the first block, or `message_delta` | a chunk with the role; `content` is `""` if a text comes first, else null |
//! | `text_delta` | `content` |
//! | `thinking_delta` | `reasoning_content`, with an empty line between two blocks of thinking |
//! | a `tool_use` block | `tool_calls` with id and name once, then its `input_json_delta` as arguments |
//! | blocks of the upstream's own tools, signatures, citations | nothing now; whole in the last chunk |
//! | `message_delta` | the last chunk, with the finish reason |
//! | `message_stop` | the usage if asked for, and `[DONE]` |
//! | the same of a turn that the upstream paused and that may be continued | nothing: what follows belongs to the same answer |
//! | `ping` | a comment |
//! | `error`, a broken protocol, an end without `message_stop` | an error event, by the caller; never `[DONE]` |
//!
//! The SDKs decide the details. Python's accumulator concatenates strings under every key of a delta, so role, ids and
//! names are sent once; Node's overwrites keys it does not know, so lists are sent once and whole. Text and arguments
//! are copied as the upstream escaped them, wherever it cut them. Clients that ask for everything also get all blocks piece
//! by piece in `content_blocks`, see `pieces`.

mod continuation;
mod pieces;
mod write;

use portcullis_types::Compliance;
use serde::Serialize;

use crate::ResponseContext;
use crate::anthropic::accumulator::{Assembly, BlockKind, Step, StreamFault};
use crate::error::ApiError;
use crate::sse::{self, Event};
use crate::usage::Usage;

use super::response::parts::{Ending, Extensions, ToolCall, TopLevel, UsageBody, arguments, is_custom};
use write::Frame;

pub use crate::anthropic::accumulator::Flow;

/// Translates one stream.
#[derive(Debug)]
pub struct ChatStream {
    context: ResponseContext,
    created: u64,
    assembly: Assembly,
    /// What all chunks have in common; made when the message begins.
    frame: Frame,
    /// How each block is rendered, by its index.
    renderings: Vec<Rendering>,
    tool_calls: usize,
    role_sent: bool,
    reasoning_sent: bool,
    finish_sent: bool,
    failed: bool,
}

/// How a block reaches the client.
#[derive(Debug)]
enum Rendering {
    /// Not now, if at all.
    Later,
    Text,
    Thinking {
        /// Some of it was sent.
        begun: bool,
    },
    Function {
        index: usize,
        /// Arguments were sent.
        begun: bool,
    },
    LegacyFunction {
        begun: bool,
    },
    /// Whole, when it is.
    CustomTool {
        index: usize,
    },
}

#[derive(Serialize)]
struct LastChoice<'a> {
    index: u8,
    delta: Extensions<'a>,
    logprobs: Option<()>,
    #[serde(flatten)]
    ending: Ending<'a>,
}

impl ChatStream {
    /// A translation that waits for `message_start`.
    ///
    /// - `created`: Unix time in seconds at which the upstream's answer began.
    pub fn new(context: ResponseContext, created: u64) -> Self {
        Self {
            context,
            created,
            assembly: Assembly::default(),
            frame: Frame::default(),
            renderings: Vec::new(),
            tool_calls: 0,
            role_sent: false,
            reasoning_sent: false,
            finish_sent: false,
            failed: false,
        }
    }

    /// Takes the next event and appends to `out` what the client gets for it, as whole server-sent events.
    ///
    /// # Errors
    /// The upstream's `error` event, or a break of the protocol. `out` is then as it was. Before anything was sent
    /// the client can still get a real HTTP status; after that it gets [`ApiError::openai_event`], and nothing more.
    pub fn push(&mut self, event: &Event<'_>, out: &mut Vec<u8>) -> Result<Flow, ApiError> {
        if self.failed {
            return Err(StreamFault::AFTER_ERROR.into_api_error(&self.context));
        }
        match self.assembly.apply(event) {
            Ok(step) => Ok(self.render(step, out)),
            Err(fault) => {
                self.failed = true;
                Err(fault.into_api_error(&self.context))
            }
        }
    }

    /// The upstream has closed the stream.
    ///
    /// # Errors
    /// It did so before `message_stop`, or after an error, or in a paused turn that is to be continued.
    pub fn end(&self) -> Result<(), ApiError> {
        if self.assembly.is_stopped() && !self.failed && !self.may_go_on() {
            Ok(())
        } else {
            Err(StreamFault::ENDED_EARLY.into_api_error(&self.context))
        }
    }

    /// Whether the message has begun. Until then the answer's status is open: overload may come as the first event of
    /// a stream whose status was 200.
    pub fn is_started(&self) -> bool {
        self.assembly.is_started()
    }

    /// What was counted so far; of a turn that was continued, in the part that runs.
    pub fn usage(&self) -> &Usage {
        &self.assembly.message.usage
    }

    /// Anthropic's word for why the model stopped, once it has.
    pub fn stop_reason(&self) -> Option<&str> {
        self.assembly.message.stop_reason()
    }

    /// The model that answers.
    pub fn served_model(&self) -> Option<&str> {
        Some(self.assembly.message.model()).filter(|model| !model.is_empty())
    }

    fn render(&mut self, step: Step<'_>, out: &mut Vec<u8>) -> Flow {
        match step {
            Step::Started => {
                let message = &self.assembly.message;
                self.frame =
                    Frame::new(message.id(), self.created, message.model(), self.context.include_usage);
            }
            Step::BlockStarted(index) => self.start_block(index, out),
            Step::Text(index, text) => self.text(index, text, out),
            Step::Thinking(index, text) => self.thinking(index, text, out),
            Step::InputJson(index, json) => self.input_json(index, json, out),
            Step::BlockStopped(index) => self.stop_block(index, out),
            Step::Updated => {
                self.send_role(false, out);
                // A pause may turn out to be none, and the finish reason is said once.
                if self.stop_reason().is_some() && !self.assembly.may_pause() {
                    self.finish(out);
                }
            }
            Step::Stopped if self.may_go_on() => {}
            Step::Stopped => self.stop(out),
            Step::Ping => sse::encode_comment("ping", out),
            Step::Silent => {}
        }
        match self.assembly.is_stopped() {
            true if self.may_go_on() => Flow::Paused,
            true => Flow::Done,
            false => Flow::Continue,
        }
    }

    fn send_role(&mut self, text_comes_first: bool, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.role_sent, true) {
            let content: &[u8] = if text_comes_first { b"\"\"" } else { b"null" };
            self.frame.chunk(out, &[b"{\"role\":\"assistant\",\"content\":", content, b",\"refusal\":null}"]);
        }
    }

    fn start_block(&mut self, index: usize, out: &mut Vec<u8>) {
        let kind = self.assembly.blocks[index].kind;
        self.send_role(kind == BlockKind::Text, out);
        self.start_piece(index, out);
        let rendering = match kind {
            BlockKind::Text => Rendering::Text,
            BlockKind::Thinking if !self.context.is_strict() => Rendering::Thinking { begun: false },
            BlockKind::ToolUse => self.start_call(index, out),
            BlockKind::Thinking | BlockKind::Other => Rendering::Later,
        };
        self.renderings.push(rendering);
        if matches!(kind, BlockKind::Text | BlockKind::Thinking) {
            let text = write::quoted(self.assembly.blocks[index].start_text());
            if kind == BlockKind::Text {
                self.text(index, &text, out);
            } else {
                self.thinking(index, &text, out);
            }
        }
    }

    fn start_call(&mut self, block: usize, out: &mut Vec<u8>) -> Rendering {
        let start = &self.assembly.blocks[block].start;
        let index = self.tool_calls;
        self.tool_calls += 1;
        let name = start.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
        let mut call = ToolCall::begun(|field| start.get(field), &self.context);
        if self.context.legacy_functions {
            if index > 0 {
                return Rendering::Later;
            }
            let call = write::json(&call.into_function_call());
            self.frame.chunk(out, &[b"{\"function_call\":", &call, b"}"]);
            return Rendering::LegacyFunction { begun: false };
        }
        if is_custom(self.context.tool_names.of_client(name), &self.context) {
            return Rendering::CustomTool { index };
        }
        call.index = Some(index);
        self.frame.chunk(out, &[b"{\"tool_calls\":[", &write::json(&call), b"]}"]);
        Rendering::Function { index, begun: false }
    }

    /// - `text`: a JSON string, quotes included.
    fn text(&mut self, block: usize, text: &str, out: &mut Vec<u8>) {
        if text != "\"\"" && matches!(self.renderings[block], Rendering::Text) {
            let piece = self.piece(block, "text", text);
            self.frame.chunk(out, &[b"{\"content\":", text.as_bytes(), &piece, b"}"]);
        }
    }

    fn thinking(&mut self, block: usize, text: &str, out: &mut Vec<u8>) {
        let Rendering::Thinking { begun } = &mut self.renderings[block] else { return };
        if text == "\"\"" {
            return;
        }
        if !std::mem::replace(begun, true) && std::mem::replace(&mut self.reasoning_sent, true) {
            self.frame.chunk(out, &[b"{\"reasoning_content\":\"\\n\\n\"}"]);
        }
        let piece = self.piece(block, "thinking", text);
        self.frame.chunk(out, &[b"{\"reasoning_content\":", text.as_bytes(), &piece, b"}"]);
    }

    fn input_json(&mut self, block: usize, json: &str, out: &mut Vec<u8>) {
        if json == "\"\"" {
            return;
        }
        match &mut self.renderings[block] {
            Rendering::Function { index, begun } => {
                *begun = true;
                let index = index.to_string();
                let parts: [&[u8]; 5] = [
                    b"{\"tool_calls\":[{\"index\":",
                    index.as_bytes(),
                    b",\"function\":{\"arguments\":",
                    json.as_bytes(),
                    b"}}]}",
                ];
                self.frame.chunk(out, &parts);
            }
            Rendering::LegacyFunction { begun } => {
                *begun = true;
                self.frame.chunk(out, &[b"{\"function_call\":{\"arguments\":", json.as_bytes(), b"}}"]);
            }
            _ => {}
        }
    }

    fn stop_block(&mut self, block: usize, out: &mut Vec<u8>) {
        self.signature_piece(block, out);
        match self.renderings[block] {
            Rendering::Function { begun: false, .. } | Rendering::LegacyFunction { begun: false } => {
                // A tool without arguments, or an upstream that sends them whole at the start.
                let input = arguments(self.assembly.blocks[block].start.get("input"));
                self.input_json(block, &write::quoted(&input), out);
            }
            Rendering::CustomTool { index } => {
                let whole = self.assembly.blocks[block].to_value();
                let mut call = ToolCall::of(&whole, &self.context);
                call.index = Some(index);
                self.frame.chunk(out, &[b"{\"tool_calls\":[", &write::json(&call), b"]}"]);
            }
            _ => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.finish_sent, true) {
            return;
        }
        let message = &self.assembly.message;
        if let Some(refusal) = message.refusal() {
            self.frame.chunk(out, &[b"{\"refusal\":", write::quoted(refusal).as_bytes(), b"}"]);
        }
        // An answer of one plain text, the most frequent one, needs no copy of itself to know its ending.
        let everything = self.context.compliance == Compliance::Everything;
        let content = match self.assembly.blocks.as_slice() {
            [only] if only.is_bare_text() && !everything => Vec::new(),
            _ => self.assembly.content(),
        };
        let choice = LastChoice {
            index: 0,
            delta: Extensions::indexed(&content, &self.context),
            logprobs: None,
            ending: Ending::of(message, &content, &self.context),
        };
        let usage = self.assembly.total_usage();
        let top_level = TopLevel::of(message, &usage, &self.context);
        // Portkey's clients read the usage here, whether they asked for it or not.
        let usage = (everything && !self.context.include_usage).then(|| UsageBody::of(&usage, &self.context));
        self.frame.last_chunk(out, &choice, &top_level, usage.as_ref());
    }

    fn stop(&mut self, out: &mut Vec<u8>) {
        self.finish(out);
        if self.context.include_usage {
            self.frame.usage_chunk(out, &UsageBody::of(&self.assembly.total_usage(), &self.context));
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }
}

#[cfg(test)]
mod tests;
