//! A whole verification against an emulated AWS: what passes in a world that is as it should be, and which step finds what
//! is wrong in one that is not.

mod onboarded;
pub(crate) mod scene;
mod strange;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use portcullis_credentials::sts::AwsSts;
use portcullis_credentials::verification::{
    ExternalIdProof, PlatformCredentials, ProbesPlatform, Step, StepStatus, VerificationSubject,
};
use portcullis_credentials::{AssumesRoles, SourceChain, VerifyOptions};
use portcullis_emulator::StsMode;
use portcullis_emulator::iam::Policy;
use portcullis_emulator::world::{
    API_KEY, CUSTOMER_ACCOUNT, EXTERNAL_ID, GATEWAY_ACCOUNT, GATEWAY_ARN, REGION, ROLE_ARN, WORKSPACE_ID,
    World,
};
use portcullis_gateway::{GatewaySettings, PlatformProbe};
use portcullis_types::{
    ApiKeyHeader, AwsAuth, Clock, ClockSkew, Feature, FeatureSet, ManualClock, RoleHop, RoleSettings,
    SystemClock, VerificationStatus,
};
use serde_json::json;
use tokio::net::TcpListener;

use scene::{
    Gateway, Scene, api_key, assert_fails, customers_role, policy, role, role_with, settings, shown, step,
    subject, verifier,
};

#[tokio::test]
async fn every_step_passes_in_a_world_that_is_as_it_should_be() {
    let scene = Scene::new().await;
    let verdict = scene.verify(role()).await;
    let all_passed: Vec<String> = Step::ALL.iter().map(|step| format!("{step}: passed")).collect();
    assert_eq!(shown(&verdict), all_passed, "{:#?}", verdict.steps);
    assert_eq!(verdict.status, VerificationStatus::Verified);
    assert!(verdict.is_external_id_enforced() && !verdict.is_unsafe());
    let evidence = |of| step(&verdict, of).evidence.as_str();
    assert!(evidence(Step::StsReachable).contains(GATEWAY_ARN));
    assert!(evidence(Step::AssumeRole).contains("assumed-role/portcullis-claude/pcs-default-claude"));
    assert!(
        evidence(Step::RefusedWithoutExternalId).contains("is not authorized to perform: sts:AssumeRole")
    );
    assert!(evidence(Step::SessionLength).ends_with("3600 s were asked for"));
    assert!(evidence(Step::WorkspaceExists).contains(WORKSPACE_ID));
    assert!(evidence(Step::ListModels).contains(" model(s), the first is `claude-"));
    assert!(evidence(Step::Inference).contains("tokens in, "), "{}", evidence(Step::Inference));
    let counted = step(&verdict, Step::CountTokens);
    assert!(counted.request_id.is_some() && counted.aws_request_id.is_some());
}

#[tokio::test]
async fn sts_sees_the_probes_as_they_are_meant() {
    let scene = Scene::new().await;
    scene.verify(role()).await;
    let calls: Vec<_> =
        scene.aws.requests().into_iter().filter(|r| r.operation == "sts:AssumeRole").collect();
    let ids: Vec<_> = calls.iter().map(|call| call.external_id.as_deref()).collect();
    assert_eq!(ids.len(), 5);
    assert_eq!((ids[0], ids[1], ids[4]), (Some(EXTERNAL_ID), None, Some(EXTERNAL_ID)));
    assert!(ids[2].unwrap().starts_with("pcs-"), "like one of our own making");
    let neighbour = ids[3].unwrap();
    assert_eq!(neighbour[..neighbour.len() - 1], EXTERNAL_ID[..EXTERNAL_ID.len() - 1]);
    assert!(calls.iter().all(|call| call.session_name.as_deref() == Some("pcs-default-claude")));
    assert!(calls[1..4].iter().all(|call| call.refusal.as_deref().unwrap().starts_with("AccessDenied")));
}

#[tokio::test]
async fn a_role_without_the_condition_is_unsafe() {
    let scene = Scene::with(|world| {
        customers_role(world).trust_policy = policy(json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": GATEWAY_ARN}, "Action": "sts:AssumeRole"}]}));
    })
    .await;
    let verdict = scene.verify(role()).await;
    let fix = format!(r#""Condition": {{"StringEquals":{{"sts:ExternalId":"{EXTERNAL_ID}"}}}}"#);
    assert_fails(&verdict, Step::RefusedWithoutExternalId, "external_id_not_enforced", &fix);
    assert_eq!(verdict.status, VerificationStatus::Unsafe);
    assert!(verdict.is_unsafe() && !verdict.is_external_id_enforced());
    assert_eq!(step(&verdict, Step::ListModels).status, StepStatus::Passed, "it works, which is the danger");
}

#[tokio::test]
async fn a_role_that_takes_any_external_id_is_unsafe() {
    let scene = Scene::with(|world| {
        customers_role(world).trust_policy = policy(json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": GATEWAY_ARN}, "Action": "sts:AssumeRole",
             "Condition": {"StringLike": {"sts:ExternalId": "*"}}}]}));
    })
    .await;
    let verdict = scene.verify(role()).await;
    assert_eq!(step(&verdict, Step::RefusedWithoutExternalId).status, StepStatus::Passed);
    assert_fails(&verdict, Step::RefusedWithWrongExternalId, "external_id_not_enforced", EXTERNAL_ID);
    assert_eq!(verdict.status, VerificationStatus::Unsafe);
}

#[tokio::test]
async fn a_role_that_takes_ids_like_its_own_is_unsafe() {
    let like = format!("{}*", &EXTERNAL_ID[..EXTERNAL_ID.len() - 2]);
    for pattern in ["pcs-*", &like] {
        let own: String = if pattern == "pcs-*" { "pcs-0a".into() } else { EXTERNAL_ID.into() };
        let scene = Scene::with(|world| {
            customers_role(world).trust_policy = policy(json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": GATEWAY_ARN}, "Action": "sts:AssumeRole",
                 "Condition": {"StringLike": {"sts:ExternalId": pattern}}}]}));
        })
        .await;
        let auth = AwsAuth::AssumedRole {
            role_arn: ROLE_ARN.parse().unwrap(),
            external_id: own.parse().unwrap(),
            settings: Arc::default(),
        };
        let verdict = scene.verify(auth).await;
        assert_eq!(verdict.status, VerificationStatus::Unsafe, "{pattern}: {:#?}", verdict.steps);
        assert_eq!(step(&verdict, Step::RefusedWithoutExternalId).status, StepStatus::Passed);
    }
}

#[tokio::test]
async fn a_control_policy_that_refuses_proves_nothing_of_the_role() {
    let scene = Scene::with(|world| {
        let scp = policy(json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*",
             "Condition": {"Null": {"sts:ExternalId": "true"}}}]}));
        world.accounts.entry(GATEWAY_ACCOUNT.to_owned()).or_default().service_control_policy = Some(scp);
        // Open, for whoever is not bound by that policy.
        customers_role(world).trust_policy = policy(json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
             "Condition": {"StringEqualsIfExists": {"sts:ExternalId": EXTERNAL_ID}}}]}));
    })
    .await;
    let verdict = scene.verify(role()).await;
    assert_fails(&verdict, Step::RefusedWithoutExternalId, "external_id_refused_elsewhere", "trust policy");
    let evidence = &step(&verdict, Step::RefusedWithoutExternalId).evidence;
    assert!(evidence.contains("with an explicit deny in a service control policy"), "{evidence}");
    assert!(!verdict.is_external_id_enforced() && !verdict.is_unsafe());
}

#[tokio::test]
async fn a_role_that_takes_no_tags_fails_for_a_caller() {
    let scene = Scene::with(|world| {
        customers_role(world).trust_policy = policy(json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": GATEWAY_ARN}, "Action": "sts:AssumeRole",
             "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}}]}));
    })
    .await;
    let tagged = settings(json!({"session_tags": [{"key": "project", "value": "{metadata.project}"}]}));
    let verdict = scene.verify(role_with(tagged)).await;
    assert_fails(&verdict, Step::AssumeRole, "aws_assume_role_denied", "sts:TagSession");
    let evidence = &step(&verdict, Step::AssumeRole).evidence;
    assert!(evidence.contains("metadata.project `portcullis-verify`"), "{evidence}");
    let named = settings(json!({"source_identity": "{user}"}));
    let verdict = scene.verify(role_with(named)).await;
    assert_fails(&verdict, Step::AssumeRole, "aws_assume_role_denied", "sts:SetSourceIdentity");
}

#[tokio::test]
async fn a_role_that_checks_the_external_id_of_tagged_sessions_only_is_unsafe() {
    let scene = Scene::with(|world| {
        customers_role(world).trust_policy = policy(json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": GATEWAY_ARN}, "Action": "sts:AssumeRole"},
            {"Effect": "Allow", "Principal": {"AWS": GATEWAY_ARN}, "Action": "sts:TagSession",
             "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}}]}));
        let may_tag = policy(json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "*"}]}));
        world.principals[0].policy = may_tag;
    })
    .await;
    let tagged = role_with(settings(json!({"session_tags": [{"key": "team", "value": "acme"}]})));
    let verdict = scene.verify(tagged).await;
    assert_fails(&verdict, Step::RefusedWithoutExternalId, "external_id_not_enforced", EXTERNAL_ID);
}

#[tokio::test]
async fn a_role_that_trusts_somebody_else_is_not_assumed() {
    let scene = Scene::with(|world| {
        customers_role(world).trust_policy = policy(json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/somebody"},
             "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}}]}));
    })
    .await;
    let verdict = scene.verify(role()).await;
    assert_fails(&verdict, Step::AssumeRole, "aws_assume_role_denied", GATEWAY_ARN);
    assert_eq!(verdict.status, VerificationStatus::Failing);
    let skipped = step(&verdict, Step::RefusedWithoutExternalId);
    assert_eq!(skipped.status, StepStatus::Skipped);
    assert!(skipped.evidence.contains("a refusal would prove nothing"));
    assert_eq!(step(&verdict, Step::EndpointResolves).status, StepStatus::Passed, "it needs no session");
    assert_eq!(step(&verdict, Step::Inference).status, StepStatus::Skipped);
}

#[tokio::test]
async fn federation_that_is_off_is_found_with_its_command() {
    let scene =
        Scene::with(|world| world.accounts.get_mut(CUSTOMER_ACCOUNT).unwrap().federation = false).await;
    let verdict = scene.verify(role()).await;
    let command = "aws iam enable-outbound-web-identity-federation";
    assert_fails(&verdict, Step::FederationEnabled, "federation_disabled", command);
    assert_eq!(step(&verdict, Step::WorkspaceExists).status, StepStatus::Skipped);
    assert!(verdict.is_external_id_enforced(), "the trust was proven all the same");
}

#[tokio::test]
async fn an_account_without_a_subscription_is_found() {
    let scene =
        Scene::with(|world| world.accounts.get_mut(CUSTOMER_ACCOUNT).unwrap().subscribed = false).await;
    let verdict = scene.verify(role()).await;
    assert_fails(&verdict, Step::WorkspaceExists, "not_subscribed", "Marketplace");
    let federation = step(&verdict, Step::FederationEnabled);
    assert_eq!((federation.status, federation.code), (StepStatus::Warning, Some("could_not_be_told")));
}

#[tokio::test]
async fn a_workspace_of_another_region_is_not_found() {
    let scene = Scene::with(|world| world.regional_endpoints = true).await;
    let mut elsewhere = subject(role_with(settings(json!({"session_policy": "off"}))));
    elsewhere.platform.region = "eu-central-1".parse().unwrap();
    let verdict = scene.verify_as(elsewhere).await;
    assert_fails(&verdict, Step::WorkspaceExists, "workspace_not_found", "region");
}

#[tokio::test]
async fn a_role_that_may_not_list_models_fails_there_and_counts_all_the_same() {
    let scene = Scene::with(|world| {
        let text = serde_json::to_string(&customers_role(world).permissions_policy).unwrap();
        let less = text.replace("\"aws-external-anthropic:ListModels\",", "");
        assert_ne!(less, text);
        customers_role(world).permissions_policy = Policy::from_json(&less).unwrap();
    })
    .await;
    let verdict = scene.verify(role()).await;
    assert_fails(&verdict, Step::ListModels, "access_denied_identity_policy", "ListModels");
    assert_eq!(step(&verdict, Step::CountTokens).status, StepStatus::Passed);
    assert_eq!(step(&verdict, Step::Inference).status, StepStatus::Passed);
}

#[tokio::test]
async fn a_role_that_may_not_read_the_workspaces_entry_is_verified_with_a_warning() {
    let scene = Scene::with(|world| {
        let text = serde_json::to_string(&customers_role(world).permissions_policy).unwrap();
        let less = text.replace(",\"aws-external-anthropic:GetWorkspace\"", "");
        assert_ne!(less, text);
        customers_role(world).permissions_policy = Policy::from_json(&less).unwrap();
    })
    .await;
    let verdict = scene.verify(role()).await;
    let workspace = step(&verdict, Step::WorkspaceExists);
    assert_eq!(
        (workspace.status, workspace.code),
        (StepStatus::Warning, Some("access_denied_identity_policy"))
    );
    assert!(workspace.evidence.contains("models are listed"), "{workspace:?}");
    assert_eq!(step(&verdict, Step::FederationEnabled).status, StepStatus::Passed);
    assert_eq!(verdict.status, VerificationStatus::Verified);
}

#[tokio::test]
async fn a_session_policy_that_leaves_out_inference_is_named() {
    let scene = Scene::new().await;
    let narrow = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Resource": "*", "Action": ["aws-external-anthropic:GetWorkspace",
            "aws-external-anthropic:ListModels", "aws-external-anthropic:CountTokens",
            "sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"]}]});
    let verdict = scene.verify(role_with(settings(json!({"session_policy": {"custom": narrow}})))).await;
    assert_fails(&verdict, Step::Inference, "access_denied_session_policy", "CreateInference");
}

#[tokio::test]
async fn a_role_that_may_not_have_tokens_minted_fails_at_federation() {
    let scene = Scene::with(|world| {
        let text = serde_json::to_string(&customers_role(world).permissions_policy).unwrap();
        let less = text.replace("sts:GetWebIdentityToken", "sts:GetCallerIdentity");
        customers_role(world).permissions_policy = Policy::from_json(&less).unwrap();
    })
    .await;
    let verdict = scene.verify(role()).await;
    let code = "access_denied_web_identity_token";
    assert_fails(&verdict, Step::FederationEnabled, code, "sts:GetWebIdentityToken");
}

#[tokio::test]
async fn a_role_with_shorter_sessions_is_verified_with_a_warning() {
    let scene = Scene::new().await;
    let verdict = scene.verify(role_with(settings(json!({"duration_seconds": 7200})))).await;
    let length = step(&verdict, Step::SessionLength);
    assert_eq!((length.status, length.code), (StepStatus::Warning, Some("session_shortened")), "{length:?}");
    assert!(length.cause.as_deref().unwrap().contains("3600 s"));
    assert_eq!(verdict.status, VerificationStatus::Verified);
}

#[tokio::test]
async fn an_sts_that_is_away_fails_its_step_and_skips_what_needs_it() {
    let scene = Scene::new().await;
    for (mode, code) in [
        (StsMode::Unreachable, "aws_sts_unavailable"),
        (StsMode::Throttling, "aws_sts_throttled"),
        (StsMode::RegionDisabled, "aws_sts_region_disabled"),
        (StsMode::Garbage, "aws_sts_malformed_answer"),
    ] {
        scene.aws.set_sts_mode(mode);
        let verdict = scene.verify(role()).await;
        assert_fails(&verdict, Step::StsReachable, code, "");
        assert_eq!(step(&verdict, Step::AssumeRole).status, StepStatus::Skipped);
    }
}

#[tokio::test]
async fn a_workspace_key_is_verified_without_sts() {
    let scene = Scene::new().await;
    for header in [ApiKeyHeader::Authorization, ApiKeyHeader::XApiKey] {
        let verdict = scene.verify(api_key(API_KEY, header)).await;
        assert_eq!(verdict.status, VerificationStatus::Verified, "{:#?}", verdict.steps);
        assert!(!verdict.is_external_id_enforced());
        assert!(verdict.steps[..6].iter().all(|report| report.status == StepStatus::Skipped));
        assert!(verdict.steps[0].evidence.contains("workspace key"), "{}", verdict.steps[0].evidence);
        assert!(verdict.steps[6..].iter().all(|report| report.status == StepStatus::Passed));
    }
    assert_eq!(scene.aws.counters().assume_role_calls, 0);
}

#[tokio::test]
async fn a_wrong_workspace_key_is_refused_and_in_no_report() {
    let scene = Scene::new().await;
    let verdict = scene.verify(api_key("AEAAhunter2hunter2hunter2", ApiKeyHeader::Authorization)).await;
    let failed = verdict.first_failure().unwrap();
    assert_eq!(failed.step, Step::WorkspaceExists, "{:#?}", verdict.steps);
    assert!(!serde_json::to_string(&verdict).unwrap().contains("hunter2"));
    let unusable = scene.verify(api_key("AEAA\nhunter2", ApiKeyHeader::Authorization)).await;
    assert_fails(&unusable, Step::WorkspaceExists, "unusable_api_key", "exactly as it was given");
}

#[tokio::test]
async fn a_chain_is_walked_and_the_probes_are_made_at_its_end() {
    const HOP: &str = "arn:aws:iam::111122223333:role/hop";
    let scene = Scene::with(|world| {
        let mut hop = customers_role(world).clone();
        hop.account = "111122223333".into();
        hop.permissions_policy = policy(json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}));
        world.roles.insert("hop".into(), hop);
        customers_role(world).trust_policy = policy(json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": HOP}, "Action": "sts:AssumeRole",
             "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}}]}));
    })
    .await;
    let hop = |external_id: &str| RoleHop {
        role_arn: HOP.parse().unwrap(),
        external_id: Some(external_id.parse().unwrap()),
        session_name: None,
    };
    let through =
        |external_id| RoleSettings { role_chain: vec![hop(external_id)], ..RoleSettings::default() };
    let verdict = scene.verify(role_with(through(EXTERNAL_ID))).await;
    assert_eq!(verdict.status, VerificationStatus::Verified, "{:#?}", verdict.steps);
    assert!(step(&verdict, Step::AssumeRole).evidence.contains("through 1 other role"));
    assert!(step(&verdict, Step::RefusedWithoutExternalId).evidence.contains("assumed-role/hop/"));
    let broken = scene.verify(role_with(through("another-external-id"))).await;
    assert_fails(&broken, Step::AssumeRole, "aws_assume_role_denied", HOP);
    assert!(step(&broken, Step::AssumeRole).evidence.starts_with("role 1 of the chain"));
}

#[tokio::test]
async fn features_that_are_not_enabled_are_not_tried() {
    let scene = Scene::new().await;
    let mut only_inference = subject(role());
    only_inference.platform.features =
        FeatureSet::try_from([Feature::Inference].into_iter().collect::<std::collections::BTreeSet<_>>())
            .unwrap();
    let verdict = scene.verify_as(only_inference).await;
    assert_eq!(verdict.status, VerificationStatus::Verified, "{:#?}", verdict.steps);
    assert!(step(&verdict, Step::ListModels).evidence.contains("`models`"));
    assert!(step(&verdict, Step::CountTokens).evidence.contains("`token_counting`"));
    assert_eq!(step(&verdict, Step::Inference).status, StepStatus::Passed);
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_found_without_a_session() {
    let scene = Scene::new().await;
    let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", nowhere.local_addr().unwrap());
    drop(nowhere);
    let verifier = verifier(&scene.aws.base_url(), &address);
    let options =
        VerifyOptions { inference: false, patience: Duration::ZERO, before: ExternalIdProof::Enforced };
    let verdict = verifier.verdict(&subject(role()), options).await;
    assert_fails(&verdict, Step::EndpointResolves, "upstream_unreachable", "DNS");
    assert!(step(&verdict, Step::EndpointResolves).evidence.contains("refused"));
    assert_eq!(step(&verdict, Step::FederationEnabled).status, StepStatus::Skipped);
}

#[tokio::test]
async fn a_model_that_is_closed_to_the_account_is_found() {
    let scene =
        Scene::with(|world| world.accounts.get_mut(CUSTOMER_ACCOUNT).unwrap().models = Some(vec![])).await;
    let verdict = scene.verify(role()).await;
    assert_fails(&verdict, Step::ListModels, "no_models", "access to models");
}

#[tokio::test]
async fn a_probe_by_a_wrong_clock_is_signed_again_by_awss() {
    let scene = Scene::new().await;
    let sts = AwsSts::new(Some(scene.aws.base_url()));
    let subject = subject(role());
    let source = Gateway.find().await.unwrap();
    let call = portcullis_credentials::AssumeRole {
        role_arn: ROLE_ARN.parse().unwrap(),
        external_id: Some(EXTERNAL_ID.parse().unwrap()),
        region: REGION.parse().unwrap(),
        session_name: "pcs-test".parse().unwrap(),
        duration: portcullis_types::session::SessionDuration::HOUR,
        policy: None,
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
    };
    let session = sts.assume_role(&source.credentials, &call).await.unwrap().credentials;
    let late: SystemTime = SystemClock.now() - Duration::from_secs(1200);
    let (clock, skew) = (Arc::new(ManualClock::at(late)), Arc::new(ClockSkew::default()));
    let upstream_base = scene.aws.base_url().parse().unwrap();
    let probe = PlatformProbe::new(
        &GatewaySettings { upstream_base, ..GatewaySettings::default() },
        clock,
        Arc::clone(&skew),
    )
    .unwrap();
    let answer = probe.get_workspace(&subject.platform, PlatformCredentials::Aws(&session)).await;
    assert!(answer.unwrap().evidence.contains(WORKSPACE_ID));
    assert!((1190..=1210).contains(&skew.offset_seconds()), "{}", skew.offset_seconds());
}

#[tokio::test]
async fn two_verifications_at_once_do_not_disturb_each_other() {
    let scene = Scene::new().await;
    let (one, other) = tokio::join!(scene.verify(role()), scene.verify(role()));
    assert_eq!(one.status, VerificationStatus::Verified, "{:#?}", one.steps);
    assert_eq!(other.status, VerificationStatus::Verified, "{:#?}", other.steps);
    assert_eq!(scene.aws.counters().assume_role_calls, 10);
}

#[tokio::test]
async fn the_gateways_own_identity_is_tried_even_when_sts_is_away() {
    let scene = Scene::new().await;
    scene.aws.set_sts_mode(StsMode::Unreachable);
    let verdict = scene.verify(AwsAuth::ServiceRole).await;
    assert_fails(&verdict, Step::StsReachable, "aws_sts_unavailable", "STS endpoint");
    // The gateway's user has no workspace; the platform was asked all the same.
    assert_eq!(
        step(&verdict, Step::WorkspaceExists).code,
        Some("workspace_not_found"),
        "{:#?}",
        verdict.steps
    );
}
