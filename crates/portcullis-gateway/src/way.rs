//! The steps of a request's way. Each takes what the step before made and gives the next its only input.
//!
//! ```text
//! HeaderMap, Body ─ receive → Authenticated, Bytes ─ resolve → Resolved ─ admit (Route) → Admitted ─ attempt → Attempt ─ authorise → Authorised
//! Authorised ─ send → Answer ─ (translated or passed through) ─ settle → one record
//! ```

pub(crate) mod admit;
pub(crate) mod attempt;
pub(crate) mod authenticate;
mod metadata;
pub(crate) mod receive;
pub(crate) mod resolve;
pub(crate) mod send;
pub(crate) mod settle;

pub(crate) use admit::{Admitted, admit, check_scope};
pub(crate) use attempt::{Attempt, Payload, client_betas};
pub(crate) use authenticate::{Authenticated, authenticate};
pub(crate) use metadata::metadata_of;
pub(crate) use receive::{receive, receive_as};
pub(crate) use resolve::{
    Hint, Resolved, parse_model, resolve, resolve_without_model, slug_of_headers, workspace_of,
};
pub(crate) use send::{Answer, dispatch};
pub(crate) use settle::{Outcome, Settlement};
