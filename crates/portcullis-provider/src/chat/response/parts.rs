//! The parts that a whole completion and a stream's last chunks have in common.

use portcullis_types::Compliance;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::ResponseContext;
use crate::anthropic::message::{Message, block_type};
use crate::usage::Usage;

/// Why the choice ended.
#[derive(Serialize)]
pub(crate) struct Ending<'a> {
    finish_reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    native_finish_reason: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_sequence: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_details: Option<&'a Value>,
}

impl<'a> Ending<'a> {
    pub(crate) fn of(message: &'a Message, content: &[Value], context: &ResponseContext) -> Self {
        let has_tool_call = content.iter().any(|block| block_type(block) == "tool_use");
        let stop_reason = message.stop_reason();
        let extended = !context.is_strict();
        let only_for =
            |reason, field| message.given(field).filter(|_| extended && stop_reason == Some(reason));
        Self {
            finish_reason: finish_reason(stop_reason, has_tool_call, context),
            native_finish_reason: extended.then_some(stop_reason),
            stop_sequence: only_for("stop_sequence", "stop_sequence"),
            stop_details: only_for("refusal", "stop_details"),
        }
    }
}

/// One of OpenAI's five words. A reason that is unknown, or a tool call that is not there, is a normal stop.
fn finish_reason(stop_reason: Option<&str>, has_tool_call: bool, context: &ResponseContext) -> &'static str {
    match stop_reason {
        Some("tool_use") if has_tool_call && context.legacy_functions => "function_call",
        Some("tool_use") if has_tool_call => "tool_calls",
        Some("max_tokens" | "model_context_window_exceeded" | "pause_turn" | "compaction") => "length",
        Some("refusal") => "content_filter",
        _ => "stop",
    }
}

/// Counts in OpenAI's terms, where the prompt includes what the cache held.
#[derive(Serialize)]
pub(crate) struct UsageBody<'a> {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_tokens_details: Option<CompletionDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation_input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read_input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    native: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

impl<'a> UsageBody<'a> {
    pub(crate) fn of(usage: &'a Usage, context: &ResponseContext) -> Self {
        let (written, read) = (usage.cache_creation_input_tokens, usage.cache_read_input_tokens);
        let extended = !context.is_strict();
        let cached = extended && (written > 0 || read > 0);
        Self {
            prompt_tokens: usage.prompt_tokens(),
            completion_tokens: usage.output_tokens,
            total_tokens: usage.prompt_tokens().saturating_add(usage.output_tokens),
            prompt_tokens_details: PromptDetails { cached_tokens: read, cache_write_tokens: written },
            completion_tokens_details: usage
                .thinking_tokens
                .map(|reasoning_tokens| CompletionDetails { reasoning_tokens }),
            cache_creation_input_tokens: cached.then_some(written),
            cache_read_input_tokens: cached.then_some(read),
            native: extended.then_some(&usage.native),
        }
    }
}

/// What stands beside the choices.
#[derive(Serialize)]
pub(crate) struct TopLevel<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_management: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostics: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_transformations: Option<&'a Value>,
}

impl<'a> TopLevel<'a> {
    /// - `usage`: the message's, of all its parts.
    pub(crate) fn of(message: &'a Message, usage: &Usage, context: &ResponseContext) -> Self {
        let extension = |name| message.given(name).filter(|_| !context.is_strict());
        let tier = usage.service_tier.as_deref().filter(|_| context.service_tier_asked);
        Self {
            service_tier: tier.and_then(|tier| match tier {
                "standard" => Some("default"),
                "priority" => Some("priority"),
                _ => None,
            }),
            container: extension("container"),
            context_management: extension("context_management"),
            diagnostics: extension("diagnostics"),
            input_transformations: extension("input_transformations"),
        }
    }
}

/// A call of a client's tool.
#[derive(Serialize)]
pub(crate) struct ToolCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<usize>,
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<FunctionCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<CustomCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    toolset_name: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a Value>,
}

#[derive(Serialize)]
pub(crate) struct FunctionCall<'a> {
    name: &'a str,
    arguments: String,
}

#[derive(Serialize)]
struct CustomCall<'a> {
    name: &'a str,
    input: String,
}

impl<'a> ToolCall<'a> {
    /// The whole call.
    pub(crate) fn of(block: &'a Value, context: &'a ResponseContext) -> Self {
        let mut call = Self::begun(|name| block.get(name), context);
        let input = block.get("input");
        if let Some(function) = call.function.take_if(|f| is_custom(f.name, context)) {
            call.kind = "custom";
            call.custom = Some(CustomCall { name: function.name, input: custom_input(input) });
        } else if let Some(function) = &mut call.function {
            function.arguments = arguments(input);
        }
        call
    }

    /// A call whose arguments are still to come.
    ///
    /// - `field`: looks up a field of the block.
    pub(crate) fn begun(
        field: impl Fn(&'static str) -> Option<&'a Value>,
        context: &'a ResponseContext,
    ) -> Self {
        let text = |name| field(name).and_then(Value::as_str).unwrap_or_default();
        let extension = |name| field(name).filter(|value| !context.is_strict() && !value.is_null());
        Self {
            index: None,
            id: text("id"),
            kind: "function",
            function: Some(FunctionCall {
                name: context.tool_names.of_client(text("name")),
                arguments: String::new(),
            }),
            custom: None,
            toolset_name: extension("toolset_name"),
            caller: extension("caller"),
        }
    }

    /// The form of the deprecated `functions`, which has no id.
    pub(crate) fn into_function_call(self) -> Option<FunctionCall<'a>> {
        self.function
    }
}

/// Whether calls of this tool have the client's type `custom`, which the deprecated `functions` do not know.
pub(crate) fn is_custom(name: &str, context: &ResponseContext) -> bool {
    !context.legacy_functions && context.custom_tools.contains(name)
}

/// The arguments as compact JSON. A string is what there is of arguments that were cut.
pub(crate) fn arguments(input: Option<&Value>) -> String {
    match input {
        None | Some(Value::Null) => "{}".to_owned(),
        Some(Value::String(cut)) => cut.clone(),
        Some(input) => input.to_string(),
    }
}

/// The text of a custom tool's call, which travels as the one argument of a function.
pub(crate) fn custom_input(input: Option<&Value>) -> String {
    match input.and_then(|input| input.get("input")).and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => arguments(input),
    }
}

/// What a message carries beyond text and tool calls; in a stream it comes whole with the last chunk, because neither
/// of OpenAI's SDKs could put it together from pieces.
#[derive(Serialize)]
pub(crate) struct Extensions<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    thinking_blocks: Vec<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_blocks: Option<ContentBlocks<'a>>,
}

/// All blocks of an answer.
enum ContentBlocks<'a> {
    /// As the upstream sent them.
    Verbatim(&'a [Value]),
    /// Each with its `index`, for an SDK that has put pieces of them together and finds the place of the whole by it.
    Indexed(&'a [Value]),
}

impl Serialize for ContentBlocks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Verbatim(blocks) => blocks.serialize(serializer),
            Self::Indexed(blocks) => serializer
                .collect_seq(blocks.iter().enumerate().map(|(index, block)| Indexed { index, block })),
        }
    }
}

#[derive(Serialize)]
struct Indexed<'a> {
    index: usize,
    #[serde(flatten)]
    block: &'a Value,
}

impl<'a> Extensions<'a> {
    /// Of a whole answer.
    pub(crate) fn of(content: &'a [Value], context: &ResponseContext) -> Self {
        let extended = !context.is_strict();
        let thinking = content.iter().filter(|block| extended && is_thinking(block));
        let shown = match context.compliance {
            Compliance::Strict => false,
            Compliance::Extended => !is_rebuildable(content, context),
            Compliance::Everything => true,
        };
        Self {
            annotations: annotations(content),
            thinking_blocks: thinking.collect(),
            content_blocks: shown.then_some(ContentBlocks::Verbatim(content)),
        }
    }

    /// Of a stream, where clients that ask for everything have had the blocks in pieces.
    pub(crate) fn indexed(content: &'a [Value], context: &ResponseContext) -> Self {
        let mut extensions = Self::of(content, context);
        if context.compliance == Compliance::Everything {
            extensions.content_blocks = Some(ContentBlocks::Indexed(content));
        }
        extensions
    }
}

#[derive(Serialize)]
struct Annotation<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url_citation: UrlCitation<'a>,
}

#[derive(Serialize)]
struct UrlCitation<'a> {
    url: &'a str,
    title: &'a str,
    /// In code points of the whole content.
    start_index: usize,
    end_index: usize,
}

/// Citations of web pages. The other kinds have no form in OpenAI's API and stay in `content_blocks`.
fn annotations(content: &[Value]) -> Vec<Annotation<'_>> {
    let mut found = Vec::new();
    if !content.iter().any(has_citations) {
        return found;
    }
    let mut start_index = 0;
    for block in content.iter().filter(|block| block_type(block) == "text") {
        let text = block.get("text").and_then(Value::as_str).unwrap_or_default();
        let end_index = start_index + text.chars().count();
        let citations = block.get("citations").and_then(Value::as_array).into_iter().flatten();
        for citation in citations.filter(|c| block_type(c) == "web_search_result_location") {
            let url = citation.get("url").and_then(Value::as_str).unwrap_or_default();
            let title = citation.get("title").and_then(Value::as_str).unwrap_or(url);
            let url_citation = UrlCitation { url, title, start_index, end_index };
            found.push(Annotation { kind: "url_citation", url_citation });
        }
        start_index = end_index;
    }
    found
}

fn is_thinking(block: &Value) -> bool {
    matches!(block_type(block), "thinking" | "redacted_thinking")
}

fn has_citations(block: &Value) -> bool {
    block.get("citations").and_then(Value::as_array).is_some_and(|citations| !citations.is_empty())
}

/// Whether the next turn can rebuild the blocks from `thinking_blocks`, `content` and `tool_calls`: thinking first,
/// then at most one plain text, then plain tool calls.
fn is_rebuildable(content: &[Value], context: &ResponseContext) -> bool {
    let place = |block: &Value| match block_type(block) {
        "thinking" | "redacted_thinking" => Some(0),
        "text" if !has_citations(block) && has_only(block, &["type", "text", "citations"]) => Some(1),
        "tool_use" if is_plain_call(block) => Some(2),
        _ => None,
    };
    let Some(places) = content.iter().map(place).collect::<Option<Vec<u8>>>() else { return false };
    let at = |place: u8| places.iter().filter(|p| **p == place).count();
    places.is_sorted() && at(1) <= 1 && (at(2) <= 1 || !context.legacy_functions)
}

fn is_plain_call(block: &Value) -> bool {
    let caller = block.get("caller").filter(|caller| !caller.is_null());
    let toolset = block.get("toolset_name").filter(|name| !name.is_null());
    caller.is_none_or(|caller| block_type(caller) == "direct")
        && toolset.is_none()
        && has_only(block, &["type", "id", "name", "input", "caller", "toolset_name"])
}

fn has_only(block: &Value, known: &[&str]) -> bool {
    block.as_object().is_some_and(|block| block.keys().all(|key| known.contains(&key.as_str())))
}
