//! A batch that is being worked on: its row, its document, and on whose behalf.

use std::sync::Arc;
use std::time::Duration;

use portcullis_catalog::{BatchState, Caller, CatalogError, KeyKind, Scope, StoredBatch, ThenLease};
use portcullis_provider::error::Dialect;
use portcullis_provider::openai_batch::{LineError, Surrogates};
use portcullis_provider::routes::{Route, route};
use portcullis_types::Slug;
use time::OffsetDateTime;

use super::document::Document;
use super::lines::{Lines, LinesError};
use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::openai::errand::Errand;
use crate::way::{Admitted, Authenticated, Resolved, admit};

/// What is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Something else can be done at once.
    Again,
    /// It is over, and that is written down.
    Over,
    /// Nothing can be done for so long.
    Wait(Duration),
}

/// Why the work stops here. The lease ends by itself then, and somebody goes on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("the input cannot be read")]
    Input(#[source] LinesError),
    #[error("a temporary file cannot be written or read")]
    Spool(#[source] std::io::Error),
}

impl From<LinesError> for Stop {
    fn from(error: LinesError) -> Self {
        match error {
            LinesError::Catalog(error) => Self::Catalog(error),
            too_long @ LinesError::TooLong { .. } => Self::Input(too_long),
        }
    }
}

/// A batch that is ours for a while.
pub(super) struct Job<'a> {
    pub(super) gateway: &'a Parts,
    pub(super) arrival: Arrival,
    pub(super) batch: StoredBatch,
    pub(super) document: Document,
}

impl<'a> Job<'a> {
    /// - `batch`: claimed.
    pub(super) fn new(gateway: &'a Parts, batch: StoredBatch) -> Result<Self, CatalogError> {
        let document = Document::of(&batch)?;
        let arrival = Arrival::of_ourselves(Dialect::OpenAi, gateway.clock.as_ref());
        Ok(Self { gateway, arrival, batch, document })
    }

    /// Unix seconds.
    pub(super) fn now(&self) -> i64 {
        OffsetDateTime::from(self.gateway.clock.now()).unix_timestamp()
    }

    /// Writes what is known, and keeps the lease.
    pub(super) async fn save(&mut self) -> Result<(), CatalogError> {
        self.write(ThenLease::Hold).await
    }

    /// Writes what is known, and leaves the batch to whoever looks next, in `pause` at the earliest.
    pub(super) async fn release(&mut self, pause: Duration) -> Result<(), CatalogError> {
        let due_at = OffsetDateTime::from(self.gateway.clock.now() + pause);
        self.write(ThenLease::Release { due_at }).await
    }

    async fn write(&mut self, then: ThenLease) -> Result<(), CatalogError> {
        let due_at = OffsetDateTime::from(self.gateway.clock.now());
        let then = if self.batch.state.is_over() { ThenLease::Release { due_at } } else { then };
        self.batch.document = self.document.to_json();
        let ids = self.document.parts.iter().filter_map(|part| part.state.id());
        self.batch.upstream_batch_ids = ids.map(str::to_owned).collect();
        self.batch = self.gateway.catalog.update_batch(&self.batch, then).await?;
        Ok(())
    }

    /// The ids of its lines at the upstream.
    pub(super) fn surrogates(&self) -> Surrogates {
        let id = self.batch.id.to_string();
        let tag = id.rsplit('_').next().unwrap_or_default();
        Surrogates::new(tag).expect("a batch's id ends with 32 hexadecimal digits")
    }

    /// The input's lines, from the first.
    pub(super) async fn lines(&self) -> Result<Lines, CatalogError> {
        let missing = CatalogError::NotFound { what: "file" };
        let id = self.batch.input_file_id.ok_or(missing)?;
        let reader = self.gateway.catalog.read_file(self.batch.workspace_id, id).await?;
        Ok(Lines::new(reader, self.gateway.settings.max_request_bytes))
    }

    /// The batch fails before anything was sent.
    pub(super) fn fail(&mut self, errors: Vec<LineError>) {
        self.batch.state = self.document.fail(errors, self.now());
    }

    pub(super) fn is_cancel_requested(&self) -> bool {
        self.batch.cancel_requested_at.is_some()
    }

    /// Notes a cancellation that was asked for meanwhile.
    pub(super) fn heed_cancellation(&mut self) {
        let Some(at) = self.batch.cancel_requested_at else { return };
        self.document.times.cancelling.get_or_insert(at.unix_timestamp());
        if self.batch.state == BatchState::InProgress {
            self.batch.state = BatchState::Cancelling;
        }
    }

    /// The provider that the batch went to, if it still serves, for a route of its batches.
    pub(super) fn admit(&self, method: &str, path: &str) -> Result<Admitted, GatewayError> {
        let snapshot = self.gateway.catalog.snapshot();
        let mut providers = snapshot.providers(self.batch.workspace_id);
        let provider = providers.find(|provider| Some(provider.provider_id) == self.batch.provider_id);
        let provider = Arc::clone(provider.ok_or(GatewayError::NoProvider)?);
        let asked_by = &self.document.asked_by;
        // The key proved what it may do when it made the batch; what has been begun is finished when it is gone.
        let caller = Caller {
            key_id: self.batch.key_id,
            organisation_id: asked_by.organisation,
            workspace_id: Some(self.batch.workspace_id),
            kind: KeyKind::WorkspaceService,
            scopes: vec![Scope::COMPLETIONS_WRITE],
            expires_at: None,
            user_id: asked_by.user.clone(),
            name: String::new(),
            on_unsupported: asked_by.on_unsupported,
        };
        let is_shared = snapshot.is_shared(&provider.platform.workspace_id);
        let resolved = Resolved {
            is_shared,
            caller: Authenticated(Arc::new(caller)),
            workspace: self.batch.workspace_id,
            provider,
            model: None,
            metadata: asked_by.metadata(),
        };
        admit(resolved, served(method, path))
    }

    pub(super) fn errand<'e>(&'e self, admitted: &'e Admitted) -> Errand<'e> {
        Errand { gateway: self.gateway, arrival: &self.arrival, admitted }
    }

    /// The slug that a header named when the batch was made.
    pub(super) fn header_provider(&self) -> Option<Slug> {
        self.document.header_provider.as_deref().and_then(|slug| slug.parse().ok())
    }
}

fn served(method: &str, path: &str) -> &'static Route {
    route(method, path).expect("the routes of message batches stand in the table")
}
