//! Session policies, judged by an evaluator that shares no code with them.

use std::collections::BTreeSet;

use portcullis_emulator::iam::{AccessRequest, Decision, Policy};
use portcullis_provider::routes::ROUTES;
use portcullis_types::session::PolicyDocument;
use portcullis_types::{ApiKeyHeader, Feature, RoleSettings};

use super::*;

const ROLE: &str = "arn:aws:iam::123456789012:role/team/claude";
const WORKSPACE: &str =
    "arn:aws:aws-external-anthropic:us-west-2:123456789012:workspace/wrkspc_01AbCdEf23GhIj";

fn platform(role: &str, features: FeatureSet, session_policy: SessionPolicy) -> ClaudePlatformAws {
    ClaudePlatformAws {
        region: "us-west-2".parse().unwrap(),
        workspace_id: "wrkspc_01AbCdEf23GhIj".parse().unwrap(),
        auth: AwsAuth::AssumedRole {
            role_arn: role.parse().unwrap(),
            external_id: "pcs-1".parse().unwrap(),
            settings: Arc::new(RoleSettings { session_policy, ..RoleSettings::default() }),
        },
        features,
    }
}

fn text_of(features: FeatureSet) -> Arc<str> {
    session_policy(&platform(ROLE, features, SessionPolicy::Generated)).unwrap().unwrap()
}

fn decide(policy: &str, action: &str, resource: &str, context: &[(&str, &str)]) -> Decision {
    let identities = [ROLE.to_owned()];
    let request =
        AccessRequest { identities: &identities, account: "123456789012", action, resource, context };
    Policy::from_json(policy).unwrap().decide(&request)
}

#[test]
fn the_default_policy_is_this_and_nothing_else() {
    let expected = concat!(
        r#"{"Version":"2012-10-17","Statement":["#,
        r#"{"Effect":"Allow","Action":["aws-external-anthropic:CountTokens","aws-external-anthropic:CreateInference","#,
        r#""aws-external-anthropic:GetModel","aws-external-anthropic:GetWorkspace","aws-external-anthropic:ListModels"],"#,
        r#""Resource":"arn:aws:aws-external-anthropic:us-west-2:123456789012:workspace/wrkspc_01AbCdEf23GhIj"},"#,
        r#"{"Effect":"Allow","Action":["sts:GetWebIdentityToken","sts:TagGetWebIdentityToken"],"Resource":"*","#,
        r#""Condition":{"StringEquals":{"aws:CalledViaLast":"aws-external-anthropic.amazonaws.com"}}}]}"#,
    );
    assert_eq!(&*text_of(FeatureSet::default()), expected);
}

#[test]
fn every_set_of_features_gets_its_own_routes_on_its_own_workspace_alone() {
    let others = Feature::ALL.into_iter().filter(|feature| *feature != Feature::Inference);
    let alone = others.map(|feature| BTreeSet::from([Feature::Inference, feature]));
    let sets = alone.chain([BTreeSet::from([Feature::Inference]), Feature::ALL.into()]);
    for features in sets {
        let features = FeatureSet::try_from(features).unwrap();
        let policy = text_of(features.clone());
        for route in ROUTES {
            let action = route.action.to_string();
            let enabled = route.feature.is_some_and(|feature| features.contains(feature));
            let granted = enabled || route.action == Action::GET_WORKSPACE;
            let check = |resource: &str, allowed: bool| {
                let expected = if allowed { Decision::Allowed } else { Decision::NotMentioned };
                let decision = decide(&policy, &action, resource, &[]);
                assert_eq!(decision, expected, "{action} on {resource} with {features:?}");
            };
            match route.scope {
                Scope::Account => check("*", granted),
                Scope::Workspace => {
                    check(WORKSPACE, granted);
                    check("*", false);
                    check(&WORKSPACE.replace("us-west-2", "us-east-1"), false);
                    check(&WORKSPACE.replace("123456789012", "210987654321"), false);
                    check(&format!("{WORKSPACE}k"), false);
                }
            }
        }
    }
}

#[test]
fn tokens_are_minted_for_the_service_alone() {
    let policy = text_of(FeatureSet::all());
    let service = ("aws:CalledViaLast", SERVICE_PRINCIPAL);
    for action in [GET_WEB_IDENTITY_TOKEN, TAG_WEB_IDENTITY_TOKEN] {
        assert_eq!(decide(&policy, action, "*", &[service]), Decision::Allowed);
        assert_eq!(decide(&policy, action, "*", &[]), Decision::NotMentioned);
        let other = ("aws:CalledViaLast", "athena.amazonaws.com");
        assert_eq!(decide(&policy, action, "*", &[other]), Decision::NotMentioned);
    }
    assert_eq!(decide(&policy, "sts:AssumeRole", "*", &[service]), Decision::NotMentioned);
}

#[test]
fn the_longest_generated_policy_fits() {
    let account = format!("arn:aws-{}:iam::123456789012:role/x", "z".repeat(32));
    let longest = ClaudePlatformAws {
        region: format!("us-{}-1", "a".repeat(27)).parse().unwrap(),
        workspace_id: format!("wrkspc_{}", "Z".repeat(64)).parse().unwrap(),
        ..platform(&account, FeatureSet::all(), SessionPolicy::Generated)
    };
    let text = session_policy(&longest).unwrap().unwrap();
    assert!(text.len() <= LONGEST_SESSION_POLICY, "{}", text.len());
    // What an operator may write is held to the same rule.
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(PolicyDocument::try_from(document).unwrap().as_str(), &*text);
}

#[test]
fn what_is_too_long_is_refused_with_its_length() {
    assert_eq!(fitting(&"x".repeat(2049)), Err(PolicyTooLarge { length: 2049 }));
    assert!(fitting(&"ä".repeat(2048)).is_ok(), "AWS counts characters");
    assert!(PolicyTooLarge { length: 2049 }.to_string().contains("2049 characters and AWS takes 2048"));
}

#[test]
fn a_policy_can_be_turned_off_or_replaced() {
    let of = |session_policy_setting| {
        session_policy(&platform(ROLE, FeatureSet::default(), session_policy_setting)).unwrap()
    };
    assert_eq!(of(SessionPolicy::Off), None);
    let own = json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let custom = of(SessionPolicy::Custom(PolicyDocument::try_from(own.clone()).unwrap()));
    assert_eq!(custom.as_deref(), Some(&*own.to_string()));
}

#[test]
fn only_an_assumed_role_has_one() {
    let key = AwsAuth::ApiKey { key: "k".into(), header: ApiKeyHeader::Authorization };
    for auth in [AwsAuth::ServiceRole, key] {
        let platform =
            ClaudePlatformAws { auth, ..platform(ROLE, FeatureSet::all(), SessionPolicy::Generated) };
        assert_eq!(session_policy(&platform), Ok(None));
    }
}
