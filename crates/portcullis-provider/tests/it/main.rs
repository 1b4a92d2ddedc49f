//! Integration tests: the public API against golden files and arbitrary input.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod compatibility;
mod handbook;
mod requests;
mod responses;
mod responses_api;
mod round_trip;
