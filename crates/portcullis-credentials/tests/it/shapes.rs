//! What STS is told and how it is reached, against a stand-in that judges it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use portcullis_credentials::sts::AwsSts;
use portcullis_credentials::{
    CredentialEngine, CredentialRequest, CredentialsError, EngineSettings, StsEndpoint,
};
use portcullis_emulator::world::{
    CUSTOMER_ACCOUNT, EXTERNAL_ID, GATEWAY_ACCOUNT, GATEWAY_ARN, GATEWAY_SECRET_ACCESS_KEY, REGION, ROLE_ARN,
    Role,
};
use portcullis_emulator::{AssumeRoleParameters, Emulator, EmulatorHandle, StsMode, World, iam};
use portcullis_types::{
    AwsAuth, AwsCredentials, ClaudePlatformAws, IntegrationId, Revision, SessionSubject, SystemClock,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::emulator::Gateway;
use crate::wanted::{platform, subject};

async fn aws(world: World) -> EmulatorHandle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Emulator::builder().world(world).build().spawn(listener).unwrap()
}

fn policy(document: &Value) -> iam::Policy {
    iam::Policy::from_json(&document.to_string()).unwrap()
}

fn role(account: &str, trusted: &str, actions: &[&str], longest: u32) -> Role {
    let statement = json!({"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": actions});
    let may_go_on = json!({"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], "Resource": "*"});
    Role {
        account: account.to_owned(),
        path: "/".to_owned(),
        trust_policy: policy(&json!({"Version": "2012-10-17", "Statement": [statement]})),
        permissions_policy: policy(&json!({"Version": "2012-10-17", "Statement": [may_go_on]})),
        permissions_boundary: None,
        max_session_duration: longest,
    }
}

fn engine(aws: &EmulatorHandle, adjust: impl FnOnce(&mut EngineSettings)) -> CredentialEngine {
    let mut settings = EngineSettings::new(Arc::new(SystemClock));
    settings.sts_endpoint = Some(aws.base_url());
    adjust(&mut settings);
    let sts = Arc::new(AwsSts::with_settings(&settings));
    CredentialEngine::with_settings(settings, Arc::new(Gateway(GATEWAY_SECRET_ACCESS_KEY)), sts)
}

fn claude(settings: Value) -> ClaudePlatformAws {
    with_settings(platform(REGION, ROLE_ARN.parse().unwrap(), EXTERNAL_ID.parse().unwrap()), settings)
}

fn with_settings(mut platform: ClaudePlatformAws, json: Value) -> ClaudePlatformAws {
    let AwsAuth::AssumedRole { settings, .. } = &mut platform.auth else { unreachable!() };
    *settings = Arc::new(serde_json::from_value(json).unwrap());
    platform
}

async fn assume(
    engine: &CredentialEngine,
    platform: &ClaudePlatformAws,
) -> Result<Arc<AwsCredentials>, CredentialsError> {
    let request = CredentialRequest {
        integration: IntegrationId::generate(SystemTime::UNIX_EPOCH),
        revision: Revision(1),
        platform,
        subject: SessionSubject { user: Some("ada"), ..subject() },
    };
    engine.credentials(&request).await
}

fn calls(aws: &EmulatorHandle) -> Vec<AssumeRoleParameters> {
    aws.requests().into_iter().filter_map(|request| request.assume_role).collect()
}

#[tokio::test]
async fn a_chain_leads_through_its_roles_and_carries_what_belongs_to_each() {
    let hub = role(GATEWAY_ACCOUNT, GATEWAY_ARN, &["sts:AssumeRole", "sts:TagSession"], 3600);
    let hub_arn = format!("arn:aws:iam::{GATEWAY_ACCOUNT}:role/hub");
    let everything = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];
    let own = role(CUSTOMER_ACCOUNT, &hub_arn, &everything, 43_200);
    let aws = aws(World::example().with_role("hub", hub).with_role("behind-the-hub", own)).await;
    let engine = engine(&aws, |_| ());
    let own_arn = format!("arn:aws:iam::{CUSTOMER_ACCOUNT}:role/behind-the-hub");
    let platform = with_settings(
        platform(REGION, own_arn.parse().unwrap(), EXTERNAL_ID.parse().unwrap()),
        json!({
            "role_chain": [{"role_arn": hub_arn, "session_name": "through-{workspace}"}],
            "duration_seconds": 43_200,
            "session_tags": [{"key": "team", "value": "{workspace}"}, {"key": "user", "value": "{user}"}],
            "transitive_tag_keys": ["team"],
            "source_identity": "{user}",
        }),
    );
    let session = assume(&engine, &platform).await.unwrap();
    let origin = aws.session_origin(session.access_key_id.as_str()).unwrap();
    assert_eq!(origin.role_arn, own_arn);
    assert!(origin.opened_by.ends_with("assumed-role/hub/through-default"), "{}", origin.opened_by);
    assert_eq!(origin.source_identity.as_deref(), Some("ada"));
    let tags: Vec<_> = origin.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(tags, [("team", "default"), ("user", "ada")]);
    let calls = calls(&aws);
    let durations: Vec<_> = calls.iter().map(|call| call.duration_seconds).collect();
    assert_eq!(durations, [Some(900), Some(3600)]);
    assert_eq!(calls[1].policy.as_ref().unwrap()["Version"], "2012-10-17");
}

#[tokio::test]
async fn aws_is_asked_for_less_until_it_grants_it() {
    let own = role(CUSTOMER_ACCOUNT, GATEWAY_ARN, &["sts:AssumeRole"], 7200);
    let aws = aws(World::example().with_role("brief", own)).await;
    let engine = engine(&aws, |_| ());
    let arn = format!("arn:aws:iam::{CUSTOMER_ACCOUNT}:role/brief");
    let platform = platform(REGION, arn.parse().unwrap(), EXTERNAL_ID.parse().unwrap());
    assume(&engine, &with_settings(platform, json!({"duration_seconds": 43_200}))).await.unwrap();
    let durations: Vec<_> = calls(&aws).iter().filter_map(|call| call.duration_seconds).collect();
    assert_eq!(durations, [43_200, 21_600, 10_800, 5400]);
}

#[tokio::test]
async fn a_policy_and_tags_that_are_too_large_together_say_what_to_shorten() {
    let own = role(CUSTOMER_ACCOUNT, GATEWAY_ARN, &["sts:AssumeRole", "sts:TagSession"], 3600);
    let aws = aws(World::example().with_role("tagged", own)).await;
    let engine = engine(&aws, |_| ());
    let tags: Vec<_> =
        (0..50).map(|n| json!({"key": format!("tag-{n}"), "value": format!("{n}").repeat(120)})).collect();
    let arn = format!("arn:aws:iam::{CUSTOMER_ACCOUNT}:role/tagged");
    let platform = platform(REGION, arn.parse().unwrap(), EXTERNAL_ID.parse().unwrap());
    let error = assume(&engine, &with_settings(platform, json!({"session_tags": tags}))).await.unwrap_err();
    assert_eq!(error.code(), "aws_packed_policy_too_large");
    assert!(error.to_string().contains("drop some of `session_tags`"), "{error}");
}

fn fallback(region: &str, aws: &EmulatorHandle) -> StsEndpoint {
    StsEndpoint { region: region.parse().unwrap(), url: Some(aws.base_url()) }
}

#[tokio::test]
async fn what_the_regions_sts_does_not_do_its_fall_back_does() {
    let modes = [
        StsMode::Throttling,
        StsMode::Unavailable,
        StsMode::InternalFailure,
        StsMode::RegionDisabled,
        StsMode::Garbage,
        StsMode::Truncated,
        StsMode::Incomplete,
        StsMode::Unreachable,
    ];
    for mode in modes {
        let (regional, other) = (aws(World::example()).await, aws(World::example()).await);
        regional.set_sts_mode(mode);
        let engine =
            engine(&regional, |settings| settings.sts_fallbacks = vec![fallback("us-east-1", &other)]);
        let answer = assume(&engine, &claude(json!({}))).await;
        assert!(answer.is_ok(), "{mode:?}: {answer:?}");
        assert_eq!(other.requests()[0].region.as_deref(), Some("us-east-1"), "{mode:?}");
        assert!(regional.requests().len() <= 1, "{mode:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_the_answer_and_no_fall_back_is_asked() {
    let (regional, other) = (aws(World::example()).await, aws(World::example()).await);
    regional.set_sts_mode(StsMode::AccessDenied);
    let engine = engine(&regional, |settings| settings.sts_fallbacks = vec![fallback("us-east-1", &other)]);
    assert_eq!(assume(&engine, &claude(json!({}))).await.unwrap_err().code(), "aws_assume_role_denied");
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn a_silent_sts_costs_its_time_once_and_then_the_fall_back_comes_first() {
    let (regional, other) = (aws(World::example()).await, aws(World::example()).await);
    regional.set_sts_mode(StsMode::Stall);
    let engine = engine(&regional, |settings| settings.sts_fallbacks = vec![fallback("us-east-1", &other)]);
    let started = Instant::now();
    assume(&engine, &claude(json!({}))).await.unwrap();
    let first = started.elapsed();
    assert!((Duration::from_secs(4)..Duration::from_secs(8)).contains(&first), "{first:?}");
    let started = Instant::now();
    assume(&engine, &claude(json!({}))).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn two_silent_sts_leave_time_for_the_third() {
    let (regional, second) = (aws(World::example()).await, aws(World::example()).await);
    let third = aws(World::example()).await;
    regional.set_sts_mode(StsMode::Stall);
    second.set_sts_mode(StsMode::Stall);
    let engine = engine(&regional, |settings| {
        settings.sts_fallbacks = vec![fallback("us-east-1", &second), fallback("eu-west-1", &third)];
    });
    assume(&engine, &claude(json!({}))).await.unwrap();
}

#[tokio::test]
async fn a_denial_by_a_stale_host_is_not_repeated_by_the_next_call() {
    let aws = aws(World::example()).await;
    let engine = engine(&aws, |_| ());
    aws.set_sts_mode(StsMode::StaleConnections);
    for _ in 0..2 {
        let _ = assume(&engine, &claude(json!({}))).await;
    }
    aws.clear_requests();
    assume(&engine, &claude(json!({}))).await.unwrap();
    assume(&engine, &claude(json!({}))).await.unwrap();
    let connections: Vec<_> = aws.requests().iter().map(|request| request.connection).collect();
    assert_ne!(connections[0], connections[1], "each call has a connection of its own");
}

#[tokio::test]
async fn a_clock_that_is_wrong_costs_one_refusal_and_one_that_is_nearly_right_none() {
    for (offset, most_refusals) in [(240, 0), (-240, 0), (3600, 1), (-3600, 1)] {
        let aws = aws(World::example()).await;
        aws.set_clock_offset(offset);
        let engine = engine(&aws, |_| ());
        for _ in 0..3 {
            let session = assume(&engine, &claude(json!({}))).await;
            assert!(session.is_ok(), "{offset} s: {session:?}");
        }
        let refused = aws.requests().iter().filter(|request| request.refusal.is_some()).count();
        assert!(refused <= most_refusals, "{offset} s: {refused} refusals");
        let learnt = engine.skew().offset_seconds();
        assert!((learnt - offset).abs() <= 3, "{offset} s: learnt {learnt}");
    }
}
