//! Files: where they go, who may reach them, what is refused.

use axum::body::Body;
use portcullis_emulator::EmulatorHandle;
use portcullis_types::Feature;
use serde_json::{Value, json};

use super::scene::{Scene, aws, refusal, without};
use crate::stage::text;

async fn scene() -> (EmulatorHandle, Scene) {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url()).await;
    (aws, scene)
}

fn path(file: &Value) -> String {
    format!("/v1/files/{}", file["id"].as_str().unwrap())
}

#[tokio::test]
async fn the_input_of_a_batch_is_kept_here_and_comes_back_as_it_was() {
    let (_aws, scene) = scene().await;
    let tenant = scene.tenant().await;
    // More than one chunk of the store, and more than stays in memory.
    let content = "{\"é\":1}\n".repeat(300_000);
    let (status, file) = tenant.upload(&[("purpose", "batch")], "in put.jsonl", &content).await;
    assert_eq!(status, 200, "{file}");
    assert!(file["id"].as_str().unwrap().starts_with("file-"));
    assert_eq!(
        (&file["object"], &file["bytes"], &file["filename"], &file["purpose"], &file["status"]),
        (&json!("file"), &json!(content.len()), &json!("in put.jsonl"), &json!("batch"), &json!("processed"))
    );
    // A month, as OpenAI keeps it.
    assert_eq!(file["expires_at"].as_i64().unwrap() - file["created_at"].as_i64().unwrap(), 30 * 24 * 3600);
    assert_eq!(tenant.get(&path(&file)).await, (200, file.clone()));
    let response =
        tenant.send(tenant.request("GET", &format!("{}/content", path(&file))).body(Body::empty())).await;
    assert_eq!(response.headers()["content-length"], content.len().to_string());
    assert!(text(response).await == content);
    let deleted = json!({"id": file["id"], "object": "file", "deleted": true});
    assert_eq!(tenant.delete(&path(&file)).await, (200, deleted));
    let (status, gone) = tenant.get(&path(&file)).await;
    assert_eq!((status, refusal(&gone)), (404, ("file_not_found", "file_id")), "{gone}");
}

#[tokio::test]
async fn a_file_for_a_model_goes_upstream_and_is_known_by_an_id_of_ours() {
    let (aws, scene) = scene().await;
    let tenant = scene.tenant().await;
    let fields = [
        ("purpose", "user_data"),
        ("expires_after[anchor]", "created_at"),
        ("expires_after[seconds]", "7200"),
    ];
    let (status, file) = tenant.upload(&fields, "re:port.txt", "plain text").await;
    assert_eq!(status, 200, "{file}");
    assert_eq!((&file["filename"], &file["bytes"]), (&json!("re:port.txt"), &json!(10)));
    let life = file["expires_at"].as_i64().unwrap() - file["created_at"].as_i64().unwrap();
    assert!((7195..=7205).contains(&life), "{life}");
    // What was uploaded for a model cannot be had back.
    let (status, refused) = tenant.get(&format!("{}/content", path(&file))).await;
    assert_eq!((status, refusal(&refused).0), (400, "file_not_downloadable"), "{refused}");
    let (status, deleted) = tenant.delete(&path(&file)).await;
    assert_eq!((status, &deleted["deleted"]), (200, &json!(true)), "{deleted}");
    let calls = aws.requests();
    let n = |action: &str| calls.iter().filter(|call| call.operation.ends_with(action)).count();
    assert_eq!((n(":CreateFile"), n(":DeleteFile")), (1, 1));
}

#[tokio::test]
async fn a_list_is_paged_and_filtered() {
    let (_aws, scene) = scene().await;
    let tenant = scene.tenant().await;
    let mut ids = Vec::new();
    for purpose in ["batch", "batch", "vision"] {
        let (status, file) = tenant.upload(&[("purpose", purpose)], "a.jsonl", "{}").await;
        assert_eq!(status, 200, "{file}");
        ids.push(file["id"].clone());
    }
    let (_, page) = tenant.get("/v1/files?order=asc&limit=2").await;
    let listed =
        |page: &Value| page["data"].as_array().unwrap().iter().map(|f| f["id"].clone()).collect::<Vec<_>>();
    assert_eq!((listed(&page), &page["has_more"]), (ids[..2].to_vec(), &json!(true)));
    assert_eq!((&page["object"], &page["first_id"], &page["last_id"]), (&json!("list"), &ids[0], &ids[1]));
    let (_, rest) = tenant.get(&format!("/v1/files?order=asc&after={}", ids[1].as_str().unwrap())).await;
    assert_eq!((listed(&rest), &rest["has_more"]), (ids[2..].to_vec(), &json!(false)));
    let (_, vision) = tenant.get("/v1/files?purpose=vision").await;
    assert_eq!(listed(&vision), ids[2..]);
    for (query, param) in
        [("limit=0", "limit"), ("purpose=evals", "purpose"), ("after=x", "after"), ("x=1", "x")]
    {
        let (status, refused) = tenant.get(&format!("/v1/files?{query}")).await;
        assert_eq!((status, refusal(&refused).1), (400, param), "{refused}");
    }
}

#[tokio::test]
async fn what_cannot_be_uploaded_is_refused_by_name() {
    let (aws, scene) = scene().await;
    let tenant = scene.tenant().await;
    for purpose in ["fine-tune", "evals", "batch_output"] {
        let (status, refused) = tenant.upload(&[("purpose", purpose)], "a.jsonl", "{}").await;
        assert_eq!((status, refusal(&refused)), (400, ("invalid_value", "purpose")), "{refused}");
    }
    let (status, refused) = tenant.upload(&[], "a.jsonl", "{}").await;
    assert_eq!((status, refusal(&refused)), (400, ("missing_required_parameter", "purpose")), "{refused}");
    let (status, refused) = tenant.post("/v1/files", &json!({})).await;
    assert_eq!((status, refusal(&refused).0), (400, "unsupported_content_type"), "{refused}");
    let (status, refused) = tenant.get("/v1/files/file-x/thumbnail").await;
    assert_eq!(status, 404, "{refused}");
    assert!(aws.requests().is_empty());
}

#[tokio::test]
async fn files_of_another_workspace_are_not_there() {
    let (_aws, scene) = scene().await;
    let (tenant, neighbour) = (scene.tenant().await, scene.neighbour().await);
    for purpose in ["batch", "user_data"] {
        let (_, file) = tenant.upload(&[("purpose", purpose)], "a.txt", "text").await;
        for (status, answer) in [
            neighbour.get(&path(&file)).await,
            neighbour.get(&format!("{}/content", path(&file))).await,
            neighbour.delete(&path(&file)).await,
        ] {
            assert_eq!((status, refusal(&answer).0), (404, "file_not_found"), "{answer}");
        }
        assert_eq!(tenant.get(&path(&file)).await.0, 200);
        let body = json!({
            "input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h",
        });
        let (status, answer) = neighbour.post("/v1/batches", &body).await;
        assert_eq!((status, refusal(&answer).1), (400, "input_file_id"), "{answer}");
    }
    assert_eq!(neighbour.get("/v1/files").await.1["data"], json!([]));
}

#[tokio::test]
async fn an_integration_without_files_takes_none_for_models() {
    let aws = aws().await;
    let scene = Scene::with(&aws.base_url(), without(Feature::Files), |_| ()).await;
    let tenant = scene.tenant().await;
    let (status, refused) = tenant.upload(&[("purpose", "vision")], "a.png", "x").await;
    assert_eq!((status, refusal(&refused).0), (403, "feature_not_enabled"), "{refused}");
    assert_eq!(tenant.upload(&[("purpose", "batch")], "a.jsonl", "{}").await.0, 200);
}
