//! What is particular to Postgres.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPool, PgPoolOptions};
use sqlx::{Connection, Postgres};

use super::{Transaction, Write, fault, migration_fault};
use crate::error::CatalogError;

/// The channel on which writers tell of a new version.
pub(crate) const CHANNEL: &str = "portcullis_catalog";

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/postgres");

const MAX_CONNECTIONS: u32 = 10;
/// A pool without a free connection is overload or an outage; waiting longer only piles up work.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Postgres' own limits, in milliseconds.
const LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "5000"),
    ("lock_timeout", "5000"),
    ("idle_in_transaction_session_timeout", "30000"),
];

/// The connections to one Postgres database.
#[derive(Clone)]
pub(crate) struct Pools {
    work: PgPool,
    /// One connection that only listens, so that it never takes one from the work.
    listen: PgPool,
}

impl Pools {
    pub(super) async fn open(options: &PgConnectOptions) -> Result<Self, CatalogError> {
        let options = options.clone().application_name("portcullis");
        migrate(&options).await?;
        let work = PgPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options.clone().options(LIMITS));
        let listen = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(CONNECT_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options);
        Ok(Self { work, listen })
    }

    pub(super) async fn read(&self) -> Result<sqlx::Transaction<'static, Postgres>, sqlx::Error> {
        self.work.begin_with("begin isolation level repeatable read read only").await
    }

    /// Increments the version, which waits for every other writer, and tells of it once the transaction is committed.
    pub(super) async fn write(&self) -> Result<Write, sqlx::Error> {
        let mut transaction = self.work.begin().await?;
        let version: i64 = sqlx::query_scalar(
            "with bumped as (update catalog_version set version = version + 1 returning version) \
             select version from bumped, pg_notify($1, version::text)",
        )
        .bind(CHANNEL)
        .fetch_one(&mut *transaction)
        .await?;
        Ok(Write { transaction: Transaction::Postgres(transaction), version })
    }

    pub(super) async fn write_beside(&self) -> Result<sqlx::Transaction<'static, Postgres>, sqlx::Error> {
        self.work.begin().await
    }

    /// A connection on which [`CHANNEL`] is heard.
    pub(crate) async fn listener(&self) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.listen).await?;
        // What was missed must be read after the channel is heard again, so the caller has to know of a loss at once.
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }

    pub(super) async fn close(&self) {
        self.listen.close().await;
        self.work.close().await;
    }
}

/// On a connection of its own: a migration may take longer than a statement may. Several processes take turns.
async fn migrate(options: &PgConnectOptions) -> Result<(), CatalogError> {
    let connect = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options));
    let mut connection = connect
        .await
        .map_err(|elapsed| CatalogError::Unavailable(elapsed.into()))?
        .map_err(|error| fault("connecting", error))?;
    MIGRATIONS.run_direct(None, &mut connection, false).await.map_err(migration_fault)?;
    connection.close().await.map_err(|error| fault("closing a connection", error))
}

/// Whether the server, rather than the statement, is at fault.
///
/// Source: PostgreSQL documentation, appendix A.
pub(super) fn is_outage(code: &str) -> bool {
    const CODES: [&str; 6] = [
        "25006", // read-only: a primary that has become a standby
        "3D000", // the database is gone
        "53300", // too many connections
        "55000", // the database does not accept connections
        "55P03", // a lock was not granted in time
        "57014", // a statement took too long
    ];
    // 08: connection exceptions. 57P: the server shuts down, starts up, or has dropped the database.
    CODES.contains(&code) || code.starts_with("08") || code.starts_with("57P")
}

/// Constraints are named `<table>__<column>`.
pub(super) fn unique_column(constraint: &str) -> Option<(&str, &str)> {
    constraint.split_once("__")
}
