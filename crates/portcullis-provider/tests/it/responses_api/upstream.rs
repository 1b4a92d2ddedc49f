//! The upstream's Messages request as a strict type: what it does not name, no translation may send.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Checks that a body is a request that the upstream's API describes.
pub(super) fn check_request(body: &Value) {
    let request: Request =
        serde_json::from_value(body.clone()).unwrap_or_else(|error| panic!("{error}: {body:#}"));
    request.check();
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
struct Request {
    model: String,
    max_tokens: u64,
    system: Option<Vec<Text>>,
    messages: Vec<Message>,
    tools: Option<Vec<Tool>>,
    tool_choice: Option<ToolChoice>,
    thinking: Option<Thinking>,
    output_config: Option<OutputConfig>,
    stream: Option<bool>,
    metadata: Option<BTreeMap<String, String>>,
    service_tier: Option<ServiceTier>,
    temperature: Option<serde_json::Number>,
    top_p: Option<serde_json::Number>,
    cache_control: Option<CacheControl>,
    context_management: Option<Value>,
    mcp_servers: Option<Vec<McpServer>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: Role,
    content: Vec<Value>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Role {
    User,
    Assistant,
    System,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(rename = "type")]
    kind: TextType,
    text: String,
    #[expect(dead_code, reason = "that it can be read is the check")]
    cache_control: Option<CacheControl>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum TextType {
    Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
struct CacheControl {
    #[serde(rename = "type")]
    kind: CacheType,
    ttl: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CacheType {
    Ephemeral,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
struct Tool {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    description: Option<String>,
    input_schema: Option<Value>,
    strict: Option<bool>,
    cache_control: Option<CacheControl>,
    defer_loading: Option<bool>,
    allowed_callers: Option<Vec<String>>,
    input_examples: Option<Value>,
    eager_input_streaming: Option<bool>,
    max_uses: Option<u64>,
    allowed_domains: Option<Vec<String>>,
    user_location: Option<BTreeMap<String, String>>,
    mcp_server_name: Option<String>,
    default_config: Option<BTreeMap<String, bool>>,
    configs: Option<BTreeMap<String, BTreeMap<String, bool>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
struct ToolChoice {
    #[serde(rename = "type")]
    kind: ChoiceType,
    name: Option<String>,
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChoiceType {
    Auto,
    None,
    Any,
    Tool,
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
    effort: Option<String>,
    format: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ServiceTier {
    Auto,
    StandardOnly,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that it can be read is the check")]
struct McpServer {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    url: String,
    authorization_token: Option<String>,
}

/// Types of blocks that a request may hold, and what each must have.
const BLOCKS: [(&str, &[&str]); 18] = [
    ("text", &["text"]),
    ("image", &["source"]),
    ("document", &["source"]),
    ("container_upload", &["file_id"]),
    ("thinking", &["thinking", "signature"]),
    ("redacted_thinking", &["data"]),
    ("tool_use", &["id", "name", "input"]),
    ("tool_result", &["tool_use_id"]),
    ("server_tool_use", &["id", "name", "input"]),
    ("web_search_tool_result", &["tool_use_id", "content"]),
    ("web_fetch_tool_result", &["tool_use_id", "content"]),
    ("code_execution_tool_result", &["tool_use_id", "content"]),
    ("bash_code_execution_tool_result", &["tool_use_id", "content"]),
    ("mcp_tool_use", &["id", "name", "server_name", "input"]),
    ("mcp_tool_result", &["tool_use_id", "content"]),
    ("compaction", &[]),
    ("fallback", &[]),
    // What we have never heard of goes back as it came.
    ("block_of_next_year", &[]),
];

impl Request {
    fn check(&self) {
        assert_eq!(self.messages.first().map(|first| &first.role), Some(&Role::User));
        for text in self.system.iter().flatten() {
            assert!(matches!(text.kind, TextType::Text) && !text.text.trim().is_empty());
        }
        let mut open: Vec<String> = Vec::new();
        for pair in self.messages.windows(2) {
            assert_ne!(pair[0].role, pair[1].role);
        }
        for message in &self.messages {
            assert!(!message.content.is_empty());
            let field = |block: &Value, name: &str| block[name].as_str().unwrap_or_default().to_owned();
            let results = message.content.iter().take_while(|block| block["type"] == "tool_result");
            let answered: Vec<String> = results.map(|block| field(block, "tool_use_id")).collect();
            if message.role == Role::User {
                let mut wanted = std::mem::take(&mut open);
                let mut given = answered.clone();
                wanted.sort();
                given.sort();
                assert_eq!(given, wanted, "every call is answered once, at once, and nothing else is");
            }
            for block in message.content.iter().skip(answered.len()) {
                assert_ne!(block["type"], "tool_result", "results come first");
            }
            message.content.iter().for_each(check_block);
            let calls = message.content.iter().filter(|block| block["type"] == "tool_use");
            open.extend(calls.map(|block| field(block, "id")));
        }
        assert!(open.is_empty(), "every call is answered");
    }
}

fn check_block(block: &Value) {
    let kind = block["type"].as_str().unwrap();
    let (_, needed) = BLOCKS.iter().find(|(name, _)| *name == kind).unwrap_or_else(|| panic!("{block}"));
    for name in *needed {
        assert!(!block[*name].is_null(), "{name} is missing in {block}");
    }
    match kind {
        "text" => assert!(!block["text"].as_str().unwrap().trim().is_empty()),
        "tool_use" => assert!(block["input"].is_object(), "{block}"),
        "tool_result" => {
            for part in block["content"].as_array().into_iter().flatten() {
                assert!(matches!(part["type"].as_str(), Some("text" | "image" | "document")), "{part}");
                check_block(part);
            }
        }
        _ => {}
    }
}
