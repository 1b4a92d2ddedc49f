//! The messages that the scripts answer with.

use serde_json::{Map, Value, json};

use super::{estimate_tokens, thinking};
use crate::state::{BASE62, random_text};

const UNICODE: &str = "Grüße! 👩‍👩‍👧‍👦 e\u{301} 你好，世界 🇯🇵 𝔘𝔫𝔦 \u{202e}rtl\u{202c} end";

/// A finished answer.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) content: Vec<Value>,
    pub(super) stop_reason: &'static str,
    pub(super) stop_sequence: Value,
    pub(super) stop_details: Value,
    pub(super) input_tokens: usize,
    pub(super) web_searches: u64,
    /// Characters a delta; `None` splits at words.
    pub(super) characters_per_delta: Option<usize>,
}

impl Message {
    pub(super) fn output_tokens(&self) -> usize {
        self.content.iter().map(|block| block.to_string().len()).sum::<usize>().div_ceil(4).max(1)
    }

    pub(super) fn usage(&self, output_tokens: usize) -> Value {
        let mut usage = json!({
            "input_tokens": self.input_tokens, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output_tokens, "service_tier": "standard", "inference_geo": "global",
        });
        if self.web_searches > 0 {
            usage["server_tool_use"] =
                json!({"web_search_requests": self.web_searches, "web_fetch_requests": 0});
        }
        usage
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": self.content,
            "stop_reason": self.stop_reason, "stop_sequence": self.stop_sequence, "stop_details": self.stop_details,
            "usage": self.usage(self.output_tokens()),
        })
    }
}

/// The answer of this name, or `None` if there is none.
pub(super) fn compose(body: &Value, name: &str, argument: Option<u64>, asked: &str) -> Option<Message> {
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let text = |text: &str| json!({"type": "text", "text": text});
    let mut message = Message {
        id: format!("msg_01{}", random_text(BASE62, 22)),
        model: model.clone(),
        content: Vec::new(),
        stop_reason: "end_turn",
        stop_sequence: Value::Null,
        stop_details: Value::Null,
        input_tokens: estimate_tokens(body),
        web_searches: 0,
        characters_per_delta: None,
    };
    match name {
        "plain" => message.content.push(text(&plain(body, asked))),
        "long" => {
            let n_words = argument.unwrap_or(40).clamp(1, 100_000);
            let words: Vec<String> = (1..=n_words).map(|number| format!("word{number}")).collect();
            message.content.push(text(&words.join(" ")));
        }
        "tool_use" => use_tools(&mut message, body, 1),
        "parallel_tools" => use_tools(&mut message, body, 2),
        "thinking" => {
            let thought = "The user asks something. A short answer is best.";
            let signature = thinking::signature(&model, thought);
            message.content.push(json!({"type": "thinking", "thinking": thought, "signature": signature}));
            message.content.push(text("Here is the answer, after some thought."));
        }
        "redacted" => {
            let data = thinking::signature(&model, "redacted");
            message.content.push(json!({"type": "redacted_thinking", "data": data}));
            message.content.push(text("Here is the answer."));
        }
        "refusal" => {
            message.stop_reason = "refusal";
            message.stop_details = json!({"type": "refusal", "category": "cyber", "explanation": "The emulator was asked to refuse."});
        }
        "max_tokens" => {
            message.content.push(text("This sentence is cut off in the"));
            message.stop_reason = "max_tokens";
        }
        "unicode" => {
            message.content.push(text(UNICODE));
            message.characters_per_delta = Some(1);
        }
        "stop_sequence" => {
            message.content.push(text("Counting: one, two, "));
            message.stop_reason = "stop_sequence";
            message.stop_sequence = body["stop_sequences"].get(0).cloned().unwrap_or_else(|| "STOP".into());
        }
        "web_search" => web_search(&mut message),
        "empty" => {}
        "pause_turn" => {
            message.content.push(text("Still working."));
            message.stop_reason = "pause_turn";
        }
        "context_window" => {
            message.content.push(text("There is no room for"));
            message.stop_reason = "model_context_window_exceeded";
        }
        _ => return None,
    }
    Some(message)
}

fn plain(body: &Value, asked: &str) -> String {
    let last = body["messages"].as_array().and_then(|messages| messages.last());
    let result = last
        .and_then(|message| message["content"].as_array())
        .and_then(|blocks| blocks.iter().find(|block| block["type"] == "tool_result"));
    if let Some(result) = result {
        let said = match &result["content"] {
            Value::String(text) => text.clone(),
            Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
            _ => String::new(),
        };
        return format!("The tool answered: {said}");
    }
    let heard: String = asked.chars().take(200).collect();
    format!("Hello from the emulator! You said: {heard}")
}

fn use_tools(message: &mut Message, body: &Value, n_calls: usize) {
    let tools: Vec<&Value> = body["tools"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|tool| tool["input_schema"].is_object())
        .collect();
    if tools.is_empty() {
        message.content.push(json!({"type": "text", "text": "There is no tool that I could use."}));
        return;
    }
    message.content.push(json!({"type": "text", "text": "Let me look that up."}));
    for index in 0..n_calls {
        let tool = tools[index % tools.len()];
        message.content.push(json!({
            "type": "tool_use", "id": format!("toolu_01{}", random_text(BASE62, 22)), "name": tool["name"],
            "input": example(&tool["input_schema"], 0),
        }));
    }
    message.stop_reason = "tool_use";
}

/// A value that fits a JSON schema well enough: constants and enumerations first, required properties only.
fn example(schema: &Value, depth: usize) -> Value {
    if let Some(value) =
        schema.get("const").or_else(|| schema["enum"].get(0)).or_else(|| schema.get("default"))
    {
        return value.clone();
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].get(0)?.as_str()).unwrap_or("string");
    match kind {
        "object" if depth < 16 => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let filled: Map<String, Value> = required
                .map(|name| (name.to_owned(), example(&schema["properties"][name], depth + 1)))
                .collect();
            Value::Object(filled)
        }
        "object" => json!({}),
        "array" if schema["minItems"].as_u64().unwrap_or(0) > 0 && depth < 16 => {
            json!([example(&schema["items"], depth + 1)])
        }
        "array" => json!([]),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => json!("example"),
    }
}

fn web_search(message: &mut Message) {
    let id = format!("srvtoolu_01{}", random_text(BASE62, 22));
    let (url, title) = ("https://example.com/weather", "Weather today");
    let citation = json!({"type": "web_search_result_location", "url": url, "title": title, "encrypted_index": "RW11bGF0b3I=", "cited_text": "Sunny, 21 degrees."});
    message.content.extend([
        json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": {"query": "weather today"}}),
        json!({"type": "web_search_tool_result", "tool_use_id": id, "content": [
            {"type": "web_search_result", "url": url, "title": title, "encrypted_content": "RW11bGF0b3I=", "page_age": null}]}),
        json!({"type": "text", "text": "It is sunny today.", "citations": [citation]}),
    ]);
    message.web_searches = 1;
}
