//! Thinking blocks and their signatures: a block that the emulator did not write, wrote for another model, or wrote with
//! another text is refused; of newer models also one that stands after other turns than it was written for.
//!
//! Source: Claude docs, "Extended thinking" (preserving thinking blocks).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::turn::Traits;

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

/// What a block belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binding<'a> {
    model: &'a str,
    /// A hash of the turns before; empty for models that do not mind them.
    prefix: String,
}

impl<'a> Binding<'a> {
    /// That of an assistant's turn that begins with the message at `start`.
    pub(super) fn at(body: &'a Value, start: usize, traits: Traits) -> Self {
        let model = body["model"].as_str().unwrap_or_default();
        let prefix = if traits.binds_prefix { prefix(body, start) } else { String::new() };
        Self { model, prefix }
    }

    /// A block for a thought.
    pub(super) fn block(&self, thought: &str, shown: Shown) -> Value {
        let seal = self.seal(thought, shown);
        match shown {
            Shown::Whole => json!({"type": "thinking", "thinking": thought, "signature": seal}),
            Shown::Omitted => json!({"type": "thinking", "thinking": "", "signature": seal}),
            Shown::Redacted => json!({"type": "redacted_thinking", "data": seal}),
        }
    }

    /// Whether a block has come back as it was issued, and in its place.
    fn holds(&self, given: &Value) -> bool {
        let Some((shown, thought)) = open(given) else { return false };
        let issued = self.block(&thought, shown);
        ["type", "thinking", "signature", "data"]
            .into_iter()
            .all(|field| issued.get(field) == given.get(field))
    }

    /// The thought and what it belongs to, so that neither can be exchanged.
    fn seal(&self, thought: &str, shown: Shown) -> String {
        let bound = format!("{PREFIX}\n{}\n{}\n{}\n{thought}", shown.mark(), self.model, self.prefix);
        let bytes = [&[shown.mark()], &Sha256::digest(bound)[..], thought.as_bytes()].concat();
        format!("{PREFIX}{}", STANDARD.encode(bytes))
    }
}

/// The thought that a block was issued for, whether or not it holds.
pub(super) fn thought_of(block: &Value) -> Option<String> {
    open(block).map(|(_, thought)| thought)
}

fn open(block: &Value) -> Option<(Shown, String)> {
    let sealed = block["signature"].as_str().or_else(|| block["data"].as_str())?;
    let bytes = STANDARD.decode(sealed.strip_prefix(PREFIX)?).ok()?;
    let shown = Shown::ALL.into_iter().find(|shown| bytes.first() == Some(&shown.mark()))?;
    let thought = std::str::from_utf8(bytes.get(1 + HASH_BYTES..)?).ok()?;
    Some((shown, thought.to_owned()))
}

/// A hash of what stands before a message. Where texts are cut into messages or blocks' markers stand does not count.
fn prefix(body: &Value, end: usize) -> String {
    let mut hasher = Sha256::new();
    let mut add = |role: &str, content: &Value| {
        let texts = content.as_str().map(|text| json!({"type": "text", "text": text}));
        let blocks = content.as_array().into_iter().flatten().cloned().chain(texts);
        for mut block in blocks {
            if let Some(fields) = block.as_object_mut() {
                fields.retain(|name, value| name != "cache_control" && !value.is_null());
            }
            hasher.update(format!("{role}\n{block}\n"));
        }
    };
    add("system", &body["system"]);
    for message in body["messages"].as_array().into_iter().flatten().take(end) {
        add(message["role"].as_str().unwrap_or_default(), &message["content"]);
    }
    hex::encode(hasher.finalize())
}

/// Refuses thinking blocks in the history that the emulator did not issue, and their lack where they must be.
pub(crate) fn check_thinking(body: &Value, traits: Traits) -> Result<(), String> {
    let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let mut start = 0;
    for (index, message) in messages.iter().enumerate() {
        if message["role"] != "assistant" {
            start = index + 1;
            continue;
        }
        let blocks = message["content"].as_array().into_iter().flatten().enumerate();
        let mut thoughts =
            blocks.filter_map(|(position, block)| Some((position, block, field_of(block)?))).peekable();
        if thoughts.peek().is_none() {
            continue;
        }
        let binding = Binding::at(body, start, traits);
        if let Some((position, block, field)) = thoughts.find(|(_, block, _)| !binding.holds(block)) {
            let kind = block["type"].as_str().unwrap_or_default();
            return Err(format!("messages.{index}.content.{position}: Invalid `{field}` in `{kind}` block"));
        }
    }
    if body["thinking"]["type"] == "enabled" { check_last_call(messages) } else { Ok(()) }
}

/// The field that seals a thought, of a block that is one.
fn field_of(block: &Value) -> Option<&'static str> {
    match block["type"].as_str() {
        Some("thinking") => Some("signature"),
        Some("redacted_thinking") => Some("data"),
        _ => None,
    }
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

    const FREE: Traits = Traits { thinks: false, omits_thinking: false, binds_prefix: false };

    fn of(model: &str) -> Binding<'_> {
        Binding { model, prefix: String::new() }
    }

    #[test]
    fn a_block_comes_back_as_it_was_and_to_its_model() {
        for shown in Shown::ALL {
            let issued = of("m").block("a thought", shown);
            assert!(of("m").holds(&issued) && thought_of(&issued).as_deref() == Some("a thought"));
            assert!(!of("n").holds(&issued), "another model's");
            let mut changed = issued.clone();
            changed["thinking"] = json!("another thought");
            assert!(!of("m").holds(&changed), "{shown:?}");
        }
        let mut exchanged = of("m").block("one", Shown::Whole);
        exchanged["signature"] = of("m").block("two", Shown::Whole)["signature"].clone();
        assert!(!of("m").holds(&exchanged));
        assert!(!of("m").holds(&json!({"type": "thinking", "thinking": "x", "signature": "é"})));
    }

    #[test]
    fn where_the_model_minds_the_turns_before_stay_as_they_were() {
        let traits = Traits { binds_prefix: true, ..FREE };
        let asked = |content: Value| json!({"model": "m", "system": "s", "messages": [{"role": "user", "content": content}]});
        let first = asked(json!("x"));
        let thought = Binding::at(&first, 1, traits).block("t", Shown::Omitted);
        let verify = |mut body: Value, holds: bool| {
            let turn = json!({"role": "assistant", "content": [thought]});
            body["messages"].as_array_mut().unwrap().extend([turn, json!({"role": "user", "content": "y"})]);
            assert_eq!(check_thinking(&body, traits).is_ok(), holds, "{body}");
            assert!(!holds || check_thinking(&body, FREE).is_err(), "bound or not is sealed too");
        };
        verify(first.clone(), true);
        verify(asked(json!([{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}])), true);
        verify(asked(json!("z")), false);
        let mut told = first;
        told["system"] = json!("other");
        verify(told, false);
    }

    #[test]
    fn with_a_budget_the_answered_call_has_its_thought() {
        let thought = of("m").block("t", Shown::Whole);
        let body = |blocks: Value, kind: &str| {
            json!({"model": "m", "thinking": {"type": kind}, "messages": [
                {"role": "user", "content": "x"}, {"role": "assistant", "content": blocks},
                {"role": "user", "content": [{"type": "tool_result"}]}]})
        };
        let call = json!({"type": "tool_use"});
        assert!(check_thinking(&body(json!([thought, call]), "enabled"), FREE).is_ok());
        let error = check_thinking(&body(json!([call]), "enabled"), FREE).unwrap_err();
        assert!(error.contains("messages.1.content.0.type: Expected `thinking`"), "{error}");
        assert!(check_thinking(&body(json!([call]), "adaptive"), FREE).is_ok());
    }
}
