//! Tools of a remote server that speaks MCP: the server in `mcp_servers`, and a toolset that names it.
//!
//! | member | rule |
//! |---|---|
//! | `server_label`, `server_url` | `name` and `url` |
//! | `authorization`, or `headers.Authorization` | `authorization_token`, without `Bearer` |
//! | other `headers`, `connector_id`, `tunnel_id` | refused |
//! | `allowed_tools` | only those are enabled |
//! | `require_approval` | `"never"` only: nobody could be asked |
//! | `server_description` | ignored, reported |
//! | `defer_loading` | the same on the toolset |

use std::borrow::Cow;

use crate::chat::request::path::Path;
use crate::chat::request::scope::Scope;
use crate::chat::request::tools::{Definition, Tool};
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Writer;
use crate::json::{Json, Object};

/// An entry of `mcp_servers`.
#[derive(Debug)]
pub(in crate::responses::request) struct Server {
    /// The name of the tool that stands for its toolset.
    pub(in crate::responses::request) toolset: String,
    pub(in crate::responses::request) json: String,
}

/// The server and its toolset.
pub(super) fn server<'c>(
    tool: &Object<'c>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<(Server, Tool<'c>), InvalidRequest> {
    path.only(
        tool,
        &[
            "type",
            "server_label",
            "server_url",
            "authorization",
            "headers",
            "allowed_tools",
            "require_approval",
            "server_description",
            "connector_id",
            "tunnel_id",
            "defer_loading",
            "allowed_callers",
        ],
    )?;
    refused(tool, path, scope)?;
    let text = |name: &str| {
        let path = path.key(name);
        path.text(path.required(tool)?)
    };
    let (label, url) = (text("server_label")?, text("server_url")?);
    let token = token(tool, path)?;
    let allowed = allowed_tools(tool, path)?;
    if !scope.betas.iter().any(|beta| beta.starts_with("mcp-client-")) {
        scope.beta("mcp-client-2025-11-20");
    }
    let mut server = Writer::default();
    server.object(|w| {
        w.key("type").plain("url");
        w.key("name").raw(label.quoted());
        w.key("url").raw(url.quoted());
        if let Some(token) = &token {
            w.key("authorization_token").plain(token);
        }
    });
    let deferred = tool.given("defer_loading").map(|flag| path.key("defer_loading").boolean(flag));
    let toolset = toolset(label.quoted(), allowed.as_deref(), deferred.transpose()? == Some(true));
    let name = format!("mcp_toolset:{}", label.decode());
    let server = Server { toolset: name.clone(), json: server.into_string() };
    Ok((server, Tool { name: name.into(), definition: Definition::Whole(toolset.into()) }))
}

fn toolset(label: &str, allowed: Option<&[Cow<'_, str>]>, deferred: bool) -> String {
    let mut writer = Writer::default();
    writer.object(|w| {
        w.key("type").plain("mcp_toolset");
        w.key("mcp_server_name").raw(label);
        if allowed.is_some() || deferred {
            w.key("default_config").object(|w| {
                if allowed.is_some() {
                    w.key("enabled").boolean(false);
                }
                if deferred {
                    w.key("defer_loading").boolean(true);
                }
            });
        }
        if let Some(names) = allowed {
            w.key("configs").object(|w| {
                for name in names {
                    w.foreign_key(name).object(|w| w.key("enabled").boolean(true));
                }
            });
        }
    });
    writer.into_string()
}

fn refused(tool: &Object<'_>, path: &Path<'_>, scope: &mut Scope) -> Result<(), InvalidRequest> {
    for name in ["connector_id", "tunnel_id"] {
        if tool.given(name).is_some() {
            let what = "is not supported: give the server's `server_url`";
            return Err(path.key(name).refuse(InvalidCode::UnsupportedParameter, what));
        }
    }
    let approval = path.key("require_approval");
    let never = tool.text("require_approval").is_some_and(|when| &when == "never");
    if !never {
        let what = "must be \"never\": this model's API calls servers without asking";
        return Err(approval.refuse(InvalidCode::UnsupportedValue, what));
    }
    if let Some(callers) = tool.given("allowed_callers") {
        let path = path.key("allowed_callers");
        let is_direct = |json: &Json<'_>| json.as_text().is_some_and(|text| &text == "direct");
        if !path.array(callers)?.items.iter().all(is_direct) {
            return Err(path.refuse(InvalidCode::UnsupportedValue, "must be [\"direct\"]"));
        }
    }
    if tool.given("server_description").is_some() {
        scope.ignored(path.key("server_description"))?;
    }
    Ok(())
}

/// The token, from either place.
fn token<'c>(tool: &Object<'c>, path: &Path<'_>) -> Result<Option<Cow<'c, str>>, InvalidRequest> {
    let own_path = path.key("authorization");
    let own = tool.given("authorization").map(|token| own_path.text(token)).transpose()?;
    let mut token = own.map(|token| token.decode());
    let Some(headers) = tool.given("headers") else { return Ok(token) };
    let path = path.key("headers");
    for (name, value) in path.object(headers)?.members.iter().filter(|(_, value)| !value.is_null()) {
        let path = path.key(name);
        if !name.eq_ignore_ascii_case("authorization") {
            let what = "is not supported: no header but Authorization reaches the server";
            return Err(path.refuse(InvalidCode::UnsupportedParameter, what));
        }
        if token.is_some() {
            let what = "and `authorization` say the same thing";
            return Err(path.refuse(InvalidCode::ConflictingParameters, what));
        }
        let value = path.text(value)?.decode();
        let bare = value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer "));
        token = Some(match bare {
            Some(bare) => Cow::Owned(bare.trim().to_owned()),
            None => value,
        });
    }
    Ok(token)
}

/// The names that are allowed; none if all are.
fn allowed_tools<'c>(
    tool: &Object<'c>,
    path: &Path<'_>,
) -> Result<Option<Vec<Cow<'c, str>>>, InvalidRequest> {
    let path = path.key("allowed_tools");
    let names = match tool.given("allowed_tools") {
        None => return Ok(None),
        Some(Json::Object(filter)) => {
            path.only(filter, &["tool_names", "read_only"])?;
            if filter.given("read_only").is_some() {
                let what = "is not supported: give `tool_names`";
                return Err(path.key("read_only").refuse(InvalidCode::UnsupportedParameter, what));
            }
            let Some(names) = filter.given("tool_names") else { return Ok(None) };
            path.key("tool_names").array(names)?
        }
        Some(names) => path.array(names)?,
    };
    let names = names.items.iter().enumerate();
    names.map(|(index, name)| Ok(path.index(index).text(name)?.decode())).collect::<Result<_, _>>().map(Some)
}
