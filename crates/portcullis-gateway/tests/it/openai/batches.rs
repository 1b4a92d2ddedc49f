//! Batches in both forms, from the input to the output, before the emulated platform.

use http::header::CONTENT_TYPE;
use portcullis_emulator::EmulatorHandle;
use portcullis_types::Feature;
use serde_json::{Value, json};

use super::scene::{Scene, aws, line, refusal, without};

const MODEL: &str = "@claude/claude-haiku-4-5";

async fn scene() -> (EmulatorHandle, Scene) {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url()).await;
    (aws, scene)
}

fn n_made(aws: &EmulatorHandle) -> usize {
    aws.requests().iter().filter(|one| one.operation.ends_with(":CreateBatchInference")).count()
}

/// The upstream's id of a batch.
async fn upstream_id(scene: &Scene, id: &Value) -> String {
    let id = id.as_str().unwrap().parse().unwrap();
    let batch = scene.catalog.batch(scene.workspace(), id).await.unwrap();
    batch.upstream_batch_ids[0].clone()
}

/// The upstream has it: it says when it gives it up.
fn is_sent(batch: &Value) -> bool {
    batch["expires_at"].is_i64()
}

fn content(id: &Value) -> String {
    format!("/v1/files/{}/content", id.as_str().unwrap())
}

#[tokio::test]
async fn a_file_of_lines_becomes_an_output_and_an_error_file_in_its_order() {
    let (aws, scene) = scene().await;
    let tenant = scene.tenant().await;
    let mut seeded = line("seeded \"é\"", MODEL, "Hi");
    seeded["body"]["seed"] = json!(7);
    let mut streaming = line("streaming", MODEL, "Hi");
    streaming["body"]["stream"] = json!(true);
    let mut long = line("long", MODEL, "Hi");
    long["body"]["max_tokens"] = json!(30_000);
    let lines = [
        line("b", MODEL, "Hi"),
        streaming,
        seeded,
        line("refused", MODEL, "[[emulator:402_billing]]"),
        line("nobody", "@claude/claude-3-opus-20240229", "Hi"),
        long,
        line("a", MODEL, "Hi"),
    ];
    let made = tenant.batch_of(&lines).await;
    assert!(made["id"].as_str().unwrap().starts_with("batch_"));
    assert_eq!((&made["object"], &made["completion_window"]), (&json!("batch"), &json!("24h")));
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!(batch["status"], "completed", "{batch}");
    assert_eq!(batch["request_counts"], json!({"total": 7, "completed": 4, "failed": 3}), "{batch}");
    for time in ["in_progress_at", "expires_at", "finalizing_at", "completed_at"] {
        assert!(batch[time].is_i64(), "{time}: {batch}");
    }
    assert!(batch["usage"]["total_tokens"].as_u64().unwrap() > 0, "{batch}");

    let output = tenant.lines(&content(&batch["output_file_id"])).await;
    let ids: Vec<&Value> = output.iter().map(|line| &line["custom_id"]).collect();
    assert_eq!(ids, ["b", "seeded \"é\"", "long", "a"]);
    for line in &output {
        let response = &line["response"];
        assert_eq!((&response["status_code"], &line["error"]), (&json!(200), &Value::Null));
        assert_eq!(response["body"]["object"], "chat.completion", "{line}");
        assert_eq!(response["request_id"], response["body"]["id"]);
        assert!(response["body"]["choices"][0]["message"]["content"].is_string());
    }
    assert_eq!(output[1]["response"]["body"]["portcullis_warnings"], json!(["ignored:seed"]));

    let errors = tenant.lines(&content(&batch["error_file_id"])).await;
    let told: Vec<_> = errors
        .iter()
        .map(|line| {
            let response = &line["response"];
            let error = &response["body"]["error"];
            (
                line["custom_id"].as_str().unwrap(),
                response["status_code"].as_u64().unwrap(),
                error["param"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [("streaming", 400, Some("stream")), ("refused", 402, None), ("nobody", 404, Some("model"))]
    );
    // One batch upstream, whoever looked how often.
    assert_eq!(n_made(&aws), 1);
}

#[tokio::test]
async fn the_inline_form_answers_in_the_upstreams_words() {
    let (_aws, scene) = scene().await;
    let tenant = scene.tenant().await;
    let item = |id: &str, text: &str| {
        json!({"custom_id": id, "params": {
            "model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": text}]}})
    };
    let body = json!({"requests": [item("one two", "Hi\nthere"), item("b", "[[emulator:400_on_hold]]")],
                      "metadata": {"team": "atlas"}});
    // Written over several lines, as people do.
    let pretty = serde_json::to_string_pretty(&body).unwrap();
    let request = tenant.request("POST", "/v1/batches").header(CONTENT_TYPE, "application/json");
    let response = tenant.send(request.body(pretty.into())).await;
    assert_eq!(response.status(), 200);
    let made = crate::stage::json(response).await;
    assert_eq!((&made["endpoint"], &made["metadata"]), (&json!("/v1/batches"), &json!({"team": "atlas"})));
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!((&batch["status"], &batch["error_file_id"]), (&json!("completed"), &Value::Null), "{batch}");
    assert_eq!(batch["request_counts"], json!({"total": 2, "completed": 1, "failed": 1}));
    let id = made["id"].as_str().unwrap();
    assert_eq!(batch["results_url"], json!(format!("http://gw.example.com/v1/batches/{id}/output")));
    let lines = tenant.lines(&format!("/v1/batches/{id}/output")).await;
    let shown: Vec<_> = lines.iter().map(|line| (&line["custom_id"], &line["result"]["type"])).collect();
    assert_eq!(shown, [(&json!("one two"), &json!("succeeded")), (&json!("b"), &json!("errored"))]);
    assert_eq!(lines[0]["result"]["message"]["type"], "message");
}

#[tokio::test]
async fn responses_are_asked_for_in_a_batch_too() {
    let (_aws, scene) = scene().await;
    let tenant = scene.tenant().await;
    let response = |id: &str, more: Value| {
        let mut body = json!({"model": MODEL, "input": "Hi"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"custom_id": id, "method": "POST", "url": "/v1/responses", "body": body})
    };
    let lines = [
        response("kept", json!({"store": true})),
        response("following", json!({"previous_response_id": "resp_nobody"})),
        response("plain", json!({})),
    ];
    let made = tenant.batch_at("/v1/responses", &lines).await;
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!(
        (&batch["status"], &batch["endpoint"]),
        (&json!("completed"), &json!("/v1/responses")),
        "{batch}"
    );
    let output = tenant.lines(&content(&batch["output_file_id"])).await;
    let ids: Vec<&Value> = output.iter().map(|line| &line["custom_id"]).collect();
    assert_eq!(ids, ["kept", "plain"]);
    let body = &output[0]["response"]["body"];
    assert_eq!(
        (&body["object"], &body["status"], &body["store"]),
        (&json!("response"), &json!("completed"), &json!(false))
    );
    assert_eq!(body["portcullis_warnings"], json!(["ignored:store"]));
    let errors = tenant.lines(&content(&batch["error_file_id"])).await;
    let error = &errors[0]["response"]["body"]["error"];
    assert_eq!(
        (&errors[0]["custom_id"], &error["param"]),
        (&json!("following"), &json!("previous_response_id"))
    );
}

#[tokio::test]
async fn a_file_is_named_in_a_chat_and_in_a_batch_by_its_id_here() {
    let (_aws, scene) = scene().await;
    let (tenant, neighbour) = (scene.tenant().await, scene.neighbour().await);
    let (_, file) = tenant.upload(&[("purpose", "user_data")], "notes.txt", "plain text").await;
    let mut asked = line("with a file", MODEL, "Hi");
    asked["body"]["messages"][0]["content"] =
        json!([{"type": "file", "file": {"file_id": file["id"]}}, {"type": "text", "text": "What is it?"}]);
    let (status, answer) = tenant.post("/v1/chat/completions", &asked["body"]).await;
    assert_eq!(status, 200, "{answer}");
    let (status, refused) = neighbour.post("/v1/chat/completions", &asked["body"]).await;
    assert_eq!(status, 400, "{refused}");
    let made = tenant.batch_of(std::slice::from_ref(&asked)).await;
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!(batch["request_counts"], json!({"total": 1, "completed": 1, "failed": 0}), "{batch}");
}

#[tokio::test]
async fn an_input_that_is_no_batch_fails_it_before_anything_is_sent() {
    let (aws, scene) = scene().await;
    let tenant = scene.tenant().await;
    let mut elsewhere = line("a", MODEL, "Hi");
    elsewhere["url"] = json!("/v1/embeddings");
    let lines = [
        elsewhere,
        line("b", MODEL, "Hi"),
        line("b", MODEL, "Hi"),
        json!({"custom_id": "c"}),
        line("d", "@other/m", "Hi"),
    ];
    let made = tenant.batch_of(&lines).await;
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!((&batch["status"], batch["failed_at"].is_i64()), (&json!("failed"), true), "{batch}");
    let told: Vec<_> = batch["errors"]["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["code"].as_str().unwrap(), error["line"].as_u64().unwrap()))
        .collect();
    let expected = [
        ("url_mismatch", 1),
        ("duplicate_custom_id", 3),
        ("missing_required_parameter", 4),
        ("provider_mismatch", 5),
    ];
    assert_eq!(told, expected, "{batch}");
    assert_eq!(n_made(&aws), 0);
    let (status, refused) =
        tenant.post(&format!("/v1/batches/{}/cancel", made["id"].as_str().unwrap()), &json!({})).await;
    assert_eq!((status, refusal(&refused).0), (409, "batch_is_over"), "{refused}");
}

#[tokio::test]
async fn a_batch_of_lines_that_all_fail_is_completed() {
    let (aws, scene) = scene().await;
    let tenant = scene.tenant().await;
    let mut lossless = line("a", MODEL, "Hi");
    lossless["body"]["n"] = json!(3);
    let made = tenant.batch_of(&[lossless]).await;
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!((&batch["status"], &batch["output_file_id"]), (&json!("completed"), &Value::Null), "{batch}");
    let errors = tenant.lines(&content(&batch["error_file_id"])).await;
    assert_eq!(errors[0]["response"]["body"]["error"]["param"], "n", "{errors:?}");
    assert_eq!(n_made(&aws), 0);
}

#[tokio::test]
async fn a_large_batch_is_split_upstream_and_one_for_the_client() {
    let aws = aws().await;
    let scene = Scene::with(&aws.base_url(), portcullis_types::FeatureSet::all(), |settings| {
        settings.batches.most_requests = 3;
        settings.batches.most_bytes = 600;
    })
    .await;
    let tenant = scene.tenant().await;
    let lines: Vec<Value> = (0..8).map(|n| line(&format!("line {n}"), MODEL, "Hi")).collect();
    let made = tenant.batch_of(&lines).await;
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!(batch["request_counts"], json!({"total": 8, "completed": 8, "failed": 0}), "{batch}");
    let output = tenant.lines(&content(&batch["output_file_id"])).await;
    let ids: Vec<_> = output.iter().map(|line| line["custom_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, (0..8).map(|n| format!("line {n}")).collect::<Vec<_>>());
    assert!(n_made(&aws) >= 3, "{}", n_made(&aws));
}

#[tokio::test]
async fn a_cancelled_batch_keeps_what_was_done() {
    let (aws, scene) = scene().await;
    aws.set_batch_pace(None);
    let tenant = scene.tenant().await;
    let made = tenant.batch_of(&[line("a", MODEL, "Hi"), line("b", MODEL, "Hi")]).await;
    let path = format!("/v1/batches/{}", made["id"].as_str().unwrap());
    let batch = tenant.batch_when(&made["id"], is_sent).await;
    assert_eq!(batch["status"], "in_progress", "{batch}");
    let (status, refused) = tenant.get(&format!("{path}/output")).await;
    assert_eq!((status, refusal(&refused).0), (400, "batch_not_ended"), "{refused}");
    assert!(aws.process_batch(&upstream_id(&scene, &made["id"]).await, 1));
    let (status, cancelling) = tenant.post(&format!("{path}/cancel"), &json!({})).await;
    assert_eq!((status, &cancelling["status"]), (200, &json!("cancelling")), "{cancelling}");
    assert!(cancelling["cancelling_at"].is_i64(), "{cancelling}");
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!((&batch["status"], batch["cancelled_at"].is_i64()), (&json!("cancelled"), true), "{batch}");
    assert_eq!(batch["request_counts"], json!({"total": 2, "completed": 1, "failed": 1}), "{batch}");
    let errors = tenant.lines(&content(&batch["error_file_id"])).await;
    assert_eq!(
        (&errors[0]["response"], &errors[0]["error"]["code"]),
        (&Value::Null, &json!("batch_cancelled"))
    );
}

#[tokio::test]
async fn a_batch_whose_time_is_over_is_expired() {
    let (aws, scene) = scene().await;
    aws.set_batch_pace(None);
    let tenant = scene.tenant().await;
    let made = tenant.batch_of(&[line("a", MODEL, "Hi")]).await;
    tenant.batch_when(&made["id"], is_sent).await;
    assert!(aws.expire_batch(&upstream_id(&scene, &made["id"]).await));
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!((&batch["status"], batch["expired_at"].is_i64()), (&json!("expired"), true), "{batch}");
    let errors = tenant.lines(&content(&batch["error_file_id"])).await;
    assert_eq!(errors[0]["error"]["code"], "batch_expired", "{errors:?}");
}

#[tokio::test]
async fn batches_of_another_workspace_are_not_there() {
    let (_aws, scene) = scene().await;
    let (tenant, neighbour) = (scene.tenant().await, scene.neighbour().await);
    let made = tenant.batch_of(&[line("a", MODEL, "Hi")]).await;
    let path = format!("/v1/batches/{}", made["id"].as_str().unwrap());
    for (status, answer) in [
        neighbour.get(&path).await,
        neighbour.get(&format!("{path}/output")).await,
        neighbour.post(&format!("{path}/cancel"), &json!({})).await,
        neighbour.get("/v1/batches/batch_nothing").await,
    ] {
        assert_eq!((status, refusal(&answer).0), (404, "batch_not_found"), "{answer}");
    }
    assert_eq!(neighbour.get("/v1/batches").await.1["data"], json!([]));
    let batch = tenant.batch_when_over(&made["id"]).await;
    let (status, answer) = neighbour.get(&content(&batch["output_file_id"])).await;
    assert_eq!((status, refusal(&answer).0), (404, "file_not_found"), "{answer}");
    let (_, list) = tenant.get("/v1/batches?limit=1").await;
    assert_eq!((&list["data"][0]["id"], &list["has_more"]), (&made["id"], &json!(false)));
}

#[tokio::test]
async fn an_integration_without_batches_takes_none() {
    let aws = aws().await;
    let scene = Scene::with(&aws.base_url(), without(Feature::Batches), |_| ()).await;
    let tenant = scene.tenant().await;
    let made = tenant.batch_of(&[line("a", MODEL, "Hi")]).await;
    let batch = tenant.batch_when_over(&made["id"]).await;
    assert_eq!(batch["errors"]["data"][0]["code"], "feature_not_enabled", "{batch}");
    let item = json!({"custom_id": "a", "params": {"model": MODEL}});
    let (status, refused) = tenant.post("/v1/batches", &json!({"requests": [item]})).await;
    assert_eq!((status, refusal(&refused)), (403, ("feature_not_enabled", "requests")), "{refused}");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_for_a_batch_is_named() {
    let (aws, scene) = scene().await;
    let tenant = scene.tenant().await;
    let (_, file) = tenant.upload(&[("purpose", "user_data")], "a.txt", "text").await;
    let with = |id: &Value, more: Value| {
        let mut body =
            json!({"input_file_id": id, "endpoint": "/v1/chat/completions", "completion_window": "24h"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let unknown = json!("file-00000000000000000000000000000000");
    for (body, param) in [
        (with(&file["id"], json!({})), "input_file_id"),
        (with(&unknown, json!({})), "input_file_id"),
        (with(&unknown, json!({"completion_window": "1h"})), "completion_window"),
        (with(&unknown, json!({"endpoint": "/v1/embeddings"})), "endpoint"),
        (json!({"requests": [{"custom_id": "a"}]}), "requests[0].params"),
        (json!({"requests": [{"custom_id": "a", "params": {"model": "@no/m"}}]}), "requests[0].params.model"),
    ] {
        let (status, refused) = tenant.post("/v1/batches", &body).await;
        assert_eq!((status, refusal(&refused).1), (400, param), "{body}: {refused}");
    }
    assert_eq!(n_made(&aws), 0);
}
