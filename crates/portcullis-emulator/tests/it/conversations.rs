//! Scripts that go on over several turns, and what they leave in the history.

use serde_json::{Value, json};

use crate::client::{Call, Keys, Lab, ask};

const INVALID: &str = "invalid_request_error";

/// A conversation with one model.
struct Talk<'a> {
    lab: &'a Lab,
    keys: Keys,
    body: Value,
}

impl<'a> Talk<'a> {
    async fn new(lab: &'a Lab, model: &str, text: &str) -> Self {
        let mut body = ask(text);
        body["model"] = json!(model);
        let schema =
            json!({"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}});
        body["tools"] = json!([{"name": "weather", "input_schema": schema}]);
        Self { lab, keys: lab.session().await, body }
    }

    async fn ask(&self) -> Value {
        self.lab.json(&Call::messages(&self.body), &self.keys).await
    }

    async fn refused(&self, part: &str) {
        self.lab.refused(&Call::messages(&self.body), &self.keys, 400, INVALID, part).await;
    }

    fn push(&mut self, role: &str, content: Value) {
        self.body["messages"].as_array_mut().unwrap().push(json!({"role": role, "content": content}));
    }

    /// Sends the answer back, with a result for each of its calls.
    fn go_on(&mut self, answer: &Value) {
        let calls = answer["content"].as_array().unwrap().iter().filter(|block| block["type"] == "tool_use");
        let results: Vec<Value> = calls
            .map(|call| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "sunny"}))
            .collect();
        self.push("assistant", answer["content"].clone());
        self.push("user", json!(results));
    }
}

fn kinds(answer: &Value) -> Vec<&str> {
    answer["content"].as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_tool_loop_goes_round_as_long_as_its_thoughts_come_back() {
    let lab = Lab::new().await;
    for model in ["claude-sonnet-4-6", "claude-opus-5-5"] {
        let mut talk = Talk::new(&lab, model, "[[emulator:tool_loop=3]]").await;
        talk.body["thinking"] = json!({"type": "adaptive"});
        for round in 0..3 {
            let answer = talk.ask().await;
            assert_eq!(
                (kinds(&answer), &answer["stop_reason"]),
                (vec!["thinking", "tool_use"], &json!("tool_use"))
            );
            assert_eq!(answer["content"][0]["thinking"] == "", model == "claude-opus-5-5", "{round}");
            assert!(answer["usage"]["output_tokens_details"]["thinking_tokens"].as_u64().unwrap() > 0);
            talk.go_on(&answer);
        }
        let last = talk.ask().await;
        assert_eq!(last["content"][1]["text"], "Done after 3 calls. The tool answered: sunny");
        // The newer model's later thoughts belong to the earlier ones as well.
        let changed = if model == "claude-opus-5-5" { "Invalid `signature`" } else { "cannot be modified" };
        let whole = talk.body.clone();
        talk.body["messages"][1]["content"].as_array_mut().unwrap().remove(0);
        talk.refused(changed).await;
        talk.body = whole.clone();
        talk.body["messages"][3]["content"][0] = whole["messages"][1]["content"][0].clone();
        talk.refused(changed).await;
        talk.body = whole;
        talk.body["messages"][1]["content"][0]["thinking"] = json!("Something else.");
        talk.refused("Invalid `signature` in `thinking` block").await;
    }
}

#[tokio::test]
async fn with_a_budget_the_thought_stands_first() {
    let lab = Lab::new().await;
    let mut talk = Talk::new(&lab, "claude-haiku-4-5", "[[emulator:tool_use]]").await;
    talk.body["max_tokens"] = json!(4000);
    talk.body["thinking"] = json!({"type": "enabled", "budget_tokens": 2000});
    let answer = talk.ask().await;
    assert_eq!(kinds(&answer), ["thinking", "text", "tool_use"]);
    talk.go_on(&answer);
    assert_eq!(talk.ask().await["content"][0]["text"], "The tool answered: sunny");
    talk.body["messages"][1]["content"].as_array_mut().unwrap().remove(0);
    talk.refused("Expected `thinking` or `redacted_thinking`, but found `text`").await;
}

#[tokio::test]
async fn thoughts_may_stand_between_calls() {
    let lab = Lab::new().await;
    let mut talk = Talk::new(&lab, "claude-opus-5-5", "[[emulator:interleaved]]").await;
    talk.body["thinking"] = json!({"type": "adaptive", "display": "summarized"});
    let answer = talk.ask().await;
    assert_eq!(kinds(&answer), ["thinking", "tool_use", "thinking", "tool_use"]);
    talk.go_on(&answer);
    assert_eq!(kinds(&talk.ask().await), ["thinking", "text"]);
    talk.body["messages"][1]["content"].as_array_mut().unwrap().remove(2);
    talk.refused("cannot be modified").await;
}

#[tokio::test]
async fn a_paused_turn_goes_on_when_it_comes_back_as_it_was() {
    let lab = Lab::new().await;
    let mut talk = Talk::new(&lab, "claude-opus-5-5", "[[emulator:pause_turn=2]]").await;
    let first = talk.ask().await;
    assert_eq!(
        (kinds(&first), &first["stop_reason"]),
        (vec!["text", "server_tool_use"], &json!("pause_turn"))
    );
    talk.push("assistant", first["content"].clone());
    let second = talk.ask().await;
    assert_eq!(second["stop_reason"], "pause_turn");
    talk.push("assistant", second["content"].clone());
    let last = talk.ask().await;
    assert_eq!(
        (kinds(&last), &last["stop_reason"]),
        (vec!["web_search_tool_result", "text"], &json!("end_turn"))
    );
    let paused = talk.body.clone();
    talk.body["messages"][2]["content"][1]["text"] = json!("Still at it.");
    talk.refused("must come back as it was").await;
    talk.body = paused;
    talk.push("user", json!("Go on"));
    talk.refused("without its result").await;
}

#[tokio::test]
async fn what_server_tools_left_goes_back_as_it_was() {
    let lab = Lab::new().await;
    for (script, block, field) in [("web_search", 1, "encrypted_content"), ("compaction", 0, "signature")] {
        let mut talk = Talk::new(&lab, "claude-opus-5-5", &format!("[[emulator:{script}]]")).await;
        let answer = talk.ask().await;
        talk.push("assistant", answer["content"].clone());
        talk.push("user", json!("And now?"));
        talk.ask().await;
        let place = &mut talk.body["messages"][1]["content"][block];
        if script == "web_search" {
            place["content"][0][field] = json!("x")
        } else {
            place[field] = json!("x")
        }
        talk.refused(&format!("Invalid `{field}`")).await;
    }
}

#[tokio::test]
async fn a_structured_answer_fits_its_schema() {
    let lab = Lab::new().await;
    let mut talk = Talk::new(&lab, "claude-opus-5-5", "[[emulator:structured]]").await;
    let schema = json!({"type": "object", "required": ["name", "n"], "additionalProperties": false,
        "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}});
    talk.body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}});
    let answer = talk.ask().await;
    let json: Value = serde_json::from_str(answer["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(json, json!({"name": "example", "n": 1}));
}

#[tokio::test]
async fn a_marked_prompt_is_written_to_the_cache_and_then_read() {
    let lab = Lab::new().await;
    let mut talk = Talk::new(&lab, "claude-opus-5-5", "Hello").await;
    talk.body["system"] = json!([{"type": "text", "text": "x".repeat(4000), "cache_control": {"type": "ephemeral", "ttl": "1h"}}]);
    let first = talk.ask().await["usage"].clone();
    let written = first["cache_creation_input_tokens"].as_u64().unwrap();
    assert!(written > 1000, "{first}");
    assert_eq!(
        first["cache_creation"],
        json!({"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": written})
    );
    let second = talk.ask().await["usage"].clone();
    assert_eq!(second["cache_read_input_tokens"], first["cache_creation_input_tokens"]);
    assert_eq!(
        (&second["input_tokens"], &second["cache_creation_input_tokens"]),
        (&first["input_tokens"], &json!(0))
    );
}
