//! An error explained: its class, and what to do, made of what the error names.

use super::class::{Class, Fault};
use super::denial::Denial;

/// What an error means and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// A stable word for programs, logs and documentation.
    pub code: &'static str,
    /// Whose fault it is.
    pub fault: Fault,
    /// What it means, in a sentence or two.
    pub meaning: &'static str,
    /// What to do, with the policy statement to add or the command to run where one is known; none if nothing is known
    /// beyond what the upstream says. May name ARNs and account ids, never a secret.
    pub fix: Option<String>,
}

impl Explained {
    /// The row, with the places of its text filled by what the error names.
    #[must_use]
    pub fn new(class: &'static Class, denial: &Denial) -> Self {
        let fix = denial.fill(class.fix.into());
        let fix = match class.command {
            _ if fix.is_empty() => None,
            Some(command) => Some(format!("{fix} Command: {command}")),
            None => Some(fix.into_owned()),
        };
        Self { code: class.code, fault: class.fault, meaning: class.meaning, fix }
    }
}
