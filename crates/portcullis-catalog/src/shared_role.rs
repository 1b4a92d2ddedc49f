//! One role under two organisations: refused, unless it is proven that nobody gets in with the other one's external ID.

use portcullis_types::{ExternalId, RoleArn};

/// Whether a role is another organisation's as well. Which organisation's is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedRole {
    /// No other organisation has an integration with it.
    No,
    /// The others' last verifications say that their external IDs are enforced. Whoever comes next must prove the same.
    Proven,
    /// Of at least one of the others this is not known.
    Unproven,
}

/// States that a role was assumed with this external ID, and refused without one and with a wrong one.
///
/// Holds for this role and this external ID alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedRoleProof {
    role_arn: RoleArn,
    external_id: ExternalId,
}

impl SharedRoleProof {
    /// To be said by whoever has just seen all three answers of STS.
    #[must_use]
    pub const fn of_passed_probes(role_arn: RoleArn, external_id: ExternalId) -> Self {
        Self { role_arn, external_id }
    }

    pub(crate) fn is_for(&self, role_arn: &str, external_id: Option<&str>) -> bool {
        self.role_arn.as_str() == role_arn && Some(self.external_id.as_str()) == external_id
    }
}
