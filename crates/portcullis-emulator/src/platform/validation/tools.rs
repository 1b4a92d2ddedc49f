//! The tools of a request: its own, and those that Anthropic defines.
//!
//! Source: Claude API reference, "Messages" (`tools`); Claude docs, "Tool use".

use std::collections::BTreeSet;

use serde_json::Value;

use super::blocks::unknown_tag;
use super::fields::check_cache_control;
use super::shape::{Is, Null, no_others, object, optional, required};
use super::{Check, invalid, schema};
use crate::platform::error::PlatformError;

/// What Anthropic defines, as far as Claude Platform on AWS has it.
const DEFINED: &[&str] = &[
    "web_search_20250305",
    "web_search_20260209",
    "web_search_20260318",
    "web_fetch_20250910",
    "web_fetch_20260209",
    "web_fetch_20260309",
    "web_fetch_20260318",
    "code_execution_20250522",
    "code_execution_20250825",
    "code_execution_20260120",
    "code_execution_20260521",
    "bash_20241022",
    "bash_20250124",
    "text_editor_20241022",
    "text_editor_20250124",
    "text_editor_20250429",
    "text_editor_20250728",
    "memory_20250818",
    "tool_search_tool_bm25",
    "tool_search_tool_bm25_20251119",
    "tool_search_tool_regex",
    "tool_search_tool_regex_20251119",
    "computer_20241022",
    "computer_20250124",
    "computer_20251124",
    "advisor_20260301",
];
/// The fields of a tool of the request's own.
const CUSTOM_FIELDS: &[&str] = &[
    "type",
    "name",
    "description",
    "input_schema",
    "strict",
    "input_examples",
    "eager_input_streaming",
    "defer_loading",
    "allowed_callers",
    "cache_control",
];
const TOOLSET: &str = "mcp_toolset";
const LONGEST_NAME: usize = 128;

pub(super) fn check_tools(body: &Value) -> Check {
    let tools = match body.get("tools") {
        None => return Ok(()),
        Some(Value::Array(tools)) => tools,
        Some(_) => return invalid("tools: Input should be a valid list"),
    };
    let mut names = BTreeSet::new();
    for (index, tool) in tools.iter().enumerate() {
        let name = check_tool(tool, &format!("tools.{index}"))?;
        if name.is_some_and(|name| !names.insert(name)) {
            return invalid("tools: Tool names must be unique.");
        }
    }
    Ok(())
}

/// The tool's name, if it is of a kind that has one.
fn check_tool<'a>(tool: &'a Value, at: &str) -> Result<Option<&'a str>, PlatformError> {
    let fields = object(tool, at)?;
    let kind = match fields.get("type") {
        None | Some(Value::Null) => "custom",
        Some(kind) => kind.as_str().unwrap_or_default(),
    };
    let at_kind = format!("{at}.{kind}");
    if kind == TOOLSET {
        required(fields, "mcp_server_name", Is::Text, &at_kind)?;
        return Ok(None);
    }
    if kind != "custom" && !DEFINED.contains(&kind) {
        let known = ["custom", TOOLSET].into_iter().chain(DEFINED.iter().copied());
        return Err(PlatformError::invalid(unknown_tag(at, kind, known)));
    }
    required(fields, "name", Is::Text, &at_kind)?;
    if let Some(marker) = fields.get("cache_control").filter(|marker| !marker.is_null()) {
        check_cache_control(marker, &format!("{at_kind}.cache_control"))?;
    }
    if kind == "custom" {
        check_custom(tool, &at_kind)?;
    }
    Ok(tool["name"].as_str())
}

fn check_custom(tool: &Value, at: &str) -> Check {
    let name = tool["name"].as_str().unwrap_or_default();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(allowed) {
        return invalid(format!("{at}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"));
    }
    required(object(tool, at)?, "input_schema", Is::Object, at)?;
    match tool["input_schema"].get("type") {
        Some(Value::String(kind)) if kind == "object" => {}
        Some(_) => return invalid(format!("{at}.input_schema.type: Input should be 'object'")),
        None => return invalid(format!("{at}.input_schema.type: Field required")),
    }
    optional(tool, "description", Is::Text, Null::Refused, &format!("{at}.description"))?;
    optional(tool, "strict", Is::Bool, Null::Refused, &format!("{at}.strict"))?;
    no_others(object(tool, at)?, CUSTOM_FIELDS, at)?;
    if tool["strict"] == true {
        schema::check_schema(&tool["input_schema"], &format!("{at}.input_schema"))?;
    }
    Ok(())
}
