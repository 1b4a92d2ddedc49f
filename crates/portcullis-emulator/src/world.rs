//! What exists in the emulated AWS: accounts, principals, roles and workspaces.
//!
//! Start at [`World::example`], the world that `portcullis emulate` shows. A world has a JSON form (serde), and
//! `with_…` methods to change it in tests.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::iam::Policy;

mod example;
mod source;

pub use example::*;
pub use source::{SourceIdentities, WebIdentity};

/// Everything that exists. Keys of the maps: account id, role name, workspace id.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// The Anthropic organisation that answers name.
    pub organization_id: String,
    /// AWS accounts by their 12 digits.
    pub accounts: BTreeMap<String, Account>,
    /// IAM users with long-term keys.
    pub principals: Vec<Principal>,
    /// IAM roles by name; names are unique across accounts here.
    pub roles: BTreeMap<String, Role>,
    /// API keys of the platform.
    #[serde(default)]
    pub api_keys: Vec<ApiKey>,
    /// What a gateway inside AWS finds beside it.
    #[serde(default)]
    pub sources: SourceIdentities,
    /// Anthropic workspaces by id.
    pub workspaces: BTreeMap<String, Workspace>,
    /// Whether each region has an endpoint of its own, as on AWS: the one a request is for is then the one that its
    /// signature names, and a workspace of another region is not found there. Off, the workspace says which region's
    /// signature is the right one.
    #[serde(default)]
    pub regional_endpoints: bool,
    /// Whether `anthropic-workspace-id` must be among the signed headers. AWS does not ask for it.
    #[serde(default = "yes")]
    pub workspace_header_must_be_signed: bool,
}

/// One AWS account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Whether outbound web identity federation is enabled. It is off in a new AWS account.
    pub federation: bool,
    /// Whether the account has subscribed to Claude Platform on AWS.
    #[serde(default = "yes")]
    pub subscribed: bool,
    /// What its organisation lets any of its principals do; everything if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_control_policy: Option<Policy>,
    /// Regions in which STS is not activated for the account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sts_inactive_regions: Vec<String>,
    /// The models it has access to, by id; all if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
}

impl Account {
    /// An account that is ready to use: federation on, subscribed, without limits.
    #[must_use]
    pub fn ready() -> Self {
        Self { federation: true, subscribed: true, ..Self::default() }
    }
}

/// An IAM user with a long-term key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// `arn:aws:iam::<account>:user/<name>`.
    pub arn: String,
    /// 12 digits.
    pub account: String,
    /// `AKIA…`.
    pub access_key_id: String,
    /// Left out of what the control API shows.
    #[serde(default)]
    pub secret_access_key: String,
    /// What the user may do.
    pub policy: Policy,
}

impl fmt::Debug for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Principal")
            .field("arn", &self.arn)
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// An API key of the platform, long-term or short-term. Short-term keys that were computed from credentials of this
/// world need no entry: they are verified.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// What is sent. Left out of what the control API shows.
    #[serde(default)]
    pub key: String,
    /// The IAM identity behind the key.
    pub principal_arn: String,
    /// 12 digits.
    pub account: String,
    /// What that identity may do. Every call takes `aws-external-anthropic:CallWithBearerToken` on `*` beside the
    /// action of its route.
    pub policy: Policy,
    /// What policies see as `aws-external-anthropic:BearerTokenType`.
    pub kind: ApiKeyKind,
    /// The only region that the key works in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// How long an API key lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiKeyKind {
    /// A service-specific credential of an IAM user.
    LongTerm,
    /// Computed from other credentials, for twelve hours at most.
    ShortTerm,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ApiKey").field("principal_arn", &self.principal_arn).finish_non_exhaustive()
    }
}

/// An IAM role.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// 12 digits.
    pub account: String,
    /// Between slashes, `/` for none.
    #[serde(default = "root_path")]
    pub path: String,
    /// Who may assume it.
    pub trust_policy: Policy,
    /// What it may do.
    pub permissions_policy: Policy,
    /// What it may do at most; everything if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<Policy>,
    /// Seconds, 3600 to 43200.
    #[serde(default = "one_hour")]
    pub max_session_duration: u32,
}

/// An Anthropic workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workspace {
    /// The account that it belongs to, 12 digits.
    pub account: String,
    /// The only region whose endpoint serves it.
    pub region: String,
}

fn yes() -> bool {
    true
}

fn one_hour() -> u32 {
    3600
}

fn root_path() -> String {
    "/".to_owned()
}

impl World {
    /// Adds or replaces a role.
    #[must_use]
    pub fn with_role(mut self, name: &str, role: Role) -> Self {
        self.roles.insert(name.to_owned(), role);
        self
    }

    /// Adds or replaces an account.
    #[must_use]
    pub fn with_account(mut self, id: &str, account: Account) -> Self {
        self.accounts.insert(id.to_owned(), account);
        self
    }

    /// Adds or replaces a workspace.
    #[must_use]
    pub fn with_workspace(mut self, id: &str, workspace: Workspace) -> Self {
        self.workspaces.insert(id.to_owned(), workspace);
        self
    }

    /// Adds an IAM user.
    #[must_use]
    pub fn with_principal(mut self, principal: Principal) -> Self {
        self.principals.push(principal);
        self
    }

    /// Adds an API key.
    #[must_use]
    pub fn with_api_key(mut self, key: ApiKey) -> Self {
        self.api_keys.push(key);
        self
    }

    /// The role of this ARN, with its name.
    #[must_use]
    pub fn role_by_arn(&self, arn: &str) -> Option<(&str, &Role)> {
        self.roles.iter().find(|(name, role)| role.arn(name) == arn).map(|(name, role)| (name.as_str(), role))
    }
}

impl World {
    /// The policy that the account's organisation sets for it.
    pub(crate) fn service_control_policy(&self, account: &str) -> Option<Policy> {
        self.accounts.get(account).and_then(|account| account.service_control_policy.clone())
    }
}

impl Role {
    /// The role's ARN, given its name.
    #[must_use]
    pub fn arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role{}{name}", self.account, self.path)
    }
}

impl Workspace {
    /// The workspace's ARN, given its id.
    #[must_use]
    pub fn arn(&self, id: &str) -> String {
        format!("arn:aws:aws-external-anthropic:{}:{}:workspace/{id}", self.region, self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_world_survives_its_json_form() {
        let json = serde_json::to_value(World::example()).unwrap();
        let world: World = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&world).unwrap(), json);
        assert!(world.role_by_arn(ROLE_ARN).is_some());
    }

    #[test]
    fn debug_hides_the_secret() {
        let text = format!("{:?}", World::example());
        assert!(!text.contains(GATEWAY_SECRET_ACCESS_KEY) && !text.contains(API_KEY));
        for token in [CONTAINER_TOKEN, WEB_IDENTITY_TOKEN, SSO_ACCESS_TOKEN] {
            assert!(!text.contains(token));
        }
    }
}
