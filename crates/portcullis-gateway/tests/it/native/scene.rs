//! A gateway before an upstream, with as many tenant workspaces as a test needs.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use portcullis_catalog::{Catalog, DatabaseUrl, KeyRing, Scope};
use portcullis_credentials::{CredentialEngine, EngineSettings};
use portcullis_gateway::{Gateway, GatewaySettings};
use portcullis_types::{Feature, FeatureSet, OnUnsupported, SharedClock, SystemClock, TenantWorkspaceId};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::stage::json;
use crate::tenants::Tenants;
pub(crate) use crate::tenants::aws;

pub(crate) struct Scene {
    pub(crate) router: Router,
    tenants: Tenants,
    _folder: tempfile::TempDir,
}

impl std::ops::Deref for Scene {
    type Target = Tenants;

    fn deref(&self) -> &Tenants {
        &self.tenants
    }
}

pub(crate) fn everything() -> FeatureSet {
    FeatureSet::all()
}

pub(crate) fn only(features: &[Feature]) -> FeatureSet {
    let mut set = BTreeSet::from([Feature::Inference]);
    set.extend(features);
    set.try_into().unwrap()
}

impl Scene {
    /// With the integration `claude`, and its provider of the same name in the first workspace.
    pub(crate) async fn before(base: &str, features: FeatureSet) -> Self {
        Self::with(base, features, |_| ()).await
    }

    pub(crate) async fn with(
        base: &str,
        features: FeatureSet,
        adjust: impl FnOnce(&mut GatewaySettings),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: SharedClock = Arc::new(SystemClock);
        let url = DatabaseUrl::sqlite(&folder.path().join("catalog.db"));
        let catalog = Catalog::open(&url, KeyRing::generate().unwrap(), Arc::clone(&clock)).await.unwrap();
        let tenants = Tenants::of(catalog.clone(), features).await;
        let mut settings =
            GatewaySettings { upstream_base: base.parse().unwrap(), ..GatewaySettings::default() };
        adjust(&mut settings);
        let engine = CredentialEngine::from_environment(EngineSettings::new(Arc::clone(&clock))).await;
        let drain = CancellationToken::new();
        let gateway = Gateway::new(catalog, Arc::new(engine), settings, clock, drain).unwrap();
        Self { router: portcullis_gateway::router(gateway), tenants, _folder: folder }
    }

    /// A tenant of the first workspace.
    pub(crate) async fn tenant(&self) -> Tenant<'_> {
        self.tenant_of(self.workspace(), Scope::COMPLETIONS_WRITE).await
    }

    /// A tenant of another workspace that leads to the same place.
    pub(crate) async fn neighbour(&self) -> Tenant<'_> {
        self.tenant_of(self.other_workspace().await, Scope::COMPLETIONS_WRITE).await
    }

    /// A tenant whose key refuses, or allows, what is lossy.
    pub(crate) async fn strict_tenant(&self, on_unsupported: OnUnsupported) -> Tenant<'_> {
        self.holder(self.workspace(), Scope::COMPLETIONS_WRITE, Some(on_unsupported)).await
    }

    pub(crate) async fn tenant_of(&self, workspace: TenantWorkspaceId, scope: Scope) -> Tenant<'_> {
        self.holder(workspace, scope, None).await
    }

    async fn holder(
        &self,
        workspace: TenantWorkspaceId,
        scope: Scope,
        on_unsupported: Option<OnUnsupported>,
    ) -> Tenant<'_> {
        Tenant { scene: self, key: self.key(workspace, scope, on_unsupported).await }
    }
}

/// A holder of a key.
pub(crate) struct Tenant<'a> {
    scene: &'a Scene,
    pub(crate) key: String,
}

impl Tenant<'_> {
    /// A request as Anthropic's SDK sends one.
    pub(crate) fn request(&self, method: &str, target: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(target)
            .header("host", "gw.example.com")
            .header("authorization", format!("Bearer {}", self.key))
            .header("anthropic-version", "2023-06-01")
    }

    /// A request as OpenAI's SDK sends one.
    pub(crate) fn openai(&self, method: &str, target: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(target)
            .header("host", "gw.example.com")
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
    }

    pub(crate) async fn send(&self, request: http::Result<Request<Body>>) -> Response {
        self.scene.router.clone().oneshot(request.unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, target: &str) -> (u16, Value) {
        read(self.send(self.request("GET", target).body(Body::empty())).await).await
    }

    pub(crate) async fn delete(&self, target: &str) -> (u16, Value) {
        read(self.send(self.request("DELETE", target).body(Body::empty())).await).await
    }

    pub(crate) async fn post(&self, target: &str, body: &str) -> (u16, Value) {
        let request = self.request("POST", target).header("content-type", "application/json");
        read(self.send(request.body(Body::from(body.to_owned()))).await).await
    }

    /// Uploads a form with these parts: name, file name if it is a file, content.
    pub(crate) async fn upload(&self, target: &str, parts: &[(&str, Option<&str>, &[u8])]) -> (u16, Value) {
        let request = self.request("POST", target).header("content-type", FORM);
        read(self.send(request.body(Body::from(form(parts)))).await).await
    }
}

pub(crate) const FORM: &str = "multipart/form-data; boundary=limit";

pub(crate) fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, filename, content) in parts {
        let kind = filename.filter(|name| name.ends_with(".txt")).map(|_| "content-type: text/plain\r\n");
        let kind = kind.unwrap_or_default();
        let filename = filename.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        let head =
            format!("--limit\r\ncontent-disposition: form-data; name=\"{name}\"{filename}\r\n{kind}\r\n");
        form.extend_from_slice(head.as_bytes());
        form.extend_from_slice(content);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(b"--limit--\r\n");
    form
}

pub(crate) async fn read(response: Response) -> (u16, Value) {
    (response.status().as_u16(), json(response).await)
}
