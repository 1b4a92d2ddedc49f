//! Content blocks: which there are, what each needs, and whose messages they stand in.
//!
//! Source: Claude API reference, "Messages" (content blocks of requests).

use serde_json::Value;

use super::fields::check_cache_control;
use super::shape::{Is, no_others, object, required, required_list};
use super::{Check, invalid, media};

/// Where blocks stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    User,
    Assistant,
    System,
    ToolResult,
}

/// Every block: its type, the fields it cannot do without, and where it may stand. Which other fields it has: [`OTHERS`].
type Row = (&'static str, &'static [(&'static str, Is)], &'static [Holder]);

const ANYWHERE: &[Holder] = &[Holder::User, Holder::Assistant, Holder::System, Holder::ToolResult];
const USER: &[Holder] = &[Holder::User];
const USER_AND_RESULT: &[Holder] = &[Holder::User, Holder::ToolResult];
const ASSISTANT: &[Holder] = &[Holder::Assistant];
const RESULT: &[Holder] = &[Holder::ToolResult];
/// Documents of the assistant are refused with a text of their own, and by version.
const CONVERSATION: &[Holder] = &[Holder::User, Holder::Assistant, Holder::ToolResult];
const TURNS: &[Holder] = &[Holder::User, Holder::Assistant];
const CALL: &[(&str, Is)] = &[("id", Is::Text), ("name", Is::Text), ("input", Is::Object)];
const ANSWER: &[(&str, Is)] = &[("tool_use_id", Is::Text)];

const BLOCKS: &[Row] = &[
    ("text", &[("text", Is::Text)], ANYWHERE),
    ("image", &[("source", Is::Object)], USER_AND_RESULT),
    ("document", &[("source", Is::Object)], CONVERSATION),
    ("search_result", &[("source", Is::Text), ("title", Is::Text), ("content", Is::List)], USER_AND_RESULT),
    ("tool_use", CALL, ASSISTANT),
    ("tool_result", ANSWER, USER),
    ("thinking", &[("thinking", Is::Text), ("signature", Is::Text)], ASSISTANT),
    ("redacted_thinking", &[("data", Is::Text)], ASSISTANT),
    ("server_tool_use", CALL, ASSISTANT),
    ("web_search_tool_result", ANSWER, TURNS),
    ("web_fetch_tool_result", ANSWER, TURNS),
    ("code_execution_tool_result", ANSWER, TURNS),
    ("bash_code_execution_tool_result", ANSWER, TURNS),
    ("text_editor_code_execution_tool_result", ANSWER, TURNS),
    ("tool_search_tool_result", ANSWER, TURNS),
    ("advisor_tool_result", ANSWER, TURNS),
    ("container_upload", &[("file_id", Is::Text)], TURNS),
    ("mcp_tool_use", CALL, ASSISTANT),
    ("mcp_tool_result", ANSWER, TURNS),
    ("mcp_tool_listing", &[], TURNS),
    ("compaction", &[], TURNS),
    ("fallback", &[], TURNS),
    ("tool_addition", &[], &[Holder::System]),
    ("tool_removal", &[], &[Holder::System]),
    ("tool_reference", &[("tool_name", Is::Text)], RESULT),
    ("browser_state", &[], RESULT),
];

/// The fields that a block may have beside those that it must have. Blocks that are not here are not looked into: they
/// come from the service and go back to it.
const OTHERS: &[(&str, &[&str])] = &[
    ("text", &["citations", "cache_control"]),
    ("image", &["transformations", "cache_control"]),
    ("document", &["title", "context", "citations", "cache_control"]),
    ("search_result", &["citations", "cache_control"]),
    ("tool_use", &["caller", "toolset_name", "cache_control"]),
    ("tool_result", &["content", "is_error", "toolset_name", "cache_control"]),
    ("thinking", &[]),
    ("redacted_thinking", &[]),
    ("server_tool_use", &["caller", "cache_control"]),
    ("container_upload", &["cache_control"]),
    ("tool_reference", &["cache_control"]),
];

/// Where an image or a document comes from: the source's type, and what it needs.
type SourceRow = (&'static str, &'static [(&'static str, Is)]);

const SOURCES: &[SourceRow] = &[
    ("base64", &[("media_type", Is::Text), ("data", Is::Text)]),
    ("url", &[("url", Is::Text)]),
    ("file", &[("file_id", Is::Text)]),
];
/// Documents have these as well.
const DOCUMENT_SOURCES: &[SourceRow] =
    &[("text", &[("media_type", Is::Text), ("data", Is::Text)]), ("content", &[])];
const IMAGE_TYPES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Checks one block; `at` is its place, such as `messages.0.content.1`.
pub(super) fn check_block(block: &Value, at: &str, holder: Holder) -> Check {
    let fields = object(block, at)?;
    let Some(kind) = fields.get("type") else { return invalid(format!("{at}.type: Field required")) };
    let kind = kind.as_str().unwrap_or_default();
    let Some((_, needs, holders)) = BLOCKS.iter().find(|(name, ..)| *name == kind) else {
        return invalid(unknown_tag(at, kind, BLOCKS.iter().map(|(name, ..)| *name)));
    };
    if !holders.contains(&holder) {
        let holder = match holder {
            Holder::User => "`user` messages",
            Holder::Assistant => "`assistant` messages",
            Holder::System => "`system` texts",
            Holder::ToolResult => "`tool_result` blocks",
        };
        return invalid(format!("{at}: `{kind}` blocks are not permitted in {holder}"));
    }
    for (name, is) in *needs {
        required(fields, name, *is, &format!("{at}.{kind}"))?;
    }
    if let Some((_, others)) = OTHERS.iter().find(|(name, _)| *name == kind) {
        let allowed: Vec<&str> = ["type"]
            .into_iter()
            .chain(needs.iter().map(|(name, _)| *name))
            .chain(others.iter().copied())
            .collect();
        no_others(fields, &allowed, &format!("{at}.{kind}"))?;
    }
    if let Some(marker) = fields.get("cache_control").filter(|marker| !marker.is_null()) {
        check_cache_control(marker, &format!("{at}.{kind}.cache_control"))?;
    }
    match kind {
        "text" if block["text"] == "" => invalid("messages: text content blocks must be non-empty"),
        "text" if block["text"].as_str().is_some_and(|text| text.trim().is_empty()) => {
            invalid("messages: text content blocks must contain non-whitespace text")
        }
        "tool_use" => check_id(block, &format!("{at}.tool_use.id"), ""),
        "server_tool_use" => check_id(block, &format!("{at}.server_tool_use.id"), "srvtoolu_"),
        "image" => check_source(&block["source"], &format!("{at}.image.source"), SOURCES, &[]),
        "document" => {
            check_source(&block["source"], &format!("{at}.document.source"), SOURCES, DOCUMENT_SOURCES)
        }
        "tool_result" => check_result(block, at),
        _ => Ok(()),
    }
}

fn check_source(source: &Value, at: &str, common: &[SourceRow], further: &[SourceRow]) -> Check {
    let kind = source["type"].as_str().unwrap_or_default();
    let rows = || common.iter().chain(further);
    let Some((_, needs)) = rows().find(|(name, _)| *name == kind) else {
        return invalid(unknown_tag(at, kind, rows().map(|(name, _)| *name)));
    };
    let fields = object(source, at)?;
    for (name, is) in *needs {
        required(fields, name, *is, &format!("{at}.{kind}"))?;
    }
    if kind != "content" {
        let allowed: Vec<&str> = ["type"].into_iter().chain(needs.iter().map(|(name, _)| *name)).collect();
        no_others(fields, &allowed, &format!("{at}.{kind}"))?;
    }
    let media_type = source["media_type"].as_str().unwrap_or_default();
    let allowed: &[&str] = match (kind, further.is_empty()) {
        ("base64", true) => IMAGE_TYPES,
        ("base64", false) => &["application/pdf"],
        ("text", _) => &["text/plain"],
        _ => return Ok(()),
    };
    if !allowed.contains(&media_type) {
        return invalid(format!("{at}.{kind}.media_type: Input should be '{}'", allowed.join("', '")));
    }
    let data = source["data"].as_str().unwrap_or_default();
    if kind == "base64" { media::check(data, media_type, &format!("{at}.{kind}")) } else { Ok(()) }
}

fn check_id(block: &Value, at: &str, prefix: &str) -> Check {
    let is_id = |id: &str| {
        let rest = id.strip_prefix(prefix).unwrap_or_default();
        !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    if block["id"].as_str().is_some_and(is_id) {
        Ok(())
    } else {
        invalid(format!("{at}: String should match pattern '^{prefix}[a-zA-Z0-9_-]+$'"))
    }
}

/// What a tool answered: nothing, a text, or blocks.
fn check_result(block: &Value, at: &str) -> Check {
    match block.get("content") {
        None | Some(Value::String(_)) => Ok(()),
        Some(_) => {
            let at = format!("{at}.tool_result.content");
            let blocks = required_list(block, "content", &at)?;
            blocks.iter().enumerate().try_for_each(|(index, inner)| {
                check_block(inner, &format!("{at}.{index}"), Holder::ToolResult)
            })
        }
    }
}

pub(super) fn unknown_tag<'a>(at: &str, got: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<String> = known.map(|name| format!("'{name}'")).collect();
    format!(
        "{at}: Input tag '{got}' found using 'type' does not match any of the expected tags: {}",
        known.join(", ")
    )
}
