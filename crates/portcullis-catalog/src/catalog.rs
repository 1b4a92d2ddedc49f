//! The catalog itself.

use std::sync::Arc;

use portcullis_types::{ApiKeyId, ApiKeySecret, OrganisationId, SharedClock, TenantWorkspaceId};
use tokio::sync::watch;

use crate::{
    ApiKey, ApiKeyFilter, CatalogError, DatabaseUrl, DeleteMode, Integration, IntegrationFilter, IntegrationPatch,
    KeyRing, Listing, NewApiKey, NewIntegration, NewOrganisation, NewProvider, NewWorkspace, Organisation, Page,
    Provider, ProviderFilter, ProviderPatch, Snapshot, Workspace,
};

/// A handle on the catalog. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Catalog;

/// What [`Catalog::bootstrap`] found or made.
#[derive(Debug)]
pub struct Bootstrap {
    /// The organisation with the slug `default`.
    pub organisation: Organisation,
    /// Its workspace with the slug `ws-default`.
    pub workspace: Workspace,
    /// The admin key, when this call generated it. The only time it can be seen.
    pub admin_key: Option<ApiKeySecret>,
}

#[expect(clippy::unused_async, reason = "the bodies follow")]
#[expect(missing_docs, reason = "the bodies follow")]
impl Catalog {
    pub async fn open(_url: &DatabaseUrl, _keys: KeyRing, _clock: SharedClock) -> Result<Self, CatalogError> { unimplemented!() }
    pub fn snapshot(&self) -> Arc<Snapshot> { unimplemented!() }
    pub fn changes(&self) -> watch::Receiver<i64> { unimplemented!() }
    pub async fn refresh(&self) -> Result<(), CatalogError> { unimplemented!() }
    pub async fn watch(self) { unimplemented!() }
    pub async fn ping(&self) -> Result<(), CatalogError> { unimplemented!() }
    pub async fn close(&self) { unimplemented!() }
    pub async fn bootstrap(&self, _admin_key: Option<ApiKeySecret>) -> Result<Bootstrap, CatalogError> { unimplemented!() }
    pub async fn create_organisation(&self, _new: NewOrganisation) -> Result<Organisation, CatalogError> { unimplemented!() }
    pub async fn organisation(&self, _id: OrganisationId) -> Result<Organisation, CatalogError> { unimplemented!() }
    pub async fn create_workspace(&self, _new: NewWorkspace) -> Result<Workspace, CatalogError> { unimplemented!() }
    pub async fn workspace(&self, _organisation: OrganisationId, _slug_or_id: &str) -> Result<Workspace, CatalogError> { unimplemented!() }
    pub async fn list_workspaces(&self, _organisation: OrganisationId, _page: Page) -> Result<Listing<Workspace>, CatalogError> { unimplemented!() }
    pub async fn create_integration(&self, _new: NewIntegration) -> Result<Integration, CatalogError> { unimplemented!() }
    pub async fn integration(&self, _organisation: OrganisationId, _slug_or_id: &str) -> Result<Integration, CatalogError> { unimplemented!() }
    pub async fn list_integrations(&self, _organisation: OrganisationId, _filter: IntegrationFilter, _page: Page) -> Result<Listing<Integration>, CatalogError> { unimplemented!() }
    pub async fn update_integration(&self, _organisation: OrganisationId, _slug_or_id: &str, _patch: IntegrationPatch) -> Result<Integration, CatalogError> { unimplemented!() }
    pub async fn delete_integration(&self, _organisation: OrganisationId, _slug_or_id: &str, _mode: DeleteMode) -> Result<(), CatalogError> { unimplemented!() }
    pub async fn create_provider(&self, _new: NewProvider) -> Result<Provider, CatalogError> { unimplemented!() }
    pub async fn provider(&self, _organisation: OrganisationId, _workspace: TenantWorkspaceId, _slug_or_id: &str) -> Result<Provider, CatalogError> { unimplemented!() }
    pub async fn list_providers(&self, _organisation: OrganisationId, _filter: ProviderFilter, _page: Page) -> Result<Listing<Provider>, CatalogError> { unimplemented!() }
    pub async fn update_provider(&self, _organisation: OrganisationId, _workspace: TenantWorkspaceId, _slug_or_id: &str, _patch: ProviderPatch) -> Result<Provider, CatalogError> { unimplemented!() }
    pub async fn delete_provider(&self, _organisation: OrganisationId, _workspace: TenantWorkspaceId, _slug_or_id: &str) -> Result<(), CatalogError> { unimplemented!() }
    pub async fn create_api_key(&self, _new: NewApiKey) -> Result<(ApiKey, ApiKeySecret), CatalogError> { unimplemented!() }
    pub async fn api_key(&self, _organisation: OrganisationId, _id: ApiKeyId) -> Result<ApiKey, CatalogError> { unimplemented!() }
    pub async fn list_api_keys(&self, _organisation: OrganisationId, _filter: ApiKeyFilter, _page: Page) -> Result<Listing<ApiKey>, CatalogError> { unimplemented!() }
    pub async fn revoke_api_key(&self, _organisation: OrganisationId, _id: ApiKeyId) -> Result<(), CatalogError> { unimplemented!() }
}
