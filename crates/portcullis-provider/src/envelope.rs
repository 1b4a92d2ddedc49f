//! Where the model stands in a Messages body, so that this one value can change and nothing else.

use std::ops::Range;

/// What the gateway must know about a same-dialect body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The model, unescaped.
    pub model: String,
    /// The bytes of the model's value, quotes included.
    pub model_span: Range<usize>,
    /// The client asks for a stream.
    pub stream: bool,
}
