//! A conversation that ends in an assistant's turn, which the model is to continue.
//!
//! Models since 4.6 refuse it, and so does every model together with a format for the answer. A turn that waits for a
//! server's tool is another thing: it is being resumed.

use super::block::{Block, Body, NativePart};
use super::messages::{Conversation, Role, Turn};
use super::path::Path;
use super::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Str;
use crate::warnings::WarningKind;

/// Refuses what the model would refuse, and trims the white space at the end that none accepts.
pub(crate) fn check(
    conversation: &mut Conversation<'_>,
    formatted: bool,
    scope: &mut Scope,
) -> Result<(), InvalidRequest> {
    let Some(last) = conversation.turns.last_mut().filter(|turn| turn.role == Role::Assistant) else {
        return Ok(());
    };
    if waits_for_server(last) {
        return Ok(());
    }
    let numbering = conversation.numbering;
    let path = Path::root(numbering.list());
    if scope.model.is_some_and(|model| !model.prefill) {
        let what = "must not end with the assistant's: this model does not support a trailing assistant message (prefill)";
        return Err(path.refuse(InvalidCode::UnsupportedValue, what));
    }
    if formatted {
        let what = "must not end with the assistant's (prefill) when the answer has a format";
        return Err(path.refuse(InvalidCode::ConflictingParameters, what));
    }
    if let Some(Block { body: Body::Text(text), .. }) = last.blocks.last_mut() {
        let decoded = text.decode();
        let trimmed = decoded.trim_end();
        if trimmed.len() < decoded.len() {
            scope.note(WarningKind::Trimmed, format_args!("{}.content", numbering.at(last.last_message)));
            *text = Str::from(trimmed.to_owned());
        }
    }
    Ok(())
}

/// Whether a call of a server's tool has no result yet.
fn waits_for_server(turn: &Turn<'_>) -> bool {
    let mut waiting = std::collections::HashSet::new();
    for block in &turn.blocks {
        if let Body::Native(native) = &block.body {
            match &native.part {
                NativePart::ServerCall(id) => drop(waiting.insert(id.as_ref())),
                NativePart::ServerResult(id) => drop(waiting.remove(id.as_ref())),
                _ => {}
            }
        }
    }
    !waiting.is_empty()
}
