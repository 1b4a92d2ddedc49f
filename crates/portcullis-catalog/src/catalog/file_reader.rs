//! Reads what is in a file, chunk by chunk.

use std::fmt;

use super::Catalog;
use crate::error::CatalogError;
use crate::file::StoredFile;
use crate::store::file_chunks;

/// Reads what is in a file. Each chunk is read by itself, so that whoever reads slowly holds nothing.
#[derive(Clone)]
pub struct FileReader {
    catalog: Catalog,
    file: StoredFile,
    n_chunks: i64,
    next: i64,
}

impl FileReader {
    pub(super) fn new(catalog: Catalog, file: StoredFile, n_chunks: i64) -> Self {
        Self { catalog, file, n_chunks, next: 0 }
    }

    /// What is known of the file.
    #[must_use]
    pub const fn file(&self) -> &StoredFile {
        &self.file
    }

    /// How many chunks it has: each but the last is [`FILE_CHUNK_BYTES`](crate::FILE_CHUNK_BYTES) long. An empty file has
    /// none.
    #[must_use]
    pub fn n_chunks(&self) -> u64 {
        self.n_chunks.try_into().unwrap_or_default()
    }

    /// One chunk.
    ///
    /// - `n`: counted from 0.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the file was deleted meanwhile, or has no such chunk; [`CatalogError::Corrupt`] when
    /// it does not open.
    pub async fn chunk(&self, n: u64) -> Result<Vec<u8>, CatalogError> {
        let gone = CatalogError::NotFound { what: "file content" };
        let Some(n) = i64::try_from(n).ok().filter(|n| *n < self.n_chunks) else { return Err(gone) };
        let id = *self.file.id.as_uuid();
        let sealed = file_chunks::find(&mut self.catalog.0.store.read().await?, id, n).await?;
        file_chunks::open(&self.catalog.0.keys, id, n, &sealed.ok_or(gone)?)
    }

    /// The chunk behind the last one that this returned; `None` at the end. After an error it is the same one again.
    ///
    /// # Errors
    /// As of [`FileReader::chunk`].
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, CatalogError> {
        if self.next == self.n_chunks {
            return Ok(None);
        }
        let chunk = self.chunk(self.next.try_into().unwrap_or_default()).await?;
        self.next += 1;
        Ok(Some(chunk))
    }
}

impl fmt::Debug for FileReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileReader")
            .field("file", &self.file.id)
            .field("n_chunks", &self.n_chunks)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
