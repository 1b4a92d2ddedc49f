//! Policies that only narrow, in AWS's words, and the order in which they are asked.

use portcullis_emulator::iam::Policy;
use serde_json::{Value, json};

use crate::client::{Call, Keys, Lab, ask};

fn policy(document: &Value) -> Policy {
    Policy::from_json(&document.to_string()).unwrap()
}

/// Allows everything but one action.
fn without(action: &str) -> Policy {
    policy(&json!({"Statement": [{"Effect": "Allow", "NotAction": action, "Resource": "*"}]}))
}

fn denying(action: &str) -> Policy {
    policy(&json!({"Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": action, "Resource": "*"}]}))
}

fn set(lab: &Lab, kind: &str, document: Option<Policy>) {
    lab.emulator.change_world(|world| match kind {
        "permissions boundary" => {
            world.roles.get_mut("portcullis-claude").unwrap().permissions_boundary = document;
        }
        _ => world.accounts.get_mut("123456789012").unwrap().service_control_policy = document,
    });
}

async fn refusal(lab: &Lab, keys: &Keys) -> String {
    let (status, kind, message) = lab.refusal(&Call::messages(&ask("Hello")), keys).await;
    assert_eq!((status, kind.as_str()), (403, "permission_error"), "{message}");
    message
}

#[tokio::test]
async fn boundaries_and_service_control_policies_narrow_and_are_named() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    for kind in ["permissions boundary", "service control policy"] {
        for action in [
            "aws-external-anthropic:CreateInference",
            "sts:GetWebIdentityToken",
            "sts:TagGetWebIdentityToken",
        ] {
            set(&lab, kind, Some(without(action)));
            let message = refusal(&lab, &session).await;
            assert!(message.ends_with(&format!("because no {kind} allows the {action} action")), "{message}");
            set(&lab, kind, Some(denying(action)));
            let message = refusal(&lab, &session).await;
            assert!(message.ends_with(&format!("with an explicit deny in a {kind}")), "{message}");
        }
        set(&lab, kind, Some(denying("iam:*")));
        assert_eq!(lab.send(&Call::messages(&ask("Hello")), &session).await.0, 200);
        set(&lab, kind, None);
    }
}

#[tokio::test]
async fn a_session_policy_narrows_and_is_named() {
    let lab = Lab::new().await;
    let session = async |document: Policy| {
        let text = serde_json::to_string(&document).unwrap();
        lab.session_with(&[("Policy", &text)]).await
    };
    for action in ["aws-external-anthropic:CreateInference", "sts:GetWebIdentityToken"] {
        let message = refusal(&lab, &session(without(action)).await).await;
        assert!(message.ends_with(&format!("because no session policy allows the {action} action")));
        let message = refusal(&lab, &session(denying(action)).await).await;
        assert!(message.ends_with("with an explicit deny in a session policy"), "{message}");
    }
}

#[tokio::test]
async fn the_first_policy_that_refuses_is_the_one_named_and_a_deny_comes_first() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    let action = "aws-external-anthropic:CreateInference";
    set(&lab, "permissions boundary", Some(without(action)));
    set(&lab, "service control policy", Some(without(action)));
    assert!(refusal(&lab, &session).await.contains("no service control policy"));
    set(&lab, "permissions boundary", Some(denying(action)));
    assert!(refusal(&lab, &session).await.ends_with("with an explicit deny in a permissions boundary"));
}

#[tokio::test]
async fn a_service_control_policy_of_the_callers_account_binds_assume_role() {
    let lab = Lab::new().await;
    lab.emulator.change_world(|world| {
        world.accounts.get_mut("111122223333").unwrap().service_control_policy =
            Some(without("sts:AssumeRole"));
    });
    assert_eq!(lab.assume(&[("ExternalId", portcullis_emulator::world::EXTERNAL_ID)]).await.0, 403);
}
