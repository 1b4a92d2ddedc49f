//! The emulator over real sockets: every refusal, every script, every fault.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod client;
mod control;
mod platform;
mod scripts;
mod sts;
