//! Canaries: secrets that go in and must not come out.

use serde_json::json;

use crate::world::{World, integration_body, on_both};

on_both!(no_answer_shows_a_secret);

const CANARY: &str = "CANARYwJalrXUtnFEMIK7MDENGbPxRfiCY";

async fn no_answer_shows_a_secret(world: &World) {
    let access_key = |secret: &str| {
        json!({
            "aws_auth_type": "accessKey",
            "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "aws_secret_access_key": secret,
            "aws_region": "us-west-2",
            "anthropic_aws_workspace_id": "wrkspc_01AbCdEf23GhIj",
        })
    };
    let mut good = integration_body("claude");
    good["configurations"] = access_key(CANARY);
    world.tell("POST /v1/integrations", good.clone()).await.ok();
    assert_eq!(world.tell("POST /v1/integrations", good.clone()).await.status, 409);

    // A secret in each wrong place: the answer names the field and not its value.
    for (field, value) in [
        ("aws_access_key_id", json!(format!("{CANARY} in the wrong field"))),
        ("aws_secret_access_key", json!(format!("{CANARY} with spaces"))),
        ("aws_secret_access_key", json!([CANARY])),
        ("aws_region", json!(CANARY)),
        ("aws_role_arn", json!(CANARY)),
        ("aws_secret_key", json!(CANARY)),
        ("aws_auth_type", json!(CANARY)),
    ] {
        let mut bad = good.clone();
        bad["slug"] = json!("bad");
        bad["configurations"][field] = value;
        let answer = world.tell("POST /v1/integrations", bad).await;
        assert_eq!(answer.status, 400, "{field}: {}", answer.body);
        assert!(answer.text("/error/param").contains(field), "{}", answer.body);
    }
    let workspace_key = |key: &str| {
        json!({
            "aws_auth_type": "apiKey",
            "anthropic_aws_api_key": key,
            "aws_region": "us-west-2",
            "anthropic_aws_workspace_id": "wrkspc_01AbCdEf23GhIj",
        })
    };
    let mut keyed = integration_body("keyed");
    keyed["configurations"] = workspace_key(&format!("AEAA{CANARY}"));
    world.tell("POST /v1/integrations", keyed.clone()).await.ok();
    let shown = world.ask("GET /v1/integrations/keyed").await.ok();
    assert_eq!(shown["configurations"]["masked_anthropic_aws_api_key"], "********");
    for (field, value) in [
        ("anthropic_aws_api_key", json!(format!("{CANARY} with spaces"))),
        ("anthropic_aws_api_key", json!(format!("pcs_{CANARY}"))),
        ("anthropic_aws_api_key", json!({ "key": CANARY })),
        ("anthropic_aws_api_key_header", json!(CANARY)),
        ("anthropic_aws_key", json!(CANARY)),
        ("aws_secret_access_key", json!(CANARY)),
        ("session_name", json!(CANARY)),
        ("role_chain", json!([CANARY])),
        ("features", json!([CANARY])),
    ] {
        let mut bad = keyed.clone();
        bad["slug"] = json!("bad");
        bad["configurations"][field] = value;
        let answer = world.tell("POST /v1/integrations", bad).await;
        assert_eq!(answer.status, 400, "{field}: {}", answer.body);
        assert!(answer.text("/error/param").contains(field), "{}", answer.body);
    }
    let change = json!({"configurations": workspace_key(&format!("AEAA{CANARY}2"))});
    world.tell("PUT /v1/integrations/keyed", change).await.ok();
    let misplaced = json!({"name": "x", "key": CANARY, "ai_provider_id": "claude-platform-aws"});
    assert_eq!(world.tell("POST /v1/integrations", misplaced).await.status, 400);
    let change = json!({"configurations": access_key(&format!("{CANARY}2"))});
    world.tell("PUT /v1/integrations/claude", change).await.ok();
    for what in ["GET /v1/integrations/claude", "GET /v1/integrations", "DELETE /v1/integrations/claude"] {
        world.ask(what).await.ok();
    }
    assert_eq!(world.call(CANARY, "GET /v1/whoami", None).await.status, 401);

    let body = json!({"name": "ci", "scopes": ["providers.list"], "workspace_id": world.workspace});
    let key = world.tell("POST /v1/api-keys/workspace/service", body).await.text("/key");
    for what in ["GET /v1/api-keys", "GET /v1/whoami", "GET /v1/providers"] {
        world.ask(what).await.ok();
        world.call(&key, what, None).await;
    }

    let transcript = world.transcript();
    assert!(!transcript.contains("CANARY"), "a secret was answered");
    assert_eq!(transcript.matches(key.as_str()).count(), 1, "a key is shown once, when it is made");
    assert!(!transcript.contains(world.admin.as_str()), "nobody is told the key they sent");
}
