//! `tools`, the deprecated `functions`, and `web_search_options`.
//!
//! | tool | becomes |
//! |---|---|
//! | `function` | a tool with the client's schema, verbatim; with `strict`, an adapted one |
//! | `custom` with free text | a tool that takes one string, turned back on the way home; reported |
//! | `custom` with a grammar | refused, since nothing would enforce it; or part of the description, reported, if the route says so |
//! | one in Anthropic's own form | verbatim |
//! | any other `type` | refused |
//! | `functions` | as tools; together with `tools` refused |
//! | `web_search_options` | the web search tool |
//! | a name that the upstream would refuse | refused; or rewritten, there and back, if the route says so |
//! | none, but calls in the history | placeholders that cannot be called, since the upstream wants them defined; reported |

mod custom;
mod server;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use super::cache;
use super::path::Path;
use super::places::ToolPlaces;
use super::renames;
use super::schema;
use super::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::{Str, Writer};
use crate::json::{Object, Text};

pub(crate) use custom::{TEXT_SCHEMA, grammar_in};
pub(crate) use server::runs_code;

/// Keys of Anthropic's own that pass on a tool and on its `function`.
const NATIVE_KEYS: [&str; 5] =
    ["cache_control", "defer_loading", "allowed_callers", "input_examples", "eager_input_streaming"];

/// A tool on its way out.
#[derive(Debug)]
pub(crate) struct Tool<'a> {
    /// Its name, or for tools that have none its type.
    pub(crate) name: Cow<'a, str>,
    pub(crate) definition: Definition<'a>,
}

/// What is sent of it.
#[derive(Debug)]
pub(crate) enum Definition<'a> {
    /// JSON already.
    Whole(Cow<'a, str>),
    Function {
        name: Str<'a>,
        description: Option<Str<'a>>,
        schema: Cow<'a, str>,
        strict: bool,
        extra: Vec<(&'static str, &'a str)>,
    },
}

/// All tools of a request.
#[derive(Debug, Default)]
pub(crate) struct Tools<'a> {
    pub(crate) list: Vec<Tool<'a>>,
    pub(crate) custom: BTreeSet<String>,
    /// The client used `functions`.
    pub(crate) legacy: bool,
    /// None of them may be called: they stand in for those of the history.
    pub(crate) placeholders: bool,
    pub(crate) places: ToolPlaces,
}

impl Tool<'_> {
    pub(crate) fn write(&self, w: &mut Writer) {
        match &self.definition {
            Definition::Whole(raw) => w.raw(raw),
            Definition::Function { name, description, schema, strict, extra } => w.object(|w| {
                w.key("name").string(name);
                if let Some(description) = description {
                    w.key("description").string(description);
                }
                w.key("input_schema").raw(schema);
                if *strict {
                    w.key("strict").boolean(true);
                }
                for (key, raw) in extra {
                    w.key(key).raw(raw);
                }
            }),
        }
    }
}

/// Translates every way to define tools.
pub(crate) fn translate<'a>(
    request: &Object<'a>,
    called: Vec<Cow<'a, str>>,
    scope: &mut Scope,
) -> Result<Tools<'a>, InvalidRequest> {
    let mut tools = Tools::default();
    let path = Path::root("tools");
    if let Some(list) = request.given("tools") {
        for (index, tool) in path.array(list)?.items.iter().enumerate() {
            let path = path.index(index);
            let tool = tool_of(path.object(tool)?, &path, &mut tools.custom, scope)?;
            tools.list.push(tool);
        }
    }
    functions(request, &mut tools, scope)?;
    let list = if tools.legacy { "functions" } else { "tools" };
    tools.places = ToolPlaces { list, count: tools.list.len() };
    if let Some(options) = request.given("web_search_options") {
        tools.list.push(server::web_search(options, scope)?);
    }
    server::toolsets(request, &mut tools, scope)?;
    unique(&tools)?;
    if tools.list.is_empty() && !called.is_empty() {
        scope.emulated(path)?;
        tools.placeholders = true;
        tools.list.extend(called.into_iter().map(placeholder));
    }
    Ok(tools)
}

fn functions<'a>(
    request: &Object<'a>,
    tools: &mut Tools<'a>,
    scope: &mut Scope,
) -> Result<(), InvalidRequest> {
    let Some(list) = request.given("functions") else { return Ok(()) };
    let path = Path::root("functions");
    if request.given("tools").is_some() {
        return Err(path.refuse(InvalidCode::ConflictingParameters, "and `tools` cannot be used together"));
    }
    tools.legacy = true;
    for (index, function) in path.array(list)?.items.iter().enumerate() {
        let path = path.index(index);
        let function = path.object(function)?;
        let report = path;
        tools.list.push(function_tool(function, function, &path, &report, scope)?);
    }
    Ok(())
}

pub(crate) fn unique(tools: &Tools<'_>) -> Result<(), InvalidRequest> {
    let mut seen = HashSet::new();
    let list = Path::root(if tools.legacy { "functions" } else { "tools" });
    match tools.list.iter().position(|tool| !seen.insert(tool.name.as_ref())) {
        Some(index) => {
            Err(list.index(index).refuse(InvalidCode::InvalidValue, "has the name of another tool before it"))
        }
        None => Ok(()),
    }
}

fn tool_of<'a>(
    tool: &Object<'a>,
    path: &Path<'_>,
    custom: &mut BTreeSet<String>,
    scope: &mut Scope,
) -> Result<Tool<'a>, InvalidRequest> {
    let type_path = path.key("type");
    let kind = tool.given("type").map(|kind| type_path.text(kind)).transpose()?.map(Text::decode);
    if tool.get("input_schema").is_some() || kind.as_deref().is_some_and(is_native) {
        return native(tool, kind, path);
    }
    match kind.as_deref() {
        Some("function") => {
            let inner_path = path.key("function");
            let function = inner_path.object(inner_path.required(tool)?)?;
            path.only(tool, &with_native(&["type", "function"]))?;
            function_tool(function, tool, &inner_path, path, scope)
        }
        Some("custom") => custom::tool(tool, path, custom, scope),
        Some(_) => {
            Err(type_path.refuse(InvalidCode::InvalidValue, "is no type of tool that this model's API knows"))
        }
        None => Err(type_path.missing()),
    }
}

/// Anthropic's own tools carry a date in their type; a few have undated names as well.
fn is_native(kind: &str) -> bool {
    let dated = kind
        .rsplit_once('_')
        .is_some_and(|(_, date)| date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()));
    dated || matches!(kind, "mcp_toolset" | "tool_search_tool_bm25" | "tool_search_tool_regex")
}

fn native<'a>(
    tool: &Object<'a>,
    kind: Option<Cow<'a, str>>,
    path: &Path<'_>,
) -> Result<Tool<'a>, InvalidRequest> {
    let server =
        tool.text("mcp_server_name").map(|server| Cow::Owned(format!("mcp_toolset:{}", server.decode())));
    let name = match tool.given("name") {
        Some(name) => path.key("name").text(name)?.decode(),
        None => server.or(kind).ok_or_else(|| path.key("name").missing())?,
    };
    Ok(Tool { name, definition: Definition::Whole(Cow::Borrowed(tool.raw)) })
}

fn with_native<'k>(keys: &[&'k str]) -> Vec<&'k str> {
    keys.iter().copied().chain(NATIVE_KEYS).collect()
}

/// A function's name, as both APIs want it, or as the client wants it where the route rewrites names: what is sent is
/// [`Renames::sent`](super::renames::Renames::sent) of it.
pub(crate) fn name<'a>(
    function: &Object<'a>,
    path: &Path<'_>,
    scope: &Scope,
) -> Result<Text<'a>, InvalidRequest> {
    let path = path.key("name");
    let name = path.text(path.required(function)?)?;
    let decoded = name.decode();
    if renames::is_valid(&decoded) || scope.renames.knows(&decoded) {
        return Ok(name);
    }
    Err(path.refuse(InvalidCode::InvalidValue, "must be 1 to 64 characters of a-z, A-Z, 0-9, `_` and `-`"))
}

/// Keys of Anthropic's own, on the tool or on its function.
pub(crate) fn extra<'a>(
    function: &Object<'a>,
    tool: &Object<'a>,
    path: &Path<'_>,
) -> Result<Vec<(&'static str, &'a str)>, InvalidRequest> {
    cache::control(tool, path)?;
    cache::control(function, path)?;
    let mut extra = Vec::new();
    for key in NATIVE_KEYS {
        match (tool.given(key), function.given(key)) {
            (Some(outer), Some(inner)) if outer.raw() != inner.raw() => {
                let what = "stands on the tool as well, with another value";
                return Err(path.key(key).refuse(InvalidCode::ConflictingParameters, what));
            }
            (Some(value), _) | (None, Some(value)) => extra.push((key, value.raw())),
            (None, None) => {}
        }
    }
    Ok(extra)
}

pub(crate) fn description<'a>(
    function: &Object<'a>,
    path: &Path<'_>,
) -> Result<Option<Str<'a>>, InvalidRequest> {
    let description = function.given("description");
    Ok(description.map(|text| path.key("description").text(text)).transpose()?.map(Str::from))
}

/// A function tool.
///
/// - `path`: the function.
/// - `report`: the tool, for reports about its schema.
pub(crate) fn function_tool<'a>(
    function: &Object<'a>,
    tool: &Object<'a>,
    path: &Path<'_>,
    report: &Path<'_>,
    scope: &mut Scope,
) -> Result<Tool<'a>, InvalidRequest> {
    path.only(function, &with_native(&["name", "description", "parameters", "strict"]))?;
    let name = scope.renames.sent(name(function, path, scope)?);
    let strict =
        function.given("strict").map(|flag| path.key("strict").boolean(flag)).transpose()?.unwrap_or(false);
    let parameters = function.given("parameters");
    let schema_path = path.key("parameters");
    let schema = match parameters.filter(|_| strict) {
        Some(parameters) => {
            let strict = schema::Strict { path: &schema_path, report, description: None, object_root: true };
            Cow::Owned(strict.adapt(parameters, scope)?)
        }
        None if strict => Cow::Borrowed(r#"{"type":"object","properties":{},"additionalProperties":false}"#),
        None => schema::plain(parameters, &schema_path)?,
    };
    let description = description(function, path)?;
    let extra = extra(function, tool, path)?;
    Ok(Tool {
        name: name.decode(),
        definition: Definition::Function { name, description, schema, strict, extra },
    })
}

pub(crate) fn placeholder(name: Cow<'_, str>) -> Tool<'_> {
    let definition = Definition::Function {
        name: Str::Plain(name.clone()),
        description: Some(Str::from("")),
        schema: Cow::Borrowed(r#"{"type":"object"}"#),
        strict: false,
        extra: Vec::new(),
    };
    Tool { name, definition }
}
