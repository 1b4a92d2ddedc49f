//! A whole Message becomes a chat completion.
