//! Organisations and workspaces.

use portcullis_types::{OrganisationId, TenantWorkspaceId};

use super::Catalog;
use crate::error::CatalogError;
use crate::organisation::{NewOrganisation, NewWorkspace, Organisation, Workspace};
use crate::page::{Listing, Page};
use crate::store::{Reference, organisations};
use crate::text::{check_description, check_name, check_slug, slug_or_from_name, stored_now};

impl Catalog {
    /// Makes an organisation.
    ///
    /// # Errors
    /// [`CatalogError::Conflict`] when the slug is taken; [`CatalogError::Invalid`] when a text breaks its rule.
    pub async fn create_organisation(&self, new: NewOrganisation) -> Result<Organisation, CatalogError> {
        check_name("name", &new.name)?;
        check_slug("slug", &new.slug)?;
        let organisation = self.new_organisation(new);
        let mut write = self.0.store.write().await?;
        organisations::insert(&mut write.transaction, &organisation).await?;
        self.commit(write).await?;
        Ok(organisation)
    }

    pub(super) fn new_organisation(&self, new: NewOrganisation) -> Organisation {
        let now = self.0.clock.now();
        let created_at = stored_now(now);
        let id = OrganisationId::generate(now);
        Organisation { id, slug: new.slug, name: new.name, created_at, updated_at: created_at }
    }

    /// An organisation by its id.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when there is none.
    pub async fn organisation(&self, id: OrganisationId) -> Result<Organisation, CatalogError> {
        let reference = Reference { id: Some(*id.as_uuid()), slug: None };
        let found = organisations::find(&mut self.0.store.read().await?, reference).await?;
        found.ok_or(CatalogError::NotFound { what: "organisation" })
    }

    /// Whether there is no other organisation: what this one may see of the whole process is nobody else's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn is_only_organisation(&self, id: OrganisationId) -> Result<bool, CatalogError> {
        Ok(!organisations::are_others(&mut self.0.store.read().await?, id).await?)
    }

    /// Makes a workspace.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] without such an organisation, [`CatalogError::Conflict`] when the slug is taken,
    /// [`CatalogError::Invalid`] when a text breaks its rule.
    pub async fn create_workspace(&self, new: NewWorkspace) -> Result<Workspace, CatalogError> {
        check_name("name", &new.name)?;
        check_description("description", new.description.as_deref())?;
        let workspace = self.new_workspace(new)?;
        let mut write = self.0.store.write().await?;
        let reference = Reference { id: Some(*workspace.organisation_id.as_uuid()), slug: None };
        if organisations::find(&mut write.transaction, reference).await?.is_none() {
            return Err(CatalogError::NotFound { what: "organisation" });
        }
        organisations::insert_workspace(&mut write.transaction, &workspace).await?;
        self.commit(write).await?;
        Ok(workspace)
    }

    pub(super) fn new_workspace(&self, new: NewWorkspace) -> Result<Workspace, CatalogError> {
        let now = self.0.clock.now();
        let created_at = stored_now(now);
        Ok(Workspace {
            id: TenantWorkspaceId::generate(now),
            organisation_id: new.organisation_id,
            slug: slug_or_from_name("slug", new.slug, "ws-", &new.name)?,
            name: new.name,
            description: new.description,
            created_at,
            updated_at: created_at,
        })
    }

    /// A workspace of an organisation.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the organisation has none of this slug or id.
    pub async fn workspace(
        &self,
        organisation: OrganisationId,
        slug_or_id: &str,
    ) -> Result<Workspace, CatalogError> {
        let mut read = self.0.store.read().await?;
        organisations::find_workspace(&mut read, organisation, Reference::parse(slug_or_id)).await
    }

    /// The workspaces of an organisation.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_workspaces(
        &self,
        organisation: OrganisationId,
        page: Page,
    ) -> Result<Listing<Workspace>, CatalogError> {
        let mut read = self.0.store.read().await?;
        let total = organisations::count_workspaces(&mut read, organisation).await?;
        let data = organisations::list_workspaces(&mut read, organisation, page).await?;
        Ok(Listing { total: u64::try_from(total).unwrap_or_default(), data })
    }
}
