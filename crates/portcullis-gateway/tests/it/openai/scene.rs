//! Gateways on one catalog before one upstream, a clock that can be moved, and callers of several workspaces.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use portcullis_catalog::{Catalog, DatabaseUrl, KeyRing, Scope};
use portcullis_credentials::{CredentialEngine, EngineSettings};
use portcullis_emulator::EmulatorHandle;
use portcullis_gateway::{Gateway, GatewaySettings};
use portcullis_types::{Clock, Feature, FeatureSet, SharedClock, SystemClock, TenantWorkspaceId};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::stage::{json, text};
use crate::tenants::{self, Tenants};

/// The system's clock, moved ahead.
#[derive(Debug, Default)]
pub(super) struct MovedClock(Mutex<Duration>);

impl MovedClock {
    pub(super) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for MovedClock {
    fn now(&self) -> SystemTime {
        SystemClock.now() + *self.0.lock().unwrap()
    }
}

pub(super) struct Scene {
    tenants: Tenants,
    pub(super) clock: Arc<MovedClock>,
    pub(super) gateway: Gateway,
    drain: CancellationToken,
    base: String,
    _folder: tempfile::TempDir,
}

/// An emulated AWS in which the scene's key pair may do everything. Its batches end at once.
pub(super) async fn aws() -> EmulatorHandle {
    let aws = tenants::aws().await;
    aws.set_batch_pace(Some(Duration::ZERO));
    aws
}

impl std::ops::Deref for Scene {
    type Target = Tenants;

    fn deref(&self) -> &Tenants {
        &self.tenants
    }
}

impl Scene {
    pub(super) async fn before(base: &str) -> Self {
        Self::with(base, FeatureSet::all(), |_| ()).await
    }

    pub(super) async fn with(
        base: &str,
        features: FeatureSet,
        adjust: impl FnOnce(&mut GatewaySettings),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(MovedClock::default());
        let url = DatabaseUrl::sqlite(&folder.path().join("catalog.db"));
        let shared: SharedClock = Arc::clone(&clock) as SharedClock;
        let catalog = Catalog::open(&url, KeyRing::generate().unwrap(), shared).await.unwrap();
        let (gateway, drain) = gateway(&catalog, &clock, base, adjust).await;
        let tenants = Tenants::of(catalog, features).await;
        Self { tenants, clock, gateway, drain, base: base.to_owned(), _folder: folder }
    }

    /// Another gateway on the same catalog, and what stops it.
    pub(super) async fn another_gateway(
        &self,
        adjust: impl FnOnce(&mut GatewaySettings),
    ) -> (Gateway, CancellationToken) {
        gateway(&self.catalog, &self.clock, &self.base, adjust).await
    }

    pub(super) async fn tenant(&self) -> Tenant {
        self.tenant_of(self.workspace()).await
    }

    /// A tenant of another workspace.
    pub(super) async fn neighbour(&self) -> Tenant {
        self.tenant_of(self.other_workspace().await).await
    }

    async fn tenant_of(&self, workspace: TenantWorkspaceId) -> Tenant {
        let router = portcullis_gateway::router(self.gateway.clone());
        Tenant { router, key: self.key(workspace, Scope::COMPLETIONS_WRITE, None).await }
    }

    /// The gateway stops where it is.
    pub(super) fn kill(&self) {
        self.drain.cancel();
    }
}

/// Without files, batches and the rest.
pub(super) fn without(feature: Feature) -> FeatureSet {
    let features: std::collections::BTreeSet<Feature> =
        FeatureSet::all().iter().filter(|f| *f != feature).collect();
    features.try_into().unwrap()
}

async fn gateway(
    catalog: &Catalog,
    clock: &Arc<MovedClock>,
    base: &str,
    adjust: impl FnOnce(&mut GatewaySettings),
) -> (Gateway, CancellationToken) {
    let mut settings = GatewaySettings { upstream_base: base.parse().unwrap(), ..GatewaySettings::default() };
    settings.batches.poll_interval = Duration::ZERO;
    settings.batches.recover_after = Duration::ZERO;
    settings.batches.look_interval = Duration::ZERO;
    adjust(&mut settings);
    let shared: SharedClock = Arc::clone(clock) as SharedClock;
    let engine = CredentialEngine::from_environment(EngineSettings::new(Arc::clone(&shared))).await;
    let drain = CancellationToken::new();
    let gateway = Gateway::new(catalog.clone(), Arc::new(engine), settings, shared, drain.clone()).unwrap();
    (gateway, drain)
}

/// A holder of a key, with OpenAI's SDK in hand.
pub(super) struct Tenant {
    router: Router,
    key: String,
}

impl Tenant {
    /// The same one, at another gateway.
    pub(super) fn at(&self, gateway: &Gateway) -> Self {
        Self { router: portcullis_gateway::router(gateway.clone()), key: self.key.clone() }
    }

    pub(super) fn request(&self, method: &str, target: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(target)
            .header("host", "gw.example.com")
            .header("authorization", format!("Bearer {}", self.key))
    }

    pub(super) async fn send(&self, request: http::Result<Request<Body>>) -> Response {
        self.router.clone().oneshot(request.unwrap()).await.unwrap()
    }

    pub(super) async fn get(&self, target: &str) -> (u16, Value) {
        read(self.send(self.request("GET", target).body(Body::empty())).await).await
    }

    pub(super) async fn delete(&self, target: &str) -> (u16, Value) {
        read(self.send(self.request("DELETE", target).body(Body::empty())).await).await
    }

    pub(super) async fn post(&self, target: &str, body: &Value) -> (u16, Value) {
        let request = self.request("POST", target).header("content-type", "application/json");
        read(self.send(request.body(Body::from(body.to_string()))).await).await
    }

    /// The text behind a path that answers with one.
    pub(super) async fn text(&self, target: &str) -> String {
        let response = self.send(self.request("GET", target).body(Body::empty())).await;
        assert_eq!(response.status(), 200, "{target}");
        text(response).await
    }

    /// Its lines, as JSON.
    pub(super) async fn lines(&self, target: &str) -> Vec<Value> {
        self.text(target).await.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Uploads a file with these fields before it.
    pub(super) async fn upload(
        &self,
        fields: &[(&str, &str)],
        filename: &str,
        content: &str,
    ) -> (u16, Value) {
        let mut form = String::new();
        for (name, value) in fields {
            form += &format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        form += &format!(
            "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n\r\n{content}\r\n--limit--\r\n"
        );
        let request =
            self.request("POST", "/v1/files").header("content-type", "multipart/form-data; boundary=limit");
        read(self.send(request.body(Body::from(form))).await).await
    }

    /// Uploads the input of a batch of chat completions and makes the batch.
    pub(super) async fn batch_of(&self, lines: &[Value]) -> Value {
        self.batch_at("/v1/chat/completions", lines).await
    }

    pub(super) async fn batch_at(&self, endpoint: &str, lines: &[Value]) -> Value {
        let (_, batch) = self.batch_with(endpoint, lines, &[]).await;
        batch
    }

    /// The same with more headers; the input file's id comes with it.
    pub(super) async fn batch_with(
        &self,
        endpoint: &str,
        lines: &[Value],
        headers: &[(&str, &str)],
    ) -> (Value, Value) {
        let content: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let (status, file) = self.upload(&[("purpose", "batch")], "input.jsonl", &content).await;
        assert_eq!(status, 200, "{file}");
        let body = json!({
            "input_file_id": file["id"], "endpoint": endpoint, "completion_window": "24h",
        });
        let mut request = self.request("POST", "/v1/batches").header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, batch) = read(self.send(request.body(Body::from(body.to_string()))).await).await;
        assert_eq!(status, 200, "{batch}");
        (file["id"].clone(), batch)
    }

    pub(super) async fn batch(&self, id: &Value) -> Value {
        let (status, batch) = self.get(&format!("/v1/batches/{}", id.as_str().unwrap())).await;
        assert_eq!(status, 200, "{batch}");
        batch
    }

    /// Asks until the batch is over.
    pub(super) async fn batch_when_over(&self, id: &Value) -> Value {
        let is_over = |batch: &Value| {
            ["completed", "failed", "expired", "cancelled"].contains(&batch["status"].as_str().unwrap())
        };
        self.batch_when(id, is_over).await
    }

    /// Asks until the batch is as it should be.
    pub(super) async fn batch_when(&self, id: &Value, is_so: impl Fn(&Value) -> bool) -> Value {
        let asked = async {
            loop {
                let batch = self.batch(id).await;
                if is_so(&batch) {
                    return batch;
                }
            }
        };
        // A limit on the wait, far beyond any load: what never comes is a failure, not a hanging test.
        tokio::time::timeout(Duration::from_secs(60), asked).await.expect("the batch comes so far")
    }
}

async fn read(response: Response) -> (u16, Value) {
    (response.status().as_u16(), json(response).await)
}

/// A line that asks for a chat completion.
pub(super) fn line(custom_id: &str, model: &str, text: &str) -> Value {
    json!({
        "custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions",
        "body": {"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": text}]},
    })
}

/// The stable code of a refusal, and the parameter it names.
pub(super) fn refusal(answer: &Value) -> (&str, &str) {
    let of = |name: &str| answer["error"][name].as_str().unwrap_or("");
    (of("code"), of("param"))
}
