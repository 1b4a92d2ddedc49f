//! Responses: kept, continued, shown, deleted, and nobody else's.

use http::StatusCode;
use serde_json::{Value, json};

use crate::native::scene::{Scene, Tenant, aws, everything};
use crate::stage::{json as read, text};

async fn create(tenant: &Tenant<'_>, body: &Value) -> (StatusCode, Value) {
    let request = tenant.openai("POST", "/v1/responses").body(body.to_string().into());
    let response = tenant.send(request).await;
    (response.status(), read(response).await)
}

async fn call(tenant: &Tenant<'_>, method: &str, target: &str) -> (StatusCode, Value) {
    let response = tenant.send(tenant.openai(method, target).body(axum::body::Body::empty())).await;
    (response.status(), read(response).await)
}

fn ask(input: &str) -> Value {
    json!({"model": "@claude/claude-opus-4-8", "max_output_tokens": 512, "input": input})
}

#[tokio::test]
async fn a_response_is_continued_by_its_id_shown_and_deleted() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    let (status, first) = create(&tenant, &ask("Remember the number 7.")).await;
    assert_eq!((status, &first["status"]), (StatusCode::OK, &json!("completed")), "{first}");
    let id = first["id"].as_str().unwrap();

    let mut next = ask("Which number?");
    next["previous_response_id"] = json!(id);
    let (status, second) = create(&tenant, &next).await;
    assert_eq!(status, StatusCode::OK, "{second}");
    let last = aws.requests().pop().unwrap();
    let sent: Value = serde_json::from_slice(&aws.request_body(&last.request_id).unwrap()).unwrap();
    let roles: Vec<&str> =
        sent["messages"].as_array().unwrap().iter().map(|turn| turn["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "user"], "the conversation went along");

    assert_eq!(call(&tenant, "GET", &format!("/v1/responses/{id}")).await, (StatusCode::OK, first.clone()));
    let (_, items) = call(&tenant, "GET", &format!("/v1/responses/{id}/input_items?limit=5")).await;
    assert_eq!(items["data"][0]["content"][0]["text"], "Remember the number 7.", "{items}");
    let (status, gone) = call(&tenant, "DELETE", &format!("/v1/responses/{id}")).await;
    assert_eq!((status, &gone["deleted"]), (StatusCode::OK, &json!(true)));
    assert_eq!(call(&tenant, "GET", &format!("/v1/responses/{id}")).await.0, StatusCode::NOT_FOUND);
    let (status, refusal) = create(&tenant, &next).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(refusal["error"]["code"], "previous_response_not_found", "{refusal}");
}

#[tokio::test]
async fn a_streamed_response_is_kept_before_its_end_is_told() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    let mut body = ask("Hello");
    body["stream"] = json!(true);
    let request = tenant.openai("POST", "/v1/responses").body(body.to_string().into());
    let stream = text(tenant.send(request).await).await;
    let last = stream.trim_end().rsplit("\n\n").next().unwrap();
    let data = last.split_once("data: ").unwrap().1;
    let done: Value = serde_json::from_str(data).unwrap();
    assert_eq!(done["type"], "response.completed", "{stream}");
    let id = done["response"]["id"].as_str().unwrap();
    assert_eq!(
        call(&tenant, "GET", &format!("/v1/responses/{id}")).await,
        (StatusCode::OK, done["response"].clone())
    );
}

#[tokio::test]
async fn a_response_is_nobody_elses_and_a_client_may_decline_keeping_it() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let (tenant, neighbour) = (scene.tenant().await, scene.neighbour().await);
    let (_, response) = create(&tenant, &ask("Hello")).await;
    let path = format!("/v1/responses/{}", response["id"].as_str().unwrap());
    assert_eq!(call(&neighbour, "GET", &path).await.0, StatusCode::NOT_FOUND);
    assert_eq!(call(&neighbour, "DELETE", &path).await.0, StatusCode::NOT_FOUND);
    assert_eq!(call(&tenant, "GET", &path).await.0, StatusCode::OK);
    let mut unkept = ask("Hello");
    unkept["store"] = json!(false);
    let (_, response) = create(&tenant, &unkept).await;
    let path = format!("/v1/responses/{}", response["id"].as_str().unwrap());
    assert_eq!(call(&tenant, "GET", &path).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_gateway_that_keeps_nothing_says_so_to_whoever_counts_on_it() {
    let aws = aws().await;
    let scene = Scene::with(&aws.base_url(), everything(), |s| s.response_retention = None).await;
    let tenant = scene.tenant().await;
    let (status, response) = create(&tenant, &ask("Hello")).await;
    assert_eq!((status, &response["store"]), (StatusCode::OK, &json!(false)), "{response}");
    for (name, value) in [("store", json!(true)), ("previous_response_id", json!("resp_1"))] {
        let mut body = ask("Hello");
        body[name] = value;
        let (status, refusal) = create(&tenant, &body).await;
        assert_eq!(
            (status, &refusal["error"]["param"]),
            (StatusCode::BAD_REQUEST, &json!(name)),
            "{refusal}"
        );
    }
}

#[tokio::test]
async fn the_tokens_of_an_input_are_counted_and_what_is_not_served_is_said_by_name() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    let request = tenant.openai("POST", "/v1/responses/input_tokens").body(ask("Hello").to_string().into());
    let counted = read(tenant.send(request).await).await;
    assert_eq!(counted["object"], "response.input_tokens", "{counted}");
    assert!(counted["input_tokens"].as_u64().unwrap() > 0);
    assert_eq!(call(&tenant, "POST", "/v1/responses/compact").await.0, StatusCode::NOT_IMPLEMENTED);
    let (status, refusal) = call(&tenant, "PUT", "/v1/responses").await;
    assert_eq!(
        (status, &refusal["error"]["code"]),
        (StatusCode::METHOD_NOT_ALLOWED, &json!("method_not_allowed"))
    );
}

#[tokio::test]
async fn a_failure_in_the_middle_ends_the_stream_as_failed_and_keeps_nothing() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    let mut body = ask("[[emulator:error_mid_stream]]");
    body["stream"] = json!(true);
    let request = tenant.openai("POST", "/v1/responses").body(body.to_string().into());
    let stream = text(tenant.send(request).await).await;
    let last = stream.trim_end().rsplit("\n\n").next().unwrap();
    assert!(last.starts_with("event: response.failed\n"), "{stream}");
    let failed: Value = serde_json::from_str(last.split_once("data: ").unwrap().1).unwrap();
    let path = format!("/v1/responses/{}", failed["response"]["id"].as_str().unwrap());
    assert_eq!(call(&tenant, "GET", &path).await.0, StatusCode::NOT_FOUND);
}
