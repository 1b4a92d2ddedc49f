//! Calls of the request's own tools.

use serde_json::{Value, json};

use super::compose::Message;
use super::example::example;
use super::thinking;
use super::turn::Turn;
use crate::state::{BASE62, random_text};

/// The most rounds of a loop.
const MOST_ROUNDS: u64 = 100;

/// The tools that the client runs itself, but for those that are not loaded until a search finds them.
fn own_tools<'a>(turn: &Turn<'a>) -> Vec<&'a Value> {
    let tools = turn.body["tools"].as_array().into_iter().flatten();
    tools.filter(|tool| tool["input_schema"].is_object() && tool["defer_loading"] != true).collect()
}

fn push_call(message: &mut Message, tool: &Value, input: &Value) {
    let id = format!("toolu_01{}", random_text(BASE62, 22));
    message.content.push(json!({"type": "tool_use", "id": id, "name": tool["name"], "input": input}));
    message.stop_reason = "tool_use";
}

fn without_tools(message: &mut Message) {
    message.push_text("There is no tool that I could use.");
}

/// Some text, and so many calls at once.
pub(super) fn call(message: &mut Message, turn: &Turn<'_>, n_calls: usize) {
    let tools = own_tools(turn);
    if tools.is_empty() {
        return without_tools(message);
    }
    if turn.asks_for_thinking() {
        message.push_thought(turn, "A tool knows this.");
    }
    message.push_text("Let me look that up.");
    for tool in tools.iter().cycle().take(n_calls) {
        push_call(message, tool, &example(&tool["input_schema"]));
    }
}

/// A call with no arguments, which streams without a delta.
pub(super) fn call_without_arguments(message: &mut Message, turn: &Turn<'_>) {
    let tools = own_tools(turn);
    let Some(tool) = tools.first() else { return without_tools(message) };
    if turn.asks_for_thinking() {
        message.push_thought(turn, "A tool knows this.");
    }
    push_call(message, tool, &json!({}));
    message.delivery.hides_empty_input = true;
}

/// One round of a loop: a thought and a call, or, after `n_rounds`, text.
pub(super) fn go_round(message: &mut Message, turn: &Turn<'_>, n_rounds: u64) -> Result<(), String> {
    let tools = own_tools(turn);
    let Some(tool) = tools.first() else {
        without_tools(message);
        return Ok(());
    };
    let n_rounds = n_rounds.clamp(1, MOST_ROUNDS);
    let thought = |round: usize| format!("Round {} of {n_rounds}: the tool knows more.", round + 1);
    let answers = turn.answers();
    let calls: Vec<&&Vec<Value>> =
        answers.iter().filter(|blocks| blocks.iter().any(|block| block["type"] == "tool_use")).collect();
    for (round, blocks) in calls.iter().enumerate() {
        check_thoughts(turn, blocks, &[thought(round)])?;
    }
    let is_over = u64::try_from(calls.len()).unwrap_or(u64::MAX) >= n_rounds;
    if turn.thinks() {
        message
            .push_thought(turn, &if is_over { "That is enough.".to_owned() } else { thought(calls.len()) });
    }
    if is_over {
        let said = last_result(turn).unwrap_or_default();
        message.push_text(&format!("Done after {} calls. The tool answered: {said}", calls.len()));
    } else {
        push_call(message, tool, &example(&tool["input_schema"]));
    }
    Ok(())
}

const BEFORE_THE_FIRST: &str = "First one thing.";
const BEFORE_THE_SECOND: &str = "Then another.";

/// Thoughts between calls; after their results, one more and text.
pub(super) fn interleave(message: &mut Message, turn: &Turn<'_>) -> Result<(), String> {
    let tools = own_tools(turn);
    let Some(tool) = tools.first() else {
        without_tools(message);
        return Ok(());
    };
    let second = tools.get(1).unwrap_or(tool);
    if let Some(blocks) = turn.answers().first() {
        check_thoughts(turn, blocks, &[BEFORE_THE_FIRST.to_owned(), BEFORE_THE_SECOND.to_owned()])?;
        message.push_thought(turn, "Now all is known.");
        let said = last_result(turn).unwrap_or_default();
        message.push_text(&format!("The tools answered, at last: {said}"));
        return Ok(());
    }
    for (thought, tool) in [(BEFORE_THE_FIRST, tool), (BEFORE_THE_SECOND, second)] {
        message.push_thought(turn, thought);
        push_call(message, tool, &example(&tool["input_schema"]));
    }
    Ok(())
}

/// Refuses an earlier answer whose thoughts are not those that it was given. Who did not ask for thinking may drop all.
fn check_thoughts(turn: &Turn<'_>, blocks: &[Value], expected: &[String]) -> Result<(), String> {
    let found: Vec<String> = blocks.iter().filter_map(thinking::thought_of).collect();
    if found == expected || (found.is_empty() && !turn.asks_for_thinking()) {
        return Ok(());
    }
    Err(format!(
        "messages: `thinking` or `redacted_thinking` blocks of an earlier `assistant` message cannot be modified: expected {} of them in their places, found {}.",
        expected.len(),
        found.len()
    ))
}

/// What the last message says that a tool answered.
pub(super) fn last_result(turn: &Turn<'_>) -> Option<String> {
    let messages = turn.body["messages"].as_array()?;
    let last = messages.iter().rev().find(|message| message["role"] != "system")?;
    let result = last["content"].as_array()?.iter().find(|block| block["type"] == "tool_result")?;
    Some(match &result["content"] {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
        _ => String::new(),
    })
}
