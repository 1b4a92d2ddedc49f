//! Models in OpenAI's form.

use serde_json::json;

use super::scene::{Scene, aws, refusal};

#[tokio::test]
async fn models_are_listed_as_a_request_names_them() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url()).await;
    let tenant = scene.tenant().await;
    let (status, list) = tenant.get("/v1/models").await;
    assert_eq!((status, &list["object"]), (200, &json!("list")), "{list}");
    let data = list["data"].as_array().unwrap();
    assert_eq!(list["total"], json!(data.len()));
    let model = data.iter().find(|model| model["slug"] == "claude-haiku-4-5").unwrap();
    assert_eq!(model["id"], "@claude/claude-haiku-4-5");
    assert_eq!((&model["object"], &model["owned_by"]), (&json!("model"), &json!("anthropic")));
    assert_eq!(model["canonical_slug"], "claude-haiku-4-5");
    assert!(model["created"].as_i64().unwrap() > 1_600_000_000, "{model}");
    for id in ["@claude/claude-haiku-4-5", "%40claude%2Fclaude-haiku-4-5"] {
        let (status, shown) = tenant.get(&format!("/v1/models/{id}")).await;
        assert_eq!((status, &shown), (200, model), "{id}");
    }
    let (_, page) = tenant.get("/v1/models?sort=name&limit=2&offset=1").await;
    assert_eq!((page["data"].as_array().unwrap().len(), &page["total"]), (2, &json!(data.len())));
}

#[tokio::test]
async fn what_is_no_model_is_said_so() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url()).await;
    let tenant = scene.tenant().await;
    let (status, refused) = tenant.get("/v1/models/@claude/claude-nobody").await;
    assert_eq!((status, refusal(&refused).0), (404, "model_not_found"), "{refused}");
    let (status, refused) = tenant.get("/v1/models/@nobody/claude-haiku-4-5").await;
    assert_eq!((status, refusal(&refused).0), (400, "unknown_provider"), "{refused}");
    let (status, refused) = tenant.delete("/v1/models/@claude/claude-haiku-4-5").await;
    assert_eq!((status, refusal(&refused).0), (405, "method_not_allowed"), "{refused}");
}
