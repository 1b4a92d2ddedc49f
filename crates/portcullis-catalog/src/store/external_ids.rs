//! Statements on external IDs: whose each is, for ever.

use portcullis_types::{ExternalId, OrganisationId, TenantWorkspaceId};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Transaction, change, statement};
use crate::error::CatalogError;
use crate::integration::ExternalIdOrigin;

/// Notes whose an external ID is, for ever, and says who chose it when that was first noted.
///
/// - `origin`, `reserved_for`: who chose it, and for which workspace's key, should nobody have noted it yet.
///
/// # Errors
/// [`CatalogError::Conflict`] when it is another organisation's.
pub(crate) async fn reserve(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    external_id: &ExternalId,
    origin: ExternalIdOrigin,
    reserved_for: Option<TenantWorkspaceId>,
    now: OffsetDateTime,
) -> Result<ExternalIdOrigin, CatalogError> {
    change!(transaction, "reserving an external ID", {
        sqlx::query(
            "insert into external_ids (external_id, organisation_id, created_at, is_generated, reserved_for) \
             values ($1, $2, $3, $4, $5) on conflict (external_id) do nothing",
        )
        .bind(external_id.as_str())
        .bind(*organisation.as_uuid())
        .bind(now)
        .bind(origin == ExternalIdOrigin::Generated)
        .bind(reserved_for.map(|workspace| *workspace.as_uuid()))
    })?;
    let (owner, is_generated): (Uuid, bool) =
        statement!(transaction, "reading an external ID", |connection| {
            sqlx::query_as("select organisation_id, is_generated from external_ids where external_id = $1")
                .bind(external_id.as_str())
                .fetch_one(connection)
        })?;
    if owner != *organisation.as_uuid() {
        return Err(CatalogError::Conflict { what: "integration", field: "external_id" });
    }
    Ok(if is_generated { ExternalIdOrigin::Generated } else { ExternalIdOrigin::Supplied })
}

/// Whether another organisation has noted this external ID as its own.
pub(crate) async fn is_of_others(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    external_id: &str,
) -> Result<bool, CatalogError> {
    statement!(transaction, "looking for an external ID", |connection| {
        sqlx::query_scalar(
            "select exists (select 1 from external_ids where external_id = $1 and organisation_id <> $2)",
        )
        .bind(external_id)
        .bind(*organisation.as_uuid())
        .fetch_one(connection)
    })
}

/// Whether the gateway generated this external ID for a key of this workspace.
pub(crate) async fn is_reserved_for(
    transaction: &mut Transaction,
    workspace: TenantWorkspaceId,
    external_id: &ExternalId,
) -> Result<bool, CatalogError> {
    statement!(transaction, "looking for an external ID", |connection| {
        sqlx::query_scalar(
            "select exists (select 1 from external_ids where external_id = $1 and reserved_for = $2 and is_generated)",
        )
        .bind(external_id.as_str())
        .bind(*workspace.as_uuid())
        .fetch_one(connection)
    })
}
