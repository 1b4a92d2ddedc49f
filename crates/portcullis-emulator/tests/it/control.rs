//! The control API.

use portcullis_emulator::world::{
    API_KEY, CONTAINER_TOKEN, EXTERNAL_ID, GATEWAY_ACCESS_KEY_ID, GATEWAY_SECRET_ACCESS_KEY,
    SSO_ACCESS_TOKEN, WEB_IDENTITY_TOKEN,
};
use serde_json::{Value, json};

use crate::client::{Call, Lab, ask};

async fn control(lab: &Lab, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/_emulator/{path}", lab.emulator.base_url());
    let request = lab.http.request(method.parse().unwrap(), url).body(body.to_string());
    let response = request.send().await.unwrap();
    (response.status().as_u16(), serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn the_control_api_shows_no_secret() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    lab.send(&Call::messages(&ask("Hello")), &keys).await;
    for path in ["world", "requests"] {
        let (status, body) = control(&lab, "GET", path, &Value::Null).await;
        assert_eq!(status, 200);
        let tokens = [CONTAINER_TOKEN, WEB_IDENTITY_TOKEN, SSO_ACCESS_TOKEN];
        assert!(!tokens.iter().any(|token| body.to_string().contains(token)), "{path}");
        for secret in [GATEWAY_SECRET_ACCESS_KEY, API_KEY, &keys.secret, keys.token.as_deref().unwrap()] {
            assert!(!body.to_string().contains(secret), "{path}");
        }
    }
}

#[tokio::test]
async fn the_world_can_be_changed_and_the_log_read_and_emptied() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    let call = Call::messages(&ask("Hello"));
    let put =
        async |path: &str, body: Value| assert_eq!(control(&lab, "PUT", path, &body).await.0, 200, "{path}");
    put("accounts/123456789012", json!({"federation": false})).await;
    assert_eq!(lab.send(&call, &keys).await.0, 403);
    put("accounts/123456789012", json!({"federation": true})).await;
    put("workspaces/wrkspc_new", json!({"account": "123456789012", "region": "us-west-2"})).await;
    assert_eq!(lab.send(&call.clone().with("anthropic-workspace-id", "wrkspc_new"), &keys).await.0, 403);
    let (_, world) = control(&lab, "GET", "world", &Value::Null).await;
    let mut role = world["roles"]["portcullis-claude"].clone();
    role["trust_policy"]["Statement"][0]["Condition"] = json!({});
    put("roles/portcullis-claude", role).await;
    assert_eq!(lab.assume(&[]).await.0, 200, "the role is open now");
    put("api-keys", json!([])).await;
    assert!(lab.emulator.world().api_keys.is_empty());
    put("sources", json!({"role": null})).await;
    assert_eq!(lab.emulator.world().sources.container_token, None);
    put("sts", json!({"mode": "throttling"})).await;
    assert_eq!(lab.assume(&[("ExternalId", EXTERNAL_ID)]).await.0, 400);
    put("sts", json!({"mode": "slow", "ms": 1})).await;
    assert_eq!(lab.assume(&[("ExternalId", EXTERNAL_ID)]).await.0, 200);
    put("sts", json!({"mode": "slow", "ms": 1, "regions": ["eu-west-1"]})).await;
    put("clock", json!({"offset_seconds": 600})).await;
    assert_eq!(lab.send(&call, &keys).await.0, 401);
    put("clock", json!({"offset_seconds": 0})).await;
    assert_eq!(control(&lab, "POST", "directives", &json!({"directive": "500"})).await.0, 200);
    assert_eq!(lab.send(&call, &keys).await.0, 500);
    assert_eq!(lab.send(&call, &keys).await.0, 200);
    let (_, log) = control(&lab, "GET", "requests", &Value::Null).await;
    assert_eq!(log["counters"]["assume_role_calls"], 4);
    assert_eq!(log["requests"][0]["external_id"], EXTERNAL_ID);
    control(&lab, "POST", "expire-sessions", &Value::Null).await;
    assert_eq!(lab.send(&call, &keys).await.0, 401);
    control(&lab, "DELETE", "requests", &Value::Null).await;
    assert!(lab.emulator.requests().is_empty());
}

#[tokio::test]
async fn users_endpoints_and_sessions_have_calls_of_their_own() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    let (_, origin) = control(&lab, "GET", &format!("sessions/{}", keys.id), &Value::Null).await;
    assert_eq!(
        (&origin["external_id"], &origin["session_name"]),
        (&json!(EXTERNAL_ID), &json!("pcs-team-one"))
    );
    assert_eq!(control(&lab, "GET", "sessions/ASIANOBODY", &Value::Null).await.0, 404);
    control(&lab, "PUT", "endpoints", &json!({"regional": true})).await;
    let world = lab.emulator.world();
    assert!(world.regional_endpoints && world.workspace_header_must_be_signed);
    control(&lab, "PUT", "sts", &json!({"mode": "throttling", "times": 1})).await;
    assert_eq!(lab.assume(&[("ExternalId", EXTERNAL_ID)]).await.0, 400);
    assert_eq!(lab.assume(&[("ExternalId", EXTERNAL_ID)]).await.0, 200);
    let nothing = json!({"Statement": []});
    let path = format!("principals/{GATEWAY_ACCESS_KEY_ID}/policy");
    assert_eq!(control(&lab, "PUT", &path, &nothing).await.0, 200);
    assert_eq!(lab.assume(&[("ExternalId", EXTERNAL_ID)]).await.0, 403);
    assert_eq!(control(&lab, "PUT", "principals/AKIANOBODY/policy", &nothing).await.0, 404);
}

#[tokio::test]
async fn sessions_can_be_said_to_end_sooner_than_they_do() {
    let lab = Lab::new().await;
    control(&lab, "PUT", "announced-seconds", &json!({"seconds": 1})).await;
    let keys = lab.session().await;
    assert_eq!(lab.send(&Call::messages(&ask("Hello")), &keys).await.0, 200);
    let (_, answer) = lab.assume(&[("ExternalId", EXTERNAL_ID)]).await;
    control(&lab, "PUT", "announced-seconds", &json!({"seconds": null})).await;
    let (_, truthful) = lab.assume(&[("ExternalId", EXTERNAL_ID)]).await;
    let end = |answer: &str| answer.split("<Expiration>").nth(1).unwrap()[..20].to_owned();
    assert!(end(&answer) < end(&truthful), "RFC 3339 in UTC sorts by time");
}

#[tokio::test]
async fn wrong_calls_are_refused_with_a_reason() {
    let lab = Lab::new().await;
    assert_eq!(control(&lab, "GET", "nothing", &Value::Null).await.0, 404);
    let (status, body) = control(&lab, "PUT", "sts", &json!({"mode": "dance"})).await;
    assert!(status == 400 && body["error"].as_str().unwrap().contains("dance"), "{body}");
    let nowhere = json!({"mode": "ok", "regions": "us-west-2"});
    assert_eq!(control(&lab, "PUT", "sts", &nowhere).await.0, 400);
    assert_eq!(control(&lab, "PUT", "roles/x", &json!({"account": "1"})).await.0, 400);
}

#[tokio::test]
async fn a_request_can_be_read_as_it_came() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    let text = r#"{"max_tokens" :64,"model":"claude-haiku-4-5", "messages":[{"role":"user","content":"\u00e4 1.0"}] }"#;
    let call = Call::platform("POST", "/v1/messages?beta=true", text.into()).with("x-stainless-lang", "rust");
    lab.send(&call, &keys).await;
    let (_, log) = control(&lab, "GET", "requests", &Value::Null).await;
    let entry = log["requests"].as_array().unwrap().last().unwrap();
    assert_eq!(entry["query"], "beta=true");
    let headers = entry["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["x-stainless-lang", "rust"])), "{headers:?}");
    let id = entry["request_id"].as_str().unwrap();
    let url = format!("{}/_emulator/requests/{id}/body", lab.emulator.base_url());
    assert_eq!(lab.http.get(url).send().await.unwrap().text().await.unwrap(), text);
    assert_eq!(lab.emulator.request_body(id).unwrap(), text.as_bytes());
    lab.emulator.clear_requests();
    assert_eq!(lab.emulator.request_body(id), None);
}

#[tokio::test]
async fn batches_are_pushed_along() {
    let lab = Lab::new().await;
    let keys = lab.able_session().await;
    assert_eq!(control(&lab, "PUT", "batches", &json!({"ends_after_ms": null})).await.0, 200);
    let requests =
        json!({"requests": [{"custom_id": "a", "params": ask("x")}, {"custom_id": "b", "params": ask("x")}]});
    let create = Call::platform("POST", "/v1/messages/batches", requests.to_string());
    let id = lab.json(&create, &keys).await["id"].as_str().unwrap().to_owned();
    let push =
        async |how: &str, body: Value| control(&lab, "POST", &format!("batches/{id}/{how}"), &body).await.0;
    assert_eq!(push("process", json!({"lines": 1})).await, 200);
    assert_eq!(push("expire", Value::Null).await, 200);
    let batch = lab.json(&Call::get(&format!("/v1/messages/batches/{id}")), &keys).await;
    assert_eq!(
        (&batch["request_counts"]["succeeded"], &batch["request_counts"]["expired"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(push("end", Value::Null).await, 404, "it has ended");
    assert_eq!(push("dance", Value::Null).await, 404);
    control(&lab, "PUT", "batches", &json!({"ends_after_ms": 0})).await;
    let id = lab.json(&create, &keys).await["id"].as_str().unwrap().to_owned();
    let batch = lab.json(&Call::get(&format!("/v1/messages/batches/{id}")), &keys).await;
    assert_eq!(batch["processing_status"], "ended");
}
