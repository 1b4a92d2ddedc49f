//! What to do with the artefacts, in order.

use portcullis_credentials::onboarding::{ENABLE_FEDERATION, OnboardingPlan};

/// The steps, as sentences. The names of files are those that `portcullis setup --out` writes.
pub(super) fn of(plan: &OnboardingPlan) -> Vec<String> {
    let customer = match &plan.account {
        Some(account) => format!("account {account}"),
        None => "the customer's account".to_owned(),
    };
    let bodies = match plan.targets.len() {
        1 => "the body in `integrations`".to_owned(),
        n => format!("each of the {n} bodies in `integrations`"),
    };
    vec![
        format!(
            "In account {}, attach `gateway_policy` to `{}`, so that the gateway may assume the role.",
            plan.gateway_principal.account_id(),
            plan.gateway_principal
        ),
        format!(
            "In {customer}, make the role `{}`, by one of: the commands in `cli` (setup.sh), the template in \
             `cloudformation` (template.yaml), or the configuration in `terraform` (main.tf).",
            plan.role_name
        ),
        format!(
            "If you chose CloudFormation, also run `{ENABLE_FEDERATION}` in {customer}, once; the other two see to it."
        ),
        format!("Send {bodies} to `POST /v1/integrations`. Its `aws_external_id` is reserved for you."),
        "Verify: `portcullis verify SLUG`, or `POST /v1/integrations/{slug}/verify`. A new role takes up to a minute \
         to be known everywhere; the verification waits for it."
            .to_owned(),
    ]
}
