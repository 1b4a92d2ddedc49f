//! The rule of roles that two organisations use. It is checked inside the transaction that writes, so that of two who come
//! at once only one is the first.

use portcullis_types::{OrganisationId, RoleArn, RoleHop};

use super::Catalog;
use crate::error::CatalogError;
use crate::shared_role::{SharedRole, SharedRoleProof};
use crate::store::integrations::IntegrationRow;
use crate::store::{Transaction, external_ids, shared_roles};
use crate::text::parsed;

impl Catalog {
    /// Whether other organisations use this role. Asked again when an integration is written.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn role_is_shared(
        &self,
        organisation: OrganisationId,
        role_arn: &RoleArn,
    ) -> Result<SharedRole, CatalogError> {
        let mut read = self.0.store.read().await?;
        shared_roles::sharing(&mut read, organisation, role_arn).await
    }
}

/// Whether the row may have its role and its chain; what it had `before` it may keep.
///
/// # Errors
/// [`CatalogError::Conflict`] with the field `role_arn` or `role_chain`. Whose the role is, is not said.
pub(super) async fn check_roles(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    row: &IntegrationRow,
    before: Option<&IntegrationRow>,
    proof: Option<&SharedRoleProof>,
) -> Result<(), CatalogError> {
    let Some(role_arn) = row.role_arn.as_deref() else { return Ok(()) };
    if before.is_none_or(|before| before.role_arn.as_deref() != Some(role_arn)) {
        let is_proven = proof.is_some_and(|proof| proof.is_for(role_arn, row.external_id.as_deref()));
        let role_arn: RoleArn = parsed("integration", row.id, role_arn)?;
        match shared_roles::sharing(transaction, organisation, &role_arn).await? {
            SharedRole::No => {}
            SharedRole::Proven if is_proven => {}
            SharedRole::Proven | SharedRole::Unproven => return Err(conflict("role_arn")),
        }
    }
    if before.is_none_or(|before| before.role_settings != row.role_settings) {
        for hop in row.role_settings()?.role_chain {
            check_hop(transaction, organisation, &hop).await?;
        }
    }
    Ok(())
}

/// A role on the way may be many organisations' (the operator's own, say), but no integration's of another one; neither
/// may it be reached with the external ID of another one.
async fn check_hop(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    hop: &RoleHop,
) -> Result<(), CatalogError> {
    let mut is_theirs = shared_roles::is_own_of_others(transaction, organisation, &hop.role_arn).await?;
    if let Some(external_id) = &hop.external_id {
        is_theirs |= external_ids::is_of_others(transaction, organisation, external_id.as_str()).await?;
    }
    if is_theirs { Err(conflict("role_chain")) } else { Ok(()) }
}

const fn conflict(field: &'static str) -> CatalogError {
    CatalogError::Conflict { what: "integration", field }
}
