//! What the model said comes back byte for byte on the next turn, through nothing but the message a client keeps.
//!
//! Thinking is bound to the text around it, and the prompt cache is a prefix of bytes: an answer that is rebuilt
//! almost the same is a lost one.

use portcullis_provider::chat::response::to_completion;
use portcullis_provider::sse::Event;
use portcullis_provider::{ChatRequest, ChatStream, ResponseContext, Target};
use portcullis_types::{Compliance, TranslationOptions};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Blocks as the upstream writes them. `@` becomes a number, so that ids differ.
const BLOCKS: [&str; 12] = [
    r#"{"type":"thinking","thinking":"hm \"@\"","signature":"sig@=="}"#,
    r#"{"type":"thinking","thinking":"","signature":"sig@=="}"#,
    r#"{"type":"redacted_thinking","data":"opaque@"}"#,
    r#"{"type":"text","text":"I say @ \n and – more"}"#,
    r#"{"type":"text","text":"cited @","citations":[{"type":"char_location","cited_text":"x","document_index":0,"document_title":null,"start_char_index":0,"end_char_index":1}]}"#,
    r#"{"type":"tool_use","id":"toolu_@","name":"f","input":{"z":1.50,"a":[12345678901234567890,"é"]}}"#,
    r#"{"type":"tool_use","id":"toolu_@","name":"f","input":{}}"#,
    r#"{"type":"tool_use","id":"toolu_@","name":"f","input":{"a":1},"caller":{"type":"code_execution_20260120","tool_id":"srvtoolu_9"}}"#,
    r#"{"type":"server_tool_use","id":"srvtoolu_@","name":"web_search","input":{"query":"x"}}"#,
    r#"{"type":"web_search_tool_result","tool_use_id":"srvtoolu_@","content":[{"type":"web_search_result","title":"t","url":"https://x.example","encrypted_content":"e","page_age":null}]}"#,
    r#"{"type":"container_upload","file_id":"file_@"}"#,
    r#"{"type":"block_of_next_year","value":1.0}"#,
];

/// The next request of a client that got `content` and answers every call.
fn next_request(content: &str, context: &ResponseContext) -> Value {
    let message = format!(
        r#"{{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":{content},"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":1,"output_tokens":1}}}}"#
    );
    let completion = to_completion(message.as_bytes(), context, 0).unwrap();
    let completion: Value = serde_json::from_slice(&completion.body).unwrap();
    let answer = &completion["choices"][0]["message"];
    let mut messages = vec![json!({"role": "user", "content": "hi"}), answer.clone()];
    for call in answer["tool_calls"].as_array().into_iter().flatten() {
        messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "done"}));
    }
    messages.push(json!({"role": "user", "content": "go on"}));
    json!({"model": "claude-opus-5-5", "max_tokens": 100, "messages": messages})
}

fn check(content: &str) {
    for compliance in [Compliance::Extended, Compliance::Everything] {
        check_with(content, &ResponseContext { compliance, ..ResponseContext::default() });
    }
}

fn check_with(content: &str, context: &ResponseContext) {
    let request = next_request(content, context).to_string();
    let model = "claude-opus-5-5".parse().unwrap();
    let translated = ChatRequest::parse(request.as_bytes())
        .and_then(|request| request.into_messages(&Target::embedded(&model, TranslationOptions::default())))
        .unwrap_or_else(|invalid| panic!("{invalid}: {request}"));
    let body = String::from_utf8(translated.body).unwrap();
    let turn = format!(r#"{{"role":"assistant","content":{content}}}"#);
    assert!(body.contains(&turn), "\n{turn}\nis not in\n{body}\nmade from\n{request}");
}

fn content(blocks: &[&str]) -> String {
    let numbered = blocks.iter().enumerate().map(|(index, block)| block.replace('@', &index.to_string()));
    format!("[{}]", numbered.collect::<Vec<_>>().join(","))
}

#[test]
fn every_block_alone_comes_back() {
    for block in BLOCKS {
        check(&content(&[block]));
    }
}

proptest! {
    #[test]
    fn every_sequence_of_blocks_comes_back(blocks in proptest::collection::vec(proptest::sample::select(BLOCKS.to_vec()), 1..7)) {
        check(&content(&blocks));
    }
}

/// An answer to a request whose tools were renamed speaks of the client's names, and comes back under the sent ones.
#[test]
fn rewritten_names_come_back_as_the_clients() {
    let options = TranslationOptions { rename_tools: true, ..TranslationOptions::default() };
    let model = "claude-opus-5-5".parse().unwrap();
    let translate = |request: &Value| {
        let body = request.to_string();
        ChatRequest::parse(body.as_bytes())
            .unwrap()
            .into_messages(&Target::embedded(&model, options))
            .unwrap()
    };
    let mut request = json!({
        "model": "claude-opus-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": {"name": "get.it"}}, {"type": "custom", "custom": {"name": "run it"}}],
    });
    let context = translate(&request).context;
    let content = r#"[{"type":"tool_use","id":"t1","name":"get_it","input":{"a":1.0}},{"type":"tool_use","id":"t2","name":"run_it","input":{"input":"x"}}]"#;
    let message = format!(
        r#"{{"id":"msg_1","type":"message","model":"m","content":{content},"stop_reason":"tool_use"}}"#
    );
    let completion = to_completion(message.as_bytes(), &context, 0).unwrap();
    let completion: Value = serde_json::from_slice(&completion.body).unwrap();
    let answer = &completion["choices"][0]["message"];
    assert_eq!(answer["tool_calls"][0]["function"]["name"], "get.it");
    assert_eq!(answer["tool_calls"][1]["custom"], json!({"name": "run it", "input": "x"}));

    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(answer.clone());
    for id in ["t1", "t2"] {
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": "done"}));
    }
    let body = String::from_utf8(translate(&request).body).unwrap();
    assert!(body.contains(&format!(r#"{{"role":"assistant","content":{content}}}"#)), "{body}");
    assert_eq!(streamed_names(&context, content), ["get.it", "run it"]);
}

/// Names of the calls in the chunks of a stream with this content.
fn streamed_names(context: &ResponseContext, content: &str) -> Vec<Value> {
    let content: Value = serde_json::from_str(content).unwrap();
    let mut events =
        vec![json!({"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": []}})];
    for (index, block) in content.as_array().unwrap().iter().enumerate() {
        events.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let mut stream = ChatStream::new(context.clone(), 0);
    let mut out = Vec::new();
    for event in &events {
        stream.push(&Event { name: None, data: event.to_string().into(), id: "" }, &mut out).unwrap();
    }
    let text = String::from_utf8(out).unwrap();
    let chunks = text.split_terminator("\n\n").filter_map(|event| event.strip_prefix("data: "));
    let chunks = chunks.map(|chunk| serde_json::from_str::<Value>(chunk).unwrap());
    let calls: Vec<Value> =
        chunks.filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].get(0).cloned()).collect();
    let names =
        calls.iter().flat_map(|call| [call["function"]["name"].clone(), call["custom"]["name"].clone()]);
    names.filter(|name| !name.is_null()).collect()
}
