//! Who the gateway is and which role it assumes.
//!
//! Start at [`CredentialEngine`]: it turns a [`CredentialRequest`] (an integration at one revision) into live
//! credentials. [`source`] finds the gateway's own identity and [`sts`] speaks to STS. [`session`] says what makes two
//! sessions different; `plan` makes the calls for one and `maker` has them called; `slot` keeps one value fresh; `roster`
//! limits how many there are, and `budget` how often STS is called for nobody in particular. `whoami` asks who the gateway is. [`health`] is what others may
//! see of it. [`error`] says what went wrong, whose fault it is and what to do.
//!
//! # Invariants
//! - [`CredentialEngine::cached`] neither awaits nor waits for a lock that is held across an await.
//! - One cold session costs one `AssumeRole` (one for each role of a chain), whether it works or fails.
//!   (tests `a_thousand_cold_callers_make_one_assume_role`, `a_failing_sts_is_called_once_and_answers_everybody`)
//! - A caller who hangs up changes nothing. (test `callers_that_hang_up_cause_no_extra_call_and_cancel_nothing`)
//! - What differs in any part of the key shares no session. (tests `different_requests_never_share_a_session`,
//!   `no_request_gets_the_session_of_another_integration`)
//! - Nothing leaves with less than a minute to live. (test `expired_credentials_never_leave`)
//! - An answer that is cut, stale or lacks a field is an error and leaves nothing behind.
//!   (tests `an_answer_cut_at_any_byte_is_an_error_and_leaves_no_half_session`,
//!   `answers_that_make_no_sense_are_errors_and_leave_nothing_behind`)
//! - STS may be down in any way while a session lives. (tests of `engine::tests::outage`)
//! - A session outlives the keys that made it, and makes room for nobody who has none.
//!   (tests `a_rotation_while_sts_is_down_costs_nobody_a_session`, `nobody_leaves_for_a_newcomer_who_gets_no_session`)
//! - A session in use is replaced ahead of its end although nobody asks; one that is idle is not.
//!   (test `a_session_is_replaced_although_nobody_asks_and_let_go_once_it_is_idle`)
//! - Calls that nobody waits for keep within the budget, and calls that somebody waits for are not held up by it.
//!   (tests `five_hundred_integrations_are_warmed_and_kept_warm_within_the_budget`,
//!   `cold_callers_are_never_held_up_by_the_budget`)
//! - A caller who says something else each time causes no flood of calls.
//!   (tests `a_caller_who_says_something_else_each_time_costs_no_flood_of_calls`,
//!   `past_the_cap_over_all_integrations_callers_share_their_workspaces_session`,
//!   `however_many_ask_sts_is_asked_once_a_minute`)
//! - What AWS rejects is replaced, but an upstream that rejects everything does not make this crate flood STS.
//!   (test `an_upstream_that_rejects_every_session_costs_few_of_them`)
//! - An expired session leaves memory by itself. (test `dead_sessions_and_identities_leave_memory_without_being_asked_for`)
//! - Secrets are in no `Debug` output and in no error. (test `no_secret_is_in_debug_output_or_error_text`)
//! - Starting needs no AWS configuration and waits for nothing. (test `starting_needs_no_aws_and_waits_for_nothing`)
//!
//! # Limits
//! - A cold request is not tried twice: a failure of STS that has no fall-back is passed on at once, and repeated for a
//!   second or two. Only sessions that live ride out an outage.
//! - A role whose longest session has been made longer is asked for the longer one within six hours, or by the next call
//!   after a change of the integration, [`CredentialEngine::ask_for_longer_sessions`] or [`CredentialEngine::forget`].
//! - Temporary keys of the gateway's own do not say whose they are: the SDK tells where it found them and, for some kinds,
//!   the account. So a pod or a profile that is given another role of the same account is the same identity here: sessions
//!   that live are replaced when they are due, not at once, and what AWS granted the one is taken to hold for the other for
//!   up to six hours. To know better would cost a call of STS each time the keys change.
//! - The sessions of a chain's roles on the way are not kept: each session costs one call for each role.
//! - A role that a profile of the gateway's own names is assumed by the AWS SDK: by the machine's clock, and without
//!   fall-backs.
//! - The budget counts the calls that were foreseen. Asking again for less time, or at a fall-back, is not among them.
//!
//! A session serves until 60 s before its end, although the service may refuse it in its last five minutes: the service
//! has STS mint a token that lives 300 s by default, and STS mints none that would outlive the session. Replacement
//! begins 15 minutes before the end, so this happens only when STS has been down (or nobody asked for an hour) for ten
//! minutes, and then a session that may be refused is better than none.
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
mod whoami;

use std::future::Future;
use std::pin::Pin;

pub use engine::{CredentialEngine, CredentialRequest};
pub use error::{CredentialsError, Explanation, Fault};
pub use health::{EngineStats, HealthError, IntegrationHealth, Notice, RefreshLag, SessionStats};
pub use session::{AssumeRole, SessionShape};
pub use settings::{EngineSettings, StsBudget, StsEndpoint};
pub use slot::Renewal;
pub use source::{Source, SourceChain, SourceFingerprint, SourceIdentity, SourceKind};
pub use sts::{AssumedRole, AssumesRoles, CallerIdentity};
pub use verification::{VerificationSubject, Verifier, VerifyOptions};
pub use warm::{WarmRequest, WarmedUp};

/// A future behind a pointer: what the object-safe seams of this crate return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
