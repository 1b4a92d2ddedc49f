//! Objects at the upstream: who made what, and which of Anthropic's workspaces are shared.

use std::collections::HashSet;
use std::time::Duration;

use portcullis_catalog::{NewIntegration, ProviderPatch, UpstreamObject, UpstreamObjectKind as Kind};
use portcullis_types::{Clock as _, OrganisationId, ProviderId, TenantWorkspaceId, WorkspaceId};

use crate::on_both;
use crate::stage::{Stage, integration, provider, refusal};

on_both!(
    an_object_is_its_makers,
    another_makers_object_is_not_taken_over,
    own_objects_are_picked_from_a_list,
    an_object_can_be_forgotten,
    a_workspace_is_shared_when_two_tenants_lead_there,
    a_workspace_stays_shared_when_a_maker_is_gone,
);

const ANTHROPIC: &str = "wrkspc_01AbCdEf23GhIj";

fn anthropic() -> WorkspaceId {
    ANTHROPIC.parse().unwrap()
}

fn object(stage: &Stage, workspace: TenantWorkspaceId, kind: Kind, id: &str) -> UpstreamObject {
    let now = stage.clock.now();
    UpstreamObject {
        kind,
        anthropic_workspace_id: anthropic(),
        upstream_id: id.into(),
        workspace_id: workspace,
        provider_id: ProviderId::generate(now),
        created_at: now.into(),
        expires_at: None,
    }
}

async fn an_object_is_its_makers(stage: Stage) {
    let (organisation, one) = stage.tenant("a").await;
    let two = stage.workspace(organisation, "ws-two").await.id;
    let made = UpstreamObject {
        expires_at: Some((stage.clock.now() + Duration::from_secs(60)).into()),
        ..object(&stage, one, Kind::File, "file_011CNha8iCJcU1wXNR6q4V8w")
    };
    stage.catalog.record_upstream_object(made.clone()).await.unwrap();
    let id = made.upstream_id.as_str();
    let find =
        async |workspace, kind, id: &str| stage.catalog.upstream_object(workspace, kind, id).await.unwrap();
    assert_eq!(find(one, Kind::File, id).await, Some(made.clone()));
    assert_eq!(find(two, Kind::File, id).await, None);
    for (kind, id) in [(Kind::Batch, id), (Kind::File, "file_0"), (Kind::File, ""), (Kind::File, "a\0")] {
        assert_eq!(find(one, kind, id).await, None, "{kind:?} {id:?}");
    }
    let of_anybody = async |place: WorkspaceId| {
        stage.catalog.upstream_object_of_anybody(&place, Kind::File, id).await.unwrap()
    };
    assert_eq!(of_anybody(anthropic()).await.as_ref(), Some(&made));
    assert_eq!(of_anybody("wrkspc_01Other".parse().unwrap()).await, None);
}

async fn another_makers_object_is_not_taken_over(stage: Stage) {
    let (organisation, one) = stage.tenant("a").await;
    let two = stage.workspace(organisation, "ws-two").await.id;
    let first = object(&stage, one, Kind::Skill, "skill_01");
    stage.catalog.record_upstream_object(first.clone()).await.unwrap();
    let theirs = object(&stage, two, Kind::Skill, "skill_01");
    let refused = stage.catalog.record_upstream_object(theirs).await;
    assert_eq!(refusal(refused), "the upstream_id of this upstream object is already in use");

    // The maker may say it again, of another provider.
    stage.clock.advance(Duration::from_secs(1));
    let again = object(&stage, one, Kind::Skill, "skill_01");
    stage.catalog.record_upstream_object(again.clone()).await.unwrap();
    let found = stage.catalog.upstream_object(one, Kind::Skill, "skill_01").await.unwrap().unwrap();
    assert_eq!((found.provider_id, found.created_at), (again.provider_id, first.created_at));
    assert_ne!(again.provider_id, first.provider_id);

    let unnamed = object(&stage, one, Kind::Skill, "");
    let refused = stage.catalog.record_upstream_object(unnamed).await;
    assert_eq!(refusal(refused), "upstream_id must be 1 to 255 characters");
}

async fn own_objects_are_picked_from_a_list(stage: Stage) {
    let (organisation, one) = stage.tenant("a").await;
    let two = stage.workspace(organisation, "ws-two").await.id;
    for (workspace, kind, id) in [
        (one, Kind::Batch, "b1"),
        (one, Kind::Batch, "b\"2'"),
        (two, Kind::Batch, "b3"),
        (one, Kind::File, "b4"),
    ] {
        stage.catalog.record_upstream_object(object(&stage, workspace, kind, id)).await.unwrap();
    }
    let check = async |workspace, ids: &[&str], expect: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let own = stage.catalog.own_upstream_objects(workspace, Kind::Batch, &ids).await.unwrap();
        assert_eq!(own, expect.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>());
    };
    check(one, &["b1", "b\"2'", "b3", "b4", "b5", "nul\0"], &["b1", "b\"2'"]).await;
    check(two, &["b1", "b3", "b3"], &["b3"]).await;
    check(two, &["b1"], &[]).await;
    check(one, &[], &[]).await;
    check(one, &["\0"], &[]).await;
}

async fn an_object_can_be_forgotten(stage: Stage) {
    let (organisation, one) = stage.tenant("a").await;
    let two = stage.workspace(organisation, "ws-two").await.id;
    stage.catalog.record_upstream_object(object(&stage, one, Kind::Batch, "b1")).await.unwrap();
    let forget =
        async |workspace| stage.catalog.forget_upstream_object(workspace, Kind::Batch, "b1").await.unwrap();
    assert!(!forget(two).await);
    assert!(stage.catalog.upstream_object(one, Kind::Batch, "b1").await.unwrap().is_some());
    assert!(forget(one).await);
    assert!(!forget(one).await);
    assert!(stage.catalog.upstream_object(one, Kind::Batch, "b1").await.unwrap().is_none());
}

async fn lead_there(stage: &Stage, organisation: OrganisationId, workspace: TenantWorkspaceId, slug: &str) {
    let new = NewIntegration { create_default_provider: false, ..integration(organisation, slug) };
    stage.catalog.create_integration(new).await.unwrap();
    stage.catalog.create_provider(provider((organisation, workspace), slug, slug)).await.unwrap();
}

async fn a_workspace_is_shared_when_two_tenants_lead_there(stage: Stage) {
    let (organisation, one) = stage.tenant("a").await;
    let (foreign, theirs) = stage.tenant("b").await;
    let is_shared = || stage.catalog.snapshot().is_shared(&anthropic());
    assert!(!is_shared());
    lead_there(&stage, organisation, one, "x").await;
    lead_there(&stage, organisation, one, "y").await;
    assert!(!is_shared(), "two providers of one workspace share nothing");
    lead_there(&stage, foreign, theirs, "x").await;
    assert!(is_shared());
    assert!(!stage.catalog.snapshot().is_shared(&"wrkspc_01Other".parse().unwrap()));

    // One that no longer serves may serve again, and what it made is still there.
    let end = stage.clock.now() + Duration::from_secs(60);
    let patch = ProviderPatch { expires_at: Some(Some(end.into())), ..Default::default() };
    stage.catalog.update_provider(foreign, theirs, "x", patch).await.unwrap();
    stage.clock.advance(Duration::from_secs(60));
    assert_eq!(stage.catalog.snapshot().providers(theirs).count(), 0);
    assert!(is_shared());
    stage.catalog.delete_provider(foreign, theirs, "x").await.unwrap();
    assert!(!is_shared());
}

async fn a_workspace_stays_shared_when_a_maker_is_gone(stage: Stage) {
    let (organisation, one) = stage.tenant("a").await;
    let two = stage.workspace(organisation, "ws-two").await.id;
    lead_there(&stage, organisation, one, "x").await;
    lead_there(&stage, organisation, two, "y").await;
    for (workspace, id) in [(one, "file_1"), (two, "file_2")] {
        stage.catalog.record_upstream_object(object(&stage, workspace, Kind::File, id)).await.unwrap();
    }
    stage.catalog.forget_upstream_object(two, Kind::File, "file_2").await.unwrap();
    stage.catalog.delete_provider(organisation, two, "y").await.unwrap();
    assert!(stage.catalog.snapshot().is_shared(&anthropic()));
    assert!(stage.reopen().await.snapshot().is_shared(&anthropic()));
}
