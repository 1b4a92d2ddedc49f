//! Compaction: the conversation so far, summed up in a block that goes back in its place.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::compose::Message;

const SUMMARY: &str = "The user and the assistant have greeted each other.";

/// A summary, and an answer after it.
pub(super) fn compact(message: &mut Message) {
    message.content.push(json!({
        "type": "compaction", "content": SUMMARY, "encrypted_content": STANDARD.encode(SUMMARY), "signature": signature(SUMMARY),
    }));
    message.push_text("Where were we?");
    let none = json!({"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0});
    let iteration = |kind: &str, input_tokens: usize, output_tokens: usize| {
        json!({"type": kind, "input_tokens": input_tokens, "output_tokens": output_tokens,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "cache_creation": none})
    };
    let summed_up = SUMMARY.len().div_ceil(4);
    let before = message.tokens.input;
    // What summing up costs stands in its own entry, and not in the totals.
    message.iterations = Some(json!([
        iteration("compaction", before, summed_up),
        iteration("message", before, message.output_tokens()),
    ]));
}

fn signature(summary: &str) -> String {
    format!("EmulatorCompaction{}", hex::encode(Sha256::digest(summary)))
}

/// Refuses summaries that the emulator did not write.
pub(crate) fn check_compaction(body: &Value) -> Result<(), String> {
    for (index, message) in body["messages"].as_array().into_iter().flatten().enumerate() {
        for (position, block) in message["content"].as_array().into_iter().flatten().enumerate() {
            let is_ours =
                block["signature"] == signature(block["content"].as_str().unwrap_or_default()).as_str();
            if block["type"] == "compaction" && !is_ours {
                return Err(format!(
                    "messages.{index}.content.{position}: Invalid `signature` in `compaction` block"
                ));
            }
        }
    }
    Ok(())
}
