//! The handle on the catalog: what the control plane calls, and where the data plane gets its snapshot.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use portcullis_types::SharedClock;
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

use crate::database_url::DatabaseUrl;
use crate::error::CatalogError;
use crate::key_ring::KeyRing;
use crate::page::{Listing, MAX_SLICE, Slice};
use crate::snapshot::{Snapshot, load};
use crate::store::{Store, Write, encryption_keys};
use crate::text::stored_now;

mod api_keys;
mod batches;
mod bootstrap;
mod external_ids;
mod file_reader;
mod file_writer;
mod files;
mod integrations;
mod organisations;
mod providers;
mod purging;
mod responses;
mod shared_roles;
mod upstream_objects;
mod verifications;
mod watching;

pub use bootstrap::Bootstrap;
pub use file_reader::FileReader;
pub use file_writer::FileWriter;

/// A handle on the catalog. Cheap to clone: all clones share one set of connections and one snapshot.
#[derive(Clone)]
pub struct Catalog(Arc<Inner>);

struct Inner {
    store: Store,
    keys: KeyRing,
    clock: SharedClock,
    snapshot: ArcSwap<Snapshot>,
    /// Held while a snapshot is loaded, so that an older one never replaces a newer one.
    loading: Mutex<()>,
    versions: watch::Sender<i64>,
    /// The files whose writers were dropped before their end.
    abandoned: std::sync::Mutex<Vec<Uuid>>,
}

impl Catalog {
    /// Connects, brings the schema to this version, checks the encryption keys and loads the first snapshot.
    ///
    /// The embedded database's file is made when it is missing, and is for its owner alone.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database cannot be reached: worth trying again.
    /// [`CatalogError::WrongKeyRing`] when it was written with other keys.
    /// [`CatalogError::Migration`] when it is of a version that this one does not know.
    pub async fn open(url: &DatabaseUrl, keys: KeyRing, clock: SharedClock) -> Result<Self, CatalogError> {
        let store = Store::open(url).await?;
        encryption_keys::verify(&store, &keys, stored_now(clock.now())).await?;
        let snapshot = load::read(&store).await?.into_snapshot(&keys, clock.clone());
        let versions = watch::Sender::new(snapshot.version);
        let snapshot = ArcSwap::from_pointee(snapshot);
        let abandoned = std::sync::Mutex::default();
        let loading = Mutex::new(());
        Ok(Self(Arc::new(Inner { store, keys, clock, snapshot, loading, versions, abandoned })))
    }

    /// The catalog as this process knows it. Neither waits nor touches the database.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshot.load_full()
    }

    /// Tells of every new snapshot by its version.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.0.versions.subscribe()
    }

    /// Loads a new snapshot, whatever the present one's version.
    ///
    /// # Errors
    /// When the database cannot be read. The present snapshot stays.
    pub async fn refresh(&self) -> Result<(), CatalogError> {
        let loading = self.0.loading.lock().await;
        self.load(&loading).await
    }

    /// Loads a new snapshot unless the present one is of this version or a later one.
    async fn refresh_to(&self, version: i64) -> Result<(), CatalogError> {
        let loading = self.0.loading.lock().await;
        if self.0.snapshot.load().version >= version {
            return Ok(());
        }
        self.load(&loading).await
    }

    async fn load(&self, _loading: &tokio::sync::MutexGuard<'_, ()>) -> Result<(), CatalogError> {
        let rows = load::read(&self.0.store).await?;
        let snapshot = rows.into_snapshot(&self.0.keys, self.0.clock.clone());
        let version = snapshot.version;
        self.0.snapshot.store(Arc::new(snapshot));
        self.0.versions.send_replace(version);
        Ok(())
    }

    /// Asks the database whether it is there.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when it is not.
    pub async fn ping(&self) -> Result<(), CatalogError> {
        self.stored_version().await.map(|_| ())
    }

    async fn stored_version(&self) -> Result<i64, CatalogError> {
        let mut transaction = self.0.store.read().await?;
        let version = transaction.version().await?;
        transaction.commit().await?;
        Ok(version)
    }

    /// Closes the connections. The snapshot stays; every other call fails with [`CatalogError::Unavailable`].
    pub async fn close(&self) {
        self.0.store.close().await;
    }

    /// Commits, and brings this process's snapshot up to what was written.
    async fn commit(&self, write: Write) -> Result<(), CatalogError> {
        let Write { transaction, version } = write;
        transaction.commit().await?;
        if let Err(error) = self.refresh_to(version).await {
            // The write stands, so the caller must not be told that it failed; watching brings the snapshot up to date.
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "a change was written, but the snapshot could not be refreshed");
        }
        Ok(())
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("store", &self.0.store)
            .field("version", &self.0.snapshot.load().version)
            .finish_non_exhaustive()
    }
}

/// A page whose rows were read one by one: those that cannot be read are logged and left out, and still count.
fn listing<T>(total: i64, rows: impl Iterator<Item = Result<T, CatalogError>>) -> Listing<T> {
    Listing { total: u64::try_from(total).unwrap_or_default(), data: rows.filter_map(readable).collect() }
}

/// The next part of a list, of whose rows one more was read than asked for. What cannot be read is logged and left out.
fn slice<R, T>(mut rows: Vec<R>, limit: u32, read: impl Fn(R) -> Result<T, CatalogError>) -> Slice<T> {
    let limit = limit.clamp(1, MAX_SLICE) as usize;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    Slice { data: rows.into_iter().map(read).filter_map(readable).collect(), has_more }
}

fn readable<T>(row: Result<T, CatalogError>) -> Option<T> {
    row.inspect_err(|error| tracing::error!("left out of a list: {error}")).ok()
}
