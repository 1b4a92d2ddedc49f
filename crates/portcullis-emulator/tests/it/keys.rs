//! API keys of the platform.

use portcullis_emulator::iam::Policy;
use portcullis_emulator::world::{API_KEY, API_KEY_ARN, ApiKeyKind, WORKSPACE_ID};
use serde_json::{Value, json};

use crate::client::{Call, Lab, ask};

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
