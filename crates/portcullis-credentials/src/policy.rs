//! What IAM is told to allow: the pieces of every policy, and the policy that narrows a session to its integration.
//!
//! Start at [`session_policy`]. The policies of the customer's role are made of the same pieces in
//! [`onboarding`](crate::onboarding), so that a session is never narrowed below what its role was given for.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use portcullis_provider::routes::{Action, SERVICE, SERVICE_PRINCIPAL, Scope, actions_of};
use portcullis_types::{AwsAuth, ClaudePlatformAws, FeatureSet, RoleArn, SessionPolicy};
use serde_json::{Value, json};

/// The most characters of a session policy. Source: STS API reference, `AssumeRole` (`Policy` with `PolicyArns`).
pub const LONGEST_SESSION_POLICY: usize = 2048;

/// A generated policy is longer than AWS takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the generated session policy has {length} characters and AWS takes {LONGEST_SESSION_POLICY}: enable fewer features, or set `session_policy` to a policy of your own"
)]
pub struct PolicyTooLarge {
    /// Characters of the compact JSON.
    pub length: usize,
}

/// The session policy that an integration's role is assumed with, as compact JSON. `None` when it is off, and for
/// credentials that are not an assumed role's.
///
/// The generated one allows the actions of the integration's features on its workspace alone, and the two calls to STS that
/// the service makes in the session's name. Rights are those of the role's own policies that this one allows as well.
///
/// # Errors
/// [`PolicyTooLarge`] by the length of the text. AWS's other limit, on a packed form of policy and tags, shows only in its
/// answer.
pub fn session_policy(platform: &ClaudePlatformAws) -> Result<Option<Arc<str>>, PolicyTooLarge> {
    let AwsAuth::AssumedRole { role_arn, settings, .. } = &platform.auth else { return Ok(None) };
    match &settings.session_policy {
        SessionPolicy::Off => Ok(None),
        SessionPolicy::Custom(document) => Ok(Some(document.to_shared())),
        SessionPolicy::Generated => fitting(&generated(platform, role_arn).to_string()).map(Some),
    }
}

fn fitting(text: &str) -> Result<Arc<str>, PolicyTooLarge> {
    let length = text.chars().count();
    if length <= LONGEST_SESSION_POLICY { Ok(text.into()) } else { Err(PolicyTooLarge { length }) }
}

fn generated(platform: &ClaudePlatformAws, role: &RoleArn) -> Value {
    let account = role.account_id();
    let workspace = WorkspaceArn {
        partition: role.partition(),
        region: platform.region.as_str(),
        account: account.as_str(),
        workspace: platform.workspace_id.as_str(),
    };
    let granted = actions(&platform.features);
    let of_account = named(&granted, Scope::Account);
    let mut statements = vec![
        json!({"Effect": "Allow", "Action": named(&granted, Scope::Workspace), "Resource": workspace.to_string()}),
    ];
    if !of_account.is_empty() {
        statements.push(json!({"Effect": "Allow", "Action": of_account, "Resource": "*"}));
    }
    statements.push(json!({
        "Effect": "Allow",
        "Action": [GET_WEB_IDENTITY_TOKEN, TAG_WEB_IDENTITY_TOKEN],
        "Resource": "*",
        "Condition": {"StringEquals": called_by_the_service()},
    }));
    document(statements)
}

/// The service has STS mint a token in the caller's name with every request.
pub(crate) const GET_WEB_IDENTITY_TOKEN: &str = "sts:GetWebIdentityToken";
/// The token carries tags.
pub(crate) const TAG_WEB_IDENTITY_TOKEN: &str = "sts:TagGetWebIdentityToken";

/// The condition that keeps the two actions above from anybody but the service.
pub(crate) fn called_by_the_service() -> Value {
    json!({"aws:CalledViaLast": SERVICE_PRINCIPAL})
}

/// What the features need. Reading the workspace's own entry is always among it: it shows nothing of what is inside, and
/// proves that region and workspace belong together.
pub(crate) fn actions(features: &FeatureSet) -> BTreeSet<Action> {
    actions_of(features).chain([Action::GET_WORKSPACE]).collect()
}

/// Those of one scope as policies write them, sorted: they do not share a statement with those of the other.
pub(crate) fn named(actions: &BTreeSet<Action>, scope: Scope) -> Vec<String> {
    actions.iter().filter(|action| action.scope() == scope).map(Action::to_string).collect()
}

/// A policy of these statements.
pub(crate) fn document(statements: impl IntoIterator<Item = Value>) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements.into_iter().collect::<Vec<_>>()})
}

/// The ARN of one Anthropic workspace, or of many where a part is `*`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkspaceArn<'a> {
    pub(crate) partition: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    pub(crate) workspace: &'a str,
}

impl std::fmt::Display for WorkspaceArn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { partition, region, account, workspace } = self;
        write!(f, "arn:{partition}:{SERVICE}:{region}:{account}:workspace/{workspace}")
    }
}
