//! Two tenants over one workspace of the upstream.

use serde_json::{Value, json};

use super::scene::{Scene, Tenant, aws, everything};

async fn file(tenant: &Tenant<'_>, name: &str) -> String {
    let (status, file) = tenant.upload("/v1/files", &[("file", Some(name), b"text")]).await;
    assert_eq!(status, 200, "{file}");
    file["id"].as_str().unwrap().to_owned()
}

fn ids(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

fn message(content: &Value) -> String {
    json!({"model": "@claude/claude-opus-4-8", "max_tokens": 16, "messages": [{"role": "user", "content": content}]})
        .to_string()
}

fn document(id: &str) -> Value {
    json!([{"type": "document", "source": {"type": "file", "file_id": id}}, {"type": "text", "text": "Hi"}])
}

#[tokio::test]
async fn a_tenant_reaches_lists_and_refers_to_its_own_files_alone() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let (us, them) = (scene.tenant().await, scene.neighbour().await);
    let (ours, theirs) = (file(&us, "ours.txt").await, file(&them, "theirs.txt").await);
    aws.clear_requests();

    let foreign = format!("/v1/files/{theirs}");
    for (status, answer) in
        [us.get(&foreign).await, us.delete(&foreign).await, us.get(&format!("{foreign}/content")).await]
    {
        assert_eq!((status, answer["error"]["type"].as_str()), (404, Some("not_found_error")), "{answer}");
    }
    let batch = |content: &Value| {
        let params: Value = serde_json::from_str(&message(content)).unwrap();
        json!({"requests": [{"custom_id": "a", "params": params}]}).to_string()
    };
    for (path, body) in [
        ("/v1/messages", message(&document(&theirs))),
        ("/v1/messages/count_tokens", message(&document(&theirs))),
        ("/v1/messages/batches", batch(&document(&theirs))),
    ] {
        let (status, answer) = us.post(path, &body).await;
        assert_eq!(status, 404, "{path}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(&theirs), "{answer}");
    }
    assert_eq!(aws.requests().len(), 0, "nothing of that left");

    assert_eq!(us.get(&format!("/v1/files/{ours}")).await.0, 200);
    let (status, answer) = us.post("/v1/messages", &message(&document(&ours))).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(us.post("/v1/messages/batches", &batch(&document(&ours))).await.0, 200);
    assert_eq!(ids(&us.get("/v1/files").await.1), [ours.as_str()]);
    assert_eq!(ids(&them.get("/v1/files").await.1), [theirs.as_str()]);
}

#[tokio::test]
async fn a_page_of_others_is_skipped_in_either_shape_of_paging() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let (us, them) = (scene.tenant().await, scene.neighbour().await);
    let first = file(&us, "first.txt").await;
    for n in 0..5 {
        file(&them, &format!("{n}.txt")).await;
    }
    let last = file(&us, "last.txt").await;
    for older in [false, true] {
        let mut query = "limit=2".to_owned();
        let mut seen = Vec::new();
        loop {
            let mut request = us.request("GET", &format!("/v1/files?{query}"));
            if older {
                request = request.header("anthropic-beta", "files-api-2025-04-14");
            }
            let (status, page) =
                super::scene::read(us.send(request.body(axum::body::Body::empty())).await).await;
            assert_eq!(status, 200, "{page}");
            assert!(!ids(&page).is_empty(), "{page}");
            seen.extend(ids(&page).into_iter().map(str::to_owned));
            match (page["next_page"].as_str(), page["has_more"].as_bool()) {
                (Some(token), _) => query = format!("limit=2&page={token}"),
                (None, Some(true)) => {
                    query = format!("limit=2&after_id={}", page["last_id"].as_str().unwrap())
                }
                _ => break,
            }
        }
        assert_eq!(seen, [last.clone(), first.clone()], "older: {older}");
    }
}

#[tokio::test]
async fn batches_skills_and_profiles_are_kept_apart_too() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let (us, them) = (scene.tenant().await, scene.neighbour().await);
    let body = json!({"requests": [{"custom_id": "a", "params": {
        "model": "claude-haiku-4-5", "max_tokens": 16, "messages": [{"role": "user", "content": "Hi"}]}}]});
    let (_, batch) = them.post("/v1/messages/batches", &body.to_string()).await;
    let path = format!("/v1/messages/batches/{}", batch["id"].as_str().unwrap());
    assert_eq!(them.get(&path).await.0, 200);
    for path in [path.clone(), format!("{path}/results")] {
        assert_eq!(us.get(&path).await.0, 404, "{path}");
    }
    assert_eq!(us.post(&format!("{path}/cancel"), "{}").await.0, 404);
    assert_eq!(ids(&us.get("/v1/messages/batches").await.1), Vec::<&str>::new());

    let (status, profile) = them.post("/v1/user_profiles", "{}").await;
    assert_eq!(status, 200, "{profile}");
    let id = profile["id"].as_str().unwrap();
    assert_eq!(us.get(&format!("/v1/user_profiles/{id}")).await.0, 404);
    assert_eq!(us.post(&format!("/v1/user_profiles/{id}"), "{}").await.0, 404);
    let mut asked: Value = serde_json::from_str(&message(&json!("Hi"))).unwrap();
    asked["user_profile_id"] = json!(id);
    let (status, answer) = us.post("/v1/messages", &asked.to_string()).await;
    assert_eq!(status, 404, "{answer}");
}

#[tokio::test]
async fn a_tenant_alone_reaches_whatever_is_in_its_workspace() {
    let aws = aws().await;
    let makers = Scene::before(&aws.base_url(), everything()).await;
    let made_elsewhere = file(&makers.tenant().await, "a.txt").await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    assert_eq!(tenant.get(&format!("/v1/files/{made_elsewhere}")).await.0, 200);
    assert_eq!(ids(&tenant.get("/v1/files").await.1), [made_elsewhere.as_str()]);
    assert_eq!(tenant.post("/v1/messages", &message(&document(&made_elsewhere))).await.0, 200);
}

#[tokio::test]
async fn the_maker_of_an_object_says_where_it_is() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let tenant = scene.tenant().await;
    let made = file(&tenant, "a.txt").await;
    scene.integration("other", everything()).await;
    scene.provider(scene.workspace(), "other").await;
    assert_eq!(tenant.get(&format!("/v1/files/{made}")).await.0, 200);
    assert_eq!(
        tenant.get("/v1/files/file_unknown").await.0,
        400,
        "there is a choice, and nothing to choose by"
    );
}

#[tokio::test]
async fn others_pages_are_skipped_in_few_calls_whatever_the_limit() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    let (us, them) = (scene.tenant().await, scene.neighbour().await);
    let (first, second) = (file(&us, "first.txt").await, file(&us, "second.txt").await);
    for n in 0..12 {
        file(&them, &format!("{n}.txt")).await;
    }
    aws.clear_requests();
    let request = us.request("GET", "/v1/files?limit=1").header("anthropic-beta", "files-api-2025-04-14");
    let (status, page) = super::scene::read(us.send(request.body(axum::body::Body::empty())).await).await;
    assert_eq!((status, ids(&page)), (200, vec![second.as_str()]), "{page}");
    assert_eq!((page["has_more"].as_bool(), page["last_id"].as_str()), (Some(true), Some(second.as_str())));
    assert_eq!(aws.requests().len(), 2);
    let (_, page) = us.get("/v1/files?limit=1").await;
    assert_eq!(ids(&page), [second.as_str(), first.as_str()], "a token names the end of its page");
}

#[tokio::test]
async fn the_maker_of_a_file_is_asked_to_delete_it_whatever_a_header_says() {
    let aws = aws().await;
    let scene = Scene::before(&aws.base_url(), everything()).await;
    scene.integration("other", super::scene::only(&[])).await;
    scene.provider(scene.workspace(), "other").await;
    let tenant = scene.tenant().await;
    let parts = [("purpose", None, b"user_data".as_slice()), ("file", Some("a.txt"), b"text")];
    let request = tenant.openai("POST", "/v1/files").header("content-type", super::scene::FORM);
    let mut request = request.body(axum::body::Body::from(super::scene::form(&parts))).unwrap();
    request.headers_mut().insert("content-type", super::scene::FORM.parse().unwrap());
    let (status, made) = super::scene::read(tenant.send(Ok(request)).await).await;
    assert_eq!(status, 200, "{made}");
    aws.clear_requests();
    let target = format!("/v1/files/{}", made["id"].as_str().unwrap());
    let request = tenant.openai("DELETE", &target).header("x-portkey-provider", "@other");
    let (status, deleted) =
        super::scene::read(tenant.send(request.body(axum::body::Body::empty())).await).await;
    assert_eq!(status, 200, "{deleted}");
    assert!(aws.requests()[0].operation.ends_with("DeleteFile"));
}
