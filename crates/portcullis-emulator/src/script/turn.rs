//! What a script looks at: the request's body, read for the conversation's turn that is to be answered.

use serde_json::Value;

use super::thinking::Binding;

/// Scripts whose directive holds until the next text of the user.
const GO_ON: &[&str] = &["tool_loop", "interleaved", "pause_turn"];
const OPENING: &str = "[[emulator:";

/// What the model does when the request does not say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traits {
    /// Thinks without being asked.
    pub(crate) thinks: bool,
    /// Thinking blocks come without their text.
    pub(crate) omits_thinking: bool,
    /// Thinking blocks belong to the turns before them.
    pub(crate) binds_prefix: bool,
}

/// How many tokens the prompt has, by what becomes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    /// Neither read from the cache nor written to it.
    pub(crate) input: usize,
    pub(crate) cache_read: usize,
    pub(crate) cache_write_5m: usize,
    pub(crate) cache_write_1h: usize,
}

/// The turn to be answered.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) body: &'a Value,
    pub(super) model: &'a str,
    pub(super) traits: Traits,
    pub(super) tokens: Tokens,
    pub(super) directive: String,
    /// The text of the last message, if it is the user's.
    pub(super) asked: String,
    /// The messages after the one that the directive stands in.
    pub(super) since: &'a [Value],
}

impl<'a> Turn<'a> {
    pub(super) fn of(body: &'a Value, traits: Traits, tokens: Tokens, queued: Option<&str>) -> Self {
        let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let asked = last_turn(messages).filter(|message| message["role"] == "user").map(text_of);
        let asked = asked.unwrap_or_default();
        let (directive, at) = match queued {
            Some(queued) => (queued.trim().to_owned(), messages.len()),
            None => find(messages),
        };
        let since = messages.get(at + 1..).unwrap_or_default();
        let model = body["model"].as_str().unwrap_or_default();
        Self { body, model, traits, tokens, directive, asked, since }
    }

    /// What the thoughts of this turn belong to. A paused turn goes on, so its beginning counts.
    pub(super) fn binding(&self) -> Binding<'a> {
        let messages = self.body["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let is_others = |message: &Value| message["role"] != "assistant";
        let start = messages.iter().rposition(is_others).map_or(0, |last| last + 1);
        Binding::at(self.body, start, self.traits)
    }

    /// Whether the request itself asks for thinking.
    pub(super) fn asks_for_thinking(&self) -> bool {
        matches!(self.body["thinking"]["type"].as_str(), Some("enabled" | "adaptive" | "between_tools"))
    }

    /// Whether there is thinking.
    pub(super) fn thinks(&self) -> bool {
        self.asks_for_thinking() || (self.body.get("thinking").is_none() && self.traits.thinks)
    }

    /// Whether thinking comes with its text.
    pub(super) fn shows_thinking(&self) -> bool {
        match self.body["thinking"]["display"].as_str() {
            Some(display) => display != "omitted",
            None => !self.traits.omits_thinking,
        }
    }

    /// The blocks of the assistant's messages since the directive, message by message.
    pub(super) fn answers(&self) -> Vec<&'a Vec<Value>> {
        let answers = self.since.iter().filter(|message| message["role"] == "assistant");
        answers.filter_map(|message| message["content"].as_array()).collect()
    }
}

/// The directive, and the place of the message that it stands in.
fn find(messages: &[Value]) -> (String, usize) {
    let plain = || ("plain".to_owned(), messages.len());
    let texts = messages.iter().enumerate().rev().filter(|(_, message)| message["role"] == "user");
    let Some((at, text)) =
        texts.map(|(at, message)| (at, text_of(message))).find(|(_, text)| !text.is_empty())
    else {
        return plain();
    };
    let Some(directive) = text.split_once(OPENING).and_then(|(_, rest)| rest.split_once("]]")) else {
        return plain();
    };
    let directive = directive.0.trim();
    let name = directive.split('=').next().unwrap_or_default();
    let is_last = !messages[at + 1..].iter().any(|message| message["role"] != "system");
    if is_last || GO_ON.contains(&name) { (directive.to_owned(), at) } else { plain() }
}

/// The last message that is not the operator's.
fn last_turn(messages: &[Value]) -> Option<&Value> {
    messages.iter().rev().find(|message| message["role"] != "system")
}

/// The texts of a message.
fn text_of(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn directive(messages: &Value) -> String {
        Turn::of(&json!({"messages": messages}), Traits::default(), Tokens::default(), None).directive
    }

    #[test]
    fn a_directive_holds_for_its_own_turn_or_until_the_next_text() {
        let user = |text: &str| json!({"role": "user", "content": text});
        let call = json!({"role": "assistant", "content": [{"type": "tool_use"}]});
        let result = json!({"role": "user", "content": [{"type": "tool_result"}]});
        let system = json!({"role": "system", "content": "Be brief."});
        let check =
            |messages: Value, expected: &str| assert_eq!(directive(&messages), expected, "{messages}");
        check(json!([user("hi")]), "plain");
        check(json!([user("x [[emulator:long=2]] y")]), "long=2");
        check(json!([user("[[emulator:long=2]]"), system]), "long=2");
        check(json!([user("[[emulator:tool_use]]"), call, result]), "plain");
        check(json!([user("[[emulator:tool_loop=2]]"), call, result]), "tool_loop=2");
        check(json!([user("[[emulator:tool_loop=2]]"), call, user("hi")]), "plain");
        check(json!([user("[[emulator:pause_turn]]"), call]), "pause_turn");
    }
}
