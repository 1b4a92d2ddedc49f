//! Signatures of thinking blocks: a block that the emulator did not write, or wrote for another model, is refused.

use serde_json::Value;
use sha2::{Digest, Sha256};

const PREFIX: &str = "EmulatorSignature";

/// The signature of a thinking text for a model.
pub(super) fn signature(model: &str, text: &str) -> String {
    format!("{PREFIX}{}", hex::encode(Sha256::digest(format!("{PREFIX}\n{model}\n{text}"))))
}

/// Refuses thinking blocks in the history that the emulator did not issue.
pub(crate) fn check_thinking(body: &Value) -> Result<(), String> {
    let model = body["model"].as_str().unwrap_or_default();
    for (index, message) in body["messages"].as_array().into_iter().flatten().enumerate() {
        for (position, block) in message["content"].as_array().into_iter().flatten().enumerate() {
            let text = |field: &str| block[field].as_str().unwrap_or_default();
            let at = format!("messages.{index}.content.{position}");
            match block["type"].as_str() {
                Some("thinking") if text("signature") != signature(model, text("thinking")) => {
                    return Err(format!("{at}: Invalid `signature` in `thinking` block"));
                }
                Some("redacted_thinking") if text("data") != signature(model, "redacted") => {
                    return Err(format!("{at}: Invalid `data` in `redacted_thinking` block"));
                }
                _ => {}
            }
        }
    }
    Ok(())
}
