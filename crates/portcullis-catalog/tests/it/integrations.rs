//! Integrations and external IDs.

use portcullis_catalog::{
    AuthPatch, CatalogError, DeleteMode, ExternalIdOrigin, IntegrationFilter, IntegrationLevel,
    IntegrationPatch, IntegrationStatus, NewIntegration, Page,
};
use portcullis_types::{AwsAuth, ExposeSecret as _, IntegrationId, OrganisationId, Revision, Slug};
use std::time::Duration;

use crate::on_both;
use crate::stage::{Stage, integration, key_auth, provider, refusal, role_auth};

on_both!(
    an_external_id_is_generated_when_none_is_given,
    an_external_id_stays_with_its_organisation,
    an_external_id_serves_one_integration,
    an_external_id_cannot_be_changed,
    every_change_increments_the_revision,
    a_change_decided_on_an_older_revision_is_refused,
    the_kind_of_access_can_be_changed,
    slugs_are_unique_in_an_organisation,
    an_integration_of_a_workspace_brings_a_provider,
    a_taken_default_provider_slug_leaves_nothing_behind,
    an_integration_in_use_is_not_deleted_unless_forced,
    lists_are_filtered_and_paged,
    names_are_kept_as_they_were_given,
    what_breaks_a_rule_is_refused_by_field,
    what_is_unknown_is_not_found,
    an_archived_integration_does_not_serve,
);

fn external_id(auth: &AwsAuth) -> &str {
    match auth {
        AwsAuth::AssumedRole { external_id, .. } => external_id.as_str(),
        other => panic!("{} has no external ID", other.kind()),
    }
}

fn supplied(organisation: OrganisationId, slug: &str, external_id: &str) -> NewIntegration {
    NewIntegration { auth: role_auth(Some(external_id)), ..integration(organisation, slug) }
}

async fn an_external_id_is_generated_when_none_is_given(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let one = stage.catalog.create_integration(integration(organisation, "one")).await.unwrap();
    let two = stage.catalog.create_integration(integration(organisation, "two")).await.unwrap();
    assert_eq!(one.external_id_origin, Some(ExternalIdOrigin::Generated));
    assert!(external_id(&one.platform.auth).starts_with("pcs-"));
    assert_ne!(external_id(&one.platform.auth), external_id(&two.platform.auth));
    let three =
        stage.catalog.create_integration(supplied(organisation, "three", "from-their-policy")).await.unwrap();
    assert_eq!(three.external_id_origin, Some(ExternalIdOrigin::Supplied));
    assert_eq!(external_id(&three.platform.auth), "from-their-policy");
    assert_eq!((three.revision, three.status), (Revision(1), IntegrationStatus::Active));
}

async fn an_external_id_stays_with_its_organisation(stage: Stage) {
    let (ours, theirs) = (stage.organisation("ours").await.id, stage.organisation("theirs").await.id);
    stage.catalog.create_integration(supplied(theirs, "x", "theirs-1")).await.unwrap();
    let refused = stage.catalog.create_integration(supplied(ours, "x", "theirs-1")).await;
    assert!(matches!(refused, Err(CatalogError::Conflict { what: "integration", field: "external_id" })));
    assert_eq!(refusal(refused), "the external_id of this integration is already in use");

    stage.catalog.delete_integration(theirs, "x", DeleteMode::Restrict).await.unwrap();
    let refused = stage.catalog.create_integration(supplied(ours, "x", "theirs-1")).await;
    assert_eq!(refusal(refused), "the external_id of this integration is already in use");
    stage.catalog.create_integration(supplied(theirs, "y", "theirs-1")).await.unwrap();
}

async fn an_external_id_serves_one_integration(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    stage.catalog.create_integration(supplied(organisation, "one", "shared")).await.unwrap();
    let refused = stage.catalog.create_integration(supplied(organisation, "two", "shared")).await;
    assert_eq!(refusal(refused), "the external_id of this integration is already in use");
    // Case matters to STS, so it does here.
    stage.catalog.create_integration(supplied(organisation, "two", "SHARED")).await.unwrap();
}

fn role_patch(role_arn: Option<&str>, external_id: Option<&str>) -> IntegrationPatch {
    let auth = AuthPatch::AssumedRole {
        role_arn: role_arn.map(|arn| arn.parse().unwrap()),
        external_id: external_id.map(|id| id.parse().unwrap()),
        settings: None,
    };
    IntegrationPatch { auth: Some(auth), ..Default::default() }
}

async fn an_external_id_cannot_be_changed(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    stage.catalog.create_integration(supplied(organisation, "one", "mine")).await.unwrap();
    let refused =
        stage.catalog.update_integration(organisation, "one", role_patch(None, Some("other"))).await;
    assert!(matches!(refused, Err(CatalogError::Invalid { field: "external_id", .. })), "{refused:?}");
    let same = role_patch(Some("arn:aws:iam::111122223333:role/new"), Some("mine"));
    let changed = stage.catalog.update_integration(organisation, "one", same).await.unwrap();
    assert_eq!(external_id(&changed.platform.auth), "mine");
    let AwsAuth::AssumedRole { role_arn, .. } = &changed.platform.auth else { panic!("it assumes a role") };
    assert_eq!(role_arn.as_str(), "arn:aws:iam::111122223333:role/new");
}

async fn every_change_increments_the_revision(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    stage.catalog.create_integration(integration(organisation, "one")).await.unwrap();
    stage.catalog.create_provider(provider(tenant, "one", "claude")).await.unwrap();
    let patches = [
        IntegrationPatch { name: Some("New name".into()), ..Default::default() },
        IntegrationPatch { region: Some("eu-central-1".parse().unwrap()), ..Default::default() },
        IntegrationPatch { description: Some(Some("why".into())), ..Default::default() },
        IntegrationPatch { description: Some(None), ..Default::default() },
        IntegrationPatch { anthropic_workspace_id: Some("wrkspc_2".parse().unwrap()), ..Default::default() },
        IntegrationPatch::default(),
    ];
    for (at, patch) in (2..).zip(patches) {
        stage.clock.advance(Duration::from_secs(1));
        let changed = stage.catalog.update_integration(organisation, "one", patch).await.unwrap();
        assert_eq!(changed.revision, Revision(at));
        assert!(changed.updated_at > changed.created_at);
        let snapshot = stage.catalog.snapshot();
        assert_eq!(snapshot.provider(workspace, &"claude".parse().unwrap()).unwrap().revision, Revision(at));
    }
    let last = stage.catalog.integration(organisation, "one").await.unwrap();
    assert_eq!((last.name.as_str(), last.description), ("New name", None));
    assert_eq!(last.platform.region.as_str(), "eu-central-1");
    assert_eq!(last.platform.workspace_id.as_str(), "wrkspc_2");
}

async fn a_change_decided_on_an_older_revision_is_refused(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let seen = stage.catalog.create_integration(integration(organisation, "one")).await.unwrap();
    let rename = async |name: &str, expected_revision| {
        let patch = IntegrationPatch { name: Some(name.into()), expected_revision, ..Default::default() };
        stage.catalog.update_integration(organisation, "one", patch).await
    };
    let first = rename("first", Some(seen.revision)).await.unwrap();
    let late = rename("late", Some(seen.revision)).await;
    assert!(matches!(late, Err(CatalogError::ChangedMeanwhile { what: "integration" })), "{late:?}");
    assert_eq!(refusal(late), "the integration was changed by somebody else meanwhile");
    let kept = stage.catalog.integration(organisation, "one").await.unwrap();
    assert_eq!((kept.name.as_str(), kept.revision), ("first", first.revision));
    rename("anew", Some(first.revision)).await.unwrap();
    rename("whatever it is", None).await.unwrap();
}

async fn the_kind_of_access_can_be_changed(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let made = stage.catalog.create_integration(integration(organisation, "one")).await.unwrap();
    let own_id = external_id(&made.platform.auth).to_owned();
    let change = async |auth| {
        let patch = IntegrationPatch { auth: Some(auth), ..Default::default() };
        stage.catalog.update_integration(organisation, "one", patch).await
    };
    let key = |id: Option<&str>, secret: Option<&str>| AuthPatch::AccessKey {
        access_key_id: id.map(|id| id.parse().unwrap()),
        secret_access_key: secret.map(Into::into),
    };
    assert_eq!(refusal(change(key(None, Some("s"))).await), "access_key_id is required to use an access key");
    let refused = refusal(change(key(Some("AKIAIOSFODNN7EXAMPLE"), None)).await);
    assert_eq!(refused, "secret_access_key is required beside a new access key");
    change(key(Some("AKIAIOSFODNN7EXAMPLE"), Some("hunter2"))).await.unwrap();
    let changed = change(key(None, Some("hunter3"))).await.unwrap();
    let AwsAuth::AccessKey { secret_access_key, .. } = &changed.platform.auth else { panic!("it has a key") };
    assert_eq!(secret_access_key.expose_secret(), "hunter3");
    assert!(!format!("{changed:?}").contains("hunter"));

    assert!(matches!(change(AuthPatch::ServiceRole).await.unwrap().platform.auth, AwsAuth::ServiceRole));
    let refused = change(AuthPatch::AssumedRole { role_arn: None, external_id: None, settings: None }).await;
    assert_eq!(refusal(refused), "role_arn is required to assume a role");
    let role_arn = Some("arn:aws:iam::123456789012:role/x".parse().unwrap());
    let back = change(AuthPatch::AssumedRole { role_arn, external_id: None, settings: None }).await.unwrap();
    assert_eq!(external_id(&back.platform.auth), own_id, "an integration keeps its external ID for life");
}

async fn slugs_are_unique_in_an_organisation(stage: Stage) {
    let (ours, theirs) = (stage.organisation("ours").await.id, stage.organisation("theirs").await.id);
    stage.catalog.create_integration(integration(ours, "aws")).await.unwrap();
    let refused = stage.catalog.create_integration(integration(ours, "aws")).await;
    assert!(
        matches!(refused, Err(CatalogError::Conflict { what: "integration", field: "slug" })),
        "{refused:?}"
    );
    stage.catalog.create_integration(integration(theirs, "aws")).await.unwrap();
    stage.catalog.create_integration(integration(ours, "AWS")).await.unwrap();
    let unnamed = NewIntegration { slug: None, ..integration(ours, "unused") };
    let (one, two) = (
        stage.catalog.create_integration(unnamed.clone()).await.unwrap(),
        stage.catalog.create_integration(unnamed).await.unwrap(),
    );
    assert!(one.slug.as_str().starts_with("claude-on-aws-"));
    assert_ne!(one.slug, two.slug);
}

async fn an_integration_of_a_workspace_brings_a_provider(stage: Stage) {
    let (organisation, workspace) = stage.tenant("a").await;
    let of_workspace =
        |slug: &str| NewIntegration { workspace_id: Some(workspace), ..integration(organisation, slug) };
    let made = stage.catalog.create_integration(of_workspace("one")).await.unwrap();
    assert_eq!(made.workspace_id, Some(workspace));
    assert_eq!(made.workspace_slug.as_ref().map(Slug::as_str), Some("ws-one"));
    let two = NewIntegration { default_provider_slug: Some("other".parse().unwrap()), ..of_workspace("two") };
    stage.catalog.create_integration(two).await.unwrap();
    let three = NewIntegration { create_default_provider: false, ..of_workspace("three") };
    stage.catalog.create_integration(three).await.unwrap();
    stage.catalog.create_integration(integration(organisation, "four")).await.unwrap();
    let snapshot = stage.catalog.snapshot();
    let seen: Vec<_> = snapshot
        .providers(workspace)
        .map(|p| (p.provider_slug.as_str(), p.integration_slug.as_str(), p.workspace_slug.as_str()))
        .collect();
    assert_eq!(seen, [("one", "one", "ws-one"), ("other", "two", "ws-one")]);
}

async fn a_taken_default_provider_slug_leaves_nothing_behind(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    stage.catalog.create_integration(integration(organisation, "shared")).await.unwrap();
    stage.catalog.create_provider(provider(tenant, "shared", "claude")).await.unwrap();
    let version = stage.catalog.snapshot().version();
    let new = NewIntegration { workspace_id: Some(workspace), ..integration(organisation, "claude") };
    let refused = stage.catalog.create_integration(new).await;
    let expected =
        matches!(refused, Err(CatalogError::Conflict { what: "provider", field: "default_provider_slug" }));
    assert!(expected, "{refused:?}");
    assert_eq!(
        refusal(stage.catalog.integration(organisation, "claude").await),
        "there is no such integration"
    );
    stage.catalog.refresh().await.unwrap();
    assert_eq!(stage.catalog.snapshot().version(), version);
}

async fn an_integration_in_use_is_not_deleted_unless_forced(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    stage.catalog.create_integration(integration(organisation, "aws")).await.unwrap();
    for slug in ["one", "two"] {
        stage.clock.advance(Duration::from_millis(1));
        stage.catalog.create_provider(provider(tenant, "aws", slug)).await.unwrap();
    }
    let refused = stage.catalog.delete_integration(organisation, "aws", DeleteMode::Restrict).await;
    assert_eq!(refusal(refused), "the integration is still in use by one, two");
    assert_eq!(stage.catalog.snapshot().providers(workspace).count(), 2);
    stage.catalog.delete_integration(organisation, "aws", DeleteMode::Force).await.unwrap();
    assert_eq!(stage.catalog.snapshot().providers(workspace).count(), 0);
    assert_eq!(refusal(stage.catalog.integration(organisation, "aws").await), "there is no such integration");
}

async fn lists_are_filtered_and_paged(stage: Stage) {
    let (organisation, workspace) = stage.tenant("a").await;
    let other_workspace = stage.workspace(organisation, "ws-two").await.id;
    let elsewhere = stage.organisation("b").await.id;
    stage.catalog.create_integration(integration(elsewhere, "theirs")).await.unwrap();
    let places = [("o1", None), ("w1", Some(workspace)), ("o2", None), ("x1", Some(other_workspace))];
    for (slug, workspace_id) in places {
        stage.clock.advance(Duration::from_millis(1));
        let new = NewIntegration { workspace_id, ..integration(organisation, slug) };
        stage.catalog.create_integration(new).await.unwrap();
    }
    let check = async |level, workspace_id, page, total, expect: &[&str]| {
        let filter = IntegrationFilter { level, workspace_id };
        let listing = stage.catalog.list_integrations(organisation, filter, page).await.unwrap();
        let slugs: Vec<_> = listing.data.iter().map(|i| i.slug.as_str()).collect();
        assert_eq!((listing.total, slugs.as_slice()), (total, expect), "{filter:?} {page:?}");
    };
    use IntegrationLevel::{All, Organisation, Workspace};
    let page = |current_page, page_size| Page { current_page, page_size };
    check(All, None, Page::FIRST, 4, &["o1", "w1", "o2", "x1"]).await;
    check(Organisation, None, Page::FIRST, 2, &["o1", "o2"]).await;
    check(Workspace, None, Page::FIRST, 2, &["w1", "x1"]).await;
    check(Workspace, Some(workspace), Page::FIRST, 1, &["w1"]).await;
    check(All, Some(other_workspace), Page::FIRST, 3, &["o1", "o2", "x1"]).await;
    check(All, None, page(0, 3), 4, &["o1", "w1", "o2"]).await;
    check(All, None, page(1, 3), 4, &["x1"]).await;
    check(All, None, page(2, 3), 4, &[]).await;
    check(All, None, page(0, 0), 4, &["o1"]).await;
    check(All, None, page(u32::MAX, u32::MAX), 4, &[]).await;
}

async fn names_are_kept_as_they_were_given(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let names = [
        "'; drop table integrations; --",
        "$1 ? :name \\ \"quoted\"",
        "Équipe 研究 🦀 مرحبا",
        "x' or '1'='1",
    ];
    for (at, name) in names.into_iter().enumerate() {
        let slug = format!("i{at}");
        let description = Some(format!("{name}\n\tsecond line"));
        let new = NewIntegration { name: name.into(), description, ..integration(organisation, &slug) };
        stage.catalog.create_integration(new).await.unwrap();
        let read = stage.catalog.integration(organisation, &slug).await.unwrap();
        assert_eq!(read.name, name);
        assert_eq!(read.description, Some(format!("{name}\n\tsecond line")));
        assert_eq!(
            refusal(stage.catalog.integration(organisation, name).await),
            "there is no such integration"
        );
    }
    let all = stage.catalog.list_integrations(organisation, Default::default(), Page::FIRST).await.unwrap();
    assert_eq!(all.total, 4);
}

async fn what_breaks_a_rule_is_refused_by_field(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let base = || integration(organisation, "x");
    let check = async |new: NewIntegration, expect: &str| {
        assert_eq!(refusal(stage.catalog.create_integration(new).await), expect);
    };
    check(NewIntegration { name: String::new(), ..base() }, "name must be 1 to 255 characters").await;
    check(NewIntegration { name: "a\0b".into(), ..base() }, "name must be visible text on one line").await;
    let long = Some("x".repeat(2049));
    check(NewIntegration { description: long, ..base() }, "description must be at most 2048 characters")
        .await;
    let nul = Some("a\0b".into());
    check(NewIntegration { description: nul, ..base() }, "description must not hold a NUL character").await;
    let id: Slug = "0192d3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d".parse().unwrap();
    check(NewIntegration { slug: Some(id.clone()), ..base() }, "slug must not have the form of a UUID").await;
    let expect = "default_provider_slug must not have the form of a UUID";
    check(NewIntegration { default_provider_slug: Some(id), ..base() }, expect).await;
    let expect = "secret_access_key must be 1 to 512 characters";
    check(NewIntegration { auth: key_auth(""), ..base() }, expect).await;
    check(NewIntegration { auth: key_auth(&"x".repeat(513)), ..base() }, expect).await;
}

async fn what_is_unknown_is_not_found(stage: Stage) {
    let (ours, theirs) = (stage.organisation("ours").await.id, stage.organisation("theirs").await.id);
    let made = stage.catalog.create_integration(integration(theirs, "aws")).await.unwrap();
    let id = made.id.to_string();
    assert_eq!(stage.catalog.integration(theirs, &id).await.unwrap().slug.as_str(), "aws");
    let nobody = OrganisationId::generate(std::time::SystemTime::UNIX_EPOCH);
    let unknown = IntegrationId::generate(std::time::SystemTime::UNIX_EPOCH).to_string();
    for (organisation, name) in [
        (ours, "aws"),
        (ours, id.as_str()),
        (nobody, "aws"),
        (theirs, unknown.as_str()),
        (theirs, "a\0b"),
        (theirs, ""),
    ] {
        let expect = "there is no such integration";
        assert_eq!(refusal(stage.catalog.integration(organisation, name).await), expect, "{name}");
        let update = stage.catalog.update_integration(organisation, name, Default::default()).await;
        assert_eq!(refusal(update), expect);
        assert_eq!(
            refusal(stage.catalog.delete_integration(organisation, name, DeleteMode::Force).await),
            expect
        );
    }
    let refused = stage.catalog.create_integration(integration(nobody, "x")).await;
    assert_eq!(refusal(refused), "there is no such organisation");
    let theirs_workspace = stage.workspace(theirs, "ws").await.id;
    let foreign = NewIntegration { workspace_id: Some(theirs_workspace), ..integration(ours, "x") };
    assert_eq!(refusal(stage.catalog.create_integration(foreign).await), "there is no such workspace");
}

async fn an_archived_integration_does_not_serve(stage: Stage) {
    let (organisation, workspace) = stage.tenant("a").await;
    let new = NewIntegration { workspace_id: Some(workspace), ..integration(organisation, "aws") };
    stage.catalog.create_integration(new).await.unwrap();
    let slug: Slug = "aws".parse().unwrap();
    for (status, serves) in [(IntegrationStatus::Archived, false), (IntegrationStatus::Active, true)] {
        let patch = IntegrationPatch { status: Some(status), ..Default::default() };
        let changed = stage.catalog.update_integration(organisation, "aws", patch).await.unwrap();
        assert_eq!(changed.status, status);
        assert_eq!(stage.catalog.snapshot().provider(workspace, &slug).is_some(), serves);
    }
}
