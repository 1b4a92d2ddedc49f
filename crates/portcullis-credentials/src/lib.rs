//! Who the gateway is and which role it assumes.
//!
//! Start at [`CredentialEngine`]: it turns a [`CredentialRequest`] (an integration at one revision) into live
//! credentials. [`source`] finds the gateway's own identity, [`sts`] speaks to STS, [`session`] says what makes two
//! sessions different, `slot` keeps one value fresh, and [`error`] says what went wrong, whose fault it is and what to do.
//!
//! # Invariants
//! - [`CredentialEngine::cached`] neither awaits nor waits for a lock that is held across an await.
//! - One cold session costs one `AssumeRole`, whether it works or fails.
//!   (tests `a_thousand_cold_callers_make_one_assume_role`, `a_failing_sts_is_called_once_and_answers_everybody`)
//! - A caller who hangs up changes nothing. (test `callers_that_hang_up_cause_no_extra_call_and_cancel_nothing`)
//! - What differs in any part of the key shares no session. (test `different_requests_never_share_a_session`)
//! - Nothing leaves with less than a minute to live. (test `expired_credentials_never_leave`)
//! - An answer that is cut, stale or lacks a field is an error and leaves nothing behind.
//!   (tests `an_answer_cut_at_any_byte_is_an_error_and_leaves_no_half_session`,
//!   `answers_that_make_no_sense_are_errors_and_leave_nothing_behind`)
//! - STS may be down while a session lives. (test `an_sts_outage_fails_nobody_until_a_minute_before_expiry`)
//! - What AWS rejects is replaced, but an upstream that rejects everything does not make this crate flood STS.
//!   (test `an_upstream_that_rejects_every_session_costs_few_of_them`)
//! - An expired session leaves memory by itself. (test `dead_sessions_and_identities_leave_memory_without_being_asked_for`)
//! - Secrets are in no `Debug` output and in no error. (test `no_secret_is_in_debug_output_or_error_text`)
//! - Starting needs no AWS configuration and waits for nothing. (test `starting_needs_no_aws_and_waits_for_nothing`)
//!
//! # Limits
//! What this version does not do, and what comes later:
//! - Refresh by a timer of its own. A session is replaced by whoever asks for it in the last quarter of its life, at
//!   most 15 minutes before its end; one that nobody asks for ends, and the next caller waits for a new one.
//! - Session policies. [`AssumeRole::policy`] has its place in the cache's key and is always `None`.
//! - Role chains. The gateway's identity assumes the integration's role directly.
//! - Fall-backs of STS. Only the integration's regional endpoint is asked (or the one that the operator names).
//!
//! A session serves until 60 s before its end, although the service may refuse it in its last five minutes: the service
//! has STS mint a token that lives 300 s by default, and STS mints none that would outlive the session. Replacement
//! begins 15 minutes before the end, so this happens only when STS has been down (or nobody asked) for ten minutes, and
//! then a session that may be refused is better than none.
//! Source: STS API reference, GetWebIdentityToken (`DurationSeconds`, `SessionDurationEscalationException`).

pub mod engine;
pub mod error;
pub mod health;
pub mod onboarding;
pub mod policy;
pub mod session;
pub mod settings;
pub mod source;
pub mod sts;
pub mod verification;

mod backoff;
mod budget;
mod dossier;
mod identity;
mod lifetime;
mod maker;
mod plan;
mod roster;
mod slot;
mod tally;
mod warm;

use std::future::Future;
use std::pin::Pin;

pub use engine::{CredentialEngine, CredentialRequest};
pub use error::{CredentialsError, Explanation, Fault};
pub use health::{EngineStats, HealthError, IntegrationHealth, Notice, RefreshLag};
pub use session::{AssumeRole, SessionShape};
pub use settings::{EngineSettings, StsBudget, StsEndpoint};
pub use slot::Renewal;
pub use source::{Source, SourceChain, SourceFingerprint, SourceIdentity, SourceKind};
pub use sts::{AssumedRole, AssumesRoles, CallerIdentity};
pub use verification::{VerificationSubject, Verifier, VerifyOptions};
pub use warm::{WarmRequest, WarmedUp};

/// A future behind a pointer: what the object-safe seams of this crate return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
