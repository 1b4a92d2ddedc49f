//! The data plane: the way of a request, from a developer's key to Claude and back.
//!
//! ```text
//! accept ─ authenticate ─ resolve ─ admit ─ translate ─ credentials ─ sign ─ send ─ translate back ─ settle
//! ```
//! Start at [`router`], then read [`chat`](mod@chat) (OpenAI's dialect, translated) or [`messages`](mod@messages)
//! (Anthropic's dialect, passed through): each reads as that line. The steps are the modules of `way`, each a function
//! from one type to the next, so that only what is admitted can be attempted and only what is signed can be sent.
//!
//! # Invariants
//! - A warm request touches no database and no STS, and holds no lock across an await: the caller and the provider come
//!   from [`portcullis_catalog::Snapshot`], the credentials from [`portcullis_credentials::CredentialEngine::cached`].
//! - The upstream's host comes from a validated region or from the operator, never from a caller.
//!   (test `the_host_comes_from_the_region_or_the_operator`)
//! - Only headers of an allowlist go upstream; a caller's credentials never do. (test `only_listed_headers_go_upstream`)
//! - A stream never ends silently: its own terminal event, or an error event in the client's dialect. (tests
//!   `a_chat_stream_cut_after_any_byte_ends_with_an_error_or_not_at_all`,
//!   `every_byte_arrives_whatever_the_line_ends_and_the_cuts`)
//! - A route that the platform's table does not have, or that belongs to no feature, is never forwarded. (test
//!   `what_no_feature_serves_is_refused_and_never_forwarded`)
//! - In a workspace of Anthropic's that several tenants share, an object is reached, listed and referred to by its maker
//!   alone. (test `a_tenant_reaches_lists_and_refers_to_its_own_files_alone`)
//! - Each dispatched attempt is settled exactly once, also when the client goes away. (the tests in
//!   `tests/it/settlements.rs`)
//! - What a client may read of a failure is decided in `error.rs` alone.

mod anthropic;
mod arrival;
mod authorise;
mod body;
mod body_account;
mod chat;
mod claude_code;
mod collect;
mod content;
mod destination;
mod dialect;
mod endpoint;
mod error;
mod exchange;
mod fidelity;
mod gateway;
mod inbound;
mod log_budget;
mod messages;
mod model_list;
mod openai;
mod probe;
mod responses;
mod retirement;
mod routes;
mod settings;
mod spool;
mod upstream;
mod way;

pub use body_account::BodyAccount;
pub use endpoint::{InvalidBaseUrl, UpstreamBase};
pub use gateway::Gateway;
pub use openai::batches::BatchSettings;
pub use probe::PlatformProbe;
pub use routes::{ROUTES, router};
pub use settings::{GatewaySettings, SharedModels};
