//! The order of turns: who follows whom, and where a system message in the middle may stand.
//!
//! The upstream accepts one directly behind a user's turn, or behind an assistant's that ends in the result of a
//! server's tool, if an assistant's turn or nothing follows. Elsewhere it waits for the end of the next user's turn.
//! Models that take none get it in their system prompt; or, on routes that say so, marked, in the user's turn where it
//! stood, behind the results of tools.

use std::fmt;

use portcullis_types::MidSystem;

use crate::chat::request::block::{Block, Body, NativePart};
use crate::chat::request::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Str;
use crate::warnings::WarningKind;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    Assistant,
    System,
}

/// What one of them says until another one does.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) role: Role,
    pub(crate) blocks: Vec<Block<'a>>,
    first_message: usize,
    pub(crate) last_message: usize,
}

impl Turn<'_> {
    /// The client's message this turn is made of, if it is one.
    pub(crate) fn message(&self) -> Option<usize> {
        (self.first_message == self.last_message).then_some(self.first_message)
    }
}

/// How the client counts the messages of a conversation, for refusals and reports.
///
/// Messages are numbered from zero; those of the Responses API may be preceded by some that the client did not send, but
/// named by the response they belong to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbering {
    list: &'static str,
    recalled: usize,
}

impl Numbering {
    /// Messages of a chat completion.
    pub(crate) const MESSAGES: Self = Self { list: "messages", recalled: 0 };

    /// Input items of a response, behind so many recalled messages.
    pub(crate) fn input(recalled: usize) -> Self {
        Self { list: "input", recalled }
    }

    /// The name of the client's list.
    pub(crate) fn list(self) -> &'static str {
        self.list
    }

    /// The client's own index of a message, if it is the client's.
    pub(crate) fn index(self, message: usize) -> Option<usize> {
        message.checked_sub(self.recalled)
    }

    /// Where a message stands.
    pub(crate) fn at(self, message: usize) -> impl fmt::Display {
        let index = self.index(message);
        fmt::from_fn(move |f| match index {
            Some(index) => write!(f, "{}[{index}]", self.list),
            None => f.write_str("previous_response_id"),
        })
    }

    fn refuse(self, message: usize, member: &str, what: &str) -> InvalidRequest {
        let param = format!("{}{member}", self.at(message));
        let message = format!("`{param}` {what}");
        InvalidRequest::at(InvalidCode::InvalidValue, param, message)
    }
}

/// A system message that waits for its place.
#[derive(Debug)]
struct Waiting<'a> {
    message: usize,
    blocks: Vec<Block<'a>>,
    moved: bool,
}

/// Where system messages in the middle go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Middle {
    InPlace,
    Hoist,
    Inline,
}

/// The turns so far.
#[derive(Debug)]
pub(crate) struct Turns<'a> {
    numbering: Numbering,
    middle: Middle,
    system: Vec<Block<'a>>,
    /// Messages the system prompt consists of.
    system_messages: Vec<usize>,
    turns: Vec<Turn<'a>>,
    waiting: Vec<Waiting<'a>>,
    /// System messages that became part of a user's turn and are still to be reported.
    inlined: Vec<usize>,
}

impl<'a> Turns<'a> {
    pub(crate) fn new(numbering: Numbering, scope: &Scope) -> Self {
        let middle = match scope.options.mid_system {
            _ if scope.model.is_none_or(|model| model.mid_conversation_system) => Middle::InPlace,
            MidSystem::Hoist => Middle::Hoist,
            MidSystem::Inline => Middle::Inline,
        };
        Self {
            numbering,
            middle,
            inlined: Vec::new(),
            system: Vec::new(),
            system_messages: Vec::new(),
            turns: Vec::new(),
            waiting: Vec::new(),
        }
    }

    pub(crate) fn system(&mut self, message: usize, blocks: Vec<Block<'a>>) {
        if blocks.is_empty() {
            return;
        }
        if self.turns.is_empty() {
            self.system.extend(blocks);
            self.system_messages.push(message);
        } else {
            self.waiting.push(Waiting { message, blocks, moved: false });
        }
    }

    pub(crate) fn user(&mut self, message: usize, blocks: Vec<Block<'a>>) {
        if self.middle == Middle::Inline {
            self.inline_waiting();
        }
        self.user_turn(message).blocks.extend(blocks);
    }

    /// Puts the system messages that wait where they stand, now that no result of a tool can follow any more.
    fn inline_waiting(&mut self) {
        for Waiting { message, blocks, .. } in std::mem::take(&mut self.waiting) {
            self.inlined.push(message);
            let inline = blocks.into_iter().map(inline);
            self.turn(Role::User, message).blocks.extend(inline);
        }
    }

    /// Results come first in a user's turn, in their own order: a `user` message before them would have left a call
    /// unanswered, and pairing refuses that.
    pub(crate) fn result(&mut self, message: usize, block: Block<'a>) {
        self.user_turn(message).blocks.push(block);
    }

    fn user_turn(&mut self, message: usize) -> &mut Turn<'a> {
        self.waiting.iter_mut().for_each(|waiting| waiting.moved = true);
        self.turn(Role::User, message)
    }

    /// The turn this message belongs to: the last one if it is of the same role.
    fn turn(&mut self, role: Role, message: usize) -> &mut Turn<'a> {
        if self.turns.last().is_none_or(|last| last.role != role) {
            self.turns.push(Turn { role, blocks: Vec::new(), first_message: message, last_message: message });
        }
        let last = self.turns.last_mut().expect("a turn was pushed if there was none");
        last.last_message = message;
        last
    }

    pub(crate) fn assistant(
        &mut self,
        message: usize,
        blocks: Vec<Block<'a>>,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        if blocks.is_empty() {
            return Ok(());
        }
        if self.turns.is_empty() {
            let what = "must not be the assistant's: a conversation starts with the user";
            return Err(self.numbering.refuse(message, "", what));
        }
        self.place_waiting(Next::Assistant, scope)?;
        self.turn(Role::Assistant, message).blocks.extend(blocks);
        Ok(())
    }

    /// Finds a place for the system messages that wait, now that it is known what follows.
    fn place_waiting(&mut self, next: Next, scope: &mut Scope) -> Result<(), InvalidRequest> {
        if self.middle == Middle::Inline {
            self.inline_waiting();
        }
        let waiting = std::mem::take(&mut self.waiting);
        let behind_assistant = self.turns.last().is_some_and(|turn| turn.role == Role::Assistant);
        for Waiting { message, blocks, moved } in waiting {
            let path = self.numbering.at(message);
            let in_place = self.middle == Middle::InPlace;
            if behind_assistant && !self.legal_behind_assistant() && (in_place || next == Next::Nothing) {
                scope.emulated(path)?;
                let inline = blocks.into_iter().map(inline);
                self.turn(Role::User, message).blocks.extend(inline);
            } else if in_place {
                if moved {
                    scope.note(WarningKind::Moved, path);
                }
                self.turn(Role::System, message).blocks.extend(blocks);
            } else {
                scope.displaced(path)?;
                self.system.extend(blocks);
            }
        }
        Ok(())
    }

    /// Whether the last turn, or the one before the system messages behind it, lets a system message follow.
    fn legal_behind_assistant(&self) -> bool {
        let before = self.turns.iter().rev().find(|turn| turn.role != Role::System);
        let last = before.filter(|turn| turn.role == Role::Assistant).and_then(|turn| turn.blocks.last());
        let ends_in_result = last.is_some_and(|block| match &block.body {
            Body::Native(native) => matches!(native.part, NativePart::ServerResult(_)),
            _ => false,
        });
        self.middle == Middle::InPlace && ends_in_result
    }

    /// The system prompt and the turns.
    pub(crate) fn finish(
        mut self,
        scope: &mut Scope,
    ) -> Result<(Vec<Block<'a>>, Vec<Turn<'a>>), InvalidRequest> {
        self.place_waiting(Next::Nothing, scope)?;
        for message in std::mem::take(&mut self.inlined) {
            scope.emulated(self.numbering.at(message))?;
        }
        if let Some(empty) = self.turns.iter().find(|turn| turn.blocks.is_empty()) {
            return Err(self.numbering.refuse(empty.first_message, ".content", "must not be empty"));
        }
        if self.turns.is_empty() {
            self.only_system(scope)?;
        }
        Ok((self.system, self.turns))
    }

    /// Without a user there is no conversation, so the instructions become the user's.
    fn only_system(&mut self, scope: &mut Scope) -> Result<(), InvalidRequest> {
        let mut blocks = std::mem::take(&mut self.system);
        if blocks.is_empty() {
            return Err(self.numbering.refuse(0, ".content", "must not be empty"));
        }
        for message in std::mem::take(&mut self.system_messages) {
            scope.emulated(self.numbering.at(message))?;
            self.turn(Role::User, message);
        }
        self.turns.iter_mut().take(1).for_each(|turn| turn.blocks = std::mem::take(&mut blocks));
        Ok(())
    }
}

/// What follows the system messages that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Assistant,
    Nothing,
}

/// A system text as a user's, marked so that the model can tell.
fn inline(block: Block<'_>) -> Block<'_> {
    let Body::Text(text) = &block.body else { return block };
    let marked = format!("<system-message>{}</system-message>", text.decode());
    Block { body: Body::Text(Str::from(marked)), cache: block.cache }
}
