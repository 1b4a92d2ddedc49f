//! Every batch comes to an end, whatever became of its provider, its input or its results; and what the client said of it
//! holds for every part.

use std::time::Duration;

use portcullis_catalog::{FilePurpose, NewFile, StoredBatch, ThenLease};
use serde_json::{Value, json};

use super::platform::{Manner, Platform};
use super::scene::{Scene, Tenant, aws, line, refusal};

const MODEL: &str = "@claude/claude-haiku-4-5";
const LEASE: Duration = Duration::from_secs(301);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn before(manner: Manner) -> (Platform, Scene, Tenant) {
    let platform = Platform::new(manner).await;
    let scene = Scene::before(&platform.base).await;
    let tenant = scene.tenant().await;
    (platform, scene, tenant)
}

fn is_sent(batch: &Value) -> bool {
    batch["expires_at"].is_i64()
}

async fn errors(tenant: &Tenant, batch: &Value) -> Vec<Value> {
    tenant.lines(&format!("/v1/files/{}/content", batch["error_file_id"].as_str().unwrap())).await
}

/// The batch, as soon as nobody works on it.
async fn claimed(scene: &Scene, id: &Value) -> StoredBatch {
    let id = id.as_str().unwrap().parse().unwrap();
    let claiming = async {
        loop {
            if let Some(batch) = scene.catalog.claim_batch(scene.workspace(), id).await.unwrap() {
                return batch;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), claiming).await.expect("work on it pauses")
}

async fn cancel(tenant: &Tenant, id: &Value) -> Value {
    let (status, batch) =
        tenant.post(&format!("/v1/batches/{}/cancel", id.as_str().unwrap()), &json!({})).await;
    assert_eq!(status, 200, "{batch}");
    batch
}

#[tokio::test]
async fn a_batch_whose_provider_is_gone_ends_after_its_day() {
    let (platform, scene, tenant) = before(Manner::Answers).await;
    platform.is_busy();
    let made = tenant.batch_of(&[line("a", MODEL, "1"), line("b", MODEL, "2")]).await;
    tenant.batch_when(&made["id"], is_sent).await;
    scene.delete_provider().await;
    cancel(&tenant, &made["id"]).await;
    scene.gateway.work_on_batches().await.unwrap();
    // It may come back.
    assert_eq!(tenant.batch(&made["id"]).await["status"], "cancelling");
    scene.clock.advance(DAY + LEASE);
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!(batch["status"], "cancelled", "{batch}");
    assert_eq!(batch["request_counts"], json!({"total": 2, "completed": 0, "failed": 2}), "{batch}");
    let lines = errors(&tenant, &batch).await;
    let told = |line: &Value| (line["custom_id"].clone(), line["response"]["body"]["error"]["code"].clone());
    let told: Vec<_> = lines.iter().map(told).collect();
    assert_eq!(told, [(json!("a"), json!("provider_gone")), (json!("b"), json!("provider_gone"))]);
}

#[tokio::test]
async fn a_batch_that_never_ends_upstream_ends_when_no_results_are_kept_any_more() {
    let (platform, scene, tenant) = before(Manner::Answers).await;
    platform.is_busy();
    let made = tenant.batch_of(&[line("a", MODEL, "1")]).await;
    tenant.batch_when(&made["id"], is_sent).await;
    scene.clock.advance(DAY * 28);
    assert_eq!(tenant.batch(&made["id"]).await["status"], "in_progress");
    scene.clock.advance(DAY);
    let batch = tenant.batch_when_over(&made["id"]).await;
    let code = &errors(&tenant, &batch).await[0]["response"]["body"]["error"]["code"];
    assert_eq!(code, "batch_results_unavailable", "{batch}");
}

#[tokio::test]
async fn a_batch_that_was_never_sent_is_cancelled_without_its_provider() {
    let (platform, scene, tenant) = before(Manner::Refuses(529)).await;
    let arrived = platform.arrived.notified();
    let made = tenant.batch_of(&[line("a", MODEL, "1")]).await;
    arrived.await;
    // Whoever gets it after the refusal has it alone.
    let held = claimed(&scene, &made["id"]).await;
    cancel(&tenant, &made["id"]).await;
    scene.delete_provider().await;
    let due_at = held.created_at;
    scene.catalog.update_batch(&held, ThenLease::Release { due_at }).await.unwrap();
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!(batch["status"], "cancelled", "{batch}");
    assert_eq!(errors(&tenant, &batch).await[0]["error"]["code"], "batch_cancelled");
}

#[tokio::test]
async fn a_batch_whose_input_is_deleted_fails() {
    let (platform, scene, tenant) = before(Manner::Answers).await;
    platform.is_busy();
    let (input, made) = tenant.batch_with("/v1/chat/completions", &[line("a", MODEL, "1")], &[]).await;
    tenant.batch_when(&made["id"], is_sent).await;
    tenant.delete(&format!("/v1/files/{}", input.as_str().unwrap())).await;
    platform.delete(0);
    scene.clock.advance(LEASE);
    let batch = tenant.batch_when_over(&made["id"]).await;
    let code = &batch["errors"]["data"][0]["code"];
    assert_eq!((&batch["status"], code), (&json!("failed"), &json!("input_file_not_found")), "{batch}");
}

/// A part arrived, nobody knows so, and two batches of as many requests are younger.
async fn taken_and_unknown() -> (Platform, Scene, Tenant, Value) {
    let (platform, scene, tenant) = before(Manner::TakesAndIsSilent).await;
    let arrived = platform.arrived.notified();
    let made = tenant.batch_of(&[line("first", MODEL, "1"), line("second", MODEL, "2")]).await;
    arrived.await;
    scene.kill();
    scene.clock.advance(LEASE);
    platform.now(Manner::Answers);
    (platform, scene, tenant, made["id"].clone())
}

async fn is_found(platform: &Platform, scene: &Scene, tenant: &Tenant, id: &Value) {
    let another = scene.another_gateway(|_| ()).await.0;
    let batch = tenant.at(&another).batch_when_over(id).await;
    assert_eq!((&batch["status"], platform.n_posts()), (&json!("completed"), 1), "{batch}");
    assert_eq!(batch["request_counts"], json!({"total": 2, "completed": 2, "failed": 0}), "{batch}");
}

#[tokio::test]
async fn a_candidate_that_was_deleted_is_not_the_part() {
    let (platform, scene, tenant, id) = taken_and_unknown().await;
    let theirs = platform.add_somebody_elses(2);
    platform.delete(theirs);
    is_found(&platform, &scene, &tenant, &id).await;
}

#[tokio::test]
async fn a_candidate_without_results_is_not_the_part() {
    let (platform, scene, tenant, id) = taken_and_unknown().await;
    let theirs = platform.add_somebody_elses(2);
    platform.lose_results(theirs);
    is_found(&platform, &scene, &tenant, &id).await;
}

#[tokio::test]
async fn a_result_that_is_too_long_fails_its_line_and_no_other() {
    let platform = Platform::new(Manner::Answers).await;
    let scene = Scene::with(&platform.base, portcullis_types::FeatureSet::all(), |settings| {
        settings.max_answer_bytes = 100_000;
    })
    .await;
    let tenant = scene.tenant().await;
    let made =
        tenant.batch_of(&[line("a", MODEL, "1"), line("b", MODEL, "long"), line("c", MODEL, "3")]).await;
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!(batch["request_counts"], json!({"total": 3, "completed": 2, "failed": 1}), "{batch}");
    let line = &errors(&tenant, &batch).await[0];
    let told = (&line["custom_id"], &line["response"]["body"]["error"]["code"]);
    assert_eq!(told, (&json!("b"), &json!("upstream_answer_too_large")), "{line}");
}

#[tokio::test]
async fn files_that_were_finished_and_never_named_are_deleted() {
    let (platform, scene, tenant) = before(Manner::Answers).await;
    platform.is_busy();
    let made = tenant.batch_of(&[line("a", MODEL, "1")]).await;
    tenant.batch_when(&made["id"], is_sent).await;
    // As a worker leaves it that is killed between the end of a file and the end of the batch.
    let new = NewFile {
        workspace_id: scene.workspace(),
        purpose: FilePurpose::BatchOutput,
        filename: "output.jsonl".into(),
        mime_type: "application/jsonl".into(),
        expires_at: None,
    };
    let orphan = scene.catalog.write_file(new).await.unwrap().finish(None).await.unwrap().id;
    let mut batch = claimed(&scene, &made["id"]).await;
    batch.document["unnamed_files"] = json!([orphan]);
    let due_at = batch.created_at;
    scene.catalog.update_batch(&batch, ThenLease::Release { due_at }).await.unwrap();
    platform.is_done();
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!(batch["status"], "completed", "{batch}");
    let (_, files) = tenant.get("/v1/files?purpose=batch_output").await;
    let ids: Vec<_> = files["data"].as_array().unwrap().iter().map(|file| &file["id"]).collect();
    assert_eq!(ids, [&batch["output_file_id"]]);
}

#[tokio::test]
async fn the_clients_betas_and_its_profile_go_with_a_batch() {
    let (platform, _scene, tenant) = before(Manner::Answers).await;
    let mut with_more = line("b", MODEL, "1");
    with_more["body"]["betas"] = json!(["more-2026-01-01"]);
    let lines = [line("a", MODEL, "1"), line("a2", MODEL, "1"), with_more];
    let headers =
        [("anthropic-beta", "one-2026-01-01,two-2026-01-01"), ("anthropic-user-profile-id", "uprof_1")];
    let (_, made) = tenant.batch_with("/v1/chat/completions", &lines, &headers).await;
    assert_eq!(tenant.batch_when_over(&made["id"]).await["status"], "completed");
    // Requests that ask for other betas go in a part of their own.
    assert_eq!(
        platform.sent("anthropic-beta"),
        ["one-2026-01-01,two-2026-01-01", "more-2026-01-01,one-2026-01-01,two-2026-01-01"]
    );
    assert_eq!(platform.sent("anthropic-user-profile-id"), ["uprof_1", "uprof_1"]);

    let item = json!({"custom_id": "a", "params": {
        "model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}});
    let mut request = tenant.request("POST", "/v1/batches").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let made = tenant.send(request.body(json!({"requests": [item]}).to_string().into())).await;
    let made = crate::stage::json(made).await;
    assert_eq!(tenant.batch_when_over(&made["id"]).await["status"], "completed");
    let last = |header: &str| platform.sent(header).pop().unwrap();
    assert_eq!(last("anthropic-beta"), "one-2026-01-01,two-2026-01-01");
    assert_eq!(last("anthropic-user-profile-id"), "uprof_1");
}

#[tokio::test]
async fn an_answer_stays_a_response_when_its_request_can_be_translated_no_more() {
    let aws = aws().await;
    aws.set_batch_pace(None);
    let scene = Scene::before(&aws.base_url()).await;
    let tenant = scene.tenant().await;
    let (_, file) = tenant.upload(&[("purpose", "user_data")], "notes.txt", "plain text").await;
    let input = json!([{"role": "user", "content": [
        {"type": "input_file", "file_id": file["id"]}, {"type": "input_text", "text": "Hi"}]}]);
    let line = json!({"custom_id": "a", "method": "POST", "url": "/v1/responses",
                      "body": {"model": MODEL, "input": input}});
    let made = tenant.batch_at("/v1/responses", &[line]).await;
    tenant.batch_when(&made["id"], is_sent).await;
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let batch = scene.catalog.batch(scene.workspace(), id).await.unwrap();
    assert!(aws.end_batch(&batch.upstream_batch_ids[0]));
    tenant.delete(&format!("/v1/files/{}", file["id"].as_str().unwrap())).await;
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!(batch["request_counts"]["completed"], 1, "{batch}");
    let output = format!("/v1/files/{}/content", batch["output_file_id"].as_str().unwrap());
    let body = &tenant.lines(&output).await[0]["response"]["body"];
    assert_eq!((&body["object"], &body["status"]), (&json!("response"), &json!("completed")), "{body}");
}

#[tokio::test]
async fn an_upload_is_recorded_though_its_client_went_away() {
    let (platform, scene, tenant) = before(Manner::Answers).await;
    let arrived = platform.arrived.notified();
    let fields = [("purpose", "user_data")];
    tokio::select! {
        _ = tenant.upload(&fields, "a.txt", "text") => panic!("the upstream has not answered"),
        () = arrived => {}
    }
    platform.may_answer.notify_one();
    let listed = async {
        loop {
            let (_, files) = tenant.get("/v1/files?purpose=user_data").await;
            if let Some(file) = files["data"].get(0) {
                return file.clone();
            }
        }
    };
    let file = tokio::time::timeout(Duration::from_secs(60), listed).await.expect("it is recorded");
    assert_eq!(file["filename"], "a.txt");
    let (workspace, kind) = (scene.workspace(), portcullis_catalog::UpstreamObjectKind::File);
    assert!(scene.catalog.upstream_object(workspace, kind, "file_011").await.unwrap().is_some());
}

#[tokio::test]
async fn a_name_nobody_keeps_is_refused() {
    let (_platform, _scene, tenant) = before(Manner::Answers).await;
    let (status, refused) = tenant.upload(&[("purpose", "batch")], &"n".repeat(256), "{}").await;
    assert_eq!((status, refusal(&refused)), (400, ("invalid_value", "file")), "{refused}");
}
