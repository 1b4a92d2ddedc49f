//! The gateway's own keys change while sessions live.

use std::time::Duration;

use tokio::time::Instant;

use super::world::{Answer, HOUR, Wanted, World, settle, unavailable, world};

const MINUTE: Duration = Duration::from_secs(60);
const OLD_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const NEW_KEY: &str = "AKIAI44QH8DHBEXAMPLE";

fn many(n: u128) -> Vec<Wanted> {
    (1..=n).map(|integration| Wanted { integration, ..Wanted::role() }).collect()
}

/// A world whose gateway has the old key, and a session for each of these.
async fn world_with_sessions(wanted: &[Wanted]) -> World {
    let world = world();
    *world.chain.long_term_key.lock().unwrap() = Some(OLD_KEY);
    for wanted in wanted {
        world.ask(wanted).await.unwrap();
    }
    world
}

impl World {
    /// The key is rotated, and a minute later somebody's request has the gateway notice.
    async fn rotate(&self, used: &Wanted) {
        *self.chain.long_term_key.lock().unwrap() = Some(NEW_KEY);
        tokio::time::sleep(MINUTE).await;
        assert!(self.engine.cached(&used.request()).is_some());
        settle().await;
    }

    fn n_calls_by(&self, key: &str) -> usize {
        self.sts.seen.lock().unwrap().iter().filter(|(caller, ..)| caller == key).count()
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_of_the_old_key_serves_until_that_of_the_new_one_is_there() {
    let wanted = Wanted::role();
    let world = world_with_sessions(std::slice::from_ref(&wanted)).await;
    let old = world.ask(&wanted).await.unwrap();
    world.rotate(&wanted).await;
    for _ in 0..MINUTE.as_secs() {
        assert!(world.engine.cached(&wanted.request()).is_some(), "nobody waits");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_ne!(world.ask(&wanted).await.unwrap().access_key_id, old.access_key_id);
    assert_eq!((world.n_calls_by(OLD_KEY), world.n_calls_by(NEW_KEY)), (1, 1));
    assert_eq!(world.engine.stats().n_sessions, 1);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_while_sts_is_down_costs_nobody_a_session() {
    let wanted = many(20);
    let world = world_with_sessions(&wanted).await;
    world.sts.set(Answer::Fails(unavailable()));
    world.rotate(&wanted[0]).await;
    for _ in 0..50 {
        assert!(wanted.iter().all(|wanted| world.engine.cached(&wanted.request()).is_some()));
        tokio::time::sleep(MINUTE).await;
    }
    world.sts.set(Answer::Lives(HOUR));
    tokio::time::sleep(MINUTE).await;
    assert!(wanted.iter().all(|wanted| world.engine.cached(&wanted.request()).is_some()));
    assert_eq!(world.n_calls_by(OLD_KEY), 20, "every call since is the new key's");
}

#[tokio::test(start_paused = true)]
async fn sessions_of_a_rotated_key_are_replaced_within_the_budget() {
    let wanted = many(200);
    let world = world_with_sessions(&wanted).await;
    world.rotate(&wanted[0]).await;
    let rotated_at = Instant::now();
    for _ in 0..90 {
        assert!(wanted.iter().all(|wanted| world.engine.cached(&wanted.request()).is_some()), "nobody waits");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let seen = world.sts.seen.lock().unwrap();
    let since: Vec<_> = seen.iter().filter(|(_, _, at)| *at > rotated_at).map(|(_, _, at)| *at).collect();
    let within = |from: Instant, span| since.iter().filter(|at| (from..from + span).contains(at)).count();
    let peak = since.iter().map(|at| within(*at, Duration::from_secs(10))).max().unwrap();
    assert!((199..=200).contains(&since.len()) && peak <= 10 + 50, "{}, {peak} in ten seconds", since.len());
}

#[tokio::test(start_paused = true)]
async fn a_rotation_brings_nobody_the_session_of_another_integration_or_revision() {
    let wanted = Wanted::role();
    let world = world_with_sessions(std::slice::from_ref(&wanted)).await;
    world.rotate(&wanted).await;
    let others = [
        Wanted { integration: 2, ..wanted.clone() },
        Wanted { revision: 2, ..wanted.clone() },
        Wanted { workspace: "other".to_owned(), ..wanted.clone() },
    ];
    for other in others {
        assert!(world.engine.cached(&other.request()).is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_replaced_session_is_replaced_once() {
    let wanted = Wanted::role();
    let world = world_with_sessions(std::slice::from_ref(&wanted)).await;
    world.rotate(&wanted).await;
    tokio::time::sleep(2 * MINUTE).await;
    assert!(world.engine.cached(&wanted.request()).is_some());
    tokio::time::sleep(30 * MINUTE).await;
    assert_eq!(world.sts.calls(), 2, "one of each");
}

#[tokio::test(start_paused = true)]
async fn a_revoked_long_term_key_is_replaced_at_once_if_its_successor_is_there() {
    let world = world_with_sessions(&[Wanted::role()]).await;
    *world.sts.long_term_key.lock().unwrap() = Some(OLD_KEY);
    *world.chain.long_term_key.lock().unwrap() = Some(NEW_KEY);
    world.ask(&Wanted { integration: 2, ..Wanted::role() }).await.unwrap();
    assert_eq!((world.chain.calls(), world.sts.calls()), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn rotating_temporary_source_keys_leave_sessions_alone() {
    let world = world();
    world.chain.set(Answer::Lives(Duration::from_secs(1200)));
    world.ask(&Wanted::role()).await.unwrap();
    for _ in 0..8 {
        tokio::time::sleep(5 * MINUTE).await;
        assert!(world.engine.cached(&Wanted::role().request()).is_some());
        settle().await;
    }
    assert!(world.chain.calls() >= 2);
    assert_eq!(world.sts.calls(), 1);
}
