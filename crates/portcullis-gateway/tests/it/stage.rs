//! A gateway with one provider and one key, in front of an upstream.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use http_body_util::BodyExt;
use portcullis_catalog::{Catalog, DatabaseUrl, KeyKind, KeyRing, NewApiKey, NewAuth, NewIntegration, Scope};
use portcullis_credentials::{
    AssumeRole, AssumedRole, AssumesRoles, BoxFuture, CallerIdentity, CredentialEngine, CredentialsError,
    EngineSettings, Explanation, Source, SourceChain, SourceFingerprint, SourceKind,
};
use portcullis_gateway::{Gateway, GatewaySettings};
use portcullis_types::{
    AwsCredentials, Clock, ClockSkew, ExposeSecret, FeatureSet, Region, RoleSettings, SharedClock,
    SystemClock,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

pub(crate) struct Stage {
    pub(crate) router: Router,
    pub(crate) key: String,
    pub(crate) admin_key: String,
    pub(crate) drain_deadline: CancellationToken,
    /// What the gateway knows of AWS's time.
    pub(crate) skew: Arc<ClockSkew>,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn before(upstream: SocketAddr) -> Self {
        Self::with(upstream, |_| ()).await
    }

    /// With a role whose sessions come from an STS of the test's own.
    pub(crate) async fn with_role(upstream: SocketAddr) -> (Self, Arc<CountingSts>) {
        let sts = Arc::new(CountingSts::default());
        let clock: SharedClock = Arc::new(SystemClock);
        let engine = CredentialEngine::with_parts(
            clock,
            Arc::new(FixedSource),
            Arc::clone(&sts) as Arc<dyn AssumesRoles>,
        );
        let role = NewAuth::AssumedRole {
            role_arn: "arn:aws:iam::123456789012:role/portcullis-claude".parse().unwrap(),
            external_id: None,
            settings: RoleSettings::default(),
        };
        (Self::made_of(upstream, role, engine, |_| ()).await, sts)
    }

    pub(crate) async fn with(upstream: SocketAddr, adjust: impl FnOnce(&mut GatewaySettings)) -> Self {
        let settings = EngineSettings::new(Arc::new(SystemClock));
        let engine = CredentialEngine::from_environment(settings).await;
        let key_pair = NewAuth::AccessKey {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        };
        Self::made_of(upstream, key_pair, engine, adjust).await
    }

    async fn made_of(
        upstream: SocketAddr,
        auth: NewAuth,
        engine: CredentialEngine,
        adjust: impl FnOnce(&mut GatewaySettings),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: SharedClock = Arc::new(SystemClock);
        let url = DatabaseUrl::sqlite(&folder.path().join("catalog.db"));
        let catalog = Catalog::open(&url, KeyRing::generate().unwrap(), Arc::clone(&clock)).await.unwrap();
        let made = catalog.bootstrap(None).await.unwrap();
        let key = register(&catalog, &made, auth).await;
        let mut settings = GatewaySettings {
            upstream_base: format!("http://{upstream}").parse().unwrap(),
            ..GatewaySettings::default()
        };
        adjust(&mut settings);
        let skew = engine.skew();
        let credentials = Arc::new(engine);
        let drain_deadline = CancellationToken::new();
        let gateway = Gateway::new(catalog, credentials, settings, clock, drain_deadline.clone()).unwrap();
        let admin_key = made.admin_key.unwrap().expose_secret().to_owned();
        let router = portcullis_gateway::router(gateway);
        Self { router, key, admin_key, drain_deadline, skew, _folder: folder }
    }

    /// Sends a chat completion.
    pub(crate) async fn chat(&self, stream: bool) -> Response {
        self.post("/v1/chat/completions", &body(stream)).await
    }

    /// Sends a message in the upstream's own dialect.
    pub(crate) async fn message(&self, stream: bool) -> Response {
        self.post("/v1/messages", &body(stream)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Response {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.key))
            .body(Body::from(body.to_owned()));
        self.send(request.unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }
}

fn body(stream: bool) -> String {
    format!(
        r#"{{"model":"@claude/claude-haiku-4-5","max_tokens":64,"stream":{stream},"messages":[{{"role":"user","content":"Hi"}}]}}"#
    )
}

async fn register(catalog: &Catalog, made: &portcullis_catalog::Bootstrap, auth: NewAuth) -> String {
    let new = NewIntegration {
        organisation_id: made.organisation.id,
        workspace_id: Some(made.workspace.id),
        slug: Some("claude".parse().unwrap()),
        name: "Claude".into(),
        description: None,
        region: "us-west-2".parse().unwrap(),
        anthropic_workspace_id: "wrkspc_01AbCdEf23GhIj".parse().unwrap(),
        auth,
        features: FeatureSet::default(),
        shared_role_proof: None,
        create_default_provider: true,
        default_provider_slug: None,
    };
    catalog.create_integration(new).await.unwrap();
    let key = NewApiKey {
        organisation_id: made.organisation.id,
        workspace_id: Some(made.workspace.id),
        kind: KeyKind::WorkspaceService,
        user_id: None,
        name: "test".into(),
        description: None,
        scopes: vec![Scope::COMPLETIONS_WRITE],
        on_unsupported: None,
        expires_at: None,
    };
    let (_, secret) = catalog.create_api_key(key).await.unwrap();
    secret.expose_secret().to_owned()
}

/// The whole body as text, with a limit on the wait: a hanging answer is a failure, not a hanging test.
pub(crate) async fn text(response: Response) -> String {
    let collected = tokio::time::timeout(Duration::from_secs(20), response.into_body().collect()).await;
    let bytes = collected.expect("the answer ends").expect("the answer has no transport error").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("what a client reads is UTF-8")
}

pub(crate) async fn json(response: Response) -> serde_json::Value {
    let text = text(response).await;
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"))
}

/// Who the gateway is.
#[derive(Debug)]
struct FixedSource;

impl SourceChain for FixedSource {
    fn find(&self) -> BoxFuture<'_, Result<Source, CredentialsError>> {
        let fingerprint =
            SourceFingerprint { kind: SourceKind::Environment, account: None, long_term_key: None };
        let source = Source { credentials: Arc::new(session(0)), fingerprint: Arc::new(fingerprint) };
        Box::pin(std::future::ready(Ok(source)))
    }
}

/// Gives a new session each time, unless it is away, and counts the calls.
#[derive(Debug, Default)]
pub(crate) struct CountingSts {
    n_calls: AtomicU32,
    is_away: AtomicBool,
}

impl CountingSts {
    /// How often it was called: as many sessions were made, unless it was away.
    pub(crate) fn n_sessions(&self) -> u32 {
        self.n_calls.load(Ordering::Relaxed)
    }

    /// From now on it cannot be reached.
    pub(crate) fn goes_away(&self) {
        self.is_away.store(true, Ordering::Relaxed);
    }
}

impl AssumesRoles for CountingSts {
    fn assume_role<'a>(
        &'a self,
        _caller: &'a AwsCredentials,
        _call: &'a AssumeRole,
    ) -> BoxFuture<'a, Result<AssumedRole, CredentialsError>> {
        let number = self.n_calls.fetch_add(1, Ordering::Relaxed) + 1;
        if self.is_away.load(Ordering::Relaxed) {
            let why = Explanation::new("connection refused");
            return Box::pin(std::future::ready(Err(CredentialsError::StsUnavailable(why))));
        }
        Box::pin(std::future::ready(Ok(AssumedRole {
            credentials: session(number),
            arn: None,
            packed_policy_percent: None,
        })))
    }

    fn caller_identity<'a>(
        &'a self,
        _caller: &'a AwsCredentials,
        _region: Option<&'a Region>,
    ) -> BoxFuture<'a, Result<CallerIdentity, CredentialsError>> {
        unreachable!("nobody asks who the gateway is")
    }
}

fn session(number: u32) -> AwsCredentials {
    AwsCredentials {
        access_key_id: format!("ASIASESSIONEXAMPLE{number:02}").parse().unwrap(),
        secret_access_key: "secret".into(),
        session_token: Some("token".into()),
        expires_at: Some(SystemClock.now() + Duration::from_secs(3600)),
    }
}
