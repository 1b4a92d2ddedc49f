//! What a set-up hands out, carried out in the emulated account and nothing beside it: the whole verification passes.

use portcullis_credentials::onboarding::{Artefacts, OnboardingPlan, Preset, Target};
use portcullis_credentials::verification::Verdict;
use portcullis_emulator::world::{Role, Workspace};
use portcullis_types::{ClaudePlatformAws, MaxSessionDuration};

use super::*;

const ELSEWHERE: (&str, &str) = ("eu-central-1", "wrkspc_01KlMnOp45QrSt");

fn plan(preset: Preset) -> OnboardingPlan {
    let target = |(region, workspace): (&str, &str), external_id: &str| Target {
        region: region.parse().unwrap(),
        workspace_id: workspace.parse().unwrap(),
        external_id: external_id.parse().unwrap(),
        integration: "Claude".into(),
    };
    OnboardingPlan {
        role_name: "onboarded".parse().unwrap(),
        role_path: "/team/ai/".parse().unwrap(),
        account: Some(CUSTOMER_ACCOUNT.parse().unwrap()),
        gateway_principal: GATEWAY_ARN.parse().unwrap(),
        targets: vec![target((REGION, WORKSPACE_ID), "pcs-here"), target(ELSEWHERE, "pcs-elsewhere")],
        features: preset.features(),
        restrict_to_workspaces: true,
        with_session_tags: false,
        with_source_identity: false,
        with_bearer_tokens: false,
        max_session_duration: MaxSessionDuration::default(),
    }
}

/// The account after the plan: its role, and a gateway whose user may do what the plan says and no more.
fn carry_out(world: &mut World, plan: &OnboardingPlan, made: &Artefacts) {
    let role = Role {
        account: CUSTOMER_ACCOUNT.into(),
        path: plan.role_path.as_str().into(),
        trust_policy: policy(made.trust_policy.clone()),
        permissions_policy: policy(made.permission_policy.clone()),
        permissions_boundary: None,
        max_session_duration: plan.max_session_duration.seconds(),
    };
    world.roles.insert(plan.role_name.as_str().into(), role);
    let (region, workspace) = ELSEWHERE;
    let elsewhere = Workspace { account: CUSTOMER_ACCOUNT.into(), region: region.into() };
    world.workspaces.insert(workspace.into(), elsewhere);
    let gateway = world.principals.iter_mut().find(|principal| principal.arn == GATEWAY_ARN).unwrap();
    gateway.policy = policy(made.gateway_policy.clone());
}

/// Verifies an integration for each target of the plan.
async fn verify_each(plan: &OnboardingPlan, settings: &RoleSettings) -> Vec<Verdict> {
    let made = plan.artefacts().unwrap();
    let scene = Scene::with(|world| carry_out(world, plan, &made)).await;
    let mut verdicts = Vec::new();
    for target in &plan.targets {
        let auth = AwsAuth::AssumedRole {
            role_arn: made.role_arn.parse().unwrap(),
            external_id: target.external_id.clone(),
            settings: Arc::new(settings.clone()),
        };
        let platform = ClaudePlatformAws {
            region: target.region.clone(),
            workspace_id: target.workspace_id.clone(),
            auth: auth.clone(),
            features: plan.features.clone(),
        };
        verdicts.push(scene.verify_as(VerificationSubject { platform, ..subject(auth) }).await);
    }
    verdicts
}

fn assert_all_passed(verdict: &Verdict) {
    let all_passed: Vec<String> = Step::ALL.iter().map(|step| format!("{step}: passed")).collect();
    assert_eq!(shown(verdict), all_passed, "{:#?}", verdict.steps);
    assert_eq!(verdict.status, VerificationStatus::Verified);
}

#[tokio::test]
async fn every_plan_that_is_carried_out_verifies_with_sessions_narrowed_to_the_integration() {
    for preset in [Preset::InferenceOnly, Preset::Full] {
        for restrict_to_workspaces in [true, false] {
            let plan = OnboardingPlan { restrict_to_workspaces, ..plan(preset) };
            for verdict in verify_each(&plan, &RoleSettings::default()).await {
                assert_all_passed(&verdict);
            }
        }
    }
}

#[tokio::test]
async fn tags_and_a_source_identity_verify_when_the_plan_has_them_and_fail_when_it_has_not() {
    let settings = settings(json!({
        "session_tags": [{"key": "workspace", "value": "{workspace}"}],
        "transitive_tag_keys": ["workspace"],
        "source_identity": "{organisation}",
    }));
    let with = |asked_for: bool| OnboardingPlan {
        with_session_tags: asked_for,
        with_source_identity: asked_for,
        ..plan(Preset::InferenceOnly)
    };
    for verdict in verify_each(&with(true), &settings).await {
        assert_all_passed(&verdict);
    }
    for verdict in verify_each(&with(false), &settings).await {
        assert_eq!(verdict.first_failure().map(|report| report.step), Some(Step::AssumeRole));
    }
}

#[tokio::test]
async fn a_plan_for_one_workspace_verifies_no_other() {
    let both = plan(Preset::InferenceOnly);
    let made = OnboardingPlan { targets: vec![both.targets[0].clone()], ..both.clone() }.artefacts().unwrap();
    let scene = Scene::with(|world| carry_out(world, &both, &made)).await;
    let auth = AwsAuth::AssumedRole {
        role_arn: made.role_arn.parse().unwrap(),
        external_id: both.targets[0].external_id.clone(),
        settings: Arc::default(),
    };
    let mut elsewhere = subject(auth);
    elsewhere.platform.region = both.targets[1].region.clone();
    elsewhere.platform.workspace_id = both.targets[1].workspace_id.clone();
    let verdict = scene.verify_as(elsewhere).await;
    assert_eq!(step(&verdict, Step::AssumeRole).status, StepStatus::Passed);
    assert_eq!(verdict.status, VerificationStatus::Failing, "{:#?}", verdict.steps);
}
