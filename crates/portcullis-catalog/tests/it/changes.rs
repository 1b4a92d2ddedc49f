//! How a change reaches this process's snapshot and other processes'.

use std::time::Duration;

use portcullis_catalog::{Catalog, NewIntegration};
use portcullis_types::{ApiKeySecret, ExposeSecret as _, Slug};

use crate::on_both;
use crate::stage::{PATIENCE, Stage, eventually, integration, workspace_key};

on_both!(
    a_write_is_in_the_snapshot_when_it_returns,
    another_process_sees_a_change,
    polling_finds_what_no_notification_told,
    writers_of_two_processes_do_not_disturb_each_other,
    a_write_waits_for_another_writer,
);

fn knows(catalog: &Catalog, secret: &ApiKeySecret) -> bool {
    catalog.snapshot().caller(secret.expose_secret()).is_some()
}

async fn a_write_is_in_the_snapshot_when_it_returns(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    let slug: Slug = "aws".parse().unwrap();
    let old = stage.catalog.snapshot();
    let new = NewIntegration { workspace_id: Some(workspace), ..integration(organisation, "aws") };
    stage.catalog.create_integration(new).await.unwrap();
    assert!(stage.catalog.snapshot().provider(workspace, &slug).is_some());
    assert!(old.provider(workspace, &slug).is_none(), "a snapshot never changes");
    let (key, secret) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();
    assert!(knows(&stage.catalog, &secret));
    stage.catalog.revoke_api_key(organisation, key.id).await.unwrap();
    assert!(!knows(&stage.catalog, &secret));
    stage.catalog.delete_provider(organisation, workspace, "aws").await.unwrap();
    assert!(stage.catalog.snapshot().provider(workspace, &slug).is_none());
}

async fn another_process_sees_a_change(stage: Stage) {
    let tenant @ (organisation, _) = stage.tenant("a").await;
    let other = stage.reopen().await;
    let watching = tokio::spawn(other.clone().watch());
    let limit = if stage.is_postgres() { Duration::from_secs(1) } else { PATIENCE };
    // The first change may come before the other process listens; from then on it does.
    let (first, secret) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();
    eventually("the first key is known", PATIENCE, other.changes(), || knows(&other, &secret)).await;
    let (_, second) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();
    eventually("a new key is known", limit, other.changes(), || knows(&other, &second)).await;
    stage.catalog.revoke_api_key(organisation, first.id).await.unwrap();
    eventually("a revoked key is gone", limit, other.changes(), || !knows(&other, &secret)).await;
    watching.abort();
    other.close().await;
}

async fn polling_finds_what_no_notification_told(stage: Stage) {
    let tenant = stage.tenant("a").await;
    let (_, secret) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();
    let watching = tokio::spawn(stage.catalog.clone().watch());
    stage.raw("delete from api_keys; update catalog_version set version = version + 1").await;
    let limit = Duration::from_secs(5);
    eventually("the key is gone", limit, stage.catalog.changes(), || !knows(&stage.catalog, &secret)).await;
    watching.abort();
}

async fn writers_of_two_processes_do_not_disturb_each_other(stage: Stage) {
    let tenant @ (organisation, _) = stage.tenant("a").await;
    let other = stage.reopen().await;
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..20 {
        let catalog = if n % 2 == 0 { stage.catalog.clone() } else { other.clone() };
        writers.spawn(async move { catalog.create_api_key(workspace_key(tenant)).await.unwrap().1 });
    }
    let secrets = writers.join_all().await;
    for catalog in [&stage.catalog, &other] {
        catalog.refresh().await.unwrap();
        assert!(secrets.iter().all(|secret| knows(catalog, secret)));
    }
    let page = portcullis_catalog::Page { current_page: 0, page_size: 1 };
    assert_eq!(other.list_api_keys(organisation, Default::default(), page).await.unwrap().total, 20);
    other.close().await;
}

async fn a_write_waits_for_another_writer(stage: Stage) {
    let tenant = stage.tenant("a").await;
    let held = stage.hold_write_lock().await;
    let catalog = stage.catalog.clone();
    let mut writing = tokio::spawn(async move { catalog.create_api_key(workspace_key(tenant)).await });
    let early = tokio::time::timeout(Duration::from_millis(200), &mut writing).await;
    assert!(early.is_err(), "nobody else can write meanwhile: {early:?}");
    stage.catalog.ping().await.expect("reading goes on");
    held.release().await;
    let (_, secret) = writing.await.unwrap().unwrap();
    assert!(knows(&stage.catalog, &secret));
}
