//! How turns follow each other, and calls their results.
//!
//! Source: Claude API reference, "Messages"; Claude docs, "Tool use" (troubleshooting), "Mid-conversation system messages".

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Check, invalid};
use crate::platform::models::Model;

pub(super) fn check(body: &Value, messages: &[Value], model: &Model) -> Check {
    check_roles(messages, model)?;
    check_last(body, messages, model)?;
    check_contents(messages)?;
    check_calls(messages)?;
    check_server_calls(messages)
}

fn role(message: Option<&Value>) -> &str {
    message.and_then(|message| message["role"].as_str()).unwrap_or_default()
}

fn blocks(message: Option<&Value>) -> &[Value] {
    message.and_then(|message| message["content"].as_array()).map_or(&[], Vec::as_slice)
}

fn is_kind(block: &Value, kind: &str) -> bool {
    block["type"] == kind
}

fn check_roles(messages: &[Value], model: &Model) -> Check {
    if role(messages.first()) != "user" {
        return invalid("messages: first message must use the \"user\" role");
    }
    for (index, message) in messages.iter().enumerate().filter(|(_, message)| role(Some(message)) == "system")
    {
        if !model.system_messages {
            return invalid(format!("messages.{index}.role: role 'system' is not supported on this model"));
        }
        let is_turn = |message: &&Value| role(Some(*message)) != "system";
        let before = messages[..index].iter().rfind(is_turn);
        let after = messages[index + 1..].iter().find(is_turn);
        let ends_in_result = blocks(before).last().is_some_and(is_server_result);
        let follows_well = role(before) == "user" || ends_in_result;
        if !follows_well || !["assistant", ""].contains(&role(after)) {
            return invalid(format!(
                "messages.{index}: `system` messages must follow a user turn, and be last or followed by an assistant turn"
            ));
        }
        if message["content"]
            .as_array()
            .is_some_and(|blocks| blocks.iter().any(|block| block["type"] == "tool_result"))
        {
            return invalid(format!("messages.{index}: `system` messages hold text"));
        }
    }
    Ok(())
}

fn is_server_result(block: &Value) -> bool {
    let kind = block["type"].as_str().unwrap_or_default();
    kind.ends_with("_tool_result")
}

/// The assistant may be last to go on with a paused turn, or, with some models, to have its words continued.
fn check_last(body: &Value, messages: &[Value], model: &Model) -> Check {
    let last = messages.last();
    let ends_in = blocks(last).last();
    let is_paused =
        ends_in.is_some_and(|block| is_kind(block, "server_tool_use") || is_kind(block, "mcp_tool_use"));
    if role(last) != "assistant" || is_paused {
        return Ok(());
    }
    if !model.prefill {
        return invalid("Prefilling assistant messages is not supported for this model.");
    }
    if body["output_config"]["format"].is_object() {
        return invalid("output_config.format: prefilling is not supported with structured outputs");
    }
    let text = last.and_then(|message| message["content"].as_str()).or_else(|| ends_in?["text"].as_str());
    if text.is_some_and(|text| text.ends_with(char::is_whitespace)) {
        return invalid("messages: final assistant content cannot end with trailing whitespace");
    }
    Ok(())
}

fn check_contents(messages: &[Value]) -> Check {
    for (index, message) in messages.iter().enumerate() {
        let is_empty = match &message["content"] {
            Value::String(text) => text.is_empty(),
            Value::Array(blocks) => blocks.is_empty(),
            _ => false,
        };
        let may_be_empty = index + 1 == messages.len() && role(Some(message)) == "assistant";
        if is_empty && !may_be_empty {
            return invalid(format!(
                "messages.{index}: all messages must have non-empty content except for the optional final assistant message"
            ));
        }
    }
    Ok(())
}

fn ids<'a>(message: Option<&'a Value>, kind: &str, field: &str) -> Vec<&'a str> {
    let blocks = blocks(message).iter().filter(|block| is_kind(block, kind));
    blocks.filter_map(|block| block[field].as_str()).collect()
}

/// Each `tool_use` is answered in the very next message, once, before anything else there; and nothing else is.
fn check_calls(messages: &[Value]) -> Check {
    let mut all_ids = BTreeSet::new();
    for (index, message) in messages.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(|index| messages.get(index));
        let asked: BTreeSet<&str> = ids(previous, "tool_use", "id").into_iter().collect();
        let answered = ids(Some(message), "tool_result", "tool_use_id");
        let mut seen = BTreeSet::new();
        for id in &answered {
            if !asked.contains(id) {
                return invalid(format!(
                    "messages.{index}.content: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                ));
            }
            if !seen.insert(id) {
                return invalid(format!(
                    "messages.{index}.content: each tool_use must have a single result. Found multiple `tool_result` blocks with id: {id}"
                ));
            }
        }
        let open = ids(Some(message), "tool_use", "id");
        let next: BTreeSet<&str> =
            ids(messages.get(index + 1), "tool_result", "tool_use_id").into_iter().collect();
        if let Some(missing) = open.iter().find(|id| !next.contains(*id)) {
            return invalid(format!(
                "messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: {missing}. Each `tool_use` block must have a corresponding `tool_result` block in the next message."
            ));
        }
        if let Some(repeated) = open.into_iter().find(|id| !all_ids.insert(*id)) {
            return invalid(format!("messages.{index}.content: `tool_use` ids must be unique: {repeated}"));
        }
        let blocks = blocks(Some(message));
        let first_other =
            blocks.iter().position(|block| !is_kind(block, "tool_result")).unwrap_or(blocks.len());
        if blocks[first_other..].iter().any(|block| is_kind(block, "tool_result")) {
            return invalid(format!(
                "messages.{index}.content: `tool_result` blocks must come before all other content of their message"
            ));
        }
    }
    Ok(())
}

/// Calls of server tools have their results in the same turn, but for a turn that is paused.
fn check_server_calls(messages: &[Value]) -> Check {
    let mut at = 0;
    while at < messages.len() {
        let n_together =
            messages[at..].iter().take_while(|message| role(Some(message)) == "assistant").count();
        let turn = &messages[at..at + n_together];
        let blocks: Vec<&Value> = turn.iter().flat_map(|message| blocks(Some(message))).collect();
        let is_last = at + n_together == messages.len();
        if n_together > 0 {
            check_server_turn(at, &blocks, is_last)?;
        }
        at += n_together.max(1);
    }
    Ok(())
}

fn check_server_turn(at: usize, blocks: &[&Value], is_last: bool) -> Check {
    let calls =
        blocks.iter().filter(|block| is_kind(block, "server_tool_use") || is_kind(block, "mcp_tool_use"));
    let calls: Vec<&str> = calls.filter_map(|block| block["id"].as_str()).collect();
    let results = blocks.iter().filter(|block| is_server_result(block));
    let results: BTreeSet<&str> = results.filter_map(|block| block["tool_use_id"].as_str()).collect();
    if let Some(stray) = results.iter().find(|id| !calls.contains(id)) {
        return invalid(format!("messages.{at}.content: a tool's result has no call before it: {stray}"));
    }
    match calls.iter().find(|id| !results.contains(*id)) {
        Some(open) if !is_last => {
            invalid(format!("messages.{at}: a server tool's call was found without its result: {open}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::platform::models::find;

    fn verify(model: &str, messages: Value, part: &str) {
        let list = messages.as_array().unwrap();
        let refusal = check(&json!({}), list, &find(model).unwrap()).err().map(|error| error.message);
        match part {
            "" => assert_eq!(refusal, None, "{messages}"),
            part => {
                assert!(refusal.as_ref().is_some_and(|text| text.contains(part)), "{messages}: {refusal:?}")
            }
        }
    }

    fn turn(role: &str, content: Value) -> Value {
        json!({"role": role, "content": content})
    }

    #[test]
    fn calls_and_results_are_paired() {
        let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
        let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id});
        let text = json!({"type": "text", "text": "x"});
        let user = || turn("user", json!("x"));
        let check = |blocks: Value, results: Value, part: &str| {
            verify(
                "claude-haiku-4-5",
                json!([user(), turn("assistant", blocks), turn("user", results)]),
                part,
            );
        };
        check(json!([call("a"), call("b")]), json!([result("b"), result("a"), text]), "");
        check(json!([call("a")]), json!([text]), "without `tool_result` blocks immediately after: a");
        check(json!([call("a")]), json!([result("a"), result("b")]), "unexpected `tool_use_id`");
        check(json!([call("a")]), json!([result("a"), result("a")]), "single result");
        check(json!([call("a"), call("a")]), json!([result("a")]), "must be unique");
        check(json!([call("a")]), json!([text, result("a")]), "must come before");
    }

    #[test]
    fn server_calls_have_their_results_in_their_turn() {
        let call = json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}});
        let result = json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []});
        let user = || turn("user", json!("x"));
        let check = |messages: Value, part: &str| verify("claude-opus-5-5", messages, part);
        check(json!([user(), turn("assistant", json!([call]))]), "");
        check(json!([user(), turn("assistant", json!([call])), user()]), "without its result");
        check(json!([user(), turn("assistant", json!([call, result])), user()]), "");
        check(
            json!([user(), turn("assistant", json!([call])), turn("assistant", json!([result])), user()]),
            "",
        );
        check(json!([user(), turn("assistant", json!([result])), user()]), "no call before it");
    }

    #[test]
    fn roles_follow_each_other_as_documented() {
        let (user, assistant) = (|| turn("user", json!("x")), || turn("assistant", json!("y")));
        let system = || turn("system", json!("z"));
        verify("claude-opus-5-5", json!([user(), system()]), "");
        verify("claude-opus-5-5", json!([user(), system(), system(), assistant(), user()]), "");
        verify("claude-opus-5-5", json!([user(), system(), user()]), "must follow a user turn");
        verify("claude-opus-5-5", json!([user(), assistant(), system()]), "must follow a user turn");
        verify("claude-opus-5-5", json!([system(), user()]), "first message");
        verify("claude-sonnet-5", json!([user(), system()]), "not supported on this model");
        verify("claude-opus-5-5", json!([user(), assistant()]), "Prefilling");
        verify("claude-haiku-4-5", json!([user(), assistant()]), "");
        verify("claude-haiku-4-5", json!([user(), turn("assistant", json!("y "))]), "trailing whitespace");
        verify(
            "claude-haiku-4-5",
            json!([user(), turn("assistant", json!([])), user()]),
            "non-empty content",
        );
        verify("claude-haiku-4-5", json!([user(), user(), assistant(), assistant(), user()]), "");
    }
}
