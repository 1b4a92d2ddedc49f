//! STS is down while sessions live. The outages pass through the whole client of STS, from the HTTP answer on.

use std::sync::Arc;
use std::time::Duration;

use portcullis_types::{AwsCredentials, SharedClock};
use tokio::time::Instant;

use super::super::Renewal;
use super::wire::{Weather, Wire};
use super::world::{Answer, HOUR, Scripted, TokioClock, Wanted, settle, unavailable, world};
use crate::error::{CredentialsError, Explanation};
use crate::{CredentialEngine, EngineSettings};

/// An engine whose STS is at the end of a wire.
struct Post {
    clock: SharedClock,
    chain: Arc<Scripted>,
    wire: Wire,
    engine: CredentialEngine,
    wanted: Wanted,
}

impl Post {
    fn new() -> Self {
        let clock: SharedClock = Arc::new(TokioClock(Instant::now()));
        let (chain, wire) = (Scripted::new(&clock, Answer::Lives(12 * HOUR)), Wire::new(&clock));
        let settings = EngineSettings::new(Arc::clone(&clock));
        let sts = Arc::new(wire.sts(&settings));
        let engine = CredentialEngine::with_settings(settings, chain.clone(), sts);
        Self { clock, chain, wire, engine, wanted: Wanted::role() }
    }

    async fn ask(&self) -> Result<Arc<AwsCredentials>, CredentialsError> {
        self.engine.credentials(&self.wanted.request()).await
    }

    /// A request every 20 s, none of which may have to wait.
    async fn serve_for(&self, time: Duration, what: &str) {
        let until = self.clock.now() + time;
        while let Some(left) = until.duration_since(self.clock.now()).ok().filter(|left| !left.is_zero()) {
            assert!(self.engine.cached(&self.wanted.request()).is_some(), "{what}: {left:?} before its end");
            tokio::time::sleep(left.min(Duration::from_secs(20))).await;
        }
    }

    /// How long the session at hand still serves.
    async fn life_left(&self) -> Duration {
        let session = self.ask().await.unwrap();
        let serves_until = session.expires_at.unwrap() - Duration::from_secs(60);
        serves_until.duration_since(self.clock.now()).unwrap()
    }

    /// The weather changes. A call that is in the air still brings what it would have brought.
    async fn turn(&self, weather: Weather) {
        self.wire.set(weather);
        settle().await;
    }

    /// What the outage leaves when nothing lives any more, and that it takes nothing with it.
    async fn ends_and_recovers(&self, what: &str) {
        assert!(self.ask().await.is_err(), "{what}: it is over");
        self.turn(Weather::Fair).await;
        tokio::time::sleep(Duration::from_secs(15)).await;
        assert!(self.ask().await.is_ok(), "{what}: nothing had to be restarted");
    }
}

/// An outage of this kind at 60 moments of a session's life.
///
/// - `most_calls`: what the backoff allows. Once nothing is left to double, what passes by itself is tried again after 15
///   to 30 s and a denial after 30 to 60 s; a session is due for at most 16.5 min.
async fn outages(weather: Weather, most_calls: usize) {
    for minute in 0..60 {
        let (post, what) = (Post::new(), format!("{weather:?} at {minute} min"));
        post.ask().await.unwrap();
        post.serve_for(minute * Duration::from_secs(60), &what).await;
        post.turn(weather).await;
        let (calls, life) = (post.wire.calls(), post.life_left().await);
        post.serve_for(life, &what).await;
        let calls = post.wire.calls() - calls;
        assert!((1..=most_calls).contains(&calls), "{what}: {calls} calls");
        post.ends_and_recovers(&what).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_cannot_be_reached_fails_nobody_whose_session_lives() {
    outages(Weather::Refused, 72).await;
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_says_nothing_fails_nobody_whose_session_lives() {
    outages(Weather::Silent, 45).await;
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_throttles_fails_nobody_whose_session_lives() {
    outages(Weather::Throttled, 72).await;
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_has_failed_fails_nobody_whose_session_lives() {
    outages(Weather::Unavailable, 72).await;
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_answers_garbage_fails_nobody_whose_session_lives() {
    outages(Weather::Garbage, 72).await;
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_breaks_off_in_its_answer_fails_nobody_whose_session_lives() {
    outages(Weather::Truncated, 72).await;
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_denies_fails_nobody_whose_session_lives() {
    outages(Weather::Denied, 40).await;
}

const OUTAGES: [Weather; 7] = [
    Weather::Refused,
    Weather::Silent,
    Weather::Throttled,
    Weather::Unavailable,
    Weather::Garbage,
    Weather::Truncated,
    Weather::Denied,
];

#[tokio::test(start_paused = true)]
async fn a_rotated_source_key_fails_nobody_whose_session_lives_in_an_outage() {
    for (n, weather) in (0_u32..).zip(OUTAGES) {
        let (post, what) = (Post::new(), format!("{weather:?}"));
        *post.chain.long_term_key.lock().unwrap() = Some("AKIAIOSFODNN7EXAMPLE");
        let first = post.ask().await.unwrap();
        post.serve_for(n * Duration::from_secs(480), &what).await;
        post.turn(weather).await;
        *post.chain.long_term_key.lock().unwrap() = Some("AKIAI44QH8DHBEXAMPLE");
        let (calls, life) = (post.wire.calls(), post.life_left().await);
        post.serve_for(life, &what).await;
        assert!(post.chain.calls() > 2, "{what}: the new key is known");
        let calls = post.wire.calls() - calls;
        // What the new identity has no session of is asked for at once, not when the old one is due.
        assert!((1..=2 * 240).contains(&calls), "{what}: {calls} calls");
        post.ends_and_recovers(&what).await;
        assert_ne!(post.ask().await.unwrap().access_key_id, first.access_key_id, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_fails_nobody_whose_session_lives_in_an_outage() {
    for (n, weather) in (0_u32..).zip(OUTAGES) {
        let (post, what) = (Post::new(), format!("{weather:?}"));
        let first = post.ask().await.unwrap();
        post.serve_for(n * Duration::from_secs(480), &what).await;
        post.turn(weather).await;
        let (calls, life) = (post.wire.calls(), post.life_left().await);
        for _ in 0..100 {
            let _: Renewal = post.engine.forget_rejected(&post.wanted.request(), &first);
            post.ask().await.unwrap();
        }
        post.serve_for(life - Duration::from_secs(20), &what).await;
        let calls = post.wire.calls() - calls;
        assert!((1..=300).contains(&calls), "{what}: {calls} calls");
        tokio::time::sleep(Duration::from_secs(20)).await;
        post.ends_and_recovers(&what).await;
    }
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
