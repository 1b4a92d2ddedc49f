//! Parameters of Anthropic's own that pass, and the beta flags they need.

use std::borrow::Cow;

use super::path::Path;
use super::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Writer;
use crate::json::{Array, Json, Object, Text};

/// Those that pass as they are, in the order in which they are sent.
pub(crate) const PASSING: [&str; 10] = [
    "container",
    "compaction",
    "mcp_servers",
    "inference_geo",
    "speed",
    "diagnostics",
    "fallbacks",
    "fallback_credit_token",
    "thread",
    "billing_policy",
];

/// How many betas a request may name; they share one header.
const MOST_BETAS: usize = 64;

/// Takes the client's `betas` into the scope, where ours follow.
pub(crate) fn betas(request: &Object<'_>, scope: &mut Scope) -> Result<(), InvalidRequest> {
    let Some(betas) = request.given("betas") else { return Ok(()) };
    let path = Path::root("betas");
    let betas = path.array(betas)?;
    if betas.items.len() > MOST_BETAS {
        return Err(
            path.refuse(InvalidCode::InvalidValue, format_args!("must not name more than {MOST_BETAS}"))
        );
    }
    for (index, beta) in betas.items.iter().enumerate() {
        let path = path.index(index);
        let beta = path.text(beta)?.decode();
        // It becomes part of a header.
        if beta.is_empty() || !beta.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') {
            return Err(path.refuse(InvalidCode::InvalidValue, "must be the name of a beta"));
        }
        scope.beta(&beta);
    }
    Ok(())
}

/// Adds the flags that the request's parameters need.
pub(crate) fn needed_betas(request: &Object<'_>, scope: &mut Scope) {
    // The client's own version of it, older or newer, stands for itself.
    let has_mcp = scope.betas.iter().any(|beta| beta.starts_with("mcp-client-"));
    if request.given("mcp_servers").is_some() && !has_mcp {
        scope.beta("mcp-client-2025-11-20");
    }
    if request.given("speed").is_some() {
        scope.beta("fast-mode-2026-02-01");
    }
}

/// `context_management`, also in OpenAI's form of a list.
pub(crate) fn context_management<'a>(
    request: &Object<'a>,
    scope: &mut Scope,
) -> Result<Option<Cow<'a, str>>, InvalidRequest> {
    let Some(management) = request.given("context_management") else { return Ok(None) };
    let path = Path::root("context_management");
    match management {
        Json::Object(object) => {
            let edits = object.get("edits").and_then(Json::as_array).map(|edits| edits.items.as_slice());
            for edit in edits.unwrap_or_default() {
                let kind = edit.as_object().and_then(|edit| edit.text("type")).map(Text::decode);
                let compacts = kind.is_some_and(|kind| kind.starts_with("compact_"));
                scope.beta(if compacts { "compact-2026-01-12" } else { "context-management-2025-06-27" });
            }
            Ok(Some(Cow::Borrowed(object.raw)))
        }
        Json::Array(list) => {
            scope.beta("compact-2026-01-12");
            compactions(list, &path).map(|edits| Some(Cow::Owned(edits)))
        }
        other => Err(path.wrong_type("an object or an array", other)),
    }
}

fn compactions(list: &Array<'_>, path: &Path<'_>) -> Result<String, InvalidRequest> {
    let mut writer = Writer::default();
    writer.object(|w| {
        w.key("edits").array(|w| {
            list.items.iter().enumerate().try_for_each(|(index, item)| {
                let path = path.index(index);
                let item = path.object(item)?;
                path.only(item, &["type", "compact_threshold"])?;
                let type_path = path.key("type");
                let kind = type_path.text(type_path.required(item)?)?;
                if &kind != "compaction" {
                    return Err(type_path.refuse(InvalidCode::UnsupportedValue, "must be \"compaction\""));
                }
                let threshold_path = path.key("compact_threshold");
                let threshold = item.given("compact_threshold");
                let threshold = threshold.map(|threshold| threshold_path.count(threshold)).transpose()?;
                w.object(|w| {
                    w.key("type").plain("compact_20260112");
                    if let Some(value) = threshold {
                        w.key("trigger").object(|w| {
                            w.key("type").plain("input_tokens");
                            w.key("value").integer(value);
                        });
                    }
                });
                Ok(())
            })
        })
    })?;
    Ok(writer.into_string())
}
