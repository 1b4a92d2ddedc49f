//! What a translation ignored, emulated or repaired, as tokens for the answer's `x-portcullis-warnings` header.

/// Tokens `<kind>:<path>`, a set in the order of first mention.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings {
    tokens: Vec<String>,
}
