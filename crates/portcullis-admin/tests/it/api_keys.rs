//! API keys: making, listing, revoking, and never giving away more than one has.

use portcullis_types::Clock;
use serde_json::{Value, json};

use crate::world::{Holder, World, all_scopes, on_both};

on_both!(
    a_key_is_shown_once_and_works_at_once,
    a_revoked_key_stops_at_once,
    an_expired_key_stops,
    a_list_shows_the_kinds_that_the_caller_may_list,
    a_key_cannot_grant_more_than_it_holds,
    a_key_that_expires_makes_none_that_outlives_it,
    a_persons_key_makes_keys_for_that_person,
    an_organisation_key_cannot_revoke_itself,
    a_wrong_body_is_told_field_by_field,
);

const ALL_LISTS: &[&str] = &[
    "organisation_service_api_keys.list",
    "workspace_service_api_keys.list",
    "workspace_user_api_keys.list",
];

async fn a_key_is_shown_once_and_works_at_once(world: &World) {
    // What the SDKs send: the path's two words again, in the body.
    let body = json!({
        "type": "workspace", "sub-type": "service", "name": "ci", "workspace_id": "ws-default",
        "scopes": ["providers.list", "completions.write", "providers.list"], "on_unsupported": "error",
    });
    let created = world.tell("POST /v1/api-keys/workspace/service", body).await.ok();
    let (id, key) = (created["id"].as_str().unwrap(), created["key"].as_str().unwrap());
    assert_eq!(created["object"], "api-key");
    let me = world.call(key, "GET /v1/whoami", None).await.ok();
    let expected = json!({
        "object": "caller",
        "id": id,
        "type": "workspace-service",
        "name": "ci",
        "organisation_id": world.organisation,
        "workspace_id": world.workspace,
        "user_id": null,
        "scopes": ["completions.write", "providers.list"],
        "expires_at": null,
    });
    assert_eq!(me, expected);
    world.call(key, "GET /v1/providers", None).await.ok();

    let shown = world.ask(&format!("GET /v1/api-keys/{id}")).await.ok();
    let expected = json!({
        "object": "api-key",
        "id": id,
        "key": format!("pcs_********{}", &key[key.len() - 4..]),
        "name": "ci",
        "description": null,
        "type": "workspace-service",
        "organisation_id": world.organisation,
        "workspace_id": world.workspace,
        "user_id": null,
        "status": "active",
        "scopes": ["completions.write", "providers.list"],
        "on_unsupported": "error",
        "creation_mode": "api",
        "usage_limits": null,
        "rate_limits": [],
        "reset_usage": null,
        "defaults": {},
        "allow_config_override": null,
        "alert_emails": [],
        "rotation_policy": null,
        "last_reset_at": null,
        "expires_at": null,
        "created_at": "2026-11-22T12:00:00.000Z",
        "last_updated_at": "2026-11-22T12:00:00.000Z",
    });
    assert_eq!(shown, expected);
}

async fn a_revoked_key_stops_at_once(world: &World) {
    let (id, key) = world.key(Holder::Workspace, &["providers.list"]).await;
    world.call(&key, "GET /v1/providers", None).await.ok();
    assert_eq!(world.ask(&format!("DELETE /v1/api-keys/{id}")).await.ok(), json!({}));
    assert_eq!(world.call(&key, "GET /v1/providers", None).await.status, 401);
    let gone = "404 AB08 -: there is no such api key";
    assert_eq!(world.ask(&format!("GET /v1/api-keys/{id}")).await.refusal(), gone);
    assert_eq!(world.ask(&format!("DELETE /v1/api-keys/{id}")).await.refusal(), gone);
    assert_eq!(world.ask("GET /v1/api-keys/not-an-id").await.refusal(), gone);
}

async fn an_expired_key_stops(world: &World) {
    let body = json!({
        "name": "short", "scopes": ["providers.list"], "workspace_id": world.workspace,
        "expires_at": world.in_an_hour(),
    });
    let created = world.tell("POST /v1/api-keys/workspace/service", body).await;
    let (id, key) = (created.text("/id"), created.text("/key"));
    world.clock.advance(std::time::Duration::from_secs(3599));
    world.call(&key, "GET /v1/providers", None).await.ok();
    world.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(world.call(&key, "GET /v1/providers", None).await.status, 401);
    assert_eq!(world.ask(&format!("GET /v1/api-keys/{id}")).await.ok()["status"], "expired");
}

/// The names of the keys in a list, and its total.
fn names(list: &Value) -> (u64, Vec<String>) {
    let name = |key: &Value| key["type"].as_str().unwrap().to_owned();
    (list["total"].as_u64().unwrap(), list["data"].as_array().unwrap().iter().map(name).collect())
}

async fn a_list_shows_the_kinds_that_the_caller_may_list(world: &World) {
    let (_, everything) = world.key(Holder::Organisation, ALL_LISTS).await;
    world.tick();
    let (_, people_only) = world.key(Holder::Organisation, &["workspace_user_api_keys.list"]).await;
    world.tick();
    let (_, tenant) = world.key(Holder::Workspace, ALL_LISTS).await;
    world.tick();
    world.key(Holder::Person, &["completions.write"]).await;
    world.tick();
    world.key(Holder::SecondWorkspace, &["completions.write"]).await;
    world.tick();
    world.key(Holder::OtherOrganisation, &["organisation_users.list"]).await;
    world.tick();
    let check = async |key: &str, query: &str, total: u64, expect: &[&str]| {
        let list = world.call(key, &format!("GET /v1/api-keys{query}"), None).await.ok();
        let expect = expect.iter().map(|kind| (*kind).to_owned()).collect();
        assert_eq!(names(&list), (total, expect), "{query}");
    };
    let (o, s, u) = ("organisation-service", "workspace-service", "workspace-user");
    check(&everything, "", 6, &[o, o, o, s, u, s]).await;
    check(&everything, "?workspace_id=ws-default", 2, &[s, u]).await;
    check(&everything, "?page_size=2&current_page=2", 6, &[u, s]).await;
    check(&people_only, "", 1, &[u]).await;
    check(&people_only, "?page_size=1&current_page=1", 1, &[]).await;
    check(&tenant, "", 2, &[s, u]).await;
    let elsewhere = world.call(&tenant, "GET /v1/api-keys?workspace_id=ws-second", None).await;
    assert_eq!(elsewhere.refusal(), "404 AB08 -: there is no such workspace");
}

async fn a_key_cannot_grant_more_than_it_holds(world: &World) {
    let creators = &[
        "organisation_service_api_keys.create",
        "workspace_service_api_keys.create",
        "workspace_user_api_keys.create",
        "providers.list",
    ];
    let (_, limited) = world.key(Holder::Organisation, creators).await;
    let (_, tenant) = world.key(Holder::Workspace, &creators[1..]).await;
    let (_, posing) = world.key(Holder::Workspace, creators).await;
    let make = async |key: &str, kind: &str, scope: &str| {
        let mut body = json!({"name": "x", "scopes": [scope, "providers.list"]});
        if kind == "workspace/user" {
            body["user_id"] = json!("ada");
        }
        if kind != "organisation/service" {
            body["workspace_id"] = json!("ws-default");
        }
        world.call(key, &format!("POST /v1/api-keys/{kind}"), Some(body)).await
    };
    for scope in all_scopes() {
        for kind in ["organisation/service", "workspace/service", "workspace/user"] {
            let fits = kind == "organisation/service" || !scope.starts_with("organisation_");
            let from_organisation = fits && (creators.contains(&scope) || is_data_plane(scope));
            let answer = make(&limited, kind, scope).await;
            assert_eq!(answer.status == 200, from_organisation, "{kind} {scope}: {}", answer.body);

            let from_tenant = kind != "organisation/service" && creators[1..].contains(&scope);
            let answer = make(&tenant, kind, scope).await;
            assert_eq!(answer.status == 200, from_tenant, "{kind} {scope}: {}", answer.body);
        }
    }
    assert_eq!(
        make(&limited, "workspace/service", "providers.delete").await.refusal(),
        "403 AB03 -: this key cannot grant `providers.delete`, which it does not hold itself"
    );
    assert_eq!(
        make(&tenant, "workspace/service", "completions.write").await.refusal(),
        "403 AB03 -: this key cannot grant `completions.write`, which it does not hold itself"
    );
    assert_eq!(
        make(&posing, "organisation/service", "providers.list").await.refusal(),
        "403 AB03 -: only an organisation's key may make an organisation's key"
    );
    make(&world.admin, "workspace/service", "completions.write").await.ok();
}

/// What only ever lets a key call models.
fn is_data_plane(scope: &str) -> bool {
    matches!(scope, "completions.write" | "models.list" | "logs.write")
        || matches!(scope, "prompts.render" | "guardrails.invoke" | "mcp.invoke" | "agents.invoke")
}

async fn a_key_that_expires_makes_none_that_outlives_it(world: &World) {
    let at = |seconds: i64| {
        use time::format_description::well_known::Rfc3339;
        (time::OffsetDateTime::from(world.clock.now()) + time::Duration::seconds(seconds))
            .format(&Rfc3339)
            .unwrap()
    };
    let make = async |key: &str, kind: &str, expires_at: Value| {
        let mut body = json!({"name": "x", "scopes": ["workspace_service_api_keys.create"]});
        if kind != "organisation/service" {
            body["workspace_id"] = json!("ws-default");
        }
        if kind == "workspace/user" {
            body["user_id"] = json!("ada");
        }
        body["expires_at"] = expires_at;
        world.call(key, &format!("POST /v1/api-keys/{kind}"), Some(body)).await
    };
    let holders = [
        (Holder::Organisation, vec!["organisation/service", "workspace/service", "workspace/user"]),
        (Holder::Workspace, vec!["workspace/service", "workspace/user"]),
    ];
    for (holder, kinds) in holders {
        let scopes = [
            "organisation_service_api_keys.create",
            "workspace_service_api_keys.create",
            "workspace_user_api_keys.create",
        ];
        let end = world.clock.now() + std::time::Duration::from_secs(3600);
        let (_, short) = world.key_until(holder, &scopes, Some(end)).await;
        for kind in kinds {
            for outlives in [json!(null), json!(at(3601)), json!("9999-12-31T00:00:00Z")] {
                let refusal = make(&short, kind, outlives.clone()).await.refusal();
                let expect = "403 AB03 -: this key expires at 2026-11-22T13:00:00.000Z, and so must the keys that it \
                              makes: give an `expires_at` that is no later";
                assert_eq!(refusal, expect, "{kind} {outlives}");
            }
            make(&short, kind, json!(at(3600))).await.ok();
            let made = make(&short, kind, json!(at(60))).await.text("/key");
            if kind == "workspace/service" {
                assert_eq!(make(&made, kind, json!(at(61))).await.status, 403, "nor does a key it made");
            }
        }
    }
    make(&world.admin, "workspace/service", json!(null)).await.ok();
}

async fn a_persons_key_makes_keys_for_that_person(world: &World) {
    let (_, ada) = world.key(Holder::Person, &["workspace_user_api_keys.create", "completions.write"]).await;
    let make = async |user: &str| {
        let body = json!({"name": "x", "scopes": ["completions.write"], "user_id": user});
        world.call(&ada, "POST /v1/api-keys/workspace/user", Some(body)).await
    };
    make("ada").await.ok();
    assert_eq!(
        make("grace").await.refusal(),
        "403 AB03 -: a person's key can make keys for the same person only"
    );
}

async fn an_organisation_key_cannot_revoke_itself(world: &World) {
    let me = world.ask("GET /v1/whoami").await.text("/id");
    assert_eq!(
        world.ask(&format!("DELETE /v1/api-keys/{me}")).await.refusal(),
        "409 AB07 -: an organisation's key cannot revoke itself, so that one always remains; use another one"
    );
    let (_, second) = world.key(Holder::Organisation, &["organisation_service_api_keys.delete"]).await;
    world.call(&second, &format!("DELETE /v1/api-keys/{me}"), None).await.ok();
    assert_eq!(world.ask("GET /v1/whoami").await.status, 401);
}

async fn a_wrong_body_is_told_field_by_field(world: &World) {
    let check = async |kind: &str, name: &str, value: Value, expect: &str| {
        let mut body = json!({"name": "x", "scopes": ["providers.list"], "workspace_id": "ws-default"});
        if kind == "organisation/service" {
            body.as_object_mut().unwrap().remove("workspace_id");
        }
        body[name] = value;
        let answer = world.tell(&format!("POST /v1/api-keys/{kind}"), body).await;
        assert_eq!(answer.refusal(), format!("400 AB01 {expect}"));
    };
    let machine = "workspace/service";
    check(machine, "scopes", json!([]), "scopes: `scopes` must have at least one scope").await;
    check(machine, "scopes", json!("x"), "scopes: `scopes` must be an array, not a string").await;
    check(
        machine,
        "scopes",
        json!(["providers.list", "providers.lsit"]),
        "scopes: `scopes` has an item 1 that is not valid: `providers.lsit` is not a known scope",
    )
    .await;
    check(
        machine,
        "scopes",
        json!(["organisation_users.list"]),
        "scopes: `scopes` has an item 0 that is `organisation_users.list`, which only an organisation's key can hold",
    )
    .await;
    check(
        machine,
        "user_id",
        json!("ada"),
        "user_id: `user_id` does not go with a service's key, which is nobody's",
    )
    .await;
    check("workspace/user", "name", json!("x"), "user_id: `user_id` is missing").await;
    check(
        "organisation/service",
        "workspace_id",
        json!("ws-default"),
        "workspace_id: `workspace_id` does not go with an organisation's key, which belongs to no workspace",
    )
    .await;
    check(machine, "type", json!("organisation"), "type: `type` must be `workspace`, or left out").await;
    check(
        machine,
        "defaults",
        json!({"config_id": "pc-1"}),
        "defaults: `defaults` is not supported by this version",
    )
    .await;
    let words = "on_unsupported: `on_unsupported` must be one of `report`, `error`";
    check(machine, "on_unsupported", json!("warn"), words).await;
    check(
        "organisation/service",
        "on_unsupported",
        json!("error"),
        "on_unsupported: `on_unsupported` does not go with an organisation's key, which calls no models",
    )
    .await;
    check(machine, "rotate", json!(true), "rotate: `rotate` is not a field of this request").await;
}
