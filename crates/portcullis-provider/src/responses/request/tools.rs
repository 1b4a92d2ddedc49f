//! `tools` and `max_tool_calls`.
//!
//! | tool | becomes |
//! |---|---|
//! | `function` | a tool with the client's schema, verbatim; with `strict`, an adapted one |
//! | `custom` with free text | a tool that takes one string, turned back on the way home; reported |
//! | `custom` with a grammar | refused, or, where the route says so, described by it; reported |
//! | `namespace` | its tools, each as `namespace__name` with the namespace's description before its own |
//! | `web_search`, `web_search_preview` and their dated names | the web search tool |
//! | `code_interpreter` with a container of its own | the code execution tool |
//! | `mcp` with `require_approval: "never"` | an entry of `mcp_servers` and its toolset |
//! | `output_schema`, `async: true`, `allowed_callers` other than `direct` | refused |
//! | other types of OpenAI's | refused by name |
//! | none, but calls in the input | placeholders that cannot be called, since the upstream wants them defined; reported |

mod builtin;
mod mcp;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::parameters::without;
use crate::chat::request::cache;
use crate::chat::request::path::Path;
use crate::chat::request::places::ToolPlaces;
use crate::chat::request::scope::Scope;
use crate::chat::request::tools::{self, Definition, Tool, Tools};
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Str;
use crate::json::{Json, Object};
use crate::responses::context::Namespaced;

/// All tools of a request.
#[derive(Debug, Default)]
pub(super) struct Translated<'c> {
    pub(super) tools: Tools<'c>,
    pub(super) servers: Vec<mcp::Server>,
    /// The client's names of tools that were sent under longer ones.
    pub(super) namespaces: BTreeMap<String, Namespaced>,
}

/// The name under which a tool of a namespace is sent.
pub(super) fn in_namespace(namespace: &str, name: &str) -> String {
    format!("{namespace}__{name}")
}

/// Whether the request has a tool that runs code.
pub(super) fn runs_code(request: &Object<'_>) -> bool {
    let tools = request.given("tools").and_then(Json::as_array).into_iter().flat_map(|tools| &tools.items);
    tools.filter_map(|tool| tool.as_object()?.text("type")).any(|kind| &kind == "code_interpreter")
}

pub(super) fn translate<'c>(
    request: &Object<'c>,
    called: Vec<Cow<'c, str>>,
    scope: &mut Scope,
) -> Result<Translated<'c>, InvalidRequest> {
    let mut translated = Translated::default();
    let path = Path::root("tools");
    let list = request.given("tools").map(|list| path.array(list)).transpose()?;
    let uses = builtin::uses(request, list)?;
    // A tool of the upstream's stands where the client's does, until one becomes several.
    let mut aligned = 0;
    for (index, tool) in list.into_iter().flat_map(|list| &list.items).enumerate() {
        let path = path.index(index);
        translated.add(path.object(tool)?, uses, &path, scope)?;
        if translated.tools.list.len() == index + 1 {
            aligned = index + 1;
        }
    }
    let tools = &mut translated.tools;
    tools.places = ToolPlaces { list: "tools", count: aligned };
    tools::unique(tools)?;
    if tools.list.is_empty() && !called.is_empty() {
        scope.emulated(path)?;
        tools.placeholders = true;
        tools.list.extend(called.into_iter().map(tools::placeholder));
    }
    Ok(translated)
}

impl<'c> Translated<'c> {
    fn add(
        &mut self,
        tool: &Object<'c>,
        uses: Option<u64>,
        path: &Path<'_>,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        let type_path = path.key("type");
        let kind = type_path.text(type_path.required(tool)?)?.decode();
        let one = match kind.as_ref() {
            "function" => function(tool, path, scope)?,
            "custom" => self.custom(tool, None, path, scope)?,
            "namespace" => return self.namespace(tool, path, scope),
            "mcp" => {
                let (server, toolset) = mcp::server(tool, path, scope)?;
                self.servers.push(server);
                toolset
            }
            kind if builtin::is_web_search(kind) => builtin::web_search(tool, uses, path, scope)?,
            "code_interpreter" => builtin::code(tool, path, scope)?,
            "file_search"
            | "computer"
            | "computer_use_preview"
            | "image_generation"
            | "local_shell"
            | "shell"
            | "apply_patch"
            | "tool_search"
            | "programmatic_tool_calling" => {
                let what = "is not supported by this model provider";
                return Err(type_path.refuse(InvalidCode::UnsupportedValue, what));
            }
            _ => {
                let what = "is no type of tool that the Responses API knows";
                return Err(type_path.refuse(InvalidCode::InvalidValue, what));
            }
        };
        self.tools.list.push(one);
        Ok(())
    }

    /// - `namespace`: the one it stands in.
    fn custom(
        &mut self,
        tool: &Object<'c>,
        namespace: Option<&str>,
        path: &Path<'_>,
        scope: &mut Scope,
    ) -> Result<Tool<'c>, InvalidRequest> {
        scope.emulated(path)?;
        let tool = direct(tool, path)?;
        let known =
            ["type", "name", "description", "format", "defer_loading", "allowed_callers", "cache_control"];
        path.only(&tool, &known)?;
        let name = scope.renames.sent(tools::name(&tool, path, scope)?).decode();
        let mut description = tools::description(&tool, path)?;
        if let Some(format) = tool.given("format") {
            let path = path.key("format");
            let format = path.object(format)?;
            if !format.text("type").is_some_and(|kind| &kind == "text") {
                description = Some(tools::grammar_in(description, format, &path, scope)?);
            }
        }
        let sent = namespace.map_or_else(|| name.to_string(), |namespace| in_namespace(namespace, &name));
        self.tools.custom.insert(sent);
        let definition = Definition::Function {
            name: Str::Plain(name.clone()),
            description,
            schema: Cow::Borrowed(tools::TEXT_SCHEMA),
            strict: false,
            extra: tools::extra(&tool, &tool, path)?,
        };
        Ok(Tool { name, definition })
    }

    fn namespace(
        &mut self,
        namespace: &Object<'c>,
        path: &Path<'_>,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        path.only(namespace, &["type", "name", "description", "tools"])?;
        let name = tools::name(namespace, path, scope)?.decode();
        let about = tools::description(namespace, path)?.filter(|text| !text.decode().trim().is_empty());
        let list_path = path.key("tools");
        for (index, tool) in list_path.array(list_path.required(namespace)?)?.items.iter().enumerate() {
            let path = list_path.index(index);
            let tool = path.object(tool)?;
            let type_path = path.key("type");
            let kind = type_path.text(type_path.required(tool)?)?.decode();
            let tool = match kind.as_ref() {
                "function" => function(tool, &path, scope)?,
                "custom" => self.custom(tool, Some(&name), &path, scope)?,
                _ => {
                    return Err(
                        type_path.refuse(InvalidCode::InvalidValue, "must be \"function\" or \"custom\"")
                    );
                }
            };
            let tool = self.renamed(tool, &name, about.as_ref());
            self.tools.list.push(tool);
        }
        Ok(())
    }

    /// The tool under the name it is sent by.
    fn renamed(&mut self, tool: Tool<'c>, namespace: &str, about: Option<&Str<'c>>) -> Tool<'c> {
        let sent = in_namespace(namespace, &tool.name);
        let own = Namespaced { namespace: namespace.to_owned(), name: tool.name.into_owned() };
        self.namespaces.insert(sent.clone(), own);
        let definition = match tool.definition {
            Definition::Function { description, schema, strict, extra, .. } => {
                let texts = about.into_iter().chain(&description).map(|text| text.decode());
                let texts: Vec<Cow<'_, str>> = texts.collect();
                let description = (!texts.is_empty()).then(|| Str::from(texts.join("\n\n")));
                Definition::Function { name: Str::from(sent.clone()), description, schema, strict, extra }
            }
            whole @ Definition::Whole(_) => whole,
        };
        Tool { name: Cow::Owned(sent), definition }
    }
}

fn function<'c>(tool: &Object<'c>, path: &Path<'_>, scope: &mut Scope) -> Result<Tool<'c>, InvalidRequest> {
    if tool.given("output_schema").is_some() {
        let what = "is not supported: nothing would read it";
        return Err(path.key("output_schema").refuse(InvalidCode::UnsupportedParameter, what));
    }
    cache::control(tool, path)?;
    let tool = without(&direct(tool, path)?, &["type", "output_schema"]);
    tools::function_tool(&tool, &tool, path, path, scope)
}

/// The tool without what only calls by programs need, if it needs them not.
fn direct<'c>(tool: &Object<'c>, path: &Path<'_>) -> Result<Object<'c>, InvalidRequest> {
    if let Some(flag) = tool.given("async") {
        let path = path.key("async");
        if path.boolean(flag)? {
            let what = "must be false: this model waits for its tools";
            return Err(path.refuse(InvalidCode::UnsupportedValue, what));
        }
    }
    if let Some(callers) = tool.given("allowed_callers") {
        let path = path.key("allowed_callers");
        let is_direct = |json: &Json<'_>| json.as_text().is_some_and(|text| &text == "direct");
        if !path.array(callers)?.items.iter().all(is_direct) {
            return Err(path.refuse(InvalidCode::UnsupportedValue, "must be [\"direct\"]"));
        }
    }
    Ok(without(tool, &["async"]))
}
