//! Blocks of earlier answers: from the client's wrapping, or from what is kept.

use serde_json::value::RawValue;

use crate::chat::request::block::{Block, Body, Input, NativePart, ToolUse};
use crate::chat::request::content;
use crate::json::write::Str;
use crate::json::{self, Json, Object, Text};
use crate::responses::encrypted_content;
use crate::responses::stored::{StoredItem, StoredTurn};

/// What the translation of items may look up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recall<'c> {
    pub(super) stored: Option<&'c StoredTurn>,
    /// For each input item, the JSON that it stands for, if that is not the item itself: see [`unwrap()`].
    pub(super) unwrapped: &'c [Option<String>],
    /// The blocks of each answer that is recalled, read once however often items name them.
    pub(super) contents: &'c [Vec<Object<'c>>],
}

/// The JSON behind items that do not say it themselves: the blocks inside an `encrypted_content`, and the item of an
/// earlier input that an `item_reference` names. It is made before the translation, which borrows from it.
pub(super) fn unwrap(request: &Object<'_>, stored: Option<&StoredTurn>) -> Vec<Option<String>> {
    let Some(Json::Array(items)) = request.given("input") else { return Vec::new() };
    let unwrap = |item: &Json<'_>| {
        let item = item.as_object()?;
        if let Some(wrapped) = item.text("encrypted_content").map(Text::decode) {
            return encrypted_content::decode(&wrapped);
        }
        let is_reference = item
            .text("type")
            .map(Text::decode)
            .map_or(item.get("role").is_none(), |kind| kind == "item_reference");
        let id = item.text("id").map(Text::decode).filter(|_| is_reference)?;
        Some(stored?.input_item(&id)?.to_string())
    };
    items.items.iter().map(unwrap).collect()
}

impl<'c> Recall<'c> {
    /// The blocks that a client brought back inside an item, if they are of these types; none if it brought back
    /// something else.
    pub(super) fn wrapped(self, index: usize, types: &[&str]) -> Option<Vec<Object<'c>>> {
        let text = self.unwrapped.get(index)?.as_deref()?;
        let Ok(Json::Array(blocks)) = json::parse_str(text) else { return None };
        let blocks: Option<Vec<Object<'c>>> = blocks.items.into_iter().map(into_object).collect();
        let known = |block: &Object<'_>| {
            let kind = block.text("type").map(Text::decode);
            kind.is_some_and(|kind| types.contains(&kind.as_ref()))
        };
        blocks.filter(|blocks| !blocks.is_empty() && blocks.iter().all(known))
    }

    /// The item of an earlier input that an item refers to.
    pub(super) fn referred(self, index: usize) -> Option<Object<'c>> {
        into_object(json::parse_str(self.unwrapped.get(index)?.as_deref()?).ok()?)
    }

    /// The blocks of an output item that is kept.
    pub(super) fn output_item(self, id: &str) -> Option<(&'c StoredItem, Vec<Block<'c>>)> {
        let (content, item) = self.stored?.output_item(id)?;
        let content = self.contents.get(content)?;
        let blocks = item.blocks.iter().filter_map(|index| content.get(*index));
        Some((item, blocks.filter_map(replayed).collect()))
    }
}

/// The blocks of all answers that are recalled.
pub(super) fn contents(stored: Option<&StoredTurn>) -> Vec<Vec<Object<'_>>> {
    stored.into_iter().flat_map(StoredTurn::contents).map(blocks).collect()
}

/// A list of blocks that is kept.
pub(super) fn blocks(content: &RawValue) -> Vec<Object<'_>> {
    match json::parse_str(content.get()) {
        Ok(Json::Array(blocks)) => blocks.items.into_iter().filter_map(into_object).collect(),
        _ => Vec::new(),
    }
}

/// A block of an earlier answer as the upstream takes it back: as it came, unless it was cut or is empty.
pub(super) fn replayed<'c>(block: &Object<'c>) -> Option<Block<'c>> {
    let native = content::native(block);
    let Body::Native(body) = &native.body else { return Some(native) };
    match &body.part {
        NativePart::Text(text) if text.decode().trim().is_empty() => None,
        // Arguments that were cut are a text, which a request may not hold in their place.
        NativePart::ToolUse { id, name } => Some(match block.text("input") {
            Some(cut) => Block::new(Body::ToolUse(ToolUse {
                id: id.clone(),
                name: Str::Plain(name.clone()),
                input: Input::Wrapped("_raw_arguments", cut.into()),
                extra: Vec::new(),
            })),
            None => native,
        }),
        _ => Some(native),
    }
}

fn into_object(json: Json<'_>) -> Option<Object<'_>> {
    if let Json::Object(object) = json { Some(object) } else { None }
}
