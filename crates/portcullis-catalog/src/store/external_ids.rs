//! Statements on external IDs: whose each is, for ever.

use portcullis_types::{ExternalId, OrganisationId, TenantWorkspaceId};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Transaction, change, statement};
use crate::error::CatalogError;
use crate::integration::ExternalIdOrigin;

/// Notes whose an external ID is, for ever, because an integration is made with it. Says who chose it when that was first
/// noted.
///
/// - `origin`: who chose it, should nobody have noted it yet.
///
/// # Errors
/// [`CatalogError::Conflict`] when it is another organisation's.
pub(crate) async fn claim(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    external_id: &ExternalId,
    origin: ExternalIdOrigin,
    now: OffsetDateTime,
) -> Result<ExternalIdOrigin, CatalogError> {
    change!(transaction, "claiming an external ID", {
        sqlx::query(
            "insert into external_ids (external_id, organisation_id, created_at, is_generated, is_used) \
             values ($1, $2, $3, $4, true) on conflict (external_id) do update set is_used = true \
             where external_ids.organisation_id = excluded.organisation_id",
        )
        .bind(external_id.as_str())
        .bind(*organisation.as_uuid())
        .bind(now)
        .bind(origin == ExternalIdOrigin::Generated)
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

/// Notes that an external ID, which nobody has seen yet, is this organisation's.
///
/// - `reserved_for`: the workspace whose key asked for it.
pub(crate) async fn reserve(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    reserved_for: Option<TenantWorkspaceId>,
    external_id: &ExternalId,
    now: OffsetDateTime,
) -> Result<(), CatalogError> {
    change!(transaction, "reserving an external ID", {
        sqlx::query(
            "insert into external_ids (external_id, organisation_id, created_at, is_generated, reserved_for) \
             values ($1, $2, $3, true, $4)",
        )
        .bind(external_id.as_str())
        .bind(*organisation.as_uuid())
        .bind(now)
        .bind(reserved_for.map(|workspace| *workspace.as_uuid()))
    })?;
    Ok(())
}

/// Makes whoever else reserves for this organisation wait until this transaction ends.
///
/// # Errors
/// [`CatalogError::NotFound`] without such an organisation.
pub(crate) async fn take_turn(
    transaction: &mut Transaction,
    organisation: OrganisationId,
) -> Result<(), CatalogError> {
    let n_rows = change!(transaction, "waiting for other reservations", {
        sqlx::query("update organisations set updated_at = updated_at where id = $1")
            .bind(*organisation.as_uuid())
    })?;
    if n_rows == 1 { Ok(()) } else { Err(CatalogError::NotFound { what: "organisation" }) }
}

/// How many reserved external IDs of an organisation, or of one workspace's keys, no integration has been made with.
pub(crate) async fn count_unused(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    reserved_for: Option<TenantWorkspaceId>,
) -> Result<i64, CatalogError> {
    statement!(transaction, "counting reserved external IDs", |connection| {
        sqlx::query_scalar(
            "select count(*) from external_ids where organisation_id = $1 and not is_used \
             and ($2 is null or reserved_for = $2)",
        )
        .bind(*organisation.as_uuid())
        .bind(reserved_for.map(|workspace| *workspace.as_uuid()))
        .fetch_one(connection)
    })
}

/// Drops the organisation's reservations that are unused and older than `before`.
pub(crate) async fn drop_unused(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    before: OffsetDateTime,
) -> Result<(), CatalogError> {
    change!(transaction, "dropping old reservations", {
        sqlx::query("delete from external_ids where organisation_id = $1 and not is_used and created_at < $2")
            .bind(*organisation.as_uuid())
            .bind(before)
    })?;
    Ok(())
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
