//! The gateway's identity, the health and the policy of an integration's sessions, and the metrics.

use serde_json::json;

use crate::aws::GATEWAY_ARN;
use crate::world::{Holder, World, all_scopes, integration_body, on_both};

on_both!(
    the_gateways_identity_is_shown_to_an_organisation,
    without_an_identity_the_answer_says_what_to_do,
    an_integration_that_nobody_used_has_an_empty_health,
    the_effective_policy_is_shown_with_its_source_and_size,
    metrics_are_for_an_organisations_key,
);

async fn the_gateways_identity_is_shown_to_an_organisation(world: &World) {
    let identity = world.ask("GET /v1/aws/identity").await.ok();
    assert_eq!(
        identity,
        json!({
            "object": "aws_identity",
            "account": "111122223333",
            "arn": GATEWAY_ARN,
            "kind": "instanceMetadata",
            "expires_at": "2026-11-23T12:00:00.000Z",
        })
    );
    let (_, tenant) = world.key(Holder::Workspace, &all_scopes()).await;
    assert_eq!(
        world.call(&tenant, "GET /v1/aws/identity", None).await.refusal(),
        "403 AB03 -: only an organisation's key may see the gateway's own AWS identity"
    );
}

async fn without_an_identity_the_answer_says_what_to_do(world: &World) {
    *world.aws.has_identity.lock().unwrap() = false;
    let answer = world.ask("GET /v1/aws/identity").await;
    assert_eq!((answer.status, answer.text("/error/code").as_str()), (502, "aws_source_unavailable"));
    let message = answer.text("/error/message");
    assert!(message.contains("no providers in the chain provided any"), "{message}");
    assert!(message.contains("AWS_"), "it says what to do: {message}");
}

async fn an_integration_that_nobody_used_has_an_empty_health(world: &World) {
    world.integration("claude", None).await;
    let health = world.ask("GET /v1/integrations/claude/health").await.ok();
    assert_eq!(health["object"], "integration_health");
    for absent in ["last_success", "last_error", "expires_at", "granted_duration_seconds"] {
        assert_eq!(health[absent], json!(null), "{absent}");
    }
    assert_eq!((&health["sessions"], &health["notices"]), (&json!(0), &json!([])));
    assert_eq!(
        world.ask("GET /v1/integrations/other/health").await.refusal(),
        "404 AB08 -: there is no such integration"
    );
}

async fn the_effective_policy_is_shown_with_its_source_and_size(world: &World) {
    world.integration("claude", None).await;
    let policy = world.ask("GET /v1/integrations/claude/policy").await.ok();
    assert_eq!((&policy["source"], &policy["problem"]), (&json!("generated"), &json!(null)));
    assert_eq!(
        policy["policy"]["Statement"][0]["Resource"],
        "arn:aws:aws-external-anthropic:us-west-2:123456789012:workspace/wrkspc_01AbCdEf23GhIj"
    );
    let characters = policy["policy"].to_string().chars().count();
    assert_eq!((&policy["characters"], &policy["most_characters"]), (&json!(characters), &json!(2048)));

    let mut keys = integration_body("keys");
    keys["configurations"] = json!({
        "aws_auth_type": "accessKey", "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "x",
        "aws_region": "us-west-2", "anthropic_aws_workspace_id": "wrkspc_01",
    });
    world.tell("POST /v1/integrations", keys).await.ok();
    let policy = world.ask("GET /v1/integrations/keys/policy").await.ok();
    assert_eq!((&policy["source"], &policy["policy"]), (&json!("off"), &json!(null)));
}

async fn metrics_are_for_an_organisations_key(world: &World) {
    let answer = world.ask("GET /metrics").await;
    assert_eq!(answer.headers["content-type"], "application/openmetrics-text");
    assert_eq!(answer.ok(), json!("# of one organisation\n# EOF\n"));
    let (_, tenant) = world.key(Holder::Workspace, &all_scopes()).await;
    assert_eq!(
        world.call(&tenant, "GET /metrics", None).await.refusal(),
        "403 AB03 -: only an organisation's key may see metrics"
    );
}
