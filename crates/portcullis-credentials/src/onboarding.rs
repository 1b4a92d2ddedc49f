//! What a customer's account needs before the gateway can assume a role in it: two policies, and four ways to apply them.
//!
//! Start at [`OnboardingPlan`]; [`OnboardingPlan::artefacts`] makes [`Artefacts`] of it. Both policies are made once, in
//! `policies`; the script, the CloudFormation template and the Terraform configuration only carry them.
//!
//! # Invariants
//! - No I/O, no clock, no randomness: the same plan gives the same texts. (test `the_golden_files_are_what_the_plans_make`)
//! - The three ways grant the same. (`xtask/e2e/test_artefacts.py` reads the policies back out of each)
//! - Nothing but a validated name, path, ARN or id gets into a script. (tests of `portcullis_types::iam`)

mod cli;
mod cloudformation;
mod next_steps;
mod notes;
mod partition;
mod plan;
mod policies;
mod terraform;

use portcullis_types::{AccountId, RoleArn};
use serde_json::Value;

pub use plan::{InvalidPreset, OnboardingError, OnboardingPlan, Preset, Target};

/// The command that an account needs once before anybody can use Claude Platform on AWS from it.
pub const ENABLE_FEDERATION: &str = "aws iam enable-outbound-web-identity-federation";

/// Stands for the account in ARNs that need one, when the plan does not say which it is.
pub const UNKNOWN_ACCOUNT: &str = "ACCOUNT_ID";

/// The tag that marks a role as made by these artefacts. The script changes no role without it.
const TAG: (&str, &str) = ("managed-by", "portcullis");

/// The name of the role's inline policy.
const POLICY_NAME: &str = "claude-platform";

/// Everything that an operator hands to whoever administers the customer's account.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Artefacts {
    /// The role's ARN, with [`UNKNOWN_ACCOUNT`] in it when the plan does not name the account.
    pub role_arn: String,
    /// Who may assume the role, and with which external IDs.
    pub trust_policy: Value,
    /// What the role may do.
    pub permission_policy: Value,
    /// What the gateway's own identity must be allowed in its own account.
    pub gateway_policy: Value,
    /// A bash script of AWS CLI commands. It may be run again.
    pub cli: String,
    /// A CloudFormation template, in YAML.
    pub cloudformation: String,
    /// A Terraform configuration.
    pub terraform: String,
    /// The bodies for `POST /v1/integrations`, one for each target.
    pub next_steps: Vec<Value>,
    /// What the reader must know and the artefacts cannot say, one sentence or two each.
    pub notes: Vec<String>,
}

impl OnboardingPlan {
    /// Makes the artefacts.
    ///
    /// # Errors
    /// [`OnboardingError`] when the plan contradicts itself, or when IAM would not take a policy for its length.
    pub fn artefacts(&self) -> Result<Artefacts, OnboardingError> {
        let partition = self.partition()?;
        let role_arn = self.role_arn(partition);
        let (trust, permission) = (policies::trust(self)?, policies::permission(self, partition)?);
        let role = Role { plan: self, trust: &trust, permission: &permission };
        Ok(Artefacts {
            cli: cli::script(&role),
            cloudformation: cloudformation::template(&role),
            terraform: terraform::configuration(&role),
            next_steps: next_steps::bodies(self, &role_arn),
            notes: notes::of(self, partition),
            gateway_policy: policies::gateway(self, &role_arn),
            trust_policy: trust,
            permission_policy: permission,
            role_arn,
        })
    }

    fn role_arn(&self, partition: &str) -> String {
        let account = self.account.as_ref().map_or(UNKNOWN_ACCOUNT, AccountId::as_str);
        let arn = format!("arn:{partition}:iam::{account}:role{}{}", self.role_path, self.role_name);
        debug_assert!(self.account.is_none() || arn.parse::<RoleArn>().is_ok(), "{arn}");
        arn
    }
}

/// What the three ways to make the role are drawn from.
struct Role<'a> {
    plan: &'a OnboardingPlan,
    trust: &'a Value,
    permission: &'a Value,
}

impl Role<'_> {
    /// The role's description in IAM.
    const DESCRIPTION: &'static str = "Assumed by Portcullis for Claude Platform on AWS";
}
