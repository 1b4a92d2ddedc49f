//! The emulator over real sockets: every refusal, every script, every fault.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod accounts;
mod batches;
mod chaining;
mod client;
mod control;
mod conversations;
mod files;
mod keys;
mod limits;
mod platform;
mod scripts;
mod skills;
mod sources;
mod sts;
