//! Plans that contradict themselves, sizes that IAM would not take, and what is said beside the artefacts.

use portcullis_credentials::onboarding::{InvalidPreset, OnboardingError, OnboardingPlan, Preset};
use portcullis_types::{ExternalId, FeatureSet};

use super::{artefacts, plan, target};

fn refusal(plan: &OnboardingPlan) -> String {
    plan.artefacts().unwrap_err().to_string()
}

#[test]
fn a_plan_that_leads_nowhere_is_refused() {
    let plan = OnboardingPlan { targets: Vec::new(), ..plan() };
    assert_eq!(plan.artefacts().unwrap_err(), OnboardingError::NoTarget);
}

#[test]
fn two_integrations_never_share_an_external_id() {
    let targets = vec![target("us-west-2", "wrkspc_1", 7), target("us-east-1", "wrkspc_2", 7)];
    let id: ExternalId = targets[0].external_id.clone();
    let plan = OnboardingPlan { targets, ..plan() };
    assert_eq!(plan.artefacts().unwrap_err(), OnboardingError::SharedExternalId(id));
}

#[test]
fn partitions_are_not_mixed() {
    let gov = OnboardingPlan { targets: vec![target("us-gov-west-1", "wrkspc_1", 1)], ..plan() };
    assert_eq!(
        refusal(&gov),
        "`us-gov-west-1` belongs to the partition `aws-us-gov` and the gateway's principal \
         `arn:aws:iam::111122223333:role/portcullis` to `aws`: no role is assumed from one partition in another"
    );
    let targets = vec![target("us-west-2", "wrkspc_1", 1), target("cn-north-1", "wrkspc_2", 2)];
    let mixed = refusal(&OnboardingPlan { targets, ..plan() });
    assert!(mixed.contains("`cn-north-1`") && mixed.contains("`us-west-2` to `aws`"), "{mixed}");
}

#[test]
fn a_role_takes_as_many_integrations_as_its_trust_policy_has_room_for() {
    let with = |n: u8| {
        let targets = (0..n).map(|n| target("us-west-2", "wrkspc_01AbCdEf23GhIj", n)).collect();
        OnboardingPlan { targets, with_session_tags: true, with_source_identity: true, ..plan() }
    };
    let most = (1..=255).take_while(|n| with(*n).artefacts().is_ok()).count();
    assert_eq!(most, 42, "external IDs of 36 characters");
    let text = artefacts(&with(42)).trust_policy.to_string();
    assert!(text.len() <= 2048, "{}", text.len());
    let refused = refusal(&with(43));
    assert!(refused.contains("43 external IDs") && refused.contains("takes 2048"), "{refused}");
}

#[test]
fn the_largest_permission_policy_that_a_trust_policy_leaves_room_for_fits() {
    let workspace = |n: u8| format!("wrkspc_{n:0>64}");
    let targets: Vec<_> = (0..40).map(|n| target("us-west-2", &workspace(n), n)).collect();
    let plan = OnboardingPlan { targets, features: FeatureSet::all(), with_bearer_tokens: true, ..plan() };
    let text = artefacts(&plan).permission_policy.to_string();
    assert!(text.len() < 10_240, "{}", text.len());
}

#[test]
fn a_permission_policy_that_is_too_long_is_refused() {
    // Short external IDs leave room for more workspaces than the permission policy has.
    let targets = (0..120u8).map(|n| {
        let workspace = format!("wrkspc_{n:0>64}");
        super::Target { external_id: format!("x{n}").parse().unwrap(), ..target("us-west-2", &workspace, n) }
    });
    let plan = OnboardingPlan { targets: targets.collect(), ..plan() };
    let refused = refusal(&plan);
    assert!(refused.contains("120 workspaces") && refused.contains("takes 10240"), "{refused}");
    artefacts(&OnboardingPlan { restrict_to_workspaces: false, ..plan });
}

#[test]
fn what_no_artefact_can_say_is_said_beside_it() {
    let notes = |plan: &OnboardingPlan| artefacts(plan).notes.join("\n");
    let check = |plan: &OnboardingPlan, text: &str, said: bool| {
        assert_eq!(notes(plan).contains(text), said, "{text}: {}", notes(plan));
    };
    let session = OnboardingPlan {
        gateway_principal: "arn:aws:sts::111122223333:assumed-role/portcullis/i-0abc".parse().unwrap(),
        max_session_duration: 7200.try_into().unwrap(),
        ..plan()
    };
    check(&plan(), "aws iam enable-outbound-web-identity-federation", true);
    check(&plan(), "does not show the role's path", false);
    check(&session, "aws iam get-role --role-name portcullis", true);
    check(&plan(), "an hour at most", false);
    check(&session, "an hour at most", true);
    let user = OnboardingPlan {
        gateway_principal: "arn:aws:iam::111122223333:user/portcullis".parse().unwrap(),
        ..session
    };
    check(&user, "an hour at most", false);
    check(&user, "the trusted user `arn:aws:iam::111122223333:user/portcullis`", true);
    check(&plan(), "ACCOUNT_ID", false);
    check(&OnboardingPlan { account: None, ..plan() }, "in place of `ACCOUNT_ID`", true);
    check(&plan(), "every Anthropic workspace", false);
    check(&OnboardingPlan { restrict_to_workspaces: false, ..plan() }, "every Anthropic workspace", true);
}

#[test]
fn presets_are_read_by_name() {
    assert_eq!("inference_only".parse::<Preset>().map(Preset::features), Ok(FeatureSet::default()));
    assert_eq!("full".parse::<Preset>().map(Preset::features), Ok(FeatureSet::all()));
    assert_eq!("all".parse::<Preset>(), Err(InvalidPreset));
}

#[test]
fn the_next_step_is_a_body_for_each_target() {
    let targets = vec![target("us-west-2", "wrkspc_1", 1), target("us-east-1", "wrkspc_2", 2)];
    let bodies = artefacts(&OnboardingPlan { targets, ..plan() }).next_steps;
    assert_eq!(bodies.len(), 2);
    let configurations = &bodies[1]["configurations"];
    assert_eq!(bodies[1]["name"], "Claude 2");
    assert_eq!(configurations["aws_region"], "us-east-1");
    assert_eq!(configurations["anthropic_aws_workspace_id"], "wrkspc_2");
    assert_eq!(configurations["aws_external_id"], "pcs-00000000000000000000000000000002");
    assert_eq!(configurations["aws_role_arn"], "arn:aws:iam::123456789012:role/portcullis-claude");
}
