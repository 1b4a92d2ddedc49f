//! A fresh catalog with two organisations, the router over it, and short ways to ask it something.

use std::process::Command;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Request};
use portcullis_admin::{AdminState, Metrics, Recording, ShowsMetrics};
use portcullis_catalog::{
    Catalog, DatabaseUrl, KeyKind, KeyRing, NewApiKey, NewOrganisation, NewWorkspace, Scope,
};
use portcullis_credentials::{BoxFuture, CredentialEngine, Verifier};
use portcullis_types::{
    ApiKeyId, ApiKeySecret, ExposeSecret, ManualClock, OrganisationId, TenantWorkspaceId,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;
use tower::ServiceExt;

use crate::aws::FakeAws;

/// Makes each check, an `async fn(&World)`, a test on SQLite and one on Postgres.
macro_rules! on_both {
    ($($check:ident),+ $(,)?) => {
        mod sqlite { $(#[tokio::test] async fn $check() {
            super::$check(&crate::world::World::on_sqlite().await).await;
        })+ }
        mod postgres { $(#[tokio::test] async fn $check() {
            super::$check(&crate::world::World::on_postgres().await).await;
        })+ }
    };
}
pub(crate) use on_both;

/// The names that tests use for things of the first organisation.
pub(crate) struct World {
    pub(crate) catalog: Catalog,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) organisation: OrganisationId,
    /// Its first workspace, `ws-default`.
    pub(crate) workspace: TenantWorkspaceId,
    /// Its second workspace, `ws-second`.
    pub(crate) second_workspace: TenantWorkspaceId,
    /// Its admin key.
    pub(crate) admin: String,
    /// Another organisation, with a workspace of its own.
    pub(crate) other_organisation: OrganisationId,
    pub(crate) other_workspace: TenantWorkspaceId,
    /// What plays AWS.
    pub(crate) aws: Arc<FakeAws>,
    /// Verifications that came out worse.
    pub(crate) n_worsened: Arc<AtomicU64>,
    router: Router,
    /// Everything that was ever answered, headers and bodies.
    transcript: Mutex<String>,
    _database: Database,
}

/// What an answer consists of.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The body of an answer that must have succeeded.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// `status errorCode param: message` of a refusal.
    pub(crate) fn refusal(&self) -> String {
        let text = |pointer: &str| self.body.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
        let (code, param, message) = (text("/data/errorCode"), text("/error/param"), text("/error/message"));
        format!("{} {code} {param}: {message}", self.status)
    }

    pub(crate) fn text(&self, pointer: &str) -> String {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{}", self.body)).into()
    }
}

impl World {
    pub(crate) async fn on_sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(&directory.path().join("test.db"));
        Self::new(url, Database::Sqlite { _directory: directory }).await
    }

    pub(crate) async fn on_postgres() -> Self {
        let database = Database::create_postgres();
        let Database::Postgres { url, .. } = &database else { unreachable!("it was just made") };
        Self::new(url.parse().unwrap(), database).await
    }

    async fn new(url: DatabaseUrl, database: Database) -> Self {
        let clock = Arc::new(ManualClock::at(UNIX_EPOCH + Duration::from_millis(1_795_348_799_999)));
        let catalog = Catalog::open(&url, KeyRing::generate().unwrap(), clock.clone()).await.unwrap();
        let first = catalog.bootstrap(None).await.unwrap();
        clock.advance(Duration::from_millis(1));
        let admin = first.admin_key.expect("a new database gets a key").expose_secret().to_owned();
        let workspace = async |organisation_id, slug: &str| {
            let slug = Some(slug.parse().unwrap());
            let new = NewWorkspace { organisation_id, slug, name: "Second".into(), description: None };
            catalog.create_workspace(new).await.unwrap().id
        };
        let other = NewOrganisation { slug: "other".parse().unwrap(), name: "Other".into() };
        let other_organisation = catalog.create_organisation(other).await.unwrap().id;
        let aws = FakeAws::new();
        let credentials = CredentialEngine::with_parts(clock.clone(), aws.clone(), aws.clone());
        let verifier = Verifier::new(credentials.clone(), aws.clone(), clock.clone());
        let n_worsened = Arc::default();
        let recording = Recording {
            catalog: catalog.clone(),
            clock: clock.clone(),
            interval: Duration::from_secs(86_400),
            n_worsened: Arc::clone(&n_worsened),
        };
        let metrics = Metrics::Here(Arc::new(FakeMetrics));
        let state = AdminState::new(credentials, verifier, recording, metrics);
        Self {
            organisation: first.organisation.id,
            workspace: first.workspace.id,
            second_workspace: workspace(first.organisation.id, "ws-second").await,
            other_organisation,
            other_workspace: workspace(other_organisation, "ws-other").await,
            router: portcullis_admin::router(state),
            transcript: Mutex::default(),
            _database: database,
            aws,
            n_worsened,
            catalog,
            clock,
            admin,
        }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        self.transcript.lock().unwrap().push_str(&format!("{:?}\n{text}\n", parts.headers));
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends `METHOD /path` with this key and this body.
    pub(crate) async fn call(&self, key: &str, what: &str, body: Option<Value>) -> Answer {
        let (method, path) = what.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path).header("x-portkey-api-key", key);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    /// As the first organisation's admin, without a body.
    pub(crate) async fn ask(&self, what: &str) -> Answer {
        self.call(&self.admin, what, None).await
    }

    /// As the first organisation's admin, with a body.
    pub(crate) async fn tell(&self, what: &str, body: Value) -> Answer {
        self.call(&self.admin, what, Some(body)).await
    }

    /// Everything that was answered so far.
    pub(crate) fn transcript(&self) -> String {
        self.transcript.lock().unwrap().clone()
    }

    /// A key made past the API, with any scopes.
    pub(crate) async fn key(&self, holder: Holder, scopes: &[&str]) -> (ApiKeyId, String) {
        self.key_until(holder, scopes, None).await
    }

    /// The same, with an end.
    pub(crate) async fn key_until(
        &self,
        holder: Holder,
        scopes: &[&str],
        expires_at: Option<SystemTime>,
    ) -> (ApiKeyId, String) {
        let (organisation_id, workspace_id, kind, user_id) = match holder {
            Holder::Organisation => (self.organisation, None, KeyKind::OrganisationService, None),
            Holder::Workspace => (self.organisation, Some(self.workspace), KeyKind::WorkspaceService, None),
            Holder::Person => {
                (self.organisation, Some(self.workspace), KeyKind::WorkspaceUser, Some("ada".to_owned()))
            }
            Holder::SecondWorkspace => {
                (self.organisation, Some(self.second_workspace), KeyKind::WorkspaceService, None)
            }
            Holder::OtherOrganisation => (self.other_organisation, None, KeyKind::OrganisationService, None),
        };
        let new = NewApiKey {
            organisation_id,
            workspace_id,
            kind,
            user_id,
            name: "a test's key".into(),
            description: None,
            scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
            on_unsupported: None,
            expires_at: expires_at.map(OffsetDateTime::from),
        };
        let (key, secret): (_, ApiKeySecret) = self.catalog.create_api_key(new).await.unwrap();
        (key.id, secret.expose_secret().to_owned())
    }

    /// Moves the clock on, so that what is made next comes later in lists.
    pub(crate) fn tick(&self) {
        self.clock.advance(Duration::from_millis(1));
    }

    /// An hour from now, as clients write it.
    pub(crate) fn in_an_hour(&self) -> String {
        use portcullis_types::Clock;
        let at = OffsetDateTime::from(self.clock.now() + Duration::from_secs(3600));
        at.format(&time::format_description::well_known::Rfc3339).unwrap()
    }

    /// An integration of the organisation (`None`) or of a workspace, and its slug.
    pub(crate) async fn integration(&self, slug: &str, workspace: Option<TenantWorkspaceId>) -> String {
        let mut body = integration_body(slug);
        if let Some(workspace) = workspace {
            body["workspace_id"] = json!(workspace);
            body["create_default_provider"] = json!(false);
        }
        self.tell("POST /v1/integrations", body).await.ok();
        slug.to_owned()
    }

    /// A provider of the first workspace on this integration.
    pub(crate) async fn provider(&self, slug: &str, integration: &str) -> String {
        let workspace_id = self.workspace;
        let body =
            json!({"name": slug, "slug": slug, "integration_id": integration, "workspace_id": workspace_id});
        self.tell("POST /v1/providers", body).await.ok();
        slug.to_owned()
    }
}

/// A page that says for whom it was made.
struct FakeMetrics;

impl ShowsMetrics for FakeMetrics {
    fn page(&self, organisation: Option<OrganisationId>) -> BoxFuture<'_, String> {
        let of_whom = if organisation.is_some() { "one organisation" } else { "everybody" };
        Box::pin(std::future::ready(format!("# of {of_whom}\n# EOF\n")))
    }

    fn media_type(&self) -> &'static str {
        "application/openmetrics-text"
    }
}

/// Whose a test's key is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Holder {
    Organisation,
    Workspace,
    Person,
    SecondWorkspace,
    OtherOrganisation,
}

/// Every scope there is.
pub(crate) fn all_scopes() -> Vec<&'static str> {
    Scope::all().map(Scope::as_str).collect()
}

/// A complete creation of an integration that assumes a role.
pub(crate) fn integration_body(slug: &str) -> Value {
    json!({
        "name": "Claude through AWS",
        "slug": slug,
        "ai_provider_id": "claude-platform-aws",
        "configurations": {
            "aws_auth_type": "assumedRole",
            "aws_role_arn": "arn:aws:iam::123456789012:role/portcullis",
            "aws_region": "us-west-2",
            "anthropic_aws_workspace_id": "wrkspc_01AbCdEf23GhIj",
        },
    })
}

/// A database that goes away with its test.
enum Database {
    Sqlite { _directory: TempDir },
    Postgres { server: String, name: String, url: String },
}

impl Database {
    /// A new database on the server that the environment names.
    fn create_postgres() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a test's server is named by whoever runs the tests")]
        let server = std::env::var("PORTCULLIS_TEST_POSTGRES_URL").expect(
            "PORTCULLIS_TEST_POSTGRES_URL is not set; run `cargo xtask test`, which starts a Postgres and sets it",
        );
        let id = ApiKeyId::generate(std::time::SystemTime::UNIX_EPOCH);
        let name = format!("admin_{}", id.to_string().replace('-', "_"));
        psql(&server, &format!("create database {name}"));
        let (start, _) =
            server.rsplit_once('/').expect("a Postgres URL names a database after its last slash");
        let url = format!("{start}/{name}");
        Self::Postgres { server, name, url }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgres { server, name, .. } = self {
            psql(server, &format!("drop database if exists {name} with (force)"));
        }
    }
}

/// Only the catalog's crate may speak SQL, so a test borrows the server's own client.
fn psql(server: &str, statement: &str) {
    let arguments = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", statement, server];
    let output = Command::new("psql").args(arguments).output().expect("psql comes with Postgres");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
