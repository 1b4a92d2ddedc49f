//! Which routes are taken, and what arrives.

use axum::body::Body;
use portcullis_provider::routes::ROUTES;
use portcullis_types::{Feature, FeatureSet};

use super::scene::{FORM, Scene, everything, only, read};
use crate::upstream::{Ending, Upstream, http};

async fn upstream() -> (Upstream, String) {
    let upstream = Upstream::start(vec![http(200, "application/json", "", "{}")], Ending::Close).await;
    let base = format!("http://{}", upstream.address);
    (upstream, base)
}

/// The routes of the platform that the gateway serves and does not answer by itself, with ids in place of braces.
fn forwarded() -> impl Iterator<Item = (&'static str, String, Feature)> {
    let served = ROUTES.iter().filter_map(|route| Some((route.method, route.path, route.feature?)));
    let own = [
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/messages/batches",
        "/v1/models",
        "/v1/models/{id}",
    ];
    served
        .filter(move |(method, path, _)| {
            *method != "POST" && !path.starts_with("/v1/models") || !own.contains(path)
        })
        .map(|(method, path, feature)| (method, path.replace(['{', '}'], ""), feature))
}

/// What a route takes, as little as will do.
fn call(method: &str, path: &str) -> (Option<&'static str>, Body) {
    let is_upload = ["/v1/files", "/v1/skills", "/v1/skills/id/versions"].contains(&path);
    match method {
        "POST" if is_upload => (Some(FORM), Body::from("--limit--\r\n")),
        "POST" => (Some("application/json"), Body::from("{ }")),
        _ => (None, Body::empty()),
    }
}

#[tokio::test]
async fn a_route_goes_through_with_its_feature_and_is_refused_by_name_without() {
    let (upstream, base) = upstream().await;
    let (all, none) = (Scene::before(&base, everything()).await, Scene::before(&base, only(&[])).await);
    let (able, unable) = (all.tenant().await, none.tenant().await);
    for (method, path, feature) in forwarded() {
        let (kind, body) = call(method, &path);
        let mut request = able.request(method, &format!("{path}?beta=true"));
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let (status, answer) = read(able.send(request.body(body)).await).await;
        assert_eq!((status, &answer), (200, &serde_json::json!({})), "{method} {path}");
        let seen = upstream.requests.lock().unwrap().pop().unwrap();
        assert!(seen.starts_with(&format!("{method} {path}?beta=true HTTP/1.1\r\n")), "{seen}");
        assert_eq!(seen.contains("content-type: "), kind.is_some(), "{seen}");
        assert!(seen.contains("anthropic-workspace-id: wrkspc_") && !seen.contains(&able.key), "{seen}");

        let (kind, body) = call(method, &path);
        let request = unable.request(method, &path).header("content-type", kind.unwrap_or("text/plain"));
        let (status, answer) = read(unable.send(request.body(body)).await).await;
        assert_eq!((status, answer["type"].as_str()), (403, Some("error")), "{method} {path}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(&format!("`{feature}` is not enabled")), "{message}");
        assert!(upstream.requests.lock().unwrap().is_empty(), "{method} {path}");
    }
}

#[tokio::test]
async fn what_no_feature_serves_is_refused_and_never_forwarded() {
    let (upstream, base) = upstream().await;
    let scene = Scene::before(&base, everything()).await;
    let tenant = scene.tenant().await;
    let check = async |method: &str, path: &str, status: u16, says: &str| {
        let (seen, answer) = read(tenant.send(tenant.request(method, path).body(Body::empty())).await).await;
        assert_eq!((seen, answer["type"].as_str()), (status, Some("error")), "{method} {path}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(says), "{method} {path}: {message}");
    };
    for route in ROUTES.iter().filter(|route| route.feature.is_none()) {
        check(route.method, &route.path.replace(['{', '}'], ""), 403, route.path).await;
    }
    check("GET", "/v1/dreams", 404, "no route GET /v1/dreams").await;
    check("GET", "/v1/files/file_1/content/more", 404, "no route").await;
    check("GET", "/v1/files/%2e%2e", 404, "characters").await;
    check("GET", "/v1/messages/batches/a%2Fb", 404, "characters").await;
    check("PUT", "/v1/files/file_1", 405, "send GET, DELETE").await;
    check("GET", "/v1/files?X-Amz-Signature=1", 400, "query parameter").await;
    check("GET", "/v1/messages/batches?page=1", 400, "query parameter").await;
    check("POST", "/v1/files", 400, "must be a form").await;
    assert!(upstream.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_query_arrives_as_it_was_sent_and_headers_of_anthropics_too() {
    let (upstream, base) = upstream().await;
    let scene = Scene::before(&base, everything()).await;
    let tenant = scene.tenant().await;
    let query = "ids%5B%5D=file_1&ids[]=file_2&beta=true&limit=5";
    let request = tenant
        .request("GET", &format!("/v1/files?{query}"))
        .header("anthropic-beta", "files-api-2025-04-14,x-1")
        .header("x-stainless-lang", "python")
        .header("x-claude-code-session-id", "s-1");
    assert_eq!(tenant.send(request.body(Body::empty())).await.status(), 200);
    let seen = upstream.requests.lock().unwrap().pop().unwrap();
    assert!(seen.starts_with(&format!("GET /v1/files?{query} HTTP/1.1\r\n")), "{seen}");
    assert!(seen.contains("anthropic-beta: files-api-2025-04-14,x-1\r\n"), "{seen}");
    assert!(!seen.contains("stainless") && !seen.contains("claude-code"), "{seen}");
}

#[tokio::test]
async fn a_packed_body_arrives_unpacked() {
    use std::io::Write;
    let (upstream, base) = upstream().await;
    let scene = Scene::before(&base, FeatureSet::default()).await;
    let tenant = scene.tenant().await;
    let body = br#"{ "model":"claude-haiku-4-5","messages":[],"x":1e400 }"#;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(body).unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(&body[..], ruzstd::encoding::CompressionLevel::Fastest);
    for (encoding, packed) in [("gzip", gzip.finish().unwrap()), ("zstd", zstd)] {
        let request = tenant
            .request("POST", "/v1/messages/count_tokens")
            .header("x-portkey-provider", "@claude")
            .header("content-type", "application/json")
            .header("content-encoding", encoding);
        assert_eq!(tenant.send(request.body(Body::from(packed))).await.status(), 200, "{encoding}");
        let seen = upstream.requests.lock().unwrap().pop().unwrap();
        let (head, arrived) = seen.split_once("\r\n\r\n").unwrap();
        assert_eq!(arrived.as_bytes(), body, "{encoding}");
        assert!(!head.contains("content-encoding"), "{head}");
    }
}

#[tokio::test]
async fn claude_code_is_greeted_and_what_it_tells_of_itself_is_forgotten() {
    let (upstream, base) = upstream().await;
    let scene = Scene::before(&base, everything()).await;
    let tenant = scene.tenant().await;
    let status = async |method: &str, path: &str| {
        tenant.send(tenant.request(method, path).body(Body::from("{}"))).await.status().as_u16()
    };
    assert_eq!(status("HEAD", "/api/hello").await, 200);
    assert_eq!(status("POST", "/api/event_logging/batch").await, 204);
    assert!(upstream.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn several_providers_are_told_apart_by_a_header_or_named_in_the_refusal() {
    let (upstream, base) = upstream().await;
    let scene = Scene::before(&base, everything()).await;
    scene.integration("other", everything()).await;
    scene.provider(scene.workspace(), "other").await;
    let tenant = scene.tenant().await;
    let (status, answer) = tenant.get("/v1/files").await;
    let message = answer["error"]["message"].as_str().unwrap();
    assert_eq!(status, 400, "{answer}");
    assert!(message.contains("`@claude`, `@other`"), "{message}");
    assert!(upstream.requests.lock().unwrap().is_empty());
    let request = tenant.request("GET", "/v1/files").header("x-portkey-provider", "@other");
    assert_eq!(tenant.send(request.body(Body::empty())).await.status(), 200);
}

#[tokio::test]
async fn a_model_that_is_gone_is_refused_with_the_one_that_lives() {
    let (upstream, base) = upstream().await;
    let scene = Scene::before(&base, everything()).await;
    let tenant = scene.tenant().await;
    let body = r#"{"model":"@claude/claude-3-opus-20240229","max_tokens":9,"messages":[]}"#;
    for path in ["/v1/messages", "/v1/messages/count_tokens"] {
        let (status, answer) = tenant.post(path, body).await;
        assert_eq!(
            (status, answer["error"]["type"].as_str()),
            (404, Some("not_found_error")),
            "{path}: {answer}"
        );
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("nearest living model is `claude-"), "{message}");
    }
    assert!(upstream.requests.lock().unwrap().is_empty());
}
