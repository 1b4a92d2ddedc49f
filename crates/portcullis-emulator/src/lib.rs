//! A stand-in for STS and Claude Platform on AWS that checks as strictly as AWS does.
//!
//! Start at [`Emulator::builder`]. One listener serves STS (`POST /`), the platform (`/v1/…`), sources of
//! credentials (`/latest/…` and more, see the module `sources`) and a control API (`/_emulator/…`, see the module `control`). [`world`] is what exists, [`sigv4`] verifies signatures, [`iam`] evaluates
//! policies. The module `script` lists the directives, such as `[[emulator:tool_use]]`, that choose an answer or a fault.
//!
//! # How each refusal is brought about
//! What AWS decides by looking at something comes from the world; the rest from a directive, for one request.
//!
//! | refusal | how |
//! |---|---|
//! | outbound web identity federation is off | `Account::federation = false` |
//! | no subscription | `Account::subscribed = false` |
//! | no access to a model | `Account::models` |
//! | service control policy | `Account::service_control_policy` |
//! | STS not activated in a region | `Account::sts_inactive_regions` |
//! | permissions boundary | `Role::permissions_boundary` |
//! | identity policy lacks or denies an action | `Role::permissions_policy` |
//! | session policy | `Policy` of `AssumeRole` |
//! | trust policy: principal, external ID, tags, source identity | `Role::trust_policy` |
//! | session longer than the role or the chain allows | `Role::max_session_duration`; a session of a source as caller |
//! | workspace of another region | `World::regional_endpoints = true`; off, the signature is what is wrong |
//! | bad signature, unknown key | another secret, another key id |
//! | ended session, for everybody or for one request | [`EmulatorHandle::expire_sessions`]; `401_expired_token`, `403_unknown_token`, … |
//! | clock skew | [`EmulatorHandle::set_clock_offset`] |
//! | API key unknown, of another region, without `CallWithBearerToken` | `World::api_keys` |
//! | the gateway's own credentials ended | [`EmulatorHandle::rotate_sources`] |
//! | STS down, slow, stale or talking nonsense, everywhere or in one region | [`StsMode`] |
//! | a batch that ends, expires, or goes on | [`EmulatorHandle::set_batch_pace`], [`EmulatorHandle::end_batch`], … |
//! | a file that has expired | the clock |
//! | rate and spend limits, billing, overload | `429`, `429_spend_cap`, `400_spend_limit`, `402_billing`, `529`, … |
//!
//! # Invariants
//! - It uses no crate of the product, so the signer is judged by code it does not share. (`cargo xtask layers`)
//! - Any changed byte of what was signed is refused. (test `any_one_byte_change_is_refused`)
//! - Secrets are not in `Debug`, the log or the control API. (tests `debug_hides_the_secret`, `the_control_api_shows_no_secret`)
//! - What the policy evaluator does not understand is refused, not ignored. (test `what_is_not_understood_is_refused`)

mod answer;
mod caller;
mod clock;
mod control;
mod handle;
pub mod iam;
mod journal;
mod platform;
mod script;
mod server;
mod session;
pub mod sigv4;
mod sources;
mod state;
mod sts;
pub mod world;

pub use clock::{Clock, ManualClock};
pub use handle::EmulatorHandle;
pub use journal::{AssumeRoleParameters, Counters, EarlyClose, LoggedRequest};
pub use platform::SERVICE;
pub use server::{Emulator, EmulatorBuilder};
pub use session::SessionOrigin;
pub use sts::StsMode;
pub use world::World;
