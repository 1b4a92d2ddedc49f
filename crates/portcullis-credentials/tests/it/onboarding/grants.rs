//! What the policies grant, judged by an evaluator that shares no code with them, and whether they are well formed.

use std::collections::BTreeSet;

use portcullis_credentials::onboarding::{OnboardingPlan, Preset};
use portcullis_credentials::policy::session_policy;
use portcullis_emulator::iam::{AccessRequest, Decision, Policy};
use portcullis_provider::routes::{Action, ROUTES, SERVICE_PRINCIPAL, Scope, actions_of};
use portcullis_types::{AwsAuth, ClaudePlatformAws, Feature, FeatureSet, RoleSettings};
use serde_json::Value;

use super::{ACCOUNT, GATEWAY, artefacts, golden_plans, plan, target};

const WORKSPACE: &str =
    "arn:aws:aws-external-anthropic:us-west-2:123456789012:workspace/wrkspc_01AbCdEf23GhIj";
const ANOTHER: &str = "arn:aws:aws-external-anthropic:us-west-2:123456789012:workspace/wrkspc_02AbCdEf23GhIj";
const VIA_SERVICE: (&str, &str) = ("aws:CalledViaLast", SERVICE_PRINCIPAL);
const AUDIENCE: (&str, &str) = ("sts:IdentityTokenAudience", "https://api.anthropic.com");

fn allows(policy: &Value, action: &str, resource: &str, context: &[(&str, &str)]) -> bool {
    let identities = [GATEWAY.to_owned()];
    let request =
        AccessRequest { identities: &identities, account: "111122223333", action, resource, context };
    Policy::try_from(policy.clone()).unwrap().decide(&request) == Decision::Allowed
}

/// Whether the role may do this and that with one workspace, route by route.
fn check_routes(policy: &Value, features: &FeatureSet) {
    let enabled: BTreeSet<Action> = actions_of(features).chain([Action::GET_WORKSPACE]).collect();
    for route in ROUTES {
        let (action, granted) = (route.action.to_string(), enabled.contains(&route.action));
        match route.scope {
            Scope::Workspace => {
                assert_eq!(allows(policy, &action, WORKSPACE, &[]), granted, "{action}");
                assert!(!allows(policy, &action, ANOTHER, &[]), "{action} on another workspace");
                assert!(
                    !allows(policy, &action, &WORKSPACE.replace(ACCOUNT, "210987654321"), &[]),
                    "{action}"
                );
                assert!(
                    !allows(policy, &action, &WORKSPACE.replace("us-west-2", "us-east-1"), &[]),
                    "{action}"
                );
            }
            Scope::Account => assert_eq!(allows(policy, &action, "*", &[]), granted, "{action}"),
        }
    }
    assert!(!allows(policy, "iam:PassRole", "*", &[]) && !allows(policy, "sts:AssumeRole", "*", &[]));
}

#[test]
fn the_role_may_use_the_routes_of_its_features_on_its_workspace_and_nothing_else() {
    let alone = Feature::ALL.map(|feature| BTreeSet::from([Feature::Inference, feature]));
    for features in alone.into_iter().chain([Feature::ALL.into()]) {
        let features = FeatureSet::try_from(features).unwrap();
        let made = artefacts(&OnboardingPlan { features: features.clone(), ..plan() });
        check_routes(&made.permission_policy, &features);
    }
}

#[test]
fn a_session_is_left_what_it_needs_when_both_policies_are_asked() {
    for preset in [Preset::InferenceOnly, Preset::Full] {
        let features = preset.features();
        let made = artefacts(&OnboardingPlan { features: features.clone(), ..plan() });
        let platform = ClaudePlatformAws {
            region: plan().targets[0].region.clone(),
            workspace_id: plan().targets[0].workspace_id.clone(),
            auth: AwsAuth::AssumedRole {
                role_arn: made.role_arn.parse().unwrap(),
                external_id: plan().targets[0].external_id.clone(),
                settings: RoleSettings::default().into(),
            },
            features: features.clone(),
        };
        let session: Value = serde_json::from_str(&session_policy(&platform).unwrap().unwrap()).unwrap();
        check_well_formed(&session);
        for action in actions_of(&features).chain([Action::GET_WORKSPACE]) {
            let resource = if action.scope() == Scope::Account { "*" } else { WORKSPACE };
            let both = [&session, &made.permission_policy]
                .map(|policy| allows(policy, &action.to_string(), resource, &[]));
            assert_eq!(both, [true, true], "{action}");
        }
        for action in ["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"] {
            let both = [&session, &made.permission_policy]
                .map(|policy| allows(policy, action, "*", &[VIA_SERVICE, AUDIENCE]));
            assert_eq!(both, [true, true], "{action}");
        }
    }
}

#[test]
fn every_workspace_of_the_account_means_that_account() {
    let made = artefacts(&OnboardingPlan { restrict_to_workspaces: false, ..plan() });
    let infer = "aws-external-anthropic:CreateInference";
    assert!(allows(&made.permission_policy, infer, WORKSPACE, &[]));
    assert!(allows(&made.permission_policy, infer, ANOTHER, &[]));
    assert!(!allows(&made.permission_policy, infer, &WORKSPACE.replace(ACCOUNT, "210987654321"), &[]));
}

#[test]
fn tokens_are_minted_for_anthropic_by_the_service_alone() {
    let policy = artefacts(&plan()).permission_policy;
    let check = |action: &str, context: &[(&str, &str)], allowed: bool| {
        assert_eq!(allows(&policy, action, "*", context), allowed, "{action} {context:?}");
    };
    check("sts:GetWebIdentityToken", &[VIA_SERVICE, AUDIENCE], true);
    check("sts:GetWebIdentityToken", &[VIA_SERVICE, (AUDIENCE.0, "https://platform.claude.com")], true);
    check("sts:GetWebIdentityToken", &[VIA_SERVICE, (AUDIENCE.0, "https://example.com")], false);
    check("sts:GetWebIdentityToken", &[AUDIENCE], false);
    check("sts:GetWebIdentityToken", &[VIA_SERVICE], false);
    check("sts:TagGetWebIdentityToken", &[VIA_SERVICE], true);
    check("sts:TagGetWebIdentityToken", &[], false);
}

#[test]
fn bearer_tokens_work_only_when_asked_for() {
    let bearer = "aws-external-anthropic:CallWithBearerToken";
    assert!(!allows(&artefacts(&plan()).permission_policy, bearer, "*", &[]));
    let asked = artefacts(&OnboardingPlan { with_bearer_tokens: true, ..plan() });
    assert!(allows(&asked.permission_policy, bearer, "*", &[]));
}

#[test]
fn the_role_is_assumed_by_the_gateway_with_one_of_its_external_ids_and_by_nobody_else() {
    let targets =
        vec![target("us-west-2", "wrkspc_01AbCdEf23GhIj", 1), target("eu-central-1", "wrkspc_1", 2)];
    let trust = artefacts(&OnboardingPlan { targets: targets.clone(), ..plan() }).trust_policy;
    let assumes = |context: &[(&str, &str)]| allows(&trust, "sts:AssumeRole", "*", context);
    for target in &targets {
        assert!(assumes(&[("sts:ExternalId", target.external_id.as_str())]));
    }
    assert!(!assumes(&[]) && !assumes(&[("sts:ExternalId", "pcs-0")]));
    let other = ["arn:aws:iam::111122223333:role/other".to_owned()];
    let context = [("sts:ExternalId", targets[0].external_id.as_str())];
    let request = AccessRequest {
        identities: &other,
        account: "111122223333",
        action: "sts:AssumeRole",
        resource: "*",
        context: &context,
    };
    assert_eq!(Policy::try_from(trust).unwrap().decide(&request), Decision::NotMentioned);
}

#[test]
fn tags_and_source_identity_are_allowed_on_both_sides_when_asked_for() {
    let check = |with_session_tags: bool, with_source_identity: bool| {
        let made = artefacts(&OnboardingPlan { with_session_tags, with_source_identity, ..plan() });
        for (action, wanted) in
            [("sts:TagSession", with_session_tags), ("sts:SetSourceIdentity", with_source_identity)]
        {
            assert_eq!(allows(&made.trust_policy, action, "*", &[]), wanted, "{action}");
            assert_eq!(allows(&made.gateway_policy, action, &made.role_arn, &[]), wanted, "{action}");
        }
        assert!(!allows(&made.trust_policy, "sts:AssumeRole", "*", &[]), "without an external ID");
        assert!(allows(&made.gateway_policy, "sts:AssumeRole", &made.role_arn, &[]));
        assert!(!allows(&made.gateway_policy, "sts:AssumeRole", "arn:aws:iam::123456789012:role/x", &[]));
    };
    for (tags, identity) in [(false, false), (true, false), (false, true), (true, true)] {
        check(tags, identity);
    }
}

#[test]
fn every_policy_is_well_formed() {
    for (_, plan) in golden_plans() {
        let made = artefacts(&plan);
        for policy in [&made.trust_policy, &made.permission_policy, &made.gateway_policy] {
            check_well_formed(policy);
        }
    }
}

/// IAM's grammar as far as we use it, and two rules of our own: no wildcard in an action, and `*` as a resource only where
/// nothing narrower exists.
fn check_well_formed(policy: &Value) {
    assert_eq!(keys(policy), ["Version", "Statement"]);
    assert_eq!(policy["Version"], "2012-10-17");
    let statements = policy["Statement"].as_array().unwrap();
    let mut sids = BTreeSet::new();
    for statement in statements {
        let known = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];
        assert!(keys(statement).iter().all(|key| known.contains(key)), "{statement}");
        assert_eq!(statement["Effect"], "Allow");
        let sid = statement["Sid"].as_str().unwrap_or_default();
        assert!(sid.bytes().all(|b| b.is_ascii_alphanumeric()), "{sid}");
        assert!(sid.is_empty() || sids.insert(sid), "{sid} twice");
        assert_ne!(statement.get("Principal").is_some(), statement.get("Resource").is_some());
        for action in statement["Action"].as_array().unwrap() {
            let (service, name) = action.as_str().unwrap().split_once(':').unwrap();
            assert!(["sts", "aws-external-anthropic"].contains(&service), "{action}");
            assert!(name.bytes().all(|b| b.is_ascii_alphabetic()), "{action}");
            check_resources(statement, name);
        }
        for operator in statement.get("Condition").map(keys).unwrap_or_default() {
            assert!(["StringEquals", "ForAnyValue:StringEquals"].contains(&operator), "{operator}");
        }
    }
}

fn check_resources(statement: &Value, action: &str) {
    let resources = match &statement["Resource"] {
        Value::Null => return,
        Value::Array(several) => several.iter().collect(),
        one => vec![one],
    };
    for resource in resources.into_iter().map(|resource| resource.as_str().unwrap()) {
        let of_account = action.contains("WebIdentityToken")
            || action == Action::CALL_WITH_BEARER_TOKEN.name()
            || ROUTES.iter().any(|route| route.action.name() == action && route.scope == Scope::Account);
        assert_eq!(resource == "*", of_account, "{action} on {resource}");
        assert!(resource == "*" || (resource.starts_with("arn:aws") && resource.split(':').count() == 6));
    }
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}
