//! The CloudFormation template.
//!
//! No resource type enables outbound web identity federation, so the command stands in the template's metadata and in its
//! outputs.

mod yaml;

use serde_json::{Value, json};

use super::{ENABLE_FEDERATION, POLICY_NAME, Role, TAG};

/// The template, in YAML.
pub(super) fn template(role: &Role<'_>) -> String {
    let template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!(
            "The IAM role that Portcullis assumes for Claude Platform on AWS. Once per account, by hand: {ENABLE_FEDERATION}"
        ),
        "Metadata": {"OncePerAccount": ENABLE_FEDERATION},
        "Resources": {"ClaudePlatformRole": {"Type": "AWS::IAM::Role", "Properties": properties(role)}},
        "Outputs": {
            "RoleArn": {
                "Description": "What the integration is registered with",
                "Value": {"Fn::GetAtt": ["ClaudePlatformRole", "Arn"]},
            },
            "OncePerAccount": {
                "Description": "Run this once per account: without it, every request fails",
                "Value": ENABLE_FEDERATION,
            },
        },
    });
    format!(
        "# Creating a role with a name needs the capability CAPABILITY_NAMED_IAM.\n{}",
        yaml::document(&template)
    )
}

fn properties(role: &Role<'_>) -> Value {
    let (key, value) = TAG;
    json!({
        "RoleName": role.plan.role_name.as_str(),
        "Path": role.plan.role_path.as_str(),
        "Description": Role::DESCRIPTION,
        "MaxSessionDuration": role.plan.max_session_duration.seconds(),
        "AssumeRolePolicyDocument": role.trust,
        "Policies": [{"PolicyName": POLICY_NAME, "PolicyDocument": role.permission}],
        "Tags": [{"Key": key, "Value": value}],
    })
}
