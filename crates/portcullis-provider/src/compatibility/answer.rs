//! Rows about the way back: fields of an answer, events of a stream.

use portcullis_types::Compliance;

/// How an answer's field reaches the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As a field that OpenAI's API defines: this text is part of the answer.
    Map(&'static str),
    /// As a field that it does not define, which strict compliance leaves out.
    Extension(&'static str),
    /// Only where every field is asked for (`x-portkey-strict-open-ai-compliance: false`).
    Asked(&'static str),
    /// Not at all: this text is no part of the answer.
    Nowhere(&'static str),
}

impl Shown {
    /// The word in the page's tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Map(_) => "MAP",
            Self::Extension(_) => "EXT",
            Self::Asked(_) => "ASK",
            Self::Nowhere(_) => "-",
        }
    }
}

/// One row of the table about whole answers.
#[derive(Clone, Copy, Debug)]
pub struct AnswerRow {
    /// The upstream's field.
    pub upstream: &'static str,
    /// When, if not always.
    pub when: &'static str,
    /// Where the client finds it.
    pub client: &'static str,
    /// The example's request, which decides how the answer is written: members in JSON.
    pub asked: &'static str,
    /// The example: members of the upstream's message, in JSON.
    pub given: &'static str,
    /// What the client sees of it.
    pub shown: Shown,
}

/// What a client receives for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emitted {
    /// This text is part of what is sent.
    Sends(&'static str),
    /// Nothing is sent.
    Nothing,
    /// The stream ends with an error of this code, and nothing follows.
    Fails(&'static str),
}

/// One row of the table about streams.
#[derive(Clone, Copy, Debug)]
pub struct EventRow {
    /// The upstream's event.
    pub event: &'static str,
    /// When, if not always.
    pub when: &'static str,
    /// What the client gets for it.
    pub emits: &'static str,
    /// The example's request.
    pub asked: &'static str,
    /// The example: events behind `message_start`, in JSON. The last is the row's.
    pub given: &'static [&'static str],
    /// What comes of the last one.
    pub emitted: Emitted,
}

/// How the example's answer is written.
pub const COMPLIANCES: [Compliance; 3] = [Compliance::Strict, Compliance::Extended, Compliance::Everything];
