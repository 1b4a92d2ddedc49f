//! What is told of a panic.
//!
//! A panic is a defect of ours. None is known. What guards against the next one is that `panic = "unwind"` stays, that a
//! handler's is caught and answered with 500 (test `a_panic_of_a_handler_is_answered`), that every connection is a task of
//! its own, and that its place in the count of connections is given back by a drop (test
//! `a_panic_within_an_answer_ends_one_connection_and_no_more`).

use std::panic::{Location, set_hook};

/// From now on a panic is one line of the log, with its place in the code and without its message: that of a slice out
/// of bounds, say, quotes the text, and the text may be a prompt or a key.
pub(crate) fn log_without_their_words() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(Location::to_string).unwrap_or_default();
        tracing::error!(panic.place = place, "a task panicked, which is a defect of the gateway");
    }));
}
