//! A database of one's own for each test, a catalog on it, and short ways to fill it.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use portcullis_catalog::{
    Catalog, CatalogError, DatabaseUrl, KeyKind, KeyRing, NewApiKey, NewAuth, NewIntegration,
    NewOrganisation, NewProvider, NewWorkspace, Organisation, Scope, Workspace,
};
use portcullis_types::{
    FeatureSet, ManualClock, OrganisationId, RoleSettings, TenantWorkspaceId, TranslationSettings,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tokio::sync::watch;

pub(crate) const RING: &str = "HEPK/BtAKD8c+COOVqEKHMKeXZ+QW6IfRPPa07y6TR8=";
pub(crate) const OTHER_RING: &str = "f4ulsYi7Q5z4jBYF5n+1HPSmi1qiygN5zRJtvDXef0g=";

/// Longer than any wait should last, shorter than anybody's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

const SERVER_VARIABLE: &str = "PORTCULLIS_TEST_POSTGRES_URL";

#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) catalog: Catalog,
    pub(crate) clock: Arc<ManualClock>,
    database: Database,
}

#[derive(Clone)]
enum Database {
    Sqlite { folder: Arc<tempfile::TempDir> },
    Postgres { server: String, name: String },
}

/// The right to write, held from outside until it is released.
pub(crate) enum Held {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Held {
    pub(crate) async fn release(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await.unwrap(),
            Self::Postgres(connection) => connection.close().await.unwrap(),
        }
    }
}

impl Stage {
    pub(crate) async fn sqlite() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::on(Database::Sqlite { folder }).await
    }

    pub(crate) async fn postgres() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the server is named by the environment")]
        let server = std::env::var(SERVER_VARIABLE).unwrap_or_else(|_| {
            panic!("{SERVER_VARIABLE} is not set: run `cargo xtask test`, which starts a server and sets it")
        });
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let name = format!("pcs_test_{:016x}", u64::from_be_bytes(random));
        let database = Database::Postgres { server, name };
        database.on_server("create database", "").await;
        Self::on(database).await
    }

    async fn on(database: Database) -> Self {
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800)));
        let ring = KeyRing::parse(RING).unwrap();
        let catalog = Catalog::open(&database.url(), ring, clock.clone()).await.unwrap();
        Self { catalog, clock, database }
    }

    /// Runs a check, and takes the database away whatever came of it.
    pub(crate) async fn run<F: Future<Output = ()> + Send + 'static>(self, check: impl FnOnce(Self) -> F) {
        let outcome = tokio::spawn(check(self.clone())).await;
        self.catalog.close().await;
        if let Database::Postgres { .. } = self.database {
            self.database.on_server("drop database if exists", "with (force)").await;
        }
        if let Err(failed) = outcome {
            std::panic::resume_unwind(failed.into_panic());
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.database, Database::Postgres { .. })
    }

    pub(crate) fn url(&self) -> DatabaseUrl {
        self.database.url()
    }

    /// How a test reaches its Postgres database past the catalog.
    pub(crate) fn postgres_url(&self) -> String {
        self.database.text()
    }

    /// The embedded database's file.
    pub(crate) fn file(&self) -> PathBuf {
        match &self.database {
            Database::Sqlite { folder } => folder.path().join("catalog.db"),
            Database::Postgres { .. } => panic!("only SQLite has a file"),
        }
    }

    /// Another handle, as another process would have it.
    pub(crate) async fn reopen(&self) -> Catalog {
        self.open_with(RING).await.unwrap()
    }

    pub(crate) async fn open_with(&self, ring: &str) -> Result<Catalog, CatalogError> {
        Catalog::open(&self.url(), KeyRing::parse(ring).unwrap(), self.clock.clone()).await
    }

    /// Statements that go past the catalog.
    pub(crate) async fn raw(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.database {
            Database::Sqlite { .. } => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.file());
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Database::Postgres { .. } => {
                let mut connection = PgConnection::connect(&self.database.text()).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// The one number that a statement past the catalog gives.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.value(sql).await
    }

    /// The one value of bytes that a statement past the catalog gives.
    pub(crate) async fn bytes(&self, sql: &str) -> Vec<u8> {
        self.value(sql).await
    }

    async fn value<T>(&self, sql: &str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
        T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.database {
            Database::Sqlite { .. } => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.file());
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
            }
            Database::Postgres { .. } => {
                let mut connection = PgConnection::connect(&self.database.text()).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
            }
        }
    }

    /// Takes the one right to write, as another process's transaction would.
    pub(crate) async fn hold_write_lock(&self) -> Held {
        if let Database::Sqlite { .. } = self.database {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.file());
            let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql("begin immediate").execute(&mut connection).await.unwrap();
            return Held::Sqlite(connection);
        }
        let mut connection = PgConnection::connect(&self.postgres_url()).await.unwrap();
        let lock = "begin; update catalog_version set version = version";
        sqlx::raw_sql(lock).execute(&mut connection).await.unwrap();
        Held::Postgres(connection)
    }

    /// How many connections of this test's database listen.
    pub(crate) async fn n_listeners(&self) -> i64 {
        let mut connection = PgConnection::connect(&self.postgres_url()).await.unwrap();
        let sql = "select count(*) from pg_stat_activity where datname = current_database() and query like 'LISTEN%'";
        let n = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        n
    }

    /// `alter database …` and the like, said to the server; the database's name comes last.
    pub(crate) async fn on_server(&self, before: &str, after: &str) {
        self.database.on_server(before, after).await;
    }

    /// Ends all connections to this test's database.
    pub(crate) async fn cut_connections(&self, condition: &str) {
        let name = self.database.name();
        let select = "select pg_terminate_backend(pid) from pg_stat_activity";
        self.database.say(&format!("{select} where datname = '{name}' and {condition}")).await;
    }

    pub(crate) async fn organisation(&self, slug: &str) -> Organisation {
        let new = NewOrganisation { slug: slug.parse().unwrap(), name: slug.into() };
        self.catalog.create_organisation(new).await.unwrap()
    }

    pub(crate) async fn workspace(&self, organisation: OrganisationId, slug: &str) -> Workspace {
        let new = NewWorkspace {
            organisation_id: organisation,
            slug: Some(slug.parse().unwrap()),
            name: slug.into(),
            description: None,
        };
        self.catalog.create_workspace(new).await.unwrap()
    }

    /// An organisation and one workspace in it.
    pub(crate) async fn tenant(&self, slug: &str) -> (OrganisationId, TenantWorkspaceId) {
        let organisation = self.organisation(slug).await.id;
        (organisation, self.workspace(organisation, "ws-one").await.id)
    }
}

impl Database {
    fn name(&self) -> &str {
        match self {
            Self::Sqlite { .. } => panic!("only a Postgres database has a name"),
            Self::Postgres { name, .. } => name,
        }
    }

    fn url(&self) -> DatabaseUrl {
        match self {
            Self::Sqlite { folder } => DatabaseUrl::sqlite(&folder.path().join("catalog.db")),
            Self::Postgres { .. } => self.text().parse().unwrap(),
        }
    }

    /// The server's URL with this database in the place of the one it names.
    fn text(&self) -> String {
        let Self::Postgres { server, name } = self else { panic!("only Postgres is reached by URL") };
        let (base, options) = server.split_once('?').map_or((server.as_str(), None), |(b, o)| (b, Some(o)));
        let (scheme, rest) = base.split_once("://").expect("a URL has a scheme");
        let authority = rest.split('/').next().expect("a split has a first part");
        let options = options.map(|options| format!("?{options}")).unwrap_or_default();
        format!("{scheme}://{authority}/{name}{options}")
    }

    async fn on_server(&self, before: &str, after: &str) {
        self.say(&format!("{before} {} {after}", self.name())).await;
    }

    async fn say(&self, sql: &str) {
        let Self::Postgres { server, .. } = self else { panic!("only Postgres has a server") };
        let mut connection = PgConnection::connect(server).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

pub(crate) fn role_auth(external_id: Option<&str>) -> NewAuth {
    NewAuth::AssumedRole {
        role_arn: "arn:aws:iam::123456789012:role/portcullis".parse().unwrap(),
        external_id: external_id.map(|id| id.parse().unwrap()),
        settings: RoleSettings::default(),
    }
}

pub(crate) fn key_auth(secret: &str) -> NewAuth {
    NewAuth::AccessKey {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        secret_access_key: secret.into(),
    }
}

/// A role of the organisation's own: no two organisations may have the same one.
fn own_role(organisation: OrganisationId) -> NewAuth {
    NewAuth::AssumedRole {
        role_arn: format!("arn:aws:iam::123456789012:role/{organisation}").parse().unwrap(),
        external_id: None,
        settings: RoleSettings::default(),
    }
}

/// An organisation's integration with an assumed role.
pub(crate) fn integration(organisation: OrganisationId, slug: &str) -> NewIntegration {
    NewIntegration {
        organisation_id: organisation,
        workspace_id: None,
        slug: Some(slug.parse().unwrap()),
        name: "Claude on AWS".into(),
        description: None,
        region: "us-west-2".parse().unwrap(),
        anthropic_workspace_id: "wrkspc_01AbCdEf23GhIj".parse().unwrap(),
        auth: own_role(organisation),
        features: FeatureSet::default(),
        shared_role_proof: None,
        create_default_provider: true,
        default_provider_slug: None,
    }
}

pub(crate) fn provider(
    (organisation, workspace): (OrganisationId, TenantWorkspaceId),
    integration: &str,
    slug: &str,
) -> NewProvider {
    NewProvider {
        organisation_id: organisation,
        workspace_id: workspace,
        integration: integration.into(),
        slug: Some(slug.parse().unwrap()),
        name: "Claude".into(),
        note: None,
        translation: TranslationSettings::default(),
        expires_at: None,
    }
}

pub(crate) fn workspace_key((organisation, workspace): (OrganisationId, TenantWorkspaceId)) -> NewApiKey {
    NewApiKey {
        organisation_id: organisation,
        workspace_id: Some(workspace),
        kind: KeyKind::WorkspaceService,
        user_id: None,
        name: "ci".into(),
        description: None,
        scopes: vec![Scope::MODELS_LIST, Scope::COMPLETIONS_WRITE],
        on_unsupported: None,
        expires_at: None,
    }
}

/// Waits until `is_so`, looking again at every new snapshot.
pub(crate) async fn eventually(
    what: &str,
    limit: Duration,
    mut changes: watch::Receiver<i64>,
    is_so: impl Fn() -> bool,
) {
    let end = Instant::now() + limit;
    while !is_so() {
        let left = end.saturating_duration_since(Instant::now());
        let change = tokio::time::timeout(left, changes.changed()).await;
        change.unwrap_or_else(|_| panic!("not within {limit:?}: {what}")).unwrap();
    }
}

/// The error of a call, in the words the caller sees.
pub(crate) fn refusal<T>(result: Result<T, CatalogError>) -> String {
    result.err().expect("it should have been refused").to_string()
}
