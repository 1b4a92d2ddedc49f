//! Refuses what the Messages API refuses. Source: Claude API reference, "Messages", "Errors" and "Versioning".
//!
//! Start at [`validate`]. `fields` has the types of the body's fields, `blocks` and `tools` what stands in its lists, and
//! `shape` what they share.

mod blocks;
mod fields;
mod shape;
mod tools;

use std::collections::BTreeSet;

use serde_json::Value;

use super::error::PlatformError;
use super::models;
use crate::server::Arrival;
use blocks::Holder;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Messages,
    CountTokens,
}

const COMMON_FIELDS: &[&str] = &[
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "cache_control",
    "output_config",
    "speed",
    "context_management",
    "mcp_servers",
];
const MESSAGES_FIELDS: &[&str] = &[
    "max_tokens",
    "stream",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "metadata",
    "container",
    "inference_geo",
    "service_tier",
    "diagnostics",
    "compaction",
    "fallbacks",
    "fallback_credit_token",
    "billing_policy",
    "thread",
];
const SAMPLING_FIELDS: [&str; 3] = ["temperature", "top_p", "top_k"];

type Check = Result<(), PlatformError>;

pub(super) fn validate(body: &Value, endpoint: Endpoint, arrival: &Arrival) -> Check {
    let fields = body.as_object().into_iter().flatten();
    for (name, _) in fields {
        let known = COMMON_FIELDS.contains(&name.as_str())
            || (endpoint == Endpoint::Messages && MESSAGES_FIELDS.contains(&name.as_str()));
        if !known {
            return invalid(format!("{name}: Extra inputs are not permitted"));
        }
    }
    check_betas(arrival)?;
    fields::check_types(body)?;
    tools::check_tools(body)?;
    let model = match body.get("model") {
        Some(Value::String(model)) => models::find(model)?,
        Some(_) => return invalid("model: Input should be a valid string"),
        None => return invalid("model: Field required"),
    };
    if endpoint == Endpoint::Messages {
        check_max_tokens(body, model.max_tokens)?;
    }
    check_sampling(body, model, arrival)?;
    check_tool_choice(body, model)?;
    check_thinking_mode(body, model)?;
    let messages = match body.get("messages") {
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        Some(Value::Array(_)) => return invalid("messages: at least one message is required"),
        Some(_) => return invalid("messages: Input should be a valid list"),
        None => return invalid("messages: Field required"),
    };
    let new_version = arrival.header("anthropic-version") == Some("2026-10-21");
    for (index, message) in messages.iter().enumerate() {
        check_message(index, message, new_version)?;
    }
    check_order(messages, model)?;
    check_tool_results(messages)
}

fn invalid(message: impl Into<String>) -> Check {
    Err(PlatformError::invalid(message))
}

/// Real beta names end in a date.
fn check_betas(arrival: &Arrival) -> Check {
    let betas = arrival
        .headers
        .iter()
        .filter(|(name, _)| name == "anthropic-beta")
        .flat_map(|(_, value)| value.split(','));
    let is_known = |beta: &str| {
        beta.len() > 11
            && beta.split('-').rev().take(3).map(str::len).eq([2, 2, 4])
            && beta.bytes().rev().take(10).all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    match betas.map(str::trim).find(|beta| !is_known(beta)) {
        Some(beta) => invalid(format!("Unexpected value(s) `{beta}` for the `anthropic-beta` header.")),
        None => Ok(()),
    }
}

fn check_max_tokens(body: &Value, limit: u32) -> Check {
    let Some(value) = body.get("max_tokens") else { return invalid("max_tokens: Field required") };
    match value.as_u64() {
        Some(tokens) if tokens <= u64::from(limit) => Ok(()),
        Some(tokens) => invalid(format!(
            "max_tokens: {tokens} > {limit}, which is the maximum allowed number of output tokens"
        )),
        None => invalid("max_tokens: Input should be a valid integer"),
    }
}

fn check_sampling(body: &Value, model: models::Model, arrival: &Arrival) -> Check {
    let allowed = model.sampling && arrival.header("anthropic-version") == Some("2023-06-01");
    for field in SAMPLING_FIELDS {
        match body.get(field) {
            None => {}
            Some(_) if !allowed => {
                return invalid(format!("`{field}` is not supported for this model and API version."));
            }
            Some(value)
                if field != "top_k"
                    && !value.as_f64().is_some_and(|number| (0.0..=1.0).contains(&number)) =>
            {
                return invalid(format!("{field}: range: 0..1"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn check_tool_choice(body: &Value, model: models::Model) -> Check {
    let Some(choice) = body.get("tool_choice") else { return Ok(()) };
    let kind = choice.get("type").and_then(Value::as_str).unwrap_or_default();
    let names: BTreeSet<&str> = body
        .get("tools")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    match kind {
        "auto" | "none" => Ok(()),
        "any" | "tool" if !model.forced_tools => {
            invalid(format!("tool_choice.type: `{kind}` is not supported for this model."))
        }
        "any" if names.is_empty() => invalid("tool_choice: tools must be provided"),
        "any" => Ok(()),
        "tool" => match choice["name"].as_str() {
            Some(name) if names.contains(name) => Ok(()),
            _ => invalid("tool_choice: the named tool was not found in `tools`"),
        },
        _ => invalid("tool_choice.type: Input tag does not match any of the expected tags"),
    }
}

fn check_thinking_mode(body: &Value, model: models::Model) -> Check {
    let Some(thinking) = body.get("thinking") else { return Ok(()) };
    match thinking["type"].as_str() {
        Some("enabled") if !model.sampling => {
            invalid("thinking.type: `enabled` is not supported for this model; use `adaptive`.")
        }
        Some("enabled") => match (thinking["budget_tokens"].as_u64(), body["max_tokens"].as_u64()) {
            (None, _) => invalid("thinking.enabled.budget_tokens: Field required"),
            (Some(budget), _) if budget < 1024 => {
                invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
            }
            (Some(budget), Some(max)) if budget >= max => {
                invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")
            }
            _ => Ok(()),
        },
        Some("adaptive" | "between_tools" | "disabled") => Ok(()),
        _ => invalid("thinking.type: Input tag does not match any of the expected tags"),
    }
}

fn check_message(index: usize, message: &Value, new_version: bool) -> Check {
    shape::object(message, &format!("messages.{index}"))?;
    let role = message["role"].as_str().unwrap_or_default();
    if !["user", "assistant", "system"].contains(&role) {
        return invalid(format!("messages.{index}.role: Input should be 'user', 'assistant' or 'system'"));
    }
    let blocks = match message.get("content") {
        Some(Value::String(text)) if text.is_empty() && role == "user" => {
            return invalid(format!("messages.{index}: user messages must have non-empty content"));
        }
        Some(Value::String(_)) => return Ok(()),
        Some(Value::Array(blocks)) => blocks,
        Some(_) => return invalid(format!("messages.{index}.content: Input should be a valid list")),
        None => return invalid(format!("messages.{index}.content: Field required")),
    };
    let holder = match role {
        "user" => Holder::User,
        "assistant" => Holder::Assistant,
        _ => Holder::System,
    };
    for (position, block) in blocks.iter().enumerate() {
        let at = format!("messages.{index}.content.{position}");
        blocks::check_block(block, &at, holder)?;
        if new_version {
            check_newer_rules(block, &at, holder)?;
        }
    }
    Ok(())
}

/// What version 2026-10-21 no longer takes.
fn check_newer_rules(block: &Value, at: &str, holder: Holder) -> Check {
    let has_citations = block["citations"].as_array().is_some_and(|all| !all.is_empty());
    match (block["type"].as_str(), holder) {
        (Some("text"), Holder::User) if has_citations => {
            invalid(format!("{at}.text.citations: not permitted in user messages"))
        }
        (Some("document"), Holder::Assistant) => {
            invalid(format!("{at}: `document` blocks are not permitted in assistant messages"))
        }
        _ => Ok(()),
    }
}

fn check_order(messages: &[Value], model: models::Model) -> Check {
    let role_of = |message: Option<&Value>| {
        message.and_then(|message| message["role"].as_str()).unwrap_or_default().to_owned()
    };
    if role_of(messages.first()) == "assistant" {
        return invalid("messages: first message must use the \"user\" role");
    }
    if role_of(messages.last()) == "assistant" && !model.prefill {
        return invalid("Prefilling assistant messages is not supported for this model.");
    }
    Ok(())
}

fn ids<'a>(message: Option<&'a Value>, kind: &str, field: &str) -> BTreeSet<&'a str> {
    let blocks = message.and_then(|message| message["content"].as_array()).into_iter().flatten();
    blocks.filter(|block| block["type"] == kind).filter_map(|block| block[field].as_str()).collect()
}

/// Each `tool_use` is answered in the very next message, and nothing else is.
fn check_tool_results(messages: &[Value]) -> Check {
    for (index, message) in messages.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(|index| messages.get(index));
        let asked = ids(previous, "tool_use", "id");
        let answered = ids(Some(message), "tool_result", "tool_use_id");
        if let Some(stray) = answered.difference(&asked).next() {
            return invalid(format!(
                "messages.{index}.content: unexpected `tool_use_id` found in `tool_result` blocks: {stray}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            ));
        }
        let open = ids(Some(message), "tool_use", "id");
        let next = ids(messages.get(index + 1), "tool_result", "tool_use_id");
        if let Some(missing) = open.difference(&next).next() {
            return invalid(format!(
                "messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: {missing}. Each `tool_use` block must have a corresponding `tool_result` block in the next message."
            ));
        }
    }
    Ok(())
}
