//! What an account has: workspaces in regions, and models.

use portcullis_emulator::iam::Policy;
use portcullis_emulator::world::WORKSPACE_ID;
use serde_json::{Value, json};

use crate::client::{Call, Keys, Lab, ask};

const IN_FRANKFURT: &str = "wrkspc_02KlMnOp45QrSt";

async fn lab_and_session() -> (Lab, Keys) {
    let lab = Lab::new().await;
    lab.emulator.change_world(|world| {
        let everything = json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        world.roles.get_mut("portcullis-claude").unwrap().permissions_policy =
            Policy::try_from(everything).unwrap();
    });
    let session = lab.session().await;
    (lab, session)
}

async fn get(lab: &Lab, target: &str, keys: &Keys) -> (u16, Value) {
    let call = Call::platform("GET", target, String::new()).without("anthropic-workspace-id");
    let (status, body) = lab.send(&call, keys).await;
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn workspaces_are_listed_and_read_in_their_region_only() {
    let (lab, session) = lab_and_session().await;
    let (status, list) = get(&lab, "/v1/organizations/workspaces", &session).await;
    assert_eq!((status, list["data"].as_array().unwrap().len()), (200, 1));
    assert_eq!((&list["first_id"], &list["data"][0]["type"]), (&json!(WORKSPACE_ID), &json!("workspace")));
    let path = |id: &str| format!("/v1/organizations/workspaces/{id}");
    let (status, workspace) = get(&lab, &path(WORKSPACE_ID), &session).await;
    assert_eq!((status, &workspace["id"]), (200, &json!(WORKSPACE_ID)));
    for id in [IN_FRANKFURT, "wrkspc_unknown"] {
        let (status, error) = get(&lab, &path(id), &session).await;
        assert_eq!(status, 404, "{id}");
        assert_eq!(error["error"]["message"], format!("Workspace `{id}` not found."));
    }
}

#[tokio::test]
async fn listing_workspaces_is_allowed_on_everything_and_reading_one_on_itself() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    let (status, error) = get(&lab, "/v1/organizations/workspaces", &session).await;
    assert_eq!(status, 403);
    assert!(error["error"]["message"].as_str().unwrap().contains("ListWorkspaces on resource: * because"));
    let path = format!("/v1/organizations/workspaces/{WORKSPACE_ID}");
    assert_eq!(get(&lab, &path, &session).await.0, 200);
}

#[tokio::test]
async fn with_regional_endpoints_a_workspace_of_another_region_is_not_found() {
    let (lab, session) = lab_and_session().await;
    let elsewhere = Call::messages(&ask("Hello")).with("anthropic-workspace-id", IN_FRANKFURT);
    assert_eq!(lab.refusal(&elsewhere, &session).await.0, 401, "the workspace says whose signature is right");
    lab.emulator.change_world(|world| world.regional_endpoints = true);
    let (status, kind, message) = lab.refusal(&elsewhere, &session).await;
    assert_eq!((status, kind.as_str()), (404, "not_found_error"));
    assert_eq!(message, format!("Workspace `{IN_FRANKFURT}` not found."));
    let there = Call { region: "eu-central-1".into(), ..elsewhere };
    assert_eq!(lab.send(&there, &session).await.0, 200);
}

#[tokio::test]
async fn models_without_access_are_refused_and_not_listed() {
    let (lab, session) = lab_and_session().await;
    lab.emulator.change_world(|world| {
        world.accounts.get_mut("123456789012").unwrap().models = Some(vec!["claude-opus-5".into()]);
    });
    for target in ["/v1/messages", "/v1/messages/count_tokens"] {
        let mut body = ask("Hello");
        if target.ends_with("count_tokens") {
            body.as_object_mut().unwrap().remove("max_tokens");
        }
        let call = Call::platform("POST", target, body.to_string());
        let (status, kind, message) = lab.refusal(&call, &session).await;
        assert_eq!((status, kind.as_str()), (403, "permission_error"), "{message}");
        assert_eq!(message, "Your account does not have access to the model `claude-haiku-4-5`.");
    }
    let models = Call::platform("GET", "/v1/models", String::new());
    let (_, list) = lab.send(&models, &session).await;
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!((list["data"].as_array().unwrap().len(), &list["last_id"]), (1, &json!("claude-opus-5")));
    let one = |id: &str| Call::platform("GET", &format!("/v1/models/{id}"), String::new());
    assert_eq!(lab.send(&one("claude-opus-5"), &session).await.0, 200);
    assert_eq!(lab.send(&one("claude-haiku-4-5"), &session).await.0, 404);
}
