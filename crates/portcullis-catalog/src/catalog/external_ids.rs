//! External IDs: whose each is, for ever, and who chose it.

use portcullis_types::{ExternalId, OrganisationId, TenantWorkspaceId};
use time::{Duration, OffsetDateTime};

use super::Catalog;
use crate::error::CatalogError;
use crate::integration::ExternalIdOrigin;
use crate::store::integrations::IntegrationRow;
use crate::store::{Transaction, external_ids};
use crate::text::{corrupt, parsed, stored_now};

/// How many reserved external IDs of an organisation may be unused.
const MOST_UNUSED: u32 = 200;
/// How many of those the keys of one workspace may have asked for.
const MOST_UNUSED_OF_A_WORKSPACE: u32 = 50;
/// How long an unused one is kept when there is no room: long enough for whoever has to get a role made.
const KEPT: Duration = Duration::days(90);

impl Catalog {
    /// New external IDs that belong to this organisation from now on, to be written into a trust policy before there is
    /// an integration. The integration that is made with one counts as having a generated one.
    ///
    /// - `workspace`: that of the key that asks for them; `None` for an organisation's key.
    ///
    /// # Errors
    /// [`CatalogError::TooManyReserved`] when that would leave more than 200 unused in the organisation, or more than 50
    /// of this workspace's; those that are 90 days old are dropped before it comes to that.
    /// [`CatalogError::NotFound`] without such an organisation.
    pub async fn reserve_generated_external_ids(
        &self,
        organisation: OrganisationId,
        workspace: Option<TenantWorkspaceId>,
        n: usize,
    ) -> Result<Vec<ExternalId>, CatalogError> {
        let now = stored_now(self.0.clock.now());
        let mut transaction = self.0.store.write_beside().await?;
        external_ids::take_turn(&mut transaction, organisation).await?;
        make_room(&mut transaction, organisation, workspace, n, now).await?;
        let mut reserved = Vec::with_capacity(n);
        for _ in 0..n {
            let external_id = ExternalId::generate()?;
            external_ids::reserve(&mut transaction, organisation, workspace, &external_id, now).await?;
            reserved.push(external_id);
        }
        transaction.commit().await?;
        Ok(reserved)
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

/// Sees to it that `n` more reservations are within the limits.
async fn make_room(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    workspace: Option<TenantWorkspaceId>,
    n: usize,
    now: OffsetDateTime,
) -> Result<(), CatalogError> {
    let full = first_full(transaction, organisation, workspace, n).await?;
    if full.is_none() {
        return Ok(());
    }
    external_ids::drop_unused(transaction, organisation, now - KEPT).await?;
    let full = first_full(transaction, organisation, workspace, n).await?;
    full.map_or(Ok(()), |most| Err(CatalogError::TooManyReserved { most }))
}

/// The limit that `n` more reservations break, if they break one.
async fn first_full(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    workspace: Option<TenantWorkspaceId>,
    n: usize,
) -> Result<Option<u32>, CatalogError> {
    let limits = [(None, MOST_UNUSED), (workspace, MOST_UNUSED_OF_A_WORKSPACE)];
    for (of, most) in limits.into_iter().take(1 + usize::from(workspace.is_some())) {
        let n_unused = external_ids::count_unused(transaction, organisation, of).await?;
        let n_unused = usize::try_from(n_unused).unwrap_or_default();
        if n_unused + n > most as usize {
            return Ok(Some(most));
        }
    }
    Ok(None)
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
    let noted = external_ids::claim(transaction, organisation, &external_id, origin, row.updated_at).await?;
    row.external_id_origin = Some(noted.as_str().into());
    Ok(())
}
