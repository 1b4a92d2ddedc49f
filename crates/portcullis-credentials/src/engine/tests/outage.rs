//! STS is down while sessions live.

use std::time::Duration;

use super::world::{Answer, HOUR, Wanted, denied, settle, unavailable, world};
use crate::error::{CredentialsError, Explanation};

/// An outage of this kind at 60 moments of a session's life.
///
/// - `most_calls`: what the backoff allows. Once nothing is left to double, what passes by itself is tried again after 15
///   to 30 s and a denial after 30 to 60 s; a session is due for at most 16.5 min.
async fn outages(kind: &str, answer: Answer, most_calls: usize) {
    for minute in 0..60 {
        outage(kind, &answer, minute, most_calls).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_cannot_be_reached_fails_nobody_whose_session_lives() {
    outages("refused", Answer::Fails(unavailable()), 72).await;
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_says_nothing_fails_nobody_whose_session_lives() {
    outages("timeout", Answer::Stalls, 45).await;
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_throttles_fails_nobody_whose_session_lives() {
    let throttled = CredentialsError::Throttled(Explanation::new("Rate exceeded"));
    outages("throttled", Answer::Fails(throttled), 72).await;
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_has_failed_fails_nobody_whose_session_lives() {
    let failed = CredentialsError::StsUnavailable(Explanation::new("HTTP 503"));
    outages("5xx", Answer::Fails(failed), 72).await;
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_answers_garbage_fails_nobody_whose_session_lives() {
    let malformed = CredentialsError::MalformedAnswer(Explanation::new("no XML"));
    outages("malformed", Answer::Fails(malformed), 72).await;
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_denies_fails_nobody_whose_session_lives() {
    outages("denied", Answer::Fails(denied()), 40).await;
}

async fn outage(kind: &str, answer: &Answer, minute: u32, most_calls: usize) {
    let world = world();
    let wanted = Wanted::role();
    let first = world.ask(&wanted).await.unwrap();
    let begins_at = first.expires_at.unwrap() - HOUR + minute * Duration::from_secs(60);
    while world.clock.now() < begins_at {
        assert!(world.engine.cached(&wanted.request()).is_some(), "{kind} {minute}: before the outage");
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    // A call that is in the air when the outage begins still brings a session.
    let finished = world.sts.calls();
    world.sts.set(answer.clone());
    settle().await;
    let last = world.ask(&wanted).await.unwrap();
    let serves_until = last.expires_at.unwrap() - Duration::from_secs(60);
    while world.clock.now() < serves_until {
        assert!(world.engine.cached(&wanted.request()).is_some(), "{kind} {minute}: the session lives");
        let left = serves_until.duration_since(world.clock.now()).unwrap();
        tokio::time::sleep(left.min(Duration::from_secs(15))).await;
    }
    let calls = world.sts.calls() - finished;
    assert!(calls <= most_calls, "{kind} {minute}: {calls} calls");
    assert!(world.ask(&wanted).await.is_err(), "{kind} {minute}: it is over");
    world.sts.set(Answer::Lives(HOUR));
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert!(world.ask(&wanted).await.is_ok(), "{kind} {minute}: nothing had to be restarted");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_meanwhile_fails_nobody_either() {
    let world = world();
    let wanted = Wanted::role();
    world.ask(&wanted).await.unwrap();
    world.chain.set(Answer::Fails(CredentialsError::SourceUnavailable(Explanation::new("nothing found"))));
    world.sts.set(Answer::Fails(unavailable()));
    for _ in 0..350 {
        assert!(world.engine.cached(&wanted.request()).is_some());
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn everybody_hears_of_a_failure_when_it_happens() {
    let world = world();
    world.sts.set(Answer::Fails(unavailable()));
    let started = tokio::time::Instant::now();
    let answers = world.a_thousand(&Wanted::role()).await;
    // The chain takes half a second, and so does STS.
    let after_the_failure = started.elapsed() - Duration::from_secs(1);
    assert!(after_the_failure <= Duration::from_millis(200), "{after_the_failure:?}");
    assert!(answers.iter().all(Result::is_err));
    assert_eq!(world.sts.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_sts_delays_nobody_whose_session_lives() {
    let world = world();
    let wanted = Wanted::role();
    world.ask(&wanted).await.unwrap();
    world.sts.set(Answer::LivesAfter(HOUR, Duration::from_secs(2)));
    for _ in 0..2000 {
        assert!(world.engine.cached(&wanted.request()).is_some());
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert!(world.sts.calls() >= 3);
}
