//! The messages that the scripts answer with.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::example::example;
use super::thinking::Shown;
use super::turn::{Tokens, Turn};
use super::{compaction, pause, server_tools, tools};
use crate::answer::{Answer, Piece};
use crate::state::{BASE62, random_text};

const UNICODE: &str = "Grüße! 👩‍👩‍👧‍👦 e\u{301} 你好，世界 🇯🇵 𝔘𝔫𝔦 \u{202e}rtl\u{202c} end";

/// A file that a tool made.
#[derive(Clone, Debug)]
pub(crate) struct MadeFile {
    pub(crate) id: String,
    pub(crate) filename: &'static str,
    pub(crate) mime_type: &'static str,
    pub(crate) content: Vec<u8>,
}

/// How an answer goes over the wire.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delivery {
    /// Characters a delta; `None` splits at words.
    pub(super) characters_per_delta: Option<usize>,
    /// A call without arguments has no delta.
    pub(super) hides_empty_input: bool,
    /// Nothing but pings for so long, in the middle.
    pub(super) silence: Option<Duration>,
    /// Events, deltas and fields that nobody knows are among it.
    pub(super) is_strange: bool,
}

/// A finished answer.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) content: Vec<Value>,
    pub(super) stop_reason: &'static str,
    pub(super) stop_sequence: Value,
    pub(super) stop_details: Value,
    pub(super) container: Value,
    pub(super) tokens: Tokens,
    pub(super) service_tier: &'static str,
    pub(super) inference_geo: Value,
    /// What thinking cost beyond what is shown of it.
    pub(super) thinking_tokens: usize,
    pub(super) web_searches: u64,
    pub(super) web_fetches: u64,
    /// `usage.iterations`, of answers that have it.
    pub(super) iterations: Option<Value>,
    pub(super) delivery: Delivery,
    pub(super) made: Vec<MadeFile>,
}

impl Message {
    fn new(turn: &Turn<'_>) -> Self {
        Self {
            id: format!("msg_01{}", random_text(BASE62, 22)),
            model: turn.model.to_owned(),
            content: Vec::new(),
            stop_reason: "end_turn",
            stop_sequence: Value::Null,
            stop_details: Value::Null,
            container: Value::Null,
            tokens: turn.tokens,
            service_tier: "standard",
            inference_geo: turn
                .body
                .get("inference_geo")
                .filter(|geo| geo.is_string())
                .cloned()
                .unwrap_or(json!("global")),
            thinking_tokens: 0,
            web_searches: 0,
            web_fetches: 0,
            iterations: None,
            delivery: Delivery::default(),
            made: Vec::new(),
        }
    }

    pub(super) fn push_text(&mut self, text: &str) {
        self.content.push(json!({"type": "text", "text": text}));
    }

    /// A thought, shown as the request wants it.
    pub(super) fn push_thought(&mut self, turn: &Turn<'_>, thought: &str) {
        let shown = if turn.shows_thinking() { Shown::Whole } else { Shown::Omitted };
        self.push_thought_as(turn, thought, shown);
    }

    fn push_thought_as(&mut self, turn: &Turn<'_>, thought: &str, shown: Shown) {
        self.thinking_tokens += thought.len().div_ceil(4);
        self.content.push(turn.binding().block(thought, shown));
    }

    /// All of them, those of thinking included.
    pub(super) fn output_tokens(&self) -> usize {
        if self.is_cache_write_only() {
            return 0;
        }
        let is_thought = |block: &&Value| block["type"] == "thinking" || block["type"] == "redacted_thinking";
        let said =
            self.content.iter().filter(|block| !is_thought(block)).map(|block| block.to_string().len());
        (said.sum::<usize>().div_ceil(4) + self.thinking_tokens).max(1)
    }

    fn is_cache_write_only(&self) -> bool {
        self.content.is_empty() && self.stop_reason == "max_tokens"
    }

    /// What is counted up while the answer streams; `output_tokens` so far.
    pub(super) fn running_usage(&self, output_tokens: usize) -> Map<String, Value> {
        let tokens = self.tokens;
        let written = tokens.cache_write_5m + tokens.cache_write_1h;
        let thinking_tokens = self.thinking_tokens.min(output_tokens);
        let mut usage = Map::new();
        usage.insert("input_tokens".into(), json!(tokens.input));
        usage.insert("cache_creation_input_tokens".into(), json!(written));
        usage.insert("cache_read_input_tokens".into(), json!(tokens.cache_read));
        usage.insert("output_tokens".into(), json!(output_tokens));
        usage.insert("output_tokens_details".into(), json!({"thinking_tokens": thinking_tokens}));
        if self.web_searches + self.web_fetches > 0 {
            let requests =
                json!({"web_search_requests": self.web_searches, "web_fetch_requests": self.web_fetches});
            usage.insert("server_tool_use".into(), requests);
        }
        if let Some(iterations) = &self.iterations {
            usage.insert("iterations".into(), iterations.clone());
        }
        usage
    }

    pub(super) fn usage(&self, output_tokens: usize) -> Value {
        let mut usage = self.running_usage(output_tokens);
        let (short, long) = (self.tokens.cache_write_5m, self.tokens.cache_write_1h);
        usage.insert(
            "cache_creation".into(),
            json!({"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}),
        );
        usage.insert("service_tier".into(), json!(self.service_tier));
        usage.insert("inference_geo".into(), self.inference_geo.clone());
        Value::Object(usage)
    }

    pub(super) fn to_json(&self) -> Value {
        let mut message = json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": self.content,
            "stop_reason": self.stop_reason, "stop_sequence": self.stop_sequence, "stop_details": self.stop_details,
            "container": self.container, "usage": self.usage(self.output_tokens()),
        });
        if self.delivery.is_strange {
            message["hologram_depth"] = json!(3);
            message["usage"]["photon_tokens"] = json!(7);
        }
        message
    }

    /// The whole message at once.
    pub(super) fn into_answer(self) -> Answer {
        let mut answer = Answer::whole(200, "application/json", self.to_json().to_string());
        if let Some(silence) = self.delivery.silence {
            answer.pieces.push_front(Piece::Pause(silence));
        }
        answer
    }
}

/// The answer of this name, or `None` if there is none.
pub(super) fn compose(turn: &Turn<'_>, name: &str, argument: Option<u64>) -> Result<Option<Message>, String> {
    let mut message = Message::new(turn);
    let answer = &mut message;
    match name {
        "plain" => plain(answer, turn),
        "long" => {
            let n_words = argument.unwrap_or(40).clamp(1, 100_000);
            let words: Vec<String> = (1..=n_words).map(|number| format!("word{number}")).collect();
            answer.push_text(&words.join(" "));
        }
        "tool_use" => tools::call(answer, turn, 1),
        "parallel_tools" => tools::call(answer, turn, 2),
        "empty_tool" => tools::call_without_arguments(answer, turn),
        "tool_loop" => tools::go_round(answer, turn, argument.unwrap_or(3))?,
        "interleaved" => tools::interleave(answer, turn)?,
        "thinking" => {
            answer.push_thought(turn, "The user asks something. A short answer is best.");
            answer.push_text("Here is the answer, after some thought.");
        }
        "redacted" => {
            answer.push_thought_as(turn, "Nobody may read this.", Shown::Redacted);
            answer.push_text("Here is the answer.");
        }
        "web_search" => server_tools::search(answer),
        "web_fetch" => server_tools::fetch(answer),
        "code_execution" => server_tools::run_code(answer),
        "mcp" => server_tools::ask_mcp_server(answer, turn),
        "citations" => server_tools::cite(answer, turn),
        "pause_turn" => pause::pause(answer, turn, argument.unwrap_or(1))?,
        "compaction" => compaction::compact(answer),
        "structured" => {
            let json = example(&turn.body["output_config"]["format"]["schema"]);
            answer.push_text(&json.to_string());
        }
        _ if ends_specially(answer, turn, name) || travels_specially(answer, turn, name, argument) => {}
        _ => return Ok(None),
    }
    Ok(Some(message))
}

/// Answers that end otherwise than others.
fn ends_specially(message: &mut Message, turn: &Turn<'_>, name: &str) -> bool {
    let (text, stop_reason) = match name {
        "empty" => ("", "end_turn"),
        "refusal" => ("", "refusal"),
        "max_tokens" => ("This sentence is cut off in the", "max_tokens"),
        "stop_sequence" => ("Counting: one, two, ", "stop_sequence"),
        "context_window" => ("There is no room for", "model_context_window_exceeded"),
        _ => return false,
    };
    if !text.is_empty() {
        message.push_text(text);
    }
    message.stop_reason = stop_reason;
    match stop_reason {
        "refusal" => {
            let explanation = "The emulator was asked to refuse.";
            message.stop_details =
                json!({"type": "refusal", "category": "cyber", "explanation": explanation});
        }
        "stop_sequence" => {
            message.stop_sequence =
                turn.body["stop_sequences"].get(0).cloned().unwrap_or_else(|| "STOP".into());
        }
        _ => {}
    }
    true
}

/// Answers that are remarkable for how they arrive.
fn travels_specially(message: &mut Message, turn: &Turn<'_>, name: &str, argument: Option<u64>) -> bool {
    match name {
        "unicode" => {
            message.push_text(UNICODE);
            message.delivery.characters_per_delta = Some(1);
        }
        "long_silence" => {
            plain(message, turn);
            message.delivery.silence = Some(Duration::from_millis(argument.unwrap_or(1000)));
        }
        "unknown_events" => {
            message.content.push(json!({"type": "hologram", "depth": 3, "beam": "blue"}));
            plain(message, turn);
            message.delivery.is_strange = true;
        }
        _ => return false,
    }
    true
}

fn plain(message: &mut Message, turn: &Turn<'_>) {
    if turn.body["max_tokens"].as_u64() == Some(0) {
        // The prompt is written to the cache, and nothing is said.
        message.stop_reason = "max_tokens";
        return;
    }
    let text = match tools::last_result(turn) {
        Some(said) => format!("The tool answered: {said}"),
        None => {
            let heard: String = turn.asked.chars().take(200).collect();
            format!("Hello from the emulator! You said: {heard}")
        }
    };
    message.push_text(&text);
}
