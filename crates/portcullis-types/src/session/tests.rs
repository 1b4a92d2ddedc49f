//! Templates, tags, durations and policies against AWS's rules.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn template(raw: &str) -> SessionTemplate {
    raw.parse().unwrap()
}

fn metadata() -> Metadata {
    [("project", "Zürich/7"), ("empty", "")].into_iter().collect()
}

fn subject(metadata: &Metadata) -> SessionSubject<'_> {
    SessionSubject {
        organisation: "acme",
        workspace: "research",
        integration: "claude",
        key: Some("0193-key"),
        user: Some("ann@example.com"),
        metadata: Some(metadata),
    }
}

fn check(raw: &str, target: Target, expected: Option<&str>) {
    let metadata = metadata();
    assert_eq!(template(raw).render(&subject(&metadata), target).as_deref(), expected, "{raw}");
}

#[test]
fn placeholders_become_values_that_aws_accepts() {
    check("{organisation}/{workspace}", Target::SessionName, Some("acme-research"));
    check("{user}-{key}", Target::SessionName, Some("ann@example.com-0193-key"));
    check("{metadata.project}", Target::SessionName, Some("Z-rich-7"));
    check("{metadata.project}", Target::TagValue, Some("Zürich/7"));
    check("{user}", Target::SourceIdentity, Some("ann@example.com"));
    check(&"x".repeat(200), Target::SessionName, Some(&"x".repeat(64)));
}

#[test]
fn what_is_not_known_is_a_dash_in_a_name_and_leaves_a_tag_out() {
    check("{metadata.none}", Target::SessionName, Some("--"));
    check("a-{metadata.empty}", Target::SessionName, Some("a--"));
    check("a-{metadata.empty}", Target::TagValue, None);
    check("{metadata.none}", Target::SourceIdentity, None);
    let metadata = metadata();
    let of_workspace = subject(&metadata).of_workspace();
    assert_eq!(template("{user}").render(&of_workspace, Target::TagValue), None);
}

#[test]
fn only_what_differs_between_callers_depends_on_them() {
    for (raw, depends) in [
        ("{organisation}-{workspace}-{integration}", false),
        ("{key}", true),
        ("a{user}", true),
        ("{metadata.x}", true),
    ] {
        assert_eq!(template(raw).depends_on_caller(), depends, "{raw}");
    }
}

#[test]
fn what_is_wrong_with_a_template_is_said() {
    use InvalidSessionTemplate as E;
    let check = |raw: &str, why: E| assert_eq!(raw.parse::<SessionTemplate>(), Err(why), "{raw}");
    check("", E::Length);
    check(&"x".repeat(257), E::Length);
    check("{user", E::Brace);
    check("user}", E::Brace);
    check("{User}", E::Placeholder("User".into()));
    check("{metadata.}", E::Placeholder("metadata.".into()));
    assert!(E::Placeholder("x".into()).to_string().contains("`{x}`"));
}

#[test]
fn tag_keys_and_durations_are_of_aws_sizes() {
    for good in ["team", "Kostenstelle äöü", "a:b/c=d", &"k".repeat(128)] {
        assert!(good.parse::<TagKey>().is_ok(), "{good}");
    }
    for bad in ["", "aws:tag", "AWS:x", "a*b", "a\nb", &"k".repeat(129)] {
        assert_eq!(bad.parse::<TagKey>(), Err(InvalidTagKey), "{bad}");
    }
    assert!(SessionDuration::try_from(899).is_err() && SessionDuration::try_from(43_201).is_err());
    let mut steps = vec![SessionDuration::try_from(43_200).unwrap()];
    while let Some(half) = steps[steps.len() - 1].halved() {
        steps.push(half);
    }
    let seconds: Vec<_> = steps.iter().map(|step| step.seconds()).collect();
    assert_eq!(seconds, [43_200, 21_600, 10_800, 5400, 2700, 1350, 900]);
}

#[test]
fn a_session_policy_is_compact_and_no_resource_policy() {
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let policy = PolicyDocument::try_from(json!({"Statement": [statement.clone()]})).unwrap();
    assert_eq!(policy.as_str(), r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#);
    let refused = |document| PolicyDocument::try_from(document).unwrap_err();
    assert_eq!(refused(json!([])), InvalidSessionPolicy::Shape);
    assert_eq!(refused(json!({"Statement": []})), InvalidSessionPolicy::Shape);
    assert_eq!(refused(json!({"Statement": {"Principal": "*"}})), InvalidSessionPolicy::Shape);
    assert_eq!(refused(json!({"Statement": {"Sid": "☃"}})), InvalidSessionPolicy::Character);
    assert_eq!(refused(json!({"Statement": {"Sid": "x".repeat(2048)}})), InvalidSessionPolicy::TooLong(2072));
}

#[test]
fn settings_survive_their_json_form_and_unknown_ones_are_refused() {
    let json = json!({
        "role_chain": [{"role_arn": "arn:aws:iam::111122223333:role/hub", "external_id": "hub-1"}],
        "duration_seconds": 1800, "session_name": "{workspace}",
        "session_tags": [{"key": "user", "value": "{user}"}], "transitive_tag_keys": ["user"],
        "source_identity": "{user}", "session_policy": "off",
    });
    let settings: RoleSettings = serde_json::from_value(json.clone()).unwrap();
    assert!(settings.depends_on_caller());
    assert_eq!(serde_json::to_value(&settings).unwrap(), json);
    assert_eq!(serde_json::from_str::<RoleSettings>("{}").unwrap(), RoleSettings::default());
    assert!(serde_json::from_str::<RoleSettings>(r#"{"duration": 1}"#).is_err());
}

#[test]
fn the_metadata_that_settings_ask_for_is_known_by_name() {
    let settings: RoleSettings = serde_json::from_value(json!({
        "role_chain": [{"role_arn": "arn:aws:iam::111122223333:role/hub", "session_name": "{metadata.team}"}],
        "session_name": "{metadata.project}-{user}",
        "session_tags": [{"key": "a", "value": "{metadata.project}"}, {"key": "b", "value": "{metadata.cost.centre}"}],
        "source_identity": "{metadata.person}",
    }))
    .unwrap();
    let names: Vec<_> = settings.metadata_names().into_iter().collect();
    assert_eq!(names, ["cost.centre", "person", "project", "team"]);
}

proptest! {
    #[test]
    fn whatever_a_caller_says_aws_accepts_it(user in ".*", value in ".*") {
        let metadata: Metadata = [("x", value)].into_iter().collect();
        let subject = SessionSubject { user: Some(&user), ..subject(&metadata) };
        let text = template("{user}{metadata.x}");
        let name = text.render(&subject, Target::SessionName).unwrap();
        prop_assert!(name.parse::<crate::aws::SessionName>().is_ok(), "{name}");
        if let Some(identity) = text.render(&subject, Target::SourceIdentity) {
            prop_assert!(identity.parse::<crate::aws::SessionName>().is_ok(), "{identity}");
        }
        if let Some(tag) = text.render(&subject, Target::TagValue) {
            prop_assert!(tag.chars().count() <= 256 && !tag.contains(['{', '\n']), "{tag}");
        }
    }
}
