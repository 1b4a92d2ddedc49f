//! The response side against golden files and arbitrary input.
