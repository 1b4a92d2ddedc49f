//! Integrations, from creation to deletion. The rules of their access stand in [`access`].

use portcullis_types::{
    FeatureSet, IntegrationId, OrganisationId, ProviderId, Revision, TranslationSettings,
};
use sqlx::types::Json;
use uuid::Uuid;

use super::external_ids::reserve_external_id;
use super::providers::translation_column;
use super::shared_roles::check_roles;
use super::{Catalog, listing};
use crate::error::CatalogError;
use crate::integration::{
    DeleteMode, Integration, IntegrationFilter, IntegrationPatch, IntegrationStatus, NewIntegration,
};
use crate::page::{Listing, Page};
use crate::store::integrations::IntegrationRow;
use crate::store::providers::ProviderRow;
use crate::store::verifications::VerificationColumns;
use crate::store::{Reference, Transaction, integrations, organisations, providers, verifications};
use crate::text::{check_description, check_name, check_slug, slug_or_from_name, stored_now};

mod access;

impl Catalog {
    /// Makes an integration, and a default provider beside it when it belongs to a workspace.
    ///
    /// # Errors
    /// [`CatalogError::Conflict`] for a slug or an external ID that is taken (by whom is not said), with the field
    /// `role_arn` or `role_chain` for a role that another organisation uses (see [`SharedRole`](crate::SharedRole)), and
    /// with the field `default_provider_slug` when the workspace has a provider of that slug already; nothing is made then.
    /// [`CatalogError::NotFound`] without such a workspace; [`CatalogError::Invalid`] when a value breaks its rule.
    pub async fn create_integration(&self, new: NewIntegration) -> Result<Integration, CatalogError> {
        check_name("name", &new.name)?;
        check_description("description", new.description.as_deref())?;
        if let Some(slug) = &new.default_provider_slug {
            check_slug("default_provider_slug", slug)?;
        }
        let organisation = new.organisation_id;
        let create_default_provider = new.create_default_provider;
        let default_provider_slug = new.default_provider_slug.clone();
        let proof = new.shared_role_proof.clone();
        let mut row = self.new_integration_row(new)?;

        let mut write = self.0.store.write().await?;
        let transaction = &mut write.transaction;
        require_organisation(transaction, organisation).await?;
        let workspace = match row.workspace_id {
            Some(id) => {
                let reference = Reference { id: Some(id), slug: None };
                Some(organisations::find_workspace(transaction, organisation, reference).await?)
            }
            None => None,
        };
        reserve_external_id(transaction, organisation, &mut row).await?;
        check_roles(transaction, organisation, &row, None, proof.as_ref()).await?;
        integrations::insert(transaction, &row).await?;
        if let Some(workspace) = workspace.filter(|_| create_default_provider) {
            let slug = default_provider_slug.as_ref().map_or(row.slug.as_str(), |slug| slug.as_str());
            let provider = self.default_provider_row(&row, *workspace.id.as_uuid(), slug);
            providers::insert(transaction, &provider).await.map_err(|error| match error {
                CatalogError::Conflict { what, .. } => {
                    CatalogError::Conflict { what, field: "default_provider_slug" }
                }
                other => other,
            })?;
        }
        let stored = self.read_back(transaction, organisation, row.id).await?;
        self.commit(write).await?;
        Ok(stored)
    }

    fn new_integration_row(&self, new: NewIntegration) -> Result<IntegrationRow, CatalogError> {
        let now = self.0.clock.now();
        let created_at = stored_now(now);
        let mut row = IntegrationRow {
            id: *IntegrationId::generate(now).as_uuid(),
            organisation_id: *new.organisation_id.as_uuid(),
            workspace_id: new.workspace_id.map(|id| *id.as_uuid()),
            organisation_slug: String::new(),
            workspace_slug: None,
            slug: slug_or_from_name("slug", new.slug, "", &new.name)?.into(),
            name: new.name,
            description: new.description,
            status: IntegrationStatus::Active.as_str().into(),
            revision: 1,
            auth_type: String::new(),
            region: new.region.into(),
            anthropic_workspace_id: new.anthropic_workspace_id.into(),
            role_arn: None,
            external_id: None,
            external_id_origin: None,
            access_key_id: None,
            secret_access_key: None,
            api_key: None,
            api_key_header: None,
            role_settings: None,
            features: features_column(&new.features),
            created_at,
            updated_at: created_at,
            verification: VerificationColumns::default(),
        };
        // A new integration is one without any access that is given some.
        self.set_auth(&mut row, new.auth.into())?;
        Ok(row)
    }

    fn default_provider_row(&self, integration: &IntegrationRow, workspace: Uuid, slug: &str) -> ProviderRow {
        ProviderRow {
            id: *ProviderId::generate(self.0.clock.now()).as_uuid(),
            organisation_id: integration.organisation_id,
            workspace_id: workspace,
            workspace_slug: String::new(),
            integration_id: integration.id,
            integration_slug: String::new(),
            slug: slug.into(),
            name: integration.name.clone(),
            note: None,
            translation: translation_column(&TranslationSettings::default()),
            expires_at: None,
            created_at: integration.created_at,
            updated_at: integration.updated_at,
            integration_revision: integration.revision,
            verification: VerificationColumns::default(),
        }
    }

    async fn read_back(
        &self,
        transaction: &mut Transaction,
        organisation: OrganisationId,
        id: Uuid,
    ) -> Result<Integration, CatalogError> {
        let reference = Reference { id: Some(id), slug: None };
        integrations::find(transaction, organisation, reference).await?.read(&self.0.keys)
    }

    /// An integration of an organisation.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the organisation has none of this slug or id; [`CatalogError::Corrupt`] when its
    /// row cannot be read.
    pub async fn integration(
        &self,
        organisation: OrganisationId,
        slug_or_id: &str,
    ) -> Result<Integration, CatalogError> {
        let mut read = self.0.store.read().await?;
        let row = integrations::find(&mut read, organisation, Reference::parse(slug_or_id)).await?;
        row.read(&self.0.keys)
    }

    /// The integrations of an organisation, oldest first. A row that cannot be read is logged and left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_integrations(
        &self,
        organisation: OrganisationId,
        filter: IntegrationFilter,
        page: Page,
    ) -> Result<Listing<Integration>, CatalogError> {
        let mut read = self.0.store.read().await?;
        let total = integrations::count(&mut read, organisation, filter).await?;
        let rows = integrations::list(&mut read, organisation, filter, page).await?;
        Ok(listing(total, rows.into_iter().map(|row| row.read(&self.0.keys))))
    }

    /// Changes an integration, and increments its revision.
    ///
    /// # Errors
    /// [`CatalogError::ChangedMeanwhile`] when the patch expects another revision than the present one;
    /// [`CatalogError::Invalid`] with the field `external_id` when another external ID is given than it has; an
    /// integration keeps its own for life. Otherwise as [`Catalog::create_integration`].
    pub async fn update_integration(
        &self,
        organisation: OrganisationId,
        slug_or_id: &str,
        patch: IntegrationPatch,
    ) -> Result<Integration, CatalogError> {
        let mut write = self.0.store.write().await?;
        let transaction = &mut write.transaction;
        let mut row = integrations::find(transaction, organisation, Reference::parse(slug_or_id)).await?;
        if patch.expected_revision.is_some_and(|expected| expected != Revision(row.revision)) {
            return Err(CatalogError::ChangedMeanwhile { what: "integration" });
        }
        let before = row.clone();
        let proof = patch.shared_role_proof.clone();
        self.apply(&mut row, patch)?;
        if before.external_id.is_none() {
            reserve_external_id(transaction, organisation, &mut row).await?;
        }
        check_roles(transaction, organisation, &row, Some(&before), proof.as_ref()).await?;
        integrations::update(transaction, &row).await?;
        if row.leads_as(&before) {
            verifications::take_along(transaction, row.id, before.revision, row.revision).await?;
        } else if !row.has_the_door_of(&before) {
            verifications::forget_unsafe(transaction, row.id).await?;
        }
        let stored = self.read_back(transaction, organisation, row.id).await?;
        self.commit(write).await?;
        Ok(stored)
    }

    fn apply(&self, row: &mut IntegrationRow, patch: IntegrationPatch) -> Result<(), CatalogError> {
        if let Some(name) = patch.name {
            check_name("name", &name)?;
            row.name = name;
        }
        if let Some(description) = patch.description {
            check_description("description", description.as_deref())?;
            row.description = description;
        }
        if let Some(status) = patch.status {
            row.status = status.as_str().into();
        }
        if let Some(region) = patch.region {
            row.region = region.into();
        }
        if let Some(workspace_id) = patch.anthropic_workspace_id {
            row.anthropic_workspace_id = workspace_id.into();
        }
        if let Some(auth) = patch.auth {
            self.set_auth(row, auth)?;
        }
        if let Some(features) = patch.features {
            row.features = features_column(&features);
        }
        row.revision += 1;
        row.updated_at = stored_now(self.0.clock.now());
        Ok(())
    }

    /// Deletes an integration. Its external ID stays reserved for the organisation.
    ///
    /// # Errors
    /// [`CatalogError::InUse`] with the slugs of its providers, unless `mode` is [`DeleteMode::Force`];
    /// [`CatalogError::NotFound`] when the organisation has none of this slug or id.
    pub async fn delete_integration(
        &self,
        organisation: OrganisationId,
        slug_or_id: &str,
        mode: DeleteMode,
    ) -> Result<(), CatalogError> {
        let mut write = self.0.store.write().await?;
        let transaction = &mut write.transaction;
        let row = integrations::find(transaction, organisation, Reference::parse(slug_or_id)).await?;
        match mode {
            DeleteMode::Restrict => {
                let by = providers::slugs_of(transaction, row.id).await?;
                if !by.is_empty() {
                    return Err(CatalogError::InUse { what: "integration", by });
                }
            }
            DeleteMode::Force => providers::delete_of(transaction, row.id).await?,
        }
        integrations::delete(transaction, row.id).await?;
        self.commit(write).await
    }
}

fn features_column(features: &FeatureSet) -> Json<Vec<String>> {
    Json(features.iter().map(|feature| feature.as_str().to_owned()).collect())
}

pub(super) async fn require_organisation(
    transaction: &mut Transaction,
    organisation: OrganisationId,
) -> Result<(), CatalogError> {
    let reference = Reference { id: Some(*organisation.as_uuid()), slug: None };
    let found = organisations::find(transaction, reference).await?;
    found.map(|_| ()).ok_or(CatalogError::NotFound { what: "organisation" })
}
