//! Lists of models: from the upstream, from what is kept, from the table.

use axum::body::Body;
use portcullis_catalog::Scope;
use serde_json::Value;

use super::scene::{Scene, Tenant, aws, everything, only};
use crate::upstream::{Ending, Upstream, http};

fn ids(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect()
}

async fn named(tenant: &Tenant<'_>, target: &str, provider: &str) -> Value {
    let request = tenant.request("GET", target).header("x-portkey-provider", provider);
    super::scene::read(tenant.send(request.body(Body::empty())).await).await.1
}

#[tokio::test]
async fn models_are_listed_by_the_names_that_requests_use_and_asked_for_once() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    scene.integration("other", everything()).await;
    scene.provider(scene.workspace(), "other").await;
    scene.integration("mute", only(&[])).await;
    scene.provider(scene.workspace(), "mute").await;
    let tenant = scene.tenant().await;
    let (status, all) = tenant.get("/v1/models?limit=1000").await;
    assert_eq!((status, all["has_more"].as_bool()), (200, Some(false)));
    let all = ids(&all);
    assert!(all.contains(&"@claude/claude-opus-4-8") && all.contains(&"@other/claude-opus-4-8"), "{all:?}");
    assert!(!all.iter().any(|id| id.starts_with("@mute/")), "{all:?}");

    let of_claude = named(&tenant, "/v1/models?limit=1000", "@claude").await;
    assert_eq!(ids(&of_claude).len() * 2, all.len());
    assert!(ids(&of_claude).contains(&"claude-opus-4-8"));
    let (_, first) = tenant.get("/v1/models?limit=1").await;
    assert_eq!((ids(&first)[0], first["has_more"].as_bool()), (all[0], Some(true)));
    let asked = aws.requests().iter().filter(|seen| seen.operation.ends_with("ListModels")).count();
    assert_eq!(asked, 2, "once for each provider");
}

#[tokio::test]
async fn one_model_is_shown_by_every_name_it_has() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    for (target, id) in [
        ("/v1/models/@claude/claude-opus-4-8", "@claude/claude-opus-4-8"),
        ("/v1/models/%40claude%2Fclaude-opus-4-8", "@claude/claude-opus-4-8"),
        ("/v1/models/claude-opus-4-8?beta=true", "claude-opus-4-8"),
    ] {
        let (status, model) = tenant.get(target).await;
        assert_eq!((status, model["id"].as_str()), (200, Some(id)), "{target}: {model}");
        assert!(model["max_input_tokens"].is_u64(), "{model}");
    }
    // Not in the list, but known upstream by its date.
    let (status, dated) = tenant.get("/v1/models/@claude/claude-haiku-4-5-20251001").await;
    assert_eq!(status, 200, "{dated}");
    let (status, unknown) = tenant.get("/v1/models/@claude/claude-nothing").await;
    assert_eq!((status, unknown["error"]["type"].as_str()), (404, Some("not_found_error")), "{unknown}");
    assert_eq!(tenant.get("/v1/models/@nobody/claude-opus-4-8").await.0, 400);
    assert_eq!(tenant.get("/v1/models/@claude/").await.0, 400);
}

#[tokio::test]
async fn without_the_upstream_the_table_answers() {
    let refused = http(
        403,
        "application/json",
        "",
        r#"{"type":"error","error":{"type":"permission_error","message":"no"}}"#,
    );
    let upstream = Upstream::start(vec![refused], Ending::Close).await;
    let scene = Scene::before(&format!("http://{}", upstream.address), everything()).await;
    let tenant = scene.tenant().await;
    for _ in 0..3 {
        let (status, page) = tenant.get("/v1/models?limit=1000").await;
        assert_eq!(status, 200, "{page}");
        assert!(ids(&page).contains(&"@claude/claude-sonnet-4-6"), "{page}");
        assert!(page["data"][0]["created_at"].as_str().unwrap().ends_with("T00:00:00Z"), "{page}");
    }
    assert_eq!(upstream.requests.lock().unwrap().len(), 1, "and is not asked again at once");
}

#[tokio::test]
async fn listing_has_a_scope_of_its_own() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let lister = scene.tenant_of(scene.workspace(), Scope::MODELS_LIST).await;
    assert_eq!(lister.get("/v1/models").await.0, 200);
    assert_eq!(lister.get("/v1/files").await.0, 403);
    let stranger = scene.tenant_of(scene.workspace(), "logs.view".parse().unwrap()).await;
    assert_eq!(stranger.get("/v1/models").await.0, 403);
}
