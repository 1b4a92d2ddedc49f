//! A stand-in for STS and Claude Platform on AWS that checks as strictly as AWS does.
//!
//! Start at [`Emulator::builder`]. One listener serves STS (`POST /`), the platform (`/v1/…`), sources of
//! credentials (`/latest/…` and more, see the module `sources`) and a control API (`/_emulator/…`, see the module `control`). [`world`] is what exists, [`sigv4`] verifies signatures, [`iam`] evaluates
//! policies. The module `script` lists the directives, such as `[[emulator:tool_use]]`, that choose an answer or a fault.
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
