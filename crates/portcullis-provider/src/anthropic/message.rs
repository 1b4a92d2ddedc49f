//! The message that Anthropic answers with.
