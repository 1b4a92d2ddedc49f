//! Allow, deny, wildcards, conditions and principals.

use serde_json::json;

use super::*;

const WORKSPACE: &str = "arn:aws:aws-external-anthropic:us-west-2:123456789012:workspace/wrkspc_1";

fn decide(policy: Value, action: &str, context: &[(&str, &str)]) -> Decision {
    let identities = ["arn:aws:iam::111122223333:user/gateway".to_owned()];
    let request = AccessRequest {
        identities: &identities,
        account: "111122223333",
        action,
        resource: WORKSPACE,
        context,
    };
    Policy::try_from(policy).unwrap().decide(&request)
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})
}

#[test]
fn actions_match_in_any_case_and_resources_do_not() {
    let create = "aws-external-anthropic:CreateInference";
    assert_eq!(decide(allow("AWS-external-anthropic:createinference", "*"), create, &[]), Decision::Allowed);
    assert_eq!(decide(allow("aws-external-anthropic:*Inference", "*"), create, &[]), Decision::Allowed);
    assert_eq!(decide(allow("aws-external-anthropic:Create?nference", "*"), create, &[]), Decision::Allowed);
    assert_eq!(decide(allow("aws-external-anthropic:Get*", "*"), create, &[]), Decision::NotMentioned);
    assert_eq!(decide(allow("*", "arn:aws:*:*:*:workspace/wrkspc_1"), create, &[]), Decision::Allowed);
    assert_eq!(decide(allow("*", "arn:aws:*:*:*:workspace/WRKSPC_1"), create, &[]), Decision::NotMentioned);
    assert_eq!(decide(allow("*", "*workspace/wrkspc_"), create, &[]), Decision::NotMentioned);
}

#[test]
fn an_explicit_deny_wins_wherever_it_stands() {
    let deny = json!({"Effect": "Deny", "Action": "a:B", "Resource": "*"});
    let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    for statements in [json!([deny, allow]), json!([allow, deny])] {
        assert_eq!(decide(json!({"Statement": statements}), "a:B", &[]), Decision::ExplicitlyDenied);
    }
    let not_action = json!({"Statement": {"Effect": "Allow", "NotAction": "a:B", "Resource": "*"}});
    assert_eq!(decide(not_action.clone(), "a:B", &[]), Decision::NotMentioned);
    assert_eq!(decide(not_action, "a:C", &[]), Decision::Allowed);
}

#[test]
fn conditions_are_and_over_keys_and_or_over_values() {
    let check = |condition: Value, context: &[(&str, &str)], holds: bool| {
        let policy =
            json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}});
        assert_eq!(decide(policy, "a:B", context) == Decision::Allowed, holds, "{condition} {context:?}");
    };
    let id = json!({"StringEquals": {"sts:ExternalId": ["one", "two"]}});
    check(id.clone(), &[("sts:externalid", "two")], true);
    check(id.clone(), &[("sts:ExternalId", "Two")], false);
    check(id.clone(), &[], false);
    let both = json!({"StringEquals": {"a": "1", "b": "2"}});
    check(both.clone(), &[("a", "1"), ("b", "2")], true);
    check(both, &[("a", "1")], false);
    check(json!({"StringLike": {"a": "x*z"}}), &[("a", "xyz")], true);
    check(json!({"StringNotLike": {"a": "x*"}}), &[("a", "xyz")], false);
    check(json!({"StringNotEquals": {"a": "1"}}), &[], true);
    check(json!({"StringEqualsIfExists": {"a": "1"}}), &[], true);
    check(json!({"StringEqualsIfExists": {"a": "1"}}), &[("a", "2")], false);
    check(json!({"StringEqualsIgnoreCase": {"a": "X"}}), &[("a", "x")], true);
    check(json!({"Bool": {"aws:SecureTransport": true}}), &[("aws:SecureTransport", "true")], true);
    check(json!({"Null": {"a": "true"}}), &[], true);
    check(json!({"Null": {"a": "false"}}), &[], false);
    check(json!({"ForAnyValue:StringEquals": {"a": "2"}}), &[("a", "1"), ("a", "2")], true);
}

#[test]
fn all_values_must_match_where_all_are_asked_for() {
    let check = |condition: Value, context: &[(&str, &str)], holds: bool| {
        let policy =
            json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}});
        assert_eq!(decide(policy, "a:B", context) == Decision::Allowed, holds, "{condition} {context:?}");
    };
    let keys = json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "project"]}});
    check(keys.clone(), &[("aws:TagKeys", "team"), ("aws:TagKeys", "project")], true);
    check(keys.clone(), &[("aws:TagKeys", "team"), ("aws:TagKeys", "cost")], false);
    check(keys, &[], true);
    let audiences = json!({"ForAnyValue:StringEquals": {"sts:IdentityTokenAudience": ["https://api.anthropic.com", "https://platform.claude.com"]}});
    check(audiences.clone(), &[("sts:IdentityTokenAudience", "https://api.anthropic.com")], true);
    check(audiences, &[], false);
    let none = json!({"ForAllValues:StringNotLike": {"aws:TagKeys": "x*"}});
    check(none.clone(), &[("aws:TagKeys", "team")], true);
    check(none, &[("aws:TagKeys", "team"), ("aws:TagKeys", "xyz")], false);
}

#[test]
fn wildcards_of_an_arn_stay_within_its_parts() {
    let check = |operator: &str, pattern: &str, holds: bool| {
        let policy = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {operator: {"aws:PrincipalArn": pattern}}}});
        let context = [("aws:PrincipalArn", "arn:aws:iam::111122223333:role/a/b")];
        assert_eq!(decide(policy, "a:B", &context) == Decision::Allowed, holds, "{operator} {pattern}");
    };
    check("ArnLike", "arn:aws:iam::111122223333:role/*", true);
    check("ArnEquals", "arn:*:iam::*:role/a/?", true);
    check("ArnLike", "arn:aws:*:role/*", false);
    check("StringLike", "arn:aws:*:role/*", true);
    check("ArnNotLike", "arn:aws:iam::111122223333:role/*", false);
}

#[test]
fn variables_stand_for_what_the_context_says() {
    let policy = |resource: &str, value: &str| {
        json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": resource,
            "Condition": {"StringEquals": {"aws:RequestTag/team": value}}}})
    };
    let context = [("aws:PrincipalTag/team", "wrkspc_1"), ("aws:RequestTag/team", "wrkspc_1")];
    let own = "arn:aws:*:*:*:workspace/${aws:PrincipalTag/Team}";
    assert_eq!(decide(policy(own, "${aws:PrincipalTag/team}"), "a:B", &context), Decision::Allowed);
    assert_eq!(decide(policy(own, "other"), "a:B", &context), Decision::NotMentioned);
    assert_eq!(decide(policy(own, "wrkspc_1"), "a:B", &context[1..]), Decision::NotMentioned);
    assert_eq!(decide(policy("${*}", "wrkspc_1"), "a:B", &context), Decision::Allowed);
    assert_eq!(decide(policy("${unclosed", "wrkspc_1"), "a:B", &context), Decision::NotMentioned);
}

#[test]
fn a_trust_policy_names_callers_accounts_or_everybody() {
    let check = |principal: Value, trusted: bool| {
        let policy =
            json!({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]});
        assert_eq!(decide(policy, "sts:AssumeRole", &[]) == Decision::Allowed, trusted, "{principal}");
    };
    check(json!({"AWS": "arn:aws:iam::111122223333:user/gateway"}), true);
    check(json!({"AWS": ["arn:aws:iam::111122223333:root"]}), true);
    check(json!({"AWS": "111122223333"}), true);
    check(json!({"AWS": "*"}), true);
    check(json!("*"), true);
    check(json!({"AWS": "arn:aws:iam::123456789012:root"}), false);
    check(json!({"AWS": "arn:aws:iam::111122223333:user/other"}), false);
}

#[test]
fn services_and_providers_are_named_as_such_and_not_as_accounts() {
    let check = |principal: Value, name: &str, trusted: bool| {
        let policy =
            json!({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]});
        let identities = [name.to_owned()];
        let request = AccessRequest {
            identities: &identities,
            account: "",
            action: "sts:AssumeRole",
            resource: "*",
            context: &[],
        };
        let decision = Policy::try_from(policy).unwrap().decide(&request);
        assert_eq!(decision == Decision::Allowed, trusted, "{principal} {name}");
    };
    let both = json!({"Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"], "AWS": "111122223333"});
    check(both.clone(), "ecs-tasks.amazonaws.com", true);
    check(both, "lambda.amazonaws.com", false);
    check(json!({"AWS": "*"}), "ec2.amazonaws.com", false);
    check(json!({"AWS": "ec2.amazonaws.com"}), "ec2.amazonaws.com", false);
    let provider = "arn:aws:iam::111122223333:oidc-provider/token.example";
    check(json!({"Federated": provider}), provider, true);
    check(json!({"Federated": provider}), "arn:aws:iam::111122223333:oidc-provider/other", false);
}

#[test]
fn what_is_not_understood_is_refused() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"*"}]}"#,
        r#"{"Version":"2027-01-01","Statement":[]}"#,
        r#"{"Statement":[],"Extra":1}"#,
        r#"{"Statement":[{"Sid":"a-b","Effect":"Allow","Action":"*","Resource":"*"}]}"#,
        r#"{"Statement":[{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"A","Effect":"Deny","Action":"*","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"a":"b"}}}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":{},"Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Principal":{"CanonicalUser":"x"}}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Principal":{}}]}"#,
    ] {
        assert!(Policy::from_json(text).is_err(), "{text}");
    }
}

#[test]
fn a_policy_keeps_its_text() {
    let source = allow("a:B", "*");
    let policy = Policy::try_from(source.clone()).unwrap();
    assert_eq!(serde_json::to_value(&policy).unwrap(), source);
}
