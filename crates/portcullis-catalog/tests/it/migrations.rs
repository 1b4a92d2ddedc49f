//! A database that an earlier version filled: it is brought to this one with nothing lost.

use portcullis_catalog::{
    DeleteMode, ExternalIdOrigin, Integration, NewAuth, NewIntegration, NewOrganisation, Page,
};
use portcullis_types::{AwsAuth, ExposeSecret as _, FeatureSet, VerificationStatus};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::on_both;
use crate::stage::{Stage, integration, key_auth, provider, refusal, role_auth, workspace_key};

on_both!(the_first_schema_is_brought_here_with_nothing_lost, the_first_version_refuses_this_schema);

static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");
static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// The tables of the first schema that are as they were, in an order in which each refers to earlier ones only.
const COPIES: &str = "
    delete from new.catalog_version;
    insert into new.catalog_version select * from old.catalog_version;
    insert into new.encryption_keys select * from old.encryption_keys;
    insert into new.organisations select * from old.organisations;
    insert into new.workspaces select * from old.workspaces;
    insert into new.external_ids select external_id, organisation_id, created_at from old.external_ids;
    insert into new.integrations select id, organisation_id, workspace_id, slug, name, description, ai_provider_id,
        status, revision, auth_type, region, anthropic_workspace_id, role_arn, external_id, external_id_origin,
        access_key_id, secret_access_key, created_at, updated_at from old.integrations;
    insert into new.providers select id, organisation_id, workspace_id, integration_id, slug, name, note, expires_at,
        created_at, updated_at from old.providers;
    insert into new.api_keys select id, organisation_id, workspace_id, kind, user_id, name, description, scopes, digest,
        digest_key_id, last_four, expires_at, revoked_at, created_at, updated_at from old.api_keys;";

/// Puts what is in the database into one of the first schema, as the first version would have left it. Statements of
/// that version's own are not at hand, but it wrote the same columns.
async fn take_back_to_the_first_schema(stage: &Stage) {
    stage.catalog.close().await;
    if stage.is_postgres() {
        stage.raw("alter schema public rename to old; create schema public").await;
        let mut connection = PgConnection::connect(&stage.postgres_url()).await.unwrap();
        POSTGRES.run_direct(Some(1), &mut connection, false).await.unwrap();
        connection.close().await.unwrap();
        stage.raw(&format!("{}; drop schema old cascade", COPIES.replace("new.", "public."))).await;
    } else {
        let filled = stage.file().with_file_name("filled.db");
        std::fs::rename(stage.file(), &filled).unwrap();
        let mut connection = connect(stage).await;
        SQLITE.run_direct(Some(1), &mut connection, false).await.unwrap();
        connection.close().await.unwrap();
        let attach = format!("attach '{}' as old;", filled.display());
        stage.raw(&format!("{attach}{}", COPIES.replace("new.", "main."))).await;
    }
}

async fn connect(stage: &Stage) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(stage.file()).create_if_missing(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// All of an integration that the first version knew, secrets included.
fn seen(integration: &Integration) -> String {
    let secret = match &integration.platform.auth {
        AwsAuth::AccessKey { secret_access_key, .. } => secret_access_key.expose_secret(),
        _ => "-",
    };
    format!("{integration:?} {secret}")
}

async fn the_first_schema_is_brought_here_with_nothing_lost(stage: Stage) {
    let tenant @ (organisation, workspace) = stage.tenant("a").await;
    let auths = [
        ("generated", role_auth(None)),
        ("supplied", role_auth(Some("from-their-policy"))),
        ("pair", key_auth("wJalrXUtnFEMI/K7MDENG")),
        ("own", NewAuth::ServiceRole),
    ];
    for (slug, auth) in auths {
        stage.clock.advance(std::time::Duration::from_millis(1));
        let new = NewIntegration { auth, ..integration(organisation, slug) };
        stage.catalog.create_integration(new).await.unwrap();
        stage.catalog.create_provider(provider(tenant, slug, slug)).await.unwrap();
    }
    let of_workspace =
        NewIntegration { workspace_id: Some(workspace), ..integration(organisation, "inside") };
    stage.catalog.create_integration(of_workspace).await.unwrap();
    let gone = NewIntegration { auth: role_auth(Some("gone-1")), ..integration(organisation, "gone") };
    stage.catalog.create_integration(gone).await.unwrap();
    stage.catalog.delete_integration(organisation, "gone", DeleteMode::Restrict).await.unwrap();
    let (key, secret) = stage.catalog.create_api_key(workspace_key(tenant)).await.unwrap();
    let all = stage.catalog.list_integrations(organisation, Default::default(), Page::FIRST).await.unwrap();
    let before: Vec<String> = all.data.iter().map(seen).collect();
    let providers =
        stage.catalog.list_providers(organisation, Default::default(), Page::FIRST).await.unwrap();
    let version = stage.catalog.snapshot().version();
    assert_eq!((before.len(), providers.data.len()), (5, 5));

    take_back_to_the_first_schema(&stage).await;
    let catalog = stage.reopen().await;
    assert_eq!(catalog.snapshot().version(), version);
    let all = catalog.list_integrations(organisation, Default::default(), Page::FIRST).await.unwrap();
    assert_eq!(all.data.iter().map(seen).collect::<Vec<_>>(), before);
    for integration in &all.data {
        assert_eq!(integration.platform.features, FeatureSet::default());
        assert_eq!(integration.verification.status, VerificationStatus::Unverified);
    }
    let kept = catalog.list_providers(organisation, Default::default(), Page::FIRST).await.unwrap();
    assert_eq!(kept.data, providers.data);
    assert_eq!(catalog.api_key(organisation, key.id).await.unwrap(), key);
    assert!(catalog.snapshot().caller(secret.expose_secret()).is_some());
    assert_eq!(catalog.snapshot().providers(workspace).count(), 5);

    if !stage.is_postgres() {
        let sql = "select (select count(*) from pragma_foreign_key_check), \
                   (select group_concat(distinct \"table\") from pragma_foreign_key_list('providers'))";
        let (n_dangling, referred): (i64, String) =
            sqlx::query_as(sql).fetch_one(&mut connect(&stage).await).await.unwrap();
        assert_eq!((n_dangling, referred.as_str()), (0, "integrations,workspaces"));
    }
    // The rules hold as before: what refers to what, and whose external IDs are, also of integrations that are gone.
    let refused = catalog.delete_integration(organisation, "pair", DeleteMode::Restrict).await;
    assert_eq!(refusal(refused), "the integration is still in use by pair");
    let other = NewOrganisation { slug: "b".parse().unwrap(), name: "B".into() };
    let other = catalog.create_organisation(other).await.unwrap().id;
    let theirs = NewIntegration { auth: role_auth(Some("gone-1")), ..integration(other, "x") };
    let refused = catalog.create_integration(theirs).await;
    assert_eq!(refusal(refused), "the external_id of this integration is already in use");
    let ours = NewIntegration { auth: role_auth(Some("gone-1")), ..integration(organisation, "again") };
    let again = catalog.create_integration(ours).await.unwrap();
    assert_eq!(again.external_id_origin, Some(ExternalIdOrigin::Supplied));
    catalog.close().await;
}

async fn the_first_version_refuses_this_schema(stage: Stage) {
    let only_the_first = |all: &Migrator| {
        Migrator::with_migrations(all.iter().filter(|migration| migration.version == 1).cloned().collect())
    };
    let refused = if stage.is_postgres() {
        let mut connection = PgConnection::connect(&stage.postgres_url()).await.unwrap();
        only_the_first(&POSTGRES).run_direct(None, &mut connection, false).await
    } else {
        only_the_first(&SQLITE).run_direct(None, &mut connect(&stage).await, false).await
    };
    assert!(matches!(refused, Err(MigrateError::VersionMissing(2))), "{refused:?}");
}
