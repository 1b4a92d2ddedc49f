//! `input`: items become turns, behind those of the response that is continued.
//!
//! | item | becomes |
//! |---|---|
//! | a string | a user's turn |
//! | `message` | as a message of a chat completion, by its role |
//! | `reasoning` | the thinking inside its `encrypted_content`, else what is kept under its id, else nothing, reported; its summary is never sent |
//! | `compaction` | the block inside, else what is kept under its id; else refused, for the conversation stands on it |
//! | `function_call`, `custom_tool_call` | a call in the assistant's turn |
//! | their `_output` | a result at the beginning of the user's turn |
//! | `web_search_call`, `code_interpreter_call`, `mcp_call`, `mcp_list_tools` | the blocks that are kept under its id, else nothing, reported: the upstream wants its own back |
//! | `item_reference` | the item that is kept under its id; unknown ones are refused, and what makes all that is recalled longer than 32 MB |
//! | other types of OpenAI's | refused by name |
//!
//! Neighbouring items of the assistant's form one turn, in their order. Every call is answered before the conversation
//! goes on: the upstream demands it.

use super::recall::{self, Allowance, Recall};
use super::{calls, message};
use crate::chat::request::block::{Block, Body, NativePart};
use crate::chat::request::messages::{Conversation, Numbering, Turns};
use crate::chat::request::pairing::{Origin, Pairing};
use crate::chat::request::path::Path;
use crate::chat::request::scope::Scope;
use crate::chat::request::{assistant, content};
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{self, Json, Object, Text};
use crate::responses::stored::StoredResponse;

/// Translates the whole conversation.
pub(super) fn translate<'c>(
    request: &Object<'c>,
    recall: Recall<'c>,
    scope: &mut Scope,
) -> Result<Conversation<'c>, InvalidRequest> {
    let previous = recall.stored.and_then(|stored| stored.previous());
    let (path, id_path) = (Path::root("input"), Path::root("previous_response_id"));
    if request.given("previous_response_id").is_some() && previous.is_none() {
        return Err(
            id_path.refuse(InvalidCode::PreviousResponseNotFound, "names no response that is kept here")
        );
    }
    let messages = previous.map(|previous| recall::blocks(&previous.messages)).unwrap_or_default();
    // What was sent, and the answer.
    let recalled = previous.map_or(0, |_| messages.len() + 1);
    let numbering = Numbering::input(recalled);
    let mut items = Items {
        turns: Turns::new(numbering, scope),
        pairing: Pairing::default(),
        answering: false,
        recalled,
        recall,
        allowance: Allowance::default(),
    };
    if let Some(previous) = previous {
        items.continue_from(previous, &messages, scope)?;
    }
    match path.required(request)? {
        Json::String(text) => items.only_text(*text, &path)?,
        Json::Array(list) if list.items.is_empty() => {
            return Err(path.refuse(InvalidCode::InvalidValue, "must hold at least one item"));
        }
        Json::Array(list) => {
            for (index, item) in list.items.iter().enumerate() {
                let path = path.index(index);
                items.item(path.object(item)?, index, &path, scope)?;
            }
        }
        other => return Err(path.wrong_type("a string or an array of items", other)),
    }
    items.settle()?;
    let (system, turns) = items.turns.finish(scope)?;
    Ok(Conversation { numbering, system, turns, called: items.pairing.into_called() })
}

/// The items so far.
pub(super) struct Items<'c> {
    pub(super) turns: Turns<'c>,
    pub(super) pairing: Pairing<'c>,
    /// The last item was a call's output, so the next one of the assistant's begins another turn.
    pub(super) answering: bool,
    recalled: usize,
    pub(super) recall: Recall<'c>,
    pub(super) allowance: Allowance,
}

impl<'c> Items<'c> {
    /// Puts the conversation that is continued before the input.
    ///
    /// - `messages`: those of `stored`.
    fn continue_from(
        &mut self,
        stored: &'c StoredResponse,
        messages: &[Object<'c>],
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        let blocks = |list: &[Object<'c>]| list.iter().filter_map(recall::replayed).collect::<Vec<_>>();
        self.turns.system(0, blocks(&recall::blocks(&stored.system)));
        for (number, message) in messages.iter().enumerate() {
            let list = message.get("content").and_then(Json::as_array);
            let list = list.into_iter().flat_map(|list| &list.items).filter_map(Json::as_object);
            let blocks: Vec<Block<'c>> = list.filter_map(recall::replayed).collect();
            match message.text("role").map(Text::decode).as_deref() {
                Some("assistant") => self.replay(number, blocks, scope)?,
                Some("system") => self.turns.system(number, blocks),
                _ => {
                    // Whatever was called was answered, or the request would have been refused.
                    self.pairing.forget();
                    self.turns.user(number, blocks);
                }
            }
        }
        self.replay(messages.len(), blocks(&recall::blocks(&stored.content)), scope)
    }

    /// Blocks of the assistant's as they once came.
    fn replay(
        &mut self,
        number: usize,
        blocks: Vec<Block<'c>>,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        for block in &blocks {
            let (id, name) = match &block.body {
                Body::Native(native) => match &native.part {
                    NativePart::ToolUse { id, name } => (id.clone(), name.clone()),
                    _ => continue,
                },
                Body::ToolUse(call) => (call.id.clone(), call.name.decode()),
                _ => continue,
            };
            let origin = Origin { message: number, place: "call_id", item: None };
            self.pairing.replayed_call(id, name, origin);
        }
        self.turns.assistant(number, blocks, scope)
    }

    fn only_text(&mut self, text: Text<'c>, path: &Path<'_>) -> Result<(), InvalidRequest> {
        self.settle()?;
        let block = content::text_block(text);
        let block = block.ok_or_else(|| path.refuse(InvalidCode::InvalidValue, "must not be empty"))?;
        self.turns.user(self.recalled, vec![block]);
        Ok(())
    }

    fn item(
        &mut self,
        item: &Object<'c>,
        index: usize,
        path: &Path<'_>,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        let type_path = path.key("type");
        let kind = item.given("type").map(|kind| type_path.text(kind)).transpose()?.map(Text::decode);
        let number = self.recalled + index;
        match kind.as_deref() {
            Some("message") => message::translate(self, item, number, path, scope),
            None if item.get("role").is_some() => message::translate(self, item, number, path, scope),
            Some("item_reference") => self.reference(item, index, path, scope),
            None if item.get("id").is_some() => self.reference(item, index, path, scope),
            None => Err(type_path.missing()),
            Some("function_call" | "custom_tool_call") => calls::call(self, item, number, path, scope),
            Some("function_call_output" | "custom_tool_call_output") => {
                calls::output(self, item, number, path, scope)
            }
            Some("reasoning") => self.reasoning(item, index, path, scope),
            Some("compaction") => self.compaction(item, index, path, scope),
            Some("web_search_call" | "code_interpreter_call" | "mcp_call" | "mcp_list_tools") => {
                match self.kept(item, path)? {
                    Some(blocks) => self.assistant(number, blocks, scope),
                    None => scope.dropped(path),
                }
            }
            Some(kind) => Err(refused_type(kind, &type_path)),
        }
    }

    /// Blocks of the assistant's, who goes on speaking or, after results, begins to.
    pub(super) fn assistant(
        &mut self,
        number: usize,
        blocks: Vec<Block<'c>>,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        self.next_of_assistant()?;
        self.replay(number, blocks, scope)
    }

    /// An item of the assistant's comes next.
    pub(super) fn next_of_assistant(&mut self) -> Result<(), InvalidRequest> {
        if self.answering { self.settle() } else { Ok(()) }
    }

    /// The conversation goes on: every call must have its answer.
    pub(super) fn settle(&mut self) -> Result<(), InvalidRequest> {
        if let Some(origin) = self.pairing.unanswered() {
            let input = Path::root("input");
            return Err(match origin.message.checked_sub(self.recalled) {
                Some(index) => {
                    let what = "is not answered by an output item before the conversation goes on";
                    input.index(index).key(origin.place).refuse(InvalidCode::InvalidValue, what)
                }
                None => {
                    let what = "must begin with the outputs of the calls in the response that it continues";
                    input.refuse(InvalidCode::InvalidValue, what)
                }
            });
        }
        self.pairing.forget();
        self.answering = false;
        Ok(())
    }

    /// The blocks that are kept under an item's id.
    fn kept(&mut self, item: &Object<'_>, path: &Path<'_>) -> Result<Option<Vec<Block<'c>>>, InvalidRequest> {
        let kept = self.recall.kept(item);
        kept.map(|kept| kept.blocks(&mut self.allowance, path)).transpose()
    }

    fn reference(
        &mut self,
        item: &Object<'c>,
        index: usize,
        path: &Path<'_>,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        path.only(item, &["type", "id"])?;
        let id_path = path.key("id");
        id_path.text(id_path.required(item)?)?;
        if let Some(blocks) = self.kept(item, path)? {
            return self.assistant(self.recalled + index, blocks, scope);
        }
        let missing = || {
            let what = self.recall.missing("names no item that is kept here");
            id_path.refuse(InvalidCode::InvalidValue, what)
        };
        let text = self.recall.referred(index).ok_or_else(missing)?;
        let Ok(Json::Object(referred)) = json::parse_str(text) else { return Err(missing()) };
        let kind = referred.text("type").map(Text::decode);
        if kind.is_none_or(|kind| kind == "item_reference") {
            return Err(missing());
        }
        self.allowance.take(text.len(), path)?;
        self.item(&referred, index, path, scope)
    }

    fn reasoning(
        &mut self,
        item: &Object<'c>,
        index: usize,
        path: &Path<'_>,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        path.only(item, &["type", "id", "summary", "content", "encrypted_content", "status"])?;
        let mut blocks = Vec::new();
        match self.recall.wrapped(index, &["thinking", "redacted_thinking"]) {
            Some(wrapped) => {
                for block in &wrapped {
                    blocks.extend(assistant::thinking_block(block, path, scope)?);
                }
            }
            None => match self.kept(item, path)? {
                Some(kept) => blocks = kept,
                None => scope.dropped(path)?,
            },
        }
        self.assistant(self.recalled + index, blocks, scope)
    }

    fn compaction(
        &mut self,
        item: &Object<'c>,
        index: usize,
        path: &Path<'_>,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        path.only(item, &["type", "id", "encrypted_content", "created_by"])?;
        let wrapped = self.recall.wrapped(index, &["compaction"]);
        let wrapped = wrapped.map(|blocks| blocks.iter().map(content::native).collect());
        let blocks = match wrapped {
            Some(blocks) => Some(blocks),
            None => self.kept(item, path)?,
        };
        let Some(blocks) = blocks else {
            let what = self.recall.missing("was not made by this gateway");
            return Err(path.key("encrypted_content").refuse(InvalidCode::InvalidValue, what));
        };
        scope.beta("compact-2026-01-12");
        self.assistant(self.recalled + index, blocks, scope)
    }
}

/// Items of tools that no Claude model has.
const FOREIGN: &[&str] = &[
    "additional_tools",
    "apply_patch_call",
    "apply_patch_call_output",
    "compaction_trigger",
    "computer_call",
    "computer_call_output",
    "configuration_update",
    "file_search_call",
    "image_generation_call",
    "local_shell_call",
    "local_shell_call_output",
    "mcp_approval_request",
    "mcp_approval_response",
    "program",
    "program_output",
    "shell_call",
    "shell_call_output",
    "tool_search_call",
    "tool_search_output",
];

fn refused_type(kind: &str, path: &Path<'_>) -> InvalidRequest {
    if FOREIGN.contains(&kind) {
        path.refuse(InvalidCode::UnsupportedValue, "is not supported by this model provider")
    } else {
        path.refuse(InvalidCode::InvalidValue, "is no type of item that the Responses API knows")
    }
}
