//! What the tests ask credentials for.

use std::sync::Arc;

use portcullis_types::{AwsAuth, ClaudePlatformAws, ExternalId, FeatureSet, RoleArn, SessionSubject};

/// An integration with nothing but the least.
pub(crate) fn platform(region: &str, role_arn: RoleArn, external_id: ExternalId) -> ClaudePlatformAws {
    ClaudePlatformAws {
        region: region.parse().unwrap(),
        workspace_id: "wrkspc_01AbCdEf23GhIj".parse().unwrap(),
        auth: AwsAuth::AssumedRole { role_arn, external_id, settings: Arc::default() },
        features: FeatureSet::default(),
    }
}

/// Nobody in particular, in the workspace `default`.
pub(crate) fn subject() -> SessionSubject<'static> {
    SessionSubject {
        organisation: "acme",
        workspace: "default",
        integration: "claude",
        key: None,
        user: None,
        metadata: None,
    }
}
