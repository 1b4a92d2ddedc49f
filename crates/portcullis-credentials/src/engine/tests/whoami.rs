//! Who the gateway is, for whoever asks through an API.

use std::time::Duration;

use tokio::time::Instant;

use super::world::{Answer, HOUR, Wanted, World, unavailable, world, world_with};
use crate::slot::Purpose;
use crate::source::SourceKind;
use crate::{CredentialsError, SourceIdentity, StsBudget};

const SECOND: Duration = Duration::from_secs(1);

impl World {
    async fn many_ask_who_the_gateway_is(&self, n: usize) -> Vec<Result<SourceIdentity, CredentialsError>> {
        let asking = (0..n).map(|_| {
            let engine = self.engine.clone();
            tokio::spawn(async move { engine.source_identity().await })
        });
        let mut answers = Vec::new();
        for asked in asking.collect::<Vec<_>>() {
            answers.push(asked.await.unwrap());
        }
        answers
    }
}

#[tokio::test(start_paused = true)]
async fn the_source_identity_says_who_and_from_where() {
    let world = world();
    let identity = world.engine.source_identity().await.unwrap();
    assert_eq!(identity.account, "123456789012");
    assert_eq!(identity.kind, SourceKind::WebIdentity);
    assert!(identity.expires_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn however_many_ask_sts_is_asked_once_a_minute() {
    let world = world();
    for n_calls in 1..=3 {
        let answers = world.many_ask_who_the_gateway_is(1000).await;
        assert!(answers.iter().all(Result::is_ok));
        tokio::time::sleep(58 * SECOND).await;
        world.engine.source_identity().await.unwrap();
        assert_eq!(world.sts.calls(), n_calls);
        tokio::time::sleep(3 * SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_repeated_for_seconds_and_not_for_a_minute() {
    let world = world();
    world.sts.set(Answer::Fails(unavailable()));
    assert!(world.many_ask_who_the_gateway_is(1000).await.iter().all(Result::is_err));
    assert_eq!(world.sts.calls(), 1);
    world.sts.set(Answer::Lives(HOUR));
    tokio::time::sleep(5 * SECOND).await;
    world.engine.source_identity().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn another_key_is_another_question() {
    let world = world();
    *world.chain.long_term_key.lock().unwrap() = Some("AKIAIOSFODNN7EXAMPLE");
    world.engine.source_identity().await.unwrap();
    *world.chain.long_term_key.lock().unwrap() = Some("AKIAI44QH8DHBEXAMPLE");
    tokio::time::sleep(50 * SECOND).await;
    // Has the gateway look for its identity again, as any request does.
    let _ = world.engine.cached(&Wanted::role().with(portcullis_types::AwsAuth::ServiceRole).request());
    tokio::time::sleep(SECOND).await;
    world.engine.source_identity().await.unwrap();
    assert_eq!(world.sts.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_question_waits_for_its_turn_but_not_for_long() {
    let world = world_with(|settings| settings.budget = StsBudget { per_second: 1, burst: 1 });
    world.engine.source().await.unwrap();
    assert!(world.engine.wait_for_sts(60 * SECOND).await);
    assert!(world.engine.wait_for_sts(60 * SECOND).await, "the next turn is a second away");
    let started = Instant::now();
    world.engine.source_identity().await.unwrap();
    assert!(started.elapsed() > SECOND, "half a second of the call's own, and its turn");
    tokio::time::sleep(60 * SECOND).await;
    for _ in 0..60 {
        let engine = world.engine.clone();
        tokio::spawn(async move { engine.wait_for_sts(60 * SECOND).await });
    }
    tokio::time::sleep(SECOND).await;
    let started = Instant::now();
    world.engine.source_identity().await.unwrap();
    let took = started.elapsed();
    assert!(took > 4 * SECOND && took < 7 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_sts_is_told_whether_the_turn_came() {
    let world = world_with(|settings| settings.budget = StsBudget { per_second: 1, burst: 1 });
    assert!(world.engine.wait_for_sts(SECOND).await);
    assert!(world.engine.wait_for_sts(2 * SECOND).await);
    assert!(!world.engine.wait_for_sts(SECOND / 10).await);
}

#[tokio::test(start_paused = true)]
async fn a_verification_waits_for_its_turn_at_sts_but_not_for_ever() {
    let world = world_with(|settings| settings.budget = StsBudget { per_second: 1, burst: 1 });
    let started = tokio::time::Instant::now();
    for _ in 0..4 {
        world.engine.take_sts_turn(Purpose::Wanted).await;
    }
    assert!(started.elapsed() >= 2 * SECOND, "{:?}", started.elapsed());

    // A hundred of them are in front.
    for _ in 0..100 {
        let engine = world.engine.clone();
        tokio::spawn(async move { engine.take_sts_turn(Purpose::Ahead).await });
    }
    tokio::task::yield_now().await;
    let started = tokio::time::Instant::now();
    world.engine.take_sts_turn(Purpose::Wanted).await;
    assert!(started.elapsed() <= 6 * SECOND, "{:?}", started.elapsed());
}
