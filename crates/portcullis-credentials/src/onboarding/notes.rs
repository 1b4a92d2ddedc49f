//! What the reader must know and no artefact can say.

use super::{ENABLE_FEDERATION, OnboardingPlan, UNKNOWN_ACCOUNT};

/// The notes that apply to the plan, the most pressing first.
pub(super) fn of(plan: &OnboardingPlan, partition: &str) -> Vec<String> {
    let notes = [
        Some(federation()),
        unknown_path(plan),
        unknown_account(plan),
        other_partition(partition),
        every_workspace(plan),
        one_hour(plan),
        unique_id(plan),
    ];
    notes.into_iter().flatten().collect()
}

fn federation() -> String {
    format!(
        "Every request fails until outbound web identity federation is enabled in the customer's account, once: `{ENABLE_FEDERATION}`. The script does it, Terraform asks; CloudFormation has no resource for it, so with the template run the command by hand."
    )
}

fn unknown_path(plan: &OnboardingPlan) -> Option<String> {
    let (principal, name) = (&plan.gateway_principal, plan.gateway_principal.name());
    (!principal.path_is_known()).then(|| {
        format!(
            "The gateway runs as a session of the role `{name}`, and a session's ARN does not show the role's path. If `aws iam get-role --role-name {name} --query Role.Arn --output text`, asked in account {}, says anything but `{principal}`, make these artefacts again with that ARN as the gateway's principal.",
            principal.account_id()
        )
    })
}

fn unknown_account(plan: &OnboardingPlan) -> Option<String> {
    plan.account.is_none().then(|| {
        format!(
            "The customer's account was not named: put its twelve digits in place of `{UNKNOWN_ACCOUNT}` in the gateway's policy and in the bodies for `POST /v1/integrations`."
        )
    })
}

fn other_partition(partition: &str) -> Option<String> {
    (partition != "aws").then(|| {
        format!(
            "These artefacts are for the partition `{partition}`. AWS says of its commercial regions alone that they have Claude Platform on AWS: ask AWS first."
        )
    })
}

fn every_workspace(plan: &OnboardingPlan) -> Option<String> {
    (!plan.restrict_to_workspaces).then(|| {
        "The role may use every Anthropic workspace of its account. The gateway narrows each session to one of them, but whoever else comes to assume the role is not narrowed.".into()
    })
}

fn one_hour(plan: &OnboardingPlan) -> Option<String> {
    (plan.gateway_principal.is_role() && plan.max_session_duration.seconds() > 3600).then(|| {
        "The gateway is itself a role, so its sessions of this one last an hour at most, whatever the role's maximum is.".into()
    })
}

fn unique_id(plan: &OnboardingPlan) -> Option<String> {
    let kind = if plan.gateway_principal.is_role() { "role" } else { "user" };
    Some(format!(
        "IAM remembers the trusted {kind} `{}` by an id that its name does not show: if it is deleted and made anew, apply the trust policy again.",
        plan.gateway_principal
    ))
}
