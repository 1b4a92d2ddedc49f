//! A whole Message becomes a chat completion.
//!
//! What OpenAI's API has no word for travels in fields of its own, unless the route is strict about OpenAI's shape:
//!
//! | field | holds |
//! |---|---|
//! | `message.reasoning_content` | the thinking's text |
//! | `message.thinking_blocks` | the thinking with its signatures, which the next turn must bring back |
//! | `message.content_blocks` | all blocks, when text, thinking and tool calls would not rebuild them exactly, or the client asks for everything |
//! | `choices[0].native_finish_reason` | `stop_reason` |
//! | `choices[0].stop_sequence`, `.stop_details` | which stop sequence, why a refusal |
//! | `usage.native` | the upstream's own counts |
//! | `usage.native.segments` | the same for each upstream call, if a paused turn was continued |
//! | `container`, `context_management`, `diagnostics`, `input_transformations` | as the upstream sent them |
//!
//! Everything is what Portkey's clients ask for with `x-portkey-strict-open-ai-compliance: false`. Where what Portkey sends
//! contradicts OpenAI's API, theirs is a part of ours: `content_blocks` also holds the calls of tools, which Portkey leaves
//! out; `finish_reason` stays one of OpenAI's words, and the upstream's, which Portkey puts in its place, is
//! `native_finish_reason`.

pub(crate) mod parts;

use serde::Serialize;
use serde_json::Value;

use crate::ResponseContext;
use crate::anthropic::message::{Message, block_type};
use crate::error::ApiError;
use crate::usage::Usage;

use parts::{Ending, Extensions, FunctionCall, ToolCall, TopLevel, UsageBody};

/// A chat completion and what the gateway wants to know about it.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The JSON body.
    pub body: Vec<u8>,
    /// What was counted.
    pub usage: Usage,
    /// Anthropic's word for why the model stopped.
    pub stop_reason: Option<String>,
    /// The model that answered.
    pub model: String,
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    usage: UsageBody<'a>,
    #[serde(flatten)]
    top_level: TopLevel<'a>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u8,
    message: AssistantMessage<'a>,
    logprobs: Option<()>,
    #[serde(flatten)]
    ending: Ending<'a>,
}

#[derive(Serialize)]
struct AssistantMessage<'a> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<FunctionCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(flatten)]
    extensions: Extensions<'a>,
}

/// Translates a whole message.
///
/// - `message`: the upstream's body, or what [`MessageAccumulator`](crate::anthropic::accumulator::MessageAccumulator)
///   made of its stream.
/// - `created`: Unix time in seconds at which the upstream's answer began.
///
/// # Errors
/// The body is not a message.
pub fn to_completion(
    message: &[u8],
    context: &ResponseContext,
    created: u64,
) -> Result<Completion, ApiError> {
    let message = Message::parse(message)?;
    let body = serde_json::to_vec(&Body {
        id: message.id(),
        object: "chat.completion",
        created,
        model: message.model(),
        choices: [Choice {
            index: 0,
            message: assistant_message(&message, context),
            logprobs: None,
            ending: Ending::of(&message, &message.content, context),
        }],
        usage: UsageBody::of(&message.usage, context),
        top_level: TopLevel::of(&message, &message.usage, context),
    })
    .expect("strings, numbers and JSON values under string keys are always JSON");
    let (stop_reason, model) = (message.stop_reason().map(str::to_owned), message.model().to_owned());
    Ok(Completion { body, usage: message.usage, stop_reason, model })
}

fn assistant_message<'a>(message: &'a Message, context: &'a ResponseContext) -> AssistantMessage<'a> {
    let calls = message.content.iter().filter(|block| block_type(block) == "tool_use");
    let mut calls = calls.map(|block| ToolCall::of(block, context));
    let (tool_calls, function_call) = if context.legacy_functions {
        (Vec::new(), calls.next().and_then(ToolCall::into_function_call))
    } else {
        (calls.collect(), None)
    };
    AssistantMessage {
        role: "assistant",
        content: joined(&message.content, "text", "").filter(|_| has_block(&message.content, "text")),
        refusal: message.refusal(),
        tool_calls,
        function_call,
        reasoning_content: joined(&message.content, "thinking", "\n\n")
            .filter(|text| !context.is_strict() && !text.is_empty()),
        extensions: Extensions::of(&message.content, context),
    }
}

fn has_block(content: &[Value], kind: &str) -> bool {
    content.iter().any(|block| block_type(block) == kind)
}

/// The non-empty texts of all blocks of one kind, whose text stands under the kind's own name.
fn joined(content: &[Value], kind: &str, separator: &str) -> Option<String> {
    let texts = content.iter().filter(|block| block_type(block) == kind);
    let texts = texts.filter_map(|block| block.get(kind)?.as_str()).filter(|text| !text.is_empty());
    let texts: Vec<&str> = texts.collect();
    Some(texts.join(separator))
}
