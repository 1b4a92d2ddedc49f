//! OpenAI's Responses API on one side, Messages on the other.
//!
//! Start at [`request::ResponsesRequest`]; the answer travels back through [`response`] when it is whole and through
//! [`stream`] when it is a stream. [`stored`] says what is kept of a response, so that a later request can continue it;
//! where it is kept is the caller's business. What both APIs of OpenAI share, content, tools, sampling, the order of
//! turns, stands in [`crate::chat`] and is used from there.
//!
//! # Known limits
//! - Blocks that no item shows (fetched pages, listings of tools, uploads to a container) come back through
//!   `previous_response_id` only, not through a client that sends all items itself.
//! - A response that paused more often than the gateway continues it is `incomplete`.
//! - Items of the input are listed for the one request they came with, not for those it continues.
//! - A stream cannot be taken up again behind its middle (`starting_after`): its events are not kept.
//! - The container in which code ran is known at the end of a stream: the item that ends before names none.
//! - Anthropic's own parameters (`thinking`, `top_k`, …) are Chat Completions' extensions; here they are unknown.

pub mod context;
pub mod encrypted_content;
mod ids;
pub mod input_items;
mod items;
pub mod request;
pub mod response;
pub mod stored;
pub mod stream;
