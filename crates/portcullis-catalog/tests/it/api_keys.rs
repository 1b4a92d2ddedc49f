//! API keys and workspaces.

use std::time::{Duration, SystemTime};

use portcullis_catalog::{ApiKeyFilter, ApiKeyStatus, KeyKind, NewApiKey, NewWorkspace, Page, Scope};
use portcullis_types::{ApiKeyId, ApiKeySecret, Clock as _, ExposeSecret as _, OnUnsupported};

use crate::on_both;
use crate::stage::{Stage, refusal, workspace_key};

on_both!(
    a_key_names_its_caller,
    a_revoked_key_is_nobodys,
    an_expired_key_is_known_as_such,
    keys_are_made_by_rule,
    lists_are_filtered_and_paged,
    workspaces_are_found_by_slug_and_by_id,
);

async fn a_key_names_its_caller(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    let new = NewApiKey {
        kind: KeyKind::WorkspaceUser,
        user_id: Some("user-1".into()),
        name: "Ada's laptop".into(),
        on_unsupported: Some(OnUnsupported::Error),
        ..workspace_key(tenant)
    };
    let (key, secret) = stage.catalog.create_api_key(new).await.unwrap();
    assert_eq!(stage.catalog.api_key(organisation, key.id).await.unwrap(), key);
    assert!(secret.expose_secret().ends_with(&key.last_four));
    let snapshot = stage.catalog.snapshot();
    let caller = snapshot.caller(secret.expose_secret()).unwrap();
    assert_eq!(
        (caller.key_id, caller.organisation_id, caller.workspace_id),
        (key.id, organisation, Some(workspace))
    );
    assert_eq!((caller.kind, caller.user_id.as_deref()), (KeyKind::WorkspaceUser, Some("user-1")));
    assert_eq!((key.on_unsupported, caller.on_unsupported), (Some(OnUnsupported::Error), key.on_unsupported));
    assert_eq!(caller.scopes, [Scope::COMPLETIONS_WRITE, Scope::MODELS_LIST]);
    assert!(caller.may(Scope::MODELS_LIST) && !caller.may(Scope::known("providers.create")));

    let stranger = ApiKeySecret::generate().unwrap();
    for other in [stranger.expose_secret(), "", "pcs_", "OPENAI_API_KEY", &secret.expose_secret()[..52]] {
        assert!(snapshot.caller(other).is_none(), "{other}");
    }
}

async fn a_revoked_key_is_nobodys(stage: Stage) {
    let tenant @ (organisation, _) = stage.tenant("a").await;
    let elsewhere = stage.organisation("b").await.id;
    let (key, secret) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();
    let expect = "there is no such api key";
    assert_eq!(refusal(stage.catalog.revoke_api_key(elsewhere, key.id).await), expect);
    assert_eq!(refusal(stage.catalog.api_key(elsewhere, key.id).await), expect);
    assert!(stage.catalog.snapshot().caller(secret.expose_secret()).is_some());

    stage.catalog.revoke_api_key(organisation, key.id).await.unwrap();
    assert!(stage.catalog.snapshot().caller(secret.expose_secret()).is_none());
    assert_eq!(refusal(stage.catalog.revoke_api_key(organisation, key.id).await), expect);
    assert_eq!(refusal(stage.catalog.api_key(organisation, key.id).await), expect);
    let unknown = ApiKeyId::generate(SystemTime::UNIX_EPOCH);
    assert_eq!(refusal(stage.catalog.revoke_api_key(organisation, unknown).await), expect);
    let all = stage.catalog.list_api_keys(organisation, Default::default(), Page::FIRST).await.unwrap();
    assert_eq!((all.total, all.data.len()), (0, 0));
}

async fn an_expired_key_is_known_as_such(stage: Stage) {
    let tenant @ (organisation, _) = stage.tenant("a").await;
    let end = stage.clock.now() + Duration::from_secs(60);
    let new = NewApiKey { expires_at: Some(end.into()), ..workspace_key(tenant) };
    let (key, secret) = stage.catalog.create_api_key(new).await.unwrap();
    assert_eq!(key.status, ApiKeyStatus::Active);
    let snapshot = stage.catalog.snapshot();
    let caller = snapshot.caller(secret.expose_secret()).unwrap();
    assert!(!caller.is_expired(stage.clock.now()));
    stage.clock.advance(Duration::from_secs(60));
    assert!(caller.is_expired(stage.clock.now()));
    assert_eq!(stage.catalog.api_key(organisation, key.id).await.unwrap().status, ApiKeyStatus::Expired);
}

async fn keys_are_made_by_rule(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    let foreign = stage.tenant("b").await;
    let check = async |new: NewApiKey, expect: &str| {
        assert_eq!(refusal(stage.catalog.create_api_key(new).await), expect);
    };
    let base = || workspace_key(tenant);
    let user = || NewApiKey { kind: KeyKind::WorkspaceUser, user_id: Some("u".into()), ..base() };
    let admin = || NewApiKey { kind: KeyKind::OrganisationService, workspace_id: None, ..base() };
    check(NewApiKey { name: "".into(), ..base() }, "name must be 1 to 255 characters").await;
    check(NewApiKey { scopes: vec![], ..base() }, "scopes must name at least one scope").await;
    let expect = "workspace_id is required for a workspace's key";
    check(NewApiKey { workspace_id: None, ..base() }, expect).await;
    let expect = "workspace_id must be absent from an organisation's key";
    check(NewApiKey { workspace_id: Some(workspace), ..admin() }, expect).await;
    let expect = "on_unsupported must be absent from an organisation's key";
    check(NewApiKey { on_unsupported: Some(OnUnsupported::Report), ..admin() }, expect).await;
    check(NewApiKey { user_id: None, ..user() }, "user_id is required for a person's key").await;
    check(NewApiKey { user_id: Some("".into()), ..user() }, "user_id must be 1 to 255 characters").await;
    let expect = "user_id must be absent from a service's key";
    check(NewApiKey { user_id: Some("u".into()), ..base() }, expect).await;
    let now = stage.clock.now().into();
    check(NewApiKey { expires_at: Some(now), ..base() }, "expires_at must lie in the future").await;
    check(NewApiKey { workspace_id: Some(foreign.1), ..base() }, "there is no such workspace").await;

    let doubled = vec![Scope::MODELS_LIST, Scope::MODELS_LIST];
    let (key, _) = stage.catalog.create_api_key(NewApiKey { scopes: doubled, ..admin() }).await.unwrap();
    assert_eq!((key.scopes.as_slice(), key.workspace_id), ([Scope::MODELS_LIST].as_slice(), None));
    assert_eq!(key.organisation_id, organisation);
}

async fn lists_are_filtered_and_paged(stage: Stage) {
    let one @ (organisation, workspace) = stage.tenant("a").await;
    let two = (organisation, stage.workspace(organisation, "ws-two").await.id);
    for (tenant, name) in [(one, "k1"), (two, "k2"), (one, "k3")] {
        stage.clock.advance(Duration::from_millis(1));
        stage.catalog.create_api_key(NewApiKey { name: name.into(), ..workspace_key(tenant) }).await.unwrap();
    }
    let check = async |workspace_id, page, total, expect: &[&str]| {
        let filter = ApiKeyFilter { workspace_id };
        let listing = stage.catalog.list_api_keys(organisation, filter, page).await.unwrap();
        let names: Vec<_> = listing.data.iter().map(|key| key.name.as_str()).collect();
        assert_eq!((listing.total, names.as_slice()), (total, expect));
    };
    check(None, Page::FIRST, 3, &["k1", "k2", "k3"]).await;
    check(Some(workspace), Page::FIRST, 2, &["k1", "k3"]).await;
    check(Some(workspace), Page { current_page: 1, page_size: 1 }, 2, &["k3"]).await;
}

async fn workspaces_are_found_by_slug_and_by_id(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let elsewhere = stage.organisation("b").await.id;
    let made = stage.workspace(organisation, "ws-research").await;
    for name in ["ws-research".to_owned(), made.id.to_string()] {
        assert_eq!(stage.catalog.workspace(organisation, &name).await.unwrap(), made);
        assert_eq!(refusal(stage.catalog.workspace(elsewhere, &name).await), "there is no such workspace");
    }
    let new = |slug: Option<&str>, name: &str| NewWorkspace {
        organisation_id: organisation,
        slug: slug.map(|slug| slug.parse().unwrap()),
        name: name.into(),
        description: Some("研究".into()),
    };
    let taken = stage.catalog.create_workspace(new(Some("ws-research"), "Again")).await;
    assert_eq!(refusal(taken), "the slug of this workspace is already in use");
    stage.clock.advance(Duration::from_millis(1));
    let unnamed = stage.catalog.create_workspace(new(None, "Data Team")).await.unwrap();
    assert!(unnamed.slug.as_str().starts_with("ws-data-team-"), "{}", unnamed.slug);
    let listing = stage.catalog.list_workspaces(organisation, Page::FIRST).await.unwrap();
    assert_eq!((listing.total, listing.data), (2, vec![made, unnamed]));
    assert_eq!(stage.catalog.organisation(organisation).await.unwrap().slug.as_str(), "a");
}
