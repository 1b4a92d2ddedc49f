//! Verifying an integration, and roles that two organisations use.

use std::sync::atomic::Ordering;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::aws::Trust;
use crate::world::{Holder, World, all_scopes, integration_body, on_both};

on_both!(
    a_verification_answers_its_steps_and_is_kept,
    a_verification_is_a_stream_of_events_to_who_accepts_them,
    a_role_that_anybody_may_assume_makes_the_integration_unsafe,
    a_verification_that_comes_out_worse_is_counted,
    unsafe_stays_while_nobody_can_tell,
    a_change_while_it_is_verified_is_not_taken_for_verified,
    a_change_makes_a_verification_void,
    nothing_has_been_verified_at_first,
    a_wrong_body_is_told_by_its_field,
    a_role_of_another_organisation_is_refused_until_both_are_proven,
    one_proof_at_a_time_is_made_for_an_organisation,
    a_proof_goes_by_the_external_id_that_the_integration_has_kept,
);

/// An integration whose role trusts its external ID.
async fn trusted(world: &World, slug: &str) -> String {
    let body = integration_body(slug);
    let made = world.tell("POST /v1/integrations", body).await.ok();
    let external_id = made["configurations"]["aws_external_id"].as_str().unwrap().to_owned();
    world.aws.trust(Trust::These(vec![external_id.clone()]));
    external_id
}

async fn verify(world: &World, slug: &str) -> Value {
    world.tell(&format!("POST /v1/integrations/{slug}/verify"), json!({})).await.ok()
}

fn steps(answer: &Value) -> Vec<String> {
    let step =
        |step: &Value| format!("{} {}", step["step"].as_str().unwrap(), step["status"].as_str().unwrap());
    answer["steps"].as_array().unwrap().iter().map(step).collect()
}

async fn a_verification_answers_its_steps_and_is_kept(world: &World) {
    trusted(world, "claude").await;
    let answer = verify(world, "claude").await;
    assert_eq!(
        steps(&answer),
        [
            "source_identity passed",
            "sts_reachable passed",
            "assume_role passed",
            "refused_without_external_id passed",
            "refused_with_wrong_external_id passed",
            "session_length passed",
            "endpoint_resolves passed",
            "federation_enabled passed",
            "workspace_exists passed",
            "list_models passed",
            "count_tokens passed",
            "inference skipped",
        ]
    );
    assert_eq!((&answer["status"], &answer["unsafe"]), (&json!("verified"), &json!(false)));
    assert_eq!((&answer["object"], &answer["recorded"]), (&json!("verification"), &json!(true)));

    let kept = world.ask("GET /v1/integrations/claude/verification").await.ok();
    assert_eq!((&kept["status"], &kept["worsened_at"]), (&json!("verified"), &json!(null)));
    assert_eq!(kept["verified_at"], "2026-11-22T12:00:00.000Z");
    assert_eq!(steps(&kept["report"]), steps(&answer));
    let shown = world.ask("GET /v1/integrations/claude").await.ok();
    assert_eq!(shown["verification"]["status"], "verified");

    let paid = world.tell("POST /v1/integrations/claude/verify", json!({"inference": true})).await.ok();
    assert_eq!(steps(&paid).last().unwrap(), "inference passed");
}

async fn a_verification_is_a_stream_of_events_to_who_accepts_them(world: &World) {
    trusted(world, "claude").await;
    let request = Request::post("/v1/integrations/claude/verify")
        .header("x-portkey-api-key", &world.admin)
        .header("accept", "text/event-stream");
    let answer = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (answer.status, &answer.headers["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    let text = answer.body.as_str().unwrap();
    let names = text.lines().filter_map(|line| line.strip_prefix("event: "));
    // A role that was never proven before is asked more than once.
    let names: Vec<_> = names.filter(|name| *name != "waiting").collect();
    let mut expected = vec!["step"; 12];
    expected.push("done");
    assert_eq!(names, expected);
    let last = text.trim_end().lines().last().unwrap().strip_prefix("data: ").unwrap();
    let verdict: Value = serde_json::from_str(last).unwrap();
    assert_eq!((&verdict["status"], &verdict["recorded"]), (&json!("verified"), &json!(true)));
}

async fn a_role_that_anybody_may_assume_makes_the_integration_unsafe(world: &World) {
    trusted(world, "claude").await;
    world.aws.trust(Trust::Anybody);
    let answer = verify(world, "claude").await;
    assert_eq!((&answer["status"], &answer["unsafe"]), (&json!("unsafe"), &json!(true)));
    let open = &answer["steps"][3];
    assert_eq!((&open["step"], &open["status"]), (&json!("refused_without_external_id"), &json!("failed")));
    assert_eq!(open["code"], "external_id_not_enforced");
    assert!(open["fix"].as_str().unwrap().contains("sts:ExternalId"), "{open}");
    let list = world.ask("GET /v1/integrations").await.ok();
    assert_eq!(list["data"][0]["verification"]["status"], "unsafe");
}

async fn a_verification_that_comes_out_worse_is_counted(world: &World) {
    trusted(world, "claude").await;
    let worse = || world.n_worsened.load(Ordering::Relaxed);
    verify(world, "claude").await;
    assert_eq!(worse(), 0);
    world.aws.trust(Trust::Anybody);
    verify(world, "claude").await;
    verify(world, "claude").await;
    assert_eq!(worse(), 1, "the same again is no worse");
    let kept = world.ask("GET /v1/integrations/claude/verification").await.ok();
    assert_eq!(kept["worsened_at"], "2026-11-22T12:00:00.000Z");
}

async fn unsafe_stays_while_nobody_can_tell(world: &World) {
    let external_id = trusted(world, "claude").await;
    world.aws.trust(Trust::Anybody);
    verify(world, "claude").await;
    world.aws.trust(Trust::Nobody);
    let answer = verify(world, "claude").await;
    assert_eq!(steps(&answer)[2], "assume_role failed");
    assert_eq!((&answer["status"], &answer["unsafe"]), (&json!("unsafe"), &json!(true)));
    let change = json!({"configurations": {"aws_region": "eu-west-1"}});
    world.tell("PUT /v1/integrations/claude", change).await.ok();
    let shown = world.ask("GET /v1/integrations/claude").await.ok();
    assert_eq!(shown["verification"]["unsafe"], true);
    assert_eq!(world.n_worsened.load(Ordering::Relaxed), 1);

    world.aws.trust(Trust::These(vec![external_id]));
    let answer = verify(world, "claude").await;
    assert_eq!((&answer["status"], &answer["unsafe"]), (&json!("verified"), &json!(false)));
    assert_eq!(world.n_worsened.load(Ordering::Relaxed), 1);
}

async fn a_change_while_it_is_verified_is_not_taken_for_verified(world: &World) {
    trusted(world, "claude").await;
    let held = world.aws.models.write().await;
    let change = async {
        world.aws.asked_for_models.notified().await;
        let change = json!({"configurations": {"aws_region": "eu-west-1"}});
        world.tell("PUT /v1/integrations/claude", change).await.ok();
        drop(held);
    };
    let (answer, ()) = tokio::join!(verify(world, "claude"), change);
    assert_eq!((&answer["status"], &answer["recorded"]), (&json!("verified"), &json!(false)));
    let shown = world.ask("GET /v1/integrations/claude").await.ok();
    assert_eq!(shown["verification"]["status"], "unverified");
}

async fn a_change_makes_a_verification_void(world: &World) {
    trusted(world, "claude").await;
    verify(world, "claude").await;
    let change = json!({"configurations": {"aws_region": "eu-west-1"}});
    world.tell("PUT /v1/integrations/claude", change).await.ok();
    let kept = world.ask("GET /v1/integrations/claude/verification").await.ok();
    assert_eq!(kept["status"], "unverified");
    assert_eq!(kept["report"]["status"], "verified", "the last report is still there to be read");
}

async fn nothing_has_been_verified_at_first(world: &World) {
    world.integration("claude", None).await;
    let kept = world.ask("GET /v1/integrations/claude/verification").await.ok();
    assert_eq!((&kept["status"], &kept["report"]), (&json!("unverified"), &json!(null)));
}

async fn a_wrong_body_is_told_by_its_field(world: &World) {
    world.integration("claude", None).await;
    let refusal = async |body: Value| world.tell("POST /v1/integrations/claude/verify", body).await.refusal();
    assert_eq!(
        refusal(json!({"inference": "yes"})).await,
        "400 AB01 inference: `inference` must be true or false, not a string"
    );
    assert_eq!(
        refusal(json!({"infer": true})).await,
        "400 AB01 infer: `infer` is not a field of this request"
    );
}

async fn a_role_of_another_organisation_is_refused_until_both_are_proven(world: &World) {
    let ours = trusted(world, "claude").await;
    let (_, stranger) = world.key(Holder::OtherOrganisation, &all_scopes()).await;
    let body = json!({
        "region": "us-west-2", "workspace_id": "wrkspc_02", "role_name": "claude", "account_id": "123456789012",
    });
    let setup = world.call(&stranger, "POST /v1/integrations/setup", Some(body)).await.ok();
    let theirs = setup["targets"][0]["external_id"].as_str().unwrap().to_owned();
    let create = async || {
        let mut body = setup["integrations"][0].clone();
        body["configurations"]["aws_role_arn"] =
            integration_body("claude")["configurations"]["aws_role_arn"].clone();
        world.call(&stranger, "POST /v1/integrations", Some(body)).await
    };
    let refused = |text: String| {
        let start = "409 AB07 configurations.aws_role_arn: the `configurations.aws_role_arn` is already in use elsewhere";
        assert!(text.starts_with(start), "{text}");
        assert!(!text.contains(&world.organisation.to_string()), "{text}");
        text
    };

    // Ours is not proven yet.
    assert!(refused(create().await.refusal()).ends_with("so use another role"));
    verify(world, "claude").await;
    // Theirs is not in the trust policy yet.
    assert!(refused(create().await.refusal()).contains("The proof failed at `assume_role`"));
    // An open role proves nothing.
    world.aws.trust(Trust::Anybody);
    assert!(refused(create().await.refusal()).contains("The proof failed at `refused_without_external_id`"));
    // Both are.
    world.aws.trust(Trust::These(vec![ours, theirs]));
    create().await.ok();
}

const SHARED: &str = "arn:aws:iam::123456789012:role/portcullis";

/// Our integration on the shared role, proven; and a stranger whose integration on another way is to come there. The
/// external IDs of both, and the stranger's key.
async fn sharers(world: &World, theirs: Value) -> (String, String, String) {
    let ours = trusted(world, "claude").await;
    verify(world, "claude").await;
    let (_, stranger) = world.key(Holder::OtherOrganisation, &all_scopes()).await;
    let mut body = integration_body("theirs");
    body["configurations"]["aws_role_arn"] = json!("arn:aws:iam::123456789012:role/own");
    let made = world.call(&stranger, "POST /v1/integrations", Some(body)).await.ok();
    world.call(&stranger, "PUT /v1/integrations/theirs", Some(theirs)).await.ok();
    let their_id = made["configurations"]["aws_external_id"].as_str().unwrap().to_owned();
    (ours, their_id, stranger)
}

fn to_shared() -> Value {
    json!({"configurations": {"aws_auth_type": "assumedRole", "aws_role_arn": SHARED}})
}

async fn a_proof_goes_by_the_external_id_that_the_integration_has_kept(world: &World) {
    let key = json!({"configurations": {
        "aws_auth_type": "accessKey", "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "canary",
    }});
    let (ours, theirs, stranger) = sharers(world, key).await;
    world.aws.trust(Trust::These(vec![ours, theirs]));
    world.call(&stranger, "PUT /v1/integrations/theirs", Some(to_shared())).await.ok();
}

async fn one_proof_at_a_time_is_made_for_an_organisation(world: &World) {
    let (ours, theirs, stranger) = sharers(world, json!({"name": "Theirs"})).await;
    world.aws.trust(Trust::These(vec![ours, theirs]));
    let held = world.aws.sts.write().await;
    let change = || world.call(&stranger, "PUT /v1/integrations/theirs", Some(to_shared()));
    let second = async {
        world.aws.asked_for_role.notified().await;
        let refused = change().await;
        drop(held);
        refused
    };
    let (first, second) = tokio::join!(change(), second);
    first.ok();
    assert_eq!(second.text("/error/code"), "proof_runs");
    assert!(
        second.refusal().starts_with("409 AB07 -: whether one of this organisation's integrations may share")
    );
}
