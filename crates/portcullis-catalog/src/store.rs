//! The two databases behind one door.
//!
//! Statements stand in the modules by table, once for both databases: `$1` serves both, and the types on either side
//! read and write the same Rust values. What differs (connecting, migrating, the order of writes, the words of a
//! violated constraint) is in [`postgres`] and [`sqlite`].

use std::future::Future;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;
use sqlx::{Postgres, Sqlite};

use crate::database_url::DatabaseUrl;
use crate::error::CatalogError;

pub(crate) mod api_keys;
pub(crate) mod batch_leases;
pub(crate) mod batches;
pub(crate) mod encryption_keys;
pub(crate) mod external_ids;
pub(crate) mod file_chunks;
pub(crate) mod files;
pub(crate) mod integrations;
pub(crate) mod organisations;
pub(crate) mod postgres;
pub(crate) mod providers;
pub(crate) mod responses;
pub(crate) mod shared_roles;
pub(crate) mod sqlite;
pub(crate) mod upstream_objects;
pub(crate) mod verifications;

/// A statement that takes longer is given up. Longer than Postgres' own limit, so that its words are heard first.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(8);
/// A transaction that does not begin in this time is given up. Longer than SQLite waits for another writer.
const BEGIN_DEADLINE: Duration = Duration::from_secs(20);

/// An open database.
#[derive(Clone)]
pub(crate) enum Store {
    Postgres(postgres::Pools),
    Sqlite(sqlite::Pools),
}

/// A transaction in progress; rolled back unless it is committed.
pub(crate) enum Transaction {
    Postgres(sqlx::Transaction<'static, Postgres>),
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

/// A transaction that holds the one right to write.
pub(crate) struct Write {
    pub(crate) transaction: Transaction,
    /// The catalog's version once this is committed.
    pub(crate) version: i64,
}

/// Runs one statement on either database: the closure's body is compiled once for each.
macro_rules! statement {
    ($transaction:expr, $action:literal, |$connection:ident| $future:expr) => {
        match $transaction {
            $crate::store::Transaction::Postgres(transaction) => {
                let $connection = &mut **transaction;
                $crate::store::answer($action, $future).await
            }
            $crate::store::Transaction::Sqlite(transaction) => {
                let $connection = &mut **transaction;
                $crate::store::answer($action, $future).await
            }
        }
    };
}
pub(crate) use statement;

/// Runs one statement that changes rows on either database, and says how many it changed.
macro_rules! change {
    ($transaction:expr, $action:literal, $query:expr) => {
        $crate::store::statement!($transaction, $action, |connection| async {
            $query.execute(connection).await.map(|done| done.rows_affected())
        })
    };
}
pub(crate) use change;

impl Store {
    /// Connects, and brings the schema to this version.
    pub(crate) async fn open(url: &DatabaseUrl) -> Result<Self, CatalogError> {
        match url {
            DatabaseUrl::Postgres(url) => postgres::Pools::open(&url.options()).await.map(Self::Postgres),
            DatabaseUrl::Sqlite(path) => sqlite::Pools::open(path).await.map(Self::Sqlite),
        }
    }

    /// Begins to read: all reads of the transaction see the same moment.
    pub(crate) async fn read(&self) -> Result<Transaction, CatalogError> {
        let begin = async {
            match self {
                Self::Postgres(pools) => pools.read().await.map(Transaction::Postgres),
                Self::Sqlite(pools) => pools.read().await.map(Transaction::Sqlite),
            }
        };
        within(BEGIN_DEADLINE, "beginning to read", begin).await
    }

    /// Begins to write. Waits for every other writer first: the version's row is the lock.
    pub(crate) async fn write(&self) -> Result<Write, CatalogError> {
        let begin = async {
            match self {
                Self::Postgres(pools) => pools.write().await,
                Self::Sqlite(pools) => pools.write().await,
            }
        };
        within(BEGIN_DEADLINE, "beginning to write", begin).await
    }

    /// Begins to write what is no part of the catalog's version: no snapshot holds it, so nobody is told.
    pub(crate) async fn write_beside(&self) -> Result<Transaction, CatalogError> {
        let begin = async {
            match self {
                Self::Postgres(pools) => pools.write_beside().await.map(Transaction::Postgres),
                Self::Sqlite(pools) => pools.write_beside().await.map(Transaction::Sqlite),
            }
        };
        within(BEGIN_DEADLINE, "beginning to write", begin).await
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Postgres(pools) => pools.close().await,
            Self::Sqlite(pools) => pools.close().await,
        }
    }
}

impl Transaction {
    /// The catalog's version as this transaction sees it.
    pub(crate) async fn version(&mut self) -> Result<i64, CatalogError> {
        statement!(self, "reading the catalog's version", |connection| {
            sqlx::query_scalar("select version from catalog_version").fetch_one(connection)
        })
    }

    pub(crate) async fn commit(self) -> Result<(), CatalogError> {
        match self {
            Self::Postgres(transaction) => answer("committing", transaction.commit()).await,
            Self::Sqlite(transaction) => answer("committing", transaction.commit()).await,
        }
    }
}

/// What a statement came to, in the terms of [`CatalogError`].
pub(crate) async fn answer<T>(
    action: &'static str,
    future: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, CatalogError> {
    within(STATEMENT_DEADLINE, action, future).await
}

async fn within<T>(
    deadline: Duration,
    action: &'static str,
    future: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, CatalogError> {
    match tokio::time::timeout(deadline, future).await {
        Ok(result) => result.map_err(|error| fault(action, error)),
        Err(elapsed) => Err(CatalogError::Unavailable(elapsed.into())),
    }
}

/// Sorts a database's error by what one can do about it.
pub(crate) fn fault(action: &'static str, error: sqlx::Error) -> CatalogError {
    let is_outage = match &error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(database) => {
            if let Some(violated) = violation(database.as_ref()) {
                return violated;
            }
            match database.try_downcast_ref::<PgDatabaseError>() {
                Some(postgres) => postgres::is_outage(postgres.code()),
                None => database.code().is_some_and(|code| sqlite::is_outage(&code)),
            }
        }
        _ => false,
    };
    if is_outage {
        CatalogError::Unavailable(error.into())
    } else {
        CatalogError::Database { action, source: error.into() }
    }
}

/// A migration that fails because the database is away is worth another try; any other failure is not.
fn migration_fault(error: MigrateError) -> CatalogError {
    match error {
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
            match fault("migrating", source) {
                outage @ CatalogError::Unavailable(_) => outage,
                CatalogError::Database { source, .. } => CatalogError::Migration(source),
                other => CatalogError::Migration(other.into()),
            }
        }
        other => CatalogError::Migration(other.into()),
    }
}

fn violation(error: &dyn sqlx::error::DatabaseError) -> Option<CatalogError> {
    if error.is_unique_violation() {
        let (table, column) = match error.try_downcast_ref::<SqliteError>() {
            Some(sqlite) => sqlite::unique_column(error_text(sqlite)),
            None => error.constraint().and_then(postgres::unique_column),
        }?;
        return Some(CatalogError::Conflict { what: what(table)?, field: field(column)? });
    }
    let table = error.table().and_then(what).unwrap_or("row");
    error.is_foreign_key_violation().then_some(CatalogError::InUse { what: table, by: vec![] })
}

fn error_text(error: &SqliteError) -> &str {
    sqlx::error::DatabaseError::message(error)
}

/// What a row of this table is to people.
fn what(table: &str) -> Option<&'static str> {
    Some(match table {
        "organisations" => "organisation",
        "workspaces" => "workspace",
        "integrations" => "integration",
        "providers" => "provider",
        "api_keys" => "api key",
        "files" => "file",
        "batches" => "batch",
        "responses" => "response",
        "upstream_objects" => "upstream object",
        _ => return None,
    })
}

/// The columns whose values must be unique.
fn field(column: &str) -> Option<&'static str> {
    ["slug", "external_id", "digest"].into_iter().find(|known| *known == column)
}

/// How a caller names a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference<'a> {
    pub(crate) id: Option<uuid::Uuid>,
    pub(crate) slug: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// A hyphenated UUID is an id, everything else a slug; no slug looks like a hyphenated UUID.
    pub(crate) fn parse(raw: &'a str) -> Self {
        match as_id(raw) {
            Some(id) => Self { id: Some(id), slug: None },
            // Postgres refuses text with this character, where "no such row" is the right answer.
            None => Self { id: None, slug: Some(raw).filter(|slug| !slug.contains('\0')) },
        }
    }
}

/// The id that a text reads as, in the one form in which ids are written.
pub(crate) fn as_id(raw: &str) -> Option<uuid::Uuid> {
    if raw.len() == 36 { raw.parse().ok() } else { None }
}

/// Pools whose `Debug` shows nothing: their options hold a password.
impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Postgres(_) => "Store(postgres)",
            Self::Sqlite(_) => "Store(sqlite)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hyphenated_uuid_is_an_id() {
        let id = "0192d3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d";
        assert_eq!(Reference::parse(id), Reference { id: id.parse().ok(), slug: None });
        for slug in ["claude-aws", "0192d3c45e6f7a8b9c0d1e2f3a4b5c6d", "'; drop table providers; --"] {
            assert_eq!(Reference::parse(slug), Reference { id: None, slug: Some(slug) });
        }
        assert_eq!(Reference::parse("a\0b"), Reference { id: None, slug: None });
    }

    #[test]
    fn outages_are_told_from_faults() {
        let check = |error: sqlx::Error, is_outage| {
            assert_eq!(fault("testing", error).is_retryable(), is_outage);
        };
        check(sqlx::Error::PoolTimedOut, true);
        check(sqlx::Error::PoolClosed, true);
        check(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into(), true);
        check(sqlx::Error::RowNotFound, false);
        check(sqlx::Error::ColumnNotFound("x".into()), false);
    }
}
