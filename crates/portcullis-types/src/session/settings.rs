//! The settings of an assumed role's sessions, as an operator writes them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::SessionTemplate;
use crate::aws::{ExternalId, RoleArn};
use crate::parsed::parsed_string;

/// How a role is reached and what its sessions are like. The default is the shortest way: one hop, AWS's default
/// duration, the session named after workspace and integration, and a policy that narrows it to its purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoleSettings {
    /// Roles to go through before the integration's own, in this order. At most [`RoleSettings::LONGEST_CHAIN`].
    pub role_chain: Vec<RoleHop>,
    /// How long a session lasts; one hour when absent.
    pub duration_seconds: Option<SessionDuration>,
    /// The session's name; `pcs-{workspace}-{integration}` when absent.
    pub session_name: Option<SessionTemplate>,
    /// Session tags, at most [`RoleSettings::MOST_TAGS`]. No two keys are the same, in any case.
    pub session_tags: Vec<SessionTag>,
    /// Which of the tags go along to further roles.
    pub transitive_tag_keys: Vec<TagKey>,
    /// The source identity, which stays with every session made from this one.
    pub source_identity: Option<SessionTemplate>,
    /// What narrows the session.
    pub session_policy: SessionPolicy,
}

impl RoleSettings {
    /// Hops before the integration's own role.
    pub const LONGEST_CHAIN: usize = 4;
    /// Session tags in one call.
    pub const MOST_TAGS: usize = 50;

    /// Whether sessions differ between callers of one workspace.
    #[must_use]
    pub fn depends_on_caller(&self) -> bool {
        let templates = self.session_name.iter().chain(&self.source_identity);
        templates
            .chain(self.session_tags.iter().map(|tag| &tag.value))
            .any(SessionTemplate::depends_on_caller)
    }

    /// The names of everything that a caller's metadata may say of a session, each once.
    #[must_use]
    pub fn metadata_names(&self) -> BTreeSet<&str> {
        let hops = self.role_chain.iter().filter_map(|hop| hop.session_name.as_ref());
        let tags = self.session_tags.iter().map(|tag| &tag.value);
        let templates = self.session_name.iter().chain(&self.source_identity).chain(hops).chain(tags);
        templates.flat_map(SessionTemplate::metadata_names).collect()
    }
}

/// A role on the way to the integration's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleHop {
    /// The role.
    pub role_arn: RoleArn,
    /// What its trust policy demands, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// The name of this hop's session; that of the integration when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<SessionTemplate>,
}

/// One session tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionTag {
    /// Its key.
    pub key: TagKey,
    /// Its value. A tag whose value needs something that is not known is left out.
    pub value: SessionTemplate,
}

/// Why a string is no [`TagKey`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tag key is 1 to 128 letters, digits, spaces and `_.:/=+-@`, and does not start with `aws:`")]
pub struct InvalidTagKey;

parsed_string! {
    /// The key of a session tag. AWS compares keys without regard to case.
    TagKey, InvalidTagKey, parse_tag_key
}

fn parse_tag_key(raw: &str) -> Result<(), InvalidTagKey> {
    let allowed = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
    let fits = (1..=128).contains(&raw.chars().count()) && raw.chars().all(allowed);
    let is_reserved = raw.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    if fits && !is_reserved { Ok(()) } else { Err(InvalidTagKey) }
}

/// Why a number is no [`SessionDuration`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session lasts 900 to 43200 seconds")]
pub struct InvalidSessionDuration;

/// Seconds, 900 to 43,200. What AWS grants may be less: the role's own maximum, or an hour when a role assumes a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct SessionDuration(u32);

impl SessionDuration {
    /// The shortest that AWS makes.
    pub const SHORTEST: Self = Self(900);
    /// What AWS makes unasked, and the most when a role assumes a role.
    pub const HOUR: Self = Self(3600);

    /// The seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0
    }

    /// Half of it, but not less than [`SessionDuration::SHORTEST`]. `None` when it is that already.
    #[must_use]
    pub fn halved(self) -> Option<Self> {
        (self > Self::SHORTEST).then(|| Self((self.0 / 2).max(Self::SHORTEST.0)))
    }
}

impl TryFrom<u32> for SessionDuration {
    type Error = InvalidSessionDuration;

    fn try_from(seconds: u32) -> Result<Self, InvalidSessionDuration> {
        if (900..=43_200).contains(&seconds) { Ok(Self(seconds)) } else { Err(InvalidSessionDuration) }
    }
}

impl From<SessionDuration> for u32 {
    fn from(duration: SessionDuration) -> Self {
        duration.0
    }
}

/// What narrows the sessions of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionPolicy {
    /// A policy made for the integration: its workspace, the actions of its features, and nothing else.
    #[default]
    Generated,
    /// None: a session may do whatever the role may.
    Off,
    /// One that the operator wrote.
    Custom(PolicyDocument),
}

/// Why a text is no [`PolicyDocument`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSessionPolicy {
    /// Too long for AWS.
    #[error(
        "a session policy has at most 2048 characters without the spaces between its parts, this one {0}"
    )]
    TooLong(usize),
    /// A character that AWS does not accept.
    #[error("a session policy has characters of ASCII and Latin-1 only")]
    Character,
    /// Not the shape of a policy.
    #[error("a session policy is a JSON object with a `Statement`, without any `Principal`")]
    Shape,
}

/// A session policy as it goes to AWS: compact JSON, at most 2048 characters.
///
/// Source: STS API reference, `AssumeRole` (`Policy`: U+0009, U+000A, U+000D, U+0020 to U+00FF).
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct PolicyDocument(Arc<str>);

impl PolicyDocument {
    /// The most characters that AWS accepts.
    pub const LONGEST: usize = 2048;

    /// The compact JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same, to be shared.
    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl TryFrom<Value> for PolicyDocument {
    type Error = InvalidSessionPolicy;

    fn try_from(document: Value) -> Result<Self, InvalidSessionPolicy> {
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) if !statements.is_empty() => statements.as_slice(),
            Some(one @ Value::Object(_)) => std::slice::from_ref(one),
            _ => return Err(InvalidSessionPolicy::Shape),
        };
        let is_statement = |value: &Value| {
            value.is_object() && value.get("Principal").is_none() && value.get("NotPrincipal").is_none()
        };
        if !statements.iter().all(is_statement) {
            return Err(InvalidSessionPolicy::Shape);
        }
        let text = document.to_string();
        if text.chars().any(|c| !matches!(c, '\u{20}'..='\u{ff}')) {
            return Err(InvalidSessionPolicy::Character);
        }
        let length = text.chars().count();
        if length > Self::LONGEST {
            Err(InvalidSessionPolicy::TooLong(length))
        } else {
            Ok(Self(text.into()))
        }
    }
}

impl From<PolicyDocument> for Value {
    fn from(policy: PolicyDocument) -> Self {
        serde_json::from_str(&policy.0).expect("it was made from a JSON value")
    }
}
