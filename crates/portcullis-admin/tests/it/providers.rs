//! Providers from creation to deletion.

use serde_json::{Value, json};

use crate::world::{Holder, World, on_both};

on_both!(
    a_provider_is_made_read_changed_and_deleted,
    an_organisation_key_says_which_workspace,
    a_workspace_key_uses_its_own_integrations_only,
    a_wrong_body_is_told_field_by_field,
    a_provider_expires,
    a_provider_says_how_its_requests_are_translated,
);

async fn a_provider_is_made_read_changed_and_deleted(world: &World) {
    world.integration("claude", None).await;
    let (_, tenant) = world
        .key(Holder::Workspace, &["providers.read", "providers.update", "providers.delete", "providers.list"])
        .await;
    let body = json!({
        "name": "Team Claude", "slug": "team", "integration_id": "claude", "workspace_id": "ws-default",
        "note": "first", "usage_limits": null, "rate_limits": [],
    });
    let created = world.tell("POST /v1/providers", body.clone()).await.ok();
    assert_eq!(created["slug"], "team");
    let expected = json!({
        "object": "provider",
        "id": created["id"],
        "slug": "team",
        "name": "Team Claude",
        "integration_id": "claude",
        "workspace_id": "ws-default",
        "ai_provider_name": "claude-platform-aws",
        "note": "first",
        "translation": {},
        "status": "active",
            "verification": {"status": "unverified", "unsafe": false, "verified_at": null},
        "usage_limits": null,
        "rate_limits": null,
        "reset_usage": null,
        "expires_at": null,
        "created_at": "2026-11-22T12:00:00.000Z",
        "last_updated_at": "2026-11-22T12:00:00.000Z",
    });
    assert_eq!(world.call(&tenant, "GET /v1/providers/team", None).await.ok(), expected);
    assert_eq!(world.ask("GET /v1/providers/team?workspace_id=ws-default").await.ok(), expected);
    let list = json!({"object": "list", "total": 1, "data": [expected]});
    assert_eq!(world.call(&tenant, "GET /v1/providers?current_page=0&page_size=50", None).await.ok(), list);
    assert_eq!(
        world.tell("POST /v1/providers", body).await.refusal(),
        "409 AB07 slug: the `slug` of this provider is already in use"
    );

    let change = json!({"name": "Renamed", "note": null});
    let changed = world.call(&tenant, "PUT /v1/providers/team", Some(change)).await.ok();
    assert_eq!(changed, json!({"id": created["id"], "slug": "team"}));
    let shown = world.call(&tenant, "GET /v1/providers/team", None).await.ok();
    assert_eq!((&shown["name"], &shown["note"]), (&json!("Renamed"), &Value::Null));

    assert_eq!(world.call(&tenant, "DELETE /v1/providers/team", None).await.ok(), json!({}));
    assert_eq!(
        world.call(&tenant, "GET /v1/providers/team", None).await.refusal(),
        "404 AB08 -: there is no such provider"
    );
}

async fn an_organisation_key_says_which_workspace(world: &World) {
    world.integration("claude", None).await;
    world.provider("team", "claude").await;
    let missing = "400 AB01 workspace_id: `workspace_id` is missing: an organisation's key says which workspace it means";
    let body = json!({"name": "x", "integration_id": "claude"});
    assert_eq!(world.tell("POST /v1/providers", body).await.refusal(), missing);
    assert_eq!(world.ask("GET /v1/providers/team").await.refusal(), missing);
    assert_eq!(world.ask("GET /v1/providers").await.ok()["total"], 1, "a list without one shows them all");

    let change = |workspace: &str| json!({"note": "n", "workspace_id": workspace});
    world.tell("PUT /v1/providers/team", change("ws-default")).await.ok();
    let path = "PUT /v1/providers/team?workspace_id=ws-default";
    world.tell(path, change("ws-default")).await.ok();
    assert_eq!(
        world.tell(path, change("ws-second")).await.refusal(),
        "400 AB01 workspace_id: `workspace_id` is one in the query and another in the body"
    );
    for nowhere in ["ws-nowhere", "no%20slug", "018f0000-0000-7000-8000-000000000000"] {
        let answer = world.ask(&format!("GET /v1/providers/team?workspace_id={nowhere}")).await;
        assert_eq!(answer.refusal(), "404 AB08 -: there is no such workspace");
    }
    let elsewhere = format!("GET /v1/providers/team?workspace_id={}", world.second_workspace);
    assert_eq!(world.ask(&elsewhere).await.refusal(), "404 AB08 -: there is no such provider");
}

async fn a_workspace_key_uses_its_own_integrations_only(world: &World) {
    world.integration("shared", None).await;
    world.integration("theirs", Some(world.second_workspace)).await;
    world.integration("ours", Some(world.workspace)).await;
    let (_, tenant) = world.key(Holder::Workspace, &["providers.create"]).await;
    let create = async |integration: &str| {
        let body = json!({"name": "x", "slug": "x", "integration_id": integration});
        world.call(&tenant, "POST /v1/providers", Some(body)).await
    };
    assert_eq!(
        create("shared").await.refusal(),
        "403 AB03 -: only an organisation's key may give a workspace one of the organisation's integrations"
    );
    assert_eq!(create("theirs").await.refusal(), "404 AB08 -: there is no such integration");
    assert_eq!(create("nothing").await.refusal(), "404 AB08 -: there is no such integration");
    create("ours").await.ok();
}

async fn a_wrong_body_is_told_field_by_field(world: &World) {
    let check = async |body: Value, expect: &str| {
        assert_eq!(world.tell("POST /v1/providers", body).await.refusal(), format!("400 AB01 {expect}"));
    };
    check(json!({}), "name: `name` is missing; `integration_id` is missing").await;
    let with = |name: &str, value: Value| {
        let mut body = json!({"name": "x", "integration_id": "claude", "workspace_id": "ws-default"});
        body[name] = value;
        body
    };
    check(with("name", json!(7)), "name: `name` must be a string, not a number").await;
    check(
        with("rate_limits", json!([{"type": "requests"}])),
        "rate_limits: `rate_limits` is not supported by this version",
    )
    .await;
    check(
        with("expires_at", json!("2020-01-01T00:00:00Z")),
        "expires_at: `expires_at` must be in the future",
    )
    .await;
    check(
        with("expires_at", json!("tomorrow")),
        "expires_at: `expires_at` must be a time in RFC 3339, such as `2030-01-31T12:00:00Z`",
    )
    .await;
    check(with("integration", json!("x")), "integration: `integration` is not a field of this request").await;
}

async fn a_provider_expires(world: &World) {
    world.integration("claude", None).await;
    let body = json!({
        "name": "x", "slug": "x", "integration_id": "claude", "workspace_id": "ws-default",
        "expires_at": world.in_an_hour(),
    });
    world.tell("POST /v1/providers", body).await.ok();
    let show = async || world.ask("GET /v1/providers/x?workspace_id=ws-default").await.ok();
    let shown = show().await;
    assert_eq!(
        (&shown["status"], &shown["expires_at"]),
        (&json!("active"), &json!("2026-11-22T13:00:00.000Z"))
    );
    world.clock.advance(std::time::Duration::from_secs(3600));
    assert_eq!(show().await["status"], "expired");
    let path = "PUT /v1/providers/x?workspace_id=ws-default";
    world.tell(path, json!({"expires_at": null})).await.ok();
    assert_eq!(show().await["status"], "active");
}

async fn a_provider_says_how_its_requests_are_translated(world: &World) {
    world.integration("claude", None).await;
    let all = json!({
        "on_unsupported": "error", "sampling": "report", "mid_system": "inline", "max_tokens_cap": 8192,
        "pause_turn_max": 0, "reasoning_display": "omitted", "rename_tools": true,
        "emulate_custom_grammar": true, "strict_openai": false,
    });
    let body = json!({
        "name": "x", "slug": "x", "integration_id": "claude", "workspace_id": "ws-default", "translation": all,
    });
    world.tell("POST /v1/providers", body).await.ok();
    let shown =
        async || world.ask("GET /v1/providers/x?workspace_id=ws-default").await.ok()["translation"].clone();
    assert_eq!(shown().await, all);

    let path = "PUT /v1/providers/x?workspace_id=ws-default";
    world.tell(path, json!({"name": "y"})).await.ok();
    assert_eq!(shown().await, all, "a change that does not name it leaves it");
    world.tell(path, json!({"translation": {"pause_turn_max": 3, "sampling": null}})).await.ok();
    assert_eq!(shown().await, json!({"pause_turn_max": 3}), "a change replaces all of it");

    let check = async |translation: Value, expect: &str| {
        let answer = world.tell(path, json!({"translation": translation})).await;
        assert_eq!(answer.refusal(), format!("400 AB01 {expect}"));
    };
    let at = |field: &str, reason: &str| format!("translation.{field}: `translation.{field}` {reason}");
    let wrong = json!({"on_unsupported": "warn"});
    check(wrong, &at("on_unsupported", "must be one of `report`, `error`")).await;
    let tokens = at("max_tokens_cap", "must be a whole number of tokens, 1 or more");
    check(json!({"max_tokens_cap": 0}), &tokens).await;
    check(json!({"max_tokens_cap": 1.5}), &tokens).await;
    let times = at("pause_turn_max", "must be a whole number from 0 to 255");
    check(json!({"pause_turn_max": 256}), &times).await;
    check(json!({"pause_turn_max": "3"}), &at("pause_turn_max", "must be a number, not a string")).await;
    check(json!({"strict_openai": 1}), &at("strict_openai", "must be true or false, not a number")).await;
    check(json!({"strict": true}), &at("strict", "is not a field of this request")).await;
    check(json!("error"), "translation: `translation` must be an object, not a string").await;
    assert_eq!(shown().await, json!({"pause_turn_max": 3}));

    world.tell(path, json!({"translation": null})).await.ok();
    assert_eq!(shown().await, json!({}));
}
