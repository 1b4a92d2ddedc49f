//! The catalog's contract: every case on SQLite and on Postgres.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

mod access;
mod api_keys;
mod batches;
mod bootstrap;
mod changes;
mod files;
mod integrations;
mod keys_at_rest;
mod migrations;
mod outages;
mod overview;
mod providers;
mod responses;
mod retention;
mod shared_roles;
mod stage;
mod upstream_objects;
mod verifications;

/// Makes two tests of each check, which takes a [`stage::Stage`]: one on either database.
macro_rules! on_both {
    ($($check:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                $crate::stage::Stage::sqlite().await.run(super::$check).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                $crate::stage::Stage::postgres().await.run(super::$check).await;
            })*
        }
    };
}
pub(crate) use on_both;
