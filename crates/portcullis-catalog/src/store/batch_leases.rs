//! Statements on who works on a batch. None of them looks at the version: it is theirs to give.

use portcullis_types::{BatchId, TenantWorkspaceId};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Transaction, change, statement};
use crate::error::CatalogError;

/// The batches that are due and that nobody holds, the longest overdue first.
pub(crate) async fn due(
    transaction: &mut Transaction,
    now: OffsetDateTime,
    limit: i64,
) -> Result<Vec<Uuid>, CatalogError> {
    statement!(transaction, "looking for due batches", |connection| {
        sqlx::query_scalar(
            "select id from batches where due_at <= $1 and (leased_until is null or leased_until <= $1) \
             order by due_at, id limit $2",
        )
        .bind(now)
        .bind(limit)
        .fetch_all(connection)
    })
}

/// Takes a batch that nobody holds and that is not over, due or not. `false` when it was not to be had.
pub(crate) async fn claim(
    transaction: &mut Transaction,
    id: Uuid,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<bool, CatalogError> {
    let n_rows = change!(transaction, "claiming a batch", {
        sqlx::query(
            "update batches set leased_until = $3, version = version + 1 \
             where id = $1 and due_at is not null and (leased_until is null or leased_until <= $2)",
        )
        .bind(id)
        .bind(now)
        .bind(until)
    })?;
    Ok(n_rows == 1)
}

/// Notes that somebody wants a batch to be stopped, unless it is over, and makes it due. The first time counts.
pub(crate) async fn request_cancel(
    transaction: &mut Transaction,
    workspace: TenantWorkspaceId,
    id: BatchId,
    now: OffsetDateTime,
) -> Result<(), CatalogError> {
    change!(transaction, "asking for a batch to be stopped", {
        sqlx::query(
            "update batches set cancel_requested_at = $3, due_at = $3, updated_at = $3 \
             where workspace_id = $1 and id = $2 and due_at is not null and cancel_requested_at is null",
        )
        .bind(*workspace.as_uuid())
        .bind(*id.as_uuid())
        .bind(now)
    })?;
    Ok(())
}
