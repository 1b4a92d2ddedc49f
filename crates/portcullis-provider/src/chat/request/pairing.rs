//! Calls and their results: every call is answered once, before the conversation goes on.
//!
//! OpenAI's API demands the same, and so does the upstream. Ids that the upstream would refuse are rewritten, in the
//! call and in its result alike; some servers number their calls from zero in every turn, so later ones of the same
//! id get a suffix.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};

use super::path::Path;
use crate::invalid::{InvalidCode, InvalidRequest};

/// Where a call stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) message: usize,
    /// The message's key.
    pub(crate) place: &'static str,
    pub(crate) item: Option<usize>,
}

/// The calls of a conversation so far.
#[derive(Debug, Default)]
pub(crate) struct Pairing<'a> {
    /// Every id that was sent, since the upstream wants them unique.
    used: HashSet<String>,
    /// The next suffix to try for an id, so that many equal ids stay cheap.
    suffixes: HashMap<String, usize>,
    /// The calls of the last assistant turn.
    open: Vec<OpenCall<'a>>,
    /// Unanswered ones among them, by the client's id.
    waiting: HashMap<Cow<'a, str>, VecDeque<usize>>,
    /// Ids of `content_blocks` in the last assistant message.
    replayed: HashSet<Cow<'a, str>>,
    /// Names that were called, in order of first mention.
    called: Vec<Cow<'a, str>>,
    called_set: HashSet<Cow<'a, str>>,
}

#[derive(Debug)]
struct OpenCall<'a> {
    id: Cow<'a, str>,
    /// The function's name, if it was called in the deprecated way and is answered by name.
    function: Option<Cow<'a, str>>,
    origin: Origin,
    answered: bool,
}

impl<'a> Pairing<'a> {
    /// Enters a call, and gives it the id to send and whether that is another one.
    pub(crate) fn call(
        &mut self,
        raw: Cow<'a, str>,
        name: Cow<'a, str>,
        origin: Origin,
    ) -> (Cow<'a, str>, bool) {
        self.named(name);
        let id = self.unique(&raw);
        let renamed = id.is_some();
        let id = id.map_or_else(|| raw.clone(), Cow::Owned);
        self.enter(raw, OpenCall { id: id.clone(), function: None, origin, answered: false });
        (id, renamed)
    }

    /// Enters a call that stands in `content_blocks` and is sent as it is.
    pub(crate) fn replayed_call(&mut self, id: Cow<'a, str>, name: Cow<'a, str>, origin: Origin) {
        self.named(name);
        self.used.insert(id.clone().into_owned());
        self.replayed.insert(id.clone());
        self.enter(id.clone(), OpenCall { id, function: None, origin, answered: false });
    }

    /// Whether `content_blocks` of the same message hold this call.
    pub(crate) fn is_replayed(&self, id: &str) -> bool {
        self.replayed.contains(id)
    }

    /// Enters a deprecated `function_call`, which has no id of its own.
    ///
    /// - `name`: the client's, by which it is answered.
    /// - `sent`: the one that is sent.
    pub(crate) fn function_call(
        &mut self,
        message: usize,
        name: Cow<'a, str>,
        sent: Cow<'a, str>,
    ) -> Cow<'a, str> {
        self.named(sent);
        let raw = format!("call_fn_{message}");
        let id = Cow::Owned(self.unique(&raw).unwrap_or(raw));
        let origin = Origin { message, place: "function_call", item: None };
        self.open.push(OpenCall { id: Cow::clone(&id), function: Some(name), origin, answered: false });
        id
    }

    fn enter(&mut self, raw: Cow<'a, str>, call: OpenCall<'a>) {
        self.waiting.entry(raw).or_default().push_back(self.open.len());
        self.open.push(call);
    }

    fn named(&mut self, name: Cow<'a, str>) {
        if self.called_set.insert(name.clone()) {
            self.called.push(name);
        }
    }

    /// Another id if this one cannot be sent.
    fn unique(&mut self, raw: &str) -> Option<String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let clean = !raw.is_empty() && raw.bytes().all(allowed);
        if clean && self.used.insert(raw.to_owned()) {
            return None;
        }
        let mut base: String =
            raw.chars().map(|c| if c.is_ascii() && allowed(c as u8) { c } else { '_' }).collect();
        if base.is_empty() {
            base.push('_');
        }
        if self.used.insert(base.clone()) {
            return Some(base);
        }
        let suffix = self.suffixes.entry(base.clone()).or_insert(2);
        loop {
            let id = format!("{base}_{suffix}");
            *suffix += 1;
            if self.used.insert(id.clone()) {
                return Some(id);
            }
        }
    }

    /// The id to send for a `tool` message's `tool_call_id`.
    pub(crate) fn answer(&mut self, raw: &str, path: &Path<'_>) -> Result<Cow<'a, str>, InvalidRequest> {
        let waiting = self.waiting.get_mut(raw).ok_or_else(|| {
            path.refuse(InvalidCode::InvalidValue, "answers no tool call of the preceding assistant message")
        })?;
        let index = waiting.pop_front().ok_or_else(|| {
            path.refuse(InvalidCode::InvalidValue, "answers a tool call that has been answered already")
        })?;
        self.open[index].answered = true;
        Ok(self.open[index].id.clone())
    }

    /// The id to send for a deprecated `function` message.
    pub(crate) fn answer_function(
        &mut self,
        name: &str,
        path: &Path<'_>,
    ) -> Result<Cow<'a, str>, InvalidRequest> {
        let call = self.open.iter_mut().find(|call| !call.answered && call.function.as_deref() == Some(name));
        let call = call.ok_or_else(|| {
            path.refuse(
                InvalidCode::InvalidValue,
                "answers no function call of the preceding assistant message",
            )
        })?;
        call.answered = true;
        Ok(call.id.clone())
    }

    /// Where the first call stands that has no answer yet.
    pub(crate) fn unanswered(&self) -> Option<Origin> {
        self.open.iter().find(|call| !call.answered).map(|call| call.origin)
    }

    /// The conversation goes on: every call must have its answer.
    pub(crate) fn settle(&mut self) -> Result<(), InvalidRequest> {
        if let Some(origin) = self.unanswered() {
            let messages = Path::root("messages");
            let message = messages.index(origin.message);
            let place = message.key(origin.place);
            let what = "is not answered by a `tool` message before the conversation goes on";
            return Err(match origin.item {
                Some(item) => place.index(item).key("id").refuse(InvalidCode::InvalidValue, what),
                None => place.refuse(InvalidCode::InvalidValue, "is not answered by a `function` message"),
            });
        }
        self.forget();
        Ok(())
    }

    /// The calls so far are over.
    pub(crate) fn forget(&mut self) {
        self.open.clear();
        self.waiting.clear();
        self.replayed.clear();
    }

    /// The distinct names that were called, in order.
    pub(crate) fn into_called(self) -> Vec<Cow<'a, str>> {
        self.called
    }
}
