//! MCP servers, and the toolsets that stand for them. Source: Claude docs, "MCP connector".

use std::collections::BTreeSet;

use serde_json::Value;

use super::shape::{Is, no_others, object, required};
use super::{Check, invalid};
use crate::platform::protocol::Protocol;

/// The first beta has no toolsets: a server's tools are configured at the server.
const WITHOUT_TOOLSETS: &str = "mcp-client-2025-04-04";

pub(super) fn check_servers(body: &Value, protocol: &Protocol) -> Check {
    let servers = body["mcp_servers"].as_array().map_or(&[][..], Vec::as_slice);
    let mut names = BTreeSet::new();
    for (index, server) in servers.iter().enumerate() {
        let at = format!("mcp_servers.{index}");
        let fields = object(server, &at)?;
        no_others(fields, &["type", "name", "url", "authorization_token", "tool_configuration"], &at)?;
        for name in ["name", "url"] {
            required(fields, name, Is::Text, &at)?;
        }
        if server["type"] != "url" {
            return invalid(format!("{at}.type: Input should be 'url'"));
        }
        if !server["url"].as_str().is_some_and(|url| url.starts_with("https://")) {
            return invalid(format!("{at}.url: URL must use https"));
        }
        if !names.insert(server["name"].as_str().unwrap_or_default()) {
            return invalid(format!("{at}.name: MCP server names must be unique"));
        }
    }
    let toolsets =
        body["tools"].as_array().into_iter().flatten().filter(|tool| tool["type"] == "mcp_toolset");
    let toolsets: Vec<&str> = toolsets.filter_map(|tool| tool["mcp_server_name"].as_str()).collect();
    if let Some(unknown) = toolsets.iter().find(|name| !names.contains(*name)) {
        return invalid(format!(
            "tools: mcp_toolset names the MCP server `{unknown}`, which is not in `mcp_servers`"
        ));
    }
    let uses = |name: &str| toolsets.iter().filter(|candidate| **candidate == name).count();
    match names.iter().find(|name| uses(name) != 1) {
        Some(name) if !protocol.has(WITHOUT_TOOLSETS) => {
            invalid(format!("mcp_servers: `{name}` must be referenced by exactly one mcp_toolset in `tools`"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::platform::protocol::Version;

    #[test]
    fn each_server_has_one_toolset() {
        let server = |url: &str| json!([{"type": "url", "name": "s", "url": url}]);
        let toolset = |name: &str| json!([{"type": "mcp_toolset", "mcp_server_name": name}]);
        let verify = |servers: &Value, tools: &Value, beta: &str, part: &str| {
            let protocol = Protocol::with(Version::First, &[beta]);
            let refusal = check_servers(&json!({"mcp_servers": servers, "tools": tools}), &protocol).err();
            match part {
                "" => assert_eq!(refusal, None),
                part => {
                    assert!(refusal.as_ref().is_some_and(|error| error.message.contains(part)), "{refusal:?}")
                }
            }
        };
        let (here, beta) = (server("https://example.com/mcp"), "mcp-client-2025-11-20");
        verify(&here, &toolset("s"), beta, "");
        verify(&here, &json!([]), beta, "exactly one mcp_toolset");
        verify(&here, &json!([]), WITHOUT_TOOLSETS, "");
        verify(&here, &toolset("t"), beta, "not in `mcp_servers`");
        verify(&server("http://example.com"), &toolset("s"), beta, "https");
    }
}
