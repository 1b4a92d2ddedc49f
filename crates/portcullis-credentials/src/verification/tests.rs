//! Verification on a scripted STS and a scripted platform, under virtual time.

mod stage;

use std::time::Duration;

use portcullis_provider::error::UpstreamCause;
use portcullis_types::VerificationStatus;
use tokio::time::Instant;

use super::*;
use crate::error::{CredentialsError, Explanation};
use stage::{Answers, EXTERNAL_ID, Stage, denied, failure, subject};

const NO_PATIENCE: VerifyOptions =
    VerifyOptions { inference: true, patience: Duration::ZERO, before: ExternalIdProof::Enforced };

async fn verify(answers: Answers) -> Verdict {
    Stage::with(answers).verifier.verdict(&subject(), NO_PATIENCE).await
}

fn at(verdict: &Verdict, step: Step) -> &StepReport {
    verdict.steps.iter().find(|report| report.step == step).unwrap()
}

/// The steps that did not pass, as `step status code`.
fn trouble(verdict: &Verdict) -> Vec<String> {
    let steps = verdict.steps.iter().filter(|report| report.status != StepStatus::Passed);
    steps
        .map(|report| format!("{} {:?} {}", report.step, report.status, report.code.unwrap_or("-")))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn every_verification_makes_its_own_session() {
    let stage = Stage::with(Answers::default());
    for _ in 0..2 {
        let verdict = stage.verifier.verdict(&subject(), NO_PATIENCE).await;
        assert_eq!(trouble(&verdict), Vec::<String>::new(), "{:#?}", verdict.steps);
        assert_eq!(verdict.status, VerificationStatus::Verified);
        assert!(verdict.is_external_id_enforced());
    }
    let asked: Vec<_> = stage.sts.calls().iter().map(|call| call.external_id.clone()).collect();
    assert_eq!(asked.len(), 6, "three calls each");
    assert_ne!(asked[2], asked[5], "a wrong external ID is made up anew");
    assert_eq!(stage.engine.stats().n_sessions, 0, "nothing goes into the cache");
}

#[tokio::test(start_paused = true)]
async fn steps_are_told_in_their_order_as_they_finish() {
    let stage = Stage::with(Answers::default());
    let mut events = stage.verifier.verify(subject(), NO_PATIENCE);
    let mut steps = Vec::new();
    while let Some(event) = events.recv().await {
        match event {
            VerificationEvent::Step(report) => steps.push(report.step),
            VerificationEvent::Done(verdict) => assert_eq!(verdict.steps.len(), steps.len()),
            VerificationEvent::Waiting { .. } => panic!("nothing waits"),
        }
    }
    assert_eq!(steps, Step::ALL);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_without_an_identity_fails_first() {
    let why = CredentialsError::SourceUnavailable(Explanation::new("nothing found"));
    let verdict = verify(Answers { source: Some(why), ..Answers::default() }).await;
    let failed = verdict.first_failure().unwrap();
    assert_eq!((failed.step, failed.code), (Step::SourceIdentity, Some("aws_source_unavailable")));
    assert_eq!(at(&verdict, Step::StsReachable).status, StepStatus::Skipped);
    assert_eq!(at(&verdict, Step::EndpointResolves).status, StepStatus::Passed);
    assert_eq!(at(&verdict, Step::Inference).evidence, "there are no credentials to ask with");
}

#[tokio::test(start_paused = true)]
async fn a_new_role_is_waited_for_and_the_waiting_is_told() {
    let stage = Stage::with(Answers { known_after: Duration::from_secs(10), ..Answers::default() });
    let started = Instant::now();
    let mut events = stage.verifier.verify(subject(), VerifyOptions::interactive(false));
    let mut waits = Vec::new();
    let mut last = None;
    while let Some(event) = events.recv().await {
        if let VerificationEvent::Waiting { step, wait, reason } = &event {
            assert_eq!(*step, Step::AssumeRole);
            assert!(reason.contains("up to a minute"));
            waits.push(wait.as_secs());
        }
        last = Some(event);
    }
    assert_eq!(waits, [1, 2, 4, 8]);
    let Some(VerificationEvent::Done(verdict)) = last else { panic!("{last:?}") };
    assert_eq!(verdict.status, VerificationStatus::Verified, "{:#?}", verdict.steps);
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_never_comes_is_given_up_within_the_patience() {
    let answers = || Answers { right_id: Err(denied()), ..Answers::default() };
    let patient = Stage::with(answers());
    let started = Instant::now();
    let verdict = patient.verifier.verdict(&subject(), VerifyOptions::interactive(false)).await;
    assert_eq!(at(&verdict, Step::AssumeRole).code, Some("aws_assume_role_denied"));
    assert!((15..=30).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    let hasty = Stage::with(answers());
    hasty.verifier.verdict(&subject(), NO_PATIENCE).await;
    assert_eq!(hasty.sts.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_access_denied_proves_that_the_external_id_is_enforced() {
    let why = || Explanation::new("why");
    for other in [
        CredentialsError::Throttled(why()),
        CredentialsError::StsUnavailable(why()),
        CredentialsError::InvalidRequest(why()),
        CredentialsError::RegionDisabled(why()),
        CredentialsError::MalformedAnswer(why()),
        CredentialsError::SourceRejected(why()),
    ] {
        let verdict = verify(Answers { no_id: Err(other.clone()), ..Answers::default() }).await;
        let code = Some("external_id_not_proven");
        assert_eq!(at(&verdict, Step::RefusedWithoutExternalId).code, code, "{other}");
        assert_eq!(verdict.status, VerificationStatus::Failing, "{other}");
        assert!(!verdict.is_external_id_enforced());
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_door_is_unsafe_whatever_else_is_wrong() {
    let open = Answers {
        no_id: Ok(()),
        workspace: Err(failure(UpstreamCause::FederationDisabled)),
        ..Answers::default()
    };
    let verdict = verify(open).await;
    assert_eq!(verdict.status, VerificationStatus::Unsafe);
    let fix = at(&verdict, Step::RefusedWithoutExternalId).fix.as_deref().unwrap();
    assert!(fix.contains("arn:aws:iam::123456789012:role/claude") && fix.contains(EXTERNAL_ID), "{fix}");
    let verdict = verify(Answers { wrong_id: Ok(()), ..Answers::default() }).await;
    assert_eq!(verdict.status, VerificationStatus::Unsafe);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_tells_open_from_closed_from_not_told() {
    let check = async |answers: Answers, expected: ExternalIdProof| {
        assert_eq!(verify(answers).await.external_id, expected);
    };
    let ok = Answers::default;
    let away = || Err(CredentialsError::StsUnavailable(Explanation::new("away")));
    check(ok(), ExternalIdProof::Enforced).await;
    check(Answers { wrong_id: Ok(()), ..ok() }, ExternalIdProof::Open).await;
    check(Answers { no_id: Ok(()), wrong_id: away(), ..ok() }, ExternalIdProof::Open).await;
    check(Answers { no_id: away(), ..ok() }, ExternalIdProof::NotTold).await;
    check(Answers { right_id: away(), ..ok() }, ExternalIdProof::NotTold).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_session_a_refusal_proves_nothing() {
    let verdict = verify(Answers { right_id: Err(denied()), ..Answers::default() }).await;
    assert_eq!(at(&verdict, Step::RefusedWithoutExternalId).status, StepStatus::Skipped);
    assert_eq!(at(&verdict, Step::RefusedWithWrongExternalId).status, StepStatus::Skipped);
    assert!(!verdict.is_external_id_enforced());
}

#[tokio::test(start_paused = true)]
async fn a_session_of_another_account_is_not_taken() {
    let verdict = verify(Answers { account: "999999999999", ..Answers::default() }).await;
    let failed = verdict.first_failure().unwrap();
    assert_eq!((failed.step, failed.code), (Step::AssumeRole, Some("session_of_another_account")));
    assert!(!verdict.is_external_id_enforced());
    assert_eq!(at(&verdict, Step::ListModels).status, StepStatus::Skipped);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_at_once_is_too_short() {
    let verdict = verify(Answers { life: Duration::from_secs(600), ..Answers::default() }).await;
    assert_eq!(trouble(&verdict), ["session_length Failed session_too_short"]);
}

#[tokio::test(start_paused = true)]
async fn federation_is_told_by_the_first_request_that_gets_so_far() {
    let unreadable = || Err(failure(UpstreamCause::NotAuthorized(Box::default())));
    let verdict = verify(Answers { workspace: unreadable(), ..Answers::default() }).await;
    assert_eq!(trouble(&verdict), ["workspace_exists Warning access_denied"]);
    assert_eq!(verdict.status, VerificationStatus::Verified);
    let off = Err(failure(UpstreamCause::FederationDisabled));
    let verdict = verify(Answers { workspace: unreadable(), models: off, ..Answers::default() }).await;
    let failed = verdict.first_failure().unwrap();
    assert_eq!((failed.step, failed.code), (Step::FederationEnabled, Some("federation_disabled")));
    assert!(failed.fix.as_deref().unwrap().contains("aws iam enable-outbound-web-identity-federation"));
}

#[tokio::test(start_paused = true)]
async fn each_step_of_the_platform_fails_by_itself() {
    let failed = |cause| Err(failure(cause));
    let ok = Answers::default;
    let check = async |answers: Answers, expected: &[&str]| {
        assert_eq!(trouble(&verify(answers).await), expected);
    };
    check(
        Answers { counting: failed(UpstreamCause::ModelAccess), ..ok() },
        &["count_tokens Failed model_access"],
    )
    .await;
    check(Answers { inference: failed(UpstreamCause::Billing), ..ok() }, &["inference Failed billing"]).await;
    check(
        Answers { models: failed(UpstreamCause::NotAuthorized(Box::default())), ..ok() },
        &["list_models Failed access_denied"],
    )
    .await;
    check(
        Answers {
            workspace: failed(UpstreamCause::WorkspaceNotFound),
            models: failed(UpstreamCause::WorkspaceNotFound),
            counting: failed(UpstreamCause::WorkspaceNotFound),
            ..ok()
        },
        &[
            "federation_enabled Warning could_not_be_told",
            "workspace_exists Failed workspace_not_found",
            "list_models Skipped -",
            "count_tokens Skipped -",
            "inference Skipped -",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn inference_is_only_tried_when_asked_for() {
    let stage = Stage::with(Answers::default());
    let verdict = stage.verifier.verdict(&subject(), VerifyOptions::interactive(false)).await;
    assert_eq!(trouble(&verdict), ["inference Skipped -"]);
    assert_eq!(verdict.status, VerificationStatus::Verified);
    assert_eq!(stage.probe.n_inferences(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_overload_is_asked_again_before_it_fails_the_step() {
    let overloaded = || Err(failure(UpstreamCause::Overloaded));
    let passing = Answers { overloads: 2, ..Answers::default() };
    assert_eq!(trouble(&verify(passing).await), Vec::<String>::new());
    let lasting = verify(Answers { counting: overloaded(), ..Answers::default() }).await;
    assert_eq!(trouble(&lasting), ["count_tokens Failed overloaded"]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_fails_its_step_and_no_more() {
    let started = Instant::now();
    let verdict = verify(Answers { probe_hangs: true, ..Answers::default() }).await;
    assert_eq!(at(&verdict, Step::EndpointResolves).code, Some("upstream_timeout"));
    let verdict = verify(Answers { sts_hangs: true, ..Answers::default() }).await;
    assert_eq!(at(&verdict, Step::StsReachable).code, Some("aws_sts_unavailable"));
    assert_eq!(verdict.steps.len(), Step::ALL.len());
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_verification_that_nobody_listens_to_stops() {
    let stage = Stage::with(Answers { right_id: Err(denied()), ..Answers::default() });
    let mut events = stage.verifier.verify(subject(), VerifyOptions::interactive(false));
    while let Some(event) = events.recv().await {
        if matches!(event, VerificationEvent::Waiting { .. }) {
            break;
        }
    }
    drop(events);
    let n_calls = stage.sts.calls().len();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(stage.sts.calls().len(), n_calls);
}

#[tokio::test(start_paused = true)]
async fn the_external_id_is_proven_without_asking_the_platform() {
    let stage = Stage::with(Answers { probe_hangs: true, ..Answers::default() });
    assert_eq!(stage.verifier.prove_external_id(&subject(), Duration::ZERO).await, Ok(()));
    let open = Stage::with(Answers { no_id: Ok(()), ..Answers::default() });
    let unproven = open.verifier.prove_external_id(&subject(), Duration::ZERO).await.unwrap_err();
    assert_eq!(unproven.0.code, Some("external_id_not_enforced"));
    let mut key = subject();
    key.platform.auth = AwsAuth::ServiceRole;
    let unproven = stage.verifier.prove_external_id(&key, Duration::ZERO).await.unwrap_err();
    assert_eq!(unproven.0.status, StepStatus::Skipped);
}

#[tokio::test(start_paused = true)]
async fn the_gateways_own_identity_is_used_as_it_is() {
    let stage = Stage::with(Answers::default());
    let mut own = subject();
    own.platform.auth = AwsAuth::ServiceRole;
    let verdict = stage.verifier.verdict(&own, NO_PATIENCE).await;
    assert_eq!(verdict.status, VerificationStatus::Verified, "{:#?}", verdict.steps);
    assert_eq!(at(&verdict, Step::StsReachable).status, StepStatus::Passed);
    assert_eq!(at(&verdict, Step::AssumeRole).status, StepStatus::Skipped);
    assert_eq!(stage.sts.calls().len(), 0);
    assert!(!verdict.is_external_id_enforced());
}

#[tokio::test(start_paused = true)]
async fn calls_that_nobody_waits_for_wait_for_the_budget() {
    let stage = Stage::with(Answers::default());
    let started = Instant::now();
    for _ in 0..6 {
        let verdict = stage.verifier.reverify(&subject(), ExternalIdProof::Enforced).await;
        assert_eq!(verdict.status, VerificationStatus::Verified);
    }
    // 30 calls, of which 10 go at once and the others at 5 a second.
    assert!(started.elapsed() >= Duration::from_millis(3500), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_a_report() {
    for answers in [Answers::default(), Answers { no_id: Ok(()), ..Answers::default() }] {
        let verdict = verify(answers).await;
        let told = format!("{verdict:?} {}", serde_json::to_string(&verdict).unwrap());
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn intervals_are_spread_by_a_tenth() {
    let drawn: std::collections::BTreeSet<_> =
        (0..100).map(|_| spread(Duration::from_secs(1000)).as_secs()).collect();
    assert!(drawn.len() > 10 && drawn.iter().all(|seconds| (900..=1100).contains(seconds)), "{drawn:?}");
}

#[test]
fn reports_and_events_have_the_form_of_the_admin_api() {
    let report = report::Finding::passed("seen").into_report(Step::AssumeRole, Duration::from_millis(12));
    assert_eq!(
        serde_json::to_value(VerificationEvent::Step(report.clone())).unwrap(),
        serde_json::json!({
            "step": "assume_role", "status": "passed", "evidence": "seen", "code": null, "cause": null, "fix": null,
            "request_id": null, "aws_request_id": null, "duration_ms": 12
        })
    );
    let done = serde_json::to_value(VerificationEvent::Done(Verdict::of(vec![report]))).unwrap();
    assert_eq!((&done["status"], &done["unsafe"]), (&"verified".into(), &false.into()));
    for step in Step::ALL {
        assert_eq!(serde_json::to_value(step).unwrap(), step.as_str());
    }
}
