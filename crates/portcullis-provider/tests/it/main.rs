//! Integration tests: the public API against golden files and arbitrary input.

mod requests;
mod responses;
