//! What answers name belongs to whoever got the answer: files that code wrote, and the container it ran in.

use axum::body::Body;
use serde_json::{Value, json};

use super::scene::{Scene, Tenant, aws, everything};
use crate::stage::text;

fn ask(extra: &Value) -> String {
    let mut body = json!({"model": "@claude/claude-opus-4-8", "max_tokens": 1024,
        "messages": [{"role": "user", "content": "[[emulator:code_execution]]"}]});
    for (name, value) in extra.as_object().unwrap() {
        body[name.as_str()] = value.clone();
    }
    body.to_string()
}

fn refers(block: &Value) -> String {
    json!({"model": "@claude/claude-opus-4-8", "max_tokens": 16,
        "messages": [{"role": "user", "content": [block, {"type": "text", "text": "Hi"}]}]})
    .to_string()
}

/// Asks until it is there: what streams by is recorded beside it.
async fn until_found(tenant: &Tenant<'_>, path: &str) {
    let found = async {
        while tenant.get(path).await.0 != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), found).await.expect("it is recorded");
}

fn file_id(text: &str) -> String {
    let at = text.find("\"file_011").expect("a file is named") + 1;
    text[at..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn what_code_made_is_reached_by_who_asked_for_it_alone() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let (us, them) = (scene.tenant().await, scene.neighbour().await);
    let (status, message) = us.post("/v1/messages", &ask(&json!({}))).await;
    assert_eq!(status, 200, "{message}");
    let file = file_id(&message.to_string());
    let content = format!("/v1/files/{file}/content");
    let download = us.send(us.request("GET", &content).body(Body::empty())).await;
    assert_eq!(download.status(), 200);
    assert!(text(download).await.starts_with("n,square\n"));
    assert_eq!(them.get(&content).await.0, 404);

    let again = refers(&json!({"type": "container_upload", "file_id": file}));
    assert_eq!(us.post("/v1/messages", &again).await.0, 200);
    assert_eq!(them.post("/v1/messages", &again).await.0, 404);
}

#[tokio::test]
async fn a_container_is_used_again_by_who_got_it_alone() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let (us, them) = (scene.tenant().await, scene.neighbour().await);
    let (_, message) = us.post("/v1/messages", &ask(&json!({}))).await;
    let container = message["container"]["id"].as_str().unwrap();
    aws.clear_requests();
    for named in [json!({"container": container}), json!({"container": {"id": container}})] {
        let params: Value = serde_json::from_str(&ask(&named)).unwrap();
        let batch = json!({"requests": [{"custom_id": "a", "params": params}]}).to_string();
        for (path, body) in [("/v1/messages", ask(&named)), ("/v1/messages/batches", batch)] {
            let (status, answer) = them.post(path, &body).await;
            assert_eq!(status, 404, "{path}: {answer}");
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(message.contains(&format!("no container `{container}`")), "{message}");
            assert!(aws.requests().is_empty(), "nothing of that left");
        }
    }
    let (status, answer) = us.post("/v1/messages", &ask(&json!({"container": container}))).await;
    assert_eq!(status, 200, "{answer}");
    let thread = json!({"thread": {"type": "continue", "id": "thread_1"}});
    let (status, answer) = us.post("/v1/messages", &ask(&thread)).await;
    assert!(status == 404 && answer.to_string().contains("no thread `thread_1`"), "{answer}");
}

#[tokio::test]
async fn what_streams_by_and_what_a_batch_brings_is_recorded_too() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let (us, them) = (scene.tenant().await, scene.neighbour().await);
    let request = us.request("POST", "/v1/messages").header("content-type", "application/json");
    let streamed = us.send(request.body(Body::from(ask(&json!({"stream": true}))))).await;
    let file = file_id(&text(streamed).await);
    until_found(&us, &format!("/v1/files/{file}")).await;
    assert_eq!(them.get(&format!("/v1/files/{file}")).await.0, 404);

    let params: Value = serde_json::from_str(&ask(&json!({}))).unwrap();
    let batch = json!({"requests": [{"custom_id": "a", "params": params}]}).to_string();
    let (_, made) = us.post("/v1/messages/batches", &batch).await;
    let id = made["id"].as_str().unwrap();
    assert!(aws.end_batch(id));
    let path = format!("/v1/messages/batches/{id}/results");
    let results = us.send(us.request("GET", &path).body(Body::empty())).await;
    let file = file_id(&text(results).await);
    until_found(&us, &format!("/v1/files/{file}")).await;
}

#[tokio::test]
async fn what_came_by_another_dialect_is_recorded_too() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let (us, them) = (scene.tenant().await, scene.neighbour().await);
    for stream in [false, true] {
        let request =
            us.openai("POST", "/v1/chat/completions").header("x-portkey-strict-open-ai-compliance", "false");
        let answer = text(us.send(request.body(Body::from(ask(&json!({"stream": stream}))))).await).await;
        let file = file_id(&answer.replace('\\', ""));
        until_found(&us, &format!("/v1/files/{file}")).await;
        assert_eq!(them.get(&format!("/v1/files/{file}")).await.0, 404);
    }
}
