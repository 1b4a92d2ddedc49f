//! What becomes of every parameter, message part, answer field, event and error: the tables behind
//! `docs/compatibility.md`.
//!
//! A row says what a client or the upstream sends, which class of treatment it gets and what it becomes, with an example.
//! The page is rendered from the rows ([`page`]); the integration test `compatibility` sends every example through the
//! real translator and compares, so a row cannot say what the code does not do.

mod answer;
mod batches;
mod chat_extensions;
mod chat_messages;
mod chat_parameters;
mod chat_response;
mod chat_stream;
mod chat_tools;
mod errors;
mod page;
mod request;
mod resources;
mod responses_answer;
mod responses_items;
mod responses_parameters;

pub use answer::{AnswerRow, COMPLIANCES, Emitted, EventRow, Shown};
pub use batches::{BATCH_LINES, BATCH_RESULTS, LineRow, ResultRow};
pub use chat_extensions::CHAT_EXTENSIONS;
pub use chat_messages::{ASSISTANT_TURNS, CONTENT_PARTS, ROLES};
pub use chat_parameters::CHAT_PARAMETERS;
pub use chat_response::CHAT_RESPONSE;
pub use chat_stream::CHAT_STREAM;
pub use chat_tools::{SCHEMAS, TOOL_CHOICE, TOOLS};
pub use errors::{ERRORS, ErrorRow};
pub use page::page;
pub use request::{Class, Outcome, RequestRow};
pub use resources::{BATCHES, FILES, MODELS, ResourceRow};
pub use responses_answer::{RESPONSES_OUTPUT, RESPONSES_STREAM, ResponseRow};
pub use responses_items::RESPONSES_ITEMS;
pub use responses_parameters::RESPONSES_PARAMETERS;
