//! Bodies that are too large to be held: in memory up to a limit, then in a file, and hashed while they arrive.
//!
//! SigV4 signs the hash of the body, which stands in the head, so a body has to be here whole before its first byte can
//! go on. The file has no name from the moment it is made: the system takes it back whatever becomes of us.

mod reader;

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::body_account::BodyAccount;

use crate::settings::GatewaySettings;

pub(crate) use reader::SpoolReader;

/// Bytes go into the file in pieces of at least this size.
const PIECE: usize = 256 * 1024;

/// A body that is here whole, with its hash. Cheap to clone; the bytes go with the last clone.
#[derive(Clone)]
pub(crate) struct Spool {
    sha256: [u8; 32],
    length: u64,
    held: Held,
}

#[derive(Clone)]
enum Held {
    /// The parts one after the other.
    Memory(Arc<[Bytes]>),
    File(Arc<File>),
}

/// Bodies are files of somebody's: only how much there is is shown.
impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let in_file = matches!(self.held, Held::File(_));
        f.debug_struct("Spool")
            .field("length", &self.length)
            .field("in_file", &in_file)
            .finish_non_exhaustive()
    }
}

impl Spool {
    /// What is in memory already, in parts that need not be copied together.
    pub(crate) fn of_parts(parts: Vec<Bytes>) -> Self {
        let mut hash = Sha256::new();
        parts.iter().for_each(|part| hash.update(part));
        let length = parts.iter().map(|part| part.len() as u64).sum();
        Self { sha256: hash.finalize().into(), length, held: Held::Memory(parts.into()) }
    }

    /// The SHA-256 of all bytes.
    pub(crate) const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Reads it from its beginning. Any number of readers may be at it.
    pub(crate) fn reader(&self) -> SpoolReader {
        SpoolReader::new(self)
    }
}

/// Where a spool keeps what is too much for memory.
#[derive(Clone, Debug)]
pub(crate) struct SpoolPlace {
    /// Bytes that may stay in memory.
    pub(crate) memory_bytes: usize,
    /// The folder of the file; `None` for the system's own for temporary files.
    pub(crate) folder: Option<PathBuf>,
}

impl SpoolPlace {
    /// As the operator set it.
    pub(crate) fn of(settings: &GatewaySettings) -> Self {
        Self { memory_bytes: settings.spool_memory_bytes, folder: settings.spool_folder.clone() }
    }
}

/// A spool that is still being filled. Dropped before its end it leaves nothing behind.
pub(crate) struct SpoolWriter {
    place: SpoolPlace,
    hash: Sha256,
    length: u64,
    /// What is not in the file yet.
    pending: Vec<Bytes>,
    n_pending: usize,
    file: Option<File>,
    account: Option<BodyAccount>,
}

impl SpoolWriter {
    pub(crate) fn new(place: SpoolPlace) -> Self {
        Self {
            place,
            hash: Sha256::new(),
            length: 0,
            pending: Vec::new(),
            n_pending: 0,
            file: None,
            account: None,
        }
    }

    /// The same, with an account that gets back what is in the file.
    pub(crate) fn on_account(self, account: Option<BodyAccount>) -> Self {
        Self { account, ..self }
    }

    /// How many bytes there are so far.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When the file cannot be made or written, such as on a full disk.
    pub(crate) async fn push(&mut self, bytes: Bytes) -> io::Result<()> {
        self.hash.update(&bytes);
        self.length += bytes.len() as u64;
        self.n_pending += bytes.len();
        self.pending.push(bytes);
        let room = if self.file.is_some() { PIECE } else { self.place.memory_bytes };
        if self.n_pending > room { self.write_out().await } else { Ok(()) }
    }

    /// All bytes are here.
    ///
    /// # Errors
    /// As [`SpoolWriter::push`].
    pub(crate) async fn finish(mut self) -> io::Result<Spool> {
        if self.file.is_some() {
            self.write_out().await?;
        }
        let held = match self.file {
            Some(file) => Held::File(Arc::new(file)),
            None => Held::Memory(self.pending.into()),
        };
        Ok(Spool { sha256: self.hash.finalize().into(), length: self.length, held })
    }

    async fn write_out(&mut self) -> io::Result<()> {
        let parts = std::mem::take(&mut self.pending);
        let n_written = std::mem::take(&mut self.n_pending);
        let (file, folder) = (self.file.take(), self.place.folder.clone());
        let written = tokio::task::spawn_blocking(move || {
            let mut file = match (file, folder) {
                (Some(file), _) => file,
                (None, Some(folder)) => tempfile::tempfile_in(folder)?,
                (None, None) => tempfile::tempfile()?,
            };
            parts.iter().try_for_each(|part| file.write_all(part))?;
            Ok::<File, io::Error>(file)
        });
        self.file = Some(written.await.map_err(io::Error::other)??);
        if let Some(account) = &self.account {
            account.give_back(n_written);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
