//! The types of the body's own fields.
//!
//! Source: Claude API reference, "Messages", and the types of Anthropic's SDK.

use serde_json::Value;

use super::blocks::{Holder, check_block};
use super::shape::{Is, Null, no_others, object, optional};
use super::{Check, invalid};

/// Fields whose type is the whole of their check. What others need is checked where they are read.
const TYPES: &[(&str, Is, Null)] = &[
    ("stream", Is::Bool, Null::Refused),
    ("stop_sequences", Is::Texts, Null::Refused),
    ("top_k", Is::Integer, Null::Refused),
    ("metadata", Is::Object, Null::Refused),
    ("service_tier", Is::OneOf(&["auto", "standard_only"]), Null::Refused),
    ("speed", Is::OneOf(&["standard", "fast"]), Null::Absent),
    ("inference_geo", Is::Text, Null::Absent),
    ("container", Is::TextOrObject, Null::Absent),
    ("cache_control", Is::Object, Null::Absent),
    ("output_config", Is::Object, Null::Refused),
    ("thinking", Is::Object, Null::Refused),
    ("tool_choice", Is::Object, Null::Refused),
    ("context_management", Is::Object, Null::Absent),
    ("mcp_servers", Is::List, Null::Refused),
    ("diagnostics", Is::Object, Null::Absent),
    ("compaction", Is::Object, Null::Absent),
    ("fallbacks", Is::TextOrList, Null::Absent),
    ("fallback_credit_token", Is::Text, Null::Absent),
    ("billing_policy", Is::Object, Null::Absent),
    ("thread", Is::Object, Null::Absent),
];

pub(super) fn check_types(body: &Value) -> Check {
    for (name, is, null) in TYPES {
        optional(body, name, *is, *null, name)?;
    }
    if let Some(metadata) = body.get("metadata") {
        no_others(object(metadata, "metadata")?, &["user_id"], "metadata")?;
        optional(metadata, "user_id", Is::Text, Null::Absent, "metadata.user_id")?;
    }
    let sequences = body["stop_sequences"].as_array().into_iter().flatten();
    if sequences.filter_map(Value::as_str).any(|text| text.trim().is_empty()) {
        return invalid("stop_sequences: each stop sequence must contain non-whitespace");
    }
    if let Some(cache_control) = body.get("cache_control").filter(|value| !value.is_null()) {
        check_cache_control(cache_control, "cache_control")?;
    }
    check_system(body)
}

pub(super) fn check_cache_control(value: &Value, at: &str) -> Check {
    if value["type"] != "ephemeral" {
        return invalid(format!("{at}.type: Input should be 'ephemeral'"));
    }
    no_others(object(value, at)?, &["type", "ttl", "scope"], &format!("{at}.ephemeral"))?;
    optional(value, "ttl", Is::OneOf(&["5m", "1h"]), Null::Refused, &format!("{at}.ephemeral.ttl"))
}

fn check_system(body: &Value) -> Check {
    match body.get("system") {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(blocks)) => blocks.iter().enumerate().try_for_each(|(index, block)| {
            check_block(block, &format!("system.{index}"), Holder::System)?;
            if block["type"] == "text" {
                Ok(())
            } else {
                invalid(format!("system.{index}.type: Input should be 'text'"))
            }
        }),
        Some(_) => invalid("system: Input should be a valid string or a valid list"),
    }
}
