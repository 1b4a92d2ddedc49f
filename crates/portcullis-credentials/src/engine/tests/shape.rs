//! Chains, durations and what AWS is told of the caller.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::world::{Wanted, World, world};
use crate::AssumeRole;
use crate::error::{CredentialsError, Explanation};
use crate::health::Notice;

fn with_long_term_keys() -> World {
    let world = world();
    *world.chain.long_term_key.lock().unwrap() = Some("AKIAIOSFODNN7EXAMPLE");
    world
}

fn calls(world: &World) -> Vec<(String, AssumeRole)> {
    world.sts.seen.lock().unwrap().iter().map(|(caller, call, _)| (caller.clone(), call.clone())).collect()
}

fn durations(world: &World) -> Vec<u32> {
    calls(world).iter().map(|(_, call)| call.duration.seconds()).collect()
}

fn notices(world: &World) -> Vec<Notice> {
    world.engine.health(Wanted::role().request().integration).unwrap().notices
}

fn chained() -> Wanted {
    Wanted::role().settings(json!({
        "role_chain": [
            {"role_arn": "arn:aws:iam::111122223333:role/hub", "external_id": "hub-id", "session_name": "hub-{workspace}"},
            {"role_arn": "arn:aws:iam::444455556666:role/spoke"},
        ],
        "duration_seconds": 7200,
        "session_tags": [{"key": "Team", "value": "{workspace}"}, {"key": "user", "value": "{user}"}],
        "transitive_tag_keys": ["team"],
        "source_identity": "{user}",
    }))
}

#[tokio::test(start_paused = true)]
async fn each_role_of_a_chain_is_assumed_with_the_session_of_the_one_before() {
    let world = with_long_term_keys();
    let session = world.ask(&chained().by("ada")).await.unwrap();
    let calls = calls(&world);
    let callers: Vec<_> = calls.iter().map(|(caller, _)| caller.as_str()).collect();
    assert_eq!(callers, ["AKIAIOSFODNN7EXAMPLE", "ASIAEXAMPLE00000001", "ASIAEXAMPLE00000002"]);
    assert_eq!(session.access_key_id.as_str(), "ASIAEXAMPLE00000003");
    let told: Vec<_> = calls
        .iter()
        .map(|(_, call)| {
            let id = call.external_id.as_ref().map(|id| id.as_str());
            (call.role_arn.as_str(), id, call.session_name.as_str(), call.duration.seconds())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("arn:aws:iam::111122223333:role/hub", Some("hub-id"), "hub-pcs-default-claude", 900),
            ("arn:aws:iam::444455556666:role/spoke", None, "pcs-pcs-default-claude-claude", 900),
            (
                "arn:aws:iam::123456789012:role/claude",
                Some("pcs-acme"),
                "pcs-pcs-default-claude-claude",
                3600
            ),
        ]
    );
    assert_eq!(notices(&world), [Notice::ChainedToOneHour { asked: 7200.try_into().unwrap() }]);
}

#[tokio::test(start_paused = true)]
async fn tags_that_go_along_are_given_first_and_everything_else_to_the_own_role() {
    let world = with_long_term_keys();
    world.ask(&chained().by("ada")).await.unwrap();
    let calls = calls(&world);
    let tags = |n: usize| -> Vec<(&str, &str)> {
        calls[n].1.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
    };
    assert_eq!(tags(0), [("Team", "pcs-default-claude")]);
    assert_eq!(tags(1), []);
    assert_eq!(tags(2), [("user", "ada")]);
    let transitive: Vec<_> = calls.iter().map(|(_, call)| call.transitive_tag_keys.len()).collect();
    assert_eq!(transitive, [1, 0, 0]);
    let identities: Vec<_> = calls.iter().map(|(_, call)| call.source_identity.as_deref()).collect();
    assert_eq!(identities, [None, None, Some("ada")]);
    let policies: Vec<_> = calls.iter().map(|(_, call)| call.policy.is_some()).collect();
    assert_eq!(policies, [false, false, true]);
}

#[tokio::test(start_paused = true)]
async fn an_identity_that_is_a_role_gets_an_hour_and_says_so() {
    let world = world();
    let wanted = Wanted::role().settings(json!({"duration_seconds": 43_200}));
    world.ask(&wanted).await.unwrap();
    assert_eq!(durations(&world), [3600]);
    let notices = notices(&world);
    assert_eq!(notices[0].code(), "session_limited_by_role_chaining");
    assert!(notices[0].to_string().contains("`duration_seconds` is 43200"), "{}", notices[0]);
}

#[tokio::test(start_paused = true)]
async fn a_duration_that_aws_refuses_is_halved_in_the_same_flight_and_remembered() {
    let world = with_long_term_keys();
    world.sts.longest.store(7200, Ordering::SeqCst);
    let wanted = Wanted::role().settings(json!({"duration_seconds": 43_200}));
    world.ask(&wanted).await.unwrap();
    assert_eq!(durations(&world), [43_200, 21_600, 10_800, 5400]);
    let [asked, granted] = [43_200, 5400].map(|seconds| seconds.try_into().unwrap());
    assert_eq!(notices(&world), [Notice::Shortened { asked, granted }]);
    let session = world.ask(&wanted).await.unwrap();
    assert_eq!(world.engine.forget_rejected(&wanted.request(), &session), crate::Renewal::Worthwhile);
    world.ask(&wanted).await.unwrap();
    assert_eq!(durations(&world)[4..], [5400], "later calls begin there");
    let changed = Wanted { revision: 2, ..wanted.clone() };
    world.ask(&changed).await.unwrap();
    assert_eq!(durations(&world)[5], 43_200, "a changed integration asks for everything again");
}

/// A session of at most two hours where twelve were asked for; then the role allows twelve.
async fn shortened_until_just_now() -> (World, Wanted) {
    let world = with_long_term_keys();
    world.sts.longest.store(7200, Ordering::SeqCst);
    let wanted = Wanted::role().settings(json!({"duration_seconds": 43_200}));
    world.ask(&wanted).await.unwrap();
    world.sts.longest.store(43_200, Ordering::SeqCst);
    (world, wanted)
}

#[tokio::test(start_paused = true)]
async fn a_shortened_session_grows_again_within_hours_once_aws_grants_more() {
    let (world, wanted) = shortened_until_just_now().await;
    for _ in 0..7 * 12 {
        assert!(world.engine.cached(&wanted.request()).is_some());
        tokio::time::sleep(Duration::from_secs(300)).await;
    }
    let durations = durations(&world);
    let n_short = durations[4..].iter().take_while(|seconds| **seconds == 5400).count();
    assert!(n_short >= 6, "what AWS refused is not asked for at once: {durations:?}");
    assert_eq!(durations[4 + n_short..].iter().find(|seconds| **seconds != 43_200), None, "{durations:?}");
    assert_eq!((durations.last(), notices(&world)), (Some(&43_200), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn what_aws_still_refuses_after_hours_is_tried_once_and_left_alone_again() {
    let (world, wanted) = shortened_until_just_now().await;
    world.sts.longest.store(7200, Ordering::SeqCst);
    for _ in 0..11 * 12 {
        assert!(world.engine.cached(&wanted.request()).is_some());
        tokio::time::sleep(Duration::from_secs(300)).await;
    }
    let n_full = durations(&world).iter().filter(|seconds| **seconds == 43_200).count();
    assert_eq!((n_full, notices(&world).len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn who_knows_that_the_role_has_changed_has_it_asked_in_full_at_once() {
    let (world, wanted) = shortened_until_just_now().await;
    world.engine.ask_for_longer_sessions(wanted.request().integration);
    world.ask(&Wanted { workspace: "other".to_owned(), ..wanted }).await.unwrap();
    assert_eq!(durations(&world)[4..], [43_200]);
}

#[tokio::test(start_paused = true)]
async fn the_plan_is_what_will_be_called() {
    let world = with_long_term_keys();
    let wanted = chained().by("ada");
    world.ask(&wanted).await.unwrap();
    let planned = world.engine.plan(&wanted.request()).unwrap().unwrap();
    let called: Vec<_> = calls(&world).into_iter().map(|(_, call)| call).collect();
    assert_eq!(planned.hops, called);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_on_the_way_names_the_role() {
    let world = with_long_term_keys();
    let why = Explanation::new("User: x is not authorized to perform: sts:AssumeRole");
    world.sts.set(super::Answer::Fails(CredentialsError::AccessDenied(why)));
    let error = world.ask(&chained()).await.unwrap_err();
    assert!(
        error.to_string().contains("role 1 of the chain (arn:aws:iam::111122223333:role/hub): User: x"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn too_large_a_policy_says_what_to_shorten() {
    let world = with_long_term_keys();
    world.sts.set(super::Answer::Fails(CredentialsError::PolicyTooLarge(Explanation::new("110%"))));
    let error = world.ask(&Wanted::role()).await.unwrap_err().to_string();
    for part in ["`session_policy`", "`session_tags`", "`features`", "110%"] {
        assert!(error.contains(part), "{error}");
    }
}
