//! What goes when its time is over, and what holds on to what.

use std::time::Duration;

use portcullis_catalog::{Purged, UpstreamObject, UpstreamObjectKind};
use portcullis_types::{Clock as _, ProviderId};

use crate::on_both;
use crate::stage::Stage;

on_both!(records_go_in_rounds, a_change_of_objects_is_no_change_of_the_catalog);

async fn records_go_in_rounds(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let now = stage.clock.now();
    let object = |id: String, expires_at| UpstreamObject {
        kind: UpstreamObjectKind::Batch,
        anthropic_workspace_id: "wrkspc_01AbCdEf23GhIj".parse().unwrap(),
        upstream_id: id,
        workspace_id: workspace,
        provider_id: ProviderId::generate(now),
        created_at: now.into(),
        expires_at,
    };
    for n in 0..501 {
        let expires_at = Some((now + Duration::from_secs(60)).into());
        stage.catalog.record_upstream_object(object(format!("msgbatch_{n}"), expires_at)).await.unwrap();
    }
    stage.catalog.record_upstream_object(object("for ever".into(), None)).await.unwrap();
    let round =
        async |seconds| stage.catalog.purge_expired(now + Duration::from_secs(seconds)).await.unwrap();
    assert!(round(59).await.is_nothing());
    assert_eq!(round(60).await, Purged { upstream_objects: 500, ..Purged::default() });
    assert_eq!(round(60).await, Purged { upstream_objects: 1, ..Purged::default() });
    assert!(round(60).await.is_nothing());
    assert_eq!(stage.number("select count(*) from upstream_objects").await, 1);
}

async fn a_change_of_objects_is_no_change_of_the_catalog(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let before = stage.catalog.snapshot();
    let now = stage.clock.now();
    let object = UpstreamObject {
        kind: UpstreamObjectKind::File,
        anthropic_workspace_id: "wrkspc_01AbCdEf23GhIj".parse().unwrap(),
        upstream_id: "file_1".into(),
        workspace_id: workspace,
        provider_id: ProviderId::generate(now),
        created_at: now.into(),
        expires_at: Some(now.into()),
    };
    stage.catalog.record_upstream_object(object).await.unwrap();
    stage.catalog.purge_expired(now).await.unwrap();
    stage.catalog.refresh().await.unwrap();
    assert_eq!(stage.catalog.snapshot().version(), before.version());
}
