//! The engine on a scripted chain and a scripted STS, under virtual time. Here: single flight, expiry and the gateway's own
//! identity; the rest is in files of its own.

mod cap;
mod isolation;
mod outage;
mod rejection;
mod rotation;
mod shape;
mod timers;
mod warmth;
mod whoami;
mod wire;
mod world;

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use tokio::time::{Instant, advance};

use super::*;
use crate::Fault;
use world::{Answer, HOUR, Wanted, denied, settle, unavailable, world, world_with};

#[tokio::test(start_paused = true)]
async fn a_thousand_cold_callers_make_one_assume_role() {
    let world = world();
    let answers = world.a_thousand(&Wanted::role()).await;
    let first = answers[0].clone().unwrap();
    assert!(answers.iter().all(|answer| Arc::ptr_eq(answer.as_ref().unwrap(), &first)));
    assert_eq!((world.chain.calls(), world.sts.calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failing_sts_is_called_once_and_answers_everybody() {
    let world = world();
    world.sts.set(Answer::Fails(unavailable()));
    let started = Instant::now();
    let answers = world.a_thousand(&Wanted::role()).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap_err().code() == "aws_sts_unavailable"));
    assert!(started.elapsed() < Duration::from_millis(1200), "{:?}", started.elapsed());
    assert_eq!(world.sts.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_repeated_until_its_time_is_over() {
    let world = world();
    for (failure, longest) in [(unavailable(), 5_u32), (denied(), 15)] {
        world.sts.set(Answer::Fails(failure));
        let wanted = Wanted { integration: longest.into(), ..Wanted::role() };
        world.ask(&wanted).await.unwrap_err();
        let calls = world.sts.calls();
        let repeated = world.ask(&wanted).await.unwrap_err();
        let wait = repeated.retry_after().unwrap();
        assert!(
            (Duration::from_millis(900)..=Duration::from_secs(longest.into())).contains(&wait),
            "{wait:?}"
        );
        assert_eq!(world.sts.calls(), calls);
        advance(wait).await;
        world.sts.set(Answer::Lives(HOUR));
        world.ask(&wanted).await.unwrap();
        assert_eq!(world.sts.calls(), calls + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_source_is_asked_once_and_answers_everybody() {
    let world = world();
    world.chain.set(Answer::Fails(CredentialsError::SourceUnavailable(Explanation::new("nothing found"))));
    let answers = world.a_thousand(&Wanted::role()).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap_err().fault() == Fault::Operator));
    assert_eq!((world.chain.calls(), world.sts.calls()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn callers_that_hang_up_cause_no_extra_call_and_cancel_nothing() {
    let world = world();
    world.ask(&Wanted::role().with(AwsAuth::ServiceRole)).await.unwrap();
    for _ in 0..100 {
        let gone = tokio::time::timeout(Duration::from_millis(1), world.ask(&Wanted::role())).await;
        assert!(gone.is_err());
    }
    settle().await;
    assert_eq!((world.sts.calls(), world.sts.finished.load(Ordering::SeqCst)), (1, 1));
    assert!(world.engine.cached(&Wanted::role().request()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_panics_or_never_ends_leaves_nobody_waiting() {
    let world = world();
    world.sts.set(Answer::Panics);
    assert_eq!(world.ask(&Wanted::role()).await.unwrap_err().code(), "aws_sts_unavailable");
    world.sts.set(Answer::Stalls);
    let other = Wanted { integration: 2, ..Wanted::role() };
    let started = Instant::now();
    assert_eq!(world.ask(&other).await.unwrap_err().code(), "aws_sts_unavailable");
    assert!(started.elapsed() <= STS_PATIENCE + Duration::from_millis(50));
    advance(Duration::from_secs(5)).await;
    world.sts.set(Answer::Lives(HOUR));
    world.ask(&Wanted::role()).await.unwrap();
    world.ask(&other).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_changed_revision_never_uses_the_old_session() {
    let world = world();
    let old = world.ask(&Wanted::role()).await.unwrap();
    let changed = Wanted { revision: 2, ..Wanted::role() };
    assert!(world.engine.cached(&changed.request()).is_none());
    let new = world.ask(&changed).await.unwrap();
    assert_ne!(old.access_key_id, new.access_key_id);
    assert_eq!(world.sts.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_kept_in_the_words_of_aws_with_advice() {
    let world = world();
    world.sts.set(Answer::Fails(denied()));
    let error = world.ask(&Wanted::role()).await.unwrap_err();
    assert_eq!(error.code(), "aws_assume_role_denied");
    assert!(error.to_string().contains("is not authorized to perform: sts:AssumeRole"));
    assert!(error.explain().fix.unwrap().contains("external ID"));
    assert_eq!(error.explanation().request_id.as_deref(), Some("req-1"));
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_never_leave() {
    let world = world();
    for (integration, life_s) in [(1, 0), (2, 59), (3, 60)] {
        world.sts.set(Answer::Lives(Duration::from_secs(life_s)));
        let error = world.ask(&Wanted { integration, ..Wanted::role() }).await.unwrap_err();
        assert_eq!(error.code(), "aws_sts_malformed_answer", "{life_s} s");
    }
    world.sts.set(Answer::Lives(Duration::from_secs(900)));
    let wanted = Wanted { integration: 4, ..Wanted::role() };
    let session = world.ask(&wanted).await.unwrap();
    world.sts.set(Answer::Fails(unavailable()));
    advance(Duration::from_secs(839)).await;
    assert!(world.engine.cached(&wanted.request()).is_some());
    advance(Duration::from_secs(1)).await;
    assert!(session.is_live(world.clock.now()));
    assert!(world.engine.cached(&wanted.request()).is_none());
    world.ask(&wanted).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_session_is_replaced_ahead_of_its_end_and_the_old_one_serves_meanwhile() {
    let world = world();
    let wanted = Wanted::role();
    let old = world.ask(&wanted).await.unwrap();
    advance(Duration::from_secs(2600)).await;
    assert!(Arc::ptr_eq(&world.engine.cached(&wanted.request()).unwrap(), &old));
    settle().await;
    assert_eq!(world.sts.calls(), 1, "not due before min(15 min, 25 %) and its jitter");
    advance(Duration::from_secs(190)).await;
    for _ in 0..1000 {
        assert!(Arc::ptr_eq(&world.engine.cached(&wanted.request()).unwrap(), &old));
    }
    settle().await;
    let new = world.engine.cached(&wanted.request()).unwrap();
    assert_ne!(new.access_key_id, old.access_key_id);
    assert_eq!(world.sts.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn forgetting_makes_one_new_session() {
    let world = world();
    let wanted = Wanted::role();
    let old = world.ask(&wanted).await.unwrap();
    world.engine.forget(&wanted.request());
    assert!(world.engine.cached(&wanted.request()).is_none());
    let answers = world.a_thousand(&wanted).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().access_key_id != old.access_key_id));
    assert_eq!(world.sts.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn dead_sessions_and_identities_leave_memory_without_being_asked_for() {
    let world = world_with(|settings| settings.idle_after = Duration::from_secs(600));
    world.chain.set(Answer::Lives(HOUR / 2));
    let (session, identity) = {
        let session = world.ask(&Wanted::role()).await.unwrap();
        let identity = world.ask(&Wanted::role().with(AwsAuth::ServiceRole)).await.unwrap();
        (Arc::downgrade(&session), Arc::downgrade(&identity))
    };
    let check = async |seconds: u64, session_is_kept: bool, identity_is_kept: bool| {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let seen = (session.upgrade().is_some(), identity.upgrade().is_some());
        assert_eq!(seen, (session_is_kept, identity_is_kept));
    };
    check(1700, true, true).await;
    check(60, true, false).await;
    check(1700, true, false).await;
    check(120, false, false).await;
    assert_eq!((world.chain.calls(), world.sts.calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn forgetting_clears_a_remembered_refusal() {
    let world = world();
    world.sts.set(Answer::Fails(denied()));
    world.ask(&Wanted::role()).await.unwrap_err();
    world.sts.set(Answer::Lives(HOUR));
    world.engine.forget(&Wanted::role().request());
    world.ask(&Wanted::role()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_rejected_source_is_looked_for_again_once() {
    let world = world();
    world.sts.set(Answer::Fails(CredentialsError::SourceRejected(Explanation::new("expired"))));
    assert_eq!(world.ask(&Wanted::role()).await.unwrap_err().code(), "aws_source_rejected");
    assert_eq!((world.chain.calls(), world.sts.calls()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn static_keys_need_neither_source_nor_sts() {
    let world = world();
    let auth = AwsAuth::AccessKey {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        secret_access_key: "hunter2-static".into(),
    };
    let wanted = Wanted::role().with(auth);
    let credentials = world.ask(&wanted).await.unwrap();
    assert_eq!(credentials.expose_secret_access_key(), "hunter2-static");
    assert!(credentials.expires_at.is_none() && credentials.session_token.is_none());
    world.engine.forget(&wanted.request());
    assert_eq!((world.chain.calls(), world.sts.calls()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn nothing_takes_the_place_of_a_workspace_key() {
    let world = world();
    let auth =
        AwsAuth::ApiKey { key: "hunter2-key".into(), header: portcullis_types::ApiKeyHeader::default() };
    let wanted = Wanted::role().with(auth);
    assert_eq!(world.ask(&wanted).await.unwrap_err().code(), "aws_sts_invalid_request");
    world.engine.prepare(&wanted.request()).await.unwrap();
    assert_eq!((world.chain.calls(), world.sts.calls()), (0, 0));
    assert!(world.engine.health(wanted.request().integration).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_service_role_is_the_source_itself_and_rotates_with_it() {
    let world = world();
    let wanted = Wanted::role().with(AwsAuth::ServiceRole);
    let old = world.ask(&wanted).await.unwrap();
    assert!(Arc::ptr_eq(&world.ask(&wanted).await.unwrap(), &old));
    advance(12 * HOUR - Duration::from_secs(800)).await;
    assert!(Arc::ptr_eq(&world.engine.cached(&wanted.request()).unwrap(), &old));
    settle().await;
    assert_ne!(world.engine.cached(&wanted.request()).unwrap().access_key_id, old.access_key_id);
    assert_eq!((world.chain.calls(), world.sts.calls()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_debug_output_or_error_text() {
    let world = world();
    let session = world.ask(&Wanted::role()).await.unwrap();
    world.engine.source_identity().await.unwrap();
    let auth = AwsAuth::AccessKey {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        secret_access_key: "hunter2-static".into(),
    };
    let wanted = Wanted::role().with(auth);
    let shown = format!("{:?} {session:?} {:?}", world.engine, wanted.request());
    assert!(!shown.contains("hunter2"), "{shown}");
}

/// Parts chosen so that joining them with any separator collides.
fn wanted() -> impl Strategy<Value = (u128, i64, &'static str, String, String, String)> {
    (
        1_u128..3,
        1_i64..3,
        prop_oneof![Just("us-west-2"), Just("us-east-1")],
        "[a/]{0,3}a",
        "[a:/,=@]{2,3}",
        "[a,=@]{2,3}",
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn different_requests_never_share_a_session(tuples in proptest::collection::vec(wanted(), 2..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = world();
            let mut keys_by_tuple = HashMap::new();
            for tuple in tuples {
                let (integration, revision, region, role, external_id, name) = &tuple;
                let wanted = Wanted::of(*integration, *revision, region, role, external_id, name);
                let session = world.ask(&wanted).await.unwrap();
                let first = keys_by_tuple.entry(tuple).or_insert_with(|| session.access_key_id.clone());
                assert_eq!(&session.access_key_id, first);
            }
            let different: std::collections::HashSet<_> = keys_by_tuple.values().collect();
            assert_eq!(different.len(), keys_by_tuple.len());
            assert_eq!(world.sts.calls(), keys_by_tuple.len());
        });
    }
}
