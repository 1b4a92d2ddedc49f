//! The ways into AWS beyond the first three: workspace keys, what a role's sessions are like, features; and who may say so.

use serde_json::{Value, json};

use crate::problems::{check_create, problems_of, to_strings};
use crate::world::{Holder, World, integration_body, on_both};

on_both!(
    a_workspace_key_takes_the_place_of_a_role,
    everything_that_can_be_said_of_a_role_is_kept,
    a_change_replaces_the_settings_that_it_names,
    wrong_settings_are_told_by_their_path,
    settings_of_a_role_go_with_no_other_way,
    features_decide_what_a_session_may,
    a_tenant_says_neither_how_a_role_is_reached_nor_what_narrows_it,
    a_tenant_cannot_shed_what_narrows_it,
    an_external_id_of_a_set_up_is_for_the_workspace_that_asked,
    a_role_of_another_organisation_is_not_taken,
    an_unsafe_integration_says_so_everywhere,
);

fn configured(slug: &str, settings: Value) -> Value {
    let mut body = integration_body(slug);
    let Value::Object(settings) = settings else { panic!("settings are an object") };
    body["configurations"].as_object_mut().unwrap().extend(settings);
    body
}

async fn shown(world: &World, slug: &str) -> Value {
    world.ask(&format!("GET /v1/integrations/{slug}")).await.ok()
}

async fn a_workspace_key_takes_the_place_of_a_role(world: &World) {
    world.tell("POST /v1/integrations", integration_body("claude")).await.ok();
    let key = json!({"aws_auth_type": "apiKey", "anthropic_aws_api_key": "AEAAQWVhQXBpS2V5"});
    world.tell("PUT /v1/integrations/claude", json!({"configurations": key})).await.ok();
    let of_key = |header: &str| {
        json!({
            "aws_auth_type": "apiKey",
            "aws_region": "us-west-2",
            "anthropic_aws_workspace_id": "wrkspc_01AbCdEf23GhIj",
            "features": ["inference", "token_counting", "models"],
            "masked_anthropic_aws_api_key": "********",
            "anthropic_aws_api_key_header": header,
        })
    };
    assert_eq!(shown(world, "claude").await["configurations"], of_key("authorization"));
    for (given, expected) in [(json!("x-api-key"), "x-api-key"), (Value::Null, "authorization")] {
        let change = json!({"configurations": {"anthropicAwsApiKeyHeader": given}});
        world.tell("PUT /v1/integrations/claude", change).await.ok();
        assert_eq!(shown(world, "claude").await["configurations"], of_key(expected));
    }

    // A key beside a role would be stored and do nothing, or beat it silently.
    let both = configured("both", json!({"anthropic_aws_api_key": "AEAAQWVhQXBpS2V5"}));
    assert_eq!(
        world.tell("POST /v1/integrations", both).await.refusal(),
        "400 AB01 configurations.anthropic_aws_api_key: `configurations.anthropic_aws_api_key` does not go with \
         `aws_auth_type` `assumedRole`"
    );
    let ours = json!({"configurations": {"anthropic_aws_api_key": world.admin}});
    assert_eq!(
        world.tell("PUT /v1/integrations/claude", ours).await.refusal(),
        "400 AB01 configurations.anthropic_aws_api_key: `configurations.anthropic_aws_api_key` is a key of this \
         gateway; give a workspace key, which AWS's console makes for Claude Platform on AWS"
    );
    let back = json!({"configurations": {"aws_auth_type": "serviceRole"}});
    world.tell("PUT /v1/integrations/claude", back).await.ok();
    let again = json!({"configurations": {"aws_auth_type": "apiKey"}});
    assert_eq!(
        world.tell("PUT /v1/integrations/claude", again).await.refusal(),
        "400 AB01 configurations.anthropic_aws_api_key: `configurations.anthropic_aws_api_key` is required to use \
         a workspace key"
    );
}

/// Everything that can be said of a role.
fn all_settings() -> Value {
    json!({
        "role_chain": [
            {"role_arn": "arn:aws:iam::111122223333:role/hub", "external_id": "hub-1", "session_name": "{user}"},
            {"role_arn": "arn:aws:iam::111122223333:role/spoke"},
        ],
        "duration_seconds": 3600,
        "session_name": "pcs-{workspace}-{metadata.project}",
        "session_tags": {"user": "{user}", "Kostenstelle": "4711"},
        "transitive_tag_keys": ["user"],
        "source_identity": "{user}",
        "session_policy": {"Version": "2012-10-17", "Statement": [
            {"Sid": "z", "Effect": "Allow", "Action": "aws-external-anthropic:*", "Resource": "*"},
        ]},
    })
}

async fn everything_that_can_be_said_of_a_role_is_kept(world: &World) {
    let created = world.tell("POST /v1/integrations", configured("claude", all_settings())).await.ok();
    assert_eq!(created["slug"], "claude");
    let details = shown(world, "claude").await;
    for (name, value) in all_settings().as_object().unwrap() {
        assert_eq!(&details["configurations"][name], value, "{name}");
        assert_eq!(details["configurations"][name].to_string(), value.to_string(), "in the order given");
    }
    assert_eq!(details["effective_session_policy"], all_settings()["session_policy"]);
    // What is read can be sent back as it is.
    let mut back = details["configurations"].clone();
    back.as_object_mut().unwrap().remove("aws_auth_type");
    world.tell("PUT /v1/integrations/claude", json!({"configurations": back})).await.ok();
    assert_eq!(shown(world, "claude").await["configurations"], details["configurations"]);
}

async fn a_change_replaces_the_settings_that_it_names(world: &World) {
    world.tell("POST /v1/integrations", configured("claude", all_settings())).await.ok();
    let mut expected = all_settings();
    let change = async |settings: Value| {
        world.tell("PUT /v1/integrations/claude", json!({"configurations": settings})).await.ok();
        shown(world, "claude").await["configurations"].clone()
    };
    for (name, given, after) in [
        ("duration_seconds", json!(900), json!(900)),
        ("duration_seconds", Value::Null, Value::Null),
        ("transitive_tag_keys", json!([]), json!([])),
        ("session_tags", json!({"team": "a"}), json!({"team": "a"})),
        ("session_tags", Value::Null, json!({})),
        ("session_policy", json!("off"), json!("off")),
        ("session_policy", Value::Null, json!("generated")),
        ("role_chain", Value::Null, json!([])),
        ("session_name", Value::Null, Value::Null),
    ] {
        expected[name] = after;
        let now = change(json!({ name: given })).await;
        for (setting, value) in expected.as_object().unwrap() {
            assert_eq!(&now[setting], value, "{setting} after {name}");
        }
    }
    let now = change(json!({"aws_region": "eu-west-1"})).await;
    assert_eq!(now["source_identity"], "{user}", "what is not named stays");
}

async fn wrong_settings_are_told_by_their_path(world: &World) {
    let check = async |settings: Value, expect: &[&str]| {
        check_create(world, json!({"configurations": settings}), expect).await;
    };
    let hub = "arn:aws:iam::111122223333:role/hub";
    check(
        json!({"role_chain": [{"role_arn": hub}, {"role_arn": "hub", "external_id": "x", "extra": 1}, {}]}),
        &[
            "configurations.role_chain[1].role_arn: is not valid: a role ARN looks like \
             `arn:aws:iam::123456789012:role/name`",
            "configurations.role_chain[1].external_id: is not valid: an external ID is 2 to 1224 characters of \
             a-z, A-Z, 0-9 and `_+=,.@:/-`",
            "configurations.role_chain[1].extra: is not a field of this request",
            "configurations.role_chain[2].role_arn: is missing",
        ],
    )
    .await;
    check(
        json!({"session_tags": {"team": "{users}", "aws:x": "y", "n": 1}}),
        &[
            "configurations.session_tags.team: is not valid: does not know the placeholder `{users}`; known are \
             `{organisation}`, `{workspace}`, `{integration}`, `{key}`, `{user}` and `{metadata.NAME}`",
            "configurations.session_tags.aws:x: is not valid: a tag key is 1 to 128 letters, digits, spaces and \
             `_.:/=+-@`, and does not start with `aws:`",
            "configurations.session_tags.n: must be a string, not a number",
        ],
    )
    .await;
    let duration = "configurations.duration_seconds: is not valid: a session lasts 900 to 43200 seconds";
    for seconds in [json!(899), json!(43_201), json!(-1), json!(3600.5), json!(1e300)] {
        check(json!({"duration_seconds": seconds}), &[duration]).await;
    }
    check(
        json!({"duration_seconds": "3600", "session_name": "", "source_identity": "}", "features": []}),
        &[
            "configurations.features: is not valid: features must include `inference`",
            "configurations.duration_seconds: must be a number, not a string",
            "configurations.session_name: is not valid: must be 1 to 256 characters",
            "configurations.source_identity: is not valid: has a brace without its partner; placeholders look like \
             `{workspace}`",
        ],
    )
    .await;
    check(
        json!({
            "role_chain": [{"role_arn": "arn:aws:iam::123456789012:role/portcullis"}],
            "duration_seconds": 7200,
            "session_tags": {"Team": "a", "team": "b"},
            "transitive_tag_keys": ["user"],
        }),
        &[
            "configurations.role_chain[0].role_arn: is the integration's own role, which the chain leads to",
            "configurations.session_tags.team: differs from another key in case only, which AWS takes for the same \
             key",
            "configurations.transitive_tag_keys[0]: is not among the keys of `session_tags`",
            "configurations.duration_seconds: must be at most 3600 with a `role_chain`: a session assumed from \
             another role lasts at most one hour",
        ],
    )
    .await;
    for (policy, expect) in [
        (json!("none"), "must be `generated`, `off` or a policy as a JSON object"),
        (
            json!({"Statement": [{"Principal": "*"}]}),
            "is not valid: a session policy is a JSON object with a `Statement`, without any `Principal`",
        ),
        (
            json!({"Statement": [{"Sid": "x".repeat(2048)}]}),
            "is not valid: a session policy has at most 2048 characters without the spaces between its parts, \
             this one 2074",
        ),
    ] {
        check(json!({"session_policy": policy}), &[&format!("configurations.session_policy: {expect}")])
            .await;
    }
    check(
        json!({"features": ["inference", "dreams"]}),
        &["configurations.features: has an item 1 that is not valid: a feature is `inference`, `token_counting`, \
           `models`, `batches`, `files`, `skills` or `user_profiles`"],
    )
    .await;

    // The rules between settings hold for what a change leads to.
    world.tell("POST /v1/integrations", configured("claude", json!({"duration_seconds": 7200}))).await.ok();
    let chain = json!({"configurations": {"role_chain": [{"role_arn": hub}]}});
    let answer = world.tell("PUT /v1/integrations/claude", chain).await;
    let expect = "configurations.duration_seconds: must be at most 3600 with a `role_chain`: a session assumed from \
                  another role lasts at most one hour";
    assert_eq!((answer.status, problems_of(&answer.body)), (400, to_strings(&[expect])));
}

async fn settings_of_a_role_go_with_no_other_way(world: &World) {
    for (kind, own) in [
        ("serviceRole", json!({})),
        ("apiKey", json!({"anthropic_aws_api_key": "AEAAQWVhQXBpS2V5"})),
        (
            "accessKey",
            json!({"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "hunter2"}),
        ),
    ] {
        let mut body = configured("claude", all_settings());
        body["configurations"]["aws_auth_type"] = json!(kind);
        body["configurations"].as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        let answer = world.tell("POST /v1/integrations", body).await;
        let refused: Vec<_> = problems_of(&answer.body)
            .iter()
            .map(|line| line.split(": ").next().unwrap().to_owned())
            .collect();
        let expected: Vec<_> =
            ["aws_role_arn", "role_chain", "duration_seconds", "session_name", "session_tags"]
                .into_iter()
                .chain(["transitive_tag_keys", "source_identity", "session_policy"])
                .map(|name| format!("configurations.{name}"))
                .collect();
        assert_eq!((answer.status, refused), (400, expected), "{kind}: {}", answer.body);
    }
}

async fn features_decide_what_a_session_may(world: &World) {
    world.tell("POST /v1/integrations", configured("claude", json!({"features": ["inference"]}))).await.ok();
    let actions = async || {
        let policy = &shown(world, "claude").await["effective_session_policy"];
        policy["Statement"][0]["Action"].to_string()
    };
    assert!(!actions().await.contains("CreateBatchInference"));
    let more = json!({"configurations": {"features": ["inference", "batches", "inference"]}});
    world.tell("PUT /v1/integrations/claude", more).await.ok();
    assert!(actions().await.contains("Batch"), "{}", actions().await);
    assert_eq!(shown(world, "claude").await["configurations"]["features"], json!(["inference", "batches"]));
    let default = json!({"configurations": {"features": null}});
    world.tell("PUT /v1/integrations/claude", default).await.ok();
    let expected = json!(["inference", "token_counting", "models"]);
    assert_eq!(shown(world, "claude").await["configurations"]["features"], expected);
}

const NOT_THE_CHAIN: &str =
    "403 AB03 -: only an organisation's key may say through which roles a role is reached (`role_chain`)";
const NOT_THE_POLICY: &str =
    "403 AB03 -: only an organisation's key may say what narrows a role's sessions (`session_policy`)";

async fn tenant(world: &World) -> String {
    world.key(Holder::Workspace, &["workspace_integrations.create", "workspace_integrations.update"]).await.1
}

async fn a_tenant_says_neither_how_a_role_is_reached_nor_what_narrows_it(world: &World) {
    let tenant = tenant(world).await;
    let chain = json!({"role_chain": [{"role_arn": "arn:aws:iam::111122223333:role/hub"}]});
    let (off, custom) =
        (json!({"session_policy": "off"}), json!({"session_policy": all_settings()["session_policy"]}));
    for (settings, refusal) in [(chain, NOT_THE_CHAIN), (off, NOT_THE_POLICY), (custom, NOT_THE_POLICY)] {
        let body = configured("ours", settings.clone());
        let answer = world.call(&tenant, "POST /v1/integrations", Some(body)).await;
        assert_eq!(answer.refusal(), refusal);
        world.integration("theirs", Some(world.workspace)).await;
        let change = json!({"configurations": settings});
        let answer = world.call(&tenant, "PUT /v1/integrations/theirs", Some(change)).await;
        assert_eq!(answer.refusal(), refusal);
        world.ask("DELETE /v1/integrations/theirs").await.ok();
    }
    // The rest is about a tenant's own account, and the tenant's to say.
    let mut own = all_settings();
    own.as_object_mut().unwrap().retain(|name, _| name != "role_chain" && name != "session_policy");
    world.call(&tenant, "POST /v1/integrations", Some(configured("ours", own))).await.ok();
}

async fn a_tenant_cannot_shed_what_narrows_it(world: &World) {
    let tenant = tenant(world).await;
    let mut body = configured("claude", json!({"session_policy": all_settings()["session_policy"]}));
    body["workspace_id"] = json!(world.workspace);
    world.tell("POST /v1/integrations", body).await.ok();
    let change = async |configurations: Value| {
        let body = json!({"configurations": configurations});
        world.call(&tenant, "PUT /v1/integrations/claude", Some(body)).await
    };
    // Dropped, and by way of another kind of access, which would leave the external ID as it is.
    let elsewhere = json!({"aws_auth_type": "apiKey", "anthropic_aws_api_key": "AEAAQWVhQXBpS2V5"});
    for shed in [
        json!({"session_policy": null}),
        json!({"session_policy": "generated"}),
        json!({"aws_role_arn": "arn:aws:iam::123456789012:role/other"}),
        elsewhere,
    ] {
        assert_eq!(change(shed.clone()).await.refusal(), NOT_THE_POLICY, "{shed}");
    }
    change(json!({"session_name": "{user}"})).await.ok();
    assert_eq!(
        shown(world, "claude").await["configurations"]["session_policy"],
        all_settings()["session_policy"]
    );
}

async fn an_external_id_of_a_set_up_is_for_the_workspace_that_asked(world: &World) {
    let tenant = tenant(world).await;
    let (_, neighbour) = world.key(Holder::SecondWorkspace, &["workspace_integrations.create"]).await;
    let set_up = async |key: &str| {
        let body = json!({"region": "us-west-2", "workspace_id": "wrkspc_01", "role_name": "claude"});
        let answer = world.call(key, "POST /v1/integrations/setup", Some(body)).await;
        answer.text("/targets/0/external_id")
    };
    let create = async |key: &str, slug: &str, external_id: &str| {
        let body = configured(slug, json!({ "aws_external_id": external_id }));
        world.call(key, "POST /v1/integrations", Some(body)).await
    };
    let refused = "403 AB03 -: only an organisation's key may choose an external ID; \
                   leave `aws_external_id` out and one is generated";
    let (ours, organisations) = (set_up(&tenant).await, set_up(&world.admin).await);
    // The neighbour may have read it in the role's trust policy.
    assert_eq!(create(&neighbour, "theirs", &ours).await.refusal(), refused);
    assert_eq!(create(&tenant, "ours", &organisations).await.refusal(), refused);
    create(&tenant, "ours", &ours).await.ok();
    assert_eq!(shown(world, "ours").await["external_id_origin"], "generated");
}

async fn a_role_of_another_organisation_is_not_taken(world: &World) {
    world.tell("POST /v1/integrations", integration_body("claude")).await.ok();
    let scopes = ["organisation_integrations.create", "organisation_integrations.update"];
    let (_, stranger) = world.key(Holder::OtherOrganisation, &scopes).await;
    let refused = "409 AB07 configurations.aws_role_arn: the `configurations.aws_role_arn` is already in use \
                   elsewhere; a role can serve both only once it is proven that its trust policy holds each to an \
                   external ID of its own, so use another role";
    let answer = world.call(&stranger, "POST /v1/integrations", Some(integration_body("x"))).await;
    assert_eq!(answer.refusal(), refused);
    let mut own = integration_body("x");
    own["configurations"]["aws_role_arn"] = json!("arn:aws:iam::210987654321:role/own");
    world.call(&stranger, "POST /v1/integrations", Some(own)).await.ok();
    let change =
        json!({"configurations": {"aws_role_arn": integration_body("x")["configurations"]["aws_role_arn"]}});
    let answer = world.call(&stranger, "PUT /v1/integrations/x", Some(change)).await;
    assert_eq!(answer.refusal(), refused);
    let through = json!({"configurations": {"role_chain": [
        {"role_arn": integration_body("x")["configurations"]["aws_role_arn"]},
    ]}});
    let answer = world.call(&stranger, "PUT /v1/integrations/x", Some(through)).await;
    assert_eq!(
        answer.refusal(),
        "409 AB07 configurations.role_chain: the `configurations.role_chain` of this integration is already in use"
    );
}

async fn an_unsafe_integration_says_so_everywhere(world: &World) {
    world.tell("POST /v1/integrations", integration_body("claude")).await.ok();
    let integration = world.catalog.integration(world.organisation, "claude").await.unwrap();
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_348_800);
    let record = portcullis_catalog::VerificationRecord {
        status: portcullis_types::VerificationStatus::Unsafe,
        external_id: portcullis_catalog::ExternalIdFinding::Open,
        report: json!([]),
        verified_at: at,
        next_at: at,
    };
    world.catalog.record_verification(integration.id, integration.revision, record).await.unwrap();
    let expected = json!({"status": "unsafe", "unsafe": true, "verified_at": "2026-11-22T12:00:00.000Z"});
    assert_eq!(shown(world, "claude").await["verification"], expected);
    let list = world.ask("GET /v1/integrations").await.ok();
    assert_eq!(list["data"][0]["verification"], expected);
    world.provider("handle", "claude").await;
    let workspace = world.workspace;
    let shown = world.ask(&format!("GET /v1/providers/handle?workspace_id={workspace}")).await.ok();
    assert_eq!(shown["verification"], expected);
    let list = world.ask("GET /v1/providers").await.ok();
    assert_eq!(list["data"][0]["verification"], expected);
}
