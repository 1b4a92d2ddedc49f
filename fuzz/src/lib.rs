//! What the targets share: how a stream is cut, which models requests go to, and what a client must be able to read.

pub mod chunks;
pub mod models;
pub mod received;
pub mod responses;

/// 2026-01-01T00:00:00Z.
pub const CREATED: u64 = 1_767_225_600;

/// An event may have this many bytes: little enough for the fuzzer to go beyond.
pub const EVENT_LIMIT: usize = 4096;
