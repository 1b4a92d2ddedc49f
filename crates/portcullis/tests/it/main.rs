//! The real binary as a process: started, asked over bare sockets, signalled, killed, and read to the last log line.
//!
//! Each test reads as a transcript. `portcullis emulate` plays AWS. Start at `stage.rs`, which sets both up, and
//! `wire.rs`, the client. Limits are set to a second through the settings that operators have.
//!
//! A server of Postgres is named by `PORTCULLIS_TEST_POSTGRES_URL`; `cargo xtask test` starts one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and its line says where")]
#![expect(clippy::print_stdout, reason = "a test that fails shows what its processes said")]

mod commands;
mod connections;
mod credentials;
mod database;
mod drain;
mod first_start;
mod http2;
mod metrics;
mod onboarding;
mod process;
mod protocol;
mod questions;
mod secrets;
mod stage;
mod wire;
