//! What a client of OpenAI's is told when the upstream refuses, and of models that are gone or going.

use std::sync::Arc;

use http::HeaderMap;
use portcullis_provider::models::ModelTable;
use serde_json::{Value, json};

use crate::native::scene::{Scene, Tenant, aws, everything};
use crate::stage::json as read;

async fn ask(tenant: &Tenant<'_>, model: &str, text: &str) -> (u16, HeaderMap, Value) {
    let body = json!({
        "model": format!("@claude/{model}"), "max_tokens": 64, "messages": [{"role": "user", "content": text}],
    });
    let request = tenant.openai("POST", "/v1/chat/completions").body(body.to_string().into());
    let response = tenant.send(request).await;
    (response.status().as_u16(), response.headers().clone(), read(response).await)
}

#[tokio::test]
async fn a_client_that_is_too_fast_reads_its_limits_and_when_to_come_back() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let (status, headers, error) = ask(&scene.tenant().await, "claude-haiku-4-5", "[[emulator:429=7]]").await;
    assert_eq!((status, &headers["retry-after"]), (429, &"7".parse().unwrap()), "{error}");
    for name in ["request-id", "x-ratelimit-limit-requests", "anthropic-ratelimit-requests-limit"] {
        assert!(headers.contains_key(name), "{name}: {headers:?}");
    }
}

#[tokio::test]
async fn a_model_that_is_gone_is_refused_and_one_that_never_was_gets_a_hint() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    let (status, _, gone) = ask(&tenant, "claude-3-opus-20240229", "Hi").await;
    assert_eq!((status, &gone["error"]["code"]), (404, &json!("model_not_found")), "{gone}");
    assert!(gone["error"]["message"].as_str().unwrap().contains("`claude-opus-5-5`"), "{gone}");
    assert!(aws.requests().is_empty(), "nothing was sent");
    let (status, headers, unknown) = ask(&tenant, "claude-opus-9", "Hi").await;
    assert_eq!((status, &headers["x-portcullis-nearest-model"]), (404, &"claude-opus-5-5".parse().unwrap()));
    assert!(unknown["error"]["message"].as_str().unwrap().contains("`claude-opus-5-5`"), "{unknown}");
}

#[tokio::test]
async fn a_model_that_will_go_is_announced() {
    let aws = aws().await;
    let facts = r#"{"models":[{"id":"claude-opus-4-8","status":"deprecated","deprecated_at":"2026-01-01","retires_at":"2999-01-31"}]}"#;
    let table = ModelTable::with_overlay(facts.as_bytes()).unwrap();
    let scene = Scene::with(&aws.base_url(), everything(), |settings| {
        settings.models.store(Arc::new(table));
    })
    .await;
    let tenant = scene.tenant().await;
    let (status, headers, _) = ask(&tenant, "claude-opus-4-8", "Hi").await;
    assert_eq!(status, 200);
    assert_eq!(headers["sunset"], "Thu, 31 Jan 2999 00:00:00 GMT");
    assert!(headers["x-portcullis-model-deprecation"].to_str().unwrap().contains("retires_at=2999-01-31"));
    let (_, headers, _) = ask(&tenant, "claude-haiku-4-5", "Hi").await;
    assert!(!headers.contains_key("sunset"));
}
