//! `AssumeRole` and `GetCallerIdentity`.

use portcullis_emulator::StsMode;
use portcullis_emulator::world::{EXTERNAL_ID, GATEWAY_ARN};

use crate::client::{Call, Keys, Lab, assume_role, element};

#[tokio::test]
async fn a_role_is_assumed_with_its_external_id() {
    let lab = Lab::new().await;
    let (status, body) = lab.assume(&[("ExternalId", EXTERNAL_ID)]).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        element(&body, "Arn"),
        "arn:aws:sts::123456789012:assumed-role/portcullis-claude/pcs-team-one"
    );
    assert_eq!(element(&body, "Expiration"), "2026-11-22T13:00:00Z");
    assert!(element(&body, "AccessKeyId").starts_with("ASIA"));
    let entry = lab.emulator.requests().pop().unwrap();
    assert_eq!(entry.operation, "sts:AssumeRole");
    assert_eq!(entry.external_id.as_deref(), Some(EXTERNAL_ID));
    assert_eq!(entry.principal_arn.as_deref(), Some(GATEWAY_ARN));
    assert!(!format!("{entry:?}").contains(&element(&body, "SecretAccessKey")));
    assert_eq!(lab.emulator.counters().assume_role_calls, 1);
}

#[tokio::test]
async fn access_denied_does_not_say_why() {
    let lab = Lab::new().await;
    let id = ("ExternalId", EXTERNAL_ID);
    for extra in [
        vec![],
        vec![("ExternalId", "wrong")],
        vec![id, ("RoleArn", "arn:aws:iam::123456789012:role/nobody")],
        vec![id, ("SourceIdentity", "alice")],
        vec![id, ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "one")],
    ] {
        let (status, body) = lab.assume(&extra).await;
        assert_eq!((status, element(&body, "Code").as_str()), (403, "AccessDenied"), "{extra:?} {body}");
        assert!(
            element(&body, "Message")
                .starts_with(&format!("User: {GATEWAY_ARN} is not authorized to perform: sts:"))
        );
    }
}

#[tokio::test]
async fn parameters_outside_their_limits_are_refused() {
    let lab = Lab::new().await;
    let long = "x".repeat(65);
    let big_policy = format!(
        r#"{{"Statement":[{{"Effect":"Allow","Action":"s3:{}","Resource":"*"}}]}}"#,
        "a".repeat(1950)
    );
    let check = async |name: &str, value: &str, code: &str, part: &str| {
        let (status, body) = lab.assume(&[("ExternalId", EXTERNAL_ID), (name, value)]).await;
        assert_eq!((status, element(&body, "Code").as_str()), (400, code), "{name}={value} {body}");
        assert!(body.contains(part), "{body}");
    };
    check("RoleArn", "(absent)", "ValidationError", "roleArn").await;
    check("RoleArn", "short", "ValidationError", "greater than or equal to 20").await;
    check("RoleArn", "arn:aws:iam::123456789012:user/someone", "ValidationError", "is invalid").await;
    check("RoleSessionName", "(absent)", "ValidationError", "must not be null").await;
    check("RoleSessionName", "a", "ValidationError", "greater than or equal to 2").await;
    check("RoleSessionName", &long, "ValidationError", "less than or equal to 64").await;
    check("RoleSessionName", "a b", "ValidationError", "regular expression").await;
    check("ExternalId", "a b", "ValidationError", "externalId").await;
    check("DurationSeconds", "899", "ValidationError", "equal to 900").await;
    check("DurationSeconds", "43201", "ValidationError", "equal to 43200").await;
    check("DurationSeconds", "soon", "MalformedInput", "not a number").await;
    check("DurationSeconds", "3601", "ValidationError", "exceeds the MaxSessionDuration set for this role.")
        .await;
    check("SourceIdentity", "x", "ValidationError", "sourceIdentity").await;
    check("Policy", "{}", "MalformedPolicyDocument", "invalid").await;
    let bare = r#"{"Statement":[{"Effect":"Allow","Action":"CreateInference","Resource":"*"}]}"#;
    check("Policy", bare, "MalformedPolicyDocument", "prefaced by a vendor").await;
    check("Policy", &"x".repeat(2049), "ValidationError", "2048").await;
    check("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/X", "ValidationError", "PolicyArns").await;
    let tags: Vec<(String, String)> =
        (1..=5).map(|n| (format!("Tags.member.{n}.Key"), format!("{n}{}", "k".repeat(100)))).collect();
    let mut extra: Vec<(&str, &str)> = tags.iter().map(|(name, key)| (name.as_str(), key.as_str())).collect();
    extra.extend([("ExternalId", EXTERNAL_ID), ("Policy", &big_policy)]);
    let (_, body) = lab.assume(&extra).await;
    assert_eq!(element(&body, "Code"), "PackedPolicyTooLarge");
}

#[tokio::test]
async fn chained_sessions_are_capped_at_an_hour() {
    let lab = Lab::new().await;
    lab.emulator.change_world(|world| {
        let role = world.roles.get_mut("portcullis-claude").unwrap();
        let everything = r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        role.permissions_policy = portcullis_emulator::iam::Policy::from_json(everything).unwrap();
        role.trust_policy = portcullis_emulator::world::trust_policy("*", None);
        role.max_session_duration = 43_200;
    });
    let session = lab.session_with(&[("DurationSeconds", "43200")]).await;
    let (status, body) = lab.send(&assume_role(&[("DurationSeconds", "3601")]), &session).await;
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("exceeds the 1 hour session limit for roles assumed by role chaining."));
    assert_eq!(lab.send(&assume_role(&[("DurationSeconds", "3600")]), &session).await.0, 200);
}

#[tokio::test]
async fn caller_identity_is_who_signed() {
    let lab = Lab::new().await;
    let call = Call::sts(&[("Action", "GetCallerIdentity")]);
    let (_, body) = lab.send(&call, &Keys::gateway()).await;
    assert_eq!(
        (element(&body, "Arn").as_str(), element(&body, "Account").as_str()),
        (GATEWAY_ARN, "111122223333")
    );
    let session = lab.session().await;
    let (_, body) = lab.send(&call, &session).await;
    assert_eq!(element(&body, "Account"), "123456789012");
}

#[tokio::test]
async fn bad_signatures_and_keys_are_told_apart() {
    let lab = Lab::new().await;
    let call = Call::sts(&[("Action", "GetCallerIdentity")]);
    let code = async |call: &Call, keys: &Keys| {
        let (status, body) = lab.send(call, keys).await;
        (status, element(&body, "Code"))
    };
    let wrong_secret = Keys { secret: "x".into(), ..Keys::gateway() };
    assert_eq!(code(&call, &wrong_secret).await, (403, "SignatureDoesNotMatch".into()));
    let unknown = Keys { id: "AKIANOBODY".into(), ..Keys::gateway() };
    assert_eq!(code(&call, &unknown).await, (403, "InvalidClientTokenId".into()));
    let other_service = Call { service: "iam", ..call.clone() };
    assert_eq!(code(&other_service, &Keys::gateway()).await, (403, "SignatureDoesNotMatch".into()));
    let session = lab.session().await;
    lab.emulator.expire_sessions();
    assert_eq!(code(&call, &session).await, (400, "ExpiredToken".into()));
    let unknown_action = Call::sts(&[("Action", "Dance")]);
    assert_eq!(code(&unknown_action, &Keys::gateway()).await, (400, "InvalidAction".into()));
    let bare = lab.http.post(lab.emulator.base_url()).send().await.unwrap();
    assert!(bare.text().await.unwrap().contains("MissingAuthenticationToken"));
}

#[tokio::test]
async fn sts_fails_as_told() {
    let lab = Lab::new().await;
    let id = [("ExternalId", EXTERNAL_ID)];
    for (mode, status, code) in [
        (StsMode::Throttling, 400, "Throttling"),
        (StsMode::Unavailable, 503, "ServiceUnavailable"),
        (StsMode::InternalFailure, 500, "InternalFailure"),
        (StsMode::RegionDisabled, 403, "RegionDisabledException"),
    ] {
        lab.emulator.set_sts_mode(mode);
        let (got, body) = lab.assume(&id).await;
        assert_eq!((got, element(&body, "Code").as_str()), (status, code));
    }
    for mode in [StsMode::Garbage, StsMode::Truncated, StsMode::Incomplete] {
        lab.emulator.set_sts_mode(mode);
        let (status, body) = lab.assume(&id).await;
        assert_eq!(status, 200);
        assert!(!body.contains("</Credentials>") || !body.ends_with("</AssumeRoleResponse>"), "{body}");
    }
    lab.emulator.set_sts_mode(StsMode::Slow { ms: 1 });
    assert_eq!(lab.assume(&id).await.0, 200);
    lab.emulator.set_sts_mode(StsMode::Unreachable);
    assert!(lab.signed(&assume_role(&id), &Keys::gateway()).send().await.is_err());
}
