//! Plans, and what is made of them: golden files, what the policies grant, and what is refused.

mod emulated;
mod golden;
mod grants;
mod refusals;

use portcullis_credentials::onboarding::{Artefacts, OnboardingPlan, Preset, Target};
use portcullis_types::{MaxSessionDuration, RolePath};

const ACCOUNT: &str = "123456789012";
const GATEWAY: &str = "arn:aws:iam::111122223333:role/portcullis";

/// One workspace, inference only, nothing else asked for.
fn plan() -> OnboardingPlan {
    OnboardingPlan {
        role_name: "portcullis-claude".parse().unwrap(),
        role_path: RolePath::default(),
        account: Some(ACCOUNT.parse().unwrap()),
        gateway_principal: GATEWAY.parse().unwrap(),
        targets: vec![target("us-west-2", "wrkspc_01AbCdEf23GhIj", 1)],
        features: Preset::InferenceOnly.features(),
        restrict_to_workspaces: true,
        with_session_tags: false,
        with_source_identity: false,
        with_bearer_tokens: false,
        max_session_duration: MaxSessionDuration::default(),
    }
}

fn target(region: &str, workspace: &str, n: u8) -> Target {
    Target {
        region: region.parse().unwrap(),
        workspace_id: workspace.parse().unwrap(),
        external_id: format!("pcs-{n:032x}").parse().unwrap(),
        integration: format!("Claude {n}"),
    }
}

fn artefacts(plan: &OnboardingPlan) -> Artefacts {
    plan.artefacts().unwrap()
}

/// The plans of the golden files, by their folders' names.
fn golden_plans() -> Vec<(&'static str, OnboardingPlan)> {
    let two = vec![
        target("us-west-2", "wrkspc_01AbCdEf23GhIj", 1),
        target("eu-central-1", "wrkspc_01KlMnOp45QrSt", 2),
    ];
    vec![
        ("inference_only", plan()),
        (
            "every_feature",
            OnboardingPlan {
                features: Preset::Full.features(),
                restrict_to_workspaces: false,
                with_bearer_tokens: true,
                account: None,
                ..plan()
            },
        ),
        (
            "two_workspaces_in_two_regions",
            OnboardingPlan { targets: two, role_path: "/team/ai/".parse().unwrap(), ..plan() },
        ),
        (
            "session_tags_and_source_identity",
            OnboardingPlan {
                with_session_tags: true,
                with_source_identity: true,
                gateway_principal: "arn:aws:sts::111122223333:assumed-role/portcullis/i-0123456789abcdef0"
                    .parse()
                    .unwrap(),
                max_session_duration: 43_200.try_into().unwrap(),
                ..plan()
            },
        ),
        (
            "every_character_that_aws_takes",
            OnboardingPlan {
                role_name: "Az09_+=,.@-".parse().unwrap(),
                role_path: "/Az09_+=,.@-/=/".parse().unwrap(),
                targets: vec![Target {
                    external_id: "Az09_+=,.@:/-".parse().unwrap(),
                    integration: "\"Claude\" $(id) ${x} %{y} 'z' ü".into(),
                    ..target("ap-southeast-7", "wrkspc_9", 1)
                }],
                ..plan()
            },
        ),
        (
            "govcloud",
            OnboardingPlan {
                targets: vec![target("us-gov-west-1", "wrkspc_01AbCdEf23GhIj", 1)],
                gateway_principal: "arn:aws-us-gov:iam::111122223333:user/portcullis".parse().unwrap(),
                ..plan()
            },
        ),
    ]
}
