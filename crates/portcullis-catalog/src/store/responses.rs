//! Statements on responses. They lie beside the catalog, as all that the data plane keeps.

use portcullis_types::{ProviderId, ResponseId, TenantWorkspaceId};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Transaction, change, statement};
use crate::error::CatalogError;
use crate::key_ring::{KeyRing, Place};
use crate::response::StoredResponse;
use crate::text::{corrupt, parsed};

const WHAT: &str = "response";

/// One response as it lies in the table.
#[derive(sqlx::FromRow)]
pub(crate) struct ResponseRow {
    pub(crate) id: Uuid,
    pub(crate) workspace_id: Uuid,
    pub(crate) response_id: String,
    pub(crate) provider_id: Uuid,
    pub(crate) model: String,
    /// Sealed.
    pub(crate) document: Vec<u8>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

/// Where the document of this row lies.
pub(crate) const fn place(id: Uuid) -> Place<'static> {
    Place { table: "responses", row: id, column: "document" }
}

impl ResponseRow {
    /// # Errors
    /// [`CatalogError::Corrupt`] when a value does not parse, or the document does not open.
    pub(crate) fn read(self, keys: &KeyRing) -> Result<StoredResponse, CatalogError> {
        let opened = keys.open_object(&place(self.id), &self.document);
        Ok(StoredResponse {
            id: parsed(WHAT, self.id, &self.response_id)?,
            workspace_id: TenantWorkspaceId::from_uuid(self.workspace_id),
            provider_id: ProviderId::from_uuid(self.provider_id),
            model: self.model,
            created_at: self.created_at,
            expires_at: self.expires_at,
            document: opened.map_err(|error| corrupt(WHAT, self.id, error))?,
        })
    }
}

/// Writes one, in the place of an earlier one of its name.
pub(crate) async fn put(transaction: &mut Transaction, row: &ResponseRow) -> Result<(), CatalogError> {
    change!(transaction, "writing a response", {
        sqlx::query(
            "insert into responses (id, workspace_id, response_id, provider_id, model, document, created_at, \
             expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8) \
             on conflict (workspace_id, response_id) do update set id = excluded.id, \
             provider_id = excluded.provider_id, model = excluded.model, document = excluded.document, \
             created_at = excluded.created_at, expires_at = excluded.expires_at",
        )
        .bind(row.id)
        .bind(row.workspace_id)
        .bind(&row.response_id)
        .bind(row.provider_id)
        .bind(&row.model)
        .bind(&row.document)
        .bind(row.created_at)
        .bind(row.expires_at)
    })?;
    Ok(())
}

pub(crate) async fn find(
    transaction: &mut Transaction,
    workspace: TenantWorkspaceId,
    id: &ResponseId,
    now: OffsetDateTime,
) -> Result<Option<ResponseRow>, CatalogError> {
    statement!(transaction, "reading a response", |connection| {
        sqlx::query_as(
            "select id, workspace_id, response_id, provider_id, model, document, created_at, expires_at \
             from responses where workspace_id = $1 and response_id = $2 and expires_at > $3",
        )
        .bind(*workspace.as_uuid())
        .bind(id.as_str())
        .bind(now)
        .fetch_optional(connection)
    })
}

pub(crate) async fn exists(
    transaction: &mut Transaction,
    workspace: TenantWorkspaceId,
    id: &ResponseId,
    now: OffsetDateTime,
) -> Result<bool, CatalogError> {
    let found: Option<i64> = statement!(transaction, "looking for a response", |connection| {
        sqlx::query_scalar(
            "select cast(1 as bigint) from responses \
             where workspace_id = $1 and response_id = $2 and expires_at > $3",
        )
        .bind(*workspace.as_uuid())
        .bind(id.as_str())
        .bind(now)
        .fetch_optional(connection)
    })?;
    Ok(found.is_some())
}

/// Whether there was such a one.
pub(crate) async fn delete(
    transaction: &mut Transaction,
    workspace: TenantWorkspaceId,
    id: &ResponseId,
    now: OffsetDateTime,
) -> Result<bool, CatalogError> {
    let n_rows = change!(transaction, "deleting a response", {
        sqlx::query("delete from responses where workspace_id = $1 and response_id = $2 and expires_at > $3")
            .bind(*workspace.as_uuid())
            .bind(id.as_str())
            .bind(now)
    })?;
    Ok(n_rows > 0)
}

/// Deletes those whose time is over, the longest first and so many at most.
pub(crate) async fn purge(
    transaction: &mut Transaction,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64, CatalogError> {
    change!(transaction, "deleting responses whose time is over", {
        sqlx::query(
            "delete from responses where id in \
             (select id from responses where expires_at <= $1 order by expires_at limit $2)",
        )
        .bind(now)
        .bind(limit)
    })
}
