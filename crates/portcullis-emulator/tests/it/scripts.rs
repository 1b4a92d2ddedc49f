//! Every scripted answer and every scripted fault, whole and streaming.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Call, Keys, Lab, ask};

async fn whole(lab: &Lab, keys: &Keys, body: &Value) -> Value {
    let (status, text) = lab.send(&Call::messages(body), keys).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn streaming(directive: &str) -> Call {
    let mut body = ask(&format!("[[emulator:{directive}]]"));
    body["stream"] = json!(true);
    Call::messages(&body)
}

/// The data of each event; each event's name must be its type.
fn data(text: &str) -> Vec<Value> {
    text.split_terminator("\n\n")
        .map(|event| {
            let (name, data) = event.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(name.strip_prefix("event: ").unwrap(), data["type"]);
            data
        })
        .collect()
}

fn joined(events: &[Value], delta: &str, field: &str) -> String {
    events
        .iter()
        .filter(|event| event["delta"]["type"] == delta)
        .filter_map(|event| event["delta"][field].as_str())
        .collect()
}

#[tokio::test]
async fn every_answer_ends_as_its_name_says_whole_and_streaming() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    for (directive, stop_reason) in [
        ("plain", "end_turn"),
        ("long=200", "end_turn"),
        ("thinking", "end_turn"),
        ("redacted", "end_turn"),
        ("refusal", "refusal"),
        ("max_tokens", "max_tokens"),
        ("unicode", "end_turn"),
        ("empty", "end_turn"),
        ("stop_sequence", "stop_sequence"),
        ("web_search", "end_turn"),
        ("pause_turn", "pause_turn"),
        ("context_window", "model_context_window_exceeded"),
        ("web_fetch", "end_turn"),
        ("mcp", "end_turn"),
        ("code_execution", "end_turn"),
        ("citations", "end_turn"),
        ("compaction", "end_turn"),
        ("structured", "end_turn"),
        ("long_silence=4", "end_turn"),
        ("unknown_events", "end_turn"),
        ("slow=1", "end_turn"),
    ] {
        let message = whole(&lab, &keys, &ask(&format!("[[emulator:{directive}]]"))).await;
        assert_eq!(message["stop_reason"], stop_reason, "{directive}");
        let (_, text) = lab.send(&streaming(directive), &keys).await;
        let events = data(&text);
        assert_eq!(events[0]["type"], "message_start");
        assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], stop_reason, "{directive}");
        assert_eq!(events[events.len() - 1]["type"], "message_stop");
        let texts: String = message["content"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|block| block["text"].as_str())
            .collect();
        assert_eq!(joined(&events, "text_delta", "text"), texts, "{directive}");
    }
}

#[tokio::test]
async fn tools_are_called_with_their_required_arguments() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    let mut body = ask("[[emulator:parallel_tools]]");
    body["tools"] = json!([{"name": "weather", "input_schema": {"type": "object", "required": ["city", "unit", "days"], "properties": {
        "city": {"type": "string"}, "unit": {"enum": ["celsius", "kelvin"]}, "days": {"type": "integer", "minimum": 3}, "note": {"type": "string"}}}}]);
    let message = whole(&lab, &keys, &body).await;
    assert_eq!(message["stop_reason"], "tool_use");
    assert_eq!(message["content"].as_array().unwrap().len(), 3);
    let expected = json!({"city": "example", "unit": "celsius", "days": 3});
    assert_eq!(message["content"][1]["input"], expected);
    body["stream"] = json!(true);
    body["messages"][0]["content"] = json!("[[emulator:tool_use]]");
    let (_, text) = lab.send(&Call::messages(&body), &keys).await;
    let partial = joined(&data(&text), "input_json_delta", "partial_json");
    assert_eq!(serde_json::from_str::<Value>(&partial).unwrap(), expected);
    let mut next = body.clone();
    next["stream"] = json!(false);
    let results: Vec<Value> = (1..=2)
        .map(|index| json!({"type": "tool_result", "tool_use_id": message["content"][index]["id"], "content": "sunny"}))
        .collect();
    next["messages"].as_array_mut().unwrap().extend([
        json!({"role": "assistant", "content": message["content"]}),
        json!({"role": "user", "content": results}),
    ]);
    assert_eq!(whole(&lab, &keys, &next).await["content"][0]["text"], "The tool answered: sunny");
}

#[tokio::test]
async fn thinking_goes_back_only_unchanged_and_to_its_model() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    for directive in ["thinking", "redacted"] {
        let first = whole(&lab, &keys, &ask(&format!("[[emulator:{directive}]]"))).await;
        let mut next = ask("x");
        next["messages"] = json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": first["content"]}, {"role": "user", "content": "y"}]);
        whole(&lab, &keys, &next).await;
        next["model"] = json!("claude-haiku-5-5");
        assert_eq!(lab.refusal(&Call::messages(&next), &keys).await.0, 400);
    }
    let (_, text) = lab.send(&streaming("thinking"), &keys).await;
    assert!(joined(&data(&text), "signature_delta", "signature").starts_with("EmulatorSignature"));
}

#[tokio::test]
async fn status_faults_answer_in_the_documented_shape() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    for (directive, status, kind, retry_after) in [
        ("429=7", 429, "rate_limit_error", Some("7")),
        ("429_spend_cap", 429, "rate_limit_error", None),
        ("500", 500, "api_error", None),
        ("503", 503, "api_error", None),
        ("504", 504, "timeout_error", None),
        ("529", 529, "overloaded_error", None),
        ("400_spend_limit", 400, "invalid_request_error", None),
        ("400_workspace_spend_limit", 400, "invalid_request_error", None),
        ("401_bad_signature", 401, "authentication_error", None),
        ("401_skew", 401, "authentication_error", None),
        ("401_expired_token", 401, "authentication_error", None),
        ("401_unknown_token", 401, "authentication_error", None),
        ("402_billing", 402, "billing_error", None),
        ("403_federation_off", 403, "permission_error", None),
        ("403_not_subscribed", 403, "permission_error", None),
        ("403_model_access", 403, "permission_error", None),
    ] {
        let response = lab.signed(&streaming(directive), &keys).send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers().get("retry-after").map(|value| value.to_str().unwrap()), retry_after);
        let request_id = response.headers()["request-id"].to_str().unwrap().to_owned();
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!((&body["error"]["type"], &body["request_id"]), (&json!(kind), &json!(request_id)));
    }
    let (status, body) = lab.send(&streaming("html_502"), &keys).await;
    assert!(status == 502 && body.starts_with("<html>"));
}

#[tokio::test]
async fn refusals_with_a_code_have_it_in_the_details_and_those_of_aws_in_its_own_shape() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    for (directive, status, code) in [
        ("400_on_hold", 400, "organization_on_hold"),
        ("429_contract_spend_limit", 429, "contract_spend_limit_reached"),
        ("429_enforced_spend_limit", 429, "enforced_spend_limit_reached"),
        ("429_ramp", 429, "ramp_limit_exceeded"),
        ("503_key_unreachable", 503, "cmek_key_unreachable"),
        ("503_registration_pending", 503, "registration_pending"),
    ] {
        let (got, body) = lab.send(&streaming(directive), &keys).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((got, &body["error"]["details"]["error_code"]), (status, &json!(code)));
    }
    for (directive, status, kind) in [
        ("429_aws", 429, "ThrottlingException"),
        ("403_expired_token", 403, "ExpiredTokenException"),
        ("403_unknown_token", 403, "UnrecognizedClientException"),
        ("403_federation_off_aws", 403, "OutboundWebIdentityFederationDisabledException"),
    ] {
        let response = lab.signed(&streaming(directive), &keys).send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["x-amzn-errortype"], kind);
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!((&body["__type"], &body["error"]), (&json!(kind), &Value::Null));
    }
}

#[tokio::test]
async fn broken_streams_break_as_told() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    let (_, text) = lab.send(&streaming("error_first"), &keys).await;
    assert_eq!(data(&text)[0]["error"]["type"], "overloaded_error");
    let (_, text) = lab.send(&streaming("error_mid_stream"), &keys).await;
    let events = data(&text);
    assert_eq!((events.len(), &events[4]["type"]), (5, &json!("error")));
    let (_, text) = lab.send(&streaming("end_without_stop"), &keys).await;
    assert_eq!(data(&text).last().unwrap()["type"], "message_delta");
    let (_, text) = lab.send(&streaming("garbage"), &keys).await;
    assert!(text.contains("not json"));
    let (_, text) = lab.send(&streaming("truncated_json"), &keys).await;
    let broken = |event: &str| serde_json::from_str::<Value>(event.split_once("data: ").unwrap().1).is_err();
    assert_eq!(text.split_terminator("\n\n").filter(|event| broken(event)).count(), 1);
    for directive in ["reset_mid_stream", "cut_mid_stream"] {
        let mut response = lab.signed(&streaming(directive), &keys).send().await.unwrap();
        let mut seen = Vec::new();
        let end = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => seen.extend_from_slice(&chunk),
                other => break other,
            }
        };
        let error = format!("{:?}", end.expect_err("the stream must not end well"));
        assert_eq!(error.contains("ConnectionReset"), directive == "reset_mid_stream", "{error}");
        assert_eq!(data(&String::from_utf8(seen).unwrap()).len(), 4);
    }
    assert!(lab.signed(&streaming("reset_mid_headers"), &keys).send().await.is_err());
}

#[tokio::test]
async fn broken_whole_answers_break_as_told() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    let call = |directive: &str| Call::messages(&ask(&format!("[[emulator:{directive}]]")));
    for directive in ["reset_mid_stream", "cut_mid_stream"] {
        let response = lab.signed(&call(directive), &keys).send().await.unwrap();
        assert!(response.text().await.is_err(), "{directive}");
    }
    for directive in ["garbage", "truncated_json", "end_without_stop"] {
        let (status, text) = lab.send(&call(directive), &keys).await;
        assert!(status == 200 && serde_json::from_str::<Value>(&text).is_err(), "{directive}");
    }
    for directive in ["error_first", "error_mid_stream"] {
        assert_eq!(lab.refusal(&call(directive), &keys).await.0, 529);
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_counted() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    for directive in ["stall_mid_stream", "stall"] {
        lab.emulator.clear_requests();
        let request = lab.signed(&streaming(directive), &keys);
        if directive == "stall" {
            let sent = tokio::time::timeout(Duration::from_millis(200), request.send()).await;
            assert!(sent.is_err(), "nothing may arrive");
        } else {
            let mut response = request.send().await.unwrap();
            assert!(response.chunk().await.unwrap().is_some());
            assert_eq!(lab.emulator.counters().open_answers, 1);
        }
        let left = async {
            while lab.emulator.counters().closed_early.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), left).await.expect("the emulator must notice");
        assert_eq!(lab.emulator.counters().open_answers, 0);
    }
    lab.emulator.clear_requests();
    lab.send(&streaming("plain"), &keys).await;
    let counters = lab.emulator.counters();
    assert_eq!((counters.finished_answers, counters.closed_early.len()), (1, 0));
}

#[tokio::test]
async fn queued_directives_come_before_the_text() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    lab.emulator.queue_directive("529", 2);
    let call = Call::messages(&ask("Hello"));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(lab.send(&call, &keys).await.0);
    }
    assert_eq!(statuses, [529, 529, 200]);
}

#[tokio::test]
async fn a_stream_adds_up_to_the_whole_message() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    for directive in ["thinking", "web_search", "mcp", "compaction", "citations", "web_fetch"] {
        let message = whole(&lab, &keys, &ask(&format!("[[emulator:{directive}]]"))).await;
        let (_, text) = lab.send(&streaming(directive), &keys).await;
        let events = data(&text);
        let starts = events.iter().filter(|event| event["type"] == "content_block_start");
        let kinds: Vec<&Value> = starts.map(|event| &event["content_block"]["type"]).collect();
        let blocks = message["content"].as_array().unwrap();
        assert_eq!(kinds, blocks.iter().map(|block| &block["type"]).collect::<Vec<_>>(), "{directive}");
        let delta = &events[events.len() - 2]["usage"];
        for field in
            ["input_tokens", "output_tokens", "output_tokens_details", "server_tool_use", "iterations"]
        {
            assert_eq!(delta[field], message["usage"][field], "{directive} {field}");
        }
        assert_eq!((delta.get("service_tier"), delta.get("cache_creation")), (None, None), "{directive}");
    }
}

#[tokio::test]
async fn a_call_without_arguments_has_no_delta() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    let mut body = ask("[[emulator:empty_tool]]");
    body["tools"] = json!([
        {"name": "later", "input_schema": {"type": "object"}, "defer_loading": true},
        {"name": "now", "input_schema": {"type": "object"}},
    ]);
    body["stream"] = json!(true);
    let (_, text) = lab.send(&Call::messages(&body), &keys).await;
    let events = data(&text);
    assert_eq!(events[2]["content_block"]["input"], json!({}));
    assert_eq!(events[2]["content_block"]["name"], "now", "the other is not loaded");
    assert_eq!(events[3]["type"], "content_block_stop");
}

#[tokio::test]
async fn silence_has_pings_and_strangers_stand_between_what_is_known() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    let (_, text) = lab.send(&streaming("long_silence=4"), &keys).await;
    assert_eq!(data(&text).iter().filter(|event| event["type"] == "ping").count(), 4);
    let (_, text) = lab.send(&streaming("unknown_events"), &keys).await;
    let events = data(&text);
    let has =
        |pointer: &str, value: &str| events.iter().any(|event| event.pointer(pointer) == Some(&json!(value)));
    assert!(has("/type", "weather_report") && has("/content_block/type", "hologram"));
    assert!(has("/delta/type", "hologram_delta") && text.contains("photon_tokens"));
}

#[tokio::test]
async fn nothing_is_said_when_only_the_cache_is_written() {
    let lab = Lab::new().await;
    let keys = lab.session().await;
    let mut body = ask("Hello");
    body["max_tokens"] = json!(0);
    let message = whole(&lab, &keys, &body).await;
    assert_eq!((&message["content"], &message["stop_reason"]), (&json!([]), &json!("max_tokens")));
    assert_eq!(message["usage"]["output_tokens"], 0);
}
