//! Warm-up and the budget of calls to STS.

use std::time::Duration;

use tokio::time::Instant;

use super::world::{Answer, HOUR, Wanted, World, unavailable, world};
use crate::WarmRequest;

fn many(n: u128) -> Vec<Wanted> {
    (1..=n).map(|integration| Wanted { integration, ..Wanted::role() }).collect()
}

fn warm_requests(wanted: &[Wanted]) -> Vec<WarmRequest> {
    let warm = |wanted: &Wanted| {
        let request = wanted.request();
        WarmRequest {
            integration: request.integration,
            revision: request.revision,
            platform: wanted.platform.clone(),
            organisation: request.subject.organisation.to_owned(),
            workspace: wanted.workspace.clone(),
            integration_slug: request.subject.integration.to_owned(),
        }
    };
    wanted.iter().map(warm).collect()
}

/// The most calls within any span of this length.
fn peak(world: &World, span: Duration) -> usize {
    let calls: Vec<Instant> = world.sts.seen.lock().unwrap().iter().map(|(_, _, at)| *at).collect();
    let within = |from: Instant| calls.iter().filter(|at| (from..from + span).contains(*at)).count();
    calls.iter().map(|from| within(*from)).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn five_hundred_integrations_are_warmed_and_kept_warm_within_the_budget() {
    let world = world();
    let wanted = many(500);
    let warmed = world.engine.warm(warm_requests(&wanted)).await;
    assert_eq!((warmed.n_ready, warmed.n_failed), (500, 0));
    assert_eq!(world.sts.calls(), 500);
    assert!(wanted.iter().all(|wanted| world.engine.cached(&wanted.request()).is_some()), "nobody waits");
    tokio::time::sleep(HOUR).await;
    assert_eq!(world.sts.calls(), 1000, "each was replaced once");
    assert!(wanted.iter().all(|wanted| world.engine.cached(&wanted.request()).is_some()), "nobody waits");
    let (second, ten) = (peak(&world, Duration::from_secs(1)), peak(&world, Duration::from_secs(10)));
    assert!(second <= 10 + 5 && ten <= 10 + 50, "{second} calls in a second, {ten} in ten");
}

#[tokio::test(start_paused = true)]
async fn warm_up_calls_a_few_at_the_same_time() {
    let world = world();
    world.engine.source().await.unwrap();
    let started = Instant::now();
    world.engine.warm(warm_requests(&many(8))).await;
    // Half a second each, four at a time.
    assert_eq!(started.elapsed().as_millis() / 100, 10);
}

#[tokio::test(start_paused = true)]
async fn a_caller_does_not_wait_for_the_turn_of_warm_up() {
    let world = world();
    let wanted = many(200);
    let (engine, requests) = (world.engine.clone(), warm_requests(&wanted));
    let warming = tokio::spawn(async move { engine.warm(requests).await });
    tokio::time::sleep(Duration::from_secs(3)).await;
    let started = Instant::now();
    world.ask(wanted.last().unwrap()).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(warming.await.unwrap().n_ready, 200);
    assert_eq!(world.sts.calls(), 200, "the session that was there already is not made again");
}

#[tokio::test(start_paused = true)]
async fn cold_callers_are_never_held_up_by_the_budget() {
    let world = world();
    world.engine.source().await.unwrap();
    let started = Instant::now();
    let asking = many(300).into_iter().map(|wanted| {
        let engine = world.engine.clone();
        tokio::spawn(async move { engine.credentials(&wanted.request()).await.is_ok() })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert!(asked.await.unwrap());
    }
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_warmed_is_counted_and_explained() {
    let world = world();
    world.sts.set(Answer::Fails(unavailable()));
    let wanted = many(3);
    let warmed = world.engine.warm(warm_requests(&wanted)).await;
    assert_eq!((warmed.n_ready, warmed.n_failed), (0, 3));
    let health = world.engine.health(wanted[0].request().integration).unwrap();
    assert_eq!(health.last_error.unwrap().code, "aws_sts_unavailable");
    assert_eq!(health.last_success, None);
}
