//! The Terraform configuration.
//!
//! `aws_iam_outbound_web_identity_federation` is there since version 6.26 of the AWS provider. It fails where federation is
//! enabled already, and destroying it disables federation for the whole account: so whoever applies the configuration says
//! whether it is to be used, and it cannot be destroyed.
//! Source: changelog and documentation of the AWS provider; its issue 46237.

mod hcl;

use portcullis_types::AccountId;
use serde_json::json;

use super::{ENABLE_FEDERATION, POLICY_NAME, Role, TAG};

/// The configuration.
pub(super) fn configuration(role: &Role<'_>) -> String {
    [OPENING.into(), policies(role), federation(), account(role), resources(role), OUTPUT.into()].join("\n")
}

const OPENING: &str = r#"# The IAM role that Portcullis assumes for Claude Platform on AWS.
terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.26"
    }
  }
}

variable "enable_outbound_web_identity_federation" {
  description = "Say true if outbound web identity federation was never enabled in this account, and false if it was or if another configuration does it. Without it, every request fails."
  type        = bool
}
"#;

fn policies(role: &Role<'_>) -> String {
    let trust = hcl::expression(role.trust, 2);
    let permission = hcl::expression(role.permission, 2);
    format!("locals {{\n  trust_policy = {trust}\n\n  permission_policy = {permission}\n}}\n")
}

fn federation() -> String {
    format!(
        r#"# The same as `{ENABLE_FEDERATION}`, once per account.
# Destroying it would disable federation for the whole account. To part with it: `terraform state rm`.
resource "aws_iam_outbound_web_identity_federation" "this" {{
  count = var.enable_outbound_web_identity_federation ? 1 : 0

  lifecycle {{
    prevent_destroy = true
  }}
}}
"#
    )
}

fn account(role: &Role<'_>) -> String {
    if role.plan.account.is_none() {
        return "# The role is made in whichever account the AWS provider is signed in to.\n".into();
    }
    "data \"aws_caller_identity\" \"current\" {}\n".into()
}

fn resources(role: &Role<'_>) -> String {
    let (key, value) = TAG;
    let name = hcl::text(role.plan.role_name.as_str());
    let path = hcl::text(role.plan.role_path.as_str());
    let description = hcl::text(Role::DESCRIPTION);
    let seconds = role.plan.max_session_duration.seconds();
    let tags = hcl::expression(&json!({key: value}), 2);
    let policy_name = hcl::text(POLICY_NAME);
    let right_account = role.plan.account.as_ref().map(right_account).unwrap_or_default();
    format!(
        r#"resource "aws_iam_role" "claude_platform" {{
  name                 = {name}
  path                 = {path}
  description          = {description}
  max_session_duration = {seconds}
  assume_role_policy   = jsonencode(local.trust_policy)

  tags = {tags}
{right_account}}}

resource "aws_iam_role_policy" "claude_platform" {{
  name   = {policy_name}
  role   = aws_iam_role.claude_platform.name
  policy = jsonencode(local.permission_policy)
}}
"#
    )
}

fn right_account(account: &AccountId) -> String {
    format!(
        r#"
  lifecycle {{
    precondition {{
      condition     = data.aws_caller_identity.current.account_id == "{account}"
      error_message = "The role belongs in account {account}."
    }}
  }}
"#
    )
}

const OUTPUT: &str = r#"output "role_arn" {
  description = "What the integration is registered with"
  value       = aws_iam_role.claude_platform.arn
}
"#;
