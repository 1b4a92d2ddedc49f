//! Tools that the upstream runs itself.

use crate::chat::request::path::Path;
use crate::chat::request::scope::Scope;
use crate::chat::request::tools::{Definition, Tool};
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::{Str, Writer};
use crate::json::{Array, Json, Object, Text};

/// Web search under any of its names.
pub(super) fn is_web_search(kind: &str) -> bool {
    matches!(
        kind,
        "web_search" | "web_search_2025_08_26" | "web_search_preview" | "web_search_preview_2025_03_11"
    )
}

/// `max_tool_calls`, which OpenAI counts over all built-in tools: the one web search can be limited, several cannot
/// share a limit. Without any it limits nothing.
pub(super) fn uses(request: &Object<'_>, tools: Option<&Array<'_>>) -> Result<Option<u64>, InvalidRequest> {
    let Some(limit) = request.given("max_tool_calls") else { return Ok(None) };
    let path = Path::root("max_tool_calls");
    let limit = path.count(limit)?;
    let kinds = tools.into_iter().flat_map(|tools| &tools.items);
    let kinds = kinds.filter_map(|tool| Some(tool.as_object()?.text("type")?.decode()));
    let builtin: Vec<_> = kinds
        .filter(|kind| is_web_search(kind) || matches!(kind.as_ref(), "code_interpreter" | "mcp"))
        .collect();
    match builtin.as_slice() {
        [] => Ok(None),
        [one] if is_web_search(one) => Ok(Some(limit)),
        _ => {
            let what = "can only limit a web search that is the one built-in tool";
            Err(path.refuse(InvalidCode::UnsupportedValue, what))
        }
    }
}

/// - `uses`: how often it may be used.
pub(super) fn web_search<'c>(
    tool: &Object<'c>,
    uses: Option<u64>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Tool<'c>, InvalidRequest> {
    path.only(
        tool,
        &[
            "type",
            "filters",
            "user_location",
            "search_context_size",
            "external_web_access",
            "search_content_types",
        ],
    )?;
    refused(tool, path)?;
    if let Some(size) = tool.given("search_context_size") {
        let path = path.key("search_context_size");
        match path.text(size)?.decode().as_ref() {
            "medium" => {}
            "low" | "high" => scope.ignored(path)?,
            _ => return Err(path.refuse(InvalidCode::InvalidValue, "must be one of low, medium and high")),
        }
    }
    let domains = domains(tool, path)?;
    let place = place(tool, path)?;
    let mut writer = Writer::default();
    writer.object(|w| {
        w.key("type").plain("web_search_20250305");
        w.key("name").plain("web_search");
        if let Some(uses) = uses {
            w.key("max_uses").integer(uses);
        }
        if let Some(domains) = domains {
            w.key("allowed_domains").raw(domains);
        }
        if !place.is_empty() {
            w.key("user_location").object(|w| {
                w.key("type").plain("approximate");
                place.iter().for_each(|(key, value)| w.key(key).string(&Str::from(*value)));
            });
        }
    });
    Ok(whole("web_search", writer))
}

fn refused(tool: &Object<'_>, path: &Path<'_>) -> Result<(), InvalidRequest> {
    if let Some(access) = tool.given("external_web_access") {
        let path = path.key("external_web_access");
        if !path.boolean(access)? {
            let what = "must be true: this model's search has no copy of the web";
            return Err(path.refuse(InvalidCode::UnsupportedValue, what));
        }
    }
    if let Some(types) = tool.given("search_content_types") {
        let path = path.key("search_content_types");
        let is_text = |json: &Json<'_>| json.as_text().is_some_and(|text| &text == "text");
        if !path.array(types)?.items.iter().all(is_text) {
            return Err(path.refuse(InvalidCode::UnsupportedValue, "must be [\"text\"]"));
        }
    }
    Ok(())
}

fn domains<'c>(tool: &Object<'c>, path: &Path<'_>) -> Result<Option<&'c str>, InvalidRequest> {
    let Some(filters) = tool.given("filters") else { return Ok(None) };
    let path = path.key("filters");
    let filters = path.object(filters)?;
    path.only(filters, &["allowed_domains"])?;
    let path = path.key("allowed_domains");
    let Some(domains) = filters.given("allowed_domains") else { return Ok(None) };
    let list = path.array(domains)?;
    for (index, domain) in list.items.iter().enumerate() {
        path.index(index).text(domain)?;
    }
    Ok(Some(list.raw).filter(|_| !list.items.is_empty()))
}

fn place<'c>(tool: &Object<'c>, path: &Path<'_>) -> Result<Vec<(&'static str, Text<'c>)>, InvalidRequest> {
    const KEYS: [&str; 4] = ["city", "region", "country", "timezone"];
    let Some(place) = tool.given("user_location") else { return Ok(Vec::new()) };
    let path = path.key("user_location");
    let place = path.object(place)?;
    path.only(place, &["type", "city", "region", "country", "timezone"])?;
    let given = KEYS.into_iter().filter_map(|key| Some((key, place.given(key)?)));
    given.map(|(key, value)| Ok((key, path.key(key).text(value)?))).collect()
}

pub(super) fn code<'c>(
    tool: &Object<'c>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Tool<'c>, InvalidRequest> {
    path.only(tool, &["type", "container", "allowed_callers"])?;
    let path = path.key("container");
    match path.required(tool)? {
        Json::String(_) => {
            let what = "must be {\"type\": \"auto\"}: containers cannot be chosen";
            return Err(path.refuse(InvalidCode::UnsupportedValue, what));
        }
        container => {
            let container = path.object(container)?;
            path.only(container, &["type", "file_ids", "memory_limit", "network_policy"])?;
            own_container(container, &path, scope)?;
        }
    }
    let mut writer = Writer::default();
    writer.object(|w| {
        w.key("type").plain("code_execution_20250825");
        w.key("name").plain("code_execution");
    });
    Ok(whole("code_execution", writer))
}

fn own_container(container: &Object<'_>, path: &Path<'_>, scope: &mut Scope) -> Result<(), InvalidRequest> {
    let type_path = path.key("type");
    if &type_path.text(type_path.required(container)?)? != "auto" {
        return Err(type_path.refuse(InvalidCode::UnsupportedValue, "must be \"auto\""));
    }
    if let Some(files) = container.given("file_ids") {
        let path = path.key("file_ids");
        if !path.array(files)?.items.is_empty() {
            let what = "is not supported: name the file in the input, by `input_file.file_id`";
            return Err(path.refuse(InvalidCode::UnsupportedParameter, what));
        }
    }
    if container.given("memory_limit").is_some() {
        scope.ignored(path.key("memory_limit"))?;
    }
    if let Some(policy) = container.given("network_policy") {
        let path = path.key("network_policy");
        // Containers have no network, whatever is said.
        if !path.object(policy)?.text("type").is_some_and(|kind| &kind == "disabled") {
            return Err(path.refuse(InvalidCode::UnsupportedValue, "must be of type \"disabled\""));
        }
    }
    Ok(())
}

fn whole<'c>(name: &'static str, writer: Writer) -> Tool<'c> {
    Tool { name: name.into(), definition: Definition::Whole(writer.into_string().into()) }
}
