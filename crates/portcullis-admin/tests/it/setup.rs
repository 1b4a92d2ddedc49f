//! Setting up: what an account needs, before there is an integration and for one that exists.

use serde_json::{Value, json};

use crate::world::{Holder, World, integration_body, on_both};

on_both!(
    a_setup_answers_everything_that_an_account_needs,
    each_target_has_an_external_id_of_its_own,
    what_a_setup_reserves_makes_an_integration_with_a_generated_id,
    a_tenant_sets_up_its_own_integration,
    another_organisation_cannot_use_what_was_reserved,
    without_an_identity_the_principal_must_be_given,
    what_is_wrong_is_told_by_its_field,
    an_existing_integration_shows_its_own_external_id,
    a_shared_role_keeps_every_external_id_of_the_organisation,
    a_setup_that_does_not_fit_reserves_nothing,
    as_many_targets_are_taken_as_a_trust_policy_has_room_for,
    a_tenant_reserves_no_more_than_its_share,
    a_chain_says_what_each_role_on_the_way_needs,
);

fn body() -> Value {
    json!({
        "region": "us-west-2", "workspace_id": "wrkspc_01AbC", "role_name": "claude",
        "account_id": "123456789012",
    })
}

async fn a_setup_answers_everything_that_an_account_needs(world: &World) {
    let made = world.tell("POST /v1/integrations/setup", body()).await.ok();
    let external_id = made["targets"][0]["external_id"].as_str().unwrap();
    assert!(external_id.len() >= 22, "at least 128 bits: {external_id}");
    assert_eq!(made["gateway_principal"], "arn:aws:iam::111122223333:role/gateway");
    assert_eq!(made["role_arn"], "arn:aws:iam::123456789012:role/claude");
    let trust = &made["trust_policy"]["Statement"][0];
    assert_eq!(trust["Principal"]["AWS"], made["gateway_principal"]);
    assert_eq!(trust["Condition"]["StringEquals"]["sts:ExternalId"], external_id);
    for artefact in ["cli", "cloudformation", "terraform"] {
        let text = made[artefact].as_str().unwrap();
        assert!(text.contains(external_id) && text.contains("CreateInference"), "{artefact}: {text}");
    }
    assert_eq!(made["integrations"][0]["configurations"]["aws_external_id"], external_id);
    let steps = made["next_steps"].as_array().unwrap();
    assert!(
        steps.len() == 5 && steps[2].as_str().unwrap().contains("enable-outbound-web-identity-federation")
    );
}

async fn each_target_has_an_external_id_of_its_own(world: &World) {
    let targets = json!([
        {"region": "us-west-2", "workspace_id": "wrkspc_01", "name": "West"},
        {"region": "eu-west-1", "workspace_id": "wrkspc_02"},
    ]);
    let body = json!({"targets": targets, "role_name": "claude", "name": "Claude", "features": "full"});
    let made = world.tell("POST /v1/integrations/setup", body).await.ok();
    let ids: Vec<_> = made["targets"].as_array().unwrap().iter().map(|t| t["external_id"].clone()).collect();
    assert_ne!(ids[0], ids[1]);
    assert_eq!(
        made["trust_policy"]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"],
        json!(ids)
    );
    let names: Vec<_> = made["integrations"].as_array().unwrap().iter().map(|i| i["name"].clone()).collect();
    assert_eq!(names, ["West", "Claude"]);
}

async fn what_a_setup_reserves_makes_an_integration_with_a_generated_id(world: &World) {
    let made = world.tell("POST /v1/integrations/setup", body()).await.ok();
    let created = world.tell("POST /v1/integrations", made["integrations"][0].clone()).await.ok();
    let shown = world.ask(&format!("GET /v1/integrations/{}", created["slug"].as_str().unwrap())).await.ok();
    assert_eq!(shown["external_id_origin"], "generated");
    assert_eq!(shown["configurations"]["aws_external_id"], made["targets"][0]["external_id"]);
}

async fn a_tenant_sets_up_its_own_integration(world: &World) {
    let (_, tenant) =
        world.key(Holder::Workspace, &["workspace_integrations.create", "workspace_integrations.read"]).await;
    let made = world.call(&tenant, "POST /v1/integrations/setup", Some(body())).await.ok();
    let created =
        world.call(&tenant, "POST /v1/integrations", Some(made["integrations"][0].clone())).await.ok();
    let slug = created["slug"].as_str().unwrap();
    let shown = world.call(&tenant, &format!("GET /v1/integrations/{slug}/setup"), None).await.ok();
    assert_eq!(shown["targets"][0]["external_id"], made["targets"][0]["external_id"]);
}

async fn another_organisation_cannot_use_what_was_reserved(world: &World) {
    let (_, stranger) = world.key(Holder::OtherOrganisation, &["organisation_integrations.create"]).await;
    let made = world.tell("POST /v1/integrations/setup", body()).await.ok();
    let answer = world.call(&stranger, "POST /v1/integrations", Some(made["integrations"][0].clone())).await;
    assert_eq!(
        answer.refusal(),
        "409 AB07 configurations.aws_external_id: the `configurations.aws_external_id` of this integration is already in use"
    );
}

async fn without_an_identity_the_principal_must_be_given(world: &World) {
    *world.aws.has_identity.lock().unwrap() = false;
    let answer = world.tell("POST /v1/integrations/setup", body()).await;
    let refusal = answer.refusal();
    assert!(
        refusal.starts_with("400 AB01 gateway_principal: `gateway_principal` is missing, and"),
        "{refusal}"
    );
    assert!(refusal.contains("give the ARN of the role or user that it runs as"), "{refusal}");
    let mut given = body();
    given["gateway_principal"] = json!("arn:aws:iam::444455556666:user/portcullis");
    let made = world.tell("POST /v1/integrations/setup", given).await.ok();
    assert_eq!(made["gateway_principal"], "arn:aws:iam::444455556666:user/portcullis");
}

async fn what_is_wrong_is_told_by_its_field(world: &World) {
    let check = async |name: &str, value: Value, expect: &str| {
        let mut body = body();
        body[name] = value;
        let refusal = world.tell("POST /v1/integrations/setup", body).await.refusal();
        assert!(refusal.starts_with(&format!("400 AB01 {expect}")), "{refusal}");
    };
    check("role_name", json!("a b"), "role_name: `role_name` is not valid").await;
    check("workspace_id", json!(null), "workspace_id: `workspace_id` must have a value").await;
    check("role", json!("x"), "role: `role` is not a field").await;
    check("gateway_principal", json!("arn:aws-cn:iam::444455556666:user/x"), "gateway_principal: ").await;
}

async fn an_existing_integration_shows_its_own_external_id(world: &World) {
    let mut created = integration_body("claude");
    created["configurations"]["aws_external_id"] = json!("supplied-by-the-customer");
    world.tell("POST /v1/integrations", created).await.ok();
    let shown = world.ask("GET /v1/integrations/claude/setup").await.ok();
    assert_eq!(shown["targets"][0]["external_id"], "supplied-by-the-customer");
    assert_eq!(shown["role_arn"], "arn:aws:iam::123456789012:role/portcullis");
    let query = "GET /v1/integrations/claude/setup?gateway_principal=arn:aws:iam::444455556666:role/other";
    let shown = world.ask(query).await.ok();
    assert_eq!(shown["gateway_principal"], "arn:aws:iam::444455556666:role/other");

    let mut service = integration_body("service");
    service["configurations"] = json!({
        "aws_auth_type": "serviceRole", "aws_region": "us-west-2", "anthropic_aws_workspace_id": "wrkspc_01",
    });
    world.tell("POST /v1/integrations", service).await.ok();
    assert_eq!(
        world.ask("GET /v1/integrations/service/setup").await.refusal(),
        "409 AB07 -: this integration assumes no role, so there is nothing to set up in an AWS account"
    );
}

async fn a_shared_role_keeps_every_external_id_of_the_organisation(world: &World) {
    let role = "arn:aws:iam::123456789012:role/shared";
    let create = async |slug: &str, workspace: Option<_>, features: Value| {
        let mut body = integration_body(slug);
        body["configurations"]["aws_role_arn"] = json!(role);
        body["configurations"]["features"] = features;
        body["workspace_id"] = json!(workspace);
        let made = world.tell("POST /v1/integrations", body).await.ok();
        made["configurations"]["aws_external_id"].as_str().unwrap().to_owned()
    };
    let first = create("first", None, json!(["inference"])).await;
    let second = create("second", Some(world.workspace), json!(["inference", "files"])).await;
    let trusted = |shown: &Value| {
        shown["trust_policy"]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"].clone()
    };
    let shown = world.ask("GET /v1/integrations/first/setup").await.ok();
    assert_eq!(trusted(&shown), json!([first, second]));
    assert!(shown["permission_policy"].to_string().contains("CreateFile"), "{shown}");
    assert_eq!((&shown["integrations"], shown["next_steps"].as_array().unwrap().len()), (&json!([]), 4));

    let (_, tenant) = world.key(Holder::Workspace, &["workspace_integrations.read"]).await;
    let shown = world.call(&tenant, "GET /v1/integrations/second/setup", None).await.ok();
    assert_eq!(trusted(&shown), json!(second));
    assert!(shown["notes"][0].as_str().unwrap().starts_with("1 more of the organisation's integrations use"));
    assert!(!shown.to_string().contains(&first), "what the key may not read it is not told");
}

fn many(n: usize, principal: &str) -> Value {
    let target = |n| json!({"region": "us-west-2", "workspace_id": format!("wrkspc_{n}")});
    let targets: Vec<_> = (0..n).map(target).collect();
    json!({
        "targets": targets, "role_name": "claude", "account_id": "123456789012", "gateway_principal": principal,
        "restrict_to_workspaces": false,
    })
}

async fn a_setup_that_does_not_fit_reserves_nothing(world: &World) {
    let long = format!("arn:aws:iam::444455556666:role/{}", "x".repeat(64));
    for _ in 0..5 {
        let refusal = world.tell("POST /v1/integrations/setup", many(46, &long)).await.refusal();
        assert!(
            refusal.starts_with("400 AB01 targets: `targets` does not fit: the trust policy has"),
            "{refusal}"
        );
    }
    // The whole share is still there.
    let all = world.catalog.reserve_generated_external_ids(world.organisation, None, 200).await.unwrap();
    assert_eq!(all.len(), 200);
}

async fn as_many_targets_are_taken_as_a_trust_policy_has_room_for(world: &World) {
    let made =
        world.tell("POST /v1/integrations/setup", many(46, "arn:aws:iam::444455556666:user/x")).await.ok();
    let length = made["trust_policy"].to_string().len();
    let room = 2048 - length;
    assert!(room < 39, "another external ID would have found room: {room}");
    let refusal = world
        .tell("POST /v1/integrations/setup", many(47, "arn:aws:iam::444455556666:user/x"))
        .await
        .refusal();
    assert!(refusal.starts_with("400 AB01 targets: `targets` must have at most 46 items"), "{refusal}");
}

async fn a_tenant_reserves_no_more_than_its_share(world: &World) {
    let (_, tenant) = world.key(Holder::Workspace, &["workspace_integrations.create"]).await;
    for _ in 0..50 {
        world.call(&tenant, "POST /v1/integrations/setup", Some(body())).await.ok();
    }
    let refused = world.call(&tenant, "POST /v1/integrations/setup", Some(body())).await;
    assert_eq!(refused.text("/error/code"), "too_many_reserved");
    let refusal = refused.refusal();
    assert!(
        refusal.starts_with("409 AB07 -: 50 external IDs are reserved already, and no integration"),
        "{refusal}"
    );
    world.tell("POST /v1/integrations/setup", body()).await.ok();
}

async fn a_chain_says_what_each_role_on_the_way_needs(world: &World) {
    let (hub, bridge) = ("arn:aws:iam::111122223333:role/hub", "arn:aws:iam::999988887777:role/bridge");
    let mut created = integration_body("claude");
    created["configurations"]["role_chain"] =
        json!([{"role_arn": hub}, {"role_arn": bridge, "external_id": "across"}]);
    created["configurations"]["source_identity"] = json!("{user}");
    world.tell("POST /v1/integrations", created).await.ok();
    let shown = world.ask("GET /v1/integrations/claude/setup").await.ok();
    assert_eq!(shown["gateway_principal"], bridge, "whom the role itself trusts");
    let granted = |policy: &Value| {
        let statement = &policy["Statement"][0];
        (statement["Action"].clone(), statement["Resource"].clone())
    };
    assert_eq!(granted(&shown["gateway_policy"]), (json!(["sts:AssumeRole"]), json!([hub])));
    let chain = &shown["role_chain"];
    assert_eq!(granted(&chain[0]["policy"]), (json!(["sts:AssumeRole"]), json!([bridge])));
    assert_eq!((&chain[0]["role_arn"], &chain[0]["trusted_principal"]), (&json!(hub), &json!(null)));
    let last = (json!(["sts:AssumeRole", "sts:SetSourceIdentity"]), json!([shown["role_arn"]]));
    assert_eq!(granted(&chain[1]["policy"]), last);
    assert_eq!((&chain[1]["trusted_principal"], &chain[1]["external_id"]), (&json!(hub), &json!("across")));
    let steps: Vec<_> = shown["next_steps"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
    assert!(steps[0].contains("gateway's own identity") && steps[0].contains(hub), "{steps:?}");
    assert!(steps[1].starts_with("In account 111122223333, let the trust policy of"), "{steps:?}");
    assert!(steps[2].contains("with the external ID `across`"), "{steps:?}");
}
