//! AWS's sentence in the forms that are known of it, and anything else.

use proptest::prelude::*;

use super::*;

const ROLE: &str = "arn:aws:sts::123456789012:assumed-role/claude/session";
const WORKSPACE: &str = "arn:aws:aws-external-anthropic:us-west-2:123456789012:workspace/wrkspc_01";
const INFER: &str = "aws-external-anthropic:CreateInference";

fn sentence(because: &str) -> String {
    format!("User: {ROLE} is not authorized to perform: {INFER} on resource: {WORKSPACE}{because}")
}

fn check(because: &str, expected: Because, code: &str) {
    for text in [sentence(because), sentence(&because.to_uppercase()), format!("Oh: {}.", sentence(because))]
    {
        let denial = Denial::parse(&text);
        assert_eq!(denial.principal.as_deref(), Some(ROLE), "{text}");
        assert_eq!(denial.action.as_deref(), Some(INFER), "{text}");
        assert_eq!(denial.resource.as_deref(), Some(WORKSPACE), "{text}");
        assert_eq!((denial.because.clone(), denial.class().code), (expected.clone(), code), "{text}");
    }
}

#[test]
fn each_kind_of_policy_is_told_from_the_others() {
    use Because as B;
    use PolicyKind as K;
    let allows = |kind: &str| format!(" because no {kind} allows the {INFER} action");
    let denies = |kind: &str| format!(" with an explicit deny in {kind}");
    let denied = |kind| B::Denied { kind, policy: None };
    check("", B::Unsaid, "access_denied");
    check(&allows("identity-based policy"), B::NotAllowed(K::Identity), "access_denied_identity_policy");
    check(&allows("session policy"), B::NotAllowed(K::Session), "access_denied_session_policy");
    check(&allows("permissions boundary"), B::NotAllowed(K::Boundary), "access_denied_permissions_boundary");
    check(
        &allows("service control policy"),
        B::NotAllowed(K::ServiceControl),
        "access_denied_control_policy",
    );
    check(
        &allows("resource control policy"),
        B::NotAllowed(K::ResourceControl),
        "access_denied_control_policy",
    );
    check(&allows("VPC endpoint policy"), B::NotAllowed(K::Endpoint), "access_denied_endpoint_policy");
    check(&allows("resource-based policy"), B::NotAllowed(K::Resource), "access_denied");
    check(&allows("role trust policy"), B::NotAllowed(K::RoleTrust), "access_denied");
    check(&denies("an identity-based policy"), denied(K::Identity), "access_denied_explicit");
    check(&denies("a permissions boundary"), denied(K::Boundary), "access_denied_explicit");
    check(&denies("the role trust policy"), denied(K::RoleTrust), "access_denied_explicit");
    check(&denies("a service control policy"), denied(K::ServiceControl), "access_denied_control_policy");
    check(&denies("a policy of a new kind"), denied(K::Other), "access_denied_explicit");
    check(" with an explicit deny", denied(K::Other), "access_denied_explicit");
}

#[test]
fn the_policy_that_denies_is_named_where_aws_names_it() {
    let arn = "arn:aws:organizations::111111111111:policy/o-abc/service_control_policy/p-1";
    let denial =
        Denial::parse(&sentence(&format!(" with an explicit deny in a service control policy: {arn}.")));
    let fix = denial.fill(denial.class().fix.into());
    assert!(fix.contains(&format!("the service control policy `{arn}`")), "{fix}");
}

#[test]
fn quotes_missing_resources_and_encoded_messages_do_not_matter() {
    let denial = Denial::parse(&format!(
        "User: {ROLE} is not authorized to perform: {INFER} on resource: \"{WORKSPACE}\" because no session policy \
         allows the {INFER} action. Encoded authorization failure message: abc"
    ));
    assert_eq!(
        (denial.resource.as_deref(), denial.class().code),
        (Some(WORKSPACE), "access_denied_session_policy")
    );
    let denial = Denial::parse(
        "User: arn:aws:iam::1:user/x is not authorized to perform: sts:AssumeRole because no role trust policy allows it",
    );
    assert_eq!((denial.action.as_deref(), denial.resource), (Some("sts:AssumeRole"), None));
    assert_eq!(denial.because, Because::NotAllowed(PolicyKind::RoleTrust));
}

#[test]
fn the_statement_to_add_is_made_of_what_the_sentence_names() {
    let denial =
        Denial::parse(&sentence(&format!(" because no identity-based policy allows the {INFER} action")));
    assert_eq!(
        denial.fill(denial.class().fix.into()),
        format!(
            "Add this statement to the permission policy of `arn:aws:iam::123456789012:role/claude`: \
             {{\"Effect\":\"Allow\",\"Action\":\"{INFER}\",\"Resource\":\"{WORKSPACE}\"}}."
        )
    );
}

#[test]
fn a_token_that_may_not_be_made_needs_both_actions() {
    for text in [
        "the role lacks sts:TagGetWebIdentityToken",
        "x is not authorized to perform: sts:GetWebIdentityToken",
    ] {
        let denial = Denial::parse(text);
        assert_eq!(denial.class().code, "access_denied_web_identity_token");
        let fix = denial.fill(denial.class().fix.into());
        assert!(
            fix.contains(
                r#""Action":["sts:GetWebIdentityToken","sts:TagGetWebIdentityToken"],"Resource":"*""#
            ),
            "{fix}"
        );
    }
}

#[test]
fn a_refused_role_gets_the_statements_for_both_sides() {
    let denial = Denial::parse(
        "User: arn:aws:sts::111111111111:assumed-role/gateway/i-1 is not authorized to perform: sts:AssumeRole on \
         resource: arn:aws:iam::222222222222:role/claude",
    );
    let fix = denial.fill(crate::error::sts::ASSUME_ROLE_DENIED.fix.into());
    assert!(fix.contains(r#""Principal":{"AWS":"arn:aws:iam::111111111111:role/gateway"}"#), "{fix}");
    assert!(fix.contains(r#""Resource":"arn:aws:iam::222222222222:role/claude""#), "{fix}");
    assert!(fix.contains("sts:ExternalId"), "{fix}");
}

#[test]
fn the_side_that_refuses_is_told_where_aws_tells_it() {
    let fix = |because: &str| {
        let text =
            format!("User: arn:aws:iam::1:user/x is not authorized to perform: sts:AssumeRole{because}");
        Denial::parse(&text).fill(crate::error::sts::ASSUME_ROLE_DENIED.fix.into()).into_owned()
    };
    let own = fix(" because no identity-based policy allows the sts:AssumeRole action");
    assert!(
        own.starts_with("AWS says that it is the permission policy of the gateway's own identity. Check"),
        "{own}"
    );
    let trust = fix(" because no role trust policy allows the sts:AssumeRole action");
    assert!(trust.starts_with("AWS says that it is the role's trust policy. Check"), "{trust}");
    assert!(fix("").starts_with("Check that the role exists"));
}

#[test]
fn without_a_sentence_the_places_hold_general_words() {
    for class in crate::error::classes() {
        let fix = Denial::default().fill(class.fix.into());
        assert!(!fix.contains("{action}") && !fix.contains("{role}") && !fix.contains("{policy}"), "{fix}");
    }
    assert_eq!(Denial::parse("Forbidden"), Denial::default());
}

proptest! {
    #[test]
    fn any_text_is_taken_apart_without_a_panic(text in ".{0,300}") {
        let denial = Denial::parse(&text);
        for class in crate::error::classes() {
            denial.fill(class.fix.into());
        }
    }

    #[test]
    fn pieces_of_the_sentence_in_any_order_do_no_harm(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "User: ", "is not authorized to perform", ": ", "sts:AssumeRole", " on resource", ": ", "because no ",
            " with an explicit deny in ", "an ", "session policy", "service control policy: ", "arn:", "é", "\n", ". ", "İ",
        ]), 0..12)
    ) {
        let denial = Denial::parse(&pieces.concat());
        denial.fill(denial.class().fix.into());
    }

    #[test]
    fn whatever_stands_in_the_sentence_is_found_again(
        role in "[A-Za-z0-9+=,.@_-]{1,64}", session in "[A-Za-z0-9=,@_-]{2,64}", account in "[0-9]{12}",
    ) {
        let principal = format!("arn:aws:sts::{account}:assumed-role/{role}/{session}");
        let text = format!("User: {principal} is not authorized to perform: {INFER} on resource: {WORKSPACE}");
        let denial = Denial::parse(&text);
        prop_assert_eq!(denial.principal.as_deref(), Some(principal.trim_end_matches([',', '.'])));
        prop_assert_eq!(denial.resource.as_deref(), Some(WORKSPACE));
    }
}
