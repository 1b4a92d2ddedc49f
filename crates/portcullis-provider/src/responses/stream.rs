//! A stream of Messages events becomes a stream of Responses events.
//!
//! | event | what the client gets |
//! |---|---|
//! | `message_start` | `response.created`, `response.in_progress` |
//! | a block that begins an item | `response.output_item.added`, and for a message `response.content_part.added` |
//! | `text_delta` | `response.output_text.delta` |
//! | `thinking_delta` | `response.reasoning_summary_text.delta`, in a part of its own for each block of thinking |
//! | `input_json_delta` of a function | `response.function_call_arguments.delta` |
//! | the end of a custom tool's call | `response.custom_tool_call_input.delta`, once, and `.done` |
//! | a call the upstream runs, its end, its result | `response.web_search_call.*`, `response.code_interpreter_call.*`, `response.mcp_call.*` |
//! | a block of compaction | `response.compaction.compacting` |
//! | the end of a text block | `response.output_text.annotation.added` for each page it cites |
//! | a block that does not join the item before it, or `message_stop` | the `.done` events of that item |
//! | `message_stop` | `response.completed` or `response.incomplete` with the whole Response |
//! | the same of a turn that the upstream paused and that may be continued | nothing: what follows belongs to the same answer |
//! | `ping` | a comment |
//! | `error`, a broken protocol, an end without `message_stop` | `response.failed`, by [`ResponsesStream::fail`]; nothing after it |
//!
//! Every event has a `sequence_number`, from 0 without gaps. Text and arguments are copied as the upstream escaped them,
//! wherever it cut them; the `.done` events and the whole Response say what they mean, arguments as compact JSON, exactly
//! as the Response that is not streamed. (tests `both_ways_end_with_the_same_response`, `sequence_numbers_have_no_gap`)

mod blocks;
mod closing;
mod continuation;
mod events;

use serde_json::Value;

use super::context::ResponsesContext;
use super::ids::Ids;
use super::items::{Place, Plan, Shape};
use super::response::{self, Answer, Object, State};
use crate::anthropic::accumulator::{Assembly, Flow, Step, StreamFault};
use crate::error::ApiError;
use crate::sse::{self, Event};
use crate::usage::Usage;
use events::Events;

/// Translates one stream.
#[derive(Debug)]
pub struct ResponsesStream {
    context: ResponsesContext,
    created: u64,
    now: u64,
    assembly: Assembly,
    plan: Plan,
    /// Where each block went.
    places: Vec<Place>,
    /// How far each item has come.
    items: Vec<Progress>,
    /// The item that the next block may join, or close.
    current: Option<usize>,
    events: Events,
    answer: Option<Answer>,
    failed: bool,
}

/// How far an item has come.
#[derive(Debug, Default)]
struct Progress {
    /// The item, once it is done.
    done: Option<Value>,
    /// Code points of the text blocks that ended.
    text: usize,
    annotations: usize,
    /// Parts of the summary that ended.
    summaries: usize,
    /// The block that is open has sent something.
    begun: bool,
}

impl ResponsesStream {
    /// A translation that waits for `message_start`.
    ///
    /// - `created`: Unix time in seconds at which the upstream's answer began.
    pub fn new(context: ResponsesContext, created: u64) -> Self {
        Self {
            context,
            created,
            now: created,
            assembly: Assembly::default(),
            plan: Plan::default(),
            places: Vec::new(),
            items: Vec::new(),
            current: None,
            events: Events::default(),
            answer: None,
            failed: false,
        }
    }

    /// Tells the time, for the Response's `completed_at`; before it is told, that is when the answer began.
    ///
    /// - `now`: Unix time in seconds.
    pub fn set_now(&mut self, now: u64) {
        self.now = now;
    }

    /// Takes the next event and appends to `out` what the client gets for it, as whole server-sent events.
    ///
    /// # Errors
    /// The upstream's `error` event, or a break of the protocol. `out` is then as it was. Before anything was sent
    /// the client can still get a real HTTP status; after that it gets [`ResponsesStream::fail`], and nothing more.
    pub fn push(&mut self, event: &Event<'_>, out: &mut Vec<u8>) -> Result<Flow, ApiError> {
        if self.failed {
            return Err(StreamFault::AFTER_ERROR.into_api_error(&self.context.upstream));
        }
        match self.assembly.apply(event) {
            Ok(step) => {
                match step {
                    Step::Started => self.start(out),
                    Step::BlockStarted(index) => self.start_block(index, out),
                    Step::Text(index, text) => self.text(index, text, out),
                    Step::Thinking(index, text) => self.thinking(index, text, out),
                    Step::InputJson(index, json) => self.input_json(index, json, out),
                    Step::BlockStopped(index) => self.stop_block(index, out),
                    Step::Stopped if self.may_go_on() => {}
                    Step::Stopped => self.finish(out),
                    Step::Ping => sse::encode_comment("ping", out),
                    Step::Updated | Step::Silent => {}
                }
                Ok(match self.assembly.is_stopped() {
                    true if self.may_go_on() => Flow::Paused,
                    true => Flow::Done,
                    false => Flow::Continue,
                })
            }
            Err(fault) => {
                self.failed = true;
                Err(fault.into_api_error(&self.context.upstream))
            }
        }
    }

    /// The upstream has closed the stream.
    ///
    /// # Errors
    /// It did so before `message_stop`, or after an error, or in a paused turn that is to be continued.
    pub fn end(&self) -> Result<(), ApiError> {
        if self.answer.is_some() && !self.failed {
            Ok(())
        } else {
            Err(StreamFault::ENDED_EARLY.into_api_error(&self.context.upstream))
        }
    }

    /// Ends the client's stream with `response.failed`, whose output holds the items that were done. For an error of
    /// [`ResponsesStream::push`] or [`ResponsesStream::end`], or one of the gateway's own, once anything was sent. After
    /// the Response was sent there is nothing to fail any more, and nothing is appended.
    pub fn fail(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        if self.answer.is_some() {
            return;
        }
        self.failed = true;
        let done: Vec<&Value> = self.items.iter().filter_map(|item| item.done.as_ref()).collect();
        let object = self.object(State::Failed(error), &done);
        self.events.response(State::Failed(error), &object, out);
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

    /// The Response that was sent last, with the upstream's content, to be kept; none before `message_stop`.
    pub fn answer(&self) -> Option<&Answer> {
        self.answer.as_ref()
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        self.plan = Plan::new(Ids::of(self.assembly.message.id()));
        let object = self.object(State::InProgress, &[]);
        self.events.created(&object, out);
        self.events.response(State::InProgress, &object, out);
    }

    /// Everything is there: what is open is closed, and the whole Response sent.
    fn finish(&mut self, out: &mut Vec<u8>) {
        let mut message = self.assembly.message.clone();
        (message.content, message.usage) =
            (self.assembly.content(), self.assembly.total_usage().into_owned());
        if let Some(refusal) = message.refusal() {
            self.refuse(refusal, out);
        }
        self.close_all(response::is_incomplete(message.stop_reason()), out);
        let answer = response::answer(&message, &self.context, self.created, self.now);
        self.events.response(State::of(message.stop_reason(), self.now), &answer.body, out);
        self.answer = Some(answer);
    }

    /// A Response without counts.
    fn object(&self, state: State<'_>, output: &[&Value]) -> Vec<u8> {
        let message = &self.assembly.message;
        let (id, model) = (Ids::of(message.id()).response(), message.model());
        Object { id: &id, model, created: self.created, state, output, context: &self.context }.to_json(None)
    }

    fn shape(&self) -> Shape<'_> {
        Shape { context: &self.context, container_id: response::container_id(&self.assembly.message) }
    }
}
