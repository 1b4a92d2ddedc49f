//! Batches: who works on them, and what becomes of them.

use std::time::Duration;

use portcullis_catalog::{BATCH_LEASE, BatchState, CatalogError, NewBatch, StoredBatch, ThenLease};
use portcullis_types::{ApiKeyId, BatchId, Clock as _, FileId, ProviderId, TenantWorkspaceId};
use serde_json::json;

use crate::on_both;
use crate::stage::{Stage, refusal};

on_both!(
    a_batch_answers_only_in_its_workspace,
    a_batch_is_changed_by_who_holds_it,
    one_worker_at_a_time,
    many_workers_share_the_work,
    a_lease_that_is_over_goes_to_another,
    a_batch_is_claimed_when_somebody_asks_for_it,
    a_batch_can_be_asked_to_stop,
    a_batch_that_is_over_stays_as_it_is,
    batches_are_listed_from_a_place_on,
    batches_go_when_they_are_over_and_old,
    no_document_lies_in_the_clear,
);

const CHANGED: &str = "the batch was changed by somebody else meanwhile";

fn new_batch(stage: &Stage, workspace: TenantWorkspaceId) -> NewBatch {
    let now = stage.clock.now();
    NewBatch {
        workspace_id: workspace,
        key_id: ApiKeyId::generate(now),
        provider_id: None,
        endpoint: "/v1/chat/completions".into(),
        input_file_id: Some(FileId::generate(now)),
        document: json!({ "completion_window": "24h" }),
        keep_until: None,
    }
}

async fn make(stage: &Stage, workspace: TenantWorkspaceId) -> StoredBatch {
    stage.catalog.create_batch(new_batch(stage, workspace)).await.unwrap()
}

async fn claim_one(stage: &Stage) -> StoredBatch {
    let mut due = stage.catalog.due_batches(10).await.unwrap();
    assert_eq!(due.len(), 1, "{due:?}");
    due.remove(0)
}

async fn n_due(stage: &Stage) -> usize {
    stage.catalog.due_batches(10).await.unwrap().len()
}

/// Released, and due `seconds` from now.
fn later(stage: &Stage, seconds: u64) -> ThenLease {
    ThenLease::Release { due_at: (stage.clock.now() + Duration::from_secs(seconds)).into() }
}

async fn a_batch_answers_only_in_its_workspace(stage: Stage) {
    let (organisation, one) = stage.tenant("a").await;
    let two = stage.workspace(organisation, "ws-two").await.id;
    let made = make(&stage, one).await;
    assert_eq!((made.state, made.version), (BatchState::Validating, 1));
    assert_eq!(stage.catalog.batch(one, made.id).await.unwrap(), made);
    for (workspace, id) in [(two, made.id), (one, BatchId::generate(stage.clock.now()))] {
        let gone = "there is no such batch";
        assert_eq!(refusal(stage.catalog.batch(workspace, id).await), gone);
        assert_eq!(refusal(stage.catalog.claim_batch(workspace, id).await), gone);
        assert_eq!(refusal(stage.catalog.request_cancel(workspace, id).await), gone);
    }
    assert_eq!(stage.catalog.batch(one, made.id).await.unwrap(), made);
    let unnamed = NewBatch { endpoint: String::new(), ..new_batch(&stage, one) };
    let refused = stage.catalog.create_batch(unnamed).await;
    assert_eq!(refusal(refused), "endpoint must be 1 to 255 characters");
    let metadata = json!({ "metadata": { "$serde_json::private::Number": "x" } });
    let unreadable = NewBatch { document: metadata, ..new_batch(&stage, one) };
    let refused = stage.catalog.create_batch(unreadable).await;
    assert_eq!(refusal(refused), "document must read as it is written");
}

async fn a_batch_is_changed_by_who_holds_it(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    make(&stage, workspace).await;
    let mut batch = claim_one(&stage).await;
    stage.clock.advance(Duration::from_secs(1));
    let now = stage.clock.now();
    batch.provider_id = Some(ProviderId::generate(now));
    batch.output_file_id = Some(FileId::generate(now));
    batch.error_file_id = Some(FileId::generate(now));
    batch.state = BatchState::InProgress;
    batch.upstream_batch_ids = vec!["msgbatch_01".into()];
    batch.document = json!({ "big": u64::MAX, "text": "\u{0}ü" });
    batch.keep_until = Some((now + Duration::from_secs(9)).into());
    let stored = stage.catalog.update_batch(&batch, ThenLease::Hold).await.unwrap();
    let expect = StoredBatch { version: batch.version + 1, updated_at: now.into(), ..batch };
    assert_eq!(stored, expect);
    assert_eq!(stage.catalog.batch(workspace, stored.id).await.unwrap(), expect);
    assert_eq!(n_due(&stage).await, 0, "it is still held");

    stage.catalog.update_batch(&stored, later(&stage, 30)).await.unwrap();
    assert_eq!(n_due(&stage).await, 0);
    stage.clock.advance(Duration::from_millis(29_500));
    assert_eq!(n_due(&stage).await, 0);
    stage.clock.advance(Duration::from_millis(500));
    assert_eq!(claim_one(&stage).await.document, stored.document);
}

async fn one_worker_at_a_time(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let made = make(&stage, workspace).await;
    let other = stage.reopen().await;
    let held = claim_one(&stage).await;
    assert_eq!((held.id, held.version), (made.id, 2));
    assert!(other.due_batches(10).await.unwrap().is_empty());
    assert!(other.claim_batch(workspace, made.id).await.unwrap().is_none());
    // Whoever read it before it was claimed cannot change it.
    assert_eq!(refusal(other.update_batch(&made, ThenLease::Hold).await), CHANGED);
}

async fn many_workers_share_the_work(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    for _ in 0..12 {
        make(&stage, workspace).await;
    }
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let catalog = stage.reopen().await;
        workers.spawn(async move { catalog.due_batches(12).await.unwrap() });
    }
    let mut ids: Vec<BatchId> =
        workers.join_all().await.into_iter().flatten().map(|batch| batch.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let n_claims = stage.number("select cast(sum(version - 1) as bigint) from batches").await;
    assert_eq!((ids.len(), n_claims), (12, 12), "each went to one");
}

async fn a_lease_that_is_over_goes_to_another(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    make(&stage, workspace).await;
    let lost = claim_one(&stage).await;
    stage.clock.advance(BATCH_LEASE - Duration::from_secs(1));
    let renewed = stage.catalog.update_batch(&lost, ThenLease::Hold).await.unwrap();
    stage.clock.advance(BATCH_LEASE - Duration::from_secs(1));
    assert_eq!(n_due(&stage).await, 0);
    stage.clock.advance(Duration::from_secs(1));
    let mut taken = claim_one(&stage).await;
    taken.upstream_batch_ids = vec!["msgbatch_01".into()];
    stage.catalog.update_batch(&taken, ThenLease::Hold).await.unwrap();
    // The first one wakes up.
    assert_eq!(refusal(stage.catalog.update_batch(&renewed, ThenLease::Hold).await), CHANGED);
    let stands = stage.catalog.batch(workspace, taken.id).await.unwrap();
    assert_eq!(stands.upstream_batch_ids, taken.upstream_batch_ids);
}

async fn a_batch_is_claimed_when_somebody_asks_for_it(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let made = make(&stage, workspace).await;
    let held = claim_one(&stage).await;
    let released = stage.catalog.update_batch(&held, later(&stage, 3600)).await.unwrap();
    assert_eq!(n_due(&stage).await, 0);
    let claimed = stage.catalog.claim_batch(workspace, made.id).await.unwrap().expect("nobody holds it");
    assert_eq!(claimed.version, released.version + 1);
    assert!(stage.catalog.claim_batch(workspace, made.id).await.unwrap().is_none());
}

async fn a_batch_can_be_asked_to_stop(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let made = make(&stage, workspace).await;
    let held = claim_one(&stage).await;
    stage.clock.advance(Duration::from_secs(1));
    let asked = stage.catalog.request_cancel(workspace, made.id).await.unwrap();
    assert_eq!((asked.cancel_requested_at, asked.version), (Some(stage.clock.now().into()), held.version));
    stage.clock.advance(Duration::from_secs(1));
    let again = stage.catalog.request_cancel(workspace, made.id).await.unwrap();
    assert_eq!(again, asked);

    // Who holds it keeps it, and learns of it; what it did not know makes the batch due at once.
    let told = stage.catalog.update_batch(&held, later(&stage, 3600)).await.unwrap();
    assert_eq!(told.cancel_requested_at, asked.cancel_requested_at);
    let mut held = claim_one(&stage).await;
    held.state = BatchState::Cancelling;
    stage.catalog.update_batch(&held, later(&stage, 3600)).await.unwrap();
    assert_eq!(n_due(&stage).await, 0, "it was known, so it is due when its worker said");
}

async fn a_batch_that_is_over_stays_as_it_is(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    for state in [BatchState::Failed, BatchState::Completed, BatchState::Expired, BatchState::Cancelled] {
        make(&stage, workspace).await;
        let over = StoredBatch { state, ..claim_one(&stage).await };
        let over = stage.catalog.update_batch(&over, later(&stage, 0)).await.unwrap();
        assert_eq!(over.state, state);
        stage.clock.advance(2 * BATCH_LEASE);
        assert_eq!(n_due(&stage).await, 0);
        assert!(stage.catalog.claim_batch(workspace, over.id).await.unwrap().is_none());
        assert_eq!(stage.catalog.request_cancel(workspace, over.id).await.unwrap(), over);
    }
}

async fn batches_are_listed_from_a_place_on(stage: Stage) {
    let (organisation, workspace) = stage.tenant("a").await;
    let two = stage.workspace(organisation, "ws-two").await.id;
    let mut ids = Vec::new();
    for owner in [workspace, workspace, two, workspace] {
        stage.clock.advance(Duration::from_millis(1));
        ids.push(make(&stage, owner).await.id);
    }
    let check = async |after, limit, expect: &[BatchId], has_more| {
        let slice = stage.catalog.list_batches(workspace, after, limit).await.unwrap();
        let seen: Vec<_> = slice.data.iter().map(|batch| batch.id).collect();
        assert_eq!((seen.as_slice(), slice.has_more), (expect, has_more));
    };
    check(None, 10, &[ids[3], ids[1], ids[0]], false).await;
    check(None, 2, &[ids[3], ids[1]], true).await;
    check(Some(ids[1]), 2, &[ids[0]], false).await;
    check(Some(ids[0]), 2, &[], false).await;
}

async fn batches_go_when_they_are_over_and_old(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let end = stage.clock.now() + Duration::from_secs(60);
    let new = NewBatch { keep_until: Some(end.into()), ..new_batch(&stage, workspace) };
    let made = stage.catalog.create_batch(new).await.unwrap();
    stage.clock.advance(Duration::from_secs(60));
    assert!(stage.catalog.purge_expired(stage.clock.now()).await.unwrap().is_nothing(), "it is not over");
    let over = StoredBatch { state: BatchState::Completed, ..claim_one(&stage).await };
    stage.catalog.update_batch(&over, later(&stage, 0)).await.unwrap();
    assert!(stage.catalog.purge_expired(end - Duration::from_secs(1)).await.unwrap().is_nothing());
    assert_eq!(stage.catalog.purge_expired(end).await.unwrap().batches, 1);
    assert_eq!(refusal(stage.catalog.batch(workspace, made.id).await), "there is no such batch");
}

async fn no_document_lies_in_the_clear(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let new = NewBatch { document: json!("what somebody asked"), ..new_batch(&stage, workspace) };
    assert!(!format!("{new:?}").contains("somebody"));
    let made = stage.catalog.create_batch(new).await.unwrap();
    assert!(!format!("{made:?}").contains("somebody"));
    let stored = stage.bytes("select document from batches").await;
    assert!(!stored.windows(8).any(|window| window == b"somebody"));
    stage.raw("update batches set endpoint = 'x'").await;
    // One that cannot be read is left alone, and takes no other with it.
    let good = make(&stage, workspace).await;
    let spoilt = if stage.is_postgres() { r"'\x00'" } else { "x'00'" };
    stage.raw(&format!("update batches set document = {spoilt} where endpoint = 'x'")).await;
    let due = stage.catalog.due_batches(10).await.unwrap();
    assert_eq!(due.iter().map(|batch| batch.id).collect::<Vec<_>>(), [good.id]);
    let refused = stage.catalog.batch(workspace, made.id).await;
    assert!(matches!(refused, Err(CatalogError::Corrupt { what: "batch", .. })), "{refused:?}");
    assert_eq!(stage.catalog.list_batches(workspace, None, 10).await.unwrap().data.len(), 1);
}
