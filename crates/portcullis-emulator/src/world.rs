//! What exists in the emulated AWS: accounts, principals, roles and workspaces.
//!
//! Start at [`World::example`], the world that `portcullis emulate` shows. A world has a JSON form (serde), and
//! `with_…` methods to change it in tests.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::iam::Policy;

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
    /// Anthropic workspaces by id.
    pub workspaces: BTreeMap<String, Workspace>,
    /// Whether `anthropic-workspace-id` must be among the signed headers. AWS does not ask for it.
    #[serde(default = "yes")]
    pub workspace_header_must_be_signed: bool,
}

/// One AWS account.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Whether outbound web identity federation is enabled. It is off in a new AWS account.
    pub federation: bool,
    /// Whether the account has subscribed to Claude Platform on AWS.
    #[serde(default = "yes")]
    pub subscribed: bool,
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

/// The gateway's account in the example world.
pub const GATEWAY_ACCOUNT: &str = "111122223333";
/// The customer's account in the example world.
pub const CUSTOMER_ACCOUNT: &str = "123456789012";
/// The gateway's user in the example world.
pub const GATEWAY_ARN: &str = "arn:aws:iam::111122223333:user/portcullis-gateway";
/// The access key id of the gateway's user. Exists nowhere else.
pub const GATEWAY_ACCESS_KEY_ID: &str = "AKIAEMULATOREXAMPLE1";
/// The secret of the gateway's user. Made up for the emulator, opens nothing.
pub const GATEWAY_SECRET_ACCESS_KEY: &str = "emulator/only/not/a/real/secret/EXAMPLEKEY";
/// The role that the example world lets the gateway assume.
pub const ROLE_ARN: &str = "arn:aws:iam::123456789012:role/portcullis-claude";
/// The external ID that the role asks for.
pub const EXTERNAL_ID: &str = "portcullis-emulator-external-id";
/// The customer's workspace, in [`REGION`].
pub const WORKSPACE_ID: &str = "wrkspc_01AbCdEf23GhIj";
/// The region of the workspace.
pub const REGION: &str = "us-west-2";

impl World {
    /// The world that `portcullis emulate` shows: the gateway's user in one account, and in the customer's account a
    /// role that asks for an external ID, with a workspace in us-west-2 and another in eu-central-1.
    #[must_use]
    pub fn example() -> Self {
        let account = Account { federation: true, subscribed: true };
        let gateway = Principal {
            arn: GATEWAY_ARN.into(),
            account: GATEWAY_ACCOUNT.into(),
            access_key_id: GATEWAY_ACCESS_KEY_ID.into(),
            secret_access_key: GATEWAY_SECRET_ACCESS_KEY.into(),
            policy: policy(json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], "Resource": "arn:aws:iam::*:role/*"}]})),
        };
        let role = Role {
            account: CUSTOMER_ACCOUNT.into(),
            path: root_path(),
            trust_policy: trust_policy(GATEWAY_ARN, Some(EXTERNAL_ID)),
            permissions_policy: least_privilege(REGION, CUSTOMER_ACCOUNT, WORKSPACE_ID),
            max_session_duration: 3600,
        };
        let workspace = |region: &str| Workspace { account: CUSTOMER_ACCOUNT.into(), region: region.into() };
        Self {
            organization_id: "4b0d3f62-7c51-4d3e-9b55-0e6a6f1c2d3e".into(),
            accounts: [(GATEWAY_ACCOUNT.to_owned(), account), (CUSTOMER_ACCOUNT.to_owned(), account)].into(),
            principals: vec![gateway],
            roles: [("portcullis-claude".to_owned(), role)].into(),
            workspaces: [
                (WORKSPACE_ID.to_owned(), workspace(REGION)),
                ("wrkspc_02KlMnOp45QrSt".to_owned(), workspace("eu-central-1")),
            ]
            .into(),
            workspace_header_must_be_signed: true,
        }
    }

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

    /// The role of this ARN, with its name.
    #[must_use]
    pub fn role_by_arn(&self, arn: &str) -> Option<(&str, &Role)> {
        self.roles.iter().find(|(name, role)| role.arn(name) == arn).map(|(name, role)| (name.as_str(), role))
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

/// A trust policy for one principal, with the external ID if there is one.
#[must_use]
pub fn trust_policy(principal: &str, external_id: Option<&str>) -> Policy {
    let mut statement =
        json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"});
    if let Some(external_id) = external_id {
        statement["Condition"] = json!({"StringEquals": {"sts:ExternalId": external_id}});
    }
    policy(json!({"Version": "2012-10-17", "Statement": [statement]}))
}

/// The permissions a gateway needs for messages on one workspace, and the two token actions the service itself needs.
#[must_use]
pub fn least_privilege(region: &str, account: &str, workspace: &str) -> Policy {
    let via = "aws-external-anthropic.amazonaws.com";
    let actions = ["CreateInference", "CountTokens", "GetModel", "ListModels"]
        .map(|action| format!("aws-external-anthropic:{action}"));
    policy(json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow",
         "Action": actions,
         "Resource": format!("arn:aws:aws-external-anthropic:{region}:{account}:workspace/{workspace}")},
        {"Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*",
         "Condition": {"StringEquals": {"aws:CalledViaLast": via}, "ForAnyValue:StringEquals": {"sts:IdentityTokenAudience": ["https://api.anthropic.com", "https://platform.claude.com"]}}},
        {"Effect": "Allow", "Action": "sts:TagGetWebIdentityToken", "Resource": "*",
         "Condition": {"StringEquals": {"aws:CalledViaLast": via}}}]}))
}

fn policy(document: serde_json::Value) -> Policy {
    document.try_into().expect("the documents of this file are policies; the test loads each")
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
        assert!(!format!("{:?}", World::example()).contains(GATEWAY_SECRET_ACCESS_KEY));
    }
}
