//! The model catalog: organisations, workspaces, integrations, providers and keys, in Postgres or SQLite.
//!
//! Start at [`Catalog`]: it opens the database, answers the control plane's calls, and keeps the [`Snapshot`] from which
//! the data plane reads without touching the database. [`KeyRing`] seals what must not lie in the clear.
//!
//! A [`Catalog`] is a cheap handle. Its calls come by subject: [`organisation`] (organisations and workspaces),
//! [`integration`], [`verification`], [`provider`], [`api_key`]. Somebody must run [`Catalog::watch`], or changes made by other processes
//! stay unseen.
//!
//! # Invariants
//! - [`Snapshot::caller`] and [`Snapshot::provider`] neither wait nor touch the database.
//!   (test `an_old_snapshot_survives_a_database_that_went_away`)
//! - A write is in this process's snapshot before its call returns. (test `a_write_is_in_the_snapshot_when_it_returns`)
//! - A provider answers only within its own workspace. (test `providers_answer_only_in_their_workspace`)
//! - An external ID belongs to one organisation for ever, also after its integration is deleted.
//!   (test `an_external_id_stays_with_its_organisation`)
//! - A role serves two organisations only when it is proven that each is held to its external ID.
//!   (test `a_role_of_two_organisations_needs_two_proofs`)
//! - A verification is of one revision; a change that AWS can see makes it void.
//!   (test `a_verification_is_of_one_revision`)
//! - A sealed value opens only in the row and the column it was sealed for. (test `a_moved_secret_does_not_open`)
//! - A key is at rest only as a digest, other secrets only sealed, and none shows in `Debug`.
//!   (tests `no_secret_lies_in_the_clear`, `debug_hides_every_secret`)

pub mod api_key;
pub mod database_url;
pub mod error;
pub mod integration;
pub mod key_ring;
pub mod organisation;
pub mod page;
pub mod provider;
pub mod scope;
pub mod shared_role;
pub mod snapshot;
pub mod verification;

mod catalog;
mod store;
mod text;

pub use api_key::{ApiKey, ApiKeyFilter, ApiKeyStatus, KeyKind, NewApiKey};
pub use catalog::{Bootstrap, Catalog};
pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use error::CatalogError;
pub use integration::{
    AuthPatch, DeleteMode, ExternalIdOrigin, Integration, IntegrationFilter, IntegrationLevel,
    IntegrationPatch, IntegrationStatus, NewAuth, NewIntegration,
};
pub use key_ring::{InvalidKeyRing, KeyRing};
pub use organisation::{NewOrganisation, NewWorkspace, Organisation, Workspace};
pub use page::{Listing, Page};
pub use provider::{NewProvider, Provider, ProviderFilter, ProviderPatch, ProviderStatus};
pub use scope::{Scope, UnknownScope};
pub use shared_role::{SharedRole, SharedRoleProof};
pub use snapshot::{Caller, ResolvedProvider, Snapshot};
pub use verification::{
    Change, ExternalIdFinding, LastVerification, OverviewRow, Recorded, VerificationOverview,
    VerificationRecord, VerificationSummary,
};
