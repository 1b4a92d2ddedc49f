//! Keeping the snapshot up to date with what other processes write.
//!
//! Two ways run side by side: Postgres tells of a change at once (`LISTEN`), and both databases are asked for their
//! version now and then, which finds what a lost notification did not tell. Neither ever throws the old snapshot away.

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use super::Catalog;
use crate::error::CatalogError;
use crate::store::{Store, fault, postgres};

const POLL_INTERVAL: Duration = Duration::from_secs(2);
const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

impl Catalog {
    /// Keeps the snapshot up to date until the future is dropped. One per process.
    ///
    /// Another process's change is here in well under a second on Postgres, and within two seconds on SQLite or while
    /// notifications are cut. When the database goes away the snapshot stays as it is, and one line says so.
    pub async fn watch(self) {
        let listen = async {
            match &self.0.store {
                Store::Postgres(pools) => self.listen(pools).await,
                Store::Sqlite(_) => std::future::pending::<Infallible>().await,
            }
        };
        tokio::join!(self.poll(), listen);
    }

    async fn poll(&self) -> Infallible {
        let mut outage = Outage::new("the catalog's database", "the last known catalog stays in use");
        loop {
            match self.catch_up().await {
                Ok(()) => {
                    outage.is_over();
                    self.sweep_abandoned().await;
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
                Err(error) => tokio::time::sleep(outage.goes_on(&error)).await,
            }
        }
    }

    /// Compares versions, which is cheap, and reads everything when they differ.
    async fn catch_up(&self) -> Result<(), CatalogError> {
        let stored = self.stored_version().await?;
        let known = self.0.snapshot.load().version;
        if stored < known {
            // The database was put back to an earlier state: what is stored counts.
            return self.refresh().await;
        }
        self.refresh_to(stored).await
    }

    async fn listen(&self, pools: &postgres::Pools) -> Infallible {
        let mut outage =
            Outage::new("the notifications of changes", "changes are seen by polling until they are back");
        loop {
            let error = match self.listen_until_lost(pools, &mut outage).await {
                Ok(never) => match never {},
                Err(error) => error,
            };
            tokio::time::sleep(outage.goes_on(&error)).await;
        }
    }

    async fn listen_until_lost(
        &self,
        pools: &postgres::Pools,
        outage: &mut Outage,
    ) -> Result<Infallible, CatalogError> {
        let lost = |error| fault("listening for changes", error);
        let mut listener = pools.listener().await.map_err(lost)?;
        // What was written while nobody listened.
        self.catch_up().await?;
        outage.is_over();
        loop {
            let Some(notification) = listener.try_recv().await.map_err(lost)? else {
                return Err(CatalogError::Unavailable("the listening connection was closed".into()));
            };
            match notification.payload().parse() {
                Ok(version) => self.refresh_to(version).await?,
                Err(_) => self.catch_up().await?,
            }
        }
    }
}

/// One outage, from the first failure to the first success: logged once at either end.
struct Outage {
    what: &'static str,
    meanwhile: &'static str,
    /// `None` while all is well.
    backoff: Option<Duration>,
}

impl Outage {
    const fn new(what: &'static str, meanwhile: &'static str) -> Self {
        Self { what, meanwhile, backoff: None }
    }

    /// How long to wait before the next attempt.
    fn goes_on(&mut self, error: &CatalogError) -> Duration {
        let backoff = match self.backoff {
            Some(last) => (last * 2).min(LONGEST_BACKOFF),
            None => {
                let error: &dyn Error = error;
                tracing::warn!(error, "{} failed; {}", self.what, self.meanwhile);
                FIRST_BACKOFF
            }
        };
        self.backoff = Some(backoff);
        backoff
    }

    fn is_over(&mut self) {
        if self.backoff.take().is_some() {
            tracing::info!("{} works again", self.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_backs_off_and_starts_over_when_it_is_over() {
        let mut outage = Outage::new("x", "y");
        let error = CatalogError::Unavailable("gone".into());
        let mut waits: Vec<u128> = (0..7).map(|_| outage.goes_on(&error).as_millis()).collect();
        outage.is_over();
        waits.push(outage.goes_on(&error).as_millis());
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 5000, 5000, 250]);
    }
}
