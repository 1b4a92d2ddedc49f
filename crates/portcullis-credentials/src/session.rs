//! What makes two sessions different.

use std::sync::Arc;

use portcullis_types::{ExternalId, IntegrationId, Region, Revision, RoleArn, SessionName};

use crate::source::SourceFingerprint;

/// One `AssumeRole` call, apart from who makes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionShape {
    /// The customer's role.
    pub role_arn: RoleArn,
    /// Always sent: a trust policy without the condition ignores it.
    pub external_id: ExternalId,
    /// The region whose STS endpoint is called.
    pub region: Region,
    /// The session's name in CloudTrail and in denials.
    pub session_name: SessionName,
    /// Seconds the session is to last: 900 to 43,200, at most 3600 when the caller is itself an assumed role.
    pub duration_seconds: i32,
    /// A session policy that narrows the role. The text itself is part of the identity: a hash could only be weaker.
    pub policy: Option<Arc<str>>,
}

/// What a session is filed under. Never a joined string: role paths and external IDs contain any separator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey {
    pub(crate) integration: IntegrationId,
    pub(crate) revision: Revision,
    pub(crate) source: Arc<SourceFingerprint>,
    pub(crate) shape: SessionShape,
}
