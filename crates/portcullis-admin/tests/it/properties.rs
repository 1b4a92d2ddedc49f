//! Odd bodies, paths and queries: refused or taken, never a server error.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use crate::world::{World, integration_body};

const CASES: u32 = 256;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        proptest::sample::select(TEXTS).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((any_name(), inner), 0..4).prop_map(object),
        ]
    })
}

/// Values that pass a first check, and some that databases stumble over.
const TEXTS: &[&str] = &[
    "",
    "a\u{0}b",
    "'; drop table integrations; --",
    "\u{202e}",
    "%_\\",
    "claude",
    "ws-default",
    "us-west-2",
    "assumedRole",
    "accessKey",
    "serviceRole",
    "apiKey",
    "x-api-key",
    "{user}",
    "{metadata.",
    "generated",
    "off",
    "inference",
    "claude-platform-aws",
    "wrkspc_01",
    "providers.list",
    "arn:aws:iam::123456789012:role/x",
    "9999-12-31T23:59:59.999999999Z",
    "9999-12-31T23:59:59-23:59",
    "018f0000-0000-7000-8000-000000000000",
    "AKIAIOSFODNN7EXAMPLE",
    "$serde_json::private::Number",
];

const NAMES: &[&str] = &[
    "name",
    "slug",
    "description",
    "note",
    "translation",
    "on_unsupported",
    "ai_provider_id",
    "workspace_id",
    "configurations",
    "integration_id",
    "scopes",
    "user_id",
    "expires_at",
    "status",
    "type",
    "sub-type",
    "organisation_id",
    "aws_auth_type",
    "aws_role_arn",
    "aws_external_id",
    "aws_region",
    "anthropic_aws_workspace_id",
    "aws_access_key_id",
    "aws_secret_access_key",
    "anthropic_aws_api_key",
    "anthropic_aws_api_key_header",
    "role_chain",
    "role_arn",
    "external_id",
    "session_name",
    "duration_seconds",
    "session_tags",
    "transitive_tag_keys",
    "source_identity",
    "session_policy",
    "Statement",
    "features",
    "create_default_provider",
    "default_provider_slug",
    "$serde_json::private::Number",
    "$serde_json::private::RawValue",
];

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![4 => proptest::sample::select(NAMES).prop_map(str::to_owned), 1 => any::<String>()]
}

fn object(fields: Vec<(String, Value)>) -> Value {
    Value::Object(fields.into_iter().collect::<Map<_, _>>())
}

/// An integration with everything that can be said of a role.
fn with_settings() -> Value {
    let mut body = integration_body("claude");
    let settings = json!({
        "role_chain": [{"role_arn": "arn:aws:iam::111122223333:role/hub", "external_id": "hub-1"}],
        "duration_seconds": 1800,
        "session_name": "{workspace}",
        "session_tags": {"user": "{user}"},
        "transitive_tag_keys": ["user"],
        "source_identity": "{user}",
        "session_policy": {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
        "features": ["inference"],
    });
    let Value::Object(settings) = settings else { unreachable!("it is an object") };
    body["configurations"].as_object_mut().expect("it is an object").extend(settings);
    body
}

/// Complete bodies with some fields replaced, beside bodies that are odd through and through.
fn any_body() -> impl Strategy<Value = Value> {
    let complete = proptest::sample::select(vec![
        integration_body("claude"),
        with_settings(),
        json!({"name": "x", "integration_id": "claude", "workspace_id": "ws-default"}),
        json!({"region": "us-west-2", "workspace_id": "wrkspc_1", "role_name": "claude"}),
        json!({"targets": [{"region": "us-west-2", "workspace_id": "wrkspc_1"}], "role_name": "claude"}),
        json!({"name": "x", "scopes": ["providers.list"], "workspace_id": "ws-default", "user_id": "ada"}),
    ]);
    let changes = proptest::collection::vec((any::<bool>(), any_name(), any_json()), 0..3);
    let changed = (complete, changes).prop_map(|(mut body, changes)| {
        for (is_nested, name, value) in changes {
            match body.get_mut("configurations").and_then(Value::as_object_mut) {
                Some(inner) if is_nested => inner.insert(name, value),
                _ => body.as_object_mut().expect("each is an object").insert(name, value),
            };
        }
        body
    });
    prop_oneof![3 => changed, 1 => any_json()]
}

const TARGETS: &[&str] = &[
    "POST /v1/integrations",
    "PUT /v1/integrations/fixed",
    "POST /v1/integrations/setup",
    "POST /v1/integrations/fixed/verify",
    "POST /v1/providers",
    "PUT /v1/providers/fixed?workspace_id=ws-default",
    "POST /v1/api-keys/organisation/service",
    "POST /v1/api-keys/workspace/service",
    "POST /v1/api-keys/workspace/user",
];

/// Runs `check` on the world for many values of `strategy`.
fn for_many<S: Strategy>(
    world: impl Future<Output = World>,
    strategy: S,
    check: impl AsyncFn(&World, S::Value) -> Result<(), TestCaseError>,
) {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(async {
        let world = world.await;
        world.integration("fixed", None).await;
        world.provider("fixed", "fixed").await;
        world
    });
    // A failure prints its value; a file of seeds would be one more thing to keep.
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |value| runtime.block_on(check(&world, value)));
    runtime.block_on(async { drop(world) });
    outcome.unwrap();
}

async fn check_body(world: &World, (target, body): (&str, Value)) -> Result<(), TestCaseError> {
    let answer = world.tell(target, body).await;
    prop_assert!(answer.status < 500, "{target}: {}", answer.body);
    if answer.status != 200 {
        prop_assert!(answer.body["error"]["message"].is_string(), "{target}: {}", answer.body);
    }
    Ok(())
}

async fn check_text(world: &World, (path, query): (String, String)) -> Result<(), TestCaseError> {
    let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let (path, query) = (escape(&path), escape(&query));
    for what in [
        format!("GET /v1/integrations/{path}"),
        format!("DELETE /v1/integrations/{path}x"),
        format!("GET /v1/integrations/fixed/setup?gateway_principal={query}"),
        format!("GET /v1/integrations/{path}/setup"),
        format!("GET /v1/integrations/{path}/verification"),
        format!("GET /v1/integrations/{path}/health"),
        format!("GET /v1/integrations/{path}/policy"),
        format!("GET /v1/providers/{path}?workspace_id={query}"),
        format!("GET /v1/api-keys/{path}"),
        format!("GET /v1/api-keys?workspace_id={query}"),
        format!("GET /v1/integrations?{query}={path}&page_size={query}&current_page={path}"),
        format!("GET /v1/admin/workspaces?name={query}&exact_name={path}"),
    ] {
        let answer = world.ask(&what).await;
        prop_assert!(answer.status < 500, "{what}: {}", answer.body);
    }
    Ok(())
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), proptest::sample::select(TEXTS).prop_map(str::to_owned)]
}

mod no_body_gets_a_server_error {
    use super::*;

    #[test]
    fn sqlite() {
        for_many(World::on_sqlite(), (proptest::sample::select(TARGETS), any_body()), check_body);
    }

    #[test]
    fn postgres() {
        for_many(World::on_postgres(), (proptest::sample::select(TARGETS), any_body()), check_body);
    }
}

mod no_path_or_query_gets_a_server_error {
    use super::*;

    #[test]
    fn sqlite() {
        for_many(World::on_sqlite(), (any_text(), any_text()), check_text);
    }

    #[test]
    fn postgres() {
        for_many(World::on_postgres(), (any_text(), any_text()), check_text);
    }
}

#[test]
fn no_bytes_get_a_server_error() {
    let strategy = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        proptest::collection::vec(proptest::sample::select(&b"{}[]\",:0123truefalsn\\u "[..]), 0..60),
    ];
    for_many(
        World::on_sqlite(),
        (proptest::sample::select(TARGETS), strategy),
        async |world, (target, bytes)| {
            let (method, path) = target.split_once(' ').expect("a target is a method and a path");
            let request = http::Request::builder()
                .method(method)
                .uri(path)
                .header("x-portkey-api-key", &world.admin)
                .header("content-type", "application/json")
                .body(bytes.into())
                .expect("its parts are valid");
            let answer = world.send(request).await;
            prop_assert!(answer.status < 500, "{target}: {}", answer.body);
            Ok(())
        },
    );
}
