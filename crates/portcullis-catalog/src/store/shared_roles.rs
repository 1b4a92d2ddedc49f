//! Statements on who else uses a role.

use portcullis_types::{OrganisationId, RoleArn, RoleSettings};

use super::{Transaction, statement};
use crate::error::CatalogError;
use crate::shared_role::SharedRole;

/// Whether other organisations use this role: as an integration's own, or on the way to it.
///
/// A role on the way is never proven: verification asks after the integration's own alone.
pub(crate) async fn sharing(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    role_arn: &RoleArn,
) -> Result<SharedRole, CatalogError> {
    let (n_others, n_unproven) = own_uses(transaction, organisation, role_arn).await?;
    let is_hop = is_hop_of_others(transaction, organisation, role_arn).await?;
    Ok(match (n_others, n_unproven, is_hop) {
        (0, _, false) => SharedRole::No,
        (_, 0, false) => SharedRole::Proven,
        _ => SharedRole::Unproven,
    })
}

/// Whether the role is another organisation's integration's own.
pub(crate) async fn is_own_of_others(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    role_arn: &RoleArn,
) -> Result<bool, CatalogError> {
    Ok(own_uses(transaction, organisation, role_arn).await?.0 > 0)
}

/// How many integrations of other organisations have this role as their own, and of how many it is not known that they
/// are held to their external ID. Archived ones count: they may come back.
async fn own_uses(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    role_arn: &RoleArn,
) -> Result<(i64, i64), CatalogError> {
    statement!(transaction, "looking for a role", |connection| {
        sqlx::query_as(
            "select count(*), count(case when v.external_id_enforced and v.revision = i.revision then null else 1 end) \
             from integrations i left join integration_verifications v on v.integration_id = i.id \
             where i.role_arn = $1 and i.organisation_id <> $2",
        )
        .bind(role_arn.as_str())
        .bind(*organisation.as_uuid())
        .fetch_one(connection)
    })
}

async fn is_hop_of_others(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    role_arn: &RoleArn,
) -> Result<bool, CatalogError> {
    // Finds too much (SQLite ignores case here, and a policy may name the role too), so each is read.
    let pattern = format!("%\"{}\"%", role_arn.as_str().replace('_', "\\_"));
    let candidates: Vec<String> = statement!(transaction, "looking for a role in chains", |connection| {
        sqlx::query_scalar(
            "select role_settings from integrations where role_settings like $1 escape '\\' and organisation_id <> $2",
        )
        .bind(&pattern)
        .bind(*organisation.as_uuid())
        .fetch_all(connection)
    })?;
    let is_hop = |json: &String| match serde_json::from_str::<RoleSettings>(json) {
        Ok(settings) => settings.role_chain.iter().any(|hop| hop.role_arn == *role_arn),
        // Unreadable, and names the role: nothing speaks for it.
        Err(_) => true,
    };
    Ok(candidates.iter().any(is_hop))
}
