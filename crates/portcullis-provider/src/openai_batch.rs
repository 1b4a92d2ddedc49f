//! Batches in OpenAI's shape over message batches: the lines of the input file, the requests made of them, the lines of the
//! results, and the batch object.
//!
//! Everything works line by line; no file is ever whole in memory. A line of the input is read by [`InputLine`], what its
//! translation gives goes into the upstream's batch through [`batch_params`](crate::anthropic::body::batch_params) and [`write_entry`], a line of the upstream's
//! results is read by [`ResultLine`], and [`output`] writes the line that a client reads.
//!
//! | what | becomes |
//! |---|---|
//! | `custom_id`, any text | `r0-…`, `r1-…` by the line ([`Surrogates`]): one id that the upstream does not like would fail all of them |
//! | a line that is no request, twice the same `custom_id` | the batch fails before anything is sent ([`LineError`]) |
//! | a request that cannot be translated, or may not be in a batch | a line of the error file, with status 400 |
//! | `succeeded` | a line of the output file |
//! | `errored` | a line of the error file, with the status the same refusal has outside of batches |
//! | `expired`, `canceled` | a line of the error file without a response: `batch_expired`, `batch_cancelled` |
//!
//! Sources: OpenAI API reference, "Batch", "The request input object", "The request output object"; Claude docs, "Batch
//! processing".

mod entry;
mod input;
mod object;
pub mod output;
mod result;

pub use entry::{InvalidTag, Surrogates, write_entry};
pub use input::{BatchEndpoint, InlineItem, InputLine, InvalidEndpoint, LineError};
pub use object::{BatchErrors, BatchObject, BatchUsage, RequestCounts};
pub use result::{LineResult, ResultLine};
