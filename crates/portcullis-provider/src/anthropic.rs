//! Anthropic's Messages API: the message, its stream put together again, and a look at a stream that passes by.

pub mod accumulator;
pub mod body;
pub mod message;
pub mod paused;
pub mod summary;
pub mod tap;
