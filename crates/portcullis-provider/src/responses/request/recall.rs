//! Blocks of earlier answers: from the client's wrapping, or from what is kept.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::value::RawValue;

use crate::chat::request::block::{Block, Body, Input, NativePart, ToolUse};
use crate::chat::request::content;
use crate::chat::request::path::Path;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Str;
use crate::json::{self, Json, Object, Text};
use crate::responses::encrypted_content;
use crate::responses::stored::{StoredItem, StoredTurn};

/// What the translation of items may look up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recall<'c> {
    pub(super) stored: Option<&'c StoredTurn>,
    /// For each input item, the JSON that it stands for, if that is not the item itself: see [`unwrap()`].
    pub(super) unwrapped: &'c [Option<Rc<str>>],
    /// The blocks of each answer that is recalled, read once however often items name them.
    pub(super) contents: &'c [Vec<Object<'c>>],
}

/// The JSON behind items that do not say it themselves: the blocks inside an `encrypted_content`, and the item of an
/// earlier input that an `item_reference` names. It is made before the translation, which borrows from it, and once for
/// each item, which any number of references share.
pub(super) fn unwrap(request: &Object<'_>, stored: Option<&StoredTurn>) -> Vec<Option<Rc<str>>> {
    let Some(Json::Array(items)) = request.given("input") else { return Vec::new() };
    let mut earlier = HashMap::new();
    let unwrap = |item: &Json<'_>| {
        let item = item.as_object()?;
        if let Some(wrapped) = item.text("encrypted_content").map(Text::decode) {
            return encrypted_content::decode(&wrapped).map(Rc::from);
        }
        let is_reference = item
            .text("type")
            .map(Text::decode)
            .map_or(item.get("role").is_none(), |kind| kind == "item_reference");
        let id = item.text("id").map(Text::decode).filter(|_| is_reference)?;
        let made = earlier.entry(id.into_owned());
        made.or_insert_with_key(|id| Some(Rc::from(stored?.input_item(id)?.to_string()))).clone()
    };
    items.items.iter().map(unwrap).collect()
}

/// How much a request may still recall, in bytes. Naming an item takes a few bytes and may be done over and over, so what
/// comes of it is counted before it is made.
#[derive(Debug)]
pub(super) struct Allowance(usize);

impl Default for Allowance {
    /// As much as the upstream reads of a whole request.
    fn default() -> Self {
        Self(32 << 20)
    }
}

impl Allowance {
    /// Takes so many bytes for the item at `path`.
    ///
    /// # Errors
    /// There are not so many left.
    pub(super) fn take(&mut self, bytes: usize, path: &Path<'_>) -> Result<(), InvalidRequest> {
        self.0 = self.0.checked_sub(bytes).ok_or_else(|| {
            let what = "is one item too many: the earlier items that the input names come to more than 32 MB together, which no model reads; name fewer of them";
            path.key("id").refuse(InvalidCode::InvalidValue, what)
        })?;
        Ok(())
    }
}

/// An output item that is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept<'c> {
    pub(super) item: &'c StoredItem,
    /// The answer that it stands in.
    content: &'c [Object<'c>],
}

impl<'c> Kept<'c> {
    /// Its blocks, which the request's allowance pays for.
    ///
    /// - `path`: of the item that names it.
    ///
    /// # Errors
    /// The allowance is spent.
    pub(super) fn blocks(
        self,
        allowance: &mut Allowance,
        path: &Path<'_>,
    ) -> Result<Vec<Block<'c>>, InvalidRequest> {
        let blocks = self.item.blocks.iter().filter_map(|index| self.content.get(*index));
        allowance.take(blocks.clone().map(|block| block.raw.len()).sum(), path)?;
        Ok(blocks.filter_map(replayed).collect())
    }
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

    /// The text of the earlier input's item that an item refers to.
    pub(super) fn referred(self, index: usize) -> Option<&'c str> {
        self.unwrapped.get(index)?.as_deref()
    }

    /// The output item that is kept under the id of an item.
    pub(super) fn kept(self, item: &Object<'_>) -> Option<Kept<'c>> {
        let (content, item) = self.stored?.output_item(&item.text("id")?.decode())?;
        Some(Kept { item, content: self.contents.get(content)? })
    }

    /// Says of an item that is not found, and cannot be done without, why that may be.
    pub(super) fn missing(self, otherwise: &'static str) -> &'static str {
        match self.stored {
            Some(stored) if stored.is_partial() => {
                "was not looked for, because the input names items of too many or too long responses; send what is needed of them as it is, or continue the last with `previous_response_id`"
            }
            _ => otherwise,
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::responses::stored::StoredResponse;

    #[test]
    fn references_to_one_item_share_its_text() {
        let kept: StoredResponse = serde_json::from_value(json!({
            "id": "resp_1", "created_at": 0, "model": "m", "system": [], "messages": [], "content": [], "output": [],
            "input": [{"id": "msg_1_in0", "type": "message", "role": "user", "content": "hi"}], "response": {},
        }))
        .unwrap();
        let stored = StoredTurn::default().with_items_of(kept);
        let reference = r#"{"type":"item_reference","id":"msg_1_in0"}"#;
        let body = format!(r#"{{"input":[{reference},{{"id":"other"}},{reference}]}}"#);
        let Ok(Json::Object(request)) = json::parse_str(&body) else { panic!("{body}") };
        let unwrapped = unwrap(&request, Some(&stored));
        let [Some(first), None, Some(second)] = unwrapped.as_slice() else { panic!("{unwrapped:?}") };
        assert!(Rc::ptr_eq(first, second));
    }

    #[test]
    fn an_allowance_ends() {
        let (mut allowance, input) = (Allowance::default(), Path::root("input"));
        allowance.take(30 << 20, &input.index(0)).unwrap();
        allowance.take(2 << 20, &input.index(1)).unwrap();
        let error = allowance.take(1, &input.index(2)).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("input[2].id"));
    }
}
