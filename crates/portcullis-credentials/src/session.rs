//! What makes two sessions different.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use portcullis_types::session::{SessionDuration, TagKey};
use portcullis_types::{AwsCredentials, ExternalId, IntegrationId, Region, Revision, RoleArn, SessionName};

use crate::plan::{Plan, Wording};
use crate::source::SourceFingerprint;

/// One `AssumeRole` call, apart from who makes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AssumeRole {
    /// The role.
    pub role_arn: RoleArn,
    /// Always sent for an integration's own role: a trust policy without the condition ignores it. `None` for hops without
    /// one, and to prove that a role cannot be had without it.
    pub external_id: Option<ExternalId>,
    /// The region whose STS endpoint is called.
    pub region: Region,
    /// The session's name in CloudTrail and in denials.
    pub session_name: SessionName,
    /// How long the session is to last: at most an hour when the caller is itself an assumed role.
    pub duration: SessionDuration,
    /// A session policy that narrows the role. The text itself is part of the identity: a hash could only be weaker.
    pub policy: Option<Arc<str>>,
    /// Session tags, at most 50.
    pub tags: Vec<(TagKey, String)>,
    /// Which of them go along to further roles.
    pub transitive_tag_keys: Vec<TagKey>,
    /// The source identity: 2 to 64 characters of `[\w+=,.@-]`.
    pub source_identity: Option<String>,
}

/// The calls that lead to a session, in their order. The last is for the integration's own role.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionShape {
    /// Never empty.
    pub hops: Vec<AssumeRole>,
}

/// A session that has been made, and who made it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) credentials: Arc<AwsCredentials>,
    /// The gateway's identity at that time. The session outlives it: AWS accepts it until its end.
    pub(crate) source: Arc<SourceFingerprint>,
}

/// What a session is filed under: the integration, its revision, and the session's shape (plan and wording).
///
/// Not who assumes: whoever the gateway is, the session leads to the same role for the same caller. So a gateway whose keys
/// are rotated serves what lives until its successor is there.
///
/// Never a joined string: role paths and external IDs contain any separator. Equality compares everything; parts that are
/// the same piece of memory are not read for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionKey {
    pub(crate) integration: IntegrationId,
    pub(crate) revision: Revision,
    pub(crate) plan: Arc<Plan>,
    pub(crate) wording: Wording,
}

impl Hash for SessionKey {
    /// Of what tells keys apart in practice: a revision has one plan.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.integration.hash(state);
        self.revision.hash(state);
        self.wording.hash(state);
    }
}
