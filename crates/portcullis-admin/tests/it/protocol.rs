//! What holds for every request: trace ids, keys, media types, sizes, methods, a database that is away.

use axum::body::Body;
use http::Request;
use http::request::Builder;
use serde_json::{Value, json};

use crate::world::{Holder, World, integration_body, on_both};

on_both!(
    every_answer_carries_a_trace_id,
    a_key_comes_in_any_of_the_headers_that_the_data_plane_reads,
    a_body_that_cannot_be_read_is_refused_with_the_reason,
    a_wrong_method_lists_the_right_ones,
    a_database_that_is_away_is_not_an_outage_of_keys,
    workspaces_can_be_found,
);

fn request(what: &str, headers: &[(&str, &str)]) -> Builder {
    let (method, path) = what.split_once(' ').unwrap();
    let start = Request::builder().method(method).uri(path);
    headers.iter().fold(start, |request, (name, value)| request.header(*name, *value))
}

fn with(builder: Builder, body: impl Into<Body>) -> Request<Body> {
    builder.body(body.into()).unwrap()
}

async fn every_answer_carries_a_trace_id(world: &World) {
    let key = ("x-portkey-api-key", world.admin.as_str());
    let json = ("content-type", "application/json");
    let mine = ("x-portkey-trace-id", "my-trace");
    for (what, headers, status) in [
        ("GET /v1/whoami", vec![key], 200),
        ("GET /v1/whoami", vec![], 401),
        ("PATCH /v1/whoami", vec![], 405),
        ("POST /v1/providers", vec![key], 400),
        ("POST /v1/providers", vec![key, json], 400),
        ("GET /v1/providers/x?workspace_id=ws-default", vec![key], 404),
    ] {
        let made = world.send(with(request(what, &headers), "")).await;
        let id = made.headers["x-portkey-trace-id"].to_str().unwrap();
        assert_eq!((made.status, id.len()), (status, 36), "{what}");
        let given: Vec<_> = headers.into_iter().chain([mine]).collect();
        let kept = world.send(with(request(what, &given), "")).await;
        assert_eq!(kept.headers["x-portkey-trace-id"], "my-trace", "{what}");
    }
    let odd = world.send(with(request("GET /v1/whoami", &[key, ("x-portkey-trace-id", "a b")]), "")).await;
    assert_ne!(odd.headers["x-portkey-trace-id"], "a b");
}

async fn a_key_comes_in_any_of_the_headers_that_the_data_plane_reads(world: &World) {
    let bearer = format!("Bearer {}", world.admin);
    let check = async |headers: &[(&str, &str)], status: u16| {
        let answer = world.send(with(request("GET /v1/whoami", headers), "")).await;
        assert_eq!(answer.status, status, "{headers:?}");
    };
    check(&[("x-portkey-api-key", &world.admin)], 200).await;
    check(&[("authorization", &bearer)], 200).await;
    check(&[("x-portkey-api-key", &world.admin), ("authorization", "Bearer OPENAI_API_KEY")], 200).await;
    check(&[("x-portkey-api-key", "pcs_wrong"), ("authorization", &bearer)], 401).await;
    check(&[("x-api-key", &world.admin)], 200).await;
    check(&[("x-api-key", &world.admin), ("authorization", &bearer)], 200).await;
    check(&[("x-api-key", "pcs_wrong"), ("authorization", &bearer)], 401).await;
    check(&[("x-api-key", ""), ("authorization", &bearer)], 200).await;
    check(&[("x-api-key", &world.admin), ("x-api-key", &world.admin)], 401).await;
    check(&[("x-portkey-api-key", &world.admin), ("x-portkey-api-key", &world.admin)], 401).await;
    check(&[("authorization", &bearer), ("authorization", &bearer)], 401).await;
    check(&[("x-portkey-api-key", &world.admin), ("x-api-key", "pcs_wrong")], 200).await;
    check(&[("cookie", &format!("key={}", world.admin))], 401).await;
}

async fn a_body_that_cannot_be_read_is_refused_with_the_reason(world: &World) {
    let send = async |media_type: &str, body: Body| {
        let headers = [("x-portkey-api-key", world.admin.as_str()), ("content-type", media_type)];
        world.send(with(request("POST /v1/integrations", &headers), body)).await
    };
    let check = async |media_type: &str, body: &str, expect: &str| {
        assert_eq!(send(media_type, body.to_owned().into()).await.refusal(), expect);
    };
    let json = "application/json";
    let whole = integration_body("claude").to_string();
    check(
        "text/plain",
        &whole,
        "400 AB01 -: the body must be JSON, sent with the header `content-type: application/json`",
    )
    .await;
    check(json, "", "400 AB01 -: the body is empty; send a JSON object").await;
    check(json, "[]", "400 AB01 -: the body must be a JSON object, not an array").await;
    check(
        json,
        "{\n\"name\": \"x\",\n}",
        "400 AB01 -: the body is not valid JSON at line 3, column 1: trailing comma",
    )
    .await;
    check(json, r#"{"name":"a","name":"b"}"#, "400 AB01 -: the body gives `name` twice in one object").await;

    let padded = |length: usize| format!("{whole}{}", " ".repeat(length - whole.len()));
    let limit = portcullis_admin::MAX_BODY_BYTES;
    let too_large = send(json, padded(limit + 1).into()).await;
    assert_eq!(too_large.refusal(), "413 AB01 -: the body is larger than 1048576 bytes");
    send(json, padded(limit).into()).await.ok();
}

async fn a_wrong_method_lists_the_right_ones(world: &World) {
    let check = async |what: &str, expect: &str| {
        let answer = world.ask(what).await;
        assert_eq!(answer.status, 405, "{what}");
        let allowed = answer.headers["allow"].to_str().unwrap();
        let mut allowed: Vec<_> = allowed.split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(" "), expect, "{what}");
        assert_eq!(answer.text("/error/code"), "method_not_allowed");
    };
    check("DELETE /v1/integrations", "GET HEAD POST").await;
    check("POST /v1/integrations/x", "DELETE GET HEAD PUT").await;
    check("GET /v1/api-keys/workspace/service", "POST").await;
    check("PUT /v1/whoami", "GET HEAD").await;
}

async fn a_database_that_is_away_is_not_an_outage_of_keys(world: &World) {
    world.catalog.close().await;
    world.ask("GET /v1/whoami").await.ok();
    let body = integration_body("claude");
    for (what, body) in [("GET /v1/integrations", None), ("POST /v1/integrations", Some(body))] {
        let answer = world.call(&world.admin, what, body).await;
        assert_eq!(answer.refusal(), "503 AB04 -: the gateway's database cannot be reached; try again");
        assert_eq!(answer.headers["retry-after"], "2");
        assert!(answer.headers.contains_key("x-portkey-trace-id"));
    }
}

async fn workspaces_can_be_found(world: &World) {
    let check = async |key: &str, query: &str, expect: &[&str]| {
        let list = world.call(key, &format!("GET /v1/admin/workspaces{query}"), None).await.ok();
        let slugs: Vec<_> =
            list["data"].as_array().unwrap().iter().map(|w| w["slug"].as_str().unwrap()).collect();
        assert_eq!(slugs, expect, "{query}");
        assert_eq!(list["total"], expect.len());
    };
    check(&world.admin, "?currentPage=0&pageSize=50", &["ws-default", "ws-second"]).await;
    check(&world.admin, "?name=SECO", &["ws-second"]).await;
    check(&world.admin, "?exact_name=Seco", &[]).await;
    let (_, tenant) = world.key(Holder::SecondWorkspace, &["workspaces.list"]).await;
    check(&tenant, "", &["ws-second"]).await;
    let list = world.ask("GET /v1/admin/workspaces?exact_name=Second").await.ok();
    let expected = json!({
        "object": "workspace",
        "id": world.second_workspace,
        "slug": "ws-second",
        "organisation_id": world.organisation,
        "name": "Second",
        "description": Value::Null,
        "status": "active",
        "created_at": "2026-11-22T12:00:00.000Z",
        "last_updated_at": "2026-11-22T12:00:00.000Z",
    });
    assert_eq!(list["data"], json!([expected]));
}
