//! What the platform refuses, and the headers of what it serves.

use std::time::Duration;

use portcullis_emulator::iam::Policy;
use portcullis_emulator::world::{Account, CUSTOMER_ACCOUNT, least_privilege};
use serde_json::{Value, json};

use crate::client::{Call, Keys, Lab, ask};

async fn check(lab: &Lab, call: &Call, keys: &Keys, status: u16, kind: &str, part: &str) {
    let (got, got_kind, message) = lab.refusal(call, keys).await;
    assert_eq!((got, got_kind.as_str()), (status, kind), "{message}");
    assert!(message.contains(part), "`{message}` lacks `{part}`");
}

#[tokio::test]
async fn a_signed_request_is_served_with_the_documented_headers() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    let response = lab.signed(&Call::messages(&ask("Hello")), &session).send().await.unwrap();
    assert_eq!(response.status(), 200);
    for name in [
        "request-id",
        "x-amzn-requestid",
        "anthropic-organization-id",
        "anthropic-workspace-id",
        "anthropic-ratelimit-requests-limit",
    ] {
        assert!(response.headers().contains_key(name), "{name}");
    }
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["content"][0]["text"], "Hello from the emulator! You said: Hello");
    assert_eq!((&body["stop_reason"], &body["model"]), (&json!("end_turn"), &json!("claude-haiku-4-5")));
    let entry = lab.emulator.requests().pop().unwrap();
    assert_eq!(entry.operation, "aws-external-anthropic:CreateInference");
    assert!(entry.verified && entry.signed_headers.contains(&"anthropic-workspace-id".to_owned()));
    assert_eq!(entry.model.as_deref(), Some("claude-haiku-4-5"));
}

#[tokio::test]
async fn signatures_are_checked_first() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    let call = Call::messages(&ask("Hello"));
    let auth = "authentication_error";
    let wrong = Keys { secret: "x".into(), ..session.clone() };
    check(&lab, &call, &wrong, 401, auth, "does not match the signature").await;
    let other_region = Call { region: "us-east-1".into(), ..call.clone() };
    check(&lab, &other_region, &session, 401, auth, "valid region").await;
    let other_service = Call { service: "bedrock", ..call.clone() };
    check(&lab, &other_service, &session, 401, auth, "correct service").await;
    let unsigned = Call { unsigned: vec!["anthropic-workspace-id"], ..call.clone() };
    check(&lab, &unsigned, &session, 401, auth, "'anthropic-workspace-id' must be a 'SignedHeader'").await;
    lab.emulator.change_world(|world| world.workspace_header_must_be_signed = false);
    assert_eq!(lab.send(&unsigned, &session).await.0, 200);
    let no_token = Keys { token: None, ..session.clone() };
    check(&lab, &call, &no_token, 401, auth, "invalid").await;
    let late = lab.signed(&call, &session);
    lab.clock.advance(Duration::from_secs(301));
    let body = late.send().await.unwrap().text().await.unwrap();
    assert!(body.contains("Signature expired"), "{body}");
    let key =
        lab.http.post(format!("{}/v1/messages", lab.emulator.base_url())).header("x-api-key", "k").send();
    assert!(key.await.unwrap().text().await.unwrap().contains("Invalid bearer token"));
}

#[tokio::test]
async fn answers_say_the_time_by_the_emulators_clock() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    let date = async |call: &Call| {
        let response = lab.signed(call, &session).send().await.unwrap();
        response.headers()["date"].to_str().unwrap().to_owned()
    };
    let call = Call::messages(&ask("Hello"));
    assert_eq!(date(&call).await, "Sun, 22 Nov 2026 12:00:00 GMT");
    lab.emulator.set_clock_offset(-600);
    assert_eq!(date(&call).await, "Sun, 22 Nov 2026 11:50:00 GMT");
    assert_eq!(date(&Call::sts(&[("Action", "GetCallerIdentity")])).await, "Sun, 22 Nov 2026 11:50:00 GMT");
    check(&lab, &call, &session, 401, "authentication_error", "Signature not yet current").await;
}

#[tokio::test]
async fn expired_sessions_and_sessions_about_to_expire_are_refused() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    let call = Call::messages(&ask("Hello"));
    lab.clock.advance(Duration::from_secs(3300));
    assert_eq!(lab.send(&call, &session).await.0, 200);
    lab.clock.advance(Duration::from_secs(1));
    check(&lab, &call, &session, 403, "permission_error", "SessionDurationEscalationException").await;
    lab.clock.advance(Duration::from_secs(299));
    check(&lab, &call, &session, 401, "authentication_error", "is expired").await;
}

#[tokio::test]
async fn account_version_and_workspace_are_checked() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    let call = Call::messages(&ask("Hello"));
    let invalid = "invalid_request_error";
    check(
        &lab,
        &call.clone().without("anthropic-version"),
        &session,
        400,
        invalid,
        "anthropic-version: header",
    )
    .await;
    check(
        &lab,
        &call.clone().with("anthropic-version", "2024-01-01"),
        &session,
        400,
        invalid,
        "not a valid version",
    )
    .await;
    check(&lab, &call.clone().without("anthropic-workspace-id"), &session, 400, invalid, "is required").await;
    let malformed = call.clone().with("anthropic-workspace-id", "default");
    check(
        &lab,
        &malformed,
        &session,
        400,
        invalid,
        "anthropic-workspace-id header must be a valid workspace ID.",
    )
    .await;
    let unknown = call.clone().with("anthropic-workspace-id", "wrkspc_unknown");
    check(&lab, &unknown, &session, 404, "not_found_error", "Workspace `wrkspc_unknown` not found.").await;
    check(&lab, &call, &Keys::gateway(), 404, "not_found_error", "not found.").await;
    let beta = call.clone().with("anthropic-beta", "no-such-thing");
    check(&lab, &beta, &session, 400, invalid, "Unexpected value(s)").await;
    assert_eq!(
        lab.send(&call.clone().with("anthropic-beta", "context-1m-2025-08-07"), &session).await.0,
        200
    );
    let account = |federation, subscribed| Account { federation, subscribed, ..Account::ready() };
    let set =
        |value| lab.emulator.change_world(|world| _ = world.accounts.insert(CUSTOMER_ACCOUNT.into(), value));
    set(account(true, false));
    check(&lab, &call, &session, 403, "permission_error", "not subscribed").await;
    set(account(false, true));
    let text = "Outbound web identity federation is disabled for your account";
    check(&lab, &call, &session, 403, "permission_error", text).await;
}

#[tokio::test]
async fn permissions_are_role_and_session_policy_together() {
    let lab = Lab::new().await;
    let call = Call::messages(&ask("Hello"));
    let session = lab.session().await;
    let set = |policy: &Policy| {
        lab.emulator.change_world(|world| {
            world.roles.get_mut("portcullis-claude").unwrap().permissions_policy = policy.clone()
        });
    };
    let full = lab.emulator.world().roles["portcullis-claude"].permissions_policy.clone();
    let parse = |document: Value| Policy::try_from(document).unwrap();
    let everything = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    set(&least_privilege("us-west-2", CUSTOMER_ACCOUNT, "wrkspc_other"));
    check(
        &lab,
        &call,
        &session,
        403,
        "permission_error",
        "no identity-based policy allows the aws-external-anthropic:CreateInference action",
    )
    .await;
    for action in ["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"] {
        set(&parse(json!({"Statement": {"Effect": "Allow", "NotAction": action, "Resource": "*"}})));
        check(
            &lab,
            &call,
            &session,
            403,
            "permission_error",
            &format!("not authorized to perform: {action}"),
        )
        .await;
    }
    set(&parse(
        json!({"Statement": [everything, {"Effect": "Deny", "Action": "*:CreateInference", "Resource": "*"}]}),
    ));
    check(
        &lab,
        &call,
        &session,
        403,
        "permission_error",
        "with an explicit deny in an identity-based policy",
    )
    .await;
    set(&full);
    let narrow =
        r#"{"Statement":[{"Effect":"Allow","Action":"aws-external-anthropic:CountTokens","Resource":"*"}]}"#;
    let narrowed = lab.session_with(&[("Policy", narrow)]).await;
    check(&lab, &call, &narrowed, 403, "permission_error", "because no session policy allows").await;
    let wide = lab.session_with(&[("Policy", &json!({"Statement": everything}).to_string())]).await;
    assert_eq!(lab.send(&call, &wide).await.0, 200);
    let files = Call::platform("GET", "/v1/files", String::new());
    check(&lab, &files, &wide, 403, "permission_error", "aws-external-anthropic:ListFiles").await;
    check(
        &lab,
        &Call::platform("GET", "/v1/complete", String::new()),
        &wide,
        403,
        "permission_error",
        "not available",
    )
    .await;
}

#[tokio::test]
async fn models_and_token_counts_are_served() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    let (_, body) = lab.send(&Call::platform("GET", "/v1/models", String::new()), &session).await;
    assert!(body.contains("claude-haiku-5-5"));
    let (_, body) =
        lab.send(&Call::platform("GET", "/v1/models/claude-opus-5-5", String::new()), &session).await;
    assert!(body.contains("Claude Opus 5.5"));
    let page = lab.json(&Call::get("/v1/models?limit=2&after_id=claude-opus-4-5"), &session).await;
    assert_eq!(
        (&page["first_id"], &page["last_id"]),
        (&json!("claude-haiku-4-5"), &json!("claude-sonnet-4-5"))
    );
    let old = lab.json(&Call::get("/v1/models?lifecycle%5B%5D=deprecated"), &session).await;
    assert_eq!(
        (old["data"].as_array().unwrap().len(), &old["data"][0]["lifecycle"]),
        (1, &json!("deprecated"))
    );
    let wrong = Call::get("/v1/models?lifecycle%5B%5D=new");
    check(&lab, &wrong, &session, 400, "invalid_request_error", "lifecycle: Input should be").await;
    let retired = Call::get("/v1/models/claude-3-opus-20240229");
    check(&lab, &retired, &session, 404, "not_found_error", "model: claude-3-opus-20240229").await;
    let missing = Call::platform("GET", "/v1/models/gpt-9", String::new());
    check(&lab, &missing, &session, 404, "not_found_error", "model: gpt-9").await;
    let mut body = ask("Hello");
    body.as_object_mut().unwrap().remove("max_tokens");
    let count = Call::platform("POST", "/v1/messages/count_tokens", body.to_string());
    let (status, body) = lab.send(&count, &session).await;
    assert_eq!(status, 200, "{body}");
    assert!(serde_json::from_str::<Value>(&body).unwrap()["input_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn bodies_that_upstream_refuses_are_refused() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    let with = |field: &str, value: Value| {
        let mut body = ask("Hello");
        body[field] = value;
        body
    };
    let tool_use = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]});
    let tool_result = json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_2", "content": "x"}]});
    let user = json!({"role": "user", "content": "Hi"});
    let thought = json!({"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "forged"}]});
    for (body, part) in [
        (with("aws_region", json!("x")), "aws_region: Extra inputs are not permitted"),
        (with("max_tokens", Value::Null), "max_tokens: Input should be"),
        (with("max_tokens", json!(64_001)), "maximum allowed"),
        (with("model", json!(5)), "model: Input"),
        (with("messages", json!([])), "at least one message"),
        (with("messages", json!("x")), "messages: Input"),
        (with("messages", json!([{"role": "robot", "content": "x"}])), "messages.0.role"),
        (with("messages", json!([{"role": "user"}])), "messages.0.content: Field required"),
        (
            with("messages", json!([{"role": "user", "content": [{"type": "text", "text": ""}]}])),
            "text content blocks must be non-empty",
        ),
        (with("messages", json!([{"role": "assistant", "content": "x"}, user])), "first message"),
        (with("messages", json!([user, tool_use, user])), "without `tool_result`"),
        (with("messages", json!([user, tool_result])), "unexpected `tool_use_id`"),
        (with("messages", json!([user, thought, user])), "Invalid `signature` in `thinking` block"),
        (with("temperature", json!(1.5)), "temperature: range"),
        (with("tool_choice", json!({"type": "any"})), "tools must be provided"),
        (with("tool_choice", json!({"type": "tool", "name": "x"})), "not found in `tools`"),
        (with("tool_choice", json!({"type": "some"})), "Input tag"),
        (with("thinking", json!({"type": "enabled", "budget_tokens": 5})), "1024"),
        (
            with("thinking", json!({"type": "enabled", "budget_tokens": 2000})),
            "greater than `thinking.budget_tokens`",
        ),
        (ask("[[emulator:dance]]"), "no script `dance`"),
    ] {
        check(&lab, &Call::messages(&body), &session, 400, "invalid_request_error", part).await;
    }
    check(
        &lab,
        &Call::messages(&with("model", json!("gpt-9"))),
        &session,
        404,
        "not_found_error",
        "model: gpt-9",
    )
    .await;
    let not_json = Call::platform("POST", "/v1/messages", "{".into());
    check(&lab, &not_json, &session, 400, "invalid_request_error", "not valid JSON").await;
    let mut newer = with("temperature", json!(1));
    assert_eq!(lab.send(&Call::messages(&newer), &session).await.0, 200);
    let dated = Call::messages(&newer).with("anthropic-version", "2026-10-21");
    check(&lab, &dated, &session, 400, "invalid_request_error", "`temperature`").await;
    newer["model"] = json!("claude-opus-5-5");
    assert_eq!(lab.send(&Call::messages(&newer), &session).await.0, 200, "the default is no wish");
    newer["temperature"] = json!(0.5);
    check(&lab, &Call::messages(&newer), &session, 400, "invalid_request_error", "`temperature`").await;
    let prefill = json!([user, {"role": "assistant", "content": "x"}]);
    let mut body = with("messages", prefill);
    assert_eq!(lab.send(&Call::messages(&body), &session).await.0, 200);
    body["model"] = json!("claude-opus-5-5");
    check(
        &lab,
        &Call::messages(&body),
        &session,
        400,
        "invalid_request_error",
        "Prefilling assistant messages",
    )
    .await;
}

#[tokio::test]
async fn headers_of_the_protocol_come_once() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    let call = Call::messages(&ask("Hello"));
    let invalid = "invalid_request_error";
    for (name, value) in [
        ("anthropic-workspace-id", "wrkspc_other"),
        ("anthropic-workspace-id", portcullis_emulator::world::WORKSPACE_ID),
        ("anthropic-version", "bogus"),
        ("content-type", "text/plain"),
    ] {
        let twice = call.clone().and(name, value);
        check(&lab, &twice, &session, 400, invalid, &format!("{name}: header must not be repeated")).await;
    }
    let betas = call
        .and("anthropic-beta", "context-1m-2025-08-07")
        .and("anthropic-beta", "files-api-2025-04-14,skills-2025-10-02");
    assert_eq!(lab.send(&betas, &session).await.0, 200);
}

#[tokio::test]
async fn a_body_is_json_and_says_so() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    let message = "content-type: Input should be 'application/json'";
    for target in ["/v1/messages", "/v1/messages/count_tokens"] {
        let mut body = ask("Hello");
        if target.ends_with("count_tokens") {
            body.as_object_mut().unwrap().remove("max_tokens");
        }
        let call = Call::platform("POST", target, body.to_string());
        for wrong in ["text/plain", "application/jsonl", ""] {
            let wrong = call.clone().with("content-type", wrong);
            check(&lab, &wrong, &session, 400, "invalid_request_error", message).await;
        }
        let none = call.clone().without("content-type");
        check(&lab, &none, &session, 400, "invalid_request_error", message).await;
        let charset = call.with("content-type", "Application/JSON; charset=utf-8");
        assert_eq!(lab.send(&charset, &session).await.0, 200);
    }
}

#[tokio::test]
async fn fields_of_a_wrong_type_are_refused() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    let tool = |tool: Value| json!([tool]);
    let schema = json!({"type": "object"});
    for (field, value, part) in [
        ("metadata", json!(5), "metadata: Input should be an object"),
        ("metadata", json!({"user_id": 5}), "metadata.user_id: Input should be a valid string"),
        ("system", json!(5), "system: Input should be"),
        ("system", json!([5]), "system.0: Input should be an object"),
        ("system", json!([{"type": "image", "source": {}}]), "`image` blocks are not permitted in `system`"),
        ("system", json!([{"type": "text"}]), "system.0.text.text: Field required"),
        ("stop_sequences", json!("x"), "stop_sequences: Input should be a valid list"),
        ("stop_sequences", json!([1]), "stop_sequences: Input should be a valid list"),
        ("stream", json!("yes"), "stream: Input should be a valid boolean"),
        ("top_k", json!("3"), "top_k: Input should be a valid integer"),
        ("service_tier", json!("gold"), "service_tier: Input should be 'auto' or 'standard_only'"),
        ("cache_control", json!({"type": "eternal"}), "cache_control.type"),
        ("output_config", json!([]), "output_config: Input should be an object"),
        ("thinking", json!("on"), "thinking: Input should be an object"),
        ("tool_choice", json!("auto"), "tool_choice: Input should be an object"),
        ("tools", json!({}), "tools: Input should be a valid list"),
        ("tools", tool(json!({})), "tools.0.custom.name: Field required"),
        ("tools", tool(json!("x")), "tools.0: Input should be an object"),
        ("tools", tool(json!({"name": "f"})), "tools.0.custom.input_schema: Field required"),
        ("tools", tool(json!({"name": "f", "input_schema": {}})), "input_schema.type: Field required"),
        ("tools", tool(json!({"name": "f", "input_schema": {"type": "array"}})), "Input should be 'object'"),
        ("tools", tool(json!({"name": "a b", "input_schema": schema})), "tools.0.custom.name: String should"),
        ("tools", tool(json!({"name": "f", "type": "function"})), "tools.0: Input tag 'function'"),
        ("tools", tool(json!({"type": "web_search_20250305"})), "tools.0.web_search_20250305.name"),
        ("tools", tool(json!({"type": "mcp_toolset"})), "mcp_server_name: Field required"),
        (
            "tools",
            json!([{"name": "f", "input_schema": schema}, {"name": "f", "input_schema": schema}]),
            "Tool names must be unique",
        ),
        ("messages", json!(["x"]), "messages.0: Input should be an object"),
    ] {
        let mut body = ask("Hello");
        body[field] = value;
        check(&lab, &Call::messages(&body), &session, 400, "invalid_request_error", part).await;
    }
    let mut full = ask("Hello");
    for (field, value) in [
        ("metadata", json!({"user_id": null})),
        (
            "system",
            json!([{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]),
        ),
        ("stop_sequences", json!(["x"])),
        ("stream", json!(false)),
        ("top_k", json!(3)),
        ("service_tier", json!("auto")),
        ("cache_control", json!({"type": "ephemeral", "ttl": "1h"})),
        ("container", Value::Null),
        ("tool_choice", json!({"type": "auto"})),
        (
            "tools",
            json!([
                {"name": "f", "input_schema": {"type": "object", "additionalProperties": false}, "strict": true},
                {"type": "custom", "name": "g", "input_schema": schema, "description": "does g"},
                {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
            ]),
        ),
    ] {
        full[field] = value;
    }
    let (status, answer) = lab.send(&Call::messages(&full), &session).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn blocks_that_upstream_does_not_know_are_refused() {
    let lab = Lab::new().await;
    let session = lab.session().await;
    let body_of = |role: &str, block: Value| {
        let mut body = ask("Hello");
        let turn = json!({"role": role, "content": [block]});
        body["messages"] =
            if role == "user" { json!([turn]) } else { json!([{"role": "user", "content": "Hi"}, turn]) };
        body
    };
    let image = |source: Value| json!({"type": "image", "source": source});
    let document = |source: Value| json!({"type": "document", "source": source});
    let picture = json!({"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="});
    let pdf = json!({"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="});
    for (role, block, part) in [
        (
            "user",
            json!({"type": "nonsense"}),
            "messages.0.content.0: Input tag 'nonsense' found using 'type'",
        ),
        ("user", json!({}), "messages.0.content.0.type: Field required"),
        ("user", json!("x"), "messages.0.content.0: Input should be an object"),
        ("user", json!({"type": 5}), "Input tag ''"),
        (
            "user",
            json!({"type": "text", "text": 5}),
            "messages.0.content.0.text.text: Input should be a valid string",
        ),
        ("user", image(json!({})), "messages.0.content.0.image.source: Input tag ''"),
        ("user", image(json!({"type": "base64", "data": "x"})), "source.base64.media_type: Field required"),
        ("user", image(pdf.clone()), "base64.media_type: Input should be 'image/jpeg'"),
        ("user", image(json!({"type": "text", "media_type": "text/plain", "data": "x"})), "Input tag 'text'"),
        ("user", document(picture.clone()), "base64.media_type: Input should be 'application/pdf'"),
        ("user", document(json!({"type": "url"})), "source.url.url: Field required"),
        (
            "user",
            json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}),
            "`tool_use` blocks are not",
        ),
        ("user", json!({"type": "tool_result"}), "tool_result.tool_use_id: Field required"),
        (
            "user",
            json!({"type": "tool_result", "tool_use_id": "t", "content": 5}),
            "tool_result.content: Input",
        ),
        (
            "user",
            json!({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "thinking"}]}),
            "messages.0.content.0.tool_result.content.0: `thinking` blocks are not permitted in `tool_result` blocks",
        ),
        (
            "assistant",
            json!({"type": "tool_use", "id": "t", "name": "f"}),
            "messages.1.content.0.tool_use.input",
        ),
        (
            "assistant",
            json!({"type": "tool_use", "id": "t", "name": "f", "input": "{}"}),
            "Input should be an object",
        ),
        ("assistant", json!({"type": "thinking", "thinking": "x"}), "thinking.signature: Field required"),
        ("assistant", image(picture.clone()), "`image` blocks are not permitted in `assistant` messages"),
        ("system", image(picture.clone()), "`image` blocks are not permitted in `system` texts"),
    ] {
        let call = Call::messages(&body_of(role, block));
        check(&lab, &call, &session, 400, "invalid_request_error", part).await;
    }
    for block in [
        image(picture),
        image(json!({"type": "url", "url": "https://example.com/a.png"})),
        document(pdf),
        document(json!({"type": "text", "media_type": "text/plain", "data": "x"})),
        json!({"type": "search_result", "source": "s", "title": "t", "content": []}),
    ] {
        let (status, answer) = lab.send(&Call::messages(&body_of("user", block)), &session).await;
        assert_eq!(status, 200, "{answer}");
    }
}
