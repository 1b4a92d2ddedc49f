//! What an operator decides: which workspaces, for what, through which role.

use std::collections::BTreeSet;
use std::str::FromStr;

use portcullis_types::{
    AccountId, ExternalId, FeatureSet, MaxSessionDuration, PrincipalArn, Region, RoleName, RolePath,
    WorkspaceId,
};

use super::partition;

/// One role in a customer's account, and the integrations that are to use it.
#[derive(Clone, Debug)]
pub struct OnboardingPlan {
    /// The role's name.
    pub role_name: RoleName,
    /// Where it stands; `/` for most.
    pub role_path: RolePath,
    /// The account of role and workspaces. `None`: whichever the artefacts are applied in.
    pub account: Option<AccountId>,
    /// Whom the role trusts: the gateway's own identity.
    pub gateway_principal: PrincipalArn,
    /// The workspaces, each with the integration that is to lead there. At least one.
    pub targets: Vec<Target>,
    /// What the integrations are for.
    pub features: FeatureSet,
    /// Grant on the targets' workspaces alone, instead of on every workspace of the account.
    pub restrict_to_workspaces: bool,
    /// Let the gateway pass session tags.
    pub with_session_tags: bool,
    /// Let the gateway set a source identity.
    pub with_source_identity: bool,
    /// Let the role's credentials make short-term API keys that work.
    pub with_bearer_tokens: bool,
    /// The longest that the role lets a session last.
    pub max_session_duration: MaxSessionDuration,
}

/// A workspace, and the integration that is to lead there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The workspace's region.
    pub region: Region,
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// What the integration will send. Its own: two integrations never share one.
    pub external_id: ExternalId,
    /// The integration's name.
    pub integration: String,
}

/// Why a plan makes no artefacts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OnboardingError {
    /// Nothing to lead to.
    #[error("a role needs at least one region with a workspace")]
    NoTarget,
    /// One external ID for two integrations.
    #[error(
        "two integrations have the external ID `{0}`: each needs its own, or one could use the other's role"
    )]
    SharedExternalId(ExternalId),
    /// A role is never assumed across partitions.
    #[error(
        "`{region}` belongs to the partition `{partition}` and {other} to `{other_partition}`: no role is assumed from one partition in another"
    )]
    Partitions {
        /// The region.
        region: Region,
        /// Its partition.
        partition: &'static str,
        /// What stands in another: the gateway's principal, or the first region.
        other: String,
        /// That other partition.
        other_partition: String,
    },
    /// IAM's quota for trust policies.
    #[error(
        "the trust policy has {length} characters with its {n_external_ids} external IDs, and IAM takes {longest} unless the account's quota was raised: use several roles"
    )]
    TrustPolicyTooLarge {
        /// Characters without the spaces between its parts.
        length: usize,
        /// IAM's default quota.
        longest: usize,
        /// How many integrations were to share the role.
        n_external_ids: usize,
    },
    /// IAM's limit for the inline policies of a role.
    #[error(
        "the permission policy has {length} characters with its {n_workspaces} workspaces, and IAM takes {longest}: use several roles, or grant every workspace of the account"
    )]
    PermissionPolicyTooLarge {
        /// Characters without the spaces between its parts.
        length: usize,
        /// IAM's limit.
        longest: usize,
        /// How many workspaces it names.
        n_workspaces: usize,
    },
}

impl OnboardingPlan {
    /// The partition of every region, which must be the gateway's own.
    ///
    /// # Errors
    /// [`OnboardingError`] when there is no target, when two share an external ID, or when the partitions differ.
    pub(super) fn partition(&self) -> Result<&'static str, OnboardingError> {
        let first = self.targets.first().ok_or(OnboardingError::NoTarget)?;
        let partition = partition::of_region(&first.region);
        let mut external_ids = BTreeSet::new();
        for target in &self.targets {
            let own = partition::of_region(&target.region);
            if own != partition {
                return Err(differ(target, own, format!("`{}`", first.region), partition));
            }
            if !external_ids.insert(&target.external_id) {
                return Err(OnboardingError::SharedExternalId(target.external_id.clone()));
            }
        }
        if self.gateway_principal.partition() == partition {
            Ok(partition)
        } else {
            let gateway = format!("the gateway's principal `{}`", self.gateway_principal);
            Err(differ(first, partition, gateway, self.gateway_principal.partition()))
        }
    }
}

fn differ(target: &Target, partition: &'static str, other: String, other_partition: &str) -> OnboardingError {
    let region = target.region.clone();
    OnboardingError::Partitions { region, partition, other, other_partition: other_partition.into() }
}

/// Features by one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Inference, and what clients use to find models and to measure prompts.
    InferenceOnly,
    /// Everything that the gateway serves. It is not everything of the service: agents, vaults and workspaces are not in it.
    Full,
}

impl Preset {
    /// The features.
    #[must_use]
    pub fn features(self) -> FeatureSet {
        match self {
            Self::InferenceOnly => FeatureSet::default(),
            Self::Full => FeatureSet::all(),
        }
    }
}

/// Why a string is no [`Preset`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a preset of features is `inference_only` or `full`")]
pub struct InvalidPreset;

impl FromStr for Preset {
    type Err = InvalidPreset;

    fn from_str(raw: &str) -> Result<Self, InvalidPreset> {
        match raw {
            "inference_only" => Ok(Self::InferenceOnly),
            "full" => Ok(Self::Full),
            _ => Err(InvalidPreset),
        }
    }
}
