//! What is refused before anything is sent, and how it reads in each dialect.

use axum::body::Body;
use http::Request;
use serde_json::Value;

use crate::stage::{Stage, json};
use crate::upstream::{Ending, MESSAGE, Upstream, http};

const PATHS: [&str; 2] = ["/v1/chat/completions", "/v1/messages"];

async fn stage() -> (Upstream, Stage) {
    let upstream = Upstream::start(vec![http(200, "application/json", "", MESSAGE)], Ending::Close).await;
    let stage = Stage::before(upstream.address).await;
    (upstream, stage)
}

async fn refused(stage: &Stage, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let mut request = Request::post(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = stage.send(request.body(Body::from(body.to_owned())).unwrap()).await;
    assert!(response.headers().contains_key("x-portkey-trace-id"));
    (response.status().as_u16(), json(response).await)
}

const GOOD: &str =
    r#"{"model":"@claude/claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#;

#[tokio::test]
async fn a_caller_without_a_good_key_learns_nothing_but_that() {
    let (upstream, stage) = stage().await;
    let unknown = portcullis_types::ApiKeySecret::from_bytes([9; 32]);
    let unknown = portcullis_types::ExposeSecret::expose_secret(&unknown).to_owned();
    for path in PATHS {
        let (status, missing) = refused(&stage, path, &[], GOOD).await;
        assert_eq!((status, missing["error"]["message"].is_string()), (401, true), "{missing}");
        let mut bodies = Vec::new();
        for key in [unknown.as_str(), "sk-junk", "pcs_junk"] {
            let (status, body) = refused(&stage, path, &[("x-api-key", key)], GOOD).await;
            assert_eq!(status, 401);
            bodies.push(body["error"].clone());
        }
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
        let (status, body) = refused(&stage, path, &[("x-api-key", &stage.admin_key)], GOOD).await;
        assert_eq!(status, 403, "{body}");
    }
    assert!(upstream.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_in_the_clients_dialect() {
    let (upstream, stage) = stage().await;
    let key = stage.key.clone();
    let check = async |body: &str, status: u16, says: &str| {
        for path in PATHS {
            let (seen, answer) = refused(&stage, path, &[("x-portkey-api-key", &key)], body).await;
            assert_eq!(seen, status, "{path} {body}: {answer}");
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(message.contains(says), "{path} {body}: {message}");
            let kind = answer["error"]["type"].as_str();
            assert_eq!(kind, Some("invalid_request_error"), "{path}: {answer}");
            assert_eq!(answer["type"] == "error", path == "/v1/messages", "{answer}");
        }
    };
    check("", 400, "JSON").await;
    check("{", 400, "JSON").await;
    check("[]", 400, "object").await;
    check(r#"{"messages":[]}"#, 400, "model").await;
    check(r#"{"model":5,"messages":[]}"#, 400, "model").await;
    check(&GOOD.replace("@claude/", ""), 400, "@provider/model").await;
    check(&GOOD.replace("@claude/", "@nobody/"), 400, "@nobody").await;
    check(&GOOD.replace("@claude/claude-haiku-4-5", "@claude"), 400, "model").await;
    check(&GOOD.replace("claude-haiku-4-5", "a\\r\\nb"), 400, "model").await;
    assert!(upstream.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_header_may_name_the_provider() {
    let (upstream, stage) = stage().await;
    let bare = GOOD.replace("@claude/", "");
    for header in [("x-portkey-provider", "@claude"), ("x-portkey-virtual-key", "claude")] {
        let (status, body) =
            refused(&stage, "/v1/chat/completions", &[("x-portkey-api-key", &stage.key), header], &bare)
                .await;
        assert_eq!(status, 200, "{body}");
    }
    assert!(
        upstream
            .requests
            .lock()
            .unwrap()
            .iter()
            .all(|request| request.contains(r#""model":"claude-haiku-4-5""#))
    );
}

#[tokio::test]
async fn a_body_in_the_upstreams_dialect_changes_in_its_model_alone() {
    let (upstream, stage) = stage().await;
    let odd = "{ \"max_tokens\" : 9.0e0,\n \"x_future\": [1e400, \"\\u00e9\"], \"model\":\"@claude/claude-haiku-4-5\" , \"messages\":[] }";
    let (status, _) = refused(&stage, "/v1/messages?beta=true", &[("x-api-key", &stage.key)], odd).await;
    assert_eq!(status, 200);
    let requests = upstream.requests.lock().unwrap();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert_eq!(body, odd.replace("@claude/", ""));
    assert!(head.starts_with("POST /v1/messages?beta=true HTTP/1.1"), "{head}");
    for expected in [
        "anthropic-workspace-id: wrkspc_01AbCdEf23GhIj",
        "authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/",
    ] {
        assert!(head.contains(expected), "{head}");
    }
    assert!(!head.contains(&stage.key));
}

#[tokio::test]
async fn another_method_is_refused_in_the_dialect() {
    let (_upstream, stage) = stage().await;
    for path in PATHS {
        let response = stage.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["allow"]),
            (405, &"POST".parse().unwrap())
        );
        assert!(response.headers().contains_key("x-portkey-trace-id"));
        let body = json(response).await;
        assert_eq!(body["type"] == "error", path == "/v1/messages", "{body}");
    }
}

#[tokio::test]
async fn a_query_is_not_a_way_upstream() {
    let (upstream, stage) = stage().await;
    for path in [
        "/v1/messages?X-Amz-Signature=abc",
        "/v1/messages?beta=true&api_key=zzz",
        "/v1/chat/completions?beta=true",
    ] {
        let (status, body) = refused(&stage, path, &[("x-api-key", &stage.key)], GOOD).await;
        assert_eq!(status, 400, "{body}");
        assert!(body["error"]["message"].as_str().unwrap().contains("query parameter"), "{body}");
    }
    assert!(upstream.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_concerns_the_gateways_credentials_is_not_the_clients_key_failing() {
    let denied = r#"{"type":"error","error":{"type":"permission_error","message":"User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: aws-external-anthropic:CreateInference"}}"#;
    let answers = [
        (
            403,
            "application/json",
            denied,
            "is not authorized to perform: aws-external-anthropic:CreateInference",
        ),
        (
            401,
            "application/x-amz-json-1.1",
            r#"{"__type":"InvalidSignatureException","message":"The request signature we calculated does not match"}"#,
            "invalid_signature",
        ),
    ];
    for (status, kind, body, code) in answers {
        let upstream = Upstream::start(vec![http(status, kind, "", body)], Ending::Close).await;
        let stage = Stage::before(upstream.address).await;
        for response in [stage.message(false).await, stage.chat(false).await] {
            assert_eq!(response.status(), 502, "{code}");
            assert_eq!(response.headers()["content-type"], "application/json");
            let body = json(response).await;
            let text = body.to_string();
            assert!(text.contains(code), "{code}: {text}");
        }
    }
}

#[tokio::test]
async fn a_page_of_a_proxy_is_an_error_in_the_dialect() {
    let upstream =
        Upstream::start(vec![http(503, "text/html", "", "<html>busy</html>")], Ending::Close).await;
    let stage = Stage::before(upstream.address).await;
    for response in [stage.message(false).await, stage.chat(false).await] {
        assert_eq!(response.headers()["content-type"], "application/json");
        let body = json(response).await;
        assert!(body["error"]["message"].is_string(), "{body}");
    }
}
