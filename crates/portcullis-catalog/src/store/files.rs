//! Statements on files, but for their content ([`super::file_chunks`]). They lie beside the catalog, as all that the data
//! plane keeps.

use portcullis_types::{FileId, ProviderId, TenantWorkspaceId};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Transaction, change, statement};
use crate::error::CatalogError;
use crate::file::{FileAtUpstream, FileFilter, ListOrder, StoredFile};
use crate::page::MAX_SLICE;
use crate::text::{corrupt, parsed};

const WHAT: &str = "file";

/// One file as it lies in the table.
#[derive(Clone, sqlx::FromRow)]
pub(crate) struct FileRow {
    pub(crate) id: Uuid,
    pub(crate) workspace_id: Uuid,
    /// One that is not is still being written.
    pub(crate) is_whole: bool,
    pub(crate) purpose: String,
    pub(crate) filename: String,
    pub(crate) mime_type: String,
    pub(crate) bytes: i64,
    pub(crate) sha256: Option<Vec<u8>>,
    /// None when its content is at the upstream only.
    pub(crate) n_chunks: Option<i64>,
    pub(crate) provider_id: Option<Uuid>,
    pub(crate) upstream_id: Option<String>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) expires_at: Option<OffsetDateTime>,
}

impl FileRow {
    /// # Errors
    /// [`CatalogError::Corrupt`] when a value does not parse.
    pub(crate) fn read(self) -> Result<StoredFile, CatalogError> {
        let sha256 = self.sha256.as_deref().and_then(|digest| digest.try_into().ok());
        let upstream = self.provider_id.zip(self.upstream_id);
        Ok(StoredFile {
            id: FileId::from_uuid(self.id),
            workspace_id: TenantWorkspaceId::from_uuid(self.workspace_id),
            purpose: parsed(WHAT, self.id, &self.purpose)?,
            filename: self.filename,
            mime_type: self.mime_type,
            bytes: self.bytes.try_into().map_err(|_| corrupt(WHAT, self.id, "its length is negative"))?,
            sha256: sha256.ok_or_else(|| corrupt(WHAT, self.id, "its digest is not 32 bytes"))?,
            upstream: upstream.map(|(provider, upstream_id)| FileAtUpstream {
                provider_id: ProviderId::from_uuid(provider),
                upstream_id,
            }),
            is_kept: self.n_chunks.is_some(),
            created_at: self.created_at,
            expires_at: self.expires_at,
        })
    }
}

/// The columns of [`FileRow`], and the rest of the statement.
macro_rules! select_files {
    ($rest:literal) => {
        concat!(
            "select id, workspace_id, is_whole, purpose, filename, mime_type, bytes, sha256, n_chunks, provider_id, \
             upstream_id, created_at, expires_at from files ",
            $rest
        )
    };
}

pub(crate) async fn insert(transaction: &mut Transaction, row: &FileRow) -> Result<(), CatalogError> {
    change!(transaction, "writing a file", {
        sqlx::query(
            "insert into files (id, workspace_id, is_whole, purpose, filename, mime_type, bytes, sha256, n_chunks, \
             provider_id, upstream_id, created_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(row.id)
        .bind(row.workspace_id)
        .bind(row.is_whole)
        .bind(&row.purpose)
        .bind(&row.filename)
        .bind(&row.mime_type)
        .bind(row.bytes)
        .bind(&row.sha256)
        .bind(row.n_chunks)
        .bind(row.provider_id)
        .bind(&row.upstream_id)
        .bind(row.created_at)
        .bind(row.expires_at)
    })?;
    Ok(())
}

/// Puts off when a file that is being written counts as given up. `false` when it does so already.
pub(crate) async fn go_on(
    transaction: &mut Transaction,
    id: Uuid,
    until: OffsetDateTime,
) -> Result<bool, CatalogError> {
    let n_rows = change!(transaction, "going on with a file", {
        sqlx::query("update files set expires_at = $2 where id = $1 and not is_whole").bind(id).bind(until)
    })?;
    Ok(n_rows == 1)
}

/// Makes a file that was being written whole: everything that was not known before is in `row`. `false` when it was given
/// up meanwhile.
pub(crate) async fn finish(transaction: &mut Transaction, row: &FileRow) -> Result<bool, CatalogError> {
    let n_rows = change!(transaction, "finishing a file", {
        sqlx::query(
            "update files set is_whole = true, bytes = $2, sha256 = $3, n_chunks = $4, provider_id = $5, \
             upstream_id = $6, expires_at = $7 where id = $1 and not is_whole",
        )
        .bind(row.id)
        .bind(row.bytes)
        .bind(&row.sha256)
        .bind(row.n_chunks)
        .bind(row.provider_id)
        .bind(&row.upstream_id)
        .bind(row.expires_at)
    })?;
    Ok(n_rows == 1)
}

pub(crate) async fn find(
    transaction: &mut Transaction,
    workspace: TenantWorkspaceId,
    id: FileId,
    now: OffsetDateTime,
) -> Result<Option<FileRow>, CatalogError> {
    statement!(transaction, "reading a file", |connection| {
        sqlx::query_as(select_files!(
            "where workspace_id = $1 and id = $2 and is_whole and (expires_at is null or expires_at > $3)"
        ))
        .bind(*workspace.as_uuid())
        .bind(*id.as_uuid())
        .bind(now)
        .fetch_optional(connection)
    })
}

/// One more than asked for, which tells whether there are more.
pub(crate) async fn list(
    transaction: &mut Transaction,
    workspace: TenantWorkspaceId,
    filter: FileFilter,
    now: OffsetDateTime,
) -> Result<Vec<FileRow>, CatalogError> {
    let sql = match filter.order {
        ListOrder::Oldest => select_files!(
            "where workspace_id = $1 and is_whole and (expires_at is null or expires_at > $2) \
             and ($3 is null or purpose = $3) and ($4 is null or id > $4) order by id limit $5"
        ),
        ListOrder::Newest => select_files!(
            "where workspace_id = $1 and is_whole and (expires_at is null or expires_at > $2) \
             and ($3 is null or purpose = $3) and ($4 is null or id < $4) order by id desc limit $5"
        ),
    };
    statement!(transaction, "reading the files", |connection| {
        sqlx::query_as(sql)
            .bind(*workspace.as_uuid())
            .bind(now)
            .bind(filter.purpose.map(crate::file::FilePurpose::as_str))
            .bind(filter.after.map(|id| *id.as_uuid()))
            .bind(i64::from(filter.limit.clamp(1, MAX_SLICE)) + 1)
            .fetch_all(connection)
    })
}

/// With its content. Whole or not: whoever knows the id of one that is not is who writes it.
pub(crate) async fn delete(transaction: &mut Transaction, id: Uuid) -> Result<u64, CatalogError> {
    change!(transaction, "deleting a file", { sqlx::query("delete from files where id = $1").bind(id) })
}

/// Unless it was given more time meanwhile, as one that is being written is.
pub(crate) async fn delete_expired(
    transaction: &mut Transaction,
    id: Uuid,
    now: OffsetDateTime,
) -> Result<u64, CatalogError> {
    change!(transaction, "deleting a file whose time is over", {
        sqlx::query("delete from files where id = $1 and expires_at <= $2").bind(id).bind(now)
    })
}

/// Those whose time is over, the longest first and so many at most: also those that nobody went on writing.
pub(crate) async fn expired(
    transaction: &mut Transaction,
    now: OffsetDateTime,
    limit: i64,
) -> Result<Vec<Uuid>, CatalogError> {
    statement!(transaction, "looking for files whose time is over", |connection| {
        sqlx::query_scalar("select id from files where expires_at <= $1 order by expires_at limit $2")
            .bind(now)
            .bind(limit)
            .fetch_all(connection)
    })
}
