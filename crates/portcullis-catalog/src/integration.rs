//! Integrations: stored credentials for one Anthropic workspace on Claude Platform on AWS.

use portcullis_types::{
    AccessKeyId, ApiKeyHeader, ClaudePlatformAws, ExternalId, FeatureSet, IntegrationId, OrganisationId,
    Region, Revision, RoleArn, RoleSettings, SecretString, Slug, TenantWorkspaceId, WorkspaceId,
};
use time::OffsetDateTime;

use crate::shared_role::SharedRoleProof;
use crate::verification::VerificationSummary;

/// The upstream's name in the admin API (`ai_provider_id`). The only one so far.
pub const CLAUDE_PLATFORM_AWS: &str = "claude-platform-aws";

/// How to reach one Anthropic workspace through AWS, and as whom.
#[derive(Clone, Debug)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// Whose it is.
    pub organisation_id: OrganisationId,
    /// That organisation's slug.
    pub organisation_slug: Slug,
    /// `Some` when it was made inside a workspace and serves only that one.
    pub workspace_id: Option<TenantWorkspaceId>,
    /// That workspace's slug.
    pub workspace_slug: Option<Slug>,
    /// Unique in the organisation.
    pub slug: Slug,
    /// As people know it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it serves.
    pub status: IntegrationStatus,
    /// Increases with every change. What is cached for one revision never serves another.
    pub revision: Revision,
    /// Where it leads, and as whom.
    pub platform: ClaudePlatformAws,
    /// The external ID that it keeps for life, also while it assumes no role. `None` when it never had one.
    pub external_id: Option<ExternalId>,
    /// Who chose the external ID; `None` when the integration never had one.
    pub external_id_origin: Option<ExternalIdOrigin>,
    /// What is known of whether it works.
    pub verification: VerificationSummary,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// Whether an integration serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegrationStatus {
    /// It serves.
    Active,
    /// It is kept, but its providers do not answer.
    Archived,
}

impl IntegrationStatus {
    /// The word for it in the admin API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }

    pub(crate) fn parse(raw: &str) -> Option<Self> {
        [Self::Active, Self::Archived].into_iter().find(|status| status.as_str() == raw)
    }
}

/// Who chose an external ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternalIdOrigin {
    /// The gateway did: 128 random bits.
    Generated,
    /// An operator gave the one that an existing trust policy names.
    Supplied,
}

impl ExternalIdOrigin {
    /// The word for it at rest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generated => "generated",
            Self::Supplied => "supplied",
        }
    }

    pub(crate) fn parse(raw: &str) -> Option<Self> {
        [Self::Generated, Self::Supplied].into_iter().find(|origin| origin.as_str() == raw)
    }
}

/// An integration to be made.
#[derive(Clone, Debug)]
pub struct NewIntegration {
    /// Whose it will be.
    pub organisation_id: OrganisationId,
    /// `Some`: it serves only this workspace.
    pub workspace_id: Option<TenantWorkspaceId>,
    /// Unique in the organisation; made from the name when absent. Not a UUID, which would read as an id.
    pub slug: Option<Slug>,
    /// 1 to 255 characters.
    pub name: String,
    /// Up to 2048 characters.
    pub description: Option<String>,
    /// The region of the Anthropic workspace.
    pub region: Region,
    /// The Anthropic workspace.
    pub anthropic_workspace_id: WorkspaceId,
    /// As whom.
    pub auth: NewAuth,
    /// What it may be used for.
    pub features: FeatureSet,
    /// Needed when the role is another organisation's as well.
    pub shared_role_proof: Option<SharedRoleProof>,
    /// Whether the workspace gets a provider at once. Of no effect without a workspace.
    pub create_default_provider: bool,
    /// That provider's slug; the integration's own when absent.
    pub default_provider_slug: Option<Slug>,
}

/// As whom a new integration reaches AWS.
#[derive(Clone, Debug)]
pub enum NewAuth {
    /// Assume a role, always with an external ID.
    AssumedRole {
        /// The customer's role.
        role_arn: RoleArn,
        /// `None` (the default path): the gateway generates one. `Some`: must be unused by any other organisation and
        /// by any other integration.
        external_id: Option<ExternalId>,
        /// How the role is reached, and what its sessions are like.
        settings: RoleSettings,
    },
    /// A long-term key pair of an IAM user.
    AccessKey {
        /// The public half.
        access_key_id: AccessKeyId,
        /// The secret half, 1 to 512 characters; sealed at rest.
        secret_access_key: SecretString,
    },
    /// The gateway's own identity.
    ServiceRole,
    /// A workspace key of Claude Platform on AWS.
    ApiKey {
        /// 1 to 4096 characters; sealed at rest.
        key: SecretString,
        /// Which header carries it.
        header: ApiKeyHeader,
    },
}

/// What is to change of an integration. `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct IntegrationPatch {
    /// The revision that the change was decided on; at any other one it is refused with
    /// [`CatalogError::ChangedMeanwhile`](crate::CatalogError::ChangedMeanwhile). `None`: whichever is the present one.
    pub expected_revision: Option<Revision>,
    /// 1 to 255 characters.
    pub name: Option<String>,
    /// `Some(None)` clears it.
    pub description: Option<Option<String>>,
    /// Whether it serves.
    pub status: Option<IntegrationStatus>,
    /// The region of the Anthropic workspace.
    pub region: Option<Region>,
    /// The Anthropic workspace.
    pub anthropic_workspace_id: Option<WorkspaceId>,
    /// As whom.
    pub auth: Option<AuthPatch>,
    /// What it may be used for.
    pub features: Option<FeatureSet>,
    /// Needed when the patch leads to a role that is another organisation's as well.
    pub shared_role_proof: Option<SharedRoleProof>,
}

/// What is to change of an integration's way into AWS. Another kind than the present one replaces it.
///
/// An integration keeps its external ID for life, also while another kind of access is in use.
#[derive(Clone, Debug)]
pub enum AuthPatch {
    /// Assume a role.
    AssumedRole {
        /// Needed when the integration has no role yet.
        role_arn: Option<RoleArn>,
        /// Once there is one, only the same one is accepted.
        external_id: Option<ExternalId>,
        /// Replaces all settings.
        settings: Option<RoleSettings>,
    },
    /// A long-term key pair.
    AccessKey {
        /// Needed when the integration has no key pair yet. A new one needs its secret half beside it.
        access_key_id: Option<AccessKeyId>,
        /// The secret half, 1 to 512 characters.
        secret_access_key: Option<SecretString>,
    },
    /// The gateway's own identity.
    ServiceRole,
    /// A workspace key.
    ApiKey {
        /// Needed when the integration has no such key yet. 1 to 4096 characters.
        key: Option<SecretString>,
        /// Which header carries it.
        header: Option<ApiKeyHeader>,
    },
}

/// Which integrations a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct IntegrationFilter {
    /// Of those made inside workspaces, only this one's.
    pub workspace_id: Option<TenantWorkspaceId>,
    /// Made where.
    pub level: IntegrationLevel,
}

/// Where an integration was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntegrationLevel {
    /// Anywhere.
    #[default]
    All,
    /// At the organisation, for all its workspaces.
    Organisation,
    /// Inside a workspace, for that one.
    Workspace,
}

/// What happens to the providers of an integration that is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteMode {
    /// As long as there are any, the deletion is refused.
    Restrict,
    /// They go with it.
    Force,
}
