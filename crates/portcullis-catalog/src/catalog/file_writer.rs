//! Writes what is in a file, chunk by chunk.
//!
//! Each chunk is written by itself: an upload takes as long as its client likes, and a transaction must not. Until the end
//! nobody sees the file. One that is given up goes at once as far as anybody can see, and its rows follow: soon when the
//! writer was dropped ([`Catalog::watch`]), an hour after its last chunk when the process died
//! ([`Catalog::purge_expired`]).

use std::fmt;
use std::time::Duration;

use portcullis_types::FileId;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Catalog;
use super::files::put_upstream;
use crate::error::CatalogError;
use crate::file::{FILE_CHUNK_BYTES, FileAtUpstream, StoredFile};
use crate::store::files::{self, FileRow};
use crate::store::{Transaction, file_chunks};
use crate::text::whole_seconds;

/// How long after its last chunk a file counts as given up.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Writes one file. Dropped before its end, it leaves nothing behind.
pub struct FileWriter {
    catalog: Catalog,
    /// As it will be; what is not yet known is not yet in it.
    row: FileRow,
    /// Less than a chunk.
    pending: Vec<u8>,
    n_chunks: i64,
    n_bytes: u64,
    hasher: Sha256,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// All that was pushed is either written or pending.
    Good,
    /// A write failed or was broken off: nobody knows how far it came.
    Broken,
    /// It is whole, or its rows are gone.
    Over,
}

impl FileWriter {
    pub(super) async fn begin(catalog: Catalog, row: FileRow) -> Result<Self, CatalogError> {
        let mut writer = Self {
            catalog,
            row,
            pending: Vec::new(),
            n_chunks: 0,
            n_bytes: 0,
            hasher: Sha256::new(),
            state: State::Good,
        };
        let unfinished = FileRow { expires_at: Some(writer.until()), ..writer.row.clone() };
        let mut transaction = writer.begin_change().await?;
        files::insert(&mut transaction, &unfinished).await?;
        writer.commit(transaction).await?;
        Ok(writer)
    }

    /// The id that the file will have.
    #[must_use]
    pub const fn id(&self) -> FileId {
        FileId::from_uuid(self.row.id)
    }

    /// How many bytes were pushed so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Takes the next bytes. Holds back less than [`FILE_CHUNK_BYTES`]; the rest is written when this returns.
    ///
    /// # Errors
    /// When a chunk cannot be written: the file cannot be finished then. So it is when this future is dropped before its
    /// end.
    pub async fn push(&mut self, mut bytes: &[u8]) -> Result<(), CatalogError> {
        self.n_bytes += bytes.len() as u64;
        self.hasher.update(bytes);
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(FILE_CHUNK_BYTES - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == FILE_CHUNK_BYTES {
                let until = self.until();
                let mut transaction = self.begin_change().await?;
                if !files::go_on(&mut transaction, self.row.id, until).await? {
                    return Err(given_up());
                }
                self.write_pending(&mut transaction).await?;
                self.commit(transaction).await?;
            }
        }
        Ok(())
    }

    /// Writes the rest, and makes the file one that can be seen.
    ///
    /// - `upstream`: where the upstream has it as well.
    ///
    /// # Errors
    /// When it cannot be written, or an earlier part could not: nothing is left of it then.
    pub async fn finish(mut self, upstream: Option<FileAtUpstream>) -> Result<StoredFile, CatalogError> {
        put_upstream(&mut self.row, upstream)?;
        let mut transaction = self.begin_change().await?;
        if !self.pending.is_empty() {
            self.write_pending(&mut transaction).await?;
        }
        self.row.bytes = self.n_bytes.try_into().expect("nobody pushes 2^63 bytes");
        self.row.sha256 = Some(self.hasher.finalize_reset().to_vec());
        self.row.n_chunks = Some(self.n_chunks);
        if !files::finish(&mut transaction, &self.row).await? {
            return Err(given_up());
        }
        self.commit(transaction).await?;
        self.state = State::Over;
        self.row.clone().read()
    }

    /// Gives the file up, and waits until its rows are gone.
    pub async fn abort(self) {
        let catalog = self.catalog.clone();
        drop(self);
        catalog.sweep_abandoned().await;
    }

    fn until(&self) -> OffsetDateTime {
        whole_seconds((self.catalog.0.clock.now() + PATIENCE).into())
    }

    /// From here to [`FileWriter::commit`] the writer is broken, should it get no further.
    async fn begin_change(&mut self) -> Result<Transaction, CatalogError> {
        if self.state != State::Good {
            return Err(given_up());
        }
        self.state = State::Broken;
        self.catalog.0.store.write_beside().await
    }

    async fn commit(&mut self, transaction: Transaction) -> Result<(), CatalogError> {
        transaction.commit().await?;
        self.state = State::Good;
        Ok(())
    }

    async fn write_pending(&mut self, transaction: &mut Transaction) -> Result<(), CatalogError> {
        let sealed = file_chunks::seal(&self.catalog.0.keys, self.row.id, self.n_chunks, &self.pending)?;
        let written = file_chunks::insert(transaction, self.row.id, self.n_chunks, &sealed).await;
        written.map_err(|error| match error {
            // It refers to a file that is gone.
            CatalogError::InUse { .. } => given_up(),
            other => other,
        })?;
        self.n_chunks += 1;
        self.pending.clear();
        Ok(())
    }
}

/// Also said of a file that was longer without a new chunk than anybody waits.
fn given_up() -> CatalogError {
    CatalogError::ChangedMeanwhile { what: "file" }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if self.state != State::Over {
            // Nothing can be awaited here.
            self.catalog.abandoned().push(self.row.id);
        }
    }
}

impl Catalog {
    /// The files whose writers were dropped, and whose rows are still there.
    fn abandoned(&self) -> std::sync::MutexGuard<'_, Vec<Uuid>> {
        self.0.abandoned.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Deletes the rows of files that were given up. Costs nothing when there are none. What cannot be deleted now is tried
    /// again, or goes when its time is over.
    pub(super) async fn sweep_abandoned(&self) {
        let mut left = std::mem::take(&mut *self.abandoned());
        while let Some(id) = left.pop() {
            if let Err(error) = self.delete_abandoned(id).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "a file that was given up could not be deleted yet");
                left.push(id);
                self.abandoned().append(&mut left);
            }
        }
    }

    /// Whole or not: if it could not be said whether it was finished, then nobody was told that it was.
    async fn delete_abandoned(&self, id: Uuid) -> Result<(), CatalogError> {
        let mut transaction = self.0.store.write_beside().await?;
        files::delete(&mut transaction, id).await?;
        transaction.commit().await
    }
}

/// Without what is pending, which may hold what people asked.
impl fmt::Debug for FileWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileWriter")
            .field("id", &self.id())
            .field("n_bytes", &self.n_bytes)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
