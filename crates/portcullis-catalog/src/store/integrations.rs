//! Statements on integrations and external IDs.

use std::sync::Arc;

use portcullis_types::{
    AwsAuth, ClaudePlatformAws, ExternalId, FeatureSet, IntegrationId, OrganisationId, Revision, Slug,
    TenantWorkspaceId,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Reference, Transaction, change, statement};
use crate::error::CatalogError;
use crate::integration::{
    CLAUDE_PLATFORM_AWS, ExternalIdOrigin, Integration, IntegrationFilter, IntegrationLevel,
    IntegrationStatus,
};
use crate::key_ring::{KeyRing, Place};
use crate::page::Page;
use crate::text::{corrupt, parsed};

const WHAT: &str = "integration";

/// One integration as it lies in the table.
#[derive(Clone, sqlx::FromRow)]
pub(crate) struct IntegrationRow {
    pub(crate) id: Uuid,
    pub(crate) organisation_id: Uuid,
    /// Read only: it comes from the organisation.
    pub(crate) organisation_slug: String,
    pub(crate) workspace_id: Option<Uuid>,
    /// Read only: it comes from the workspace.
    pub(crate) workspace_slug: Option<String>,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) status: String,
    pub(crate) revision: i64,
    pub(crate) auth_type: String,
    pub(crate) region: String,
    pub(crate) anthropic_workspace_id: String,
    pub(crate) role_arn: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) external_id_origin: Option<String>,
    pub(crate) access_key_id: Option<String>,
    pub(crate) secret_access_key: Option<Vec<u8>>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

/// Where the secret half of an integration's key pair is sealed for.
pub(crate) const fn secret_place(id: Uuid) -> Place<'static> {
    Place { table: "integrations", row: id, column: "secret_access_key" }
}

impl IntegrationRow {
    /// # Errors
    /// [`CatalogError::Corrupt`] when a value does not parse or the secret does not open.
    pub(crate) fn read(self, keys: &KeyRing) -> Result<Integration, CatalogError> {
        let id = self.id;
        let platform = ClaudePlatformAws {
            region: parsed(WHAT, id, &self.region)?,
            workspace_id: parsed(WHAT, id, &self.anthropic_workspace_id)?,
            auth: self.auth(keys)?,
            features: FeatureSet::default(),
        };
        let workspace_slug: Option<Slug> =
            self.workspace_slug.as_deref().map(|slug| parsed(WHAT, id, slug)).transpose()?;
        let status =
            IntegrationStatus::parse(&self.status).ok_or_else(|| corrupt(WHAT, id, "unknown status"))?;
        let external_id_origin = match self.external_id_origin.as_deref() {
            None => None,
            Some(raw) => Some(
                ExternalIdOrigin::parse(raw)
                    .ok_or_else(|| corrupt(WHAT, id, "unknown external ID origin"))?,
            ),
        };
        Ok(Integration {
            id: IntegrationId::from_uuid(id),
            organisation_id: OrganisationId::from_uuid(self.organisation_id),
            organisation_slug: parsed(WHAT, id, &self.organisation_slug)?,
            workspace_id: self.workspace_id.map(TenantWorkspaceId::from_uuid),
            workspace_slug,
            slug: parsed(WHAT, id, &self.slug)?,
            name: self.name,
            description: self.description,
            status,
            revision: Revision(self.revision),
            platform,
            external_id_origin,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }

    fn auth(&self, keys: &KeyRing) -> Result<AwsAuth, CatalogError> {
        let missing = |column| move || corrupt(WHAT, self.id, format_args!("{column} is missing"));
        match self.auth_type.as_str() {
            "assumedRole" => Ok(AwsAuth::AssumedRole {
                role_arn: parsed(WHAT, self.id, self.role_arn.as_deref().ok_or_else(missing("role_arn"))?)?,
                external_id: parsed(
                    WHAT,
                    self.id,
                    self.external_id.as_deref().ok_or_else(missing("external_id"))?,
                )?,
                settings: Arc::default(),
            }),
            "accessKey" => {
                let sealed = self.secret_access_key.as_deref().ok_or_else(missing("secret_access_key"))?;
                let access_key_id = self.access_key_id.as_deref().ok_or_else(missing("access_key_id"))?;
                let secret = keys.open_text(&secret_place(self.id), sealed);
                Ok(AwsAuth::AccessKey {
                    access_key_id: parsed(WHAT, self.id, access_key_id)?,
                    secret_access_key: secret.map_err(|error| {
                        corrupt(WHAT, self.id, format_args!("secret_access_key: {error}"))
                    })?,
                })
            }
            "serviceRole" => Ok(AwsAuth::ServiceRole),
            _ => Err(corrupt(WHAT, self.id, "unknown auth_type")),
        }
    }
}

/// The columns of [`IntegrationRow`], and the rest of the statement.
macro_rules! select_integrations {
    ($rest:literal) => {
        concat!(
            "select i.id, i.organisation_id, o.slug as organisation_slug, i.workspace_id, w.slug as workspace_slug, i.slug, i.name, \
             i.description, i.status, i.revision, i.auth_type, i.region, i.anthropic_workspace_id, i.role_arn, \
             i.external_id, i.external_id_origin, i.access_key_id, i.secret_access_key, i.created_at, i.updated_at \
             from integrations i join organisations o on o.id = i.organisation_id left join workspaces w on w.id = i.workspace_id ",
            $rest
        )
    };
}

/// Notes whose an external ID is, for ever.
///
/// # Errors
/// [`CatalogError::Conflict`] when it is another organisation's.
pub(crate) async fn reserve_external_id(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    external_id: &ExternalId,
    now: OffsetDateTime,
) -> Result<(), CatalogError> {
    change!(transaction, "reserving an external ID", {
        sqlx::query(
            "insert into external_ids (external_id, organisation_id, created_at) values ($1, $2, $3) \
             on conflict (external_id) do nothing",
        )
        .bind(external_id.as_str())
        .bind(*organisation.as_uuid())
        .bind(now)
    })?;
    let owner: Uuid = statement!(transaction, "reading an external ID", |connection| {
        sqlx::query_scalar("select organisation_id from external_ids where external_id = $1")
            .bind(external_id.as_str())
            .fetch_one(connection)
    })?;
    if owner == *organisation.as_uuid() {
        Ok(())
    } else {
        Err(CatalogError::Conflict { what: WHAT, field: "external_id" })
    }
}

pub(crate) async fn insert(transaction: &mut Transaction, row: &IntegrationRow) -> Result<(), CatalogError> {
    change!(transaction, "writing an integration", {
        sqlx::query(
            "insert into integrations (id, organisation_id, workspace_id, slug, name, description, ai_provider_id, \
             status, revision, auth_type, region, anthropic_workspace_id, role_arn, external_id, external_id_origin, \
             access_key_id, secret_access_key, created_at, updated_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
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
    })?;
    Ok(())
}

pub(crate) async fn update(transaction: &mut Transaction, row: &IntegrationRow) -> Result<(), CatalogError> {
    change!(transaction, "changing an integration", {
        sqlx::query(
            "update integrations set name = $2, description = $3, status = $4, revision = $5, auth_type = $6, \
             region = $7, anthropic_workspace_id = $8, role_arn = $9, external_id = $10, external_id_origin = $11, \
             access_key_id = $12, secret_access_key = $13, updated_at = $14 where id = $1",
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
