//! Every name of a tool in a request, for routes that rewrite those the upstream would refuse.

use std::borrow::Cow;

use crate::json::{Json, Object, Text};

/// The names, with their places: in definitions, inside namespaces too, and in calls of the history.
pub(super) fn all<'c>(request: &Object<'c>) -> Vec<(Cow<'c, str>, String)> {
    let mut names = Vec::new();
    for (index, tool) in list(request, "tools") {
        let path = format!("tools[{index}]");
        if tool.text("type").is_some_and(|kind| &kind == "namespace") {
            for (inner, tool) in list(tool, "tools") {
                names.extend(named(tool, &format!("{path}.tools[{inner}]")));
            }
        } else {
            names.extend(named(tool, &path));
        }
    }
    for (index, item) in list(request, "input") {
        let kind = item.text("type").map(Text::decode);
        if matches!(kind.as_deref(), Some("function_call" | "custom_tool_call")) {
            names.extend(named(item, &format!("input[{index}]")));
        }
    }
    names
}

fn list<'j, 'c>(object: &'j Object<'c>, name: &str) -> impl Iterator<Item = (usize, &'j Object<'c>)> {
    let items = object.given(name).and_then(Json::as_array).into_iter().flat_map(|list| &list.items);
    items.enumerate().filter_map(|(index, item)| Some((index, item.as_object()?)))
}

fn named<'c>(object: &Object<'c>, path: &str) -> Option<(Cow<'c, str>, String)> {
    Some((object.text("name")?.decode(), format!("{path}.name")))
}
