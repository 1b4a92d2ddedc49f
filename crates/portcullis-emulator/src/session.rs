//! A role session: the credentials that STS gave out, and everything that was said when it was opened.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::SystemTime;

use serde::Serialize;

use crate::iam::Policy;
use crate::state::{BASE62, random_text};

const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What a session is opened for.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) account: String,
    pub(crate) role_name: String,
    pub(crate) role_arn: String,
    pub(crate) session_name: String,
    pub(crate) expires_at: SystemTime,
    pub(crate) policy: Option<Policy>,
    /// Sent or inherited.
    pub(crate) tags: BTreeMap<String, String>,
    /// The keys that the next session of a chain inherits, in lower case.
    pub(crate) transitive_tag_keys: BTreeSet<String>,
    pub(crate) source_identity: Option<String>,
    pub(crate) external_id: Option<String>,
    /// The ARN of who asked, or the name of the service that did.
    pub(crate) opened_by: String,
    /// Whether it is what a workload starts from, instead of a role that a caller assumed.
    pub(crate) is_source: bool,
}

/// Temporary credentials with what they stand for.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: String,
    pub(crate) assumed_role_id: String,
    pub(crate) grant: Grant,
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").field("arn", &self.arn()).finish_non_exhaustive()
    }
}

impl Session {
    /// Makes up credentials.
    pub(crate) fn open(grant: Grant) -> Self {
        Self {
            access_key_id: format!("ASIA{}", random_text(UPPER, 16)),
            secret_access_key: random_text(BASE62, 40),
            session_token: format!("IQoJb3JpZ2luEMULATOR{}", random_text(BASE62, 340)),
            assumed_role_id: format!("AROA{}:{}", random_text(UPPER, 17), grant.session_name),
            grant,
        }
    }

    pub(crate) fn arn(&self) -> String {
        let Grant { account, role_name, session_name, .. } = &self.grant;
        format!("arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}")
    }

    /// What the next session of a chain inherits.
    pub(crate) fn transitive_tags(&self) -> BTreeMap<String, String> {
        let is_transitive = |key: &str| self.grant.transitive_tag_keys.contains(&key.to_ascii_lowercase());
        self.grant
            .tags
            .iter()
            .filter(|(key, _)| is_transitive(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    pub(crate) fn origin(&self) -> SessionOrigin {
        SessionOrigin {
            session_arn: self.arn(),
            role_arn: self.grant.role_arn.clone(),
            session_name: self.grant.session_name.clone(),
            external_id: self.grant.external_id.clone(),
            tags: self.grant.tags.clone(),
            source_identity: self.grant.source_identity.clone(),
            opened_by: self.grant.opened_by.clone(),
            expires_at: self.grant.expires_at,
        }
    }
}

/// Where temporary credentials come from: whose they are, and what was said to get them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionOrigin {
    /// `arn:aws:sts::<account>:assumed-role/<role>/<session name>`.
    pub session_arn: String,
    /// The role.
    pub role_arn: String,
    /// `RoleSessionName`.
    pub session_name: String,
    /// The external ID that the credentials were asked for with.
    pub external_id: Option<String>,
    /// Session tags, inherited ones included.
    pub tags: BTreeMap<String, String>,
    /// The source identity, sent or inherited.
    pub source_identity: Option<String>,
    /// The ARN of who asked, or the name of the service that did, such as `ec2.amazonaws.com`.
    pub opened_by: String,
    /// When they end. In JSON seconds and nanoseconds since 1970.
    pub expires_at: SystemTime,
}
