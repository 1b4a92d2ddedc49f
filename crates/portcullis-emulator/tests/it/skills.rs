//! Skills and user profiles.

use serde_json::{Value, json};

use crate::client::{Call, Lab, ask};

const MANIFEST: &str = "---\nname: my-skill\ndescription: Does things.\n---\nDo things.";

fn upload(target: &str, manifest: &str) -> Call {
    let files = [("files[]", Some("dir/SKILL.md"), manifest), ("files[]", Some("dir/run.py"), "print(1)")];
    Call::multipart(target, &files)
}

#[tokio::test]
async fn a_skill_has_versions_with_content() {
    let lab = Lab::new().await;
    let keys = lab.able_session().await;
    let skill = lab.json(&upload("/v1/skills", MANIFEST), &keys).await;
    assert_eq!((&skill["display_name"], &skill["source"]["type"]), (&json!("my-skill"), &json!("custom")));
    let path = format!("/v1/skills/{}", skill["id"].as_str().unwrap());
    lab.refused(&upload("/v1/skills", MANIFEST), &keys, 409, "conflict_error", "exists already").await;
    let first = skill["latest_version_id"].as_str().unwrap();
    let only = Call::platform("DELETE", &format!("{path}/versions/{first}"), String::new());
    lab.refused(&only, &keys, 400, "invalid_request_error", "only version").await;
    let other = MANIFEST.replace("my-skill", "other");
    let renamed = upload(&format!("{path}/versions"), &other);
    lab.refused(&renamed, &keys, 400, "invalid_request_error", "cannot change").await;
    let second = lab.json(&upload(&format!("{path}/versions"), MANIFEST), &keys).await;
    assert_eq!((&second["type"], &second["description"]), (&json!("skill_version"), &json!("Does things.")));
    let versions = lab.json(&Call::get(&format!("{path}/versions?limit=1")), &keys).await;
    assert_eq!((&versions["data"][0], versions["next_page"].is_string()), (&second, true));
    let content = Call::get(&format!("{path}/versions/{first}/content"));
    let response = lab.signed(&content, &keys).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/zip");
    assert!(response.bytes().await.unwrap().starts_with(b"PK\x03\x04"));
    assert_eq!(lab.json(&only, &keys).await, json!({"id": first, "type": "skill_version_deleted"}));
    let listed = lab.json(&Call::get("/v1/skills?source=custom"), &keys).await;
    assert_eq!(listed["data"][0]["latest_version_id"], second["id"]);
    let older = Call::get(&path).with("anthropic-beta", "skills-2025-10-02");
    let older = lab.json(&older, &keys).await;
    assert_eq!((&older["display_title"], &older["source"]), (&json!("my-skill"), &json!("custom")));
    let deleted = lab.json(&Call::platform("DELETE", &path, String::new()), &keys).await;
    assert_eq!(deleted["type"], "skill_deleted");
    lab.refused(&Call::get(&path), &keys, 404, "not_found_error", "not found").await;
}

#[tokio::test]
async fn user_profiles_are_made_changed_and_named_in_requests() {
    let lab = Lab::new().await;
    let keys = lab.able_session().await;
    let post = |path: &str, body: Value| Call::platform("POST", path, body.to_string());
    let wrong = post("/v1/user_profiles", json!({"external_id": "x"}));
    lab.refused(&wrong, &keys, 400, "invalid_request_error", "external_id: Extra inputs").await;
    let stated = json!({"name": "Somebody", "metadata": {"tier": "gold"}});
    let profile = lab.json(&post("/v1/user_profiles", stated), &keys).await;
    assert_eq!(
        (&profile["access_type"], &profile["metadata"]["tier"]),
        (&json!("application"), &json!("gold"))
    );
    let id = profile["id"].as_str().unwrap();
    let path = format!("/v1/user_profiles/{id}");
    lab.json(&post(&path, json!({"name": null})), &keys).await;
    let changed = lab.json(&Call::get(&path), &keys).await;
    assert_eq!((&changed["name"], &changed["metadata"]["tier"]), (&Value::Null, &json!("gold")));
    let list = lab.json(&Call::get("/v1/user_profiles?enforcement_status=unrestricted"), &keys).await;
    assert_eq!(list["data"], json!([changed]));
    let named = |id: &str| Call::messages(&ask("x")).with("anthropic-user-profile-id", id);
    assert_eq!(lab.send(&named(id), &keys).await.0, 200);
    lab.refused(&named("uprof_unknown"), &keys, 400, "invalid_request_error", "uprof_unknown").await;
}
