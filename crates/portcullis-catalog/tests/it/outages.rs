//! A database that goes away, and comes back.

use std::time::Duration;

use portcullis_catalog::CatalogError;
use portcullis_types::ExposeSecret as _;

use crate::on_both;
use crate::stage::{PATIENCE, Stage, eventually, integration, provider, workspace_key};

on_both!(a_failed_refresh_keeps_the_old_snapshot, a_schema_of_a_later_version_is_refused);

async fn a_schema_of_a_later_version_is_refused(stage: Stage) {
    stage
        .raw(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
             values (9999, 'from the future', true, '', 0)",
        )
        .await;
    let error = stage.open_with(crate::stage::RING).await.unwrap_err();
    assert!(matches!(error, CatalogError::Migration(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_not_released_is_given_up() {
    Stage::postgres().await.run(lock_is_kept).await;
}

async fn lock_is_kept(stage: Stage) {
    let held = stage.hold_write_lock().await;
    let write = stage.catalog.bootstrap(None);
    let error = tokio::time::timeout(PATIENCE, write).await.expect("Postgres gives up first").unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    held.release().await;
    stage.catalog.bootstrap(None).await.unwrap();
}

async fn a_failed_refresh_keeps_the_old_snapshot(stage: Stage) {
    let tenant = stage.tenant("a").await;
    let (_, secret) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();
    stage.raw("alter table api_keys rename to api_keys_gone").await;
    let error = stage.catalog.refresh().await.unwrap_err();
    assert!(matches!(&error, CatalogError::Database { action: "reading all api keys", .. }), "{error:?}");
    assert!(stage.catalog.snapshot().caller(secret.expose_secret()).is_some());
    stage.raw("alter table api_keys_gone rename to api_keys").await;
    stage.catalog.refresh().await.unwrap();
    assert!(stage.catalog.snapshot().caller(secret.expose_secret()).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_snapshot_survives_a_database_that_went_away() {
    Stage::postgres().await.run(database_goes_away).await;
}

async fn database_goes_away(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    stage.catalog.create_integration(integration(organisation, "aws")).await.unwrap();
    stage.catalog.create_provider(provider(tenant, "aws", "claude")).await.unwrap();
    let (_, secret) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();
    let watching = tokio::spawn(stage.catalog.clone().watch());
    stage.on_server("drop database", "with (force)").await;

    let unavailable = |error: CatalogError| assert!(error.is_retryable(), "{error:?}");
    unavailable(stage.catalog.ping().await.unwrap_err());
    unavailable(stage.catalog.refresh().await.unwrap_err());
    unavailable(stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap_err());
    unavailable(stage.catalog.integration(organisation, "aws").await.unwrap_err());
    unavailable(stage.open_with(crate::stage::RING).await.unwrap_err());
    assert!(!watching.is_finished());
    assert!(stage.catalog.snapshot().caller(secret.expose_secret()).is_some());
    assert!(stage.catalog.snapshot().provider(workspace, &"claude".parse().unwrap()).is_some());
    watching.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watching_goes_on_when_the_database_comes_back() {
    Stage::postgres().await.run(database_comes_back).await;
}

async fn database_comes_back(stage: Stage) {
    let tenant = stage.tenant("a").await;
    let watching = tokio::spawn(stage.catalog.clone().watch());
    stage.on_server("alter database", "allow_connections false").await;
    stage.cut_connections("true").await;
    assert!(stage.catalog.ping().await.unwrap_err().is_retryable());
    stage.on_server("alter database", "allow_connections true").await;
    let other = stage.reopen().await;
    let (_, secret) = other.create_api_key(workspace_key(tenant)).await.unwrap();
    let knows = || stage.catalog.snapshot().caller(secret.expose_secret()).is_some();
    eventually("the new key is known", PATIENCE, stage.catalog.changes(), knows).await;
    watching.abort();
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_listener_is_replaced() {
    Stage::postgres().await.run(listener_is_cut).await;
}

async fn listener_is_cut(stage: Stage) {
    let tenant = stage.tenant("a").await;
    let other = stage.reopen().await;
    let watching = tokio::spawn(other.clone().watch());
    for round in 0..3 {
        let (_, secret) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();
        let knows = || other.snapshot().caller(secret.expose_secret()).is_some();
        let limit = if round == 0 { PATIENCE } else { Duration::from_secs(1) };
        eventually(&format!("the key of round {round} is known"), limit, other.changes(), knows).await;
        stage.cut_connections("query ilike 'listen%'").await;
        let again = async { while stage.n_listeners().await == 0 {} };
        tokio::time::timeout(PATIENCE, again).await.expect("somebody listens again");
    }
    watching.abort();
    other.close().await;
}
