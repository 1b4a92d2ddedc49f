//! Who there is in a test: an AWS in which one key pair may do everything, and the tenants who reach it through integrations
//! and providers.

use portcullis_catalog::{
    Bootstrap, Catalog, KeyKind, NewApiKey, NewAuth, NewIntegration, NewProvider, NewWorkspace,
    ProviderPatch, Scope,
};
use portcullis_emulator::world::{CUSTOMER_ACCOUNT, Principal, REGION, WORKSPACE_ID, World, full_access};
use portcullis_emulator::{Emulator, EmulatorHandle};
use portcullis_types::{ExposeSecret, FeatureSet, OnUnsupported, TenantWorkspaceId, TranslationSettings};
use tokio::net::TcpListener;

/// A user of the customer's account who may do everything.
const KEY_ID: &str = "AKIATENANTSEXAMPLE01";
const KEY_SECRET: &str = "tenants/test/not/a/real/secret/EXAMPLEKEY";

/// An emulated AWS in which the integrations of [`Tenants`] may do everything.
pub(crate) async fn aws() -> EmulatorHandle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let aws = Emulator::builder().world(World::example()).build().spawn(listener).unwrap();
    aws.change_world(|world| {
        world.principals.push(Principal {
            arn: format!("arn:aws:iam::{CUSTOMER_ACCOUNT}:user/tenants"),
            account: CUSTOMER_ACCOUNT.into(),
            access_key_id: KEY_ID.into(),
            secret_access_key: KEY_SECRET.into(),
            policy: full_access(),
        });
    });
    aws
}

/// A catalog and the organisation it began with.
pub(crate) struct Tenants {
    pub(crate) catalog: Catalog,
    made: Bootstrap,
}

impl Tenants {
    /// With the integration `claude`, and its provider of the same name in the first workspace.
    pub(crate) async fn of(catalog: Catalog, features: FeatureSet) -> Self {
        let made = catalog.bootstrap(None).await.unwrap();
        let tenants = Self { catalog, made };
        tenants.integration("claude", features).await;
        tenants.provider(tenants.workspace(), "claude").await;
        tenants
    }

    /// The first workspace.
    pub(crate) fn workspace(&self) -> TenantWorkspaceId {
        self.made.workspace.id
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
            translation: TranslationSettings::default(),
            expires_at: None,
        };
        self.catalog.create_provider(new).await.unwrap();
    }

    /// Changes the provider of the first workspace.
    pub(crate) async fn change_provider(&self, patch: ProviderPatch) {
        let organisation = self.made.organisation.id;
        self.catalog.update_provider(organisation, self.workspace(), "claude", patch).await.unwrap();
    }

    /// Deletes the provider of the first workspace.
    pub(crate) async fn delete_provider(&self) {
        let organisation = self.made.organisation.id;
        self.catalog.delete_provider(organisation, self.workspace(), "claude").await.unwrap();
    }

    /// Another workspace that leads to the same place.
    pub(crate) async fn other_workspace(&self) -> TenantWorkspaceId {
        let new = NewWorkspace {
            organisation_id: self.made.organisation.id,
            slug: None,
            name: "Neighbours".into(),
            description: None,
        };
        let workspace = self.catalog.create_workspace(new).await.unwrap();
        self.provider(workspace.id, "claude").await;
        workspace.id
    }

    /// A key of a workspace.
    pub(crate) async fn key(
        &self,
        workspace: TenantWorkspaceId,
        scope: Scope,
        on_unsupported: Option<OnUnsupported>,
    ) -> String {
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
        secret.expose_secret().to_owned()
    }
}
