//! What a connection to Claude Platform on AWS consists of.

use std::str::FromStr;
use std::sync::Arc;

use secrecy::SecretString;

use crate::aws::{AccessKeyId, ExternalId, Region, RoleArn, WorkspaceId};
use crate::feature::FeatureSet;
use crate::session::RoleSettings;

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
    /// What it may be used for.
    pub features: FeatureSet,
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
        /// How it is reached, and what its sessions are like.
        settings: Arc<RoleSettings>,
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
    /// A workspace key of Claude Platform on AWS: a bearer token, nothing is signed.
    ApiKey {
        /// The key.
        key: SecretString,
        /// Which header carries it.
        header: ApiKeyHeader,
    },
}

/// The header that carries a workspace key. The service takes either; never both are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ApiKeyHeader {
    /// `authorization: Bearer …`, as AWS's guide and the newer SDKs have it.
    #[default]
    Authorization,
    /// `x-api-key: …`, as the older SDKs have it.
    XApiKey,
}

impl ApiKeyHeader {
    /// The header's name, which is also the name in the admin API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::XApiKey => "x-api-key",
        }
    }
}

/// Why a string is no [`ApiKeyHeader`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key goes in `authorization` or `x-api-key`")]
pub struct InvalidApiKeyHeader;

impl FromStr for ApiKeyHeader {
    type Err = InvalidApiKeyHeader;

    fn from_str(raw: &str) -> Result<Self, InvalidApiKeyHeader> {
        [Self::Authorization, Self::XApiKey]
            .into_iter()
            .find(|header| header.as_str() == raw)
            .ok_or(InvalidApiKeyHeader)
    }
}

impl AwsAuth {
    /// The name of this way in the admin API (`aws_auth_type`).
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::AssumedRole { .. } => "assumedRole",
            Self::AccessKey { .. } => "accessKey",
            Self::ServiceRole => "serviceRole",
            Self::ApiKey { .. } => "apiKey",
        }
    }
}
