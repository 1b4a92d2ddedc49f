//! A gateway before an upstream, with as many tenant workspaces as a test needs.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use portcullis_catalog::{
    Bootstrap, Catalog, DatabaseUrl, KeyKind, KeyRing, NewApiKey, NewAuth, NewIntegration, NewProvider,
    NewWorkspace, ProviderPatch, Scope,
};
use portcullis_credentials::{CredentialEngine, EngineSettings};
use portcullis_emulator::world::{CUSTOMER_ACCOUNT, Principal, REGION, WORKSPACE_ID, World, full_access};
use portcullis_emulator::{Emulator, EmulatorHandle};
use portcullis_gateway::{Gateway, GatewaySettings};
use portcullis_types::{
    ExposeSecret, Feature, FeatureSet, OnUnsupported, SharedClock, SystemClock, TenantWorkspaceId,
};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::stage::json;

/// A user of the customer's account who may do everything.
const KEY_ID: &str = "AKIANATIVEEXAMPLE001";
const KEY_SECRET: &str = "native/test/not/a/real/secret/EXAMPLEKEY";

pub(crate) struct Scene {
    pub(crate) router: Router,
    pub(crate) catalog: Catalog,
    made: Bootstrap,
    _folder: tempfile::TempDir,
}

/// An emulated AWS in which [`Scene`]'s key pair may do everything.
pub(crate) async fn aws() -> EmulatorHandle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let aws = Emulator::builder().world(World::example()).build().spawn(listener).unwrap();
    aws.change_world(|world| {
        world.principals.push(Principal {
            arn: format!("arn:aws:iam::{CUSTOMER_ACCOUNT}:user/native"),
            account: CUSTOMER_ACCOUNT.into(),
            access_key_id: KEY_ID.into(),
            secret_access_key: KEY_SECRET.into(),
            policy: full_access(),
        });
    });
    aws
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
        let made = catalog.bootstrap(None).await.unwrap();
        let mut settings =
            GatewaySettings { upstream_base: base.parse().unwrap(), ..GatewaySettings::default() };
        adjust(&mut settings);
        let engine = CredentialEngine::from_environment(EngineSettings::new(Arc::clone(&clock))).await;
        let drain = CancellationToken::new();
        let gateway = Gateway::new(catalog.clone(), Arc::new(engine), settings, clock, drain).unwrap();
        let scene = Self { router: portcullis_gateway::router(gateway), catalog, made, _folder: folder };
        scene.integration("claude", features).await;
        scene.provider(scene.made.workspace.id, "claude").await;
        scene
    }

    /// Another integration of the same place.
    pub(crate) async fn integration(&self, slug: &str, features: FeatureSet) {
        let new = NewIntegration {
            organisation_id: self.made.organisation.id,
            workspace_id: None,
            slug: Some(slug.parse().unwrap()),
            name: slug.into(),
            description: None,
            region: REGION.parse().unwrap(),
            anthropic_workspace_id: WORKSPACE_ID.parse().unwrap(),
            auth: NewAuth::AccessKey {
                access_key_id: KEY_ID.parse().unwrap(),
                secret_access_key: KEY_SECRET.into(),
            },
            features,
            shared_role_proof: None,
            create_default_provider: false,
            default_provider_slug: None,
        };
        self.catalog.create_integration(new).await.unwrap();
    }

    /// A provider of a workspace for the integration of the same slug.
    pub(crate) async fn provider(&self, workspace_id: TenantWorkspaceId, slug: &str) {
        let new = NewProvider {
            organisation_id: self.made.organisation.id,
            workspace_id,
            integration: slug.into(),
            slug: Some(slug.parse().unwrap()),
            name: slug.into(),
            note: None,
            translation: portcullis_types::TranslationSettings::default(),
            expires_at: None,
        };
        self.catalog.create_provider(new).await.unwrap();
    }

    /// The first workspace.
    pub(crate) fn workspace(&self) -> TenantWorkspaceId {
        self.made.workspace.id
    }

    /// A tenant of the first workspace.
    pub(crate) async fn tenant(&self) -> Tenant<'_> {
        self.tenant_of(self.made.workspace.id, Scope::COMPLETIONS_WRITE).await
    }

    /// A tenant of another workspace that leads to the same place.
    pub(crate) async fn neighbour(&self) -> Tenant<'_> {
        let new = NewWorkspace {
            organisation_id: self.made.organisation.id,
            slug: None,
            name: "Neighbours".into(),
            description: None,
        };
        let workspace = self.catalog.create_workspace(new).await.unwrap();
        self.provider(workspace.id, "claude").await;
        self.tenant_of(workspace.id, Scope::COMPLETIONS_WRITE).await
    }

    /// A tenant whose key refuses, or allows, what is lossy.
    pub(crate) async fn strict_tenant(&self, on_unsupported: OnUnsupported) -> Tenant<'_> {
        self.holder(self.made.workspace.id, Scope::COMPLETIONS_WRITE, Some(on_unsupported)).await
    }

    pub(crate) async fn tenant_of(&self, workspace: TenantWorkspaceId, scope: Scope) -> Tenant<'_> {
        self.holder(workspace, scope, None).await
    }

    /// Changes the provider of the first workspace.
    pub(crate) async fn change_provider(&self, patch: ProviderPatch) {
        let (organisation, workspace) = (self.made.organisation.id, self.made.workspace.id);
        self.catalog.update_provider(organisation, workspace, "claude", patch).await.unwrap();
    }

    async fn holder(
        &self,
        workspace: TenantWorkspaceId,
        scope: Scope,
        on_unsupported: Option<OnUnsupported>,
    ) -> Tenant<'_> {
        let new = NewApiKey {
            organisation_id: self.made.organisation.id,
            workspace_id: Some(workspace),
            kind: KeyKind::WorkspaceService,
            user_id: None,
            name: "test".into(),
            description: None,
            scopes: vec![scope],
            on_unsupported,
            expires_at: None,
        };
        let (_, secret) = self.catalog.create_api_key(new).await.unwrap();
        Tenant { scene: self, key: secret.expose_secret().to_owned() }
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
