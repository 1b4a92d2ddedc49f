//! Statements on API keys.

use std::time::SystemTime;

use portcullis_types::{ApiKeyId, OrganisationId, TenantWorkspaceId};
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Transaction, change, statement};
use crate::api_key::{ApiKey, ApiKeyFilter, ApiKeyStatus, KeyKind};
use crate::error::CatalogError;
use crate::key_ring::Digest;
use crate::page::Page;
use crate::scope::Scope;
use crate::text::{corrupt, parsed};

const WHAT: &str = "api key";

/// One key as it lies in the table.
#[derive(Clone, sqlx::FromRow)]
pub(crate) struct ApiKeyRow {
    pub(crate) id: Uuid,
    pub(crate) organisation_id: Uuid,
    pub(crate) workspace_id: Option<Uuid>,
    pub(crate) kind: String,
    pub(crate) user_id: Option<String>,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) scopes: Json<Vec<String>>,
    pub(crate) on_unsupported: Option<String>,
    pub(crate) digest: Vec<u8>,
    pub(crate) digest_key_id: Vec<u8>,
    pub(crate) last_four: String,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

impl ApiKeyRow {
    /// # Errors
    /// [`CatalogError::Corrupt`] when a value does not parse.
    pub(crate) fn read(self, now: SystemTime) -> Result<ApiKey, CatalogError> {
        let kind = KeyKind::parse(&self.kind).ok_or_else(|| corrupt(WHAT, self.id, "unknown kind"))?;
        let scopes: Result<Vec<Scope>, _> =
            self.scopes.0.iter().map(|raw| parsed(WHAT, self.id, raw)).collect();
        let on_unsupported = self.on_unsupported.map(|raw| parsed(WHAT, self.id, &raw));
        let is_over = self.expires_at.is_some_and(|end| end <= OffsetDateTime::from(now));
        Ok(ApiKey {
            id: ApiKeyId::from_uuid(self.id),
            organisation_id: OrganisationId::from_uuid(self.organisation_id),
            workspace_id: self.workspace_id.map(TenantWorkspaceId::from_uuid),
            kind,
            user_id: self.user_id,
            name: self.name,
            description: self.description,
            scopes: scopes?,
            on_unsupported: on_unsupported.transpose()?,
            last_four: self.last_four,
            status: if is_over { ApiKeyStatus::Expired } else { ApiKeyStatus::Active },
            expires_at: self.expires_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// The columns of [`ApiKeyRow`], and the rest of the statement.
macro_rules! select_api_keys {
    ($rest:literal) => {
        concat!(
            "select id, organisation_id, workspace_id, kind, user_id, name, description, scopes, \
             on_unsupported, digest, digest_key_id, last_four, expires_at, created_at, updated_at from api_keys ",
            $rest
        )
    };
}

pub(crate) async fn insert(transaction: &mut Transaction, row: &ApiKeyRow) -> Result<(), CatalogError> {
    change!(transaction, "writing an api key", {
        sqlx::query(
            "insert into api_keys (id, organisation_id, workspace_id, kind, user_id, name, description, scopes, \
             on_unsupported, digest, digest_key_id, last_four, expires_at, created_at, updated_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        )
        .bind(row.id)
        .bind(row.organisation_id)
        .bind(row.workspace_id)
        .bind(&row.kind)
        .bind(&row.user_id)
        .bind(&row.name)
        .bind(&row.description)
        .bind(&row.scopes)
        .bind(&row.on_unsupported)
        .bind(&row.digest)
        .bind(&row.digest_key_id)
        .bind(&row.last_four)
        .bind(row.expires_at)
        .bind(row.created_at)
        .bind(row.updated_at)
    })?;
    Ok(())
}

/// # Errors
/// [`CatalogError::NotFound`] when the organisation has no such key, or has revoked it.
pub(crate) async fn find(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    id: ApiKeyId,
) -> Result<ApiKeyRow, CatalogError> {
    let row: Option<ApiKeyRow> = statement!(transaction, "reading an api key", |connection| {
        sqlx::query_as(select_api_keys!("where organisation_id = $1 and id = $2 and revoked_at is null"))
            .bind(*organisation.as_uuid())
            .bind(*id.as_uuid())
            .fetch_optional(connection)
    })?;
    row.ok_or(CatalogError::NotFound { what: WHAT })
}

/// Whether a key with this digest was ever stored: `Some(true)` when it was revoked since.
pub(crate) async fn is_revoked(
    transaction: &mut Transaction,
    digest: &Digest,
) -> Result<Option<bool>, CatalogError> {
    statement!(transaction, "looking for an api key", |connection| {
        sqlx::query_scalar("select revoked_at is not null from api_keys where digest = $1")
            .bind(digest.as_slice())
            .fetch_optional(connection)
    })
}

/// Whether there was such a key, not yet revoked.
pub(crate) async fn revoke(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    id: ApiKeyId,
    now: OffsetDateTime,
) -> Result<bool, CatalogError> {
    let n_rows = change!(transaction, "revoking an api key", {
        sqlx::query(
            "update api_keys set revoked_at = $3, updated_at = $3 \
             where organisation_id = $1 and id = $2 and revoked_at is null",
        )
        .bind(*organisation.as_uuid())
        .bind(*id.as_uuid())
        .bind(now)
    })?;
    Ok(n_rows > 0)
}

pub(crate) async fn count(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    filter: ApiKeyFilter,
) -> Result<i64, CatalogError> {
    statement!(transaction, "counting the api keys", |connection| {
        sqlx::query_scalar(
            "select count(*) from api_keys where organisation_id = $1 and revoked_at is null \
             and ($2 is null or workspace_id = $2)",
        )
        .bind(*organisation.as_uuid())
        .bind(filter.workspace_id.map(|id| *id.as_uuid()))
        .fetch_one(connection)
    })
}

pub(crate) async fn list(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    filter: ApiKeyFilter,
    page: Page,
) -> Result<Vec<ApiKeyRow>, CatalogError> {
    statement!(transaction, "reading the api keys", |connection| {
        sqlx::query_as(select_api_keys!(
            "where organisation_id = $1 and revoked_at is null and ($2 is null or workspace_id = $2) \
             order by id limit $3 offset $4"
        ))
        .bind(*organisation.as_uuid())
        .bind(filter.workspace_id.map(|id| *id.as_uuid()))
        .bind(page.limit())
        .bind(page.offset())
        .fetch_all(connection)
    })
}

/// Every key that is not revoked, of every organisation: for the snapshot.
pub(crate) async fn all(transaction: &mut Transaction) -> Result<Vec<ApiKeyRow>, CatalogError> {
    statement!(transaction, "reading all api keys", |connection| {
        sqlx::query_as(select_api_keys!("where revoked_at is null")).fetch_all(connection)
    })
}
