//! AWS rejects sessions: they are replaced, but none is thrown away before its successor is there.

use std::sync::Arc;
use std::time::Duration;

use portcullis_types::AwsAuth;
use tokio::time::{Instant, advance};

use super::world::{Answer, HOUR, Wanted, denied, settle, unavailable, world};
use crate::Renewal;
use crate::error::{CredentialsError, Explanation};

#[tokio::test(start_paused = true)]
async fn forgetting_a_rejected_session_spares_its_successor() {
    let world = world();
    let wanted = Wanted::role();
    let old = world.ask(&wanted).await.unwrap();
    advance(Duration::from_secs(31)).await;
    assert_eq!(world.engine.forget_rejected(&wanted.request(), &old), Renewal::Worthwhile);
    let new = world.ask(&wanted).await.unwrap();
    assert_ne!(new.access_key_id, old.access_key_id);
    assert_eq!(world.engine.forget_rejected(&wanted.request(), &old), Renewal::Worthwhile);
    assert!(Arc::ptr_eq(&world.engine.cached(&wanted.request()).unwrap(), &new));
    assert_eq!(world.sts.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_replaced_a_rejected_one_is_kept_longer_each_time() {
    let world = world();
    let wanted = Wanted::role();
    let mut session = world.ask(&wanted).await.unwrap();
    for hold in [0, 5, 10, 20, 40, 80, 160, 300, 300] {
        if hold > 0 {
            advance(Duration::from_secs(hold - 1)).await;
            assert_eq!(world.engine.forget_rejected(&wanted.request(), &session), Renewal::Futile, "{hold}");
            assert!(Arc::ptr_eq(&world.engine.cached(&wanted.request()).unwrap(), &session));
            advance(Duration::from_secs(1)).await;
        }
        assert_eq!(world.engine.forget_rejected(&wanted.request(), &session), Renewal::Worthwhile, "{hold}");
        let next = world.ask(&wanted).await.unwrap();
        assert_ne!(next.access_key_id, session.access_key_id);
        session = next;
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_rejects_every_session_costs_few_of_them() {
    let world = world();
    let wanted = Wanted::role();
    let mut retries = 0;
    // An hour of a request a second, each of them told that its session has expired.
    for _ in 0..3600 {
        let session = world.ask(&wanted).await.unwrap();
        if world.engine.forget_rejected(&wanted.request(), &session) == Renewal::Worthwhile {
            retries += 1;
        }
        advance(Duration::from_secs(1)).await;
    }
    assert!((15..=19).contains(&retries), "{retries} retries");
    settle().await;
    assert_eq!(world.sts.calls(), retries + 1, "one new session for each retry, after the first");
}

/// What can become of a call of STS.
fn failures() -> [Answer; 5] {
    let throttled = CredentialsError::Throttled(Explanation::new("Rate exceeded"));
    let malformed = CredentialsError::MalformedAnswer(Explanation::new("no XML"));
    let fails = [unavailable(), throttled, malformed, denied()].map(Answer::Fails);
    let [one, two, three, four] = fails;
    [one, two, three, four, Answer::Stalls]
}

#[tokio::test(start_paused = true)]
async fn a_rejected_session_serves_again_when_sts_gives_no_other() {
    for failure in failures() {
        let world = world();
        let wanted = Wanted::role();
        let session = world.ask(&wanted).await.unwrap();
        world.sts.set(failure.clone());
        assert_eq!(world.engine.forget_rejected(&wanted.request(), &session), Renewal::Worthwhile);
        let started = Instant::now();
        for answer in world.a_thousand(&wanted).await {
            assert!(Arc::ptr_eq(&answer.unwrap(), &session), "{failure:?}");
        }
        assert!(started.elapsed() <= Duration::from_millis(3100), "{failure:?}: {:?}", started.elapsed());
        assert!(Arc::ptr_eq(&world.engine.cached(&wanted.request()).unwrap(), &session), "{failure:?}");
        assert_eq!(world.sts.calls(), 2, "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_session_is_replaced_once_sts_is_back() {
    for failure in failures() {
        let world = world();
        let wanted = Wanted::role();
        let session = world.ask(&wanted).await.unwrap();
        world.sts.set(failure.clone());
        // A minute of a request a second, each of them rejected.
        for _ in 0..60 {
            let again = world.ask(&wanted).await.unwrap();
            assert!(Arc::ptr_eq(&again, &session), "{failure:?}");
            let _ = world.engine.forget_rejected(&wanted.request(), &session);
            advance(Duration::from_secs(1)).await;
        }
        assert!((5..=40).contains(&world.sts.calls()), "{failure:?}: {} calls", world.sts.calls());
        world.sts.set(Answer::Lives(HOUR));
        // The last call may be in the air, and its failure is held for a while.
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(world.engine.forget_rejected(&wanted.request(), &session), Renewal::Worthwhile);
        assert_ne!(world.ask(&wanted).await.unwrap().access_key_id, session.access_key_id);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_session_serves_until_its_end_and_not_longer() {
    let world = world();
    let wanted = Wanted::role();
    let session = world.ask(&wanted).await.unwrap();
    world.sts.set(Answer::Fails(unavailable()));
    while world.engine.cached(&wanted.request()).is_some() {
        let _ = world.engine.forget_rejected(&wanted.request(), &session);
        settle().await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let left = session.expires_at.unwrap().duration_since(world.clock.now()).unwrap();
    assert!((Duration::from_secs(45)..=Duration::from_secs(60)).contains(&left), "{left:?}");
    assert_eq!(world.ask(&wanted).await.unwrap_err().code(), "aws_sts_unavailable");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_session_serves_again_when_the_gateways_own_identity_is_away() {
    let world = world();
    world.chain.set(Answer::Lives(Duration::from_secs(900)));
    let wanted = Wanted::role();
    let session = world.ask(&wanted).await.unwrap();
    world.chain.set(Answer::Fails(CredentialsError::SourceUnavailable(Explanation::new("nothing found"))));
    tokio::time::sleep(Duration::from_secs(1000)).await;
    assert_eq!(world.engine.forget_rejected(&wanted.request(), &session), Renewal::Worthwhile);
    assert!(Arc::ptr_eq(&world.ask(&wanted).await.unwrap(), &session));
    assert_eq!(world.sts.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_served_for_long_is_replaced_at_its_first_rejection() {
    let world = world();
    let wanted = Wanted::role();
    for _ in 0..3 {
        let session = world.ask(&wanted).await.unwrap();
        advance(Duration::from_secs(301)).await;
        assert_eq!(world.engine.forget_rejected(&wanted.request(), &session), Renewal::Worthwhile);
    }
    assert_eq!(world.sts.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_renewal_brings_other_static_keys() {
    let world = world();
    let auth = AwsAuth::AccessKey {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        secret_access_key: "hunter2-static".into(),
    };
    let wanted = Wanted::role().with(auth);
    let credentials = world.ask(&wanted).await.unwrap();
    advance(HOUR).await;
    assert_eq!(world.engine.forget_rejected(&wanted.request(), &credentials), Renewal::Futile);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_service_role_is_looked_for_again() {
    let world = world();
    let wanted = Wanted::role().with(AwsAuth::ServiceRole);
    let old = world.ask(&wanted).await.unwrap();
    assert_eq!(world.engine.forget_rejected(&wanted.request(), &old), Renewal::Worthwhile);
    assert_ne!(world.ask(&wanted).await.unwrap().access_key_id, old.access_key_id);
    assert_eq!(world.chain.calls(), 2);
}
