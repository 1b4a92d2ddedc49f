//! The three policies: whom the role trusts, what it may do, and what the gateway needs to get there.
//!
//! Source: IAM User Guide, "Access to AWS accounts owned by third parties" and "Pass session tags in AWS STS"; AWS managed
//! policy `AnthropicInferenceAccess` for the conditions on tokens; IAM and STS quotas.

use std::collections::BTreeSet;

use portcullis_provider::routes::{Action, Scope};
use portcullis_types::AccountId;
use serde_json::{Value, json};

use super::plan::{OnboardingError, OnboardingPlan};
use crate::policy::{
    GET_WEB_IDENTITY_TOKEN, TAG_WEB_IDENTITY_TOKEN, WorkspaceArn, actions, called_by_the_service, document,
    named,
};

/// IAM's default quota for the text of a trust policy, in characters without white space between its parts.
const LONGEST_TRUST_POLICY: usize = 2048;
/// What the inline policies of a role may have together.
const LONGEST_INLINE_POLICY: usize = 10_240;

/// Whom the service's tokens are for.
const AUDIENCES: [&str; 2] = ["https://api.anthropic.com", "https://platform.claude.com"];

/// Who may assume the role.
///
/// The external ID stands on `sts:AssumeRole` alone: every session passes there, and the two other actions are judged
/// without it.
pub(super) fn trust(plan: &OnboardingPlan) -> Result<Value, OnboardingError> {
    let principal = json!({"AWS": plan.gateway_principal.as_str()});
    let mut statements = vec![json!({
        "Sid": "AssumedByTheGateway",
        "Effect": "Allow",
        "Principal": principal,
        "Action": ["sts:AssumeRole"],
        "Condition": {"StringEquals": {"sts:ExternalId": external_ids(plan)}},
    })];
    let along = passed_along(plan);
    if !along.is_empty() {
        statements.push(json!({
            "Sid": "DescribedByTheGateway",
            "Effect": "Allow",
            "Principal": principal,
            "Action": along,
        }));
    }
    let policy = document(statements);
    let (length, longest) = (policy.to_string().chars().count(), LONGEST_TRUST_POLICY);
    let n_external_ids = plan.targets.len();
    if length > longest {
        return Err(OnboardingError::TrustPolicyTooLarge { length, longest, n_external_ids });
    }
    Ok(policy)
}

/// Text for one, a list for several, in the order of the targets.
fn external_ids(plan: &OnboardingPlan) -> Value {
    match &*plan.targets {
        [target] => json!(target.external_id.as_str()),
        targets => targets.iter().map(|target| target.external_id.as_str()).collect(),
    }
}

/// What goes along with `sts:AssumeRole`, which both sides must allow.
fn passed_along(plan: &OnboardingPlan) -> Vec<&'static str> {
    let tags = plan.with_session_tags.then_some("sts:TagSession");
    let identity = plan.with_source_identity.then_some("sts:SetSourceIdentity");
    tags.into_iter().chain(identity).collect()
}

/// What the role may do: the features' actions where they apply, and the tokens that the service mints in its name.
pub(super) fn permission(plan: &OnboardingPlan, partition: &str) -> Result<Value, OnboardingError> {
    let mut granted = actions(&plan.features);
    if plan.with_bearer_tokens {
        granted.insert(Action::CALL_WITH_BEARER_TOKEN);
    }
    let workspaces = workspaces(plan, partition);
    let mut statements = vec![allow("ClaudeWorkspaces", &named(&granted, Scope::Workspace), &workspaces)];
    let of_account = named(&granted, Scope::Account);
    if !of_account.is_empty() {
        statements.push(allow("ClaudeAccount", &of_account, &["*".into()]));
    }
    statements.extend(tokens());
    let policy = document(statements);
    let (length, longest) = (policy.to_string().chars().count(), LONGEST_INLINE_POLICY);
    if length > longest {
        let n_workspaces = workspaces.len();
        return Err(OnboardingError::PermissionPolicyTooLarge { length, longest, n_workspaces });
    }
    Ok(policy)
}

fn allow(sid: &str, actions: &[String], resources: &[String]) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources})
}

/// The targets' workspaces, each once, in the order of the targets; or all of the account. An account that is not known is
/// `*`, which reaches no further: a role's own policies grant nothing in another account.
fn workspaces(plan: &OnboardingPlan, partition: &str) -> Vec<String> {
    let account = plan.account.as_ref().map_or("*", AccountId::as_str);
    if !plan.restrict_to_workspaces {
        return vec![WorkspaceArn { partition, region: "*", account, workspace: "*" }.to_string()];
    }
    let mut seen = BTreeSet::new();
    let arns = plan.targets.iter().map(|target| {
        let (region, workspace) = (target.region.as_str(), target.workspace_id.as_str());
        WorkspaceArn { partition, region, account, workspace }.to_string()
    });
    arns.filter(|arn| seen.insert(arn.clone())).collect()
}

fn tokens() -> [Value; 2] {
    [
        json!({
            "Sid": "ClaudeIdentityToken",
            "Effect": "Allow",
            "Action": [GET_WEB_IDENTITY_TOKEN],
            "Resource": ["*"],
            "Condition": {
                "StringEquals": called_by_the_service(),
                "ForAnyValue:StringEquals": {"sts:IdentityTokenAudience": AUDIENCES},
            },
        }),
        json!({
            "Sid": "ClaudeIdentityTokenTags",
            "Effect": "Allow",
            "Action": [TAG_WEB_IDENTITY_TOKEN],
            "Resource": ["*"],
            "Condition": {"StringEquals": called_by_the_service()},
        }),
    ]
}

/// What the gateway's own identity needs in its own account.
pub(super) fn gateway(plan: &OnboardingPlan, role_arn: &str) -> Value {
    let mut actions = vec!["sts:AssumeRole"];
    actions.extend(passed_along(plan));
    document([json!({
        "Sid": "AssumeTheCustomersRole",
        "Effect": "Allow",
        "Action": actions,
        "Resource": [role_arn],
    })])
}
