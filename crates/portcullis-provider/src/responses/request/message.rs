//! Items of type `message`.
//!
//! | role | becomes |
//! |---|---|
//! | `user` | a user's turn |
//! | `assistant` | texts in an assistant's turn; its blocks as they came, if it is kept under its id and says the same |
//! | `system`, `developer` | the system prompt at the beginning, a system message later where the model takes one |
//!
//! `id`, `status` and `phase` mean nothing to the upstream; they are kept with the response.

use super::input::Items;
use super::parts::{self, Speaker};
use super::recall::Kept;
use crate::chat::request::path::Path;
use crate::chat::request::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{Json, Object};

/// Takes a message into the conversation.
///
/// - `number`: its place in the conversation.
pub(super) fn translate<'c>(
    items: &mut Items<'c>,
    item: &Object<'c>,
    number: usize,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<(), InvalidRequest> {
    path.only(item, &["type", "role", "content", "id", "status", "phase"])?;
    let role_path = path.key("role");
    let role = role_path.text(role_path.required(item)?)?.decode();
    let said = |speaker, scope: &mut Scope| {
        let path = path.key("content");
        parts::blocks(path.required(item)?, speaker, &path, scope)
    };
    match role.as_ref() {
        "user" => {
            items.settle()?;
            let blocks = said(Speaker::User, scope)?;
            items.turns.user(number, blocks);
            Ok(())
        }
        "assistant" => {
            let spoken = said(Speaker::Assistant, scope)?;
            let blocks = match kept(items, item) {
                Some(kept) => kept.blocks(&mut items.allowance, path)?,
                None => spoken,
            };
            items.assistant(number, blocks, scope)
        }
        "system" | "developer" => {
            let blocks = said(Speaker::System, scope)?;
            items.turns.system(number, blocks);
            Ok(())
        }
        _ => {
            let what = "must be one of user, assistant, system and developer";
            Err(role_path.refuse(InvalidCode::InvalidValue, what))
        }
    }
}

/// What is kept under the message's id, with its citations, if the client has not changed the text.
fn kept<'c>(items: &Items<'c>, item: &Object<'_>) -> Option<Kept<'c>> {
    let kept = items.recall.kept(item)?;
    let Some(Json::Array(parts)) = item.get("content") else { return None };
    let now = parts.items.iter().map(|part| {
        let part =
            part.as_object().filter(|part| part.text("type").is_some_and(|kind| &kind == "output_text"));
        Some(part?.text("text")?.decode())
    });
    let now = now.collect::<Option<String>>()?;
    // No longer than the client's own text is looked at, however long the kept one is.
    let mut rest = now.as_str();
    for part in kept.item.item["content"].as_array()? {
        let Some(before) = part["text"].as_str() else { continue };
        rest = rest.strip_prefix(before)?;
    }
    rest.is_empty().then_some(kept)
}
