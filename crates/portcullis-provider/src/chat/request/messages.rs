//! `messages`: roles become a system prompt and turns.
//!
//! | role | becomes |
//! |---|---|
//! | the leading `system`/`developer` messages | the system prompt, a block each text |
//! | a later one, where the model allows it | a `system` message, at the nearest place that is legal |
//! | a later one elsewhere | part of the system prompt, or a marked part of the user's turn if the route says so; reported |
//! | a last one after an assistant's turn | a user's turn, marked as a system message, reported |
//! | only such messages | a user's turn, reported |
//! | `user` | a user's turn; consecutive ones are one turn |
//! | `assistant` | an assistant's turn; consecutive ones are one turn |
//! | `tool`, `function` | a result at the beginning of the user's turn |
//! | `name` | ignored, reported |

mod turns;

use std::borrow::Cow;

use super::block::{Block, Body};
use super::content::{self, Speaker};
use super::pairing::Pairing;
use super::path::Path;
use super::scope::Scope;
use super::{assistant, cache};
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{Json, Object};
pub(crate) use turns::{Numbering, Role, Turn, Turns};

/// What became of `messages`.
#[derive(Debug)]
pub(crate) struct Conversation<'a> {
    pub(crate) numbering: Numbering,
    pub(crate) system: Vec<Block<'a>>,
    pub(crate) turns: Vec<Turn<'a>>,
    /// Names of the tools that were called.
    pub(crate) called: Vec<Cow<'a, str>>,
}

impl<'a> Conversation<'a> {
    /// Every block that may bear a cache mark, in prompt order.
    pub(crate) fn blocks_mut(&mut self) -> impl Iterator<Item = &mut Block<'a>> {
        self.system.iter_mut().chain(self.turns.iter_mut().flat_map(|turn| turn.blocks.iter_mut()))
    }
}

/// Translates the whole conversation.
pub(crate) fn translate<'a>(
    messages: Option<&Json<'a>>,
    scope: &mut Scope,
) -> Result<Conversation<'a>, InvalidRequest> {
    let path = Path::root("messages");
    let messages = path.array(messages.ok_or_else(|| path.missing())?)?;
    if messages.items.is_empty() {
        return Err(path.refuse(InvalidCode::InvalidValue, "must hold at least one message"));
    }
    let mut turns = Turns::new(Numbering::MESSAGES, scope);
    let mut pairing = Pairing::default();
    for (index, message) in messages.items.iter().enumerate() {
        let path = path.index(index);
        let message = path.object(message)?;
        translate_message(message, index, &path, &mut turns, &mut pairing, scope)?;
    }
    pairing.settle()?;
    let (system, turns) = turns.finish(scope)?;
    Ok(Conversation { numbering: Numbering::MESSAGES, system, turns, called: pairing.into_called() })
}

fn translate_message<'a>(
    message: &Object<'a>,
    index: usize,
    path: &Path<'_>,
    turns: &mut Turns<'a>,
    pairing: &mut Pairing<'a>,
    scope: &mut Scope,
) -> Result<(), InvalidRequest> {
    let role_path = path.key("role");
    let role = role_path.text(role_path.required(message)?)?.decode();
    if role != "function" && message.given("name").is_some() {
        scope.ignored(path.key("name"))?;
    }
    match role.as_ref() {
        "system" | "developer" => {
            let blocks = said(message, Speaker::System, path, scope)?;
            turns.system(index, blocks);
            Ok(())
        }
        "user" => {
            pairing.settle()?;
            let blocks = said(message, Speaker::User, path, scope)?;
            turns.user(index, blocks);
            Ok(())
        }
        "assistant" => {
            pairing.settle()?;
            let blocks = assistant::turn(message, index, path, pairing, scope)?;
            turns.assistant(index, blocks, scope)
        }
        "tool" => {
            path.only(message, &["role", "content", "tool_call_id", "name", "is_error", "cache_control"])?;
            let id_path = path.key("tool_call_id");
            let raw = id_path.text(id_path.required(message)?)?.decode();
            let id = pairing.answer(&raw, &id_path)?;
            turns.result(index, result(message, id, path, scope)?);
            Ok(())
        }
        "function" => {
            path.only(message, &["role", "content", "name"])?;
            let name_path = path.key("name");
            let name = name_path.text(name_path.required(message)?)?.decode();
            let id = pairing.answer_function(&name, &name_path)?;
            turns.result(index, result(message, id, path, scope)?);
            Ok(())
        }
        _ => {
            let what = "must be one of system, developer, user, assistant, tool and function";
            Err(role_path.refuse(InvalidCode::InvalidValue, what))
        }
    }
}

/// The blocks of a message that consists of its content.
fn said<'a>(
    message: &Object<'a>,
    speaker: Speaker,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Vec<Block<'a>>, InvalidRequest> {
    path.only(message, &["role", "content", "name", "cache_control"])?;
    let content_path = path.key("content");
    let content = message.get("content").ok_or_else(|| content_path.missing())?;
    if content.is_null() {
        return Err(content_path.wrong_type("a string or an array of parts", content));
    }
    let mut blocks = content::blocks(content, speaker, &content_path, scope)?;
    cache::mark_last(&mut blocks, cache::control(message, path)?, path, scope)?;
    Ok(blocks)
}

/// The result block of a `tool` or `function` message.
fn result<'a>(
    message: &Object<'a>,
    id: Cow<'a, str>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Block<'a>, InvalidRequest> {
    let content_path = path.key("content");
    let content = message.get("content").ok_or_else(|| content_path.missing())?;
    let content = content::blocks(content, Speaker::Tool, &content_path, scope)?;
    let is_error = message.given("is_error").map(|flag| path.key("is_error").boolean(flag)).transpose()?;
    Ok(Block { body: Body::ToolResult { id, content, is_error }, cache: cache::control(message, path)? })
}
