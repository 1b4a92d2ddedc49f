//! Where a gateway inside AWS gets its first credentials.

use std::time::Duration;

use portcullis_emulator::iam::Policy;
use portcullis_emulator::world::{
    CONTAINER_TOKEN, EXTERNAL_ID, GATEWAY_ROLE_ARN, SSO_ACCESS_TOKEN, WEB_IDENTITY_TOKEN, trust_policy,
};
use serde_json::{Value, json};

use crate::client::{Call, Keys, Lab, assume_role, element, escape, keys};

const ROLE: &str = "portcullis-gateway-role";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";

async fn ask(lab: &Lab, method: &str, target: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let url = format!("{}{target}", lab.emulator.base_url());
    let mut request = lab.http.request(method.parse().unwrap(), url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// The credentials of an answer in JSON.
fn found(body: &str) -> Keys {
    let body: Value = serde_json::from_str(body).unwrap();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    Keys { id: text("AccessKeyId"), secret: text("SecretAccessKey"), token: Some(text("Token")) }
}

async fn of_machine(lab: &Lab) -> (u16, String) {
    let (_, token) = ask(lab, "PUT", "/latest/api/token", &[(TTL, "60")]).await;
    let path = format!("/latest/meta-data/iam/security-credentials/{ROLE}");
    ask(lab, "GET", &path, &[("x-aws-ec2-metadata-token", &token)]).await
}

async fn of_container(lab: &Lab) -> (u16, String) {
    ask(lab, "GET", "/_credentials/container", &[("authorization", CONTAINER_TOKEN)]).await
}

fn with_web_identity(extra: &[(&str, &str)]) -> String {
    let mut parameters = vec![
        ("Action", "AssumeRoleWithWebIdentity"),
        ("RoleArn", GATEWAY_ROLE_ARN),
        ("RoleSessionName", "gateway-pod"),
        ("WebIdentityToken", WEB_IDENTITY_TOKEN),
    ];
    parameters.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
    parameters.extend(extra);
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
    format!("{}&Version=2011-06-15", pairs.join("&"))
}

async fn of_web_identity(lab: &Lab, extra: &[(&str, &str)]) -> (u16, String) {
    let request = lab.http.post(lab.emulator.base_url()).body(with_web_identity(extra));
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn of_single_sign_on(lab: &Lab) -> (u16, String) {
    let target = format!("/federation/credentials?role_name={ROLE}&account_id=111122223333");
    ask(lab, "GET", &target, &[("x-amz-sso_bearer_token", SSO_ACCESS_TOKEN)]).await
}

/// The keys are those of a session of the gateway's role, which assumes the customer's role for an hour at most.
async fn is_a_chained_source(lab: &Lab, keys: &Keys, opened_by: &str) {
    let (_, body) = lab.send(&Call::sts(&[("Action", "GetCallerIdentity")]), keys).await;
    assert!(element(&body, "Arn").starts_with(&format!("arn:aws:sts::111122223333:assumed-role/{ROLE}/")));
    let id = ("ExternalId", EXTERNAL_ID);
    assert_eq!(lab.send(&assume_role(&[id]), keys).await.0, 200);
    let (_, body) = lab.send(&assume_role(&[id, ("DurationSeconds", "3601")]), keys).await;
    assert!(body.contains("exceeds the 1 hour session limit for roles assumed by role chaining."), "{body}");
    assert_eq!(lab.send(&assume_role(&[("ExternalId", "wrong")]), keys).await.0, 403);
    let origin = lab.emulator.session_origin(&keys.id).unwrap();
    assert_eq!((origin.role_arn.as_str(), origin.opened_by.as_str()), (GATEWAY_ROLE_ARN, opened_by));
}

#[tokio::test]
async fn a_machine_needs_a_token_for_everything() {
    let lab = Lab::new().await;
    let path = "/latest/meta-data/iam/security-credentials/";
    assert_eq!(ask(&lab, "GET", path, &[]).await.0, 401, "version 1 is off");
    assert_eq!(ask(&lab, "GET", path, &[("x-aws-ec2-metadata-token", "made-up")]).await.0, 401);
    for ttl in [&[][..], &[(TTL, "0")], &[(TTL, "21601")], &[(TTL, "soon")]] {
        assert_eq!(ask(&lab, "PUT", "/latest/api/token", ttl).await.0, 400, "{ttl:?}");
    }
    let forwarded = [(TTL, "60"), ("x-forwarded-for", "192.0.2.1")];
    assert_eq!(ask(&lab, "PUT", "/latest/api/token", &forwarded).await.0, 403);
    let (_, token) = ask(&lab, "PUT", "/latest/api/token", &[(TTL, "60")]).await;
    let header = [("x-aws-ec2-metadata-token", token.as_str())];
    assert_eq!(ask(&lab, "GET", path, &header).await, (200, ROLE.to_owned()));
    let region = "/latest/meta-data/placement/region";
    assert_eq!(ask(&lab, "GET", region, &header).await, (200, "us-west-2".to_owned()));
    assert_eq!(ask(&lab, "GET", &format!("{path}other"), &header).await.0, 404);
    lab.clock.advance(Duration::from_secs(60));
    assert_eq!(ask(&lab, "GET", path, &header).await.0, 401, "tokens end");
}

#[tokio::test]
async fn a_machine_has_its_role_and_keeps_its_credentials_until_shortly_before_their_end() {
    let lab = Lab::new().await;
    let (status, body) = of_machine(&lab).await;
    assert_eq!((status, body.contains(r#""Code":"Success""#)), (200, true), "{body}");
    assert!(body.contains(r#""Expiration":"2026-11-22T18:00:00Z""#), "{body}");
    is_a_chained_source(&lab, &found(&body), "ec2.amazonaws.com").await;
    lab.clock.advance(Duration::from_secs(6 * 3600 - 301));
    assert_eq!(found(&of_machine(&lab).await.1).id, found(&body).id);
    lab.clock.advance(Duration::from_secs(1));
    assert_ne!(found(&of_machine(&lab).await.1).id, found(&body).id);
}

#[tokio::test]
async fn a_container_needs_its_token_and_a_task_none() {
    let lab = Lab::new().await;
    for headers in [&[][..], &[("authorization", "wrong")]] {
        assert_eq!(ask(&lab, "GET", "/_credentials/container", headers).await.0, 401);
    }
    let (status, body) = of_container(&lab).await;
    assert_eq!(status, 200, "{body}");
    is_a_chained_source(&lab, &found(&body), "pods.eks.amazonaws.com").await;
    lab.emulator.change_world(|world| world.sources.container_token = None);
    let (_, body) = ask(&lab, "GET", "/_credentials/container", &[]).await;
    is_a_chained_source(&lab, &found(&body), "ecs-tasks.amazonaws.com").await;
}

#[tokio::test]
async fn the_tags_of_a_pod_pass_on_and_need_the_next_roles_consent() {
    let lab = Lab::new().await;
    lab.emulator.change_world(|world| {
        world.sources.pod_tags = [("kubernetes-namespace".to_owned(), "portcullis".to_owned())].into();
    });
    let keys = found(&of_container(&lab).await.1);
    let (status, body) = lab.send(&assume_role(&[("ExternalId", EXTERNAL_ID)]), &keys).await;
    assert_eq!(status, 403);
    assert!(body.contains("not authorized to perform: sts:TagSession"), "{body}");
}

#[tokio::test]
async fn a_web_identity_gets_the_role_whose_trust_policy_names_its_provider_and_claims() {
    let lab = Lab::new().await;
    let (status, body) = of_web_identity(&lab, &[]).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(element(&body, "SubjectFromWebIdentityToken"), "system:serviceaccount:portcullis:gateway");
    let provider = "arn:aws:iam::111122223333:oidc-provider/token.emulator.example";
    is_a_chained_source(&lab, &keys(&body), provider).await;
    let refused = async |extra: &[(&str, &str)], status: u16, code: &str| {
        let (got, body) = of_web_identity(&lab, extra).await;
        assert_eq!((got, element(&body, "Code").as_str()), (status, code), "{body}");
    };
    refused(&[("WebIdentityToken", "made.up")], 400, "InvalidIdentityToken").await;
    refused(&[("DurationSeconds", "899")], 400, "ValidationError").await;
    refused(&[("RoleArn", "arn:aws:iam::123456789012:role/portcullis-claude")], 403, "AccessDenied").await;
    lab.emulator.change_world(|world| {
        world.sources.web_identity.as_mut().unwrap().audience = "somebody-else".into();
    });
    refused(&[], 403, "AccessDenied").await;
    assert_eq!(lab.emulator.counters().web_identity_calls, 5);
}

#[tokio::test]
async fn single_sign_on_gives_one_role_for_its_token() {
    let lab = Lab::new().await;
    let (status, body) = of_single_sign_on(&lab).await;
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let given = &body["roleCredentials"];
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    let keys =
        Keys { id: text("accessKeyId"), secret: text("secretAccessKey"), token: Some(text("sessionToken")) };
    assert_eq!(given["expiration"], 1_795_370_400_000_u64, "milliseconds");
    is_a_chained_source(&lab, &keys, "sso.amazonaws.com").await;
    let target = "/federation/credentials?account_id=111122223333&role_name=";
    let token = [("x-amz-sso_bearer_token", SSO_ACCESS_TOKEN)];
    assert_eq!(ask(&lab, "GET", &format!("{target}{ROLE}"), &[]).await.0, 401);
    assert_eq!(ask(&lab, "GET", &format!("{target}other"), &token).await.0, 403);
    assert_eq!(ask(&lab, "GET", "/federation/credentials", &token).await.0, 400);
}

#[tokio::test]
async fn a_role_that_does_not_trust_the_service_or_is_not_there_is_not_handed_out() {
    let lab = Lab::new().await;
    lab.emulator.change_world(|world| {
        world.roles.get_mut(ROLE).unwrap().trust_policy = trust_policy("*", None);
    });
    assert!(of_machine(&lab).await.1.contains("AssumeRoleUnauthorizedAccess"));
    assert_eq!(of_container(&lab).await.0, 400);
    assert_eq!(of_web_identity(&lab, &[]).await.0, 403);
    lab.emulator.change_world(|world| _ = world.roles.remove(ROLE));
    assert_eq!(of_machine(&lab).await.0, 404);
    assert_eq!(of_container(&lab).await.0, 404);
    assert_eq!(of_single_sign_on(&lab).await.0, 403);
}

#[tokio::test]
async fn rotation_ends_what_was_handed_out_and_hands_out_anew() {
    let lab = Lab::new().await;
    let old = [found(&of_machine(&lab).await.1), keys(&of_web_identity(&lab, &[]).await.1)];
    let (_, body) = lab.send(&assume_role(&[("ExternalId", EXTERNAL_ID)]), &old[0]).await;
    let assumed = keys(&body);
    let (_, body) = ask(&lab, "POST", "/_emulator/rotate-source", &[]).await;
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), json!({"expired": 2}));
    let who = Call::sts(&[("Action", "GetCallerIdentity")]);
    for keys in &old {
        let (_, body) = lab.send(&who, keys).await;
        assert_eq!(element(&body, "Code"), "ExpiredToken");
    }
    assert_eq!(lab.send(&who, &assumed).await.0, 200, "what was assumed from them lives on");
    let new = found(&of_machine(&lab).await.1);
    assert_eq!(lab.send(&who, &new).await.0, 200);
}

#[tokio::test]
async fn a_chain_needs_the_trust_of_every_role() {
    let lab = Lab::new().await;
    let keys = found(&of_machine(&lab).await.1);
    lab.emulator.change_world(|world| {
        world.roles.get_mut("portcullis-claude").unwrap().trust_policy =
            trust_policy("arn:aws:iam::111122223333:user/portcullis-gateway", Some(EXTERNAL_ID));
    });
    assert_eq!(lab.send(&assume_role(&[("ExternalId", EXTERNAL_ID)]), &keys).await.0, 403);
    lab.emulator.change_world(|world| {
        world.roles.get_mut("portcullis-claude").unwrap().trust_policy =
            trust_policy(GATEWAY_ROLE_ARN, Some(EXTERNAL_ID));
        world.roles.get_mut(ROLE).unwrap().permissions_policy =
            Policy::from_json(r#"{"Statement":[]}"#).unwrap();
    });
    assert_eq!(lab.send(&assume_role(&[("ExternalId", EXTERNAL_ID)]), &keys).await.0, 403);
}
