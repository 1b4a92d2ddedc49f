//! Sessions are replaced without anybody asking, for as long as somebody asked not long ago.

use std::time::Duration;

use super::world::{Answer, HOUR, Wanted, denied, world, world_with};

const MINUTE: Duration = Duration::from_secs(60);

fn n_live(world: &super::world::World) -> usize {
    world.engine.stats().n_sessions
}

#[tokio::test(start_paused = true)]
async fn a_session_is_replaced_although_nobody_asks_and_let_go_once_it_is_idle() {
    let world = world();
    world.ask(&Wanted::role()).await.unwrap();
    tokio::time::sleep(44 * MINUTE - Duration::from_secs(35)).await;
    assert_eq!(world.sts.calls(), 1, "not due before 43.5 min");
    tokio::time::sleep(4 * MINUTE).await;
    assert_eq!(world.sts.calls(), 2);
    tokio::time::sleep(3 * HOUR).await;
    assert_eq!((world.sts.calls(), n_live(&world)), (2, 0), "nobody has asked for an hour");
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_that_is_used_again_in_its_last_minutes_is_replaced_at_once() {
    let world = world();
    world.ask(&Wanted::role()).await.unwrap();
    tokio::time::sleep(98 * MINUTE).await;
    assert_eq!((world.sts.calls(), n_live(&world)), (2, 1), "the second one is due and idle");
    assert!(world.engine.cached(&Wanted::role().request()).is_some());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.sts.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_by_timer() {
    let world = world();
    world.ask(&Wanted::role()).await.unwrap();
    world.sts.set(Answer::Fails(denied()));
    tokio::time::sleep(50 * MINUTE).await;
    assert!(world.sts.calls() >= 4, "{}", world.sts.calls());
    let health = world.engine.health(Wanted::role().request().integration).unwrap();
    assert_eq!(health.last_error.unwrap().code, "aws_assume_role_denied");
    assert!(world.engine.stats().refresh_lag.worst_pending >= 3 * MINUTE);
    world.sts.set(Answer::Lives(HOUR));
    tokio::time::sleep(2 * MINUTE).await;
    let health = world.engine.health(Wanted::role().request().integration).unwrap();
    assert_eq!((health.last_error, health.n_sessions), (None, 1));
    let stats = world.engine.stats();
    assert!(stats.refresh_lag.last >= 3 * MINUTE, "{:?}", stats.refresh_lag);
    assert_eq!(stats.refresh_lag.worst_pending, Duration::ZERO);
    assert_eq!(stats.assume_role_calls.iter().find(|(name, _)| *name == "ok"), Some(&("ok", 2)));
}

#[tokio::test(start_paused = true)]
async fn sessions_of_an_old_revision_are_not_replaced() {
    let world = world();
    world.ask(&Wanted::role()).await.unwrap();
    world.ask(&Wanted { revision: 2, ..Wanted::role() }).await.unwrap();
    tokio::time::sleep(50 * MINUTE).await;
    assert_eq!(world.sts.calls(), 3, "one of each, and one replacement");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_is_told_whatever_else_there_is() {
    let world = world();
    let last = Wanted { integration: 5000, ..Wanted::role() };
    for integration in 1..=1200 {
        world.sts.set(Answer::Lives(HOUR / 2));
        world.ask(&Wanted { integration, ..Wanted::role() }).await.unwrap();
    }
    world.sts.set(Answer::Lives(HOUR));
    world.ask(&last).await.unwrap();
    let [id, unknown] =
        [5000, 6000].map(|integration| Wanted { integration, ..Wanted::role() }.request().integration);
    let stats = world.engine.stats_of([unknown, id]);
    assert_eq!((stats.n_sessions, stats.sessions_over_cap, stats.worst_pending), (1, 0, Duration::ZERO));
    assert_eq!(stats.seconds_to_expiry, [(id, 3600)]);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_dropped_leaves_nothing_behind() {
    let world = world_with(|settings| settings.idle_after = 100 * HOUR);
    world.ask(&Wanted::role()).await.unwrap();
    let sts = world.sts.clone();
    drop(world);
    tokio::time::sleep(3 * HOUR).await;
    assert_eq!(sts.calls(), 1);
}
