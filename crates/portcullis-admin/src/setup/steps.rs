//! What to do with the artefacts, in order.

use portcullis_credentials::onboarding::{ENABLE_FEDERATION, OnboardingPlan};

/// Whether the plan's integrations are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Integrations {
    ToBeMade,
    Exist,
}

/// A role that more integrations use than the caller may see.
pub(super) fn unseen(n: usize) -> String {
    format!(
        "{n} more of the organisation's integrations use this role, and this key may not read them: do not replace the \
         role's trust policy, add the external ID to it; or ask with an organisation's key."
    )
}

/// The steps, as sentences. The names of files are those that `portcullis setup --out` writes.
pub(super) fn of(plan: &OnboardingPlan, integrations: Integrations) -> Vec<String> {
    let customer = match &plan.account {
        Some(account) => format!("account {account}"),
        None => "the customer's account".to_owned(),
    };
    let bodies = match plan.targets.len() {
        1 => "the body in `integrations`".to_owned(),
        n => format!("each of the {n} bodies in `integrations`"),
    };
    let register = (integrations == Integrations::ToBeMade).then(|| {
        format!("Send {bodies} to `POST /v1/integrations`. Its `aws_external_id` is reserved for you.")
    });
    let steps = [
        Some(format!(
            "In account {}, attach `gateway_policy` to `{}`, so that the gateway may assume the role.",
            plan.gateway_principal.account_id(),
            plan.gateway_principal
        )),
        Some(format!(
            "In {customer}, make the role `{}`, by one of: the commands in `cli` (setup.sh), the template in \
             `cloudformation` (template.yaml), or the configuration in `terraform` (main.tf).",
            plan.role_name
        )),
        Some(format!(
            "If you chose CloudFormation, also run `{ENABLE_FEDERATION}` in {customer}, once; the other two see to it."
        )),
        register,
        Some(
            "Verify: `portcullis verify SLUG`, or `POST /v1/integrations/{slug}/verify`. A new role takes up to a \
             minute to be known everywhere; the verification waits for it."
                .to_owned(),
        ),
    ];
    steps.into_iter().flatten().collect()
}
