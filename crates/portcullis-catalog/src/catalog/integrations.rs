//! Integrations, and the rules of external IDs.

use portcullis_types::{
    ExposeSecret as _, ExternalId, IntegrationId, OrganisationId, ProviderId, Revision, SecretString,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Catalog, listing};
use crate::error::CatalogError;
use crate::integration::{
    AuthPatch, DeleteMode, ExternalIdOrigin, Integration, IntegrationFilter, IntegrationPatch,
    IntegrationStatus, NewAuth, NewIntegration,
};
use crate::page::{Listing, Page};
use crate::store::integrations::{IntegrationRow, secret_place};
use crate::store::providers::ProviderRow;
use crate::store::{Reference, Transaction, integrations, organisations, providers};
use crate::text::{check_description, check_name, check_slug, slug_or_from_name, stored_now};

const MAX_SECRET: usize = 512;

impl Catalog {
    /// Makes an integration, and a default provider beside it when it belongs to a workspace.
    ///
    /// # Errors
    /// [`CatalogError::Conflict`] for a slug or an external ID that is taken (by whom is not said), and with the field
    /// `default_provider_slug` when the workspace has a provider of that slug already; nothing is made then.
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
        let row = self.new_integration_row(new)?;

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
        reserve(transaction, organisation, &row).await?;
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
            created_at,
            updated_at: created_at,
        };
        // A new integration is one without any access that is given some.
        self.set_auth(
            &mut row,
            match new.auth {
                NewAuth::AssumedRole { role_arn, external_id } => {
                    AuthPatch::AssumedRole { role_arn: Some(role_arn), external_id }
                }
                NewAuth::AccessKey { access_key_id, secret_access_key } => AuthPatch::AccessKey {
                    access_key_id: Some(access_key_id),
                    secret_access_key: Some(secret_access_key),
                },
                NewAuth::ServiceRole => AuthPatch::ServiceRole,
            },
        )?;
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
            expires_at: None,
            created_at: integration.created_at,
            updated_at: integration.updated_at,
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
        self.apply(&mut row, patch)?;
        reserve(transaction, organisation, &row).await?;
        integrations::update(transaction, &row).await?;
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
        row.revision += 1;
        row.updated_at = stored_now(self.0.clock.now());
        Ok(())
    }

    fn set_auth(&self, row: &mut IntegrationRow, auth: AuthPatch) -> Result<(), CatalogError> {
        match auth {
            AuthPatch::AssumedRole { role_arn, external_id } => {
                row.role_arn = role_arn.map(String::from).or_else(|| row.role_arn.take());
                if row.role_arn.is_none() {
                    return Err(CatalogError::invalid("role_arn", "is required to assume a role"));
                }
                set_external_id(row, external_id)?;
                become_kind(row, "assumedRole");
            }
            AuthPatch::AccessKey { access_key_id, secret_access_key } => {
                if access_key_id.is_some() && secret_access_key.is_none() {
                    return Err(CatalogError::invalid(
                        "secret_access_key",
                        "is required beside a new access key",
                    ));
                }
                row.access_key_id = access_key_id.map(String::from).or_else(|| row.access_key_id.take());
                if row.access_key_id.is_none() {
                    return Err(CatalogError::invalid("access_key_id", "is required to use an access key"));
                }
                if let Some(secret) = secret_access_key {
                    row.secret_access_key = Some(self.seal_secret(row.id, &secret)?);
                }
                become_kind(row, "accessKey");
            }
            AuthPatch::ServiceRole => become_kind(row, "serviceRole"),
        }
        Ok(())
    }

    fn seal_secret(&self, id: Uuid, secret: &SecretString) -> Result<Vec<u8>, CatalogError> {
        if !(1..=MAX_SECRET).contains(&secret.expose_secret().len()) {
            return Err(CatalogError::invalid("secret_access_key", "must be 1 to 512 characters"));
        }
        Ok(self.0.keys.seal_text(&secret_place(id), secret)?)
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

/// Takes away what only another kind of access needs. The external ID stays: it is the integration's for life.
fn become_kind(row: &mut IntegrationRow, kind: &str) {
    if kind != "assumedRole" {
        row.role_arn = None;
    }
    if kind != "accessKey" {
        row.access_key_id = None;
        row.secret_access_key = None;
    }
    row.auth_type = kind.into();
}

fn set_external_id(row: &mut IntegrationRow, given: Option<ExternalId>) -> Result<(), CatalogError> {
    let (external_id, origin) = match (&row.external_id, given) {
        (Some(present), Some(given)) if present != given.as_str() => {
            return Err(CatalogError::invalid(
                "external_id",
                "cannot be changed; make a new integration instead",
            ));
        }
        (Some(_), _) => return Ok(()),
        (None, Some(given)) => (given, ExternalIdOrigin::Supplied),
        (None, None) => (ExternalId::generate()?, ExternalIdOrigin::Generated),
    };
    row.external_id = Some(external_id.into());
    row.external_id_origin = Some(origin.as_str().into());
    Ok(())
}

async fn reserve(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    row: &IntegrationRow,
) -> Result<(), CatalogError> {
    let Some(external_id) = row.external_id.as_deref() else { return Ok(()) };
    let external_id: ExternalId = crate::text::parsed("integration", row.id, external_id)?;
    let now: OffsetDateTime = row.updated_at;
    integrations::reserve_external_id(transaction, organisation, &external_id, now).await
}

pub(super) async fn require_organisation(
    transaction: &mut Transaction,
    organisation: OrganisationId,
) -> Result<(), CatalogError> {
    let reference = Reference { id: Some(*organisation.as_uuid()), slug: None };
    let found = organisations::find(transaction, reference).await?;
    found.map(|_| ()).ok_or(CatalogError::NotFound { what: "organisation" })
}
