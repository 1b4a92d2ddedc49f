//! One content block while its deltas arrive.

use serde_json::{Map, Value};

use crate::json::lenient;

/// What the translation must tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    Text,
    Thinking,
    /// A call of one of the client's tools.
    ToolUse,
    /// Redacted thinking, the upstream's own tools, and whatever comes in future.
    Other,
}

#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) kind: BlockKind,
    /// The block as it began.
    pub(crate) start: Map<String, Value>,
    pub(crate) open: bool,
    pub(crate) citations: Vec<Value>,
    /// The field that the deltas add to.
    field: &'static str,
    /// What they added, still escaped as the upstream escaped it: an escape may be cut in two.
    body: String,
    /// The same for `signature`.
    signature: String,
}

impl Block {
    pub(crate) fn new(start: Map<String, Value>) -> Self {
        let (kind, field) = match start.get("type").and_then(Value::as_str) {
            Some("text") => (BlockKind::Text, "text"),
            Some("thinking") => (BlockKind::Thinking, "thinking"),
            Some("tool_use") => (BlockKind::ToolUse, "input"),
            _ => (BlockKind::Other, ""),
        };
        let (open, citations) = (true, Vec::new());
        Self { kind, start, open, citations, field, body: String::new(), signature: String::new() }
    }

    /// A block that is whole already.
    pub(super) fn whole(block: Map<String, Value>) -> Self {
        Self { open: false, ..Self::new(block) }
    }

    /// The start's own text; most blocks begin empty.
    pub(crate) fn start_text(&self) -> &str {
        self.start.get(self.field).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether it has nothing but text.
    pub(crate) fn is_bare_text(&self) -> bool {
        let bare = |(key, value): (&String, &Value)| match key.as_str() {
            "type" | "text" => true,
            "citations" => value.as_array().is_none_or(Vec::is_empty),
            _ => false,
        };
        self.kind == BlockKind::Text && self.citations.is_empty() && self.start.iter().all(bare)
    }

    /// Adds to a field, or says that this is not a field of this block.
    pub(super) fn append(&mut self, field: &'static str, escaped: &str) -> bool {
        if self.field.is_empty() {
            self.field = field;
        }
        self.body.push_str(escaped);
        self.field == field
    }

    pub(super) fn sign(&mut self, quoted: &str) {
        let escaped = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        self.signature.push_str(escaped.unwrap_or_default());
    }

    /// A compaction may have failed, and its content be null.
    pub(super) fn compact(&mut self, content: Option<Value>, encrypted: Option<Value>) {
        if let Some(Value::String(more)) = content {
            let before = self.start.get("content").and_then(Value::as_str).unwrap_or_default();
            let whole = format!("{before}{more}");
            self.start.insert("content".to_owned(), Value::String(whole));
        }
        if let Some(encrypted) = encrypted {
            self.start.insert("encrypted_content".to_owned(), encrypted);
        }
    }

    /// The block as a message that was not streamed would have it.
    pub(crate) fn to_value(&self) -> Value {
        let mut block = self.start.clone();
        if !self.body.is_empty() {
            let body = unescape(&self.body);
            let value = if self.field == "input" {
                lenient::read(&body).unwrap_or(Value::String(body))
            } else {
                Value::String(format!("{}{body}", self.start_text()))
            };
            block.insert(self.field.to_owned(), value);
        }
        if !self.signature.is_empty() {
            block.insert("signature".to_owned(), Value::String(unescape(&self.signature)));
        }
        if !self.citations.is_empty() {
            let mut citations = match block.remove("citations") {
                Some(Value::Array(before)) => before,
                _ => Vec::new(),
            };
            citations.extend(self.citations.iter().cloned());
            block.insert("citations".to_owned(), Value::Array(citations));
        }
        Value::Object(block)
    }
}

/// What pieces of a string mean, put together.
fn unescape(inner: &str) -> String {
    lenient::unescape(&format!("\"{inner}\""))
}
