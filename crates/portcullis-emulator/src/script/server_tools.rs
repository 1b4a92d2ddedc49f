//! What tools leave that run upstream: calls, results, citations, files.

use serde_json::{Value, json};

use super::compose::{MadeFile, Message};
use super::turn::Turn;
use crate::state::{BASE62, random_text};

/// What the emulator encrypts: nothing. It must come back as it is.
const SEALED: &str = "RW11bGF0b3I=";
const URL: &str = "https://example.com/weather";
const TITLE: &str = "Weather today";

fn id(prefix: &str) -> String {
    format!("{prefix}_01{}", random_text(BASE62, 22))
}

fn web_citation() -> Value {
    json!({"type": "web_search_result_location", "url": URL, "title": TITLE, "encrypted_index": SEALED, "cited_text": "Sunny, 21 degrees."})
}

/// A result of a search for `id`.
pub(super) fn search_result(id: &str) -> Value {
    json!({"type": "web_search_tool_result", "tool_use_id": id, "content": [
        {"type": "web_search_result", "url": URL, "title": TITLE, "encrypted_content": SEALED, "page_age": null}]})
}

pub(super) fn search(message: &mut Message) {
    let id = id("srvtoolu");
    message.content.extend([
        json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": {"query": "weather today"}}),
        search_result(&id),
        json!({"type": "text", "text": "It is sunny today.", "citations": [web_citation()]}),
    ]);
    message.web_searches = 1;
}

pub(super) fn fetch(message: &mut Message) {
    let id = id("srvtoolu");
    let source = json!({"type": "text", "media_type": "text/plain", "data": "Sunny, 21 degrees."});
    let document =
        json!({"type": "document", "source": source, "title": TITLE, "citations": {"enabled": false}});
    message.content.extend([
        json!({"type": "server_tool_use", "id": id, "name": "web_fetch", "input": {"url": URL}}),
        json!({"type": "web_fetch_tool_result", "tool_use_id": id, "content": {
            "type": "web_fetch_result", "url": URL, "content": document, "retrieved_at": "2026-11-22T12:00:00Z"}}),
        json!({"type": "text", "text": "The page says that it is sunny."}),
    ]);
    message.web_fetches = 1;
}

pub(super) fn run_code(message: &mut Message) {
    let id = id("srvtoolu");
    let made = MadeFile {
        id: format!("file_011{}", random_text(BASE62, 21)),
        filename: "squares.csv",
        mime_type: "text/csv",
        content: b"n,square\n1,1\n2,4\n3,9\n".to_vec(),
    };
    let command = "python squares.py > squares.csv && echo done";
    message.content.extend([
        json!({"type": "text", "text": "Let me compute that."}),
        json!({"type": "server_tool_use", "id": id, "name": "bash_code_execution", "input": {"command": command}}),
        json!({"type": "bash_code_execution_tool_result", "tool_use_id": id, "content": {
            "type": "bash_code_execution_result", "stdout": "done\n", "stderr": "", "return_code": 0,
            "content": [{"type": "bash_code_execution_output", "file_id": made.id}]}}),
        json!({"type": "text", "text": "The squares are in the file."}),
    ]);
    message.container =
        json!({"id": self::id("container"), "expires_at": "2026-12-31T00:00:00Z", "skills": null});
    message.made.push(made);
}

pub(super) fn ask_mcp_server(message: &mut Message, turn: &Turn<'_>) {
    let id = id("mcptoolu");
    let server = turn.body["mcp_servers"][0]["name"].as_str().unwrap_or("example");
    message.content.extend([
        json!({"type": "mcp_tool_use", "id": id, "name": "look_up", "server_name": server, "input": {"word": "portcullis"}}),
        json!({"type": "mcp_tool_result", "tool_use_id": id, "is_error": false, "content": [
            {"type": "text", "text": "A gate that is let down."}]}),
        json!({"type": "text", "text": "The server says: a gate that is let down."}),
    ]);
}

/// Cites the first document of the request, if there is one, and the web.
pub(super) fn cite(message: &mut Message, turn: &Turn<'_>) {
    let documents = turn.body["messages"].as_array().into_iter().flatten();
    let document = documents
        .filter_map(|message| message["content"].as_array())
        .flatten()
        .find(|block| block["type"] == "document");
    let data = document.filter(|document| document["source"]["type"] == "text");
    let cited: String = match data.and_then(|document| document["source"]["data"].as_str()) {
        Some(text) => text.chars().take(20).collect(),
        None => "The grass is green. ".into(),
    };
    let end = cited.chars().count();
    let title = document.map_or(Value::Null, |document| document["title"].clone());
    let file_id = document.map_or(Value::Null, |document| document["source"]["file_id"].clone());
    let in_document = json!({"type": "char_location", "cited_text": cited, "document_index": 0, "document_title": title,
        "start_char_index": 0, "end_char_index": end, "file_id": file_id});
    message.content.extend([
        json!({"type": "text", "text": "The document says: "}),
        json!({"type": "text", "text": "the grass is green", "citations": [in_document]}),
        json!({"type": "text", "text": ", and the web says that "}),
        json!({"type": "text", "text": "it is sunny", "citations": [web_citation()]}),
        json!({"type": "text", "text": "."}),
    ]);
}

/// Refuses results of searches, and citations of them, whose encrypted parts have changed.
pub(crate) fn check_server_results(body: &Value) -> Result<(), String> {
    for (index, message) in body["messages"].as_array().into_iter().flatten().enumerate() {
        for (position, block) in message["content"].as_array().into_iter().flatten().enumerate() {
            let at = format!("messages.{index}.content.{position}");
            let (list, field) = match block["type"].as_str() {
                Some("web_search_tool_result") => ("content", "encrypted_content"),
                Some("text") => ("citations", "encrypted_index"),
                _ => continue,
            };
            let is_sealed = |item: &&Value| {
                ["web_search_result", "web_search_result_location"].iter().any(|kind| item["type"] == *kind)
            };
            let mut items = block[list].as_array().into_iter().flatten().filter(is_sealed);
            if items.any(|item| item[field] != SEALED) {
                return Err(format!("{at}.{list}: Invalid `{field}`"));
            }
        }
    }
    Ok(())
}
