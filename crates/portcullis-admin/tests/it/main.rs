//! The control plane through its router, in process, on both databases.
//!
//! Postgres is named by `PORTCULLIS_TEST_POSTGRES_URL`; `cargo xtask test` starts one. Without it the tests fail: a
//! suite that passes by skipping says nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and its line says where")]

mod aws;
mod problems;
mod world;

mod access;
mod api_keys;
mod credentials;
mod integrations;
mod permissions;
mod properties;
mod protocol;
mod providers;
mod secrets;
mod setup;
mod verify;
