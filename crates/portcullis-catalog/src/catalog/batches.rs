//! Batches.

use portcullis_types::{BatchId, TenantWorkspaceId};
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Catalog, slice};
use crate::batch::{BATCH_LEASE, BatchState, NewBatch, StoredBatch, ThenLease};
use crate::error::CatalogError;
use crate::page::{MAX_SLICE, Slice};
use crate::store::batches::{self, BatchRow, place};
use crate::store::{Transaction, batch_leases};
use crate::text::{check_name, stored_now, whole_seconds};

const WHAT: &str = "batch";
const NOT_FOUND: CatalogError = CatalogError::NotFound { what: WHAT };

impl Catalog {
    /// Makes a batch: [`BatchState::Validating`], due at once, nobody's yet.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] when a value breaks its rule (see [`NewBatch`]).
    pub async fn create_batch(&self, new: NewBatch) -> Result<StoredBatch, CatalogError> {
        check_name("endpoint", &new.endpoint)?;
        let now = self.0.clock.now();
        let id = *BatchId::generate(now).as_uuid();
        let created_at = stored_now(now);
        let row = BatchRow {
            id,
            workspace_id: *new.workspace_id.as_uuid(),
            key_id: *new.key_id.as_uuid(),
            provider_id: new.provider_id.map(|id| *id.as_uuid()),
            endpoint: new.endpoint,
            input_file_id: new.input_file_id.map(|id| *id.as_uuid()),
            output_file_id: None,
            error_file_id: None,
            state: BatchState::Validating.as_str().into(),
            upstream_batch_ids: Json(Vec::new()),
            document: self.seal_document(id, &new.document)?,
            version: 1,
            cancel_requested_at: None,
            due_at: Some(whole_seconds(created_at)),
            leased_until: None,
            keep_until: new.keep_until.map(whole_seconds),
            created_at,
            updated_at: created_at,
        };
        let mut transaction = self.0.store.write_beside().await?;
        batches::insert(&mut transaction, &row).await?;
        transaction.commit().await?;
        row.read(&self.0.keys)
    }

    fn seal_document(&self, id: Uuid, document: &serde_json::Value) -> Result<Vec<u8>, CatalogError> {
        let text = serde_json::to_vec(document).expect("JSON can be written");
        // A name that the reader keeps for itself would come back as something else, or not at all.
        if serde_json::from_slice::<serde_json::Value>(&text).ok().as_ref() != Some(document) {
            return Err(CatalogError::invalid("document", "must read as it is written"));
        }
        Ok(self.0.keys.seal_object(&place(id), &text)?)
    }

    /// A batch of a workspace.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the workspace has none of this id.
    pub async fn batch(
        &self,
        workspace: TenantWorkspaceId,
        id: BatchId,
    ) -> Result<StoredBatch, CatalogError> {
        let row = batches::find(&mut self.0.store.read().await?, workspace, id).await?;
        row.ok_or(NOT_FOUND)?.read(&self.0.keys)
    }

    /// The batches of a workspace, the newest first.
    ///
    /// - `after`: only what comes behind this one, which need not exist any more.
    /// - `limit`: taken as at least 1 and at most 10,000.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_batches(
        &self,
        workspace: TenantWorkspaceId,
        after: Option<BatchId>,
        limit: u32,
    ) -> Result<Slice<StoredBatch>, CatalogError> {
        let one_more = i64::from(limit.clamp(1, MAX_SLICE)) + 1;
        let rows = batches::list(&mut self.0.store.read().await?, workspace, after, one_more).await?;
        Ok(slice(rows, limit, |row| row.read(&self.0.keys)))
    }

    /// The batches on which there is something to do and on which nobody works, the longest overdue first. Each is the
    /// caller's alone for [`BATCH_LEASE`].
    ///
    /// Asking costs one read while nothing is due.
    ///
    /// # Errors
    /// When the database cannot be asked. A batch that cannot be read is logged, and is due again when its lease is over.
    pub async fn due_batches(&self, limit: u32) -> Result<Vec<StoredBatch>, CatalogError> {
        let (now, until) = self.lease();
        let due = batch_leases::due(&mut self.0.store.read().await?, now, limit.into()).await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.0.store.write_beside().await?;
        let mut claimed = Vec::with_capacity(due.len());
        for id in due {
            if batch_leases::claim(&mut transaction, id, now, until).await? {
                let row = batches::find_any(&mut transaction, id).await?.ok_or(NOT_FOUND)?;
                let read = row.read(&self.0.keys).inspect_err(|error| tracing::error!("left alone: {error}"));
                claimed.extend(read.ok());
            }
        }
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Takes one batch, due or not. `None` when somebody works on it, or when it is over.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the workspace has none of this id.
    pub async fn claim_batch(
        &self,
        workspace: TenantWorkspaceId,
        id: BatchId,
    ) -> Result<Option<StoredBatch>, CatalogError> {
        let (now, until) = self.lease();
        let mut transaction = self.0.store.write_beside().await?;
        let found = batches::find(&mut transaction, workspace, id).await?.ok_or(NOT_FOUND)?;
        if !batch_leases::claim(&mut transaction, found.id, now, until).await? {
            return Ok(None);
        }
        let claimed = self.batch_again(&mut transaction, workspace, id).await?;
        transaction.commit().await?;
        Ok(Some(claimed))
    }

    fn lease(&self) -> (OffsetDateTime, OffsetDateTime) {
        let now = self.0.clock.now();
        (whole_seconds(now.into()), whole_seconds((now + BATCH_LEASE).into()))
    }

    async fn batch_again(
        &self,
        transaction: &mut Transaction,
        workspace: TenantWorkspaceId,
        id: BatchId,
    ) -> Result<StoredBatch, CatalogError> {
        batches::find(transaction, workspace, id).await?.ok_or(NOT_FOUND)?.read(&self.0.keys)
    }

    /// Changes a batch that the caller has claimed, and returns it as it stands then: of a new version, and with what came
    /// meanwhile of [`Catalog::request_cancel`].
    ///
    /// Of `batch`, what may change is its provider, its output and error file, its state, the upstream's batches, the
    /// document and how long it is kept; the rest is as it was.
    ///
    /// # Errors
    /// [`CatalogError::ChangedMeanwhile`] when it is no longer of this version: the lease was over, and somebody else has
    /// it now.
    pub async fn update_batch(
        &self,
        batch: &StoredBatch,
        then: ThenLease,
    ) -> Result<StoredBatch, CatalogError> {
        let row = self.changed_row(batch, then)?;
        let mut transaction = self.0.store.write_beside().await?;
        if !batches::update(&mut transaction, &row, self.lease().0).await? {
            return Err(CatalogError::ChangedMeanwhile { what: WHAT });
        }
        let stored = self.batch_again(&mut transaction, batch.workspace_id, batch.id).await?;
        transaction.commit().await?;
        Ok(stored)
    }

    fn changed_row(&self, batch: &StoredBatch, then: ThenLease) -> Result<BatchRow, CatalogError> {
        let (now, until) = self.lease();
        let is_over = batch.state.is_over();
        let (due_at, leased_until) = match then {
            _ if is_over => (None, None),
            ThenLease::Hold => (Some(now), Some(until)),
            ThenLease::Release { due_at } => (Some(whole_seconds(due_at)), None),
        };
        let id = *batch.id.as_uuid();
        let uuid = |id: Option<portcullis_types::FileId>| id.map(|id| *id.as_uuid());
        Ok(BatchRow {
            id,
            workspace_id: *batch.workspace_id.as_uuid(),
            key_id: *batch.key_id.as_uuid(),
            provider_id: batch.provider_id.map(|id| *id.as_uuid()),
            endpoint: batch.endpoint.clone(),
            input_file_id: uuid(batch.input_file_id),
            output_file_id: uuid(batch.output_file_id),
            error_file_id: uuid(batch.error_file_id),
            state: batch.state.as_str().into(),
            upstream_batch_ids: Json(batch.upstream_batch_ids.clone()),
            document: self.seal_document(id, &batch.document)?,
            version: batch.version.try_into().unwrap_or(i64::MAX),
            cancel_requested_at: batch.cancel_requested_at,
            due_at,
            leased_until,
            keep_until: batch.keep_until.map(whole_seconds),
            created_at: batch.created_at,
            updated_at: stored_now(self.0.clock.now()),
        })
    }

    /// Notes that the owner wants a batch to be stopped, and makes it due at once. Whoever works on it learns of it with the
    /// next change. A batch that is over stays as it is, and asking again changes nothing.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the workspace has none of this id.
    pub async fn request_cancel(
        &self,
        workspace: TenantWorkspaceId,
        id: BatchId,
    ) -> Result<StoredBatch, CatalogError> {
        let (now, _) = self.lease();
        let mut transaction = self.0.store.write_beside().await?;
        batch_leases::request_cancel(&mut transaction, workspace, id, now).await?;
        let stored = self.batch_again(&mut transaction, workspace, id).await?;
        transaction.commit().await?;
        Ok(stored)
    }
}
