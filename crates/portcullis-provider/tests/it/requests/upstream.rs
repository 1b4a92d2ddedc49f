//! The upstream's Messages request as a strict type: a translation sends nothing that it does not name, and nothing of
//! another shape.
//!
//! Source: Anthropic API reference, "Messages", the request and its content blocks.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Number, Value};

/// Reads a body as the upstream would, and checks what its types do not say.
///
/// - `opaque`: the client sent parts of Anthropic's own, which pass unseen: their content is the upstream's to judge.
pub(super) fn check_request(body: &[u8], opaque: bool) {
    let body: Value = serde_json::from_slice(body).expect("a translation is JSON");
    if opaque {
        return;
    }
    match serde_json::from_value::<Request>(body.clone()) {
        Ok(request) => request.check(),
        Err(error) => panic!("{error}: {body:#}"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
struct Request {
    model: String,
    max_tokens: u64,
    system: Option<Vec<Block>>,
    messages: Vec<Message>,
    tools: Option<Vec<Tool>>,
    tool_choice: Option<ToolChoice>,
    thinking: Option<Thinking>,
    output_config: Option<OutputConfig>,
    stop_sequences: Option<Vec<String>>,
    stream: Option<bool>,
    metadata: Option<Metadata>,
    service_tier: Option<ServiceTier>,
    temperature: Option<Number>,
    top_p: Option<Number>,
    top_k: Option<Number>,
    cache_control: Option<Cache>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: Role,
    content: Vec<Block>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Role {
    User,
    Assistant,
    System,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
#[expect(clippy::large_enum_variant, reason = "a test reads few of them")]
enum Block {
    Text {
        text: String,
        cache_control: Option<Cache>,
    },
    Image {
        source: Source,
        cache_control: Option<Cache>,
    },
    Document {
        source: Source,
        title: Option<String>,
        cache_control: Option<Cache>,
    },
    ContainerUpload {
        file_id: String,
        cache_control: Option<Cache>,
    },
    Thinking {
        thinking: String,
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: String,
        name: String,
        input: Value,
        cache_control: Option<Cache>,
        caller: Option<Value>,
        toolset_name: Option<Value>,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(default)]
        content: Vec<Block>,
        is_error: Option<bool>,
        cache_control: Option<Cache>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
enum Source {
    Base64 { media_type: MediaType, data: String },
    Text { media_type: MediaType, data: String },
    Url { url: String },
    File { file_id: String },
}

#[derive(Debug, Deserialize)]
enum MediaType {
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/gif")]
    Gif,
    #[serde(rename = "image/webp")]
    Webp,
    #[serde(rename = "application/pdf")]
    Pdf,
    #[serde(rename = "text/plain")]
    Text,
}

/// A client's own mark passes as it is; ours is of this shape.
type Cache = Value;

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Tool {
    Client(Box<ClientTool>),
    WebSearch(WebSearch),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
struct ClientTool {
    name: String,
    description: Option<String>,
    input_schema: Schema,
    strict: Option<bool>,
    cache_control: Option<Cache>,
    defer_loading: Option<Value>,
    allowed_callers: Option<Value>,
    input_examples: Option<Value>,
    eager_input_streaming: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Schema {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
struct WebSearch {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    user_location: Option<Location>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
struct Location {
    #[serde(rename = "type")]
    kind: String,
    city: Option<String>,
    region: Option<String>,
    country: Option<String>,
    timezone: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
enum ToolChoice {
    Auto { disable_parallel_tool_use: Option<bool> },
    Any { disable_parallel_tool_use: Option<bool> },
    Tool { name: String, disable_parallel_tool_use: Option<bool> },
    None {},
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
enum Thinking {
    Adaptive { display: Display },
    Enabled { budget_tokens: u64 },
    Disabled {},
    BetweenTools {},
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Display {
    Summarized,
    Omitted,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
struct OutputConfig {
    effort: Option<Effort>,
    format: Option<Format>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Effort {
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
enum Format {
    JsonSchema { schema: Value },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    user_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ServiceTier {
    Auto,
    StandardOnly,
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

impl Request {
    fn check(&self) {
        self.check_turns();
        self.check_pairs();
        let blocks = self.messages.iter().flat_map(|message| &message.content);
        blocks.chain(self.system.iter().flatten()).for_each(check_block);
        for text in self.system.iter().flatten() {
            assert!(matches!(text, Block::Text { .. }), "{text:?}");
        }
        let tools = self.tools.as_deref().unwrap_or_default();
        let mut names = BTreeSet::new();
        for tool in tools {
            let name = match tool {
                Tool::Client(tool) => {
                    assert!(tool.input_schema.kind == "object" && is_name(&tool.name), "{tool:?}");
                    &tool.name
                }
                Tool::WebSearch(tool) => {
                    assert_eq!(tool.kind, "web_search_20250305");
                    &tool.name
                }
            };
            assert!(names.insert(name.as_str()), "two tools are called {name}");
        }
        if let Some(ToolChoice::Tool { name, .. }) = &self.tool_choice {
            assert!(names.contains(name.as_str()), "{name} is no tool");
        }
        assert!(self.tool_choice.is_none() || !tools.is_empty(), "a choice without tools");
        assert!(self.stop_sequences.iter().flatten().all(|stop| !stop.trim().is_empty()));
        assert!(self.metadata.as_ref().is_none_or(|metadata| metadata.user_id.len() <= 512));
    }

    fn check_turns(&self) {
        assert_eq!(self.messages.first().map(|first| first.role), Some(Role::User));
        for pair in self.messages.windows(2) {
            assert_ne!(pair[0].role, pair[1].role);
            assert!(
                pair[0].role != Role::System || pair[1].role == Role::Assistant,
                "a system message before a user's"
            );
        }
        assert!(self.messages.iter().all(|message| !message.content.is_empty()));
    }

    /// Every call is answered, once, at the beginning of the next turn.
    fn check_pairs(&self) {
        let mut open: BTreeSet<&str> = BTreeSet::new();
        let mut used = BTreeSet::new();
        for message in &self.messages {
            let mut results_may_come = message.role == Role::User;
            for block in &message.content {
                match block {
                    Block::ToolResult { tool_use_id, .. } => {
                        assert!(results_may_come && open.remove(tool_use_id.as_str()), "{tool_use_id}");
                    }
                    Block::ToolUse { id, input, .. } => {
                        assert!(message.role == Role::Assistant && input.is_object() && is_id(id), "{id}");
                        assert!(used.insert(id.as_str()), "{id} is used twice");
                        open.insert(id);
                    }
                    _ => results_may_come = false,
                }
            }
            assert!(message.role == Role::Assistant || open.is_empty(), "{open:?}");
        }
    }
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn check_block(block: &Block) {
    match block {
        Block::Text { text, .. } => assert!(!text.trim().is_empty()),
        Block::Thinking { signature: proof, .. } | Block::RedactedThinking { data: proof } => {
            assert!(!proof.is_empty());
        }
        Block::ToolResult { content, .. } => {
            for part in content {
                let allowed =
                    matches!(part, Block::Text { .. } | Block::Image { .. } | Block::Document { .. });
                assert!(allowed, "{part:?}");
                check_block(part);
            }
        }
        Block::Image { source, .. } => assert!(!matches!(source, Source::Text { .. })),
        _ => {}
    }
}
