//! Statements on providers.

use std::time::SystemTime;

use portcullis_types::{
    IntegrationId, OrganisationId, ProviderId, Revision, TenantWorkspaceId, TranslationSettings,
};
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::verifications::VerificationColumns;
use super::{Reference, Transaction, change, statement};
use crate::error::CatalogError;
use crate::page::Page;
use crate::provider::{Provider, ProviderFilter, ProviderStatus};
use crate::text::{corrupt, parsed};

const WHAT: &str = "provider";

/// One provider as it lies in the table.
#[derive(Clone, sqlx::FromRow)]
pub(crate) struct ProviderRow {
    pub(crate) id: Uuid,
    pub(crate) organisation_id: Uuid,
    pub(crate) workspace_id: Uuid,
    /// Read only: it comes from the workspace.
    pub(crate) workspace_slug: String,
    pub(crate) integration_id: Uuid,
    /// Read only: it comes from the integration.
    pub(crate) integration_slug: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) note: Option<String>,
    /// Not yet the settings: one row that cannot be read must not take the others with it.
    pub(crate) translation: Json<serde_json::Value>,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    /// Read only, like the rest: it comes from the integration and its last verification.
    pub(crate) integration_revision: i64,
    #[sqlx(flatten)]
    pub(crate) verification: VerificationColumns,
}

impl ProviderRow {
    /// # Errors
    /// [`CatalogError::Corrupt`] when a value does not parse.
    pub(crate) fn read(self, now: SystemTime) -> Result<Provider, CatalogError> {
        let is_over = self.expires_at.is_some_and(|end| end <= OffsetDateTime::from(now));
        Ok(Provider {
            id: ProviderId::from_uuid(self.id),
            organisation_id: OrganisationId::from_uuid(self.organisation_id),
            workspace_id: TenantWorkspaceId::from_uuid(self.workspace_id),
            workspace_slug: parsed(WHAT, self.id, &self.workspace_slug)?,
            integration_id: IntegrationId::from_uuid(self.integration_id),
            integration_slug: parsed(WHAT, self.id, &self.integration_slug)?,
            slug: parsed(WHAT, self.id, &self.slug)?,
            name: self.name,
            note: self.note,
            translation: serde_json::from_value::<TranslationSettings>(self.translation.0)
                .map_err(|error| corrupt(WHAT, self.id, format_args!("its translation: {error}")))?,
            status: if is_over { ProviderStatus::Expired } else { ProviderStatus::Active },
            expires_at: self.expires_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
            verification: self.verification.summary(WHAT, self.id, Revision(self.integration_revision))?,
        })
    }
}

/// The columns of [`ProviderRow`], and the rest of the statement.
macro_rules! select_providers {
    ($rest:literal) => {
        concat!(
            "select p.id, p.organisation_id, p.workspace_id, w.slug as workspace_slug, p.integration_id, \
             i.slug as integration_slug, p.slug, p.name, p.note, p.translation, p.expires_at, p.created_at, \
             p.updated_at, i.revision as integration_revision, v.status as verification_status, \
             v.revision as verification_revision, v.verified_at, v.external_id_enforced \
             from providers p join workspaces w on w.id = p.workspace_id \
             join integrations i on i.id = p.integration_id \
             left join integration_verifications v on v.integration_id = i.id ",
            $rest
        )
    };
}

pub(crate) async fn insert(transaction: &mut Transaction, row: &ProviderRow) -> Result<(), CatalogError> {
    change!(transaction, "writing a provider", {
        sqlx::query(
            "insert into providers (id, organisation_id, workspace_id, integration_id, slug, name, note, \
             translation, expires_at, created_at, updated_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(row.id)
        .bind(row.organisation_id)
        .bind(row.workspace_id)
        .bind(row.integration_id)
        .bind(&row.slug)
        .bind(&row.name)
        .bind(&row.note)
        .bind(&row.translation)
        .bind(row.expires_at)
        .bind(row.created_at)
        .bind(row.updated_at)
    })?;
    Ok(())
}

pub(crate) async fn update(transaction: &mut Transaction, row: &ProviderRow) -> Result<(), CatalogError> {
    change!(transaction, "changing a provider", {
        sqlx::query(
            "update providers set name = $2, note = $3, translation = $4, expires_at = $5, updated_at = $6 \
             where id = $1",
        )
        .bind(row.id)
        .bind(&row.name)
        .bind(&row.note)
        .bind(&row.translation)
        .bind(row.expires_at)
        .bind(row.updated_at)
    })?;
    Ok(())
}

pub(crate) async fn delete(transaction: &mut Transaction, id: Uuid) -> Result<(), CatalogError> {
    change!(transaction, "deleting a provider", {
        sqlx::query("delete from providers where id = $1").bind(id)
    })?;
    Ok(())
}

/// # Errors
/// [`CatalogError::NotFound`] when the workspace has no such provider.
pub(crate) async fn find(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    workspace: TenantWorkspaceId,
    reference: Reference<'_>,
) -> Result<ProviderRow, CatalogError> {
    let row: Option<ProviderRow> = statement!(transaction, "reading a provider", |connection| {
        sqlx::query_as(select_providers!(
            "where p.organisation_id = $1 and p.workspace_id = $2 and (p.id = $3 or p.slug = $4)"
        ))
        .bind(*organisation.as_uuid())
        .bind(*workspace.as_uuid())
        .bind(reference.id)
        .bind(reference.slug)
        .fetch_optional(connection)
    })?;
    row.ok_or(CatalogError::NotFound { what: WHAT })
}

/// The slugs of an integration's providers.
pub(crate) async fn slugs_of(
    transaction: &mut Transaction,
    integration: Uuid,
) -> Result<Vec<String>, CatalogError> {
    statement!(transaction, "reading an integration's providers", |connection| {
        sqlx::query_scalar("select slug from providers where integration_id = $1 order by id")
            .bind(integration)
            .fetch_all(connection)
    })
}

pub(crate) async fn delete_of(transaction: &mut Transaction, integration: Uuid) -> Result<(), CatalogError> {
    change!(transaction, "deleting an integration's providers", {
        sqlx::query("delete from providers where integration_id = $1").bind(integration)
    })?;
    Ok(())
}

pub(crate) async fn count(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    filter: ProviderFilter,
) -> Result<i64, CatalogError> {
    statement!(transaction, "counting the providers", |connection| {
        sqlx::query_scalar(
            "select count(*) from providers where organisation_id = $1 \
             and ($2 is null or workspace_id = $2) and ($3 is null or integration_id = $3)",
        )
        .bind(*organisation.as_uuid())
        .bind(filter.workspace_id.map(|id| *id.as_uuid()))
        .bind(filter.integration_id.map(|id| *id.as_uuid()))
        .fetch_one(connection)
    })
}

pub(crate) async fn list(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    filter: ProviderFilter,
    page: Page,
) -> Result<Vec<ProviderRow>, CatalogError> {
    statement!(transaction, "reading the providers", |connection| {
        sqlx::query_as(select_providers!(
            "where p.organisation_id = $1 and ($2 is null or p.workspace_id = $2) \
             and ($3 is null or p.integration_id = $3) order by p.id limit $4 offset $5"
        ))
        .bind(*organisation.as_uuid())
        .bind(filter.workspace_id.map(|id| *id.as_uuid()))
        .bind(filter.integration_id.map(|id| *id.as_uuid()))
        .bind(page.limit())
        .bind(page.offset())
        .fetch_all(connection)
    })
}

/// Every provider of every organisation: for the snapshot.
pub(crate) async fn all(transaction: &mut Transaction) -> Result<Vec<ProviderRow>, CatalogError> {
    statement!(transaction, "reading all providers", |connection| {
        sqlx::query_as(select_providers!("")).fetch_all(connection)
    })
}
