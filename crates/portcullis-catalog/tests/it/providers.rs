//! Providers.

use std::num::NonZeroU64;
use std::time::Duration;

use portcullis_catalog::{
    CatalogError, ExternalIdFinding, NewIntegration, NewProvider, Page, ProviderFilter, ProviderPatch,
    ProviderStatus, VerificationRecord,
};
use portcullis_types::{Clock as _, OnUnsupported, Slug, TranslationSettings, VerificationStatus};

use crate::on_both;
use crate::stage::{Stage, integration, provider, refusal};

on_both!(
    providers_answer_only_in_their_workspace,
    slugs_are_unique_in_a_workspace,
    a_provider_can_be_changed_and_deleted,
    an_expired_provider_does_not_serve,
    lists_are_filtered_and_paged,
    a_provider_says_how_its_integration_stands,
    a_providers_translation_is_in_the_snapshot,
);

async fn a_providers_translation_is_in_the_snapshot(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    stage.catalog.create_integration(integration(organisation, "aws")).await.unwrap();
    let settings = TranslationSettings {
        on_unsupported: Some(OnUnsupported::Error),
        max_tokens_cap: NonZeroU64::new(u64::MAX),
        ..Default::default()
    };
    let new = NewProvider { translation: settings, ..provider(tenant, "aws", "claude") };
    let made = stage.catalog.create_provider(new).await.unwrap();
    assert_eq!(made.translation, settings);
    let in_force = || stage.catalog.snapshot().provider(workspace, &made.slug).unwrap().translation;
    assert_eq!(in_force(), settings);

    let patch = ProviderPatch { name: Some("New".into()), ..Default::default() };
    let changed = stage.catalog.update_provider(organisation, workspace, "claude", patch).await.unwrap();
    assert_eq!(changed.translation, settings);
    let other = TranslationSettings { pause_turn_max: Some(0), ..Default::default() };
    let patch = ProviderPatch { translation: Some(other), ..Default::default() };
    let changed = stage.catalog.update_provider(organisation, workspace, "claude", patch).await.unwrap();
    assert_eq!((changed.translation, in_force()), (other, other));

    // What a later version wrote there is not read as something else.
    stage.raw(r#"update providers set translation = '{"pause_turn_max":3,"unheard_of":1}'"#).await;
    let refused = stage.catalog.provider(organisation, workspace, "claude").await;
    assert!(refusal(refused).contains("cannot be read: its translation: unknown field `unheard_of`"));
    stage.catalog.refresh().await.unwrap();
    assert_eq!(stage.catalog.snapshot().providers(workspace).count(), 0);
}

async fn a_provider_says_how_its_integration_stands(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    let made = stage.catalog.create_integration(integration(organisation, "aws")).await.unwrap();
    let provided = stage.catalog.create_provider(provider(tenant, "aws", "claude")).await.unwrap();
    assert_eq!(provided.verification, Default::default());
    let now = stage.clock.now();
    let record = VerificationRecord {
        status: VerificationStatus::Unsafe,
        external_id: ExternalIdFinding::Open,
        report: serde_json::json!({}),
        verified_at: now,
        next_at: now,
    };
    stage.catalog.record_verification(made.id, made.revision, record).await.unwrap();
    let stands = stage.catalog.integration(organisation, "aws").await.unwrap().verification;
    assert_eq!(stands.status, VerificationStatus::Unsafe);
    let read = stage.catalog.provider(organisation, workspace, "claude").await.unwrap();
    assert_eq!(read.verification, stands);
    let list = stage.catalog.list_providers(organisation, ProviderFilter::default(), Page::FIRST).await;
    assert_eq!(list.unwrap().data[0].verification, stands);
}

async fn providers_answer_only_in_their_workspace(stage: Stage) {
    let one @ (organisation, workspace) = stage.tenant("a").await;
    let two = (organisation, stage.workspace(organisation, "ws-two").await.id);
    let foreign = stage.tenant("b").await;
    let slug: Slug = "claude".parse().unwrap();
    let own = NewIntegration {
        workspace_id: Some(workspace),
        create_default_provider: false,
        ..integration(organisation, "own")
    };
    let own = stage.catalog.create_integration(own).await.unwrap();
    stage.catalog.create_provider(provider(one, "own", "claude")).await.unwrap();

    let snapshot = stage.catalog.snapshot();
    let found = snapshot.provider(workspace, &slug).expect("it serves its workspace");
    assert_eq!((found.integration_id, found.provider_slug.as_str()), (own.id, "claude"));
    for (organisation, workspace) in [two, foreign] {
        assert!(snapshot.provider(workspace, &slug).is_none());
        assert_eq!(snapshot.providers(workspace).count(), 0);
        let seen = stage.catalog.provider(organisation, workspace, "claude").await;
        assert_eq!(refusal(seen), "there is no such provider");
        // Another workspace's integration is as good as none, by its slug or by its id.
        for name in ["own".to_owned(), own.id.to_string()] {
            let refused =
                stage.catalog.create_provider(provider((organisation, workspace), &name, "x")).await;
            assert_eq!(refusal(refused), "there is no such integration");
        }
    }
    let mixed = (organisation, foreign.1);
    assert_eq!(
        refusal(stage.catalog.create_provider(provider(mixed, "own", "x")).await),
        "there is no such workspace"
    );
}

async fn slugs_are_unique_in_a_workspace(stage: Stage) {
    let one @ (organisation, _) = stage.tenant("a").await;
    let two = (organisation, stage.workspace(organisation, "ws-two").await.id);
    stage.catalog.create_integration(integration(organisation, "aws")).await.unwrap();
    stage.catalog.create_provider(provider(one, "aws", "claude")).await.unwrap();
    let refused = stage.catalog.create_provider(provider(one, "aws", "claude")).await;
    assert!(
        matches!(refused, Err(CatalogError::Conflict { what: "provider", field: "slug" })),
        "{refused:?}"
    );
    stage.catalog.create_provider(provider(two, "aws", "claude")).await.unwrap();
    let unnamed = NewProvider { slug: None, ..provider(one, "aws", "unused") };
    let made = stage.catalog.create_provider(unnamed).await.unwrap();
    assert!(made.slug.as_str().starts_with("claude-"), "{}", made.slug);
    assert_eq!((made.workspace_slug.as_str(), made.integration_slug.as_str()), ("ws-one", "aws"));
}

async fn a_provider_can_be_changed_and_deleted(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    stage.catalog.create_integration(integration(organisation, "aws")).await.unwrap();
    let made = stage.catalog.create_provider(provider(tenant, "aws", "claude")).await.unwrap();
    assert_eq!(stage.catalog.provider(organisation, workspace, "claude").await.unwrap(), made);
    stage.clock.advance(Duration::from_secs(1));
    let patch =
        ProviderPatch { name: Some("研究".into()), note: Some(Some("a\nb".into())), ..Default::default() };
    let changed = stage.catalog.update_provider(organisation, workspace, "claude", patch).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.note.as_deref()), ("研究", Some("a\nb")));
    assert!(changed.updated_at > made.updated_at);
    assert_eq!(stage.catalog.provider(organisation, workspace, &made.id.to_string()).await.unwrap(), changed);

    stage.catalog.delete_provider(organisation, workspace, "claude").await.unwrap();
    assert!(stage.catalog.snapshot().provider(workspace, &"claude".parse().unwrap()).is_none());
    let again = stage.catalog.delete_provider(organisation, workspace, "claude").await;
    assert_eq!(refusal(again), "there is no such provider");
}

async fn an_expired_provider_does_not_serve(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    stage.catalog.create_integration(integration(organisation, "aws")).await.unwrap();
    let end = stage.clock.now() + Duration::from_secs(60);
    let new = NewProvider { expires_at: Some(end.into()), ..provider(tenant, "aws", "claude") };
    assert_eq!(stage.catalog.create_provider(new).await.unwrap().status, ProviderStatus::Active);
    let slug: Slug = "claude".parse().unwrap();
    let snapshot = stage.catalog.snapshot();
    assert!(snapshot.provider(workspace, &slug).is_some());
    stage.clock.advance(Duration::from_secs(60));
    assert!(snapshot.provider(workspace, &slug).is_none());
    assert_eq!(snapshot.providers(workspace).count(), 0);
    let read = stage.catalog.provider(organisation, workspace, "claude").await.unwrap();
    assert_eq!(read.status, ProviderStatus::Expired);

    let patch = ProviderPatch { expires_at: Some(None), ..Default::default() };
    stage.catalog.update_provider(organisation, workspace, "claude", patch).await.unwrap();
    assert!(stage.catalog.snapshot().provider(workspace, &slug).is_some());
}

async fn lists_are_filtered_and_paged(stage: Stage) {
    let one @ (organisation, workspace) = stage.tenant("a").await;
    let two = (organisation, stage.workspace(organisation, "ws-two").await.id);
    stage.catalog.create_integration(integration(organisation, "x")).await.unwrap();
    let y = stage.catalog.create_integration(integration(organisation, "y")).await.unwrap().id;
    for (tenant, integration, slug) in [(one, "x", "1x"), (one, "y", "1y"), (two, "y", "2y")] {
        stage.clock.advance(Duration::from_millis(1));
        stage.catalog.create_provider(provider(tenant, integration, slug)).await.unwrap();
    }
    let check = async |workspace_id, integration_id, page, total, expect: &[&str]| {
        let filter = ProviderFilter { workspace_id, integration_id };
        let listing = stage.catalog.list_providers(organisation, filter, page).await.unwrap();
        let slugs: Vec<_> = listing.data.iter().map(|p| p.slug.as_str()).collect();
        assert_eq!((listing.total, slugs.as_slice()), (total, expect));
    };
    check(None, None, Page::FIRST, 3, &["1x", "1y", "2y"]).await;
    check(Some(workspace), None, Page::FIRST, 2, &["1x", "1y"]).await;
    check(None, Some(y), Page::FIRST, 2, &["1y", "2y"]).await;
    check(Some(workspace), Some(y), Page::FIRST, 1, &["1y"]).await;
    check(None, None, Page { current_page: 1, page_size: 2 }, 3, &["2y"]).await;
}
