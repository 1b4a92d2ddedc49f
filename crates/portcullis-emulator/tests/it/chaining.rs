//! Chained sessions, tags, source identity, and what the log and the handle tell of each session.

use portcullis_emulator::StsMode;
use portcullis_emulator::iam::Policy;
use portcullis_emulator::world::{EXTERNAL_ID, GATEWAY_ARN, ROLE_ARN};
use serde_json::json;

use crate::client::{Call, Keys, Lab, ask, assume_role, element};

const TAGGED: &[(&str, &str)] = &[
    ("Tags.member.1.Key", "Team"),
    ("Tags.member.1.Value", "one"),
    ("Tags.member.2.Key", "Project"),
    ("Tags.member.2.Value", "gateway"),
    ("TransitiveTagKeys.member.1", "team"),
    ("SourceIdentity", "alice"),
];

/// The role trusts everybody to assume it, tag and name, and may do anything.
async fn open_lab() -> Lab {
    let lab = Lab::new().await;
    trust(&lab, &["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]);
    lab
}

fn trust(lab: &Lab, actions: &[&str]) {
    lab.emulator.change_world(|world| {
        let role = world.roles.get_mut("portcullis-claude").unwrap();
        role.trust_policy = policy(&json!({"Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": actions}]}));
        role.permissions_policy =
            policy(&json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}));
        role.max_session_duration = 43_200;
    });
}

fn policy(document: &serde_json::Value) -> Policy {
    Policy::from_json(&document.to_string()).unwrap()
}

async fn refused(lab: &Lab, keys: &Keys, extra: &[(&str, &str)], code: &str, part: &str) {
    let (status, body) = lab.send(&assume_role(extra), keys).await;
    assert!(status >= 400 && element(&body, "Code") == code, "{status} {body}");
    assert!(element(&body, "Message").contains(part), "{body}");
}

#[tokio::test]
async fn transitive_tags_and_the_source_identity_pass_on_and_cannot_be_changed() {
    let lab = open_lab().await;
    let first = lab.session_with(TAGGED).await;
    let (_, body) = lab.send(&assume_role(&[]), &first).await;
    assert_eq!(element(&body, "SourceIdentity"), "alice");
    let second = lab.emulator.session_origin(&element(&body, "AccessKeyId")).unwrap();
    assert_eq!(second.tags, [("Team".to_owned(), "one".to_owned())].into());
    let conflict = "conflicts with a transitive tag key from the calling session.";
    let same_key = [("Tags.member.1.Key", "TEAM"), ("Tags.member.1.Value", "one")];
    refused(&lab, &first, &same_key, "InvalidParameterValue", conflict).await;
    refused(&lab, &first, &[("SourceIdentity", "bob")], "AccessDenied", "sts:SetSourceIdentity").await;
    assert_eq!(lab.send(&assume_role(&[("SourceIdentity", "alice")]), &first).await.0, 200);
    let unsent = [("TransitiveTagKeys.member.1", "nobody")];
    refused(
        &lab,
        &Keys::gateway(),
        &unsent,
        "InvalidParameterValue",
        "must be included in the requested tags.",
    )
    .await;
    let marks = [("Tags.member.1.Key", "a;b"), ("Tags.member.1.Value", "one")];
    refused(&lab, &Keys::gateway(), &marks, "ValidationError", "regular expression").await;
}

#[tokio::test]
async fn both_sides_must_allow_tags_and_source_identity_also_when_they_are_inherited() {
    let lab = open_lab().await;
    let first = lab.session_with(TAGGED).await;
    trust(&lab, &["sts:AssumeRole", "sts:SetSourceIdentity"]);
    refused(&lab, &Keys::gateway(), TAGGED, "AccessDenied", "sts:TagSession").await;
    refused(&lab, &first, &[], "AccessDenied", "sts:TagSession").await;
    trust(&lab, &["sts:AssumeRole", "sts:TagSession"]);
    refused(&lab, &Keys::gateway(), TAGGED, "AccessDenied", "sts:SetSourceIdentity").await;
    refused(&lab, &first, &[], "AccessDenied", "sts:SetSourceIdentity").await;
    trust(&lab, &["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]);
    for missing in ["sts:TagSession", "sts:SetSourceIdentity"] {
        lab.emulator.change_world(|world| {
            world.principals[0].policy =
                policy(&json!({"Statement": [{"Effect": "Allow", "NotAction": missing, "Resource": "*"}]}));
        });
        refused(&lab, &Keys::gateway(), TAGGED, "AccessDenied", missing).await;
    }
}

#[tokio::test]
async fn policies_see_tags_and_the_source_identity() {
    let lab = open_lab().await;
    let session = lab.session_with(TAGGED).await;
    let set = |condition: serde_json::Value| {
        lab.emulator.change_world(|world| {
            world.roles.get_mut("portcullis-claude").unwrap().permissions_policy = policy(
                &json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}]}),
            );
        });
    };
    for (condition, status) in [
        (json!({"StringEquals": {"aws:PrincipalTag/team": "one", "aws:SourceIdentity": "alice"}}), 200),
        (json!({"StringEquals": {"aws:PrincipalTag/team": "two"}}), 403),
        (json!({"ArnLike": {"aws:PrincipalArn": ROLE_ARN}}), 200),
        (json!({"ArnEquals": {"aws:PrincipalArn": GATEWAY_ARN}}), 403),
    ] {
        set(condition.clone());
        assert_eq!(lab.send(&Call::messages(&ask("Hello")), &session).await.0, status, "{condition}");
    }
    let entry = lab.emulator.requests().pop().unwrap();
    assert_eq!(
        (entry.session_tags["Team"].as_str(), entry.source_identity.as_deref()),
        ("one", Some("alice"))
    );
}

#[tokio::test]
async fn the_log_has_what_assume_role_was_sent_and_the_handle_whose_a_key_is() {
    let lab = open_lab().await;
    let narrow = r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let extra = [TAGGED, &[("DurationSeconds", "900"), ("Policy", narrow)]].concat();
    let session = lab.session_with(&extra).await;
    let sent = lab.emulator.requests().pop().unwrap().assume_role.unwrap();
    assert_eq!((sent.role_arn.as_str(), sent.role_session_name.as_str()), (ROLE_ARN, "pcs-team-one"));
    assert_eq!((sent.external_id.as_deref(), sent.duration_seconds), (Some(EXTERNAL_ID), Some(900)));
    assert_eq!((sent.tags["Project"].as_str(), sent.source_identity.as_deref()), ("gateway", Some("alice")));
    assert_eq!((sent.transitive_tag_keys, sent.packed_policy_percent), (vec!["team".to_owned()], Some(5)));
    assert_eq!(sent.policy.unwrap()["Statement"][0]["Action"], "*");
    let origin = lab.emulator.session_origin(&session.id).unwrap();
    assert_eq!((origin.role_arn.as_str(), origin.opened_by.as_str()), (ROLE_ARN, GATEWAY_ARN));
    assert_eq!(origin.external_id.as_deref(), Some(EXTERNAL_ID));
    assert_eq!(lab.emulator.session_origin("ASIANOBODY"), None);
}

#[tokio::test]
async fn sts_can_refuse_everybody_and_fail_in_one_region_only() {
    let lab = Lab::new().await;
    let call = assume_role(&[("ExternalId", EXTERNAL_ID)]);
    let in_oregon = Call { region: "us-west-2".into(), ..call.clone() };
    lab.emulator.set_sts_mode(StsMode::AccessDenied);
    let (status, body) = lab.send(&call, &Keys::gateway()).await;
    assert_eq!((status, element(&body, "Code").as_str()), (403, "AccessDenied"));
    assert_eq!(lab.send(&Call::sts(&[("Action", "GetCallerIdentity")]), &Keys::gateway()).await.0, 200);
    lab.emulator.set_sts_mode_in(&["us-west-2"], StsMode::Unavailable);
    assert_eq!(lab.send(&call, &Keys::gateway()).await.0, 200);
    assert_eq!(lab.send(&in_oregon, &Keys::gateway()).await.0, 503);
    lab.emulator.set_sts_mode(StsMode::Ok);
    for account in ["111122223333", "123456789012"] {
        lab.emulator.change_world(|world| {
            world.accounts.get_mut(account).unwrap().sts_inactive_regions = vec!["us-west-2".into()];
        });
        let (status, body) = lab.send(&in_oregon, &Keys::gateway()).await;
        assert_eq!((status, element(&body, "Code").as_str()), (403, "RegionDisabledException"));
        assert!(element(&body, "Message").contains(&format!("account:{account}.")), "{body}");
        assert_eq!(lab.send(&call, &Keys::gateway()).await.0, 200);
        lab.emulator.change_world(|world| {
            world.accounts.get_mut(account).unwrap().sts_inactive_regions.clear();
        });
    }
}

#[tokio::test]
async fn a_fresh_connection_finds_another_host_than_the_stale_one() {
    let lab = Lab::new().await;
    let id = [("ExternalId", EXTERNAL_ID)];
    assert_eq!(lab.assume(&id).await.0, 200);
    lab.emulator.set_sts_mode(StsMode::StaleConnections);
    let request = lab.signed(&assume_role(&id), &Keys::gateway()).build().unwrap();
    let fresh = reqwest::Client::new();
    assert_eq!(fresh.execute(request).await.unwrap().status(), 200);
    let entries = lab.emulator.requests();
    assert!(entries[1].connection > entries[0].connection, "{entries:?}");
}

#[tokio::test]
async fn sts_can_fail_a_number_of_times_and_recover() {
    let lab = Lab::new().await;
    let id = [("ExternalId", EXTERNAL_ID)];
    lab.emulator.set_sts_mode_times(StsMode::Throttling, 2);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(lab.assume(&id).await.0);
    }
    assert_eq!(statuses, [400, 400, 200]);
}
