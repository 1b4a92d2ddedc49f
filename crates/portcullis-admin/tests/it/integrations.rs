//! Integrations from creation to deletion.

use serde_json::{Value, json};

use crate::problems::{check_create, problems_of, to_strings};
use crate::world::{Holder, World, integration_body, on_both};

on_both!(
    an_integration_is_made_and_read_back,
    the_external_id_is_generated_and_fixed,
    a_supplied_external_id_is_marked_and_belongs_to_one_organisation,
    a_change_keeps_what_it_does_not_name,
    the_way_into_aws_can_be_changed,
    both_spellings_of_a_field_are_read,
    a_wrong_body_is_told_field_by_field,
    a_wrong_change_is_told_field_by_field,
    a_slug_is_taken_once_and_made_when_absent,
    an_integration_in_use_cannot_be_deleted,
    lists_come_in_pages,
    a_workspace_integration_brings_its_provider,
);

async fn an_integration_is_made_and_read_back(world: &World) {
    let created = world.tell("POST /v1/integrations", integration_body("claude")).await.ok();
    assert_eq!(created["slug"], "claude");
    let unverified = json!({"status": "unverified", "unsafe": false, "verified_at": null});
    assert_eq!(created["verification"], unverified);
    let shown = world.ask("GET /v1/integrations/claude").await.ok();
    let expected = json!({
        "object": "integration",
        "id": created["id"],
        "slug": "claude",
        "organisation_id": world.organisation,
        "workspace_id": null,
        "type": "organisation",
        "ai_provider_id": "claude-platform-aws",
        "name": "Claude through AWS",
        "description": null,
        "status": "active",
        "verification": unverified,
        "created_at": "2026-11-22T12:00:00.000Z",
        "last_updated_at": "2026-11-22T12:00:00.000Z",
        "masked_key": null,
        "configurations": {
            "aws_auth_type": "assumedRole",
            "aws_region": "us-west-2",
            "anthropic_aws_workspace_id": "wrkspc_01AbCdEf23GhIj",
            "aws_role_arn": "arn:aws:iam::123456789012:role/portcullis",
            "aws_external_id": created["configurations"]["aws_external_id"],
            "features": ["inference", "token_counting", "models"],
            "role_chain": [],
            "duration_seconds": null,
            "session_name": null,
            "session_tags": {},
            "transitive_tag_keys": [],
            "source_identity": null,
            "session_policy": "generated",
        },
        "external_id_origin": "generated",
        "health": null,
        "effective_session_policy": default_policy("us-west-2"),
        "allow_all_models": true,
        "secret_mappings": [],
        "pricing_adjustments": null,
    });
    assert_eq!(shown, expected);
    let by_id = format!("GET /v1/integrations/{}", created["id"].as_str().unwrap());
    assert_eq!(world.ask(&by_id).await.ok(), expected);

    assert_eq!(world.ask("DELETE /v1/integrations/claude").await.ok(), json!({}));
    let gone = "404 AB08 -: there is no such integration";
    assert_eq!(world.ask("GET /v1/integrations/claude").await.refusal(), gone);
    assert_eq!(world.ask("DELETE /v1/integrations/claude").await.refusal(), gone);
    assert_eq!(world.ask("GET /v1/integrations/no%20slug%00").await.refusal(), gone);
}

/// What a session is narrowed to that nobody has said anything about.
fn default_policy(region: &str) -> Value {
    let workspace = "123456789012:workspace/wrkspc_01AbCdEf23GhIj";
    json!({"Version": "2012-10-17", "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "aws-external-anthropic:CountTokens",
                "aws-external-anthropic:CreateInference",
                "aws-external-anthropic:GetModel",
                "aws-external-anthropic:GetWorkspace",
                "aws-external-anthropic:ListModels",
            ],
            "Resource": format!("arn:aws:aws-external-anthropic:{region}:{workspace}"),
        },
        {
            "Effect": "Allow",
            "Action": ["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:CalledViaLast": "aws-external-anthropic.amazonaws.com"}},
        },
    ]})
}

async fn the_external_id_is_generated_and_fixed(world: &World) {
    let created = world.tell("POST /v1/integrations", integration_body("claude")).await;
    let external_id = created.text("/configurations/aws_external_id");
    assert!(external_id.starts_with("pcs-") && external_id.len() == 36, "{external_id}");
    let other = world.tell("POST /v1/integrations", integration_body("other")).await;
    assert_ne!(other.text("/configurations/aws_external_id"), external_id);

    let change = |value: &str| json!({"configurations": {"aws_external_id": value}});
    let refused = world.tell("PUT /v1/integrations/claude", change("my-own")).await;
    assert_eq!(
        refused.refusal(),
        "400 AB01 configurations.aws_external_id: `configurations.aws_external_id` cannot be changed: \
         it belongs to this integration for life; create another integration"
    );
    assert_eq!(refused.body["error"]["problems"][0]["code"], "immutable_field");
    world.tell("PUT /v1/integrations/claude", change(&external_id)).await.ok();
    let shown = world.ask("GET /v1/integrations/claude").await;
    assert_eq!(shown.text("/configurations/aws_external_id"), external_id);
}

async fn a_supplied_external_id_is_marked_and_belongs_to_one_organisation(world: &World) {
    let mut body = integration_body("claude");
    body["configurations"]["aws_external_id"] = json!("from-our-trust-policy");
    let created = world.tell("POST /v1/integrations", body.clone()).await;
    assert_eq!(created.text("/configurations/aws_external_id"), "from-our-trust-policy");
    let shown = world.ask("GET /v1/integrations/claude").await.ok();
    assert_eq!(shown["external_id_origin"], "supplied");

    let (_, stranger) = world.key(Holder::OtherOrganisation, &["organisation_integrations.create"]).await;
    let refused = world.call(&stranger, "POST /v1/integrations", Some(body.clone())).await;
    assert_eq!(
        refused.refusal(),
        "409 AB07 configurations.aws_external_id: \
         the `configurations.aws_external_id` of this integration is already in use"
    );

    let (_, tenant) = world.key(Holder::Workspace, &["workspace_integrations.create"]).await;
    body["configurations"]["aws_external_id"] = json!("chosen-by-a-tenant");
    let refused = world.call(&tenant, "POST /v1/integrations", Some(body)).await;
    assert_eq!(
        refused.refusal(),
        "403 AB03 -: only an organisation's key may choose an external ID; \
         leave `aws_external_id` out and one is generated"
    );
}

async fn a_change_keeps_what_it_does_not_name(world: &World) {
    let mut body = integration_body("claude");
    body["description"] = json!("for the team");
    world.tell("POST /v1/integrations", body).await.ok();
    let before = world.ask("GET /v1/integrations/claude").await.ok();

    world.clock.advance(std::time::Duration::from_secs(60));
    let change = json!({"name": "Renamed", "configurations": {"aws_region": "eu-central-1"}});
    assert_eq!(world.tell("PUT /v1/integrations/claude", change).await.ok(), json!({}));
    let mut expected = before.clone();
    expected["name"] = json!("Renamed");
    expected["configurations"]["aws_region"] = json!("eu-central-1");
    expected["effective_session_policy"] = default_policy("eu-central-1");
    expected["last_updated_at"] = json!("2026-11-22T12:01:00.000Z");
    assert_eq!(world.ask("GET /v1/integrations/claude").await.ok(), expected);

    world.tell("PUT /v1/integrations/claude", json!({"description": null})).await.ok();
    assert_eq!(world.ask("GET /v1/integrations/claude").await.ok()["description"], Value::Null);
    world.tell("PUT /v1/integrations/claude", json!({"status": "archived"})).await.ok();
    assert_eq!(world.ask("GET /v1/integrations/claude").await.ok()["status"], "archived");
}

async fn the_way_into_aws_can_be_changed(world: &World) {
    let created = world.tell("POST /v1/integrations", integration_body("claude")).await;
    let external_id = created.text("/configurations/aws_external_id");
    let keys = json!({"configurations": {
        "aws_auth_type": "accessKey",
        "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    }});
    world.tell("PUT /v1/integrations/claude", keys).await.ok();
    let shown = world.ask("GET /v1/integrations/claude").await.ok();
    assert_eq!(
        shown["configurations"],
        json!({
            "aws_auth_type": "accessKey",
            "aws_region": "us-west-2",
            "anthropic_aws_workspace_id": "wrkspc_01AbCdEf23GhIj",
            "features": ["inference", "token_counting", "models"],
            "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "masked_aws_secret_access_key": "********",
        })
    );
    assert_eq!(shown["effective_session_policy"], Value::Null);

    let service = json!({"configurations": {"aws_auth_type": "serviceRole"}});
    world.tell("PUT /v1/integrations/claude", service).await.ok();
    let shown = world.ask("GET /v1/integrations/claude").await.ok();
    assert_eq!(shown["configurations"]["aws_auth_type"], "serviceRole");

    let role = "arn:aws:iam::111122223333:role/other";
    let back = json!({"configurations": {"aws_auth_type": "assumedRole", "aws_role_arn": role}});
    world.tell("PUT /v1/integrations/claude", back).await.ok();
    let shown = world.ask("GET /v1/integrations/claude").await;
    assert_eq!(shown.text("/configurations/aws_role_arn"), role);
    assert_eq!(
        shown.text("/configurations/aws_external_id"),
        external_id,
        "it is the integration's for life"
    );
}

async fn both_spellings_of_a_field_are_read(world: &World) {
    let body = json!({
        "name": "Console's spelling",
        "slug": "console",
        "ai_provider_id": "claude-platform-aws",
        "key": null,
        "secret_mappings": [],
        "configurations": {
            "awsAuthType": "assumedRole",
            "awsRoleArn": "arn:aws:iam::123456789012:role/portcullis",
            "awsExternalId": "console-external-id",
            "awsRegion": "us-west-2",
            "anthropicAwsWorkspaceId": "wrkspc_01AbCdEf23GhIj",
        },
    });
    world.tell("POST /v1/integrations", body).await.ok();
    let shown = world.ask("GET /v1/integrations/console").await.ok();
    assert_eq!(shown["configurations"]["aws_external_id"], "console-external-id");
    let body = json!({"configurations": {
        "awsAccessKeyId": "AKIAIOSFODNN7EXAMPLE", "awsSecretAccessKey": "secret", "awsAuthType": "accessKey",
    }});
    world.tell("PUT /v1/integrations/console", body).await.ok();
}

async fn a_wrong_body_is_told_field_by_field(world: &World) {
    let check = async |change: Value, expect: &[&str]| check_create(world, change, expect).await;
    check(json!({"name": null}), &["name: is missing"]).await;
    check(json!({"name": ""}), &["name: must have 1 to 255 characters, not 0"]).await;
    check(json!({"nmae": "x"}), &["nmae: is not a field of this request"]).await;
    check(json!({"configurations": null}), &["configurations: is missing"]).await;
    check(json!({"configurations": 1}), &["configurations: must be an object, not a number"]).await;
    check(
        json!({"ai_provider_id": "bedrock", "configurations": {"aws_region": 1}}),
        &["ai_provider_id: does not know `bedrock`; known are `claude-platform-aws`"],
    )
    .await;
    check(
        json!({"slug": "no slug"}),
        &["slug: is not valid: a slug is 1 to 255 characters of a-z, A-Z, 0-9, `_` and `-`"],
    )
    .await;
    check(
        json!({"configurations": {
            "aws_role_arn": null, "aws_region": "mars", "anthropic_aws_workspace_id": "ws-1", "extra": 1,
        }}),
        &[
            "configurations.aws_region: is not valid: an AWS region looks like `us-west-2`",
            "configurations.anthropic_aws_workspace_id: is not valid: an Anthropic workspace id is `wrkspc_` \
             followed by 1 to 64 letters and digits",
            "configurations.aws_role_arn: is missing",
            "configurations.extra: is not a field of this request",
        ],
    )
    .await;
    check(
        json!({"configurations": {"aws_auth_type": "key"}}),
        &["configurations.aws_auth_type: must be one of `assumedRole`, `accessKey`, `serviceRole`, `apiKey`"],
    )
    .await;
    check(
        json!({"configurations": {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE"}}),
        &["configurations.aws_access_key_id: does not go with `aws_auth_type` `assumedRole`"],
    )
    .await;
    check(
        json!({"configurations": {"awsRegion": "us-west-2"}}),
        &["configurations.awsRegion: is the same field as `aws_region`: give one of them"],
    )
    .await;
    check(
        json!({"configurations": {"aws_role_arn": "arn:aws:iam::123456789012:user/x"}}),
        &["configurations.aws_role_arn: is not valid: the resource of a role ARN starts with `role/`"],
    )
    .await;
    check(
        json!({"configurations": {"aws_external_id": ""}}),
        &["configurations.aws_external_id: is not valid: an external ID is 2 to 1224 characters of a-z, A-Z, \
           0-9 and `_+=,.@:/-`"],
    )
    .await;
    check(
        json!({"key": "sk-ant-1"}),
        &["key: is not used by `claude-platform-aws`, whose credentials stand in `configurations`"],
    )
    .await;
    check(
        json!({"default_provider_slug": "x", "create_default_provider": false}),
        &["default_provider_slug: needs `create_default_provider`, which is false"],
    )
    .await;
    check(
        json!({"default_provider_slug": "x"}),
        &["default_provider_slug: needs a `workspace_id`: only a workspace's integration gets a provider at once"],
    )
    .await;
    assert_eq!(world.ask("GET /v1/integrations").await.ok()["total"], 0, "a refused body leaves nothing");
}

async fn a_wrong_change_is_told_field_by_field(world: &World) {
    world.integration("claude", None).await;
    let check = async |change: Value, expect: &[&str]| {
        let answer = world.tell("PUT /v1/integrations/claude", change).await;
        assert_eq!((answer.status, problems_of(&answer.body)), (400, to_strings(expect)));
    };
    check(json!({"name": null}), &["name: cannot be cleared"]).await;
    check(json!({"slug": "other"}), &["slug: cannot be changed after creation"]).await;
    check(
        json!({"configurations": {"aws_region": null, "aws_secret_access_key": "x"}}),
        &[
            "configurations.aws_region: cannot be cleared",
            "configurations.aws_secret_access_key: does not go with `aws_auth_type` `assumedRole`",
        ],
    )
    .await;
    let half = json!({"configurations": {"aws_auth_type": "accessKey"}});
    let refused = world.tell("PUT /v1/integrations/claude", half).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert_eq!(refused.text("/error/param"), "configurations.aws_access_key_id");
}

async fn a_slug_is_taken_once_and_made_when_absent(world: &World) {
    world.integration("claude", None).await;
    assert_eq!(
        world.tell("POST /v1/integrations", integration_body("claude")).await.refusal(),
        "409 AB07 slug: the `slug` of this integration is already in use"
    );
    let mut body = integration_body("x");
    body.as_object_mut().unwrap().remove("slug");
    let first = world.tell("POST /v1/integrations", body.clone()).await.text("/slug");
    let second = world.tell("POST /v1/integrations", body).await.text("/slug");
    assert!(first.starts_with("claude-through-aws") && first != second, "{first} {second}");
}

async fn an_integration_in_use_cannot_be_deleted(world: &World) {
    world.integration("claude", None).await;
    world.provider("team-claude", "claude").await;
    let refused = world.ask("DELETE /v1/integrations/claude").await.refusal();
    assert!(refused.starts_with("409 AB07 -: ") && refused.contains("team-claude"), "{refused}");
    world.ask(&format!("DELETE /v1/providers/team-claude?workspace_id={}", world.workspace)).await.ok();
    world.ask("DELETE /v1/integrations/claude").await.ok();
}

async fn lists_come_in_pages(world: &World) {
    for slug in ["a", "b", "c"] {
        world.integration(slug, None).await;
        world.tick();
    }
    world.integration("d", Some(world.workspace)).await;
    let check = async |query: &str, total: u64, expect: &[&str]| {
        let list = world.ask(&format!("GET /v1/integrations{query}")).await.ok();
        let slugs: Vec<_> =
            list["data"].as_array().unwrap().iter().map(|i| i["slug"].as_str().unwrap()).collect();
        let seen = (list["object"].as_str().unwrap(), list["total"].as_u64().unwrap(), slugs);
        assert_eq!(seen, ("list", total, expect.to_vec()), "{query}");
    };
    check("", 4, &["a", "b", "c", "d"]).await;
    check("?current_page=0&page_size=100", 4, &["a", "b", "c", "d"]).await;
    check("?current_page=1&page_size=3", 4, &["d"]).await;
    check("?currentPage=1&pageSize=2", 4, &["c", "d"]).await;
    check("?current_page=9", 4, &[]).await;
    check("?current_page=4294967295&page_size=1000", 4, &[]).await;
    check("?type=organisation", 3, &["a", "b", "c"]).await;
    check("?type=workspace", 1, &["d"]).await;
    check("?type=workspace&workspace_id=ws-second", 0, &[]).await;
    check("?workspace_id=", 4, &["a", "b", "c", "d"]).await;
    assert_eq!(
        world.ask("GET /v1/integrations?type=mine").await.refusal(),
        "400 AB01 type: `type` must be one of `all`, `organisation`, `workspace`"
    );
}

async fn a_workspace_integration_brings_its_provider(world: &World) {
    let (_, tenant) = world
        .key(
            Holder::Workspace,
            &["workspace_integrations.create", "workspace_integrations.read", "providers.list"],
        )
        .await;
    world.call(&tenant, "POST /v1/integrations", Some(integration_body("ours"))).await.ok();
    let shown = world.call(&tenant, "GET /v1/integrations/ours", None).await.ok();
    assert_eq!((&shown["type"], &shown["workspace_id"]), (&json!("workspace"), &json!("ws-default")));
    let providers = world.call(&tenant, "GET /v1/providers", None).await.ok();
    assert_eq!(providers["total"], 1);
    assert_eq!(providers["data"][0]["slug"], "ours");
    assert_eq!(providers["data"][0]["integration_id"], "ours");
}
