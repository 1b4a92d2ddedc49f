//! API keys of the platform.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portcullis_emulator::iam::Policy;
use portcullis_emulator::world::{API_KEY, API_KEY_ARN, ApiKeyKind, WORKSPACE_ID};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::{Call, Keys, Lab, ask, escape, sign};

/// Sends an unsigned request with these headers, and reads the error's type and message, if it is one.
async fn send(lab: &Lab, headers: &[(&str, &str)]) -> (u16, String, String) {
    let url = format!("{}/v1/messages", lab.emulator.base_url());
    let mut request = lab.http.post(url).body(ask("Hello").to_string());
    let common = [
        ("content-type", "application/json"),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-workspace-id", WORKSPACE_ID),
    ];
    for (name, value) in common.iter().chain(headers) {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    let text = |field: &str| body["error"][field].as_str().unwrap_or_default().to_owned();
    (status, text("type"), text("message"))
}

#[tokio::test]
async fn a_key_is_taken_from_either_header_and_never_from_both() {
    let lab = Lab::new().await;
    let bearer = format!("Bearer {API_KEY}");
    for (header, value) in [("authorization", bearer.as_str()), ("x-api-key", API_KEY)] {
        assert_eq!(send(&lab, &[(header, value)]).await.0, 200, "{header}");
        let entry = lab.emulator.requests().pop().unwrap();
        assert_eq!(entry.api_key_header.as_deref(), Some(header));
        assert_eq!((entry.verified, entry.principal_arn.as_deref()), (true, Some(API_KEY_ARN)));
        assert!(!format!("{entry:?}").contains(API_KEY));
    }
    let both = send(&lab, &[("authorization", &bearer), ("x-api-key", API_KEY)]).await;
    assert_eq!((both.0, both.1.as_str()), (401, "authentication_error"));
    let signed = Call::messages(&ask("Hello")).with("x-api-key", API_KEY);
    assert_eq!(lab.send(&signed, &lab.session().await).await.0, 401);
}

#[tokio::test]
async fn unknown_keys_are_refused() {
    let lab = Lab::new().await;
    lab.emulator.change_world(|world| {
        let mut nameless = world.api_keys[0].clone();
        nameless.key.clear();
        world.api_keys.push(nameless);
    });
    let expected = (401, "authentication_error".to_owned(), "Invalid bearer token".to_owned());
    for key in ["sk-ant-unknown", "", &API_KEY[1..]] {
        assert_eq!(send(&lab, &[("x-api-key", key)]).await, expected, "{key}");
    }
    assert_eq!(send(&lab, &[("authorization", "Bearer nothing")]).await, expected);
}

#[tokio::test]
async fn a_key_needs_the_bearer_permission_beside_the_routes_action() {
    let lab = Lab::new().await;
    let set = |condition: Value, kind: ApiKeyKind| {
        let document = json!({"Statement": [
            {"Effect": "Allow", "NotAction": "*:CallWithBearerToken", "Resource": "*"},
            {"Effect": "Allow", "Action": "*:CallWithBearerToken", "Resource": "*", "Condition": condition}]});
        lab.emulator.change_world(|world| {
            world.api_keys[0].policy = Policy::try_from(document).unwrap();
            world.api_keys[0].kind = kind;
        });
    };
    let only = |kind: &str| json!({"StringEquals": {"aws-external-anthropic:BearerTokenType": kind}});
    let key = [("x-api-key", API_KEY)];
    set(only("LONG_TERM"), ApiKeyKind::LongTerm);
    assert_eq!(send(&lab, &key).await.0, 200);
    set(only("LONG_TERM"), ApiKeyKind::ShortTerm);
    let (status, kind, message) = send(&lab, &key).await;
    assert_eq!((status, kind.as_str()), (403, "permission_error"));
    assert!(
        message
            .contains("not authorized to perform: aws-external-anthropic:CallWithBearerToken on resource: *")
    );
    lab.emulator.change_world(|world| {
        let document =
            json!({"Statement": [{"Effect": "Allow", "NotAction": "*:CreateInference", "Resource": "*"}]});
        world.api_keys[0].policy = Policy::try_from(document).unwrap();
    });
    assert!(
        send(&lab, &key).await.2.contains("aws-external-anthropic:CreateInference on resource: arn:aws:")
    );
}

#[tokio::test]
async fn a_key_of_another_region_is_refused_and_so_is_one_of_an_account_without_federation() {
    let lab = Lab::new().await;
    let key = [("x-api-key", API_KEY)];
    lab.emulator.change_world(|world| world.api_keys[0].region = Some("eu-central-1".into()));
    assert_eq!(send(&lab, &key).await.0, 401);
    lab.emulator.change_world(|world| {
        world.api_keys[0].region = Some("us-west-2".into());
        world.accounts.get_mut("123456789012").unwrap().federation = false;
    });
    assert!(send(&lab, &key).await.2.contains("Outbound web identity federation is disabled"));
}

/// A short-term key, computed as the token generators do, from the session's credentials.
fn short_term(keys: &Keys, region: &str, seconds: u32) -> String {
    let scope = format!("20261122/{region}/aws-external-anthropic/aws4_request");
    let token = escape(keys.token.as_deref().unwrap());
    let query = format!(
        "Action=CallWithBearerToken&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date=20261122T120000Z&X-Amz-Expires={seconds}&X-Amz-Security-Token={token}&X-Amz-SignedHeaders=host",
        escape(&format!("{}/{scope}", keys.id)),
    );
    let host = "aws-external-anthropic.amazonaws.com";
    let empty = hex::encode(Sha256::digest(b""));
    let request = format!("POST\n/\n{query}\nhost:{host}\n\nhost\n{empty}");
    let hash = hex::encode(Sha256::digest(request.as_bytes()));
    let signature = hex::encode(sign(
        &keys.secret,
        &["20261122", region, "aws-external-anthropic"],
        &format!("AWS4-HMAC-SHA256\n20261122T120000Z\n{scope}\n{hash}"),
    ));
    let url = format!("{host}/?{query}&X-Amz-Signature={signature}&Version=1");
    format!("aws-external-anthropic-api-key-{}", STANDARD.encode(url))
}

#[tokio::test]
async fn a_short_term_key_acts_for_the_credentials_it_was_computed_from() {
    let lab = Lab::new().await;
    lab.emulator.change_world(|world| {
        let everything = json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        world.roles.get_mut("portcullis-claude").unwrap().permissions_policy =
            Policy::try_from(everything).unwrap();
    });
    let session = lab.session().await;
    let key = short_term(&session, "us-west-2", 600);
    assert_eq!(send(&lab, &[("authorization", &format!("Bearer {key}"))]).await.0, 200);
    let entry = lab.emulator.requests().pop().unwrap();
    assert_eq!(entry.access_key_id.as_deref(), Some(session.id.as_str()));
    let elsewhere = short_term(&session, "eu-central-1", 600);
    assert_eq!(send(&lab, &[("x-api-key", &elsewhere)]).await.0, 401);
    let forged = short_term(&Keys { secret: "x".into(), ..session.clone() }, "us-west-2", 600);
    assert_eq!(send(&lab, &[("x-api-key", &forged)]).await.2, "Invalid bearer token");
    lab.clock.advance(Duration::from_secs(600));
    assert_eq!(send(&lab, &[("x-api-key", &key)]).await.2, "Invalid bearer token: it has expired");
}

#[tokio::test]
async fn a_short_term_key_needs_the_bearer_permission_of_its_role() {
    let lab = Lab::new().await;
    let key = short_term(&lab.session().await, "us-west-2", 600);
    let (status, _, message) = send(&lab, &[("x-api-key", &key)]).await;
    assert_eq!(status, 403);
    assert!(
        message.contains("CallWithBearerToken on resource: * because no identity-based policy"),
        "{message}"
    );
}
