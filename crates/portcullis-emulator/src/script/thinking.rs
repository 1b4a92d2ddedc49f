//! Thinking blocks and their signatures: a block that the emulator did not write, wrote for another model, or wrote with
//! another text is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const PREFIX: &str = "EmulatorSignature";
const HASH_BYTES: usize = 32;

/// How a thought is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Whole,
    /// `thinking.display` is `omitted`: the block has a signature and no text.
    Omitted,
    Redacted,
}

impl Shown {
    const ALL: [Self; 3] = [Self::Whole, Self::Omitted, Self::Redacted];

    fn mark(self) -> u8 {
        match self {
            Self::Whole => 0,
            Self::Omitted => 1,
            Self::Redacted => 2,
        }
    }
}

/// A block for a thought.
pub(super) fn block(model: &str, thought: &str, shown: Shown) -> Value {
    let seal = seal(model, thought, shown);
    match shown {
        Shown::Whole => json!({"type": "thinking", "thinking": thought, "signature": seal}),
        Shown::Omitted => json!({"type": "thinking", "thinking": "", "signature": seal}),
        Shown::Redacted => json!({"type": "redacted_thinking", "data": seal}),
    }
}

/// The thought of a block that the emulator issued for this model, if it has come back as it was.
pub(super) fn thought_of(model: &str, given: &Value) -> Option<String> {
    let sealed = given["signature"].as_str().or_else(|| given["data"].as_str())?;
    let bytes = STANDARD.decode(sealed.strip_prefix(PREFIX)?).ok()?;
    let shown = Shown::ALL.into_iter().find(|shown| bytes.first() == Some(&shown.mark()))?;
    let thought = std::str::from_utf8(bytes.get(1 + HASH_BYTES..)?).ok()?;
    let issued = block(model, thought, shown);
    let is_same = |field: &str| issued.get(field) == given.get(field);
    ["type", "thinking", "signature", "data"].into_iter().all(is_same).then(|| thought.to_owned())
}

/// The model and the thought, bound together, so that neither can be exchanged.
fn seal(model: &str, thought: &str, shown: Shown) -> String {
    let bound = format!("{PREFIX}\n{}\n{model}\n{thought}", shown.mark());
    let bytes = [&[shown.mark()], &Sha256::digest(bound)[..], thought.as_bytes()].concat();
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// Refuses thinking blocks in the history that the emulator did not issue, and their lack where they must be.
pub(crate) fn check_thinking(body: &Value) -> Result<(), String> {
    let model = body["model"].as_str().unwrap_or_default();
    let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    for (index, message) in messages.iter().enumerate() {
        for (position, block) in message["content"].as_array().into_iter().flatten().enumerate() {
            let field = match block["type"].as_str() {
                Some("thinking") => "signature",
                Some("redacted_thinking") => "data",
                _ => continue,
            };
            if thought_of(model, block).is_none() {
                let kind = block["type"].as_str().unwrap_or_default();
                return Err(format!(
                    "messages.{index}.content.{position}: Invalid `{field}` in `{kind}` block"
                ));
            }
        }
    }
    if body["thinking"]["type"] == "enabled" { check_last_call(messages) } else { Ok(()) }
}

/// With a budget, the call that is being answered must have its thought before it.
fn check_last_call(messages: &[Value]) -> Result<(), String> {
    let answers = |message: &Value| {
        message["content"]
            .as_array()
            .is_some_and(|blocks| blocks.iter().any(|block| block["type"] == "tool_result"))
    };
    if !messages.last().is_some_and(answers) {
        return Ok(());
    }
    let last = messages.iter().enumerate().rev().find(|(_, message)| message["role"] == "assistant");
    let Some((index, message)) = last else { return Ok(()) };
    match message["content"][0]["type"].as_str() {
        Some("thinking" | "redacted_thinking") | None => Ok(()),
        Some(found) => Err(format!(
            "messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{found}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceding the last set of `tool_use` and `tool_result` blocks)."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_back_as_it_was_and_to_its_model() {
        for shown in Shown::ALL {
            let issued = block("m", "a thought", shown);
            assert_eq!(thought_of("m", &issued).as_deref(), Some("a thought"));
            assert_eq!(thought_of("n", &issued), None, "another model's");
            let mut changed = issued.clone();
            changed["thinking"] = json!("another thought");
            assert_eq!(thought_of("m", &changed), None, "{shown:?}");
        }
        let mut exchanged = block("m", "one", Shown::Whole);
        exchanged["signature"] = block("m", "two", Shown::Whole)["signature"].clone();
        assert_eq!(thought_of("m", &exchanged), None);
        assert_eq!(thought_of("m", &json!({"type": "thinking", "thinking": "x", "signature": "é"})), None);
    }

    #[test]
    fn with_a_budget_the_answered_call_has_its_thought() {
        let thought = block("m", "t", Shown::Whole);
        let body = |blocks: Value, kind: &str| {
            json!({"model": "m", "thinking": {"type": kind}, "messages": [
                {"role": "user", "content": "x"}, {"role": "assistant", "content": blocks},
                {"role": "user", "content": [{"type": "tool_result"}]}]})
        };
        let call = json!({"type": "tool_use"});
        assert!(check_thinking(&body(json!([thought, call]), "enabled")).is_ok());
        let error = check_thinking(&body(json!([call]), "enabled")).unwrap_err();
        assert!(error.contains("messages.1.content.0.type: Expected `thinking`"), "{error}");
        assert!(check_thinking(&body(json!([call]), "adaptive")).is_ok());
    }
}
