//! External IDs: whose each is, for ever, and who chose it.

use portcullis_types::{ExternalId, OrganisationId, TenantWorkspaceId};

use super::Catalog;
use super::integrations::require_organisation;
use crate::error::CatalogError;
use crate::integration::ExternalIdOrigin;
use crate::store::integrations::IntegrationRow;
use crate::store::{Transaction, external_ids};
use crate::text::{corrupt, parsed, stored_now};

impl Catalog {
    /// A new external ID that belongs to this organisation from now on, to be written into a trust policy before there is
    /// an integration. The integration that is made with it counts as having a generated one.
    ///
    /// - `workspace`: that of the key that asks for it; `None` for an organisation's key.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] without such an organisation.
    pub async fn reserve_generated_external_id(
        &self,
        organisation: OrganisationId,
        workspace: Option<TenantWorkspaceId>,
    ) -> Result<ExternalId, CatalogError> {
        let external_id = ExternalId::generate()?;
        let now = stored_now(self.0.clock.now());
        let mut transaction = self.0.store.write_beside().await?;
        require_organisation(&mut transaction, organisation).await?;
        let origin = ExternalIdOrigin::Generated;
        external_ids::reserve(&mut transaction, organisation, &external_id, origin, workspace, now).await?;
        transaction.commit().await?;
        Ok(external_id)
    }

    /// Whether this external ID was reserved for a key of this workspace. Of one that was reserved for another workspace,
    /// or for the organisation, a tenant could only know from somebody else's trust policy.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn is_external_id_reserved_for(
        &self,
        workspace: TenantWorkspaceId,
        external_id: &ExternalId,
    ) -> Result<bool, CatalogError> {
        let mut read = self.0.store.read().await?;
        external_ids::is_reserved_for(&mut read, workspace, external_id).await
    }
}

/// Makes the row's external ID its organisation's. One that the gateway had generated for it before keeps that origin.
///
/// # Errors
/// [`CatalogError::Conflict`] when it is another organisation's.
pub(super) async fn reserve_external_id(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    row: &mut IntegrationRow,
) -> Result<(), CatalogError> {
    let Some(external_id) = row.external_id.as_deref() else { return Ok(()) };
    let external_id: ExternalId = parsed("integration", row.id, external_id)?;
    let origin = row.external_id_origin.as_deref().and_then(ExternalIdOrigin::parse);
    let origin = origin.ok_or_else(|| corrupt("integration", row.id, "unknown external ID origin"))?;
    let noted =
        external_ids::reserve(transaction, organisation, &external_id, origin, None, row.updated_at).await?;
    row.external_id_origin = Some(noted.as_str().into());
    Ok(())
}
