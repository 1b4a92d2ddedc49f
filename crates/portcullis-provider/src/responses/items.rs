//! Which content blocks make up which output item.
//!
//! | blocks | item |
//! |---|---|
//! | neighbouring `thinking` and `redacted_thinking` | one `reasoning` |
//! | neighbouring `text` | one `message` with one part: SDKs parse a part as a whole |
//! | `tool_use` | `function_call` or `custom_tool_call` |
//! | `server_tool_use` of web search, and its result | `web_search_call` |
//! | `server_tool_use` of code execution, and its result | `code_interpreter_call` |
//! | `mcp_tool_use` and its result | `mcp_call` |
//! | `compaction` | `compaction` |
//! | anything else | none: it is kept with the response, and said to be missing |
//!
//! A whole message and a stream ask the same [`Plan`], block by block, so they end with the same items.

mod render;

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::context::ResponsesContext;
use super::ids::Ids;

pub(crate) use render::{Completeness, Shape, annotations_of, code, has_failed, text};

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Reasoning,
    Message,
    FunctionCall,
    CustomToolCall,
    WebSearch,
    CodeInterpreter,
    Mcp,
    Compaction,
}

impl Kind {
    /// The item's `type`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Reasoning => "reasoning",
            Self::Message => "message",
            Self::FunctionCall => "function_call",
            Self::CustomToolCall => "custom_tool_call",
            Self::WebSearch => "web_search_call",
            Self::CodeInterpreter => "code_interpreter_call",
            Self::Mcp => "mcp_call",
            Self::Compaction => "compaction",
        }
    }

    /// What its ids begin with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Reasoning => "rs",
            Self::Message => "msg",
            Self::FunctionCall => "fc",
            Self::CustomToolCall => "ctc",
            Self::WebSearch => "ws",
            Self::CodeInterpreter => "ci",
            Self::Mcp => "mcp",
            Self::Compaction => "cmp",
        }
    }

    /// Whether the upstream runs it, and its result is a block of its own.
    pub(crate) fn awaits_result(self) -> bool {
        matches!(self, Self::WebSearch | Self::CodeInterpreter | Self::Mcp)
    }

    fn takes_more(self) -> bool {
        matches!(self, Self::Reasoning | Self::Message)
    }
}

/// An item and the blocks it is made of.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    /// Indices of its blocks.
    pub(crate) blocks: Vec<usize>,
    /// Why the model refused; the last part of a message.
    pub(crate) refusal: Option<String>,
}

/// Where a block goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It begins the item of this index.
    Opens(usize),
    /// It is more of the item of this index, the last one.
    Continues(usize),
    /// It is the result of the item of this index.
    Answers(usize),
    /// No item shows it.
    Hidden,
}

/// The items so far.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) slots: Vec<Slot>,
    ids: Ids,
    /// The last block belongs to the last item, so that a neighbour may join it.
    joinable: bool,
    /// Items that await their result, by the upstream's id of the call.
    calls: HashMap<String, usize>,
    blocks: usize,
}

impl Plan {
    pub(crate) fn new(ids: Ids) -> Self {
        Self { ids, ..Self::default() }
    }

    /// Takes the next block, of which only the start need be known.
    pub(crate) fn place(&mut self, block: &Map<String, Value>, context: &ResponsesContext) -> Place {
        let index = self.blocks;
        self.blocks += 1;
        let text = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
        let joinable = std::mem::replace(&mut self.joinable, false);
        if let Some(slot) = self.answered(text("type"), text("tool_use_id")) {
            self.slots[slot].blocks.push(index);
            return Place::Answers(slot);
        }
        let Some(kind) = kind_of(text("type"), text("name"), context) else { return Place::Hidden };
        self.joinable = kind.takes_more();
        let last = self.slots.len().checked_sub(1);
        if let Some(last) = last.filter(|last| joinable && self.slots[*last].kind == kind) {
            self.slots[last].blocks.push(index);
            return Place::Continues(last);
        }
        let slot = self.slots.len();
        let id = match kind {
            Kind::Reasoning | Kind::Message | Kind::Compaction => self.ids.item(kind.prefix(), slot),
            _ => format!("{}_{}", kind.prefix(), text("id")),
        };
        if kind.awaits_result() {
            self.calls.insert(text("id").to_owned(), slot);
        }
        self.slots.push(Slot { kind, id, blocks: vec![index], refusal: None });
        Place::Opens(slot)
    }

    fn answered(&mut self, kind: &str, call: &str) -> Option<usize> {
        if !kind.ends_with("_tool_result") { None } else { self.calls.remove(call) }
    }

    /// Whether an item is the end of what there is, so that an answer that was cut was cut in it.
    pub(crate) fn is_last(&self, slot: usize) -> bool {
        let last_block = self.blocks.checked_sub(1);
        let slot_is_last = slot + 1 == self.slots.len();
        self.slots.get(slot).is_some_and(|slot| {
            slot_is_last && (slot.refusal.is_some() || slot.blocks.last().copied() == last_block)
        })
    }

    /// The model refused. Its explanation is a part of the message that the answer ends with, else a message of its own.
    pub(crate) fn refuse(&mut self, explanation: &str) -> Place {
        let last = self.slots.len();
        let place = match self.slots.last() {
            Some(slot) if self.joinable && slot.kind == Kind::Message => Place::Continues(last - 1),
            _ => {
                let (kind, id) = (Kind::Message, self.ids.item(Kind::Message.prefix(), last));
                self.slots.push(Slot { kind, id, blocks: Vec::new(), refusal: None });
                Place::Opens(last)
            }
        };
        if let Some(slot) = self.slots.last_mut() {
            slot.refusal = Some(explanation.to_owned());
        }
        place
    }
}

fn kind_of(block_type: &str, name: &str, context: &ResponsesContext) -> Option<Kind> {
    Some(match (block_type, name) {
        ("thinking" | "redacted_thinking", _) => Kind::Reasoning,
        ("text", _) => Kind::Message,
        ("tool_use", name) if context.custom_tools.contains(name) => Kind::CustomToolCall,
        ("tool_use", _) => Kind::FunctionCall,
        ("server_tool_use", "web_search") => Kind::WebSearch,
        ("server_tool_use", "code_execution" | "bash_code_execution") => Kind::CodeInterpreter,
        ("mcp_tool_use", _) => Kind::Mcp,
        ("compaction", _) => Kind::Compaction,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(blocks: &[Value]) -> (Vec<Place>, Vec<String>) {
        let mut plan = Plan::new(Ids::of("msg_1"));
        let context = ResponsesContext { custom_tools: ["sql".to_owned()].into(), ..Default::default() };
        let places = blocks.iter().map(|block| plan.place(block.as_object().unwrap(), &context)).collect();
        (places, plan.slots.into_iter().map(|slot| slot.id).collect())
    }

    #[test]
    fn neighbours_join_unless_something_stands_between_them() {
        let text = json!({"type": "text"});
        let hidden = json!({"type": "web_fetch_tool_result", "tool_use_id": "s9"});
        let (places, ids) = places(&[text.clone(), text.clone(), hidden, text]);
        assert_eq!(places, [Place::Opens(0), Place::Continues(0), Place::Hidden, Place::Opens(1)]);
        assert_eq!(ids, ["msg_1_0", "msg_1_1"]);
    }

    #[test]
    fn results_find_their_calls_in_any_order() {
        let call =
            |id: &str, name: &str| json!({"type": "server_tool_use", "id": id, "name": name, "input": {}});
        let result = |id: &str| json!({"type": "web_search_tool_result", "tool_use_id": id});
        let (places, ids) = places(&[
            call("a", "web_search"),
            call("b", "bash_code_execution"),
            result("b"),
            result("a"),
            result("a"),
            json!({"type": "tool_use", "id": "c", "name": "sql"}),
        ]);
        let expected = [
            Place::Opens(0),
            Place::Opens(1),
            Place::Answers(1),
            Place::Answers(0),
            Place::Hidden,
            Place::Opens(2),
        ];
        assert_eq!(places, expected);
        assert_eq!(ids, ["ws_a", "ci_b", "ctc_c"]);
    }
}
