//! A turn that the upstream pauses goes on in the same answer.

use serde_json::{Value, json};

use crate::native::scene::{Scene, Tenant, aws, everything};
use crate::stage::text;

fn ask(stream: bool, n: u8) -> String {
    let tools = json!([{"type": "web_search_20250305", "name": "web_search"}]);
    let options = if stream { json!({"include_usage": true}) } else { Value::Null };
    json!({
        "model": "@claude/claude-opus-4-8", "max_tokens": 2048, "stream": stream, "stream_options": options,
        "tools": tools, "messages": [{"role": "user", "content": format!("[[emulator:pause_turn={n}]]")}],
    })
    .to_string()
}

async fn post(tenant: &Tenant<'_>, body: String) -> (u16, String) {
    let request = tenant.openai("POST", "/v1/chat/completions").body(body.into());
    let response = tenant.send(request).await;
    (response.status().as_u16(), text(response).await)
}

#[tokio::test]
async fn a_pause_is_no_end_for_a_client_that_waits_for_the_whole_answer() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let (status, answer) = post(&scene.tenant().await, ask(false, 2)).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &answer["choices"][0]["finish_reason"]), (200, &json!("stop")), "{answer}");
    assert_eq!(answer["usage"]["native"]["segments"].as_array().map(Vec::len), Some(3), "{answer}");
    assert_eq!(aws.requests().len(), 3, "each part was asked for");
}

#[tokio::test]
async fn a_pause_is_no_end_for_a_client_that_streams() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let (status, stream) = post(&scene.tenant().await, ask(true, 2)).await;
    assert_eq!((status, aws.requests().len()), (200, 3), "{stream}");
    assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
    let chunks: Vec<Value> = stream
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("data: {").map(|rest| format!("{{{rest}")))
        .map(|data| serde_json::from_str(&data).unwrap())
        .collect();
    let ids: std::collections::BTreeSet<&str> =
        chunks.iter().map(|chunk| chunk["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1, "one answer, one id");
    let reasons: Vec<&str> =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["finish_reason"].as_str()).collect();
    assert_eq!(reasons, ["stop"]);
}

#[tokio::test]
async fn a_turn_that_pauses_too_often_ends_as_too_long() {
    let aws = aws().await;
    let scene = Scene::with(&aws.base_url(), everything(), |s| s.translation.pause_turn_max = 1).await;
    let (status, answer) = post(&scene.tenant().await, ask(false, 3)).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &answer["choices"][0]["finish_reason"]), (200, &json!("length")), "{answer}");
    assert_eq!(aws.requests().len(), 2);
}

#[tokio::test]
async fn a_response_goes_on_too() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    for stream in [false, true] {
        let body = json!({
            "model": "@claude/claude-opus-4-8", "max_output_tokens": 2048, "stream": stream,
            "tools": [{"type": "web_search"}], "input": "[[emulator:pause_turn=1]]",
        });
        let before = aws.requests().len();
        let request = tenant.openai("POST", "/v1/responses").body(body.to_string().into());
        let answer = text(tenant.send(request).await).await;
        assert!(answer.contains(r#""status":"completed""#), "{answer}");
        assert_eq!(aws.requests().len() - before, 2, "{answer}");
    }
}
