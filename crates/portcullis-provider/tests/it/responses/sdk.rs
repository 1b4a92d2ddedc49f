//! OpenAI's answers as strict types, with our own fields beside theirs: an answer holds nothing that stands in neither, and
//! a client that checks types finds them as it expects.
//!
//! Sources: OpenAI API reference, "The chat completion object" and "The chat completion chunk object"; the types of its
//! Python SDK.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Checks a whole answer.
pub(crate) fn check_completion(completion: &Value, is_strict: bool) {
    let read: Completion =
        serde_json::from_value(completion.clone()).unwrap_or_else(|error| panic!("{error}: {completion:#}"));
    assert_eq!(read.object, "chat.completion");
    let [choice] = read.choices.as_slice() else { panic!("one choice: {completion:#}") };
    assert!(choice.index == 0 && choice.logprobs.is_none());
    let calls = choice.message.tool_calls.as_deref();
    assert_ne!(calls.map(<[_]>::len), Some(0), "an empty list of calls is left out");
    calls.into_iter().flatten().for_each(|call| call.check(true));
    let beside = [&read.container, &read.context_management, &read.diagnostics, &read.input_transformations];
    let ours = [choice.message.ours(), choice.ending.ours(), has_ours(beside), read.usage.is_extended()];
    assert!(!is_strict || ours == [false; 4], "{completion:#}");
    read.usage.check();
}

/// Checks the chunks of a stream, from the first to the one before `[DONE]`.
pub(crate) fn check_chunks(chunks: &[Value], is_strict: bool, include_usage: bool) {
    let mut ids = Vec::new();
    let mut finished = false;
    for (position, chunk) in chunks.iter().enumerate() {
        let read: Chunk =
            serde_json::from_value(chunk.clone()).unwrap_or_else(|error| panic!("{error}: {chunk:#}"));
        assert_eq!(read.object, "chat.completion.chunk");
        ids.push((read.id, read.created, read.model));
        assert_eq!(ids.first(), ids.last(), "all chunks are of one answer");
        assert!(!include_usage || chunk.get("usage").is_some());
        if let Some(usage) = &read.usage {
            assert_eq!(position, chunks.len() - 1, "the SDKs keep the usage of the last chunk");
            usage.check();
        }
        let Some(choice) = read.choices.first() else {
            assert!(finished && include_usage && read.usage.is_some());
            continue;
        };
        assert!(
            !finished && choice.index == 0 && choice.logprobs.is_none(),
            "nothing follows the finish reason"
        );
        assert_eq!(choice.delta.role.is_some(), position == 0, "the role is said once, first");
        choice.delta.tool_calls.iter().flatten().for_each(|call| {
            assert!(call.index.is_some());
            call.check(call.id.is_some());
        });
        finished = choice.ending.finish_reason.is_some();
        let beside =
            [&read.container, &read.context_management, &read.diagnostics, &read.input_transformations];
        let ours = [choice.delta.ours(), choice.ending.ours(), has_ours(beside)];
        assert!(!is_strict || ours == [false; 3], "{chunk:#}");
    }
    assert!(finished);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
struct Completion {
    id: String,
    object: String,
    created: u64,
    model: String,
    choices: Vec<Choice>,
    usage: Usage,
    service_tier: Option<String>,
    container: Option<Value>,
    context_management: Option<Value>,
    diagnostics: Option<Value>,
    input_transformations: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    index: u64,
    message: Message,
    #[serde(deserialize_with = "Option::deserialize")]
    logprobs: Option<Value>,
    #[serde(flatten)]
    ending: Ending,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chunk {
    id: String,
    object: String,
    created: u64,
    model: String,
    choices: Vec<ChunkChoice>,
    usage: Option<Usage>,
    #[expect(dead_code, reason = "that it can be read is the check")]
    service_tier: Option<String>,
    container: Option<Value>,
    context_management: Option<Value>,
    diagnostics: Option<Value>,
    input_transformations: Option<Value>,
}

/// Whether one of our own fields stands beside the choices.
fn has_ours(fields: [&Option<Value>; 4]) -> bool {
    fields.into_iter().any(Option::is_some)
}

#[derive(Deserialize)]
struct ChunkChoice {
    index: u64,
    delta: Message,
    #[serde(deserialize_with = "Option::deserialize")]
    logprobs: Option<Value>,
    #[serde(flatten)]
    ending: Ending,
}

#[derive(Deserialize)]
struct Ending {
    #[serde(deserialize_with = "Option::deserialize")]
    finish_reason: Option<FinishReason>,
    native_finish_reason: Option<String>,
    stop_sequence: Option<String>,
    stop_details: Option<Value>,
}

impl Ending {
    fn ours(&self) -> bool {
        self.native_finish_reason.is_some() || self.stop_sequence.is_some() || self.stop_details.is_some()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FinishReason {
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
    FunctionCall,
}

/// A message, or a part of one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
struct Message {
    role: Option<Role>,
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
    function_call: Option<Function>,
    annotations: Option<Vec<Annotation>>,
    reasoning_content: Option<String>,
    thinking_blocks: Option<Vec<Map<String, Value>>>,
    content_blocks: Option<Vec<Map<String, Value>>>,
}

impl Message {
    fn ours(&self) -> bool {
        self.reasoning_content.is_some() || self.thinking_blocks.is_some() || self.content_blocks.is_some()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    Assistant,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolCall {
    index: Option<u64>,
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<CallType>,
    function: Option<Function>,
    custom: Option<Custom>,
    #[expect(dead_code, reason = "that it can be read is the check")]
    toolset_name: Option<Value>,
    #[expect(dead_code, reason = "that it can be read is the check")]
    caller: Option<Value>,
}

impl ToolCall {
    /// - `begins`: id, type and name belong here.
    fn check(&self, begins: bool) {
        assert_eq!(self.id.is_some(), begins);
        match self.kind {
            Some(CallType::Custom) => {
                let custom = self.custom.as_ref().expect("a custom call");
                assert!(begins && custom.name.is_some() && custom.input.is_some() && self.function.is_none());
            }
            Some(CallType::Function) | None => {
                let function = self.function.as_ref().expect("a function");
                assert!(
                    function.name.is_some() == begins
                        && function.arguments.is_some()
                        && self.custom.is_none()
                );
                assert_eq!(self.kind.is_some(), begins);
            }
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CallType {
    Function,
    Custom,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Custom {
    name: Option<String>,
    input: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
enum Annotation {
    UrlCitation { url_citation: UrlCitation },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
struct UrlCitation {
    url: String,
    title: String,
    start_index: u64,
    end_index: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: Option<CompletionDetails>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    native: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PromptDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

impl Usage {
    fn check(&self) {
        assert_eq!(self.total_tokens, self.prompt_tokens.saturating_add(self.completion_tokens));
        let details = &self.prompt_tokens_details;
        assert!(details.cached_tokens.saturating_add(details.cache_write_tokens) <= self.prompt_tokens);
        assert!(
            self.completion_tokens_details
                .as_ref()
                .is_none_or(|d| d.reasoning_tokens <= self.completion_tokens)
        );
    }

    fn is_extended(&self) -> bool {
        let counts = [self.cache_creation_input_tokens, self.cache_read_input_tokens];
        self.native.is_some() || counts.iter().any(Option::is_some)
    }
}
