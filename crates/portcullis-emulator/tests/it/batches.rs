//! Message batches.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Call, Keys, Lab, ask};

fn create(lines: &[(&str, Value)]) -> Call {
    let requests: Vec<Value> =
        lines.iter().map(|(id, params)| json!({"custom_id": id, "params": params})).collect();
    Call::platform("POST", "/v1/messages/batches", json!({"requests": requests}).to_string())
}

async fn created(lab: &Lab, keys: &Keys, lines: &[(&str, Value)]) -> String {
    lab.json(&create(lines), keys).await["id"].as_str().unwrap().to_owned()
}

fn path(id: &str, verb: &str) -> String {
    format!("/v1/messages/batches/{id}{verb}")
}

async fn shown(lab: &Lab, keys: &Keys, id: &str) -> Value {
    lab.json(&Call::get(&path(id, "")), keys).await
}

async fn results(lab: &Lab, keys: &Keys, id: &str) -> Vec<Value> {
    let (status, body) = lab.send(&Call::get(&path(id, "/results")), keys).await;
    assert_eq!(status, 200, "{body}");
    body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_batch_ends_by_itself_and_each_line_has_its_own_result() {
    let lab = Lab::new().await;
    let keys = lab.able_session().await;
    let mut unknown = ask("x");
    unknown["model"] = json!("claude-3-opus-20240229");
    let mut streams = ask("x");
    streams["stream"] = json!(true);
    let mut silent = ask("x");
    silent["max_tokens"] = json!(0);
    let lines = [
        ("good", ask("Hello")),
        ("tool", ask("[[emulator:thinking]]")),
        ("overloaded", ask("[[emulator:529]]")),
        ("retired", unknown),
        ("streams", streams),
        ("silent", silent),
        ("bad", json!({"max_tokens": 5})),
    ];
    let batch = lab.json(&create(&lines), &keys).await;
    assert_eq!(
        (&batch["type"], &batch["processing_status"]),
        (&json!("message_batch"), &json!("in_progress"))
    );
    assert_eq!(batch["request_counts"]["processing"], 7);
    assert_eq!((&batch["results_url"], &batch["ended_at"]), (&Value::Null, &Value::Null));
    let id = batch["id"].as_str().unwrap();
    lab.refused(&Call::get(&path(id, "/results")), &keys, 404, "not_found_error", "has not ended").await;
    lab.clock.advance(Duration::from_secs(1));
    let batch = shown(&lab, &keys, id).await;
    assert_eq!(batch["processing_status"], "ended");
    assert_eq!(
        batch["request_counts"],
        json!({"processing": 0, "succeeded": 2, "errored": 5, "canceled": 0, "expired": 0})
    );
    assert_eq!(batch["results_url"], format!("https://api.anthropic.com/v1/messages/batches/{id}/results"));
    let results = results(&lab, &keys, id).await;
    let order: Vec<&str> = results.iter().map(|line| line["custom_id"].as_str().unwrap()).collect();
    assert_eq!(
        order,
        ["bad", "silent", "streams", "retired", "overloaded", "tool", "good"],
        "not the order of the input"
    );
    let of = |id: &str| results.iter().find(|line| line["custom_id"] == id).unwrap()["result"].clone();
    let message = of("good")["message"].clone();
    assert_eq!(message["content"][0]["text"], "Hello from the emulator! You said: Hello");
    assert_eq!(message["usage"]["service_tier"], "batch");
    assert_eq!(of("tool")["message"]["content"][0]["type"], "thinking");
    for (id, kind, part) in [
        ("overloaded", "overloaded_error", "Overloaded"),
        ("retired", "not_found_error", "model: claude-3-opus"),
        ("streams", "invalid_request_error", "stream"),
        ("silent", "invalid_request_error", "max_tokens"),
        ("bad", "invalid_request_error", "model: Field required"),
    ] {
        let result = of(id);
        assert_eq!((&result["type"], &result["error"]["type"]), (&json!("errored"), &json!("error")));
        assert_eq!(result["error"]["error"]["type"], kind);
        assert!(result["error"]["error"]["message"].as_str().unwrap().contains(part), "{result}");
        assert!(result["error"]["request_id"].as_str().unwrap().starts_with("req_"));
    }
}

#[tokio::test]
async fn a_batch_is_canceled_expired_and_deleted() {
    let lab = Lab::new().await;
    let keys = lab.able_session().await;
    lab.emulator.set_batch_pace(None);
    let lines = [("a", ask("x")), ("b", ask("x"))];
    let id = created(&lab, &keys, &lines).await;
    let verb = |method, id: &str, verb: &str| Call::platform(method, &path(id, verb), String::new());
    lab.refused(&verb("DELETE", &id, ""), &keys, 400, "invalid_request_error", "still processing").await;
    assert!(lab.emulator.process_batch(&id, 1));
    let canceling = lab.json(&verb("POST", &id, "/cancel"), &keys).await;
    assert_eq!(
        (&canceling["processing_status"], &canceling["request_counts"]["processing"]),
        (&json!("canceling"), &json!(2))
    );
    lab.clock.advance(Duration::from_secs(1));
    let ended = shown(&lab, &keys, &id).await;
    assert_eq!(
        (&ended["request_counts"]["succeeded"], &ended["request_counts"]["canceled"]),
        (&json!(1), &json!(1))
    );
    assert!(ended["cancel_initiated_at"].is_string());
    lab.refused(&verb("POST", &id, "/cancel"), &keys, 400, "invalid_request_error", "already ended").await;
    let deleted = lab.json(&verb("DELETE", &id, ""), &keys).await;
    assert_eq!(deleted, json!({"id": id, "type": "message_batch_deleted"}));
    lab.refused(&Call::get(&path(&id, "")), &keys, 404, "not_found_error", "not found").await;
    let told = created(&lab, &keys, &lines).await;
    assert!(lab.emulator.expire_batch(&told) && !lab.emulator.expire_batch(&told));
    assert_eq!(results(&lab, &keys, &told).await[0]["result"], json!({"type": "expired"}));
    let ended = created(&lab, &keys, &lines).await;
    assert!(lab.emulator.end_batch(&ended));
    assert_eq!(shown(&lab, &keys, &ended).await["request_counts"]["succeeded"], 2);
    let left = created(&lab, &keys, &lines).await;
    lab.clock.advance(Duration::from_secs(86_400));
    let keys = lab.able_session().await;
    assert_eq!(shown(&lab, &keys, &left).await["request_counts"]["expired"], 2, "after a day");
    lab.clock.advance(Duration::from_secs(28 * 86_400));
    let keys = lab.able_session().await;
    let archived = shown(&lab, &keys, &left).await;
    assert!(archived["archived_at"].is_string() && archived["results_url"].is_null());
    lab.refused(&Call::get(&path(&left, "/results")), &keys, 404, "not_found_error", "are gone").await;
}

#[tokio::test]
async fn batches_are_listed_in_pages_and_belong_to_their_workspace() {
    let lab = Lab::new().await;
    let keys = lab.able_session().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.insert(0, created(&lab, &keys, &[("a", ask("x"))]).await);
    }
    let page = lab.json(&Call::get("/v1/messages/batches?limit=2"), &keys).await;
    assert_eq!(
        (&page["first_id"], &page["last_id"], &page["has_more"]),
        (&json!(ids[0]), &json!(ids[1]), &json!(true))
    );
    let next = format!("/v1/messages/batches?after_id={}&limit=2", ids[1]);
    let page = lab.json(&Call::get(&next), &keys).await;
    assert_eq!((&page["data"][0]["id"], &page["has_more"]), (&json!(ids[2]), &json!(false)));
    let wrong = Call::get("/v1/messages/batches?after=x");
    lab.refused(&wrong, &keys, 400, "invalid_request_error", "after: Extra inputs").await;
    lab.emulator.change_world(|world| {
        let here = world.workspaces["wrkspc_01AbCdEf23GhIj"].clone();
        world.workspaces.insert("wrkspc_other".into(), here);
    });
    let elsewhere = Call::get("/v1/messages/batches").with("anthropic-workspace-id", "wrkspc_other");
    assert_eq!(lab.json(&elsewhere, &keys).await["data"], json!([]));
    let foreign = Call::get(&path(&ids[0], "")).with("anthropic-workspace-id", "wrkspc_other");
    lab.refused(&foreign, &keys, 404, "not_found_error", "not found").await;
}

#[tokio::test]
async fn the_version_of_its_creation_holds_for_all_of_a_batch() {
    let lab = Lab::new().await;
    let keys = lab.able_session().await;
    let mut warm = ask("x");
    warm["temperature"] = json!(1);
    for (version, result) in [("2023-06-01", "succeeded"), ("2026-10-21", "errored")] {
        let call = create(&[("a", warm.clone())]).with("anthropic-version", version);
        let id = lab.json(&call, &keys).await["id"].as_str().unwrap().to_owned();
        lab.clock.advance(Duration::from_secs(1));
        assert_eq!(results(&lab, &keys, &id).await[0]["result"]["type"], result, "{version}");
    }
}

#[tokio::test]
async fn lines_may_be_longer_than_messages_in_a_beta() {
    let lab = Lab::new().await;
    let keys = lab.able_session().await;
    let mut long = ask("x");
    long["model"] = json!("claude-opus-5-5");
    long["max_tokens"] = json!(200_000);
    for (beta, result) in [("output-300k-2026-03-24", "succeeded"), ("context-1m-2025-08-07", "errored")] {
        let call = create(&[("a", long.clone())]).with("anthropic-beta", beta);
        let id = lab.json(&call, &keys).await["id"].as_str().unwrap().to_owned();
        assert!(lab.emulator.end_batch(&id));
        assert_eq!(results(&lab, &keys, &id).await[0]["result"]["type"], result, "{beta}");
    }
}
