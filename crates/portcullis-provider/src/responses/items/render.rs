//! Output items as JSON, from their blocks.

use serde_json::{Map, Value, json};

use super::{Kind, Slot};
use crate::anthropic::message::block_type;
use crate::chat::response::parts::{arguments, custom_input};
use crate::responses::context::ResponsesContext;
use crate::responses::encrypted_content;

/// How much of an item there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completeness {
    /// It begins: its content is still to come.
    InProgress,
    Completed,
    /// It is the last one of an answer that was cut.
    Incomplete,
}

impl Completeness {
    pub(crate) fn of(is_cut: bool) -> Self {
        if is_cut { Self::Incomplete } else { Self::Completed }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
        }
    }
}

/// What items depend on beside their blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape<'a> {
    pub(crate) context: &'a ResponsesContext,
    /// Where code runs; empty until the upstream says so.
    pub(crate) container_id: &'a str,
}

impl Shape<'_> {
    /// The item.
    ///
    /// - `blocks`: those of the slot; when it begins, the start of the first one.
    pub(crate) fn item(&self, slot: &Slot, blocks: &[&Value], how: Completeness) -> Value {
        let mut item = Map::new();
        item.insert("id".to_owned(), json!(slot.id));
        item.insert("type".to_owned(), json!(slot.kind.as_str()));
        let begins = how == Completeness::InProgress;
        let first = blocks.first().copied().unwrap_or(&Value::Null);
        let result = blocks.get(1).copied();
        let fields = match slot.kind {
            Kind::Reasoning if begins => json!({"summary": [], "status": how.as_str()}),
            Kind::Reasoning => self.reasoning(blocks, how),
            Kind::Message if begins => json!({"role": "assistant", "status": how.as_str(), "content": []}),
            Kind::Message => message(slot, blocks, how),
            Kind::FunctionCall | Kind::CustomToolCall => self.call(slot.kind, first, how),
            Kind::WebSearch => self.web_search(first, result, how),
            Kind::CodeInterpreter => self.code(first, result, how),
            Kind::Mcp => mcp(first, result, how),
            Kind::Compaction if begins => json!({"encrypted_content": ""}),
            Kind::Compaction => json!({"encrypted_content": encrypted_content::encode(blocks)}),
        };
        if let Value::Object(fields) = fields {
            item.extend(fields);
        }
        Value::Object(item)
    }

    fn reasoning(&self, blocks: &[&Value], how: Completeness) -> Value {
        let summary: Vec<Value> = blocks
            .iter()
            .map(|block| text(block, "thinking"))
            .filter(|thinking| !thinking.is_empty())
            .map(|thinking| json!({"type": "summary_text", "text": thinking}))
            .collect();
        let mut item = json!({"summary": summary});
        if self.context.include.encrypted_reasoning {
            item["encrypted_content"] = json!(encrypted_content::encode(blocks));
        }
        item["status"] = json!(how.as_str());
        item
    }

    fn call(&self, kind: Kind, block: &Value, how: Completeness) -> Value {
        let begins = how == Completeness::InProgress;
        let sent = text(block, "name");
        let namespaced = self.context.namespaces.get(sent);
        let name = namespaced.map_or(sent, |namespaced| namespaced.name.as_str());
        let name = self.context.tool_names.of_client(name);
        let mut item = json!({"call_id": text(block, "id"), "name": name});
        if let Some(namespaced) = namespaced {
            item["namespace"] = json!(namespaced.namespace);
        }
        let input = block.get("input");
        if kind == Kind::CustomToolCall {
            item["input"] = json!(if begins { String::new() } else { custom_input(input) });
        } else {
            item["arguments"] = json!(if begins { String::new() } else { arguments(input) });
            item["status"] = json!(how.as_str());
        }
        item
    }

    fn web_search(&self, call: &Value, result: Option<&Value>, how: Completeness) -> Value {
        let query = call.get("input").map_or("", |input| text(input, "query"));
        let mut action = if how == Completeness::InProgress {
            json!({"type": "search", "query": ""})
        } else {
            json!({"type": "search", "query": query, "queries": [query]})
        };
        if let Some(result) = result.filter(|_| self.context.include.search_sources) {
            let pages = result.get("content").and_then(Value::as_array).into_iter().flatten();
            let sources = pages.filter_map(|page| page.get("url")?.as_str());
            action["sources"] = sources.map(|url| json!({"type": "url", "url": url})).collect();
        }
        json!({"status": outcome(result, how), "action": action})
    }

    fn code(&self, call: &Value, result: Option<&Value>, how: Completeness) -> Value {
        let code = if how == Completeness::InProgress { "" } else { code(call) };
        let outputs = result.filter(|_| self.context.include.code_outputs).map(|result| {
            let logs = result.get("content").map(logs).unwrap_or_default();
            json!([{"type": "logs", "logs": logs}])
        });
        json!({"status": outcome(result, how), "code": code, "container_id": self.container_id, "outputs": outputs})
    }
}

/// The program of a code execution, in Python or for the shell.
pub(crate) fn code(call: &Value) -> &str {
    let input = call.get("input").unwrap_or(&Value::Null);
    let code = text(input, "code");
    if code.is_empty() { text(input, "command") } else { code }
}

fn logs(content: &Value) -> String {
    let streams = [text(content, "stdout"), text(content, "stderr")];
    let streams: Vec<&str> = streams.into_iter().filter(|stream| !stream.is_empty()).collect();
    streams.join("\n")
}

fn mcp(call: &Value, result: Option<&Value>, how: Completeness) -> Value {
    let begins = how == Completeness::InProgress;
    let failed = result.is_some_and(has_failed);
    let content = result.map(|result| result.get("content").unwrap_or(&Value::Null));
    let output = content.filter(|_| !failed).map(|content| match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(|part| text(part, "text")).collect(),
        _ => String::new(),
    });
    let error = content.filter(|_| failed);
    let error = error.map(|content| json!({"type": "mcp_tool_execution_error", "content": content}));
    json!({
        "status": outcome(result, how),
        "server_label": text(call, "server_name"),
        "name": text(call, "name"),
        "arguments": if begins { String::new() } else { arguments(call.get("input")) },
        "output": output,
        "error": error,
    })
}

/// How a call that the upstream ran has ended. One without a result was cut.
fn outcome(result: Option<&Value>, how: Completeness) -> &'static str {
    match result {
        _ if how == Completeness::InProgress => "in_progress",
        None => "incomplete",
        Some(result) if has_failed(result) => "failed",
        Some(_) => "completed",
    }
}

/// Whether a result is an error.
pub(crate) fn has_failed(result: &Value) -> bool {
    let in_content = result.get("content").is_some_and(|content| block_type(content).ends_with("_error"));
    in_content || result.get("is_error") == Some(&Value::Bool(true))
}

fn message(slot: &Slot, blocks: &[&Value], how: Completeness) -> Value {
    let mut content = Vec::new();
    if !blocks.is_empty() {
        let annotations: Vec<Value> = annotations(blocks).collect();
        let text = part_text(blocks);
        content
            .push(json!({"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}));
    }
    if let Some(refusal) = &slot.refusal {
        content.push(json!({"type": "refusal", "refusal": refusal}));
    }
    json!({"role": "assistant", "status": how.as_str(), "content": content})
}

/// The text of a message's one part.
pub(crate) fn part_text(blocks: &[&Value]) -> String {
    blocks.iter().map(|block| text(block, "text")).collect()
}

/// Citations of web pages, at the text that cites them, in code points of the part. Citations of documents have no form
/// here.
pub(crate) fn annotations<'a>(blocks: &'a [&Value]) -> impl Iterator<Item = Value> + 'a {
    let mut start = 0;
    blocks.iter().flat_map(move |block| {
        let end = start + text(block, "text").chars().count();
        let cited = annotations_of(block, start, end);
        start = end;
        cited
    })
}

/// The citations of one text block that stands there in its part.
pub(crate) fn annotations_of(block: &Value, start: usize, end: usize) -> impl Iterator<Item = Value> + '_ {
    let citations = block.get("citations").and_then(Value::as_array).into_iter().flatten();
    citations.filter(|citation| block_type(citation) == "web_search_result_location").map(move |citation| {
        let url = text(citation, "url");
        let title = citation.get("title").and_then(Value::as_str).unwrap_or(url);
        json!({"type": "url_citation", "url": url, "title": title, "start_index": start, "end_index": end})
    })
}

/// A string under a name; empty if there is none.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
