//! The control plane: the admin API, in the shapes of Portkey's.
//!
//! Start at [`router`]: [`routes`] lists every route, [`permissions`] says which scope opens it. A handler reads its
//! body with `fields`, asks the catalog, and renders what comes back; it decides nothing else. Failures become HTTP in
//! `error` alone. `setup` makes what an AWS account needs, `verify` proves that it is there, `shared_role` that two
//! organisations can have one role; `aws`, `health` and `metrics` show how credentials fare.
//!
//! # Invariants
//! - No route answers without a live key and a scope that its operation names; there is no route without an operation.
//!   (test `every_route_answers_every_kind_of_caller_as_the_table_says`)
//! - A caller sees its own organisation, a workspace's key its own workspace; the rest does not exist.
//!   (tests `another_organisation_finds_nothing`, `a_workspace_key_finds_only_its_own_workspace`)
//! - No key makes one that may do more than itself, or for longer.
//!   (tests `a_key_cannot_grant_more_than_it_holds`, `a_key_that_expires_makes_none_that_outlives_it`)
//! - No answer shows a secret, but a new key once, to who made it. (test `no_answer_shows_a_secret`)
//! - A verdict stands beside its integration whoever listened. (test `a_verification_answers_its_steps_and_is_kept`)
//! - A role that another organisation uses is taken by nobody who has not proven his external ID.
//!   (test `a_role_of_another_organisation_is_refused_until_both_are_proven`)
//! - No body, however odd, gets a 5xx. (test `no_body_gets_a_server_error`)
//! - Every answer carries a trace id. (test `every_answer_carries_a_trace_id`)

pub mod permissions;
pub mod routes;

mod api_keys;
mod authentication;
mod aws;
mod body;
mod caller;
mod error;
mod fields;
mod health;
mod integrations;
mod listing;
mod metrics;
mod problem;
mod providers;
mod setup;
mod shared_role;
mod timestamp;
mod trace;
mod translation;
mod verify;
mod workspaces;

use axum::extract::FromRef;
use portcullis_catalog::Catalog;
use portcullis_credentials::{CredentialEngine, Verifier};
use portcullis_types::{IntegrationId, SharedClock};

pub use authentication::API_KEY;
pub use body::MAX_BODY_BYTES;
pub use metrics::{Metrics, ShowsMetrics};
pub use routes::{Route, router, routes};
use shared_role::Proofs;
pub use trace::TRACE_ID;
use verify::Running;
pub use verify::{Recording, record, subject};

/// What the control plane works with; cheap to clone.
#[derive(Clone)]
pub struct AdminState {
    /// Where everything is kept.
    pub catalog: Catalog,
    /// For expiries and trace ids.
    pub clock: SharedClock,
    /// Who the gateway is, and how the sessions of integrations fare.
    pub credentials: CredentialEngine,
    /// Proves integrations.
    pub verifier: Verifier,
    /// Where verdicts are kept.
    pub recording: Recording,
    /// Where metrics are shown.
    pub metrics: Metrics,
    /// Proves that a role may be shared.
    proofs: Proofs,
    /// What is being verified.
    running: Running<IntegrationId>,
}

impl AdminState {
    /// - `recording`: its catalog and clock are everything's here.
    #[must_use]
    pub fn new(
        credentials: CredentialEngine,
        verifier: Verifier,
        recording: Recording,
        metrics: Metrics,
    ) -> Self {
        Self {
            catalog: recording.catalog.clone(),
            clock: recording.clock.clone(),
            credentials,
            proofs: Proofs::new(recording.catalog.clone(), verifier.clone()),
            verifier,
            recording,
            metrics,
            running: Running::default(),
        }
    }
}

impl FromRef<AdminState> for Catalog {
    fn from_ref(state: &AdminState) -> Self {
        state.catalog.clone()
    }
}

impl FromRef<AdminState> for CredentialEngine {
    fn from_ref(state: &AdminState) -> Self {
        state.credentials.clone()
    }
}

impl FromRef<AdminState> for Proofs {
    fn from_ref(state: &AdminState) -> Self {
        state.proofs.clone()
    }
}

impl FromRef<AdminState> for SharedClock {
    fn from_ref(state: &AdminState) -> Self {
        state.clock.clone()
    }
}

impl std::fmt::Debug for AdminState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminState").finish_non_exhaustive()
    }
}
