//! `tool_choice`, the deprecated `function_call`, and `parallel_tool_calls`.
//!
//! | choice | becomes |
//! |---|---|
//! | absent, `"auto"` | nothing, `auto` |
//! | `"none"` | `none`; the tools stay, so that the cached prefix does |
//! | `"required"` | `any` |
//! | a function or a custom tool | `tool` |
//! | `allowed_tools` | only those tools are sent; reported |
//! | anything but `auto` and `none` without tools | refused |
//! | `parallel_tool_calls: false` | `disable_parallel_tool_use: true` |

use std::borrow::Cow;
use std::collections::HashSet;

use super::path::Path;
use super::scope::Scope;
use super::tools::Tools;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Writer;
use crate::json::{Json, Object, Text};
use crate::models::{ForcedToolChoice, ThinkingType};

/// What the model may or must call.
#[derive(Debug, PartialEq)]
pub(crate) struct ToolChoice<'a> {
    kind: Kind<'a>,
    one_at_a_time: bool,
}

/// As the upstream words it.
#[derive(Debug, PartialEq)]
pub(crate) enum Kind<'a> {
    Auto,
    None,
    Any,
    Tool(Cow<'a, str>),
}

impl ToolChoice<'_> {
    pub(crate) fn write(&self, w: &mut Writer) {
        w.object(|w| {
            w.key("type").plain(match &self.kind {
                Kind::Auto => "auto",
                Kind::None => "none",
                Kind::Any => "any",
                Kind::Tool(_) => "tool",
            });
            if let Kind::Tool(name) = &self.kind {
                w.key("name").plain(name);
            }
            if self.one_at_a_time {
                w.key("disable_parallel_tool_use").boolean(true);
            }
        });
    }
}

/// Translates the choice; may shorten the list of tools.
pub(crate) fn translate<'a>(
    request: &Object<'a>,
    tools: &mut Tools<'a>,
    thinking: Option<ThinkingType>,
    scope: &mut Scope,
) -> Result<Option<ToolChoice<'a>>, InvalidRequest> {
    let parallel = request.given("parallel_tool_calls");
    let parallel = parallel.map(|flag| Path::root("parallel_tool_calls").boolean(flag)).transpose()?;
    let (path, choice) = asked(request)?;
    let kind = choice.map(|choice| kind(choice, &path, tools, scope)).transpose()?;
    settled(kind, parallel, &path, tools, thinking, scope)
}

/// The choice, if these tools and this model allow it.
///
/// - `parallel`: `parallel_tool_calls`.
/// - `path`: the choice.
pub(crate) fn settled<'a>(
    kind: Option<Kind<'a>>,
    parallel: Option<bool>,
    path: &Path<'_>,
    tools: &Tools<'a>,
    thinking: Option<ThinkingType>,
    scope: &Scope,
) -> Result<Option<ToolChoice<'a>>, InvalidRequest> {
    if tools.placeholders || tools.list.is_empty() {
        if matches!(kind, Some(Kind::Any | Kind::Tool(_))) {
            return Err(path.refuse(InvalidCode::InvalidValue, "needs `tools` to choose from"));
        }
        return Ok(tools.placeholders.then_some(ToolChoice { kind: Kind::None, one_at_a_time: false }));
    }
    if matches!(kind, Some(Kind::Any | Kind::Tool(_))) {
        may_force(path, thinking, scope)?;
    }
    let one_at_a_time = parallel == Some(false) || tools.legacy;
    Ok(match kind {
        Some(Kind::None) => Some(ToolChoice { kind: Kind::None, one_at_a_time: false }),
        Some(kind) => Some(ToolChoice { kind, one_at_a_time }),
        None => one_at_a_time.then_some(ToolChoice { kind: Kind::Auto, one_at_a_time }),
    })
}

/// The choice, under whichever name it was sent.
fn asked<'j, 'a>(request: &'j Object<'a>) -> Result<(Path<'static>, Option<&'j Json<'a>>), InvalidRequest> {
    let legacy = Path::root("function_call");
    match (request.given("tool_choice"), request.given("function_call")) {
        (Some(_), Some(_)) => {
            Err(legacy
                .refuse(InvalidCode::ConflictingParameters, "and `tool_choice` cannot be used together"))
        }
        (None, Some(choice)) => Ok((legacy, Some(choice))),
        (choice, None) => Ok((Path::root("tool_choice"), choice)),
    }
}

fn may_force(path: &Path<'_>, thinking: Option<ThinkingType>, scope: &Scope) -> Result<(), InvalidRequest> {
    if scope.model.is_some_and(|model| model.forced_tool_choice == ForcedToolChoice::No) {
        let what = "cannot demand a call from this model; supported: \"auto\" and \"none\"";
        return Err(path.refuse(InvalidCode::UnsupportedValue, what));
    }
    let either = scope.model.is_some_and(|model| model.forced_tool_choice == ForcedToolChoice::Yes);
    if thinking == Some(ThinkingType::Enabled) && !either {
        let what =
            "cannot demand a call while the model thinks with a budget; leave out the one or the other";
        return Err(path.refuse(InvalidCode::ConflictingParameters, what));
    }
    Ok(())
}

fn kind<'a>(
    choice: &Json<'a>,
    path: &Path<'_>,
    tools: &mut Tools<'a>,
    scope: &mut Scope,
) -> Result<Kind<'a>, InvalidRequest> {
    let wrong = || {
        path.refuse(InvalidCode::InvalidValue, "must be none, auto, required or an object that names a tool")
    };
    match choice {
        Json::String(word) => match word.decode().as_ref() {
            "auto" => Ok(Kind::Auto),
            "none" => Ok(Kind::None),
            "required" => Ok(Kind::Any),
            _ => Err(wrong()),
        },
        Json::Object(choice) => {
            let kind = choice.text("type").map(Text::decode);
            match kind.as_deref() {
                Some("function" | "custom") => {
                    named_choice(choice, &kind.unwrap_or_default(), path, tools, scope)
                }
                Some("allowed_tools") => allowed_tools(choice, path, tools, scope),
                None if choice.get("name").is_some() => named(choice, path, tools, scope).map(Kind::Tool),
                _ => Err(wrong()),
            }
        }
        other => Err(path.wrong_type("a string or an object", other)),
    }
}

fn named_choice<'a>(
    choice: &Object<'a>,
    kind: &str,
    path: &Path<'_>,
    tools: &Tools<'a>,
    scope: &Scope,
) -> Result<Kind<'a>, InvalidRequest> {
    path.only(choice, &["type", kind])?;
    let path = path.key(kind);
    let inner = path.object(path.required(choice)?)?;
    named(inner, &path, tools, scope).map(Kind::Tool)
}

/// A name that is one of the tools'.
fn named<'a>(
    object: &Object<'a>,
    path: &Path<'_>,
    tools: &Tools<'a>,
    scope: &Scope,
) -> Result<Cow<'a, str>, InvalidRequest> {
    path.only(object, &["name"])?;
    let path = path.key("name");
    let name = scope.renames.sent(path.text(path.required(object)?)?).decode();
    if tools.list.iter().any(|tool| tool.name == name) {
        return Ok(name);
    }
    Err(path.refuse(InvalidCode::InvalidValue, "names none of the `tools`"))
}

fn allowed_tools<'a>(
    choice: &Object<'a>,
    path: &Path<'_>,
    tools: &mut Tools<'a>,
    scope: &mut Scope,
) -> Result<Kind<'a>, InvalidRequest> {
    path.only(choice, &["type", "allowed_tools"])?;
    let path = path.key("allowed_tools");
    scope.emulated(path)?;
    let allowed = path.object(path.required(choice)?)?;
    path.only(allowed, &["mode", "tools"])?;
    let list_path = path.key("tools");
    let list = list_path.array(list_path.required(allowed)?)?;
    let known: HashSet<&str> = tools.list.iter().map(|tool| tool.name.as_ref()).collect();
    let mut names = HashSet::new();
    for (index, entry) in list.items.iter().enumerate() {
        let path = list_path.index(index);
        let name = allowed_name(path.object(entry)?, &path, scope)?;
        if !known.contains(name.as_ref()) {
            return Err(path.refuse(InvalidCode::InvalidValue, "names none of the `tools`"));
        }
        names.insert(name);
    }
    if names.is_empty() {
        return Err(list_path.refuse(InvalidCode::InvalidValue, "must not be empty"));
    }
    tools.list.retain(|tool| names.contains(&tool.name));
    tools.places.count = 0;
    let mode_path = path.key("mode");
    match mode_path.text(mode_path.required(allowed)?)?.decode().as_ref() {
        "auto" => Ok(Kind::Auto),
        "required" => Ok(Kind::Any),
        _ => Err(mode_path.refuse(InvalidCode::InvalidValue, "must be \"auto\" or \"required\"")),
    }
}

/// `{type: "function", function: {name}}`, the same flat, or a native tool by its name or type.
fn allowed_name<'a>(
    entry: &Object<'a>,
    path: &Path<'_>,
    scope: &Scope,
) -> Result<Cow<'a, str>, InvalidRequest> {
    let inner = ["function", "custom"].into_iter().find_map(|key| entry.get(key)?.as_object());
    let name = inner.unwrap_or(entry).text("name").or_else(|| entry.text("type"));
    name.map(|name| scope.renames.sent(name).decode()).ok_or_else(|| path.key("name").missing())
}
