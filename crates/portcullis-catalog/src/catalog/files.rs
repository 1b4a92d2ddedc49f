//! Files: what is known of them. Their content is written by [`FileWriter`] and read by [`FileReader`].

use portcullis_types::{FileId, TenantWorkspaceId};

use super::{Catalog, slice};
use crate::catalog::file_reader::FileReader;
use crate::catalog::file_writer::FileWriter;
use crate::error::CatalogError;
use crate::file::{FileAtUpstream, FileFilter, NewFile, StoredFile};
use crate::page::Slice;
use crate::store::files::{self, FileRow};
use crate::text::{check_name, stored_now, whole_seconds};

const NOT_FOUND: CatalogError = CatalogError::NotFound { what: "file" };

impl Catalog {
    /// Makes a file whose content is at the upstream only.
    ///
    /// - `bytes`, `sha256`: of its content, as it was uploaded.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] when a value breaks its rule (see [`NewFile`]).
    pub async fn create_file(
        &self,
        new: NewFile,
        upstream: FileAtUpstream,
        bytes: u64,
        sha256: [u8; 32],
    ) -> Result<StoredFile, CatalogError> {
        let mut row = self.new_file_row(new)?;
        row.is_whole = true;
        row.bytes = bytes.try_into().map_err(|_| CatalogError::invalid("bytes", "must be below 2^63"))?;
        row.sha256 = Some(sha256.to_vec());
        put_upstream(&mut row, Some(upstream))?;
        let mut transaction = self.0.store.write_beside().await?;
        files::insert(&mut transaction, &row).await?;
        transaction.commit().await?;
        row.read()
    }

    /// Begins to write a file whose content is kept here. Nobody sees it before [`FileWriter::finish`].
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] when a value breaks its rule (see [`NewFile`]).
    pub async fn write_file(&self, new: NewFile) -> Result<FileWriter, CatalogError> {
        FileWriter::begin(self.clone(), self.new_file_row(new)?).await
    }

    fn new_file_row(&self, new: NewFile) -> Result<FileRow, CatalogError> {
        check_name("filename", &new.filename)?;
        check_name("mime_type", &new.mime_type)?;
        let now = self.0.clock.now();
        if new.expires_at.is_some_and(|end| end <= now) {
            return Err(CatalogError::invalid("expires_at", "must lie in the future"));
        }
        Ok(FileRow {
            id: *FileId::generate(now).as_uuid(),
            workspace_id: *new.workspace_id.as_uuid(),
            is_whole: false,
            purpose: new.purpose.as_str().into(),
            filename: new.filename,
            mime_type: new.mime_type,
            bytes: 0,
            sha256: None,
            n_chunks: None,
            provider_id: None,
            upstream_id: None,
            created_at: stored_now(now),
            expires_at: new.expires_at.map(whole_seconds),
        })
    }

    /// A file of a workspace.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the workspace has none of this id, or its time is over.
    pub async fn file(&self, workspace: TenantWorkspaceId, id: FileId) -> Result<StoredFile, CatalogError> {
        self.file_row(workspace, id).await?.read()
    }

    async fn file_row(&self, workspace: TenantWorkspaceId, id: FileId) -> Result<FileRow, CatalogError> {
        let now = whole_seconds(self.0.clock.now().into());
        files::find(&mut self.0.store.read().await?, workspace, id, now).await?.ok_or(NOT_FOUND)
    }

    /// Those of these files that the workspace has, in the order in which they were asked for.
    ///
    /// # Errors
    /// When the database cannot be read, or one of them cannot.
    pub async fn files(
        &self,
        workspace: TenantWorkspaceId,
        ids: &[FileId],
    ) -> Result<Vec<StoredFile>, CatalogError> {
        let now = whole_seconds(self.0.clock.now().into());
        let mut read = self.0.store.read().await?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let row = files::find(&mut read, workspace, *id, now).await?;
            found.extend(row.map(FileRow::read).transpose()?);
        }
        Ok(found)
    }

    /// The files of a workspace.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_files(
        &self,
        workspace: TenantWorkspaceId,
        filter: FileFilter,
    ) -> Result<Slice<StoredFile>, CatalogError> {
        let now = whole_seconds(self.0.clock.now().into());
        let rows = files::list(&mut self.0.store.read().await?, workspace, filter, now).await?;
        Ok(slice(rows, filter.limit, FileRow::read))
    }

    /// Deletes a file with its content, and says what it was: the upstream's is another matter.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the workspace has none of this id, or its time is over.
    pub async fn delete_file(
        &self,
        workspace: TenantWorkspaceId,
        id: FileId,
    ) -> Result<StoredFile, CatalogError> {
        let now = whole_seconds(self.0.clock.now().into());
        let mut transaction = self.0.store.write_beside().await?;
        let row = files::find(&mut transaction, workspace, id, now).await?.ok_or(NOT_FOUND)?;
        if files::delete(&mut transaction, row.id).await? == 0 {
            return Err(NOT_FOUND);
        }
        transaction.commit().await?;
        row.read()
    }

    /// Begins to read what is in a file.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the workspace has no file of this id, or its time is over; the same of `file
    /// content` when its content is not here.
    pub async fn read_file(
        &self,
        workspace: TenantWorkspaceId,
        id: FileId,
    ) -> Result<FileReader, CatalogError> {
        let row = self.file_row(workspace, id).await?;
        let n_chunks = row.n_chunks.ok_or(CatalogError::NotFound { what: "file content" })?;
        Ok(FileReader::new(self.clone(), row.read()?, n_chunks))
    }
}

/// Notes in a row where the upstream has the file.
pub(super) fn put_upstream(row: &mut FileRow, upstream: Option<FileAtUpstream>) -> Result<(), CatalogError> {
    if let Some(FileAtUpstream { provider_id, upstream_id }) = upstream {
        check_name("upstream_id", &upstream_id)?;
        row.provider_id = Some(*provider_id.as_uuid());
        row.upstream_id = Some(upstream_id);
    }
    Ok(())
}
