//! The first start.

use portcullis_catalog::{KeyKind, Page, Scope};
use portcullis_types::{ApiKeySecret, ExposeSecret as _};

use crate::on_both;
use crate::stage::Stage;

on_both!(
    the_first_start_makes_one_of_each_and_later_ones_find_them,
    a_given_key_is_used_and_a_different_one_is_added,
    of_starts_at_once_one_makes_everything,
    a_revoked_admin_key_stays_revoked,
);

async fn the_first_start_makes_one_of_each_and_later_ones_find_them(stage: Stage) {
    let first = stage.catalog.bootstrap(None).await.unwrap();
    assert_eq!((first.organisation.slug.as_str(), first.workspace.slug.as_str()), ("default", "ws-default"));
    assert_eq!(first.workspace.organisation_id, first.organisation.id);
    let secret = first.admin_key.expect("a key is generated at the first start");
    let snapshot = stage.catalog.snapshot();
    let caller = snapshot.caller(secret.expose_secret()).expect("the key works at once");
    assert_eq!((caller.kind, caller.workspace_id), (KeyKind::OrganisationService, None));
    assert_eq!(caller.organisation_id, first.organisation.id);
    assert_eq!(caller.scopes.len(), Scope::all().count());

    let version = stage.catalog.snapshot().version();
    let second = stage.catalog.bootstrap(None).await.unwrap();
    assert!(second.admin_key.is_none());
    assert_eq!(second.organisation, first.organisation);
    assert_eq!(second.workspace, first.workspace);
    stage.catalog.refresh().await.unwrap();
    assert_eq!(stage.catalog.snapshot().version(), version, "nothing was written");
}

async fn a_given_key_is_used_and_a_different_one_is_added(stage: Stage) {
    let (one, two) = (ApiKeySecret::from_bytes([1; 32]), ApiKeySecret::from_bytes([2; 32]));
    for given in [&one, &one, &two, &one] {
        let bootstrap = stage.catalog.bootstrap(Some(given.clone())).await.unwrap();
        assert!(bootstrap.admin_key.is_none(), "a key is generated only when none is given");
    }
    let snapshot = stage.catalog.snapshot();
    assert!(snapshot.caller(one.expose_secret()).is_some() && snapshot.caller(two.expose_secret()).is_some());
    let organisation = stage.catalog.bootstrap(None).await.unwrap().organisation.id;
    let keys = stage.catalog.list_api_keys(organisation, Default::default(), Page::FIRST).await.unwrap();
    assert_eq!(keys.total, 2);
}

async fn of_starts_at_once_one_makes_everything(stage: Stage) {
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let stage = stage.clone();
        starts.spawn(async move { stage.reopen().await.bootstrap(None).await.unwrap() });
    }
    let starts = starts.join_all().await;
    assert_eq!(starts.iter().filter(|start| start.admin_key.is_some()).count(), 1);
    assert!(starts.iter().all(|start| start.organisation == starts[0].organisation));
    assert!(starts.iter().all(|start| start.workspace == starts[0].workspace));
}

async fn a_revoked_admin_key_stays_revoked(stage: Stage) {
    let key = ApiKeySecret::from_bytes([1; 32]);
    let organisation = stage.catalog.bootstrap(Some(key.clone())).await.unwrap().organisation.id;
    let id = stage.catalog.snapshot().caller(key.expose_secret()).unwrap().key_id;
    stage.catalog.revoke_api_key(organisation, id).await.unwrap();
    stage.catalog.bootstrap(Some(key.clone())).await.unwrap();
    assert!(stage.catalog.snapshot().caller(key.expose_secret()).is_none());
}
