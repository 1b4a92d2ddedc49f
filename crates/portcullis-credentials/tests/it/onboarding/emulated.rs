//! The policies in an emulated account: the gateway assumes the role, and nobody gets in another way.

use portcullis_credentials::onboarding::{Artefacts, OnboardingPlan};
use portcullis_credentials::sts::AwsSts;
use portcullis_credentials::{AssumeRole, AssumesRoles};
use portcullis_emulator::iam::Policy;
use portcullis_emulator::world::{Principal, Role};
use portcullis_emulator::{Emulator, EmulatorHandle, World};
use portcullis_types::AwsCredentials;
use portcullis_types::session::SessionDuration;
use tokio::net::TcpListener;

use super::{ACCOUNT, artefacts, plan, target};

const GATEWAY: &str = "arn:aws:iam::111122223333:user/onboarded";
const OTHER: &str = "arn:aws:iam::111122223333:user/other";
const KEY_IDS: [(&str, &str); 2] = [(GATEWAY, "AKIAONBOARDED0000001"), (OTHER, "AKIAONBOARDED0000002")];
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// An account in which a plan was carried out, and a gateway whose own user may do what the plan says and no more. Beside
/// it another user of the gateway's account, who may do the same.
async fn carried_out(plan: OnboardingPlan) -> (EmulatorHandle, Artefacts) {
    let plan = OnboardingPlan { gateway_principal: GATEWAY.parse().unwrap(), ..plan };
    let made = artefacts(&plan);
    let policy = |document: &serde_json::Value| Policy::try_from(document.clone()).unwrap();
    let role = Role {
        account: ACCOUNT.into(),
        path: plan.role_path.as_str().into(),
        trust_policy: policy(&made.trust_policy),
        permissions_policy: policy(&made.permission_policy),
        permissions_boundary: None,
        max_session_duration: plan.max_session_duration.seconds(),
    };
    let user = |(arn, key_id): (&str, &str)| Principal {
        arn: arn.into(),
        account: "111122223333".into(),
        access_key_id: key_id.into(),
        secret_access_key: SECRET.into(),
        policy: policy(&made.gateway_policy),
    };
    let [gateway, other] = KEY_IDS.map(user);
    let world = World::example().with_role(plan.role_name.as_str(), role);
    let world = world.with_principal(gateway).with_principal(other);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (Emulator::builder().world(world).build().spawn(listener).unwrap(), made)
}

fn call(made: &Artefacts, external_id: Option<&str>) -> AssumeRole {
    AssumeRole {
        role_arn: made.role_arn.parse().unwrap(),
        external_id: external_id.map(|id| id.parse().unwrap()),
        region: "us-west-2".parse().unwrap(),
        session_name: "pcs-test".parse().unwrap(),
        duration: SessionDuration::HOUR,
        policy: None,
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
    }
}

/// `ok`, or the error's code.
async fn outcome(aws: &EmulatorHandle, caller: &str, call: &AssumeRole) -> &'static str {
    let (_, key_id) = KEY_IDS.into_iter().find(|(arn, _)| *arn == caller).unwrap();
    let credentials = AwsCredentials {
        access_key_id: key_id.parse().unwrap(),
        secret_access_key: SECRET.into(),
        session_token: None,
        expires_at: None,
    };
    let answer = AwsSts::new(Some(aws.base_url())).assume_role(&credentials, call).await;
    answer.map_or_else(|error| error.code(), |_| "ok")
}

#[tokio::test]
async fn each_external_id_of_the_plan_opens_the_role_to_the_gateway_alone() {
    let targets = vec![target("us-west-2", "wrkspc_1", 1), target("eu-central-1", "wrkspc_2", 2)];
    let ids: Vec<_> = targets.iter().map(|target| target.external_id.clone()).collect();
    let path = "/team/ai/".parse().unwrap();
    let (aws, made) = carried_out(OnboardingPlan { targets, role_path: path, ..plan() }).await;
    for id in &ids {
        assert_eq!(outcome(&aws, GATEWAY, &call(&made, Some(id.as_str()))).await, "ok");
        assert_eq!(outcome(&aws, OTHER, &call(&made, Some(id.as_str()))).await, "aws_assume_role_denied");
    }
    for wrong in [None, Some("pcs-00000000000000000000000000000003")] {
        assert_eq!(outcome(&aws, GATEWAY, &call(&made, wrong)).await, "aws_assume_role_denied");
    }
}

#[tokio::test]
async fn a_source_identity_passes_when_the_plan_has_one() {
    for (with_source_identity, expected) in [(true, "ok"), (false, "aws_assume_role_denied")] {
        let (aws, made) = carried_out(OnboardingPlan { with_source_identity, ..plan() }).await;
        let id = plan().targets[0].external_id.clone();
        let call = AssumeRole { source_identity: Some("ann".into()), ..call(&made, Some(id.as_str())) };
        assert_eq!(outcome(&aws, GATEWAY, &call).await, expected, "{with_source_identity}");
    }
}

#[tokio::test]
async fn session_tags_pass_when_the_plan_has_them() {
    for (with_session_tags, expected) in [(true, "ok"), (false, "aws_assume_role_denied")] {
        let (aws, made) = carried_out(OnboardingPlan { with_session_tags, ..plan() }).await;
        let id = plan().targets[0].external_id.clone();
        let tags = vec![("team".parse().unwrap(), "research".to_owned())];
        let call = AssumeRole { tags, ..call(&made, Some(id.as_str())) };
        assert_eq!(outcome(&aws, GATEWAY, &call).await, expected, "{with_session_tags}");
    }
}
