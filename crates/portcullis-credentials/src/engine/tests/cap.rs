//! Sessions that depend on the caller, and how many of them there may be.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;

use super::world::{Answer, HOUR, Wanted, World, denied, unavailable, world_with};

const MINUTE: Duration = Duration::from_secs(60);

fn world_of(cap: usize) -> World {
    world_with(|settings| settings.sessions_per_integration = cap)
}

fn naming_the_user() -> Wanted {
    Wanted::role().settings(json!({"source_identity": "{user}"}))
}

async fn key_of(world: &World, wanted: &Wanted) -> String {
    world.ask(wanted).await.unwrap().access_key_id.as_str().to_owned()
}

#[tokio::test(start_paused = true)]
async fn each_caller_has_a_session_of_their_own_and_keeps_it() {
    let world = world_of(100);
    let wanted = naming_the_user();
    let (ada, grace) = (key_of(&world, &wanted.by("ada")).await, key_of(&world, &wanted.by("grace")).await);
    let nobody = key_of(&world, &wanted).await;
    assert_eq!(HashSet::from([&ada, &grace, &nobody]).len(), 3);
    assert_eq!(key_of(&world, &wanted.by("ada")).await, ada);
    let identities: Vec<_> =
        world.sts.seen.lock().unwrap().iter().map(|(_, call, _)| call.source_identity.clone()).collect();
    assert_eq!(identities, [Some("ada".to_owned()), Some("grace".to_owned()), None]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_when_all_places_are_in_use_is_served_by_the_common_session() {
    let world = world_of(3);
    let wanted = naming_the_user();
    for user in ["ada", "grace", "alan"] {
        world.ask(&wanted.by(user)).await.unwrap();
    }
    let common = key_of(&world, &wanted).await;
    assert_eq!(key_of(&world, &wanted.by("barbara")).await, common);
    assert_eq!(key_of(&world, &wanted.by("edsger")).await, common);
    assert!(world.engine.cached(&wanted.by("edsger").request()).is_some(), "and does not wait for it");
    assert_eq!(world.sts.calls(), 4);
    let health = world.engine.health(wanted.request().integration).unwrap();
    assert_eq!((health.n_sessions, health.sessions_over_cap), (4, 3));
    assert_eq!(world.engine.stats().sessions_over_cap, 3);
}

#[tokio::test(start_paused = true)]
async fn the_least_recently_used_makes_room_once_it_is_idle() {
    let world = world_of(2);
    let wanted = naming_the_user();
    let ada = key_of(&world, &wanted.by("ada")).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let grace = key_of(&world, &wanted.by("grace")).await;
    world.ask(&wanted).await.unwrap();
    tokio::time::sleep(MINUTE).await;
    assert_eq!(key_of(&world, &wanted.by("ada")).await, ada);
    tokio::time::sleep(5 * MINUTE).await;
    let alan = key_of(&world, &wanted.by("alan")).await;
    assert_eq!(key_of(&world, &wanted.by("alan")).await, alan, "alan has a place");
    assert_eq!(key_of(&world, &wanted.by("ada")).await, ada, "ada was here later than grace");
    assert_ne!(key_of(&world, &wanted.by("grace")).await, grace, "grace made room");
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_says_something_else_each_time_costs_no_flood_of_calls() {
    let world = world_of(20);
    let wanted =
        Wanted::role().settings(json!({"session_tags": [{"key": "ticket", "value": "{metadata.ticket}"}]}));
    for n in 0..2000 {
        world.ask(&wanted.saying("ticket", &n.to_string())).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.sts.calls(), 21, "20 places and the common session");
}

#[tokio::test(start_paused = true)]
async fn callers_who_are_all_refused_cost_few_calls_too() {
    let world = world_of(20);
    world.sts.set(Answer::Fails(denied()));
    let wanted = naming_the_user();
    for n in 0..600 {
        world.ask(&wanted.by(&format!("user-{n}"))).await.unwrap_err();
    }
    // Ten minutes pass with the calls: 20 places change hands once a minute, and the common session is tried again.
    assert!(world.sts.calls() <= 320, "{}", world.sts.calls());
}

#[tokio::test(start_paused = true)]
async fn nobody_leaves_for_a_newcomer_who_gets_no_session() {
    let world = world_of(2);
    let wanted = naming_the_user();
    let (ada, grace) = (key_of(&world, &wanted.by("ada")).await, key_of(&world, &wanted.by("grace")).await);
    tokio::time::sleep(6 * MINUTE).await;
    world.sts.set(Answer::Fails(unavailable()));
    for newcomer in ["alan", "barbara", "edsger"] {
        world.ask(&wanted.by(newcomer)).await.unwrap_err();
    }
    assert_eq!(key_of(&world, &wanted.by("ada")).await, ada);
    assert_eq!(key_of(&world, &wanted.by("grace")).await, grace);
    world.sts.set(Answer::Lives(HOUR));
    tokio::time::sleep(6 * MINUTE).await;
    for newcomer in ["alan", "barbara"] {
        key_of(&world, &wanted.by(newcomer)).await;
    }
    let live = world.engine.health(wanted.request().integration).unwrap().n_sessions;
    assert_eq!(live, 2, "two newcomers took two places");
}

#[tokio::test(start_paused = true)]
async fn callers_without_a_session_are_served_by_the_live_common_one_while_sts_is_down() {
    let world = world_of(2);
    let wanted = naming_the_user();
    let common = key_of(&world, &wanted).await;
    world.sts.set(Answer::Fails(unavailable()));
    assert_eq!(key_of(&world, &wanted.by("ada")).await, common);
    assert_eq!(world.engine.health(wanted.request().integration).unwrap().sessions_over_cap, 1);
    world.sts.set(Answer::Fails(denied()));
    let error = world.ask(&wanted.by("grace")).await.unwrap_err();
    assert_eq!(error.code(), "aws_assume_role_denied", "what does not pass by itself is said");
    let elsewhere = Wanted { workspace: "other".to_owned(), ..wanted.by("ada") };
    world.sts.set(Answer::Fails(unavailable()));
    world.ask(&elsewhere).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn past_the_cap_over_all_integrations_callers_share_their_workspaces_session() {
    let world = world_with(|settings| (settings.sessions_per_integration, settings.most_sessions) = (3, 4));
    let first = naming_the_user();
    let second = Wanted { integration: 2, ..first.clone() };
    let users = ["ada", "grace", "alan"];
    for _ in 0..50 {
        for user in users {
            world.ask(&first.by(user)).await.unwrap();
            world.ask(&second.by(user)).await.unwrap();
        }
    }
    assert_eq!(world.sts.calls(), 6, "four places, and a common session of each integration");
    assert!(world.engine.stats().sessions_over_cap >= 98);
}

#[tokio::test(start_paused = true)]
async fn places_of_sessions_that_are_over_are_free_for_other_integrations() {
    let world = world_with(|settings| (settings.sessions_per_integration, settings.most_sessions) = (2, 2));
    let first = naming_the_user();
    let second = Wanted { integration: 2, ..first.clone() };
    for user in ["ada", "grace"] {
        world.ask(&first.by(user)).await.unwrap();
    }
    let common = key_of(&world, &second).await;
    assert_eq!(key_of(&world, &second.by("alan")).await, common);
    tokio::time::sleep(3 * HOUR).await;
    let (common, alan) = (key_of(&world, &second).await, key_of(&world, &second.by("alan")).await);
    assert_ne!(common, alan);
}

#[tokio::test(start_paused = true)]
async fn an_edit_makes_room_at_once() {
    let world = world_of(1);
    let wanted = naming_the_user();
    world.ask(&wanted.by("ada")).await.unwrap();
    world.ask(&wanted.by("grace")).await.unwrap();
    let edited = Wanted { revision: 2, ..wanted };
    let common = key_of(&world, &edited).await;
    assert_ne!(key_of(&world, &edited.by("grace")).await, common);
}

#[tokio::test(start_paused = true)]
async fn workspaces_are_not_capped_where_sessions_name_nobody() {
    let world = world_of(1);
    let workspaces =
        ["red", "green", "blue"].map(|name| Wanted { workspace: name.to_owned(), ..Wanted::role() });
    let mut keys = HashSet::new();
    for workspace in &workspaces {
        keys.insert(key_of(&world, workspace).await);
    }
    assert_eq!((keys.len(), world.engine.stats().sessions_over_cap), (3, 0));
}
