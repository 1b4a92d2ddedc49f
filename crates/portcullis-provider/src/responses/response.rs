//! A whole Message becomes a Response.
//!
//! | `stop_reason` | `status` |
//! |---|---|
//! | `end_turn`, `stop_sequence`, `tool_use`, one we do not know | `completed` |
//! | `max_tokens`, `model_context_window_exceeded`, `pause_turn`, `compaction` | `incomplete`, `max_output_tokens` |
//! | `refusal` | `incomplete`, `content_filter`, with the explanation as a part of type `refusal` |
//!
//! The last item of an incomplete response is `incomplete`, all others are `completed`. Parameters of the request are
//! repeated as they were written.

use serde_json::Value;
use serde_json::value::RawValue;

use super::context::ResponsesContext;
use super::ids::Ids;
use super::items::{Completeness, Place, Plan, Shape};
use super::stored::{StoredItem, raw};
use crate::anthropic::message::Message;
use crate::error::ApiError;
use crate::json::write::Writer;
use crate::usage::Usage;
use crate::warnings::{WarningKind, Warnings};

/// A Response and what the gateway wants to know about it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The response's id: `resp_…`.
    pub id: String,
    /// The JSON body.
    pub body: Vec<u8>,
    /// Unix time in seconds at which it began.
    pub created_at: u64,
    /// What was counted.
    pub usage: Usage,
    /// Anthropic's word for why the model stopped.
    pub stop_reason: Option<String>,
    /// The model that answered.
    pub model: String,
    /// Blocks that no item shows, as `dropped:content[3]`. They are kept with the response.
    pub warnings: Warnings,
    /// The upstream's content array, verbatim.
    pub(crate) content: Box<RawValue>,
    /// The items, and which blocks they are made of.
    pub(crate) output: Vec<StoredItem>,
}

impl Answer {
    /// The upstream's content array as it came, in JSON.
    pub fn content(&self) -> &str {
        self.content.get()
    }
}

/// Translates a whole message.
///
/// - `message`: the upstream's body, or what [`MessageAccumulator`](crate::anthropic::accumulator::MessageAccumulator)
///   made of its stream.
/// - `created`, `completed`: Unix times in seconds at which the upstream's answer began and ended.
///
/// # Errors
/// The body is not a message.
pub fn to_response(
    message: &[u8],
    context: &ResponsesContext,
    created: u64,
    completed: u64,
) -> Result<Answer, ApiError> {
    Ok(answer(&Message::parse(message)?, context, created, completed))
}

/// The same for a message that was read already.
pub(crate) fn answer(message: &Message, context: &ResponsesContext, created: u64, completed: u64) -> Answer {
    let ids = Ids::of(message.id());
    let mut plan = Plan::new(ids.clone());
    let mut warnings = Warnings::default();
    for (index, block) in message.content.iter().enumerate() {
        let place = block.as_object().map_or(Place::Hidden, |block| plan.place(block, context));
        if place == Place::Hidden {
            warnings.add(WarningKind::Dropped, format_args!("content[{index}]"));
        }
    }
    if let Some(refusal) = message.refusal() {
        plan.refuse(refusal);
    }
    let output = items(message, &plan, context);
    let values: Vec<&Value> = output.iter().map(|item| &item.item).collect();
    let state = State::of(message.stop_reason(), completed);
    let object =
        Object { id: &ids.response(), model: message.model(), created, state, output: &values, context };
    let body = object.to_json(Some(&message.usage));
    Answer {
        id: ids.response(),
        body,
        created_at: created,
        usage: message.usage.clone(),
        stop_reason: message.stop_reason().map(str::to_owned),
        model: message.model().to_owned(),
        warnings,
        content: raw(&message.content),
        output,
    }
}

fn items(message: &Message, plan: &Plan, context: &ResponsesContext) -> Vec<StoredItem> {
    let shape = Shape { context, container_id: container_id(message) };
    let cut = is_incomplete(message.stop_reason());
    let slots = plan.slots.iter().enumerate();
    slots
        .map(|(index, slot)| {
            let blocks: Vec<&Value> = slot.blocks.iter().map(|block| &message.content[*block]).collect();
            let how = Completeness::of(cut && plan.is_last(index));
            StoredItem { item: shape.item(slot, &blocks, how), blocks: slot.blocks.clone() }
        })
        .collect()
}

/// Where the code of this message ran.
pub(crate) fn container_id(message: &Message) -> &str {
    let container = message.given("container");
    container.and_then(|container| container.get("id")).and_then(Value::as_str).unwrap_or_default()
}

/// Whether the answer ended before the model was done.
pub(crate) fn is_incomplete(stop_reason: Option<&str>) -> bool {
    incomplete_reason(stop_reason).is_some()
}

fn incomplete_reason(stop_reason: Option<&str>) -> Option<&'static str> {
    match stop_reason? {
        "max_tokens" | "model_context_window_exceeded" | "pause_turn" | "compaction" => {
            Some("max_output_tokens")
        }
        "refusal" => Some("content_filter"),
        _ => None,
    }
}

/// How far a response has come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum State<'a> {
    InProgress,
    /// At this Unix time in seconds.
    Completed(u64),
    /// For this reason.
    Incomplete(&'static str),
    Failed(&'a ApiError),
}

impl State<'_> {
    pub(crate) fn of(stop_reason: Option<&str>, now: u64) -> Self {
        incomplete_reason(stop_reason).map_or(Self::Completed(now), Self::Incomplete)
    }

    /// The response's `status`, which its last event is named after.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed(_) => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed(_) => "failed",
        }
    }
}

/// A Response object.
pub(crate) struct Object<'a> {
    pub(crate) id: &'a str,
    pub(crate) model: &'a str,
    pub(crate) created: u64,
    pub(crate) state: State<'a>,
    pub(crate) output: &'a [&'a Value],
    pub(crate) context: &'a ResponsesContext,
}

/// Parameters that are repeated, and what stands there if they were not given.
const ECHOED: [(&str, &str); 17] = [
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("safety_identifier", "null"),
    ("temperature", "null"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("top_logprobs", "null"),
    ("top_p", "null"),
    ("truncation", r#""disabled""#),
    ("user", "null"),
];

impl Object<'_> {
    /// - `usage`: what was counted, once it is.
    pub(crate) fn to_json(&self, usage: Option<&Usage>) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.object(|w| {
            w.key("id").plain(self.id);
            w.key("object").plain("response");
            w.key("created_at").integer(self.created);
            w.key("status").plain(self.state.as_str());
            w.key("background").boolean(false);
            match self.state {
                State::Completed(at) => w.key("completed_at").integer(at),
                _ => w.key("completed_at").raw("null"),
            }
            self.write_error(w.key("error"));
            match self.state {
                State::Incomplete(reason) => {
                    w.key("incomplete_details").object(|w| w.key("reason").plain(reason));
                }
                _ => w.key("incomplete_details").raw("null"),
            }
            w.key("model").plain(self.model);
            w.key("output").array(|w| self.output.iter().for_each(|item| w.raw(&item.to_string())));
            for (name, default) in ECHOED {
                w.key(name).raw(self.context.echo.get(name).unwrap_or(default));
            }
            w.key("store").boolean(self.context.store);
            if let Some(tier) = usage.and_then(|usage| self.service_tier(usage)) {
                w.key("service_tier").plain(tier);
            }
            match usage {
                Some(usage) => write_usage(usage, w.key("usage")),
                None => w.key("usage").raw("null"),
            }
        });
        writer.into_bytes()
    }

    fn write_error(&self, w: &mut Writer) {
        let State::Failed(error) = self.state else { return w.raw("null") };
        // OpenAI's list of codes is closed, and says of an upstream no more than these two.
        let code = if error.status == 429 { "rate_limit_exceeded" } else { "server_error" };
        w.object(|w| {
            w.key("code").plain(code);
            w.key("message").plain(&error.message);
        });
    }

    fn service_tier(&self, usage: &Usage) -> Option<&'static str> {
        match usage.service_tier.as_deref().filter(|_| self.context.service_tier_asked)? {
            "standard" => Some("default"),
            "priority" => Some("priority"),
            _ => None,
        }
    }
}

/// Counts in OpenAI's terms, where the input includes what the cache held.
fn write_usage(usage: &Usage, w: &mut Writer) {
    w.object(|w| {
        w.key("input_tokens").integer(usage.prompt_tokens());
        w.key("input_tokens_details").object(|w| {
            w.key("cached_tokens").integer(usage.cache_read_input_tokens);
            w.key("cache_write_tokens").integer(usage.cache_creation_input_tokens);
        });
        w.key("output_tokens").integer(usage.output_tokens);
        w.key("output_tokens_details").object(|w| {
            w.key("reasoning_tokens").integer(usage.thinking_tokens.unwrap_or(0));
        });
        w.key("total_tokens").integer(usage.prompt_tokens().saturating_add(usage.output_tokens));
    });
}
