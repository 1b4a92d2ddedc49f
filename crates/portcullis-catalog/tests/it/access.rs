//! As whom an integration reaches AWS: workspace keys, the settings of roles, features.

use portcullis_catalog::{AuthPatch, CatalogError, Integration, IntegrationPatch, NewAuth, NewIntegration};
use portcullis_types::{ApiKeyHeader, AwsAuth, ExposeSecret as _, Feature, FeatureSet, RoleSettings};
use serde_json::json;

use crate::on_both;
use crate::stage::{Stage, integration, key_auth, refusal, role_auth};

on_both!(
    a_workspace_key_is_kept_and_changed,
    another_kind_of_access_leaves_nothing_of_the_one_before,
    settings_of_a_role_are_kept_as_they_were_given,
    settings_that_break_a_rule_are_refused,
    features_are_kept_and_reach_the_snapshot,
    what_cannot_be_read_of_settings_takes_only_its_own_row,
);

fn api_key(key: &str) -> NewAuth {
    NewAuth::ApiKey { key: key.into(), header: ApiKeyHeader::XApiKey }
}

fn settings(json: serde_json::Value) -> RoleSettings {
    serde_json::from_value(json).unwrap()
}

fn role(settings: RoleSettings) -> NewAuth {
    let role_arn = "arn:aws:iam::123456789012:role/portcullis".parse().unwrap();
    NewAuth::AssumedRole { role_arn, external_id: None, settings }
}

fn key_of(integration: &Integration) -> (&str, ApiKeyHeader) {
    match &integration.platform.auth {
        AwsAuth::ApiKey { key, header } => (key.expose_secret(), *header),
        other => panic!("{} is no workspace key", other.kind()),
    }
}

fn settings_of(integration: &Integration) -> &RoleSettings {
    match &integration.platform.auth {
        AwsAuth::AssumedRole { settings, .. } => settings,
        other => panic!("{} has no settings", other.kind()),
    }
}

async fn change(
    stage: &Stage,
    organisation: portcullis_types::OrganisationId,
    auth: AuthPatch,
) -> Result<Integration, CatalogError> {
    let patch = IntegrationPatch { auth: Some(auth), ..Default::default() };
    stage.catalog.update_integration(organisation, "aws", patch).await
}

async fn a_workspace_key_is_kept_and_changed(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let create = async |auth| {
        stage.catalog.create_integration(NewIntegration { auth, ..integration(organisation, "aws") }).await
    };
    for bad in [String::new(), "x".repeat(4097)] {
        assert_eq!(refusal(create(api_key(&bad)).await), "api_key must be 1 to 4096 characters");
    }
    let longest = "x".repeat(4096);
    let made = create(api_key(&longest)).await.unwrap();
    assert_eq!(key_of(&made), (longest.as_str(), ApiKeyHeader::XApiKey));
    assert!(made.external_id_origin.is_none() && !format!("{made:?}").contains(&longest));

    let patch = AuthPatch::ApiKey { key: None, header: Some(ApiKeyHeader::Authorization) };
    let changed = change(&stage, organisation, patch).await.unwrap();
    assert_eq!(key_of(&changed), (longest.as_str(), ApiKeyHeader::Authorization));
    let changed =
        change(&stage, organisation, AuthPatch::ApiKey { key: Some("AEAAnew".into()), header: None }).await;
    assert_eq!(key_of(&changed.unwrap()), ("AEAAnew", ApiKeyHeader::Authorization));
}

async fn another_kind_of_access_leaves_nothing_of_the_one_before(stage: Stage) {
    let (organisation, workspace) = stage.tenant("a").await;
    let new = NewIntegration {
        workspace_id: Some(workspace),
        auth: role(settings(json!({"session_name": "{user}"}))),
        ..integration(organisation, "aws")
    };
    stage.catalog.create_integration(new).await.unwrap();
    let serving = || {
        let snapshot = stage.catalog.snapshot();
        snapshot.provider(workspace, &"aws".parse().unwrap()).unwrap().platform.auth.kind()
    };
    assert_eq!(serving(), "assumedRole");
    let key = AuthPatch::ApiKey { key: Some("AEAAkey".into()), header: None };
    change(&stage, organisation, key).await.unwrap();
    assert_eq!(serving(), "apiKey");
    let pair = AuthPatch::AccessKey { access_key_id: None, secret_access_key: None };
    let expect = "access_key_id is required to use an access key";
    assert_eq!(refusal(change(&stage, organisation, pair).await), expect);
    change(&stage, organisation, AuthPatch::ServiceRole).await.unwrap();

    let none = AuthPatch::ApiKey { key: None, header: None };
    let expect = "api_key is required to use a workspace key";
    assert_eq!(refusal(change(&stage, organisation, none).await), expect);
    let role_arn = Some("arn:aws:iam::123456789012:role/portcullis".parse().unwrap());
    let back = AuthPatch::AssumedRole { role_arn, external_id: None, settings: None };
    let back = change(&stage, organisation, back).await.unwrap();
    assert_eq!(settings_of(&back), &RoleSettings::default(), "no setting outlives its role");
    assert_eq!(serving(), "assumedRole");
}

async fn settings_of_a_role_are_kept_as_they_were_given(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    // The order of the policy's members is the operator's, and neither database has another one.
    let given = settings(json!({
        "role_chain": [
            {"role_arn": "arn:aws:iam::111122223333:role/hub", "external_id": "hub-1", "session_name": "{user}"},
            {"role_arn": "arn:aws:iam::111122223333:role/spoke"},
        ],
        "duration_seconds": 1800,
        "session_name": "{workspace}-{metadata.project}",
        "session_tags": [{"key": "Zoë", "value": "{user}"}, {"key": "a", "value": "'; drop table providers; --"}],
        "transitive_tag_keys": ["a"],
        "source_identity": "{user}",
        "session_policy": {"custom": {"Version": "2012-10-17", "Statement": [
            {"Sid": "zz", "Resource": "*", "Effect": "Allow", "Action": "aws-external-anthropic:*"},
        ]}},
    }));
    let new = NewIntegration { auth: role(given.clone()), ..integration(organisation, "aws") };
    let made = stage.catalog.create_integration(new).await.unwrap();
    assert_eq!(settings_of(&made), &given);
    let reopened = stage.reopen().await;
    assert_eq!(settings_of(&reopened.integration(organisation, "aws").await.unwrap()), &given);
    reopened.close().await;

    let patch = |settings| AuthPatch::AssumedRole { role_arn: None, external_id: None, settings };
    let kept = change(&stage, organisation, patch(None)).await.unwrap();
    assert_eq!(settings_of(&kept), &given);
    let other = settings(json!({"duration_seconds": 43_200}));
    let replaced = change(&stage, organisation, patch(Some(other.clone()))).await.unwrap();
    assert_eq!(settings_of(&replaced), &other);
}

async fn settings_that_break_a_rule_are_refused(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let own = json!({"role_arn": "arn:aws:iam::123456789012:role/portcullis"});
    let loops = NewIntegration {
        auth: role(settings(json!({"role_chain": [own]}))),
        ..integration(organisation, "aws")
    };
    let expect =
        "role_settings role_chain[0].role_arn is the integration's own role, which the chain leads to";
    assert_eq!(refusal(stage.catalog.create_integration(loops).await), expect);

    let hub = json!({"role_arn": "arn:aws:iam::111122223333:role/hub"});
    let new = NewIntegration {
        auth: role(settings(json!({"role_chain": [hub]}))),
        ..integration(organisation, "aws")
    };
    stage.catalog.create_integration(new).await.unwrap();
    let role_arn = Some("arn:aws:iam::111122223333:role/hub".parse().unwrap());
    let to_its_hop = AuthPatch::AssumedRole { role_arn, external_id: None, settings: None };
    assert_eq!(refusal(change(&stage, organisation, to_its_hop).await), expect);
}

async fn features_are_kept_and_reach_the_snapshot(stage: Stage) {
    let (organisation, workspace) = stage.tenant("a").await;
    let new = NewIntegration { workspace_id: Some(workspace), ..integration(organisation, "aws") };
    let made = stage.catalog.create_integration(new).await.unwrap();
    assert_eq!(made.platform.features, FeatureSet::default());
    let patch = IntegrationPatch { features: Some(FeatureSet::all()), ..Default::default() };
    let changed = stage.catalog.update_integration(organisation, "aws", patch).await.unwrap();
    assert_eq!(changed.platform.features, FeatureSet::all());
    let snapshot = stage.catalog.snapshot();
    let all: Vec<_> = snapshot.all_providers().collect();
    assert_eq!(all.len(), 1);
    assert!(all[0].platform.features.contains(Feature::Skills));
    assert_eq!((all[0].organisation_slug.as_str(), all[0].workspace_slug.as_str()), ("a", "ws-one"));
}

async fn what_cannot_be_read_of_settings_takes_only_its_own_row(stage: Stage) {
    let (organisation, workspace) = stage.tenant("a").await;
    let auths = [
        ("good", role_auth(None)),
        ("setting", role(settings(json!({"session_name": "x"})))),
        ("feature", key_auth("hunter2")),
    ];
    for (slug, auth) in auths {
        let new = NewIntegration { workspace_id: Some(workspace), auth, ..integration(organisation, slug) };
        stage.catalog.create_integration(new).await.unwrap();
    }
    stage
        .raw("update integrations set role_settings = '{\"of\": \"tomorrow\"}' where slug = 'setting'")
        .await;
    stage
        .raw("update integrations set features = '[\"inference\", \"dreams\"]' where slug = 'feature'")
        .await;
    stage.catalog.refresh().await.unwrap();
    let serving = |slug: &str| stage.catalog.snapshot().provider(workspace, &slug.parse().unwrap()).is_some();
    assert_eq!(["good", "setting", "feature"].map(serving), [true, false, false]);
    let error = stage.catalog.integration(organisation, "setting").await.unwrap_err();
    assert!(error.to_string().contains("role_settings: unknown field `of`"), "{error}");
}
