//! The request side against golden files and arbitrary input.
