//! The control plane through its router, in process, on both databases.
//!
//! Postgres is named by `PORTCULLIS_TEST_POSTGRES_URL`; `cargo xtask test` starts one. Without it the tests fail: a
//! suite that passes by skipping says nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and its line says where")]

mod world;

mod api_keys;
mod integrations;
mod permissions;
mod properties;
mod protocol;
mod providers;
mod secrets;
