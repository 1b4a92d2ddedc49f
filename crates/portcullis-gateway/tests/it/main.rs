//! The data plane against upstreams that do what upstreams do: answer, refuse, break off, go silent.
//!
//! What real clients make of it is in the end-to-end tests; here is what no client can arrange.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and its line says where")]

mod disconnects;
mod faults;
mod fleet;
mod native;
mod openai;
mod probe;
mod refusals;
mod settlements;
mod stage;
mod tenants;
mod translated;
mod upstream;
