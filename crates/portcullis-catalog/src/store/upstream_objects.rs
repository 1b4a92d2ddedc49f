//! Statements on objects at the upstream. They lie beside the catalog, as all that the data plane keeps.

use portcullis_types::{ProviderId, TenantWorkspaceId};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Transaction, change, statement};
use crate::error::CatalogError;
use crate::text::parsed;
use crate::upstream_object::{UpstreamObject, UpstreamObjectKind};

const WHAT: &str = "upstream object";

/// One object as it lies in the table. Its kind is known to whoever asked for it.
#[derive(sqlx::FromRow)]
pub(crate) struct UpstreamObjectRow {
    anthropic_workspace_id: String,
    upstream_id: String,
    workspace_id: Uuid,
    provider_id: Uuid,
    created_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
}

impl UpstreamObjectRow {
    pub(crate) fn read(self, kind: UpstreamObjectKind) -> Result<UpstreamObject, CatalogError> {
        Ok(UpstreamObject {
            kind,
            anthropic_workspace_id: parsed(WHAT, self.workspace_id, &self.anthropic_workspace_id)?,
            upstream_id: self.upstream_id,
            workspace_id: TenantWorkspaceId::from_uuid(self.workspace_id),
            provider_id: ProviderId::from_uuid(self.provider_id),
            created_at: self.created_at,
            expires_at: self.expires_at,
        })
    }
}

/// The columns of [`UpstreamObjectRow`], and the rest of the statement.
macro_rules! select_upstream_objects {
    ($rest:literal) => {
        concat!(
            "select anthropic_workspace_id, upstream_id, workspace_id, provider_id, created_at, expires_at \
             from upstream_objects ",
            $rest
        )
    };
}

/// Whether it is this workspace's now: one that another made stays that one's.
pub(crate) async fn record(
    transaction: &mut Transaction,
    object: &UpstreamObject,
) -> Result<bool, CatalogError> {
    let n_rows = change!(transaction, "recording an object at the upstream", {
        sqlx::query(
            "insert into upstream_objects (kind, anthropic_workspace_id, upstream_id, workspace_id, provider_id, \
             created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7) \
             on conflict (kind, upstream_id, anthropic_workspace_id) do update \
             set provider_id = excluded.provider_id, expires_at = excluded.expires_at \
             where upstream_objects.workspace_id = excluded.workspace_id",
        )
        .bind(object.kind.as_str())
        .bind(object.anthropic_workspace_id.as_str())
        .bind(&object.upstream_id)
        .bind(*object.workspace_id.as_uuid())
        .bind(*object.provider_id.as_uuid())
        .bind(object.created_at)
        .bind(object.expires_at)
    })?;
    Ok(n_rows == 1)
}

/// Notes, for ever, that this workspace makes objects in that one of Anthropic's.
pub(crate) async fn record_tenant(
    transaction: &mut Transaction,
    object: &UpstreamObject,
) -> Result<(), CatalogError> {
    change!(transaction, "recording who uses a workspace of Anthropic's", {
        sqlx::query(
            "insert into upstream_tenants (anthropic_workspace_id, workspace_id) values ($1, $2) \
             on conflict (anthropic_workspace_id, workspace_id) do nothing",
        )
        .bind(object.anthropic_workspace_id.as_str())
        .bind(*object.workspace_id.as_uuid())
    })?;
    Ok(())
}

/// Who ever made objects where: for the snapshot.
pub(crate) async fn tenants(transaction: &mut Transaction) -> Result<Vec<(String, Uuid)>, CatalogError> {
    statement!(transaction, "reading who uses Anthropic's workspaces", |connection| {
        sqlx::query_as("select anthropic_workspace_id, workspace_id from upstream_tenants")
            .fetch_all(connection)
    })
}

pub(crate) async fn find(
    transaction: &mut Transaction,
    workspace: TenantWorkspaceId,
    kind: UpstreamObjectKind,
    upstream_id: &str,
) -> Result<Option<UpstreamObjectRow>, CatalogError> {
    statement!(transaction, "reading an object at the upstream", |connection| {
        sqlx::query_as(select_upstream_objects!("where kind = $1 and upstream_id = $2 and workspace_id = $3"))
            .bind(kind.as_str())
            .bind(upstream_id)
            .bind(*workspace.as_uuid())
            .fetch_optional(connection)
    })
}

pub(crate) async fn find_of_anybody(
    transaction: &mut Transaction,
    anthropic_workspace: &str,
    kind: UpstreamObjectKind,
    upstream_id: &str,
) -> Result<Option<UpstreamObjectRow>, CatalogError> {
    statement!(transaction, "reading an object at the upstream", |connection| {
        sqlx::query_as(select_upstream_objects!(
            "where kind = $1 and upstream_id = $2 and anthropic_workspace_id = $3"
        ))
        .bind(kind.as_str())
        .bind(upstream_id)
        .bind(anthropic_workspace)
        .fetch_optional(connection)
    })
}

/// Which of these ids are this workspace's.
///
/// - `ids`: a JSON array of strings, which both databases take apart, each in its own words.
pub(crate) async fn own(
    transaction: &mut Transaction,
    workspace: TenantWorkspaceId,
    kind: UpstreamObjectKind,
    ids: &str,
) -> Result<Vec<String>, CatalogError> {
    let sql = match transaction {
        Transaction::Postgres(_) => {
            "select upstream_id from upstream_objects where kind = $1 and workspace_id = $2 \
             and upstream_id in (select value from json_array_elements_text($3::json))"
        }
        Transaction::Sqlite(_) => {
            "select upstream_id from upstream_objects where kind = $1 and workspace_id = $2 \
             and upstream_id in (select value from json_each($3))"
        }
    };
    statement!(transaction, "reading whose objects these are", |connection| {
        sqlx::query_scalar(sql).bind(kind.as_str()).bind(*workspace.as_uuid()).bind(ids).fetch_all(connection)
    })
}

/// Whether there was such a record.
pub(crate) async fn forget(
    transaction: &mut Transaction,
    workspace: TenantWorkspaceId,
    kind: UpstreamObjectKind,
    upstream_id: &str,
) -> Result<bool, CatalogError> {
    let n_rows = change!(transaction, "forgetting an object at the upstream", {
        sqlx::query("delete from upstream_objects where kind = $1 and upstream_id = $2 and workspace_id = $3")
            .bind(kind.as_str())
            .bind(upstream_id)
            .bind(*workspace.as_uuid())
    })?;
    Ok(n_rows > 0)
}

/// Forgets those whose time is over, the longest first and so many at most.
pub(crate) async fn purge(
    transaction: &mut Transaction,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64, CatalogError> {
    change!(transaction, "forgetting objects whose time is over", {
        sqlx::query(
            "delete from upstream_objects where (kind, upstream_id, anthropic_workspace_id) in \
             (select kind, upstream_id, anthropic_workspace_id from upstream_objects where expires_at <= $1 \
             order by expires_at limit $2)",
        )
        .bind(now)
        .bind(limit)
    })
}
