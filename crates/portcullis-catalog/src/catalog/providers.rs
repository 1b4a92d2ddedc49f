//! Providers.

use portcullis_types::{OrganisationId, ProviderId, TenantWorkspaceId, TranslationSettings};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Catalog, listing};
use crate::error::CatalogError;
use crate::page::{Listing, Page};
use crate::provider::{NewProvider, Provider, ProviderFilter, ProviderPatch};
use crate::store::providers::ProviderRow;
use crate::store::verifications::VerificationColumns;
use crate::store::{Reference, Transaction, integrations, organisations, providers};
use crate::text::{check_description, check_name, slug_or_from_name, stored_now, stored_time};

impl Catalog {
    /// Makes a provider: a workspace's handle on an integration of its organisation or of its own.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] without such a workspace or integration, also when the integration is another
    /// workspace's; [`CatalogError::Conflict`] when the workspace has a provider of this slug;
    /// [`CatalogError::Invalid`] when a value breaks its rule.
    pub async fn create_provider(&self, new: NewProvider) -> Result<Provider, CatalogError> {
        check_name("name", &new.name)?;
        check_description("note", new.note.as_deref())?;
        let slug = slug_or_from_name("slug", new.slug, "", &new.name)?;
        let (organisation, workspace) = (new.organisation_id, new.workspace_id);
        let mut write = self.0.store.write().await?;
        let transaction = &mut write.transaction;
        let reference = Reference { id: Some(*workspace.as_uuid()), slug: None };
        organisations::find_workspace(transaction, organisation, reference).await?;
        let integration =
            integrations::find(transaction, organisation, Reference::parse(&new.integration)).await?;
        if integration.workspace_id.is_some_and(|owner| owner != *workspace.as_uuid()) {
            return Err(CatalogError::NotFound { what: "integration" });
        }
        let now = self.0.clock.now();
        let created_at = stored_now(now);
        let row = ProviderRow {
            id: *ProviderId::generate(now).as_uuid(),
            organisation_id: *organisation.as_uuid(),
            workspace_id: *workspace.as_uuid(),
            workspace_slug: String::new(),
            integration_id: integration.id,
            integration_slug: String::new(),
            slug: slug.into(),
            name: new.name,
            note: new.note,
            translation: translation_column(&new.translation),
            expires_at: new.expires_at.map(stored_time),
            created_at,
            updated_at: created_at,
            integration_revision: integration.revision,
            verification: VerificationColumns::default(),
        };
        providers::insert(transaction, &row).await?;
        let stored = self.provider_by_id(transaction, organisation, workspace, row.id).await?;
        self.commit(write).await?;
        Ok(stored)
    }

    async fn provider_by_id(
        &self,
        transaction: &mut Transaction,
        organisation: OrganisationId,
        workspace: TenantWorkspaceId,
        id: Uuid,
    ) -> Result<Provider, CatalogError> {
        let reference = Reference { id: Some(id), slug: None };
        providers::find(transaction, organisation, workspace, reference).await?.read(self.0.clock.now())
    }

    /// A provider of a workspace.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the workspace has none of this slug or id.
    pub async fn provider(
        &self,
        organisation: OrganisationId,
        workspace: TenantWorkspaceId,
        slug_or_id: &str,
    ) -> Result<Provider, CatalogError> {
        let mut read = self.0.store.read().await?;
        let row = providers::find(&mut read, organisation, workspace, Reference::parse(slug_or_id)).await?;
        row.read(self.0.clock.now())
    }

    /// The providers of an organisation, oldest first. A row that cannot be read is logged and left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_providers(
        &self,
        organisation: OrganisationId,
        filter: ProviderFilter,
        page: Page,
    ) -> Result<Listing<Provider>, CatalogError> {
        let mut read = self.0.store.read().await?;
        let total = providers::count(&mut read, organisation, filter).await?;
        let rows = providers::list(&mut read, organisation, filter, page).await?;
        let now = self.0.clock.now();
        Ok(listing(total, rows.into_iter().map(|row| row.read(now))))
    }

    /// Changes a provider.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the workspace has none of this slug or id; [`CatalogError::Invalid`] when a value
    /// breaks its rule.
    pub async fn update_provider(
        &self,
        organisation: OrganisationId,
        workspace: TenantWorkspaceId,
        slug_or_id: &str,
        patch: ProviderPatch,
    ) -> Result<Provider, CatalogError> {
        let mut write = self.0.store.write().await?;
        let transaction = &mut write.transaction;
        let reference = Reference::parse(slug_or_id);
        let mut row = providers::find(transaction, organisation, workspace, reference).await?;
        if let Some(name) = patch.name {
            check_name("name", &name)?;
            row.name = name;
        }
        if let Some(note) = patch.note {
            check_description("note", note.as_deref())?;
            row.note = note;
        }
        if let Some(translation) = patch.translation {
            row.translation = translation_column(&translation);
        }
        if let Some(expires_at) = patch.expires_at {
            row.expires_at = expires_at.map(stored_time);
        }
        row.updated_at = stored_now(self.0.clock.now());
        providers::update(transaction, &row).await?;
        let stored = row.read(self.0.clock.now())?;
        self.commit(write).await?;
        Ok(stored)
    }

    /// Deletes a provider.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the workspace has none of this slug or id.
    pub async fn delete_provider(
        &self,
        organisation: OrganisationId,
        workspace: TenantWorkspaceId,
        slug_or_id: &str,
    ) -> Result<(), CatalogError> {
        let mut write = self.0.store.write().await?;
        let transaction = &mut write.transaction;
        let row = providers::find(transaction, organisation, workspace, Reference::parse(slug_or_id)).await?;
        providers::delete(transaction, row.id).await?;
        self.commit(write).await
    }
}

/// As it lies in the table: without what is left to its default.
pub(super) fn translation_column(settings: &TranslationSettings) -> Json<serde_json::Value> {
    Json(serde_json::to_value(settings).expect("words, numbers and truth values are JSON"))
}
