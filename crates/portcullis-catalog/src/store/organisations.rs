//! Statements on organisations and workspaces.

use portcullis_types::{OrganisationId, TenantWorkspaceId};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Reference, Transaction, change, statement};
use crate::error::CatalogError;
use crate::organisation::{Organisation, Workspace};
use crate::page::Page;
use crate::text::parsed;

#[derive(sqlx::FromRow)]
struct OrganisationRow {
    id: Uuid,
    slug: String,
    name: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

#[derive(sqlx::FromRow)]
struct WorkspaceRow {
    id: Uuid,
    organisation_id: Uuid,
    slug: String,
    name: String,
    description: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<OrganisationRow> for Organisation {
    type Error = CatalogError;

    fn try_from(row: OrganisationRow) -> Result<Self, CatalogError> {
        Ok(Self {
            id: OrganisationId::from_uuid(row.id),
            slug: parsed("organisation", row.id, &row.slug)?,
            name: row.name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl TryFrom<WorkspaceRow> for Workspace {
    type Error = CatalogError;

    fn try_from(row: WorkspaceRow) -> Result<Self, CatalogError> {
        Ok(Self {
            id: TenantWorkspaceId::from_uuid(row.id),
            organisation_id: OrganisationId::from_uuid(row.organisation_id),
            slug: parsed("workspace", row.id, &row.slug)?,
            name: row.name,
            description: row.description,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

pub(crate) async fn insert(transaction: &mut Transaction, new: &Organisation) -> Result<(), CatalogError> {
    change!(transaction, "writing an organisation", {
        sqlx::query(
            "insert into organisations (id, slug, name, created_at, updated_at) values ($1, $2, $3, $4, $5)",
        )
        .bind(*new.id.as_uuid())
        .bind(new.slug.as_str())
        .bind(&new.name)
        .bind(new.created_at)
        .bind(new.updated_at)
    })?;
    Ok(())
}

pub(crate) async fn find(
    transaction: &mut Transaction,
    reference: Reference<'_>,
) -> Result<Option<Organisation>, CatalogError> {
    let row: Option<OrganisationRow> = statement!(transaction, "reading an organisation", |connection| {
        sqlx::query_as(
            "select id, slug, name, created_at, updated_at from organisations where id = $1 or slug = $2",
        )
        .bind(reference.id)
        .bind(reference.slug)
        .fetch_optional(connection)
    })?;
    row.map(Organisation::try_from).transpose()
}

/// Whether there is an organisation beside this one.
pub(crate) async fn are_others(
    transaction: &mut Transaction,
    organisation: OrganisationId,
) -> Result<bool, CatalogError> {
    statement!(transaction, "looking for other organisations", |connection| {
        sqlx::query_scalar("select exists (select 1 from organisations where id <> $1)")
            .bind(*organisation.as_uuid())
            .fetch_one(connection)
    })
}

pub(crate) async fn insert_workspace(
    transaction: &mut Transaction,
    new: &Workspace,
) -> Result<(), CatalogError> {
    change!(transaction, "writing a workspace", {
        sqlx::query(
            "insert into workspaces (id, organisation_id, slug, name, description, created_at, updated_at) \
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(*new.id.as_uuid())
        .bind(*new.organisation_id.as_uuid())
        .bind(new.slug.as_str())
        .bind(&new.name)
        .bind(new.description.as_deref())
        .bind(new.created_at)
        .bind(new.updated_at)
    })?;
    Ok(())
}

/// # Errors
/// [`CatalogError::NotFound`] when the organisation has no such workspace.
pub(crate) async fn find_workspace(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    reference: Reference<'_>,
) -> Result<Workspace, CatalogError> {
    let row: Option<WorkspaceRow> = statement!(transaction, "reading a workspace", |connection| {
        sqlx::query_as(
            "select id, organisation_id, slug, name, description, created_at, updated_at from workspaces \
             where organisation_id = $1 and (id = $2 or slug = $3)",
        )
        .bind(*organisation.as_uuid())
        .bind(reference.id)
        .bind(reference.slug)
        .fetch_optional(connection)
    })?;
    row.ok_or(CatalogError::NotFound { what: "workspace" })?.try_into()
}

pub(crate) async fn count_workspaces(
    transaction: &mut Transaction,
    organisation: OrganisationId,
) -> Result<i64, CatalogError> {
    statement!(transaction, "counting the workspaces", |connection| {
        sqlx::query_scalar("select count(*) from workspaces where organisation_id = $1")
            .bind(*organisation.as_uuid())
            .fetch_one(connection)
    })
}

pub(crate) async fn list_workspaces(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    page: Page,
) -> Result<Vec<Workspace>, CatalogError> {
    let rows: Vec<WorkspaceRow> = statement!(transaction, "reading the workspaces", |connection| {
        sqlx::query_as(
            "select id, organisation_id, slug, name, description, created_at, updated_at from workspaces \
             where organisation_id = $1 order by id limit $2 offset $3",
        )
        .bind(*organisation.as_uuid())
        .bind(page.limit())
        .bind(page.offset())
        .fetch_all(connection)
    })?;
    rows.into_iter().map(Workspace::try_from).collect()
}
