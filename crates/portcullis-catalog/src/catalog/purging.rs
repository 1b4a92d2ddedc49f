//! Taking away what the data plane kept and whose time is over.

use std::time::SystemTime;

use time::OffsetDateTime;

use super::Catalog;
use crate::error::CatalogError;
use crate::retention::Purged;
use crate::store::{batches, files, responses, upstream_objects};
use crate::text::whole_seconds;

/// How many rows of a table go at a time.
const AT_A_TIME: i64 = 500;

impl Catalog {
    /// Takes away what expired by `now`, up to 500 of each kind: ask again until it [is nothing](Purged::is_nothing).
    ///
    /// Reads do not wait for it: what expired is gone for them. Several processes may do it at the same time.
    ///
    /// # Errors
    /// When the database cannot be written. What went by then is gone.
    pub async fn purge_expired(&self, now: SystemTime) -> Result<Purged, CatalogError> {
        let now = whole_seconds(now.into());
        self.sweep_abandoned().await;
        let files = self.purge_files(now).await?;
        let mut transaction = self.0.store.write_beside().await?;
        let purged = Purged {
            files,
            batches: batches::purge(&mut transaction, now, AT_A_TIME).await?,
            responses: responses::purge(&mut transaction, now, AT_A_TIME).await?,
            upstream_objects: upstream_objects::purge(&mut transaction, now, AT_A_TIME).await?,
        };
        transaction.commit().await?;
        Ok(purged)
    }

    /// One by one: a file may have hundreds of chunks, and no statement should take long.
    async fn purge_files(&self, now: OffsetDateTime) -> Result<u64, CatalogError> {
        let expired = files::expired(&mut self.0.store.read().await?, now, AT_A_TIME).await?;
        let mut n_deleted = 0;
        for id in expired {
            let mut transaction = self.0.store.write_beside().await?;
            n_deleted += files::delete_expired(&mut transaction, id, now).await?;
            transaction.commit().await?;
        }
        Ok(n_deleted)
    }
}
