//! Turns that pause: a server tool is still at work, and the client sends the turn back to have it go on.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::compose::Message;
use super::server_tools::search_result;
use super::turn::Turn;

const MOST_PAUSES: u64 = 20;

/// Pauses `n_pauses` times, then ends.
pub(super) fn pause(message: &mut Message, turn: &Turn<'_>, n_pauses: u64) -> Result<(), String> {
    let n_pauses = usize::try_from(n_pauses.clamp(1, MOST_PAUSES)).unwrap_or(1);
    let returned: Vec<Value> = turn.answers().into_iter().flatten().map(without_marker).collect();
    let mut said = Vec::new();
    let mut n_done = 0;
    while n_done < n_pauses && said.len() < returned.len() {
        said.extend(step(turn.model, n_done));
        n_done += 1;
    }
    if said != returned || returned.is_empty() != turn.since.is_empty() {
        return Err("messages: the paused turn must come back as it was, as the last message".into());
    }
    if n_done < n_pauses {
        message.content = step(turn.model, n_done);
        message.stop_reason = "pause_turn";
    } else {
        message.content.push(search_result(&call_id(turn.model, n_done - 1)));
        message.push_text("Here is the rest.");
    }
    message.web_searches = 1;
    Ok(())
}

/// What is said up to a pause: the last call's result, a text and the next call. Always the same, so that it can be known
/// again.
fn step(model: &str, number: usize) -> Vec<Value> {
    let result = number.checked_sub(1).map(|before| search_result(&call_id(model, before)));
    let text = json!({"type": "text", "text": "Still working."});
    let input = json!({"query": format!("part {}", number + 1)});
    let call = json!({"type": "server_tool_use", "id": call_id(model, number), "name": "web_search", "input": input});
    result.into_iter().chain([text, call]).collect()
}

fn call_id(model: &str, number: usize) -> String {
    let hash = hex::encode(Sha256::digest(format!("pause\n{model}\n{number}")));
    format!("srvtoolu_01{}", &hash[..22])
}

/// A client may mark any block for the cache.
fn without_marker(block: &Value) -> Value {
    let mut block = block.clone();
    block.as_object_mut().and_then(|fields| fields.shift_remove("cache_control"));
    block
}
