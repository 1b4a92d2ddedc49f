//! Policy statements that lift a refusal, made of what AWS's sentence names.

use serde::Serialize;

use super::Denial;

/// Stands where the sentence does not name the workspace.
const WORKSPACE: &str = "arn:aws:aws-external-anthropic:<region>:<account>:workspace/<workspace id>";
const ROLE: &str = "arn:aws:iam::<account>:role/<role>";
const PRINCIPAL: &str = "<the gateway's own principal>";
const EXTERNAL_ID: &str = "<the integration's external ID>";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    effect: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Principal<'a>>,
    action: Actions<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Condition>,
}

#[derive(Serialize)]
struct Principal<'a> {
    #[serde(rename = "AWS")]
    aws: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Actions<'a> {
    One(&'a str),
    Many(&'a [&'a str]),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Condition {
    string_equals: ExternalId,
}

#[derive(Serialize)]
struct ExternalId {
    #[serde(rename = "sts:ExternalId")]
    external_id: &'static str,
}

impl Statement<'_> {
    fn text(&self) -> String {
        serde_json::to_string(self).expect("text and lists only")
    }
}

/// Allows the action on the resource.
pub(super) fn allow(denial: &Denial) -> String {
    if denial.is_about_token() {
        return allow_token();
    }
    let resource = denial.resource.as_deref().filter(|name| *name == "*" || name.starts_with("arn:"));
    Statement {
        effect: "Allow",
        principal: None,
        action: Actions::One(denial.action.as_deref().unwrap_or("aws-external-anthropic:CreateInference")),
        resource: Some(resource.unwrap_or(WORKSPACE)),
        condition: None,
    }
    .text()
}

/// Allows AWS to have the token made that tells Anthropic who calls.
pub(super) fn allow_token() -> String {
    Statement {
        effect: "Allow",
        principal: None,
        action: Actions::Many(&["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"]),
        resource: Some("*"),
        condition: None,
    }
    .text()
}

/// Lets the gateway assume the role, for its trust policy.
pub(super) fn trust(denial: &Denial) -> String {
    let principal = denial.principal.as_deref().filter(|name| name.starts_with("arn:"));
    let principal = principal.map(|arn| role_of_session(arn).unwrap_or_else(|| arn.to_owned()));
    Statement {
        effect: "Allow",
        principal: Some(Principal { aws: principal.as_deref().unwrap_or(PRINCIPAL) }),
        action: sts_action(denial),
        resource: None,
        condition: Some(Condition { string_equals: ExternalId { external_id: EXTERNAL_ID } }),
    }
    .text()
}

/// Lets the gateway ask for the role, for its own permission policy.
pub(super) fn assume(denial: &Denial) -> String {
    let role = denial.resource.as_deref().filter(|name| name.starts_with("arn:"));
    Statement {
        effect: "Allow",
        principal: None,
        action: sts_action(denial),
        resource: Some(role.unwrap_or(ROLE)),
        condition: None,
    }
    .text()
}

/// `sts:AssumeRole`, and beside it what else the sentence names: `sts:TagSession` or `sts:SetSourceIdentity`.
fn sts_action(denial: &Denial) -> Actions<'static> {
    match denial.action.as_deref() {
        Some("sts:TagSession") => Actions::Many(&["sts:AssumeRole", "sts:TagSession"]),
        Some("sts:SetSourceIdentity") => Actions::Many(&["sts:AssumeRole", "sts:SetSourceIdentity"]),
        _ => Actions::One("sts:AssumeRole"),
    }
}

/// The role of a session: policies name roles, sentences name sessions. A role's path is lost in between, so the ARN
/// is right for roles without one.
pub(super) fn role_of_session(arn: &str) -> Option<String> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "sts", _, account, name] = parts[..] else { return None };
    let role = name.strip_prefix("assumed-role/")?.split('/').next().filter(|role| !role.is_empty())?;
    Some(format!("arn:{partition}:iam::{account}:role/{role}"))
}
