//! Verification on a scripted STS and a scripted platform, under virtual time.

mod stage;

use std::time::Duration;

use portcullis_provider::error::UpstreamCause;
use portcullis_types::VerificationStatus;
use tokio::time::Instant;

use super::*;
use crate::error::{CredentialsError, Explanation};
use stage::{Answers, EXTERNAL_ID, Stage, denied, denied_because, failure, subject, subject_with};

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
    assert_eq!(asked.len(), 10, "five calls each");
    assert_ne!(asked[2], asked[7], "a wrong external ID is made up anew");
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
            let expected = if *step == Step::AssumeRole { "up to a minute" } else { "may not know the role" };
            assert!(reason.contains(expected), "{reason}");
            waits.push((*step, wait.as_secs()));
        }
        last = Some(event);
    }
    let (assume, again) = (Step::AssumeRole, Step::RefusedWithoutExternalId);
    assert_eq!(waits, [(assume, 1), (assume, 2), (assume, 4), (assume, 8), (again, 5), (again, 5)]);
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
}

#[tokio::test(start_paused = true)]
async fn a_role_that_takes_any_of_our_ids_or_any_like_its_own_is_unsafe() {
    for open in [
        Answers { wrong_id: Ok(()), ..Answers::default() },
        Answers { near_id: Ok(()), ..Answers::default() },
    ] {
        let verdict = verify(open).await;
        assert_eq!(verdict.status, VerificationStatus::Unsafe);
        assert_eq!(trouble(&verdict), ["refused_with_wrong_external_id Failed external_id_not_enforced"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_of_a_caller_is_tried_as_well() {
    let settings = serde_json::json!({
        "session_name": "{user}",
        "session_tags": [{"key": "project", "value": "{metadata.project}"}, {"key": "team", "value": "{workspace}"}],
    });
    let stage = Stage::with(Answers::default());
    let verdict = stage.verifier.verdict(&subject_with(&settings), NO_PATIENCE).await;
    assert_eq!(verdict.status, VerificationStatus::Verified, "{:#?}", verdict.steps);
    let evidence = &at(&verdict, Step::AssumeRole).evidence;
    assert!(evidence.contains("for a sample caller") && evidence.contains("metadata.project"), "{evidence}");
    let told = |call: &crate::AssumeRole| -> String {
        call.tags.iter().map(|(key, value)| format!("{key}={value} ")).collect::<String>()
            + call.session_name.as_str()
    };
    let calls: Vec<_> = stage.sts.calls().iter().map(told).collect();
    let common = "team=default -";
    let own = "project=portcullis-verify team=default portcullis-verify";
    assert!(calls[0].starts_with(common), "{calls:?}");
    assert_eq!(calls[1], own);
    assert_eq!(calls[2..5], [own, &calls[0], "portcullis-verify"], "with all that is said, and with nothing");
    assert_eq!(calls.last().map(String::as_str), Some(own));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_takes_no_tags_is_not_verified() {
    let settings = serde_json::json!({"session_tags": [{"key": "project", "value": "{metadata.project}"}]});
    let tagged = Err(denied_because("sts:TagSession", ""));
    let stage = Stage::with(Answers { tagged, ..Answers::default() });
    let verdict = stage.verifier.verdict(&subject_with(&settings), NO_PATIENCE).await;
    let failed = verdict.first_failure().unwrap();
    assert_eq!((failed.step, failed.code), (Step::AssumeRole, Some("aws_assume_role_denied")));
    assert!(failed.evidence.starts_with("for a sample caller"), "{}", failed.evidence);
    assert!(failed.fix.as_deref().unwrap().contains("sts:TagSession"), "{:?}", failed.fix);
    assert_eq!(verdict.external_id, ExternalIdProof::NotTold);
}

#[tokio::test(start_paused = true)]
async fn an_open_role_that_sts_has_not_heard_of_everywhere_is_found() {
    let open = || Answers { no_id: Ok(()), open_after: Duration::from_secs(8), ..Answers::default() };
    let first = VerifyOptions { before: ExternalIdProof::NotTold, ..NO_PATIENCE };
    let verdict = Stage::with(open()).verifier.verdict(&subject(), first).await;
    assert_eq!(verdict.status, VerificationStatus::Unsafe, "{:#?}", verdict.steps);
    // What waited for the role is not sure of it, whatever was known before.
    let stage = Stage::with(Answers { known_after: Duration::from_secs(2), ..open() });
    let patient = VerifyOptions { patience: Duration::from_secs(30), ..NO_PATIENCE };
    let verdict = stage.verifier.verdict(&subject(), patient).await;
    assert_eq!(verdict.status, VerificationStatus::Unsafe, "{:#?}", verdict.steps);
}

#[tokio::test(start_paused = true)]
async fn what_was_proven_for_the_first_time_is_proven_thrice_and_soon_again() {
    let positives = |stage: &Stage| {
        let calls = stage.sts.calls();
        calls
            .iter()
            .filter(|call| call.external_id.as_ref().is_some_and(|id| id.as_str() == EXTERNAL_ID))
            .count()
    };
    let first = Stage::with(Answers::default());
    let started = Instant::now();
    let options = VerifyOptions { before: ExternalIdProof::NotTold, ..NO_PATIENCE };
    let verdict = first.verifier.verdict(&subject(), options).await;
    assert_eq!((verdict.external_id, verdict.verify_again_soon), (ExternalIdProof::Enforced, true));
    assert_eq!((positives(&first), started.elapsed().as_secs()), (4, 10));
    assert!(at(&verdict, Step::RefusedWithoutExternalId).evidence.contains("in 3 rounds"));
    let known = Stage::with(Answers::default());
    let verdict = known.verifier.reverify(&subject(), ExternalIdProof::Enforced).await;
    assert_eq!((verdict.external_id, verdict.verify_again_soon), (ExternalIdProof::Enforced, false));
    assert_eq!(positives(&known), 2);
    // Nothing was proven: there is nothing to make sure of.
    let open = Stage::with(Answers { no_id: Ok(()), ..Answers::default() });
    assert!(!open.verifier.reverify(&subject(), ExternalIdProof::NotTold).await.verify_again_soon);
}

#[tokio::test(start_paused = true)]
async fn refusals_count_only_between_sessions_that_are_granted() {
    let flapping = || Answers { flaps: 1, ..Answers::default() };
    let verdict = verify(flapping()).await;
    assert_eq!(verdict.external_id, ExternalIdProof::NotTold, "{:#?}", verdict.steps);
    assert_eq!(at(&verdict, Step::RefusedWithoutExternalId).code, Some("external_id_not_proven"));
    let patient = VerifyOptions { patience: Duration::from_secs(30), ..NO_PATIENCE };
    let verdict = Stage::with(flapping()).verifier.verdict(&subject(), patient).await;
    assert_eq!((verdict.external_id, verdict.verify_again_soon), (ExternalIdProof::Enforced, true));
    assert!(at(&verdict, Step::RefusedWithoutExternalId).evidence.contains("in 4 rounds"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_another_policy_proves_nothing() {
    for because in [
        " with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/service_control_policy/p-1",
        " because no identity-based policy allows the sts:AssumeRole action",
        " because no VPC endpoint policy allows the sts:AssumeRole action",
    ] {
        let no_id = Err(denied_because("sts:AssumeRole", because));
        let verdict = verify(Answers { no_id, ..Answers::default() }).await;
        assert_eq!(trouble(&verdict), ["refused_without_external_id Failed external_id_refused_elsewhere"]);
        assert_eq!(verdict.external_id, ExternalIdProof::NotTold);
    }
}

#[tokio::test(start_paused = true)]
async fn the_sts_that_granted_the_role_is_the_one_that_must_refuse() {
    let stage = Stage::with(Answers::default());
    stage.verifier.verdict(&subject(), NO_PATIENCE).await;
    assert_eq!(stage.sts.pins(), [false, true, true, true, true]);
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

/// An integration that is for nothing but inference.
fn only_inference() -> VerificationSubject {
    let mut subject = subject();
    let features = std::collections::BTreeSet::from([portcullis_types::Feature::Inference]);
    subject.platform.features = features.try_into().unwrap();
    subject
}

#[tokio::test(start_paused = true)]
async fn inference_that_was_asked_for_tells_what_nothing_else_told() {
    let unreadable = || Err(failure(UpstreamCause::NotAuthorized(Box::default())));
    let not_listed = "list_models Skipped -";
    let not_counted = "count_tokens Skipped -";
    let stage = Stage::with(Answers { workspace: unreadable(), ..Answers::default() });
    let verdict = stage.verifier.verdict(&only_inference(), NO_PATIENCE).await;
    assert_eq!(trouble(&verdict), ["workspace_exists Warning access_denied", not_listed, not_counted]);
    assert!(at(&verdict, Step::WorkspaceExists).evidence.contains("a message is answered"));
    assert_eq!(verdict.status, VerificationStatus::Verified);
    assert_eq!(stage.probe.n_inferences(), 1, "it costs, and is asked for once");
    let off = Err(failure(UpstreamCause::FederationDisabled));
    let stage = Stage::with(Answers { workspace: unreadable(), inference: off, ..Answers::default() });
    let verdict = stage.verifier.verdict(&only_inference(), NO_PATIENCE).await;
    assert_eq!(verdict.first_failure().map(|step| step.step), Some(Step::FederationEnabled));
    let missing = Err(failure(UpstreamCause::WorkspaceNotFound));
    let stage = Stage::with(Answers { workspace: unreadable(), inference: missing, ..Answers::default() });
    let verdict = stage.verifier.verdict(&only_inference(), NO_PATIENCE).await;
    assert_eq!(at(&verdict, Step::WorkspaceExists).code, Some("workspace_not_found"));
    // Nobody asked for it: nothing told, and nothing is claimed.
    let stage = Stage::with(Answers { workspace: unreadable(), ..Answers::default() });
    let free = VerifyOptions { inference: false, ..NO_PATIENCE };
    let verdict = stage.verifier.verdict(&only_inference(), free).await;
    assert_eq!(verdict.status, VerificationStatus::Failing);
    assert_eq!(stage.probe.n_inferences(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_is_not_the_workspaces_is_not_made_up_for_by_anything_else() {
    let strange = crate::verification::ProbeFailure {
        explained: Box::new(portcullis_provider::error::Explained::new(
            &portcullis_provider::error::network::BAD_UPSTREAM_RESPONSE,
            &portcullis_provider::error::Denial::default(),
        )),
        cause: None,
        ..failure(UpstreamCause::WorkspaceNotFound)
    };
    let verdict = verify(Answers { workspace: Err(strange), ..Answers::default() }).await;
    let failed = verdict.first_failure().unwrap();
    assert_eq!((failed.step, failed.code), (Step::WorkspaceExists, Some("bad_upstream_response")));
    assert_eq!(verdict.status, VerificationStatus::Failing);
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
    // 42 calls, of which 10 go at once and the others at 5 a second.
    assert!(started.elapsed() >= Duration::from_millis(6000), "{:?}", started.elapsed());
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
