//! Dialects and upstreams: wire types, translation, event streams, error maps.
//!
//! Anthropic's Messages API is the pivot. A Chat Completions request becomes a Messages request in
//! [`chat::request`]; the answer travels back through [`chat::response`] when it is whole and through
//! [`chat::stream`] when it is a stream. [`responses`] does the same for the Responses API, on the same rules.
//! A Messages request for a Messages upstream keeps its bytes: [`envelope`]
//! finds the one value that may change. What a model accepts is a row of [`models`], which IAM action
//! a route of the service needs is a row of [`routes`], neither is an `if`.
//!
//! # Invariants
//! - No I/O, no clock, no randomness: the same input gives the same bytes. (test `translating_twice_is_byte_identical`)
//! - Nothing a caller wrote is dropped silently: it is translated, or reported in [`warnings`], or refused with a
//!   400 that names it. (test `every_key_of_the_request_type_hits_a_rule`)
//! - Key order and the text of numbers in tool schemas and arguments survive: the prompt cache is a byte prefix and
//!   ids are 64 bits. (test `arguments_and_schemas_keep_their_text`)
//!   On the way back a stream's arguments keep the upstream's escapes as well; those of a whole answer are written anew,
//!   compact, and may spell a character that was escaped: the JSON means the same, and the upstream reads it as JSON
//!   when a conversation brings it back.
//! - A Messages body changes in the model's value alone. (test `all_bytes_outside_the_span_are_unchanged`)
//! - A stream never ends silently: without the upstream's own end the client gets an error, and no end mark is ever
//!   invented. (test `a_stream_that_ends_early_never_ends_silently`)
//! - A streamed answer ends as the one that is not streamed, in the eyes of OpenAI's SDKs.
//!   (test `both_sdks_end_with_the_answer_that_was_not_streamed`)
//! - Bytes from outside give a typed error, never a panic. (tests `arbitrary_*`)

pub mod anthropic;
pub mod chat;
pub mod compatibility;
pub mod envelope;
pub mod error;
pub mod invalid;
mod json;
pub mod models;
pub mod openai;
pub mod openai_batch;
pub mod responses;
pub mod routes;
pub mod sse;
pub mod target;
pub mod usage;
pub mod warnings;

pub use anthropic::accumulator::{Flow, MessageAccumulator};
pub use anthropic::tap::MessagesTap;
pub use chat::request::{ChatRequest, Places, ResponseContext, TranslatedRequest};
pub use chat::response::{Completion, to_completion};
pub use chat::stream::ChatStream;
pub use envelope::Envelope;
pub use error::{ApiError, Dialect, ErrorKind, UpstreamCause, UpstreamError};
pub use invalid::{InvalidCode, InvalidRequest};
pub use target::{FileReference, KnownFiles, Target};
pub use usage::Usage;
pub use warnings::Warnings;
