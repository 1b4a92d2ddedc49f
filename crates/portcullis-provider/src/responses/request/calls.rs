//! Items that call a tool of the client's, and their outputs.
//!
//! | item | becomes |
//! |---|---|
//! | `function_call` | `tool_use` with the arguments as they were written; broken ones are kept as a text, reported |
//! | `custom_tool_call` | `tool_use` whose input is the one text |
//! | `namespace` of either | part of the name: `namespace__name` |
//! | the output of either | `tool_result`, a text or parts |
//!
//! Ids that the upstream would refuse, or that were used before, are rewritten in the call and its output, reported.

use std::borrow::Cow;

use super::input::Items;
use super::parts::{self, Speaker};
use super::tools::in_namespace;
use crate::chat::request::assistant::arguments_input;
use crate::chat::request::block::{Block, Body, Input, ToolUse};
use crate::chat::request::pairing::Origin;
use crate::chat::request::path::Path;
use crate::chat::request::scope::Scope;
use crate::chat::request::tools;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Str;
use crate::json::{Json, Object};
use crate::warnings::WarningKind;

/// Takes a call into the assistant's turn.
///
/// - `number`: its place in the conversation.
pub(super) fn call<'c>(
    items: &mut Items<'c>,
    item: &Object<'c>,
    number: usize,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<(), InvalidRequest> {
    let is_custom =
        item.get("input").is_some() || item.text("type").is_some_and(|t| &t == "custom_tool_call");
    let input_key = if is_custom { "input" } else { "arguments" };
    // `parsed_arguments` is what the helpers of OpenAI's clients add: `arguments` once more, as an object.
    const ADDED: &str = "parsed_arguments";
    let known = ["type", "id", "call_id", "name", "namespace", "status", "caller", "async", input_key, ADDED];
    path.only(item, &known)?;
    only_direct(item, path)?;
    let id_path = path.key("call_id");
    let raw_id = id_path.text(id_path.required(item)?)?.decode();
    let name = called_name(item, path, scope)?;
    let input = input(item, input_key, path, scope)?;
    items.next_of_assistant()?;
    if items.pairing.is_replayed(&raw_id) {
        // The response that is continued holds this call already.
        return scope.dropped(path);
    }
    let origin = Origin { message: number, place: "call_id", item: None };
    let (id, renamed) = items.pairing.call(raw_id, name.clone(), origin);
    if renamed {
        scope.note(WarningKind::Renamed, id_path);
    }
    let body = Body::ToolUse(ToolUse { id, name: Str::Plain(name), input, extra: Vec::new() });
    items.turns.assistant(number, vec![Block::new(body)], scope)
}

/// Calls by programs that run at OpenAI have no counterpart.
fn only_direct(item: &Object<'_>, path: &Path<'_>) -> Result<(), InvalidRequest> {
    let Some(caller) = item.given("caller") else { return Ok(()) };
    let path = path.key("caller");
    if path.object(caller)?.text("type").is_some_and(|kind| &kind == "direct") {
        return Ok(());
    }
    Err(path.refuse(InvalidCode::UnsupportedValue, "must be of type \"direct\""))
}

/// The name that is sent.
fn called_name<'c>(
    item: &Object<'c>,
    path: &Path<'_>,
    scope: &Scope,
) -> Result<Cow<'c, str>, InvalidRequest> {
    let name = scope.renames.sent(tools::name(item, path, scope)?).decode();
    let Some(namespace) = item.given("namespace") else { return Ok(name) };
    let namespace = path.key("namespace").text(namespace)?.decode();
    Ok(if namespace.is_empty() { name } else { Cow::Owned(in_namespace(&namespace, &name)) })
}

fn input<'c>(
    item: &Object<'c>,
    key: &'static str,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Input<'c>, InvalidRequest> {
    let path = path.key(key);
    let text = path.text(path.required(item)?)?;
    if key == "input" {
        return Ok(Input::Wrapped("input", Str::from(text)));
    }
    arguments_input(text, &path, scope)
}

/// Takes an output to the beginning of the user's turn.
///
/// - `number`: its place in the conversation.
pub(super) fn output<'c>(
    items: &mut Items<'c>,
    item: &Object<'c>,
    number: usize,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<(), InvalidRequest> {
    path.only(item, &["type", "id", "call_id", "output", "status", "caller", "name"])?;
    only_direct(item, path)?;
    let id_path = path.key("call_id");
    let raw_id = id_path.text(id_path.required(item)?)?.decode();
    let id = items.pairing.answer(&raw_id, &id_path)?;
    let output_path = path.key("output");
    let output: &Json<'c> = output_path.required(item)?;
    let content = parts::blocks(output, Speaker::Tool, &output_path, scope)?;
    items.answering = true;
    let body = Body::ToolResult { id, content, is_error: None };
    items.turns.result(number, Block::new(body));
    Ok(())
}
