//! What to ask of the admin API once the role is there.

use portcullis_types::Feature;
use serde_json::{Value, json};

use super::OnboardingPlan;

/// The bodies for `POST /v1/integrations`, one for each target.
pub(super) fn bodies(plan: &OnboardingPlan, role_arn: &str) -> Vec<Value> {
    let features: Vec<&str> = plan.features.iter().map(Feature::as_str).collect();
    let body = |target: &super::Target| {
        json!({
            "name": target.integration,
            "ai_provider_id": "claude-platform-aws",
            "configurations": {
                "aws_auth_type": "assumedRole",
                "aws_role_arn": role_arn,
                "aws_external_id": target.external_id.as_str(),
                "aws_region": target.region.as_str(),
                "anthropic_aws_workspace_id": target.workspace_id.as_str(),
                "features": features,
            },
        })
    };
    plan.targets.iter().map(body).collect()
}
