//! What a connection to Claude Platform on AWS consists of.

use secrecy::SecretString;

use crate::aws::{AccessKeyId, ExternalId, Region, RoleArn, WorkspaceId};

/// How often an integration has been changed, from 1. A session of one revision never serves another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Revision(pub i64);

/// Where an integration leads, and as whom.
#[derive(Clone, Debug)]
pub struct ClaudePlatformAws {
    /// The region of the Anthropic workspace: part of the host's name and of every signature.
    pub region: Region,
    /// The Anthropic workspace, sent and signed with every request.
    pub workspace_id: WorkspaceId,
    /// As whom.
    pub auth: AwsAuth,
}

/// How the gateway authenticates to AWS for one integration.
#[derive(Clone, Debug)]
pub enum AwsAuth {
    /// Assume this role through STS, always with the external ID.
    AssumedRole {
        /// The customer's role.
        role_arn: RoleArn,
        /// What the role's trust policy demands; unique to the integration.
        external_id: ExternalId,
    },
    /// A long-term key pair of an IAM user.
    AccessKey {
        /// The public half.
        access_key_id: AccessKeyId,
        /// The secret half.
        secret_access_key: SecretString,
    },
    /// The gateway's own identity, whatever the standard AWS chain finds.
    ServiceRole,
}

impl AwsAuth {
    /// The name of this way in the admin API (`aws_auth_type`).
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::AssumedRole { .. } => "assumedRole",
            Self::AccessKey { .. } => "accessKey",
            Self::ServiceRole => "serviceRole",
        }
    }
}
