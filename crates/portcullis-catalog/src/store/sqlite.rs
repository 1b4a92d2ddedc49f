//! What is particular to SQLite.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use sqlx::Sqlite;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::{Transaction, Write, fault, migration_fault};
use crate::error::CatalogError;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

const MAX_READERS: u32 = 4;
/// How long to wait for a writer of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// The connections to one file. SQLite knows one writer at a time: within this process they queue for one connection.
#[derive(Clone)]
pub(crate) struct Pools {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl Pools {
    pub(super) async fn open(path: &Path) -> Result<Self, CatalogError> {
        prepare_file(path)
            .map_err(|source| CatalogError::File { path: path.display().to_string(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // A power cut must not undo what was answered with success; writes are rare.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = |n| SqlitePoolOptions::new().max_connections(n).acquire_timeout(BUSY_TIMEOUT);
        let writer =
            pool(1).connect_with(options.clone()).await.map_err(|error| fault("opening the file", error))?;
        migrate(&writer).await?;
        Ok(Self { readers: pool(MAX_READERS).connect_lazy_with(options), writer })
    }

    pub(super) async fn read(&self) -> Result<sqlx::Transaction<'static, Sqlite>, sqlx::Error> {
        self.readers.begin().await
    }

    /// Takes the write lock at the start: a lock that is upgraded later may fail where it could have waited.
    pub(super) async fn write(&self) -> Result<Write, sqlx::Error> {
        let mut transaction = self.writer.begin_with("begin immediate").await?;
        let version =
            sqlx::query_scalar("update catalog_version set version = version + 1 returning version")
                .fetch_one(&mut *transaction)
                .await?;
        Ok(Write { transaction: Transaction::Sqlite(transaction), version })
    }

    pub(super) async fn write_beside(&self) -> Result<sqlx::Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("begin immediate").await
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// In one transaction that holds the write lock, because SQLite has no other lock that keeps two processes apart.
async fn migrate(writer: &SqlitePool) -> Result<(), CatalogError> {
    let mut transaction =
        writer.begin_with("begin immediate").await.map_err(|error| fault("beginning to migrate", error))?;
    MIGRATIONS.run_direct(None, &mut *transaction, false).await.map_err(migration_fault)?;
    transaction.commit().await.map_err(|error| fault("committing the migration", error))
}

/// Makes the file for its owner alone, before SQLite would make it for everybody. The files beside it (`-wal`, `-shm`)
/// take their mode from it.
fn prepare_file(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Whether the file or the disk, rather than the statement, is at fault. Codes are extended result codes.
///
/// Source: SQLite documentation, "Result and error codes".
pub(super) fn is_outage(code: &str) -> bool {
    let Ok(code) = code.parse::<i32>() else { return false };
    // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN
    [5, 6, 8, 10, 13, 14].contains(&(code & 0xff))
}

/// The last column that a message such as `UNIQUE constraint failed: providers.workspace_id, providers.slug` names.
pub(super) fn unique_column(message: &str) -> Option<(&str, &str)> {
    let (_, columns) = message.split_once("failed: ")?;
    columns.rsplit(", ").next()?.split_once('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_is_read_from_the_message() {
        let check = |message, expect| assert_eq!(unique_column(message), expect);
        check("UNIQUE constraint failed: organisations.slug", Some(("organisations", "slug")));
        check(
            "UNIQUE constraint failed: providers.workspace_id, providers.slug",
            Some(("providers", "slug")),
        );
        check("UNIQUE constraint failed", None);
    }
}
