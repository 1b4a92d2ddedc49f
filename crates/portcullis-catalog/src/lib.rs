//! The model catalog: organisations, workspaces, integrations, providers and keys, in Postgres or SQLite.
//!
//! Start at [`Catalog`]: it opens the database, answers the control plane's calls, and keeps the [`Snapshot`] from which
//! the data plane reads without touching the database. [`KeyRing`] seals what must not lie in the clear.
//!
//! A [`Catalog`] is a cheap handle. Its calls come by subject: [`organisation`] (organisations and workspaces),
//! [`integration`], [`verification`], [`provider`], [`api_key`]. Somebody must run [`Catalog::watch`], or changes made by
//! other processes stay unseen.
//!
//! Beside the catalog lies what the data plane keeps, each thing under the tenant workspace that made it: who made which
//! object at the upstream ([`upstream_object`]), and what OpenAI's API has and the upstream has not, its files ([`mod@file`]),
//! batches ([`batch`]) and responses ([`response`]). It is in no snapshot and changes no version. Somebody must run
//! [`Catalog::purge_expired`] now and then, or what expired stays in the database, unseen.
//!
//! Of these objects nothing refers to a provider or a key: one may be deleted while what was made through it stays, and
//! then its id leads nowhere. A workspace cannot be deleted while it has any of them. (No call deletes workspaces yet.)
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
//! - What one workspace keeps, no other reads, changes or deletes: another's id is as good as none.
//!   (tests `a_file_answers_only_in_its_workspace`, `a_batch_answers_only_in_its_workspace`,
//!   `a_response_answers_only_in_its_workspace`, `an_object_is_its_makers`)
//! - A file is seen whole or not at all. (test `a_file_that_is_given_up_leaves_nothing`)
//! - A batch is one worker's at a time, and who lost it cannot change it.
//!   (test `a_lease_that_is_over_goes_to_another`)
//! - What somebody asked or was answered lies only sealed, and shows in no `Debug`.
//!   (tests `no_content_lies_in_the_clear`, `no_document_lies_in_the_clear`)
//! - A key is at rest only as a digest, other secrets only sealed, and none shows in `Debug`.
//!   (tests `no_secret_lies_in_the_clear`, `debug_hides_every_secret`)

pub mod api_key;
pub mod batch;
pub mod database_url;
pub mod error;
pub mod file;
pub mod integration;
pub mod key_ring;
pub mod organisation;
pub mod page;
pub mod provider;
pub mod response;
pub mod retention;
pub mod scope;
pub mod shared_role;
pub mod snapshot;
pub mod upstream_object;
pub mod verification;

mod catalog;
mod store;
mod text;

pub use api_key::{ApiKey, ApiKeyFilter, ApiKeyStatus, KeyKind, NewApiKey};
pub use batch::{BATCH_LEASE, BatchState, InvalidBatchState, NewBatch, StoredBatch, ThenLease};
pub use catalog::{Bootstrap, Catalog, FileReader, FileWriter};
pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use error::CatalogError;
pub use file::{
    FILE_CHUNK_BYTES, FileAtUpstream, FileFilter, FilePurpose, InvalidFilePurpose, ListOrder, NewFile,
    StoredFile,
};
pub use integration::{
    AuthPatch, DeleteMode, ExternalIdOrigin, Integration, IntegrationFilter, IntegrationLevel,
    IntegrationPatch, IntegrationStatus, NewAuth, NewIntegration,
};
pub use key_ring::{InvalidKeyRing, KeyRing};
pub use organisation::{NewOrganisation, NewWorkspace, Organisation, Workspace};
pub use page::{Listing, Page, Slice};
pub use provider::{NewProvider, Provider, ProviderFilter, ProviderPatch, ProviderStatus};
pub use response::{MAX_RESPONSE_BYTES, StoredResponse};
pub use retention::Purged;
pub use scope::{Scope, UnknownScope};
pub use shared_role::{SharedRole, SharedRoleProof};
pub use snapshot::{Caller, ResolvedProvider, Snapshot};
pub use upstream_object::{UpstreamObject, UpstreamObjectKind};
pub use verification::{
    Change, ExternalIdFinding, LastVerification, OverviewRow, Recorded, VerificationOverview,
    VerificationRecord, VerificationSummary,
};
