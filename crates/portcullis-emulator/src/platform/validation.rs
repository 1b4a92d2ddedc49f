//! Refuses what the Messages API refuses. Source: Claude API reference, "Messages", "Errors" and "Versioning".
//!
//! Start at [`validate`]. `fields` has the types of the body's fields, `blocks` and `tools` what stands in its lists, and
//! `shape` what they share. `abilities` is what differs by model, `order` how turns and calls follow each other.

mod abilities;
mod blocks;
mod fields;
mod markers;
mod media;
mod order;
mod schema;
mod servers;
mod shape;
mod tools;

use serde_json::Value;

use super::error::PlatformError;
use super::models::{self, Model};
use super::protocol::{Protocol, Version};
use blocks::Holder;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Messages,
    /// A line of a batch.
    BatchLine,
    CountTokens,
}

/// What lines of batches may ask for in a beta, in tokens. Source: Claude docs, "Batch processing" (extended output).
const LONG_OUTPUT: (&str, u32) = ("output-300k", 300_000);

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
];
/// Fields of betas, with the families that know them.
const BETA_FIELDS: &[(&str, &[&str])] =
    &[("context_management", &["context-management", "compact"]), ("mcp_servers", &["mcp-client"])];
const BETA_MESSAGES_FIELDS: &[(&str, &[&str])] = &[
    ("compaction", &["compact"]),
    ("fallbacks", &["server-side-fallback"]),
    ("fallback_credit_token", &["fallback-credit"]),
    ("billing_policy", &["user-profiles-billing"]),
    ("thread", &["message-threads"]),
];
/// Fields of a message of the operator, with the families of betas that know them.
const SYSTEM_MESSAGE_FIELDS: &[(&str, &[&str])] = &[
    ("clear_at", &["mid-conversation-system-clear-at"]),
    ("output_config", &["mid-conversation-output-config", "per-turn-control"]),
];
/// Blocks with which the operator changes the tools.
const TOOL_CHANGES: [&str; 2] = ["tool_addition", "tool_removal"];
const MOST_MESSAGES: usize = 100_000;

type Check = Result<(), PlatformError>;

/// The body's model, if nothing is wrong with the body.
pub(super) fn validate(
    body: &Value,
    endpoint: Endpoint,
    protocol: &Protocol,
) -> Result<Model, PlatformError> {
    check_names(body, endpoint, protocol)?;
    fields::check_types(body)?;
    tools::check_tools(body)?;
    servers::check_servers(body, protocol)?;
    let model = match body.get("model") {
        Some(Value::String(model)) => models::find(model)?,
        Some(_) => return Err(PlatformError::invalid("model: Input should be a valid string")),
        None => return Err(PlatformError::invalid("model: Field required")),
    };
    match endpoint {
        Endpoint::CountTokens => {}
        Endpoint::BatchLine if protocol.has_any(&[LONG_OUTPUT.0]) => check_max_tokens(body, LONG_OUTPUT.1)?,
        Endpoint::Messages | Endpoint::BatchLine => check_max_tokens(body, model.max_tokens)?,
    }
    abilities::check(body, &model, protocol)?;
    let messages = messages(body)?;
    for (index, message) in messages.iter().enumerate() {
        check_message(index, message, protocol)?;
    }
    markers::check(body)?;
    order::check(body, messages, &model)?;
    Ok(model)
}

fn invalid(message: impl Into<String>) -> Check {
    Err(PlatformError::invalid(message))
}

fn check_names(body: &Value, endpoint: Endpoint, protocol: &Protocol) -> Check {
    let is_known = |name: &str| {
        let in_beta = |fields: &[(&str, &[&str])]| {
            fields.iter().any(|(field, families)| *field == name && protocol.has_any(families))
        };
        COMMON_FIELDS.contains(&name)
            || in_beta(BETA_FIELDS)
            || (endpoint != Endpoint::CountTokens
                && (MESSAGES_FIELDS.contains(&name) || in_beta(BETA_MESSAGES_FIELDS)))
    };
    let mut names = body.as_object().into_iter().flatten().map(|(name, _)| name);
    match names.find(|name| !is_known(name)) {
        Some(name) => invalid(format!("{name}: Extra inputs are not permitted")),
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

fn messages(body: &Value) -> Result<&Vec<Value>, PlatformError> {
    let wrong = match body.get("messages") {
        Some(Value::Array(messages)) if messages.len() > MOST_MESSAGES => {
            format!("messages: List should have at most {MOST_MESSAGES} items")
        }
        Some(Value::Array(messages)) if !messages.is_empty() => return Ok(messages),
        Some(Value::Array(_)) => "messages: at least one message is required".to_owned(),
        Some(_) => "messages: Input should be a valid list".to_owned(),
        None => "messages: Field required".to_owned(),
    };
    Err(PlatformError::invalid(wrong))
}

fn check_message(index: usize, message: &Value, protocol: &Protocol) -> Check {
    let at = format!("messages.{index}");
    let fields = shape::object(message, &at)?;
    let role = message["role"].as_str().unwrap_or_default();
    let holder = match role {
        "user" => Holder::User,
        "assistant" => Holder::Assistant,
        "system" => Holder::System,
        _ => return invalid(format!("{at}.role: Input should be 'user', 'assistant' or 'system'")),
    };
    let in_beta = SYSTEM_MESSAGE_FIELDS
        .iter()
        .filter(|(_, families)| holder == Holder::System && protocol.has_any(families))
        .map(|(field, _)| *field);
    let allowed: Vec<&str> = ["role", "content"].into_iter().chain(in_beta).collect();
    shape::no_others(fields, &allowed, &at)?;
    let blocks = match message.get("content") {
        Some(Value::String(text)) if text.is_empty() && role == "user" => {
            return invalid(format!("{at}: user messages must have non-empty content"));
        }
        Some(Value::String(_)) => return Ok(()),
        Some(Value::Array(blocks)) => blocks,
        Some(_) => return invalid(format!("{at}.content: Input should be a valid list")),
        None => return invalid(format!("{at}.content: Field required")),
    };
    for (position, block) in blocks.iter().enumerate() {
        let at = format!("{at}.content.{position}");
        blocks::check_block(block, &at, holder)?;
        let changes_tools = block["type"].as_str().is_some_and(|kind| TOOL_CHANGES.contains(&kind));
        if changes_tools && !protocol.has_any(&["mid-conversation-tool-changes"]) {
            return invalid(format!(
                "{at}: `{}` blocks need a beta",
                block["type"].as_str().unwrap_or_default()
            ));
        }
        if protocol.version == Version::Second {
            check_newer_rules(block, &at, holder)?;
        }
    }
    Ok(())
}

/// What version 2026-10-21 no longer takes.
fn check_newer_rules(block: &Value, at: &str, holder: Holder) -> Check {
    let cites = |block: &Value| {
        block["type"] == "text" && block["citations"].as_array().is_some_and(|all| !all.is_empty())
    };
    let cites_inside = block["type"] == "search_result"
        && block["content"].as_array().is_some_and(|inner| inner.iter().any(cites));
    match (block["type"].as_str(), holder) {
        (Some("text"), Holder::User) if cites(block) => {
            invalid(format!("{at}.text.citations: not permitted in user messages"))
        }
        (Some("search_result"), _) if cites_inside => {
            invalid(format!("{at}.search_result.content: citations are not permitted in search results"))
        }
        (Some("document"), Holder::Assistant) => {
            invalid(format!("{at}: `document` blocks are not permitted in assistant messages"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    pub(super) fn body(model: &str) -> Value {
        json!({"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "x"}]})
    }

    /// The refusal of a body, or nothing.
    fn refusal(body: &Value, protocol: &Protocol) -> Option<String> {
        validate(body, Endpoint::Messages, protocol).err().map(|error| error.message)
    }

    fn check(body: &Value, protocol: &Protocol, part: &str) {
        let refusal = refusal(body, protocol);
        assert!(refusal.as_ref().is_some_and(|text| text.contains(part)), "{refusal:?} lacks {part}");
    }

    #[test]
    fn fields_of_betas_need_their_beta() {
        let plain = Protocol::with(Version::First, &[]);
        for (field, value, beta) in [
            ("mcp_servers", json!([]), "mcp-client-2025-11-20"),
            ("context_management", json!({"edits": []}), "context-management-2025-06-27"),
            ("fallbacks", json!("default"), "server-side-fallback-2026-07-01"),
        ] {
            let mut body = body("claude-haiku-4-5");
            body[field] = value;
            check(&body, &plain, &format!("{field}: Extra inputs are not permitted"));
            assert_eq!(refusal(&body, &Protocol::with(Version::First, &[beta])), None, "{field}");
        }
    }

    #[test]
    fn the_newer_version_takes_less() {
        let (first, second) = (Protocol::with(Version::First, &[]), Protocol::with(Version::Second, &[]));
        let citation = json!({"type": "web_search_result_location"});
        let cited = json!({"type": "text", "text": "x", "citations": [citation]});
        let document =
            json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}});
        let result = json!({"type": "search_result", "source": "s", "title": "t", "content": [cited]});
        let user = |block: &Value| json!([{"role": "user", "content": [block]}]);
        let assistant = json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": [document]}, {"role": "user", "content": "x"}]);
        for (messages, part) in [
            (user(&cited), "not permitted in user messages"),
            (user(&result), "not permitted in search results"),
            (assistant, "`document` blocks are not permitted in assistant"),
        ] {
            let mut body = body("claude-opus-5-5");
            body["messages"] = messages;
            assert_eq!(refusal(&body, &first), None, "{part}");
            check(&body, &second, part);
        }
    }

    #[test]
    fn the_operators_messages_have_more_in_betas() {
        let told = |extra: Value| {
            let mut body = body("claude-opus-5-5");
            let mut message = json!({"role": "system", "content": "Be brief."});
            message.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            body["messages"].as_array_mut().unwrap().push(message);
            body
        };
        for (extra, beta, part) in [
            (json!({}), "", ""),
            (
                json!({"output_config": {"effort": "low"}}),
                "per-turn-control-2026-07-01",
                "output_config: Extra inputs",
            ),
            (
                json!({"clear_at": "never"}),
                "mid-conversation-system-clear-at-2026-08-21",
                "clear_at: Extra inputs",
            ),
            (
                json!({"content": [{"type": "tool_removal"}]}),
                "mid-conversation-tool-changes-2026-07-01",
                "need a beta",
            ),
        ] {
            assert_eq!(
                refusal(&told(extra.clone()), &Protocol::with(Version::First, &[beta])),
                None,
                "{extra}"
            );
            if !part.is_empty() {
                check(&told(extra), &Protocol::with(Version::First, &[]), part);
            }
        }
    }

    #[test]
    fn messages_have_a_role_and_content_and_nothing_else() {
        let protocol = Protocol::with(Version::First, &[]);
        for (message, part) in [
            (
                json!({"role": "user", "content": "x", "name": "n"}),
                "messages.0.name: Extra inputs are not permitted",
            ),
            (json!({"role": "user"}), "messages.0.content: Field required"),
            (json!({"role": "user", "content": ""}), "non-empty content"),
            (json!({"role": "user", "content": []}), "non-empty content"),
            (json!({"role": "user", "content": [{"type": "text", "text": " \n"}]}), "non-whitespace"),
            (
                json!({"role": "user", "content": [{"type": "text", "text": "x", "index": 0}]}),
                "messages.0.content.0.text.index: Extra",
            ),
        ] {
            let mut body = body("claude-opus-5-5");
            body["messages"] = json!([message]);
            check(&body, &protocol, part);
        }
    }
}
