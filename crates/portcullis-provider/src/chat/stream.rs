//! A stream of Messages events becomes a stream of chat completion chunks.
