//! Statements on integrations.

use portcullis_types::{IntegrationId, OrganisationId};
use uuid::Uuid;

use super::{Reference, Transaction, change, statement};
use crate::error::CatalogError;
use crate::integration::{CLAUDE_PLATFORM_AWS, IntegrationFilter, IntegrationLevel};
use crate::page::Page;

mod row;

pub(crate) use row::{IntegrationRow, api_key_place, secret_place};

const WHAT: &str = "integration";

/// The columns of [`IntegrationRow`], and the rest of the statement.
macro_rules! select_integrations {
    ($rest:literal) => {
        concat!(
            "select i.id, i.organisation_id, o.slug as organisation_slug, i.workspace_id, w.slug as workspace_slug, \
             i.slug, i.name, i.description, i.status, i.revision, i.auth_type, i.region, i.anthropic_workspace_id, i.role_arn, \
             i.external_id, i.external_id_origin, i.access_key_id, i.secret_access_key, i.api_key, i.api_key_header, \
             i.role_settings, i.features, i.created_at, i.updated_at, v.status as verification_status, \
             v.revision as verification_revision, v.verified_at, v.external_id_enforced \
             from integrations i join organisations o on o.id = i.organisation_id \
             left join workspaces w on w.id = i.workspace_id \
             left join integration_verifications v on v.integration_id = i.id ",
            $rest
        )
    };
}

pub(crate) async fn insert(transaction: &mut Transaction, row: &IntegrationRow) -> Result<(), CatalogError> {
    change!(transaction, "writing an integration", {
        sqlx::query(
            "insert into integrations (id, organisation_id, workspace_id, slug, name, description, ai_provider_id, \
             status, revision, auth_type, region, anthropic_workspace_id, role_arn, external_id, external_id_origin, \
             access_key_id, secret_access_key, created_at, updated_at, api_key, api_key_header, role_settings, \
             features) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
             $20, $21, $22, $23)",
        )
        .bind(row.id)
        .bind(row.organisation_id)
        .bind(row.workspace_id)
        .bind(&row.slug)
        .bind(&row.name)
        .bind(&row.description)
        .bind(CLAUDE_PLATFORM_AWS)
        .bind(&row.status)
        .bind(row.revision)
        .bind(&row.auth_type)
        .bind(&row.region)
        .bind(&row.anthropic_workspace_id)
        .bind(&row.role_arn)
        .bind(&row.external_id)
        .bind(&row.external_id_origin)
        .bind(&row.access_key_id)
        .bind(&row.secret_access_key)
        .bind(row.created_at)
        .bind(row.updated_at)
        .bind(&row.api_key)
        .bind(&row.api_key_header)
        .bind(&row.role_settings)
        .bind(&row.features)
    })?;
    Ok(())
}

pub(crate) async fn update(transaction: &mut Transaction, row: &IntegrationRow) -> Result<(), CatalogError> {
    change!(transaction, "changing an integration", {
        sqlx::query(
            "update integrations set name = $2, description = $3, status = $4, revision = $5, auth_type = $6, \
             region = $7, anthropic_workspace_id = $8, role_arn = $9, external_id = $10, external_id_origin = $11, \
             access_key_id = $12, secret_access_key = $13, updated_at = $14, api_key = $15, api_key_header = $16, \
             role_settings = $17, features = $18 where id = $1",
        )
        .bind(row.id)
        .bind(&row.name)
        .bind(&row.description)
        .bind(&row.status)
        .bind(row.revision)
        .bind(&row.auth_type)
        .bind(&row.region)
        .bind(&row.anthropic_workspace_id)
        .bind(&row.role_arn)
        .bind(&row.external_id)
        .bind(&row.external_id_origin)
        .bind(&row.access_key_id)
        .bind(&row.secret_access_key)
        .bind(row.updated_at)
        .bind(&row.api_key)
        .bind(&row.api_key_header)
        .bind(&row.role_settings)
        .bind(&row.features)
    })?;
    Ok(())
}

pub(crate) async fn delete(transaction: &mut Transaction, id: Uuid) -> Result<(), CatalogError> {
    change!(transaction, "deleting an integration", {
        sqlx::query("delete from integrations where id = $1").bind(id)
    })?;
    Ok(())
}

/// # Errors
/// [`CatalogError::NotFound`] when the organisation has no such integration.
pub(crate) async fn find(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    reference: Reference<'_>,
) -> Result<IntegrationRow, CatalogError> {
    let row: Option<IntegrationRow> = statement!(transaction, "reading an integration", |connection| {
        sqlx::query_as(select_integrations!("where i.organisation_id = $1 and (i.id = $2 or i.slug = $3)"))
            .bind(*organisation.as_uuid())
            .bind(reference.id)
            .bind(reference.slug)
            .fetch_optional(connection)
    })?;
    row.ok_or(CatalogError::NotFound { what: WHAT })
}

/// The filter as the statements take it: the level's name, and the workspace.
fn arguments(filter: IntegrationFilter) -> (&'static str, Option<Uuid>) {
    let level = match filter.level {
        IntegrationLevel::All => "all",
        IntegrationLevel::Organisation => "organisation",
        IntegrationLevel::Workspace => "workspace",
    };
    (level, filter.workspace_id.map(|id| *id.as_uuid()))
}

pub(crate) async fn count(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    filter: IntegrationFilter,
) -> Result<i64, CatalogError> {
    let (level, workspace) = arguments(filter);
    statement!(transaction, "counting the integrations", |connection| {
        sqlx::query_scalar(
            "select count(*) from integrations i where i.organisation_id = $1 \
             and ($2 <> 'organisation' or i.workspace_id is null) \
             and ($2 <> 'workspace' or i.workspace_id is not null) \
             and ($3 is null or i.workspace_id is null or i.workspace_id = $3)",
        )
        .bind(*organisation.as_uuid())
        .bind(level)
        .bind(workspace)
        .fetch_one(connection)
    })
}

pub(crate) async fn list(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    filter: IntegrationFilter,
    page: Page,
) -> Result<Vec<IntegrationRow>, CatalogError> {
    let (level, workspace) = arguments(filter);
    statement!(transaction, "reading the integrations", |connection| {
        sqlx::query_as(select_integrations!(
            "where i.organisation_id = $1 \
             and ($2 <> 'organisation' or i.workspace_id is null) \
             and ($2 <> 'workspace' or i.workspace_id is not null) \
             and ($3 is null or i.workspace_id is null or i.workspace_id = $3) \
             order by i.id limit $4 offset $5"
        ))
        .bind(*organisation.as_uuid())
        .bind(level)
        .bind(workspace)
        .bind(page.limit())
        .bind(page.offset())
        .fetch_all(connection)
    })
}

/// Every integration that serves, of every organisation: for the snapshot.
pub(crate) async fn all_active(transaction: &mut Transaction) -> Result<Vec<IntegrationRow>, CatalogError> {
    statement!(transaction, "reading all integrations", |connection| {
        sqlx::query_as(select_integrations!("where i.status = 'active'")).fetch_all(connection)
    })
}

/// The integration of this id, whosever it is: for what the gateway does of itself.
pub(crate) async fn find_of_any(
    transaction: &mut Transaction,
    id: IntegrationId,
) -> Result<Option<IntegrationRow>, CatalogError> {
    statement!(transaction, "reading an integration", |connection| {
        sqlx::query_as(select_integrations!("where i.id = $1")).bind(*id.as_uuid()).fetch_optional(connection)
    })
}
