//! API keys.

use portcullis_types::{ApiKeyId, ApiKeySecret, ExposeSecret as _, OrganisationId};
use sqlx::types::Json;

use super::integrations::require_organisation;
use super::{Catalog, listing};
use crate::api_key::{ApiKey, ApiKeyFilter, KeyKind, NewApiKey};
use crate::error::CatalogError;
use crate::page::{Listing, Page};
use crate::store::api_keys::{self, ApiKeyRow};
use crate::store::{Reference, organisations};
use crate::text::{check_description, check_name, stored_now, stored_time};

impl Catalog {
    /// Makes a key. Its secret is here, now, and nowhere afterwards.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] when a value breaks its rule (see [`NewApiKey`]); [`CatalogError::NotFound`] without such
    /// an organisation or workspace.
    pub async fn create_api_key(&self, new: NewApiKey) -> Result<(ApiKey, ApiKeySecret), CatalogError> {
        self.check_new_key(&new)?;
        let (organisation, workspace) = (new.organisation_id, new.workspace_id);
        let secret = ApiKeySecret::generate()?;
        let row = self.new_key_row(new, &secret);
        let mut write = self.0.store.write().await?;
        let transaction = &mut write.transaction;
        require_organisation(transaction, organisation).await?;
        if let Some(workspace) = workspace {
            let reference = Reference { id: Some(*workspace.as_uuid()), slug: None };
            organisations::find_workspace(transaction, organisation, reference).await?;
        }
        api_keys::insert(transaction, &row).await?;
        let stored = row.read(self.0.clock.now())?;
        self.commit(write).await?;
        Ok((stored, secret))
    }

    fn check_new_key(&self, new: &NewApiKey) -> Result<(), CatalogError> {
        check_name("name", &new.name)?;
        check_description("description", new.description.as_deref())?;
        let is_workspaces = new.kind != KeyKind::OrganisationService;
        let is_persons = new.kind == KeyKind::WorkspaceUser;
        let error = match (&new.workspace_id, &new.user_id) {
            (None, _) if is_workspaces => ("workspace_id", "is required for a workspace's key"),
            (Some(_), _) if !is_workspaces => ("workspace_id", "must be absent from an organisation's key"),
            (_, None) if is_persons => ("user_id", "is required for a person's key"),
            (_, Some(_)) if !is_persons => ("user_id", "must be absent from a service's key"),
            _ if new.on_unsupported.is_some() && !is_workspaces => {
                ("on_unsupported", "must be absent from an organisation's key")
            }
            _ if new.scopes.is_empty() => ("scopes", "must name at least one scope"),
            _ => {
                new.user_id.as_deref().map_or(Ok(()), |user_id| check_name("user_id", user_id))?;
                if new.expires_at.is_some_and(|end| end <= self.0.clock.now()) {
                    return Err(CatalogError::invalid("expires_at", "must lie in the future"));
                }
                return Ok(());
            }
        };
        Err(CatalogError::invalid(error.0, error.1))
    }

    pub(super) fn new_key_row(&self, mut new: NewApiKey, secret: &ApiKeySecret) -> ApiKeyRow {
        let now = self.0.clock.now();
        let created_at = stored_now(now);
        let pepper = self.0.keys.pepper();
        new.scopes.sort_unstable();
        new.scopes.dedup();
        ApiKeyRow {
            id: *ApiKeyId::generate(now).as_uuid(),
            organisation_id: *new.organisation_id.as_uuid(),
            workspace_id: new.workspace_id.map(|id| *id.as_uuid()),
            kind: new.kind.as_str().into(),
            user_id: new.user_id,
            name: new.name,
            description: new.description,
            on_unsupported: new.on_unsupported.map(|asked| asked.as_str().into()),
            scopes: Json(new.scopes.iter().map(ToString::to_string).collect()),
            digest: pepper.digest(secret.expose_secret()).to_vec(),
            digest_key_id: pepper.key_id.to_vec(),
            last_four: secret.last_four().into(),
            expires_at: new.expires_at.map(stored_time),
            created_at,
            updated_at: created_at,
        }
    }

    /// A key of an organisation.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the organisation has no such key, or has revoked it.
    pub async fn api_key(&self, organisation: OrganisationId, id: ApiKeyId) -> Result<ApiKey, CatalogError> {
        let row = api_keys::find(&mut self.0.store.read().await?, organisation, id).await?;
        row.read(self.0.clock.now())
    }

    /// The keys of an organisation that are not revoked, oldest first. A row that cannot be read is logged and left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_api_keys(
        &self,
        organisation: OrganisationId,
        filter: ApiKeyFilter,
        page: Page,
    ) -> Result<Listing<ApiKey>, CatalogError> {
        let mut read = self.0.store.read().await?;
        let total = api_keys::count(&mut read, organisation, filter).await?;
        let rows = api_keys::list(&mut read, organisation, filter, page).await?;
        let now = self.0.clock.now();
        Ok(listing(total, rows.into_iter().map(|row| row.read(now))))
    }

    /// Revokes a key, for good. When this returns, this process no longer knows it.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the organisation has no such key, or has revoked it already.
    pub async fn revoke_api_key(
        &self,
        organisation: OrganisationId,
        id: ApiKeyId,
    ) -> Result<(), CatalogError> {
        let mut write = self.0.store.write().await?;
        let now = stored_now(self.0.clock.now());
        if !api_keys::revoke(&mut write.transaction, organisation, id, now).await? {
            return Err(CatalogError::NotFound { what: "api key" });
        }
        self.commit(write).await
    }
}
