//! `tool_choice` and `parallel_tool_calls`.
//!
//! | choice | becomes |
//! |---|---|
//! | `"auto"`, `"none"`, `"required"` | `auto`, `none`, `any` |
//! | `{type: "function"` or `"custom", name}` | `tool` |
//! | `{type: "web_search"}` or another of its names, `{type: "code_interpreter"}` | `tool` |
//! | `{type: "allowed_tools", mode, tools}` | only those tools are sent; reported |
//! | other types | refused |

use std::borrow::Cow;
use std::collections::HashSet;

use super::tools::{Translated, in_namespace};
use crate::chat::request::path::Path;
use crate::chat::request::scope::Scope;
use crate::chat::request::tool_choice::{Kind, ToolChoice, settled};
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{Json, Object, Text};
use crate::models::ThinkingType;

/// Translates the choice; may shorten the list of tools.
pub(super) fn translate<'c>(
    request: &Object<'c>,
    tools: &mut Translated<'c>,
    thinking: Option<ThinkingType>,
    scope: &mut Scope,
) -> Result<Option<ToolChoice<'c>>, InvalidRequest> {
    let parallel = request.given("parallel_tool_calls");
    let parallel = parallel.map(|flag| Path::root("parallel_tool_calls").boolean(flag)).transpose()?;
    let path = Path::root("tool_choice");
    let choice = request.given("tool_choice");
    let kind = choice.map(|choice| kind(choice, &path, tools, scope)).transpose()?;
    settled(kind, parallel, &path, &tools.tools, thinking, scope)
}

fn kind<'c>(
    choice: &Json<'c>,
    path: &Path<'_>,
    tools: &mut Translated<'c>,
    scope: &mut Scope,
) -> Result<Kind<'c>, InvalidRequest> {
    let choice = match choice {
        Json::String(word) => {
            return match word.decode().as_ref() {
                "auto" => Ok(Kind::Auto),
                "none" => Ok(Kind::None),
                "required" => Ok(Kind::Any),
                _ => {
                    let what = "must be none, auto, required or an object that names a tool";
                    Err(path.refuse(InvalidCode::InvalidValue, what))
                }
            };
        }
        choice => path.object(choice)?,
    };
    let type_path = path.key("type");
    let word = type_path.text(type_path.required(choice)?)?.decode();
    if word == "allowed_tools" {
        return allowed(choice, path, tools, scope);
    }
    named(choice, path, tools, scope).map(Kind::Tool)
}

/// The name under which the chosen tool is sent; it must be one of the tools.
fn named<'c>(
    choice: &Object<'c>,
    path: &Path<'_>,
    tools: &Translated<'c>,
    scope: &Scope,
) -> Result<Cow<'c, str>, InvalidRequest> {
    let type_path = path.key("type");
    let word = type_path.text(type_path.required(choice)?)?.decode();
    let (name, culprit) = match word.as_ref() {
        "function" | "custom" => {
            path.only(choice, &["type", "name", "namespace"])?;
            let name_path = path.key("name");
            let name = scope.renames.sent(name_path.text(name_path.required(choice)?)?).decode();
            let namespace = choice.text("namespace").map(Text::decode);
            let name = match namespace.filter(|namespace| !namespace.is_empty()) {
                Some(namespace) => Cow::Owned(in_namespace(&namespace, &name)),
                None => name,
            };
            (name, name_path)
        }
        "code_interpreter" => (Cow::Borrowed("code_execution"), type_path),
        word if word.starts_with("web_search") => (Cow::Borrowed("web_search"), type_path),
        _ => {
            let what = "is not supported by this model provider";
            return Err(type_path.refuse(InvalidCode::UnsupportedValue, what));
        }
    };
    if tools.tools.list.iter().any(|tool| tool.name == name) {
        return Ok(name);
    }
    Err(culprit.refuse(InvalidCode::InvalidValue, "names none of the `tools`"))
}

fn allowed<'c>(
    choice: &Object<'c>,
    path: &Path<'_>,
    tools: &mut Translated<'c>,
    scope: &mut Scope,
) -> Result<Kind<'c>, InvalidRequest> {
    path.only(choice, &["type", "mode", "tools"])?;
    scope.emulated(path)?;
    let list_path = path.key("tools");
    let mut names = HashSet::new();
    for (index, entry) in list_path.array(list_path.required(choice)?)?.items.iter().enumerate() {
        let path = list_path.index(index);
        let entry = path.object(entry)?;
        names.insert(match entry.text("server_label").filter(|_| is_mcp(entry)) {
            Some(label) => mcp_name(label, &path, tools)?,
            None => named(entry, &path, tools, scope)?,
        });
    }
    if names.is_empty() {
        return Err(list_path.refuse(InvalidCode::InvalidValue, "must not be empty"));
    }
    tools.tools.list.retain(|tool| names.contains(&tool.name));
    tools.tools.places.count = 0;
    // A server that no toolset names is refused by the upstream.
    let list = &tools.tools.list;
    tools.servers.retain(|server| list.iter().any(|tool| tool.name == server.toolset));
    let mode_path = path.key("mode");
    match mode_path.text(mode_path.required(choice)?)?.decode().as_ref() {
        "auto" => Ok(Kind::Auto),
        "required" => Ok(Kind::Any),
        _ => Err(mode_path.refuse(InvalidCode::InvalidValue, "must be \"auto\" or \"required\"")),
    }
}

fn is_mcp(entry: &Object<'_>) -> bool {
    entry.text("type").is_some_and(|kind| &kind == "mcp")
}

fn mcp_name<'c>(
    label: Text<'c>,
    path: &Path<'_>,
    tools: &Translated<'c>,
) -> Result<Cow<'c, str>, InvalidRequest> {
    let name = format!("mcp_toolset:{}", label.decode());
    if tools.tools.list.iter().any(|tool| tool.name == name) {
        return Ok(Cow::Owned(name));
    }
    Err(path.key("server_label").refuse(InvalidCode::InvalidValue, "names none of the `tools`"))
}
