//! Batches from their items' models to their results.

use axum::body::Body;
use serde_json::json;

use super::scene::{Scene, aws, everything, only};
use crate::stage::text;

fn item(id: &str, model: &str) -> String {
    format!(
        r#"{{"custom_id":"{id}", "params":{{"model":"{model}","max_tokens":16,"messages":[{{"role":"user","content":"Hi {id}"}}]}}}}"#
    )
}

fn batch(items: &[String]) -> String {
    format!("{{ \"requests\":[{}]\n}}", items.join(" , "))
}

#[tokio::test]
async fn a_batch_lives_from_its_creation_to_its_results() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    let sent = batch(&[item("a", "@claude/claude-haiku-4-5"), item("b", "@claude/claude-opus-4-8")]);
    let (status, made) = tenant.post("/v1/messages/batches?beta=true", &sent).await;
    assert_eq!((status, made["processing_status"].as_str()), (200, Some("in_progress")), "{made}");
    let create =
        aws.requests().into_iter().find(|seen| seen.operation.ends_with("CreateBatchInference")).unwrap();
    assert!(create.verified, "the hash of the parts is that of the whole");
    let arrived = aws.request_body(&create.request_id).unwrap();
    assert_eq!(arrived, sent.replace("@claude/", ""), "nothing but the models changes");

    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/messages/batches/{id}");
    assert!(aws.end_batch(&id));
    let (_, ended) = tenant.get(&path).await;
    let results_url = format!("http://gw.example.com{path}/results");
    assert_eq!(ended["results_url"], json!(results_url));
    let (_, listed) = tenant.get("/v1/messages/batches?limit=5").await;
    assert_eq!(listed["data"][0]["results_url"], json!(results_url));

    let results = tenant.send(tenant.request("GET", &format!("{path}/results")).body(Body::empty())).await;
    assert_eq!(results.status(), 200);
    let lines = text(results).await;
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(lines.contains(r#""custom_id":"a""#) && lines.contains(r#""custom_id":"b""#), "{lines}");

    let (status, deleted) = tenant.delete(&path).await;
    assert_eq!((status, &deleted["id"]), (200, &json!(id)));
    assert_eq!(tenant.get(&path).await.0, 404);
}

#[tokio::test]
async fn a_batch_is_canceled_without_a_body() {
    let aws = aws().await;
    aws.set_batch_pace(None);
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    let (_, made) = tenant.post("/v1/messages/batches", &batch(&[item("a", "claude-haiku-4-5")])).await;
    let path = format!("/v1/messages/batches/{}/cancel", made["id"].as_str().unwrap());
    let answer = tenant.send(tenant.request("POST", &path).body(Body::empty())).await;
    assert_eq!(answer.status(), 200, "{}", text(answer).await);
}

#[tokio::test]
async fn items_that_lead_apart_are_refused_by_their_place() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    scene.integration("other", everything()).await;
    scene.provider(scene.workspace(), "other").await;
    let tenant = scene.tenant().await;
    let refused = async |models: &[&str]| {
        let items: Vec<String> = models.iter().map(|model| item("x", model)).collect();
        let (status, answer) = tenant.post("/v1/messages/batches", &batch(&items)).await;
        assert_eq!(status, 400, "{answer}");
        answer["error"]["message"].as_str().unwrap().to_owned()
    };
    let apart =
        refused(&["@claude/claude-haiku-4-5", "@claude/claude-opus-4-8", "@other/claude-haiku-4-5"]).await;
    assert!(apart.contains("`requests[2].params.model` names `@other`"), "{apart}");
    let unnamed = refused(&["@claude/claude-haiku-4-5", "claude-haiku-4-5"]).await;
    assert!(unnamed.contains("`requests[1].params.model` names no provider"), "{unnamed}");
    let nobody = refused(&["@nobody/claude-haiku-4-5"]).await;
    assert!(nobody.contains("@nobody"), "{nobody}");
    let bare = refused(&["claude-haiku-4-5"]).await;
    assert!(bare.contains("`@claude`, `@other`"), "{bare}");
    assert_eq!(aws.requests().len(), 0);
}

#[tokio::test]
async fn a_batch_needs_its_feature() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), only(&[])).await;
    let body = batch(&[item("a", "@claude/claude-haiku-4-5")]);
    let (status, answer) = scene.tenant().await.post("/v1/messages/batches", &body).await;
    assert_eq!(status, 403, "{answer}");
    assert_eq!(aws.requests().len(), 0);
}

#[tokio::test]
async fn an_item_whose_model_is_gone_is_named() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let items = [item("a", "@claude/claude-haiku-4-5"), item("b", "@claude/claude-opus-4-1")];
    let (status, answer) = scene.tenant().await.post("/v1/messages/batches", &batch(&items)).await;
    assert_eq!(status, 404, "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("requests[1].params.model"), "{answer}");
    assert_eq!(aws.requests().len(), 0);
}
