//! What lies in the database, and with which keys it can be read.

use std::os::unix::fs::PermissionsExt as _;

use portcullis_catalog::{Catalog, CatalogError, DatabaseUrl, KeyRing, NewAuth, NewIntegration, Page};
use portcullis_types::{ApiKeyHeader, AwsAuth, ExposeSecret as _, SystemClock};
use sqlx::Connection as _;

use crate::on_both;
use crate::stage::{OTHER_RING, RING, Stage, integration, key_auth, refusal, workspace_key};

on_both!(
    reopening_keeps_everything,
    no_secret_lies_in_the_clear,
    a_moved_secret_does_not_open,
    an_unreadable_row_takes_no_other_with_it,
    other_encryption_keys_are_refused,
    encryption_keys_can_be_rotated,
);

async fn reopening_keeps_everything(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    let new = NewIntegration {
        workspace_id: Some(workspace),
        auth: key_auth("wJalrXUtnFEMI/K7MDENG"),
        ..integration(organisation, "aws")
    };
    let made = stage.catalog.create_integration(new).await.unwrap();
    let (key, secret) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();
    let before = stage.catalog.provider(organisation, workspace, "aws").await.unwrap();
    let version = stage.catalog.snapshot().version();
    stage.catalog.close().await;

    let reopened = stage.reopen().await;
    assert_eq!(reopened.snapshot().version(), version);
    assert_eq!(reopened.provider(organisation, workspace, "aws").await.unwrap(), before);
    assert_eq!(reopened.api_key(organisation, key.id).await.unwrap(), key);
    assert!(reopened.snapshot().caller(secret.expose_secret()).is_some());
    let read = reopened.integration(organisation, "aws").await.unwrap();
    assert_eq!((read.id, read.created_at, read.updated_at), (made.id, made.created_at, made.updated_at));
    let AwsAuth::AccessKey { secret_access_key, .. } = read.platform.auth else { panic!("it has a key") };
    assert_eq!(secret_access_key.expose_secret(), "wJalrXUtnFEMI/K7MDENG");
    reopened.close().await;
}

async fn no_secret_lies_in_the_clear(stage: Stage) {
    let tenant @ (organisation, _) = stage.tenant("a").await;
    let new = NewIntegration { auth: key_auth("hunter2hunter2"), ..integration(organisation, "aws") };
    stage.catalog.create_integration(new).await.unwrap();
    let api_key = NewAuth::ApiKey { key: "AEAACANARY".into(), header: ApiKeyHeader::XApiKey };
    let new = NewIntegration { auth: api_key, ..integration(organisation, "key") };
    stage.catalog.create_integration(new).await.unwrap();
    let (key, secret) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();
    let stored = everything(&stage).await;
    let holds = |needle: &str| stored.windows(needle.len()).any(|window| window == needle.as_bytes());
    assert!(holds("AKIAIOSFODNN7EXAMPLE"), "what is no secret can be found, so the search works");
    assert!(holds(&key.last_four));
    assert!(holds("x-api-key") && !holds("AEAACANARY"));
    assert!(!holds("hunter2hunter2"));
    assert!(!holds(secret.expose_secret()));
}

/// All bytes that lie at rest in the tables with secrets.
async fn everything(stage: &Stage) -> Vec<u8> {
    if !stage.is_postgres() {
        let wal = stage.file().with_extension("db-wal");
        return [std::fs::read(stage.file()).unwrap(), std::fs::read(wal).unwrap_or_default()].concat();
    }
    let mut connection = sqlx::PgConnection::connect(&stage.postgres_url()).await.unwrap();
    let mut stored = Vec::new();
    for sql in [
        "select i::text || coalesce(encode(i.secret_access_key, 'escape'), '') || \
         coalesce(encode(i.api_key, 'escape'), '') from integrations i",
        "select k::text || encode(k.digest, 'escape') from api_keys k",
    ] {
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
        stored.extend(rows.concat().into_bytes());
    }
    stored
}

async fn a_moved_secret_does_not_open(stage: Stage) {
    let (organisation, workspace) = stage.tenant("a").await;
    for slug in ["one", "two", "three"] {
        let new = NewIntegration {
            workspace_id: Some(workspace),
            auth: key_auth(&format!("secret of {slug}")),
            ..integration(organisation, slug)
        };
        stage.catalog.create_integration(new).await.unwrap();
    }
    stage
        .raw(
            "update integrations set secret_access_key = \
             (select secret_access_key from integrations where slug = 'two') where slug = 'one'",
        )
        .await;
    stage.catalog.refresh().await.unwrap();
    let serving = |slug: &str| stage.catalog.snapshot().provider(workspace, &slug.parse().unwrap()).is_some();
    assert_eq!(["one", "two", "three"].map(serving), [false, true, true]);
    let error = stage.catalog.integration(organisation, "one").await.unwrap_err();
    assert!(matches!(&error, CatalogError::Corrupt { what: "integration", .. }), "{error:?}");
    assert!(error.to_string().contains("secret_access_key: it does not open"), "{error}");
    let listing =
        stage.catalog.list_integrations(organisation, Default::default(), Page::FIRST).await.unwrap();
    assert_eq!((listing.total, listing.data.len()), (3, 2));

    // Nor does one that was sealed for another column of the same row.
    stage
        .raw(
            "update integrations set auth_type = 'apiKey', api_key = secret_access_key, access_key_id = null, \
             secret_access_key = null, api_key_header = 'authorization' where slug = 'two'",
        )
        .await;
    let error = stage.catalog.integration(organisation, "two").await.unwrap_err();
    assert!(error.to_string().contains("api_key: it does not open"), "{error}");
}

async fn an_unreadable_row_takes_no_other_with_it(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    for slug in ["good", "bad"] {
        let new = NewIntegration { workspace_id: Some(workspace), ..integration(organisation, slug) };
        stage.catalog.create_integration(new).await.unwrap();
    }
    let (_, good) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();
    let (_, bad) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();
    stage.raw("update integrations set region = 'nowhere' where slug = 'bad'").await;
    let last_four = bad.last_four();
    stage.raw(&format!("update api_keys set scopes = '[\"fly\"]' where last_four = '{last_four}'")).await;
    stage.catalog.refresh().await.unwrap();
    let snapshot = stage.catalog.snapshot();
    assert!(snapshot.provider(workspace, &"good".parse().unwrap()).is_some());
    assert!(snapshot.provider(workspace, &"bad".parse().unwrap()).is_none());
    assert!(snapshot.caller(good.expose_secret()).is_some());
    assert!(snapshot.caller(bad.expose_secret()).is_none());
}

async fn other_encryption_keys_are_refused(stage: Stage) {
    let error = stage.open_with(OTHER_RING).await.unwrap_err();
    assert!(matches!(error, CatalogError::WrongKeyRing), "{error:?}");
    assert!(error.to_string().contains("PORTCULLIS_ENCRYPTION_KEY"));
}

async fn encryption_keys_can_be_rotated(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    let new = NewIntegration {
        workspace_id: Some(workspace),
        auth: key_auth("hunter2"),
        ..integration(organisation, "aws")
    };
    stage.catalog.create_integration(new).await.unwrap();
    let (_, old) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();

    let both = stage.open_with(&format!("{OTHER_RING},{RING}")).await.unwrap();
    let (_, new) = both.create_api_key(workspace_key(tenant)).await.unwrap();
    let knows = |catalog: &Catalog| {
        [&old, &new].map(|secret| catalog.snapshot().caller(secret.expose_secret()).is_some())
    };
    let slug = "aws".parse().unwrap();
    assert_eq!(knows(&both), [true, true]);
    assert!(both.snapshot().provider(workspace, &slug).is_some());

    let only_new = stage.open_with(OTHER_RING).await.unwrap();
    assert_eq!(knows(&only_new), [false, true], "what only the old key can read is out of use");
    assert!(only_new.snapshot().provider(workspace, &slug).is_none());
    both.close().await;
    only_new.close().await;
}

#[tokio::test]
async fn the_embedded_database_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/catalog.db");
    let open = async || {
        let ring = KeyRing::parse(RING).unwrap();
        Catalog::open(&DatabaseUrl::sqlite(&path), ring, std::sync::Arc::new(SystemClock)).await.unwrap()
    };
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let catalog = open().await;
    catalog.bootstrap(None).await.unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&path.with_extension("db-wal")), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    catalog.close().await;

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    open().await.close().await;
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "not a database, but long enough to be taken for one".repeat(100)).unwrap();
    let ring = KeyRing::parse(RING).unwrap();
    let clock = std::sync::Arc::new(SystemClock);
    let refused = Catalog::open(&DatabaseUrl::sqlite(&path), ring, clock).await;
    assert_eq!(refusal(refused), "the database failed while opening the file");
}
