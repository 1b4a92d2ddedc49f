//! Tools that run at the upstream, where the request speaks of them in other words: `web_search_options`, `mcp_servers`.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Definition, Tool, Tools};
use crate::chat::request::path::Path;
use crate::chat::request::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::{Str, Writer};
use crate::json::{Json, Object, Text};

/// Whether a tool of the request runs code at the upstream.
pub(crate) fn runs_code(request: &Object<'_>) -> bool {
    let tools = request.get("tools").and_then(Json::as_array).into_iter().flat_map(|list| &list.items);
    let kinds = tools.filter_map(|tool| tool.as_object()?.text("type"));
    kinds.into_iter().any(|kind| kind.decode().starts_with("code_execution_"))
}

/// `web_search_options`.
pub(super) fn web_search<'a>(options: &Json<'a>, scope: &mut Scope) -> Result<Tool<'a>, InvalidRequest> {
    let path = Path::root("web_search_options");
    let options = path.object(options)?;
    path.only(options, &["search_context_size", "user_location"])?;
    if let Some(size) = options.given("search_context_size") {
        let path = path.key("search_context_size");
        match path.text(size)?.decode().as_ref() {
            "medium" => {}
            "low" | "high" => scope.ignored(path)?,
            _ => return Err(path.refuse(InvalidCode::InvalidValue, "must be one of low, medium and high")),
        }
    }
    let place = options
        .given("user_location")
        .map(|place| location(place, &path.key("user_location")))
        .transpose()?;
    let mut writer = Writer::default();
    writer.object(|w| {
        w.key("type").plain("web_search_20250305");
        w.key("name").plain("web_search");
        if let Some(place) = place {
            w.key("user_location").object(|w| {
                w.key("type").plain("approximate");
                place.iter().for_each(|(key, value)| w.key(key).string(&Str::from(*value)));
            });
        }
    });
    Ok(Tool { name: "web_search".into(), definition: Definition::Whole(Cow::Owned(writer.into_string())) })
}

fn location<'a>(place: &Json<'a>, path: &Path<'_>) -> Result<Vec<(&'static str, Text<'a>)>, InvalidRequest> {
    const KEYS: [&str; 4] = ["city", "region", "country", "timezone"];
    let place = path.object(place)?;
    path.only(place, &["type", "approximate"])?;
    let path = path.key("approximate");
    let place = path.object(path.required(place)?)?;
    path.only(place, &KEYS)?;
    let given = KEYS.into_iter().filter_map(|key| Some((key, place.given(key)?)));
    given.map(|(key, value)| Ok((key, path.key(key).text(value)?))).collect()
}

/// Every server of `mcp_servers` needs a toolset; those the client left out are added. The older beta has none.
pub(super) fn toolsets<'a>(
    request: &Object<'a>,
    tools: &mut Tools<'a>,
    scope: &Scope,
) -> Result<(), InvalidRequest> {
    let Some(servers) = request.given("mcp_servers") else { return Ok(()) };
    let path = Path::root("mcp_servers");
    let servers = path.array(servers)?;
    if scope.betas.iter().any(|beta| beta == "mcp-client-2025-04-04") {
        return Ok(());
    }
    let known: HashSet<String> = tools.list.iter().map(|tool| tool.name.clone().into_owned()).collect();
    for (index, server) in servers.items.iter().enumerate() {
        let path = path.index(index);
        let name_path = path.key("name");
        let name = name_path.text(name_path.required(path.object(server)?)?)?;
        let tool_name = format!("mcp_toolset:{}", name.decode());
        if !known.contains(&tool_name) {
            let raw = format!(r#"{{"type":"mcp_toolset","mcp_server_name":{}}}"#, name.quoted());
            tools.list.push(Tool { name: tool_name.into(), definition: Definition::Whole(raw.into()) });
        }
    }
    Ok(())
}
