//! Responses.

use std::time::Duration;

use portcullis_catalog::{CatalogError, MAX_RESPONSE_BYTES, StoredResponse};
use portcullis_types::{Clock as _, ProviderId, ResponseId, TenantWorkspaceId};

use crate::on_both;
use crate::stage::{Stage, refusal};

on_both!(
    a_response_answers_only_in_its_workspace,
    the_same_id_again_replaces,
    an_expired_response_is_gone,
    a_response_has_a_longest_length,
    no_document_lies_in_the_clear,
);

const GONE: &str = "there is no such response";

fn response(stage: &Stage, workspace: TenantWorkspaceId, document: &str) -> StoredResponse {
    let now = stage.clock.now();
    StoredResponse {
        id: "resp_01XFDUDYJgAACzvnptvVoYEL".parse().unwrap(),
        workspace_id: workspace,
        provider_id: ProviderId::generate(now),
        model: "@claude-aws/claude-sonnet-4-6".into(),
        created_at: now.into(),
        expires_at: (now + Duration::from_secs(60)).into(),
        document: document.into(),
    }
}

async fn a_response_answers_only_in_its_workspace(stage: Stage) {
    let (organisation, one) = stage.tenant("a").await;
    let two = stage.workspace(organisation, "ws-two").await.id;
    let kept = response(&stage, one, "{}");
    stage.catalog.put_response(&kept).await.unwrap();
    assert_eq!(stage.catalog.response(one, &kept.id).await.unwrap(), kept);
    assert!(stage.catalog.has_response(one, &kept.id).await.unwrap());
    let other: ResponseId = "resp_other".parse().unwrap();
    for (workspace, id) in [(two, &kept.id), (one, &other)] {
        assert_eq!(refusal(stage.catalog.response(workspace, id).await), GONE);
        assert!(!stage.catalog.has_response(workspace, id).await.unwrap());
        assert_eq!(refusal(stage.catalog.delete_response(workspace, id).await), GONE);
    }
    // Another workspace's of the same id is another one.
    let theirs = response(&stage, two, "theirs");
    stage.catalog.put_response(&theirs).await.unwrap();
    stage.catalog.delete_response(one, &kept.id).await.unwrap();
    assert_eq!(refusal(stage.catalog.response(one, &kept.id).await), GONE);
    assert_eq!(stage.catalog.response(two, &kept.id).await.unwrap(), theirs);
}

async fn the_same_id_again_replaces(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    stage.catalog.put_response(&response(&stage, workspace, "first")).await.unwrap();
    stage.clock.advance(Duration::from_secs(1));
    let second = response(&stage, workspace, "second");
    stage.catalog.put_response(&second).await.unwrap();
    assert_eq!(stage.catalog.response(workspace, &second.id).await.unwrap(), second);
    assert_eq!(stage.number("select count(*) from responses").await, 1);
}

async fn an_expired_response_is_gone(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let kept = response(&stage, workspace, "{}");
    stage.catalog.put_response(&kept).await.unwrap();
    stage.clock.advance(Duration::from_millis(59_500));
    assert!(stage.catalog.purge_expired(stage.clock.now()).await.unwrap().is_nothing());
    assert!(stage.catalog.has_response(workspace, &kept.id).await.unwrap());
    stage.clock.advance(Duration::from_millis(500));
    assert_eq!(refusal(stage.catalog.response(workspace, &kept.id).await), GONE);
    assert!(!stage.catalog.has_response(workspace, &kept.id).await.unwrap());
    assert_eq!(refusal(stage.catalog.delete_response(workspace, &kept.id).await), GONE);
    assert_eq!(stage.catalog.purge_expired(stage.clock.now()).await.unwrap().responses, 1);
    assert_eq!(stage.number("select count(*) from responses").await, 0);
}

async fn a_response_has_a_longest_length(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let mut kept = response(&stage, workspace, "");
    kept.document = vec![7; MAX_RESPONSE_BYTES];
    stage.catalog.put_response(&kept).await.unwrap();
    assert!(stage.catalog.response(workspace, &kept.id).await.unwrap() == kept);
    kept.document.push(7);
    let refused = stage.catalog.put_response(&kept).await;
    assert!(matches!(refused, Err(CatalogError::TooLarge { what: "response", .. })), "{refused:?}");
    kept.document.clear();
    kept.model.clear();
    let refused = stage.catalog.put_response(&kept).await;
    assert_eq!(refusal(refused), "model must be 1 to 1024 characters");
}

async fn no_document_lies_in_the_clear(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let kept = response(&stage, workspace, "what somebody asked");
    assert!(!format!("{kept:?}").contains("somebody"));
    stage.catalog.put_response(&kept).await.unwrap();
    let stored = stage.bytes("select document from responses").await;
    assert!(!stored.windows(8).any(|window| window == b"somebody"));
    // Nor does it open in another's place.
    let mut other = kept.clone();
    other.id = "resp_other".parse().unwrap();
    stage.catalog.put_response(&other).await.unwrap();
    let moved =
        "update responses set document = (select document from responses where response_id = 'resp_other')";
    stage.raw(moved).await;
    let refused = refusal(stage.catalog.response(workspace, &kept.id).await);
    assert!(refused.ends_with("it does not open: it was changed, or sealed for another place"), "{refused}");
}
