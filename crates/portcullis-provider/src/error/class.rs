//! The table of what may go wrong with AWS and Claude: what you see, whose fault it is, what it means and what to do.
//!
//! One row a class, in the files below. The causes of the upstream's errors and those of STS point into it, what a
//! client reads is made of it, and `docs/troubleshooting.md` is rendered from it ([`handbook`](super::handbook)).
//!
//! A row's text may hold places for what an error names, such as `{action}`; see [`Denial`](super::Denial).

pub(super) mod access;
pub mod network;
pub(super) mod requests;
pub(super) mod sessions;
pub mod sts;
pub mod verification;

use serde::Serialize;

/// Who can do something about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The one who sent the request.
    Caller,
    /// The one who runs the gateway, set up the integration or owns the AWS account.
    Operator,
    /// AWS or Anthropic, or the way there; waiting helps.
    Upstream,
}

impl Fault {
    /// As programs read it: `caller`, `operator` or `upstream`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Operator => "operator",
            Self::Upstream => "upstream",
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Class {
    /// A stable word for programs, logs and documentation.
    pub code: &'static str,
    /// A heading.
    pub title: &'static str,
    /// Whose fault it is.
    pub fault: Fault,
    /// What the upstream writes, matched in any case and anywhere in its text.
    pub phrases: &'static [&'static str],
    /// What else a person sees; not matched.
    pub signs: &'static [&'static str],
    /// What it means, in a sentence or two.
    pub meaning: &'static str,
    /// What to do; empty if nothing is known beyond what the upstream says.
    pub fix: &'static str,
    /// A command that does it.
    pub command: Option<&'static str>,
}

impl Class {
    /// Whether a text has one of the phrases.
    ///
    /// - `text`: in lower case.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.phrases.iter().any(|phrase| text.contains(&phrase.to_lowercase()))
    }
}

/// Every row, in the order of the handbook.
pub fn classes() -> impl Iterator<Item = &'static Class> {
    [
        access::ALL,
        sessions::ALL,
        sts::ALL,
        verification::ALL,
        requests::LIMITS,
        network::ALL,
        requests::REQUESTS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
