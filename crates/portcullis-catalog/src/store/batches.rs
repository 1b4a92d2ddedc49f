//! Statements on batches, but for who works on them ([`super::batch_leases`]). They lie beside the catalog, as all that
//! the data plane keeps.

use portcullis_types::{ApiKeyId, BatchId, FileId, ProviderId, TenantWorkspaceId};
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Transaction, change, statement};
use crate::batch::StoredBatch;
use crate::error::CatalogError;
use crate::key_ring::{KeyRing, Place};
use crate::text::{corrupt, parsed};

const WHAT: &str = "batch";

/// One batch as it lies in the table.
#[derive(sqlx::FromRow)]
pub(crate) struct BatchRow {
    pub(crate) id: Uuid,
    pub(crate) workspace_id: Uuid,
    pub(crate) key_id: Uuid,
    pub(crate) provider_id: Option<Uuid>,
    pub(crate) endpoint: String,
    pub(crate) input_file_id: Option<Uuid>,
    pub(crate) output_file_id: Option<Uuid>,
    pub(crate) error_file_id: Option<Uuid>,
    pub(crate) state: String,
    pub(crate) upstream_batch_ids: Json<Vec<String>>,
    /// Sealed.
    pub(crate) document: Vec<u8>,
    pub(crate) version: i64,
    pub(crate) cancel_requested_at: Option<OffsetDateTime>,
    /// None of one that is over.
    pub(crate) due_at: Option<OffsetDateTime>,
    pub(crate) leased_until: Option<OffsetDateTime>,
    pub(crate) keep_until: Option<OffsetDateTime>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

/// Where the document of this batch lies.
pub(crate) const fn place(id: Uuid) -> Place<'static> {
    Place { table: "batches", row: id, column: "document" }
}

impl BatchRow {
    /// # Errors
    /// [`CatalogError::Corrupt`] when a value does not parse, or the document does not open.
    pub(crate) fn read(self, keys: &KeyRing) -> Result<StoredBatch, CatalogError> {
        let opened = keys.open_object(&place(self.id), &self.document);
        let document = opened.map_err(|error| corrupt(WHAT, self.id, error))?;
        // Where serde_json says what is wrong, it may quote the document.
        let document = serde_json::from_slice(&document);
        let file = |id: Option<Uuid>| id.map(FileId::from_uuid);
        Ok(StoredBatch {
            id: BatchId::from_uuid(self.id),
            workspace_id: TenantWorkspaceId::from_uuid(self.workspace_id),
            key_id: ApiKeyId::from_uuid(self.key_id),
            provider_id: self.provider_id.map(ProviderId::from_uuid),
            endpoint: self.endpoint,
            input_file_id: file(self.input_file_id),
            output_file_id: file(self.output_file_id),
            error_file_id: file(self.error_file_id),
            state: parsed(WHAT, self.id, &self.state)?,
            upstream_batch_ids: self.upstream_batch_ids.0,
            document: document.map_err(|_| corrupt(WHAT, self.id, "its document is not JSON"))?,
            keep_until: self.keep_until,
            cancel_requested_at: self.cancel_requested_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self
                .version
                .try_into()
                .map_err(|_| corrupt(WHAT, self.id, "its version is negative"))?,
        })
    }
}

/// The columns of [`BatchRow`], and the rest of the statement.
macro_rules! select_batches {
    ($rest:literal) => {
        concat!(
            "select id, workspace_id, key_id, provider_id, endpoint, input_file_id, output_file_id, error_file_id, \
             state, upstream_batch_ids, document, version, cancel_requested_at, due_at, leased_until, keep_until, \
             created_at, updated_at from batches ",
            $rest
        )
    };
}

pub(crate) async fn insert(transaction: &mut Transaction, row: &BatchRow) -> Result<(), CatalogError> {
    change!(transaction, "writing a batch", {
        sqlx::query(
            "insert into batches (id, workspace_id, key_id, provider_id, endpoint, input_file_id, output_file_id, \
             error_file_id, state, upstream_batch_ids, document, version, cancel_requested_at, due_at, leased_until, \
             keep_until, created_at, updated_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        )
        .bind(row.id)
        .bind(row.workspace_id)
        .bind(row.key_id)
        .bind(row.provider_id)
        .bind(&row.endpoint)
        .bind(row.input_file_id)
        .bind(row.output_file_id)
        .bind(row.error_file_id)
        .bind(&row.state)
        .bind(&row.upstream_batch_ids)
        .bind(&row.document)
        .bind(row.version)
        .bind(row.cancel_requested_at)
        .bind(row.due_at)
        .bind(row.leased_until)
        .bind(row.keep_until)
        .bind(row.created_at)
        .bind(row.updated_at)
    })?;
    Ok(())
}

/// Writes all that may change, if the row is still of the version that `row` has. `false` when it is not.
///
/// - `now`: when it is due, if somebody asked to stop it and `row` does not know that.
pub(crate) async fn update(
    transaction: &mut Transaction,
    row: &BatchRow,
    now: OffsetDateTime,
) -> Result<bool, CatalogError> {
    let n_rows = change!(transaction, "changing a batch", {
        sqlx::query(
            "update batches set provider_id = $3, output_file_id = $4, error_file_id = $5, state = $6, \
             upstream_batch_ids = $7, document = $8, keep_until = $9, updated_at = $10, leased_until = $11, \
             due_at = case when $12 is not null and $13 and cancel_requested_at is not null then $14 else $12 end, \
             version = version + 1 where id = $1 and version = $2",
        )
        .bind(row.id)
        .bind(row.version)
        .bind(row.provider_id)
        .bind(row.output_file_id)
        .bind(row.error_file_id)
        .bind(&row.state)
        .bind(&row.upstream_batch_ids)
        .bind(&row.document)
        .bind(row.keep_until)
        .bind(row.updated_at)
        .bind(row.leased_until)
        .bind(row.due_at)
        .bind(row.cancel_requested_at.is_none())
        .bind(now)
    })?;
    Ok(n_rows == 1)
}

pub(crate) async fn find(
    transaction: &mut Transaction,
    workspace: TenantWorkspaceId,
    id: BatchId,
) -> Result<Option<BatchRow>, CatalogError> {
    statement!(transaction, "reading a batch", |connection| {
        sqlx::query_as(select_batches!("where workspace_id = $1 and id = $2"))
            .bind(*workspace.as_uuid())
            .bind(*id.as_uuid())
            .fetch_optional(connection)
    })
}

/// Whosever it is: for who works on it.
pub(crate) async fn find_any(
    transaction: &mut Transaction,
    id: Uuid,
) -> Result<Option<BatchRow>, CatalogError> {
    statement!(transaction, "reading a batch", |connection| {
        sqlx::query_as(select_batches!("where id = $1")).bind(id).fetch_optional(connection)
    })
}

/// The newest first.
pub(crate) async fn list(
    transaction: &mut Transaction,
    workspace: TenantWorkspaceId,
    after: Option<BatchId>,
    limit: i64,
) -> Result<Vec<BatchRow>, CatalogError> {
    statement!(transaction, "reading the batches", |connection| {
        sqlx::query_as(select_batches!(
            "where workspace_id = $1 and ($2 is null or id < $2) order by id desc limit $3"
        ))
        .bind(*workspace.as_uuid())
        .bind(after.map(|id| *id.as_uuid()))
        .bind(limit)
        .fetch_all(connection)
    })
}

/// Deletes those that are over and whose time is over, the longest first and so many at most.
pub(crate) async fn purge(
    transaction: &mut Transaction,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64, CatalogError> {
    change!(transaction, "deleting batches whose time is over", {
        sqlx::query(
            "delete from batches where id in (select id from batches where keep_until <= $1 and due_at is null \
             order by keep_until limit $2)",
        )
        .bind(now)
        .bind(limit)
    })
}
