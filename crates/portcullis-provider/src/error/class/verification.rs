//! What only a verification of an integration finds; everything else that it meets is a row of another file.

use super::{Class, Fault};

pub(in crate::error) const ALL: &[&Class] =
    &[&NOT_ENFORCED, &NOT_PROVEN, &REFUSED_ELSEWHERE, &WRONG_ACCOUNT, &TOO_SHORT, &NO_MODELS, &UNDETERMINED];

/// The role does not insist on its external ID.
pub static NOT_ENFORCED: Class = Class {
    code: "external_id_not_enforced",
    title: "The role can be assumed without the external ID",
    fault: Fault::Operator,
    phrases: &[],
    signs: &[
        "the step `refused_without_external_id` or `refused_with_wrong_external_id` fails, and the integration is `unsafe`",
    ],
    meaning: "The role's trust policy does not insist on this integration's external ID. Whoever can make the gateway \
              assume a role by its ARN, such as another tenant who knows it, gets into this account.",
    fix: "Add the external ID as a condition to every statement of the role's trust policy that lets the gateway in.",
    command: None,
};

/// A probe that had to be refused got another answer.
pub static NOT_PROVEN: Class = Class {
    code: "external_id_not_proven",
    title: "It could not be proven that the external ID is enforced",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["the step `refused_without_external_id` or `refused_with_wrong_external_id` fails"],
    meaning: "Only `AccessDenied` proves that the role's trust policy insists on the external ID, and STS answered \
              something else.",
    fix: "Verify again; if the answer stays the same, mend what STS names.",
    command: Some("portcullis verify <integration>"),
};

/// Another policy than the role's own refused.
pub static REFUSED_ELSEWHERE: Class = Class {
    code: "external_id_refused_elsewhere",
    title: "Another policy refused before the role's trust policy was asked",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["the step `refused_without_external_id` or `refused_with_wrong_external_id` fails"],
    meaning: "STS refused, but by its own words because of another policy than the role's trust policy. That says \
              nothing about the trust policy, and whoever the other policy does not bind may find the role open.",
    fix: "Let the gateway's own identity ask for this role whatever the external ID is, so that the role's trust policy \
          is the one that refuses; then verify again.",
    command: Some("portcullis verify <integration>"),
};

/// The session is not of the account that the role's ARN names.
pub static WRONG_ACCOUNT: Class = Class {
    code: "session_of_another_account",
    title: "The session is of another account",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["the step `assume_role` fails"],
    meaning: "STS names another account for the session than the role's ARN does. Something else than AWS answers in \
              its place.",
    fix: "Check that AWS_ENDPOINT_URL_STS leads to AWS's own STS and that no proxy answers in its place.",
    command: None,
};

/// The session ends too soon.
pub static TOO_SHORT: Class = Class {
    code: "session_too_short",
    title: "Sessions end too soon",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["the step `session_length` fails"],
    meaning: "A session has less than 15 minutes to live when it is new, or its end is not known. It would be \
              replaced without end.",
    fix: "Check that the gateway's clock is right and that AWS's own STS answers.",
    command: None,
};

/// The list of models is empty.
pub static NO_MODELS: Class = Class {
    code: "no_models",
    title: "The workspace offers no models",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["the step `list_models` fails"],
    meaning: "The list of models is empty: none is open to the account in this workspace.",
    fix: "Ask Anthropic's account representative for access to models, or look at the workspace's settings in the \
          Claude Console.",
    command: None,
};

/// Nothing told.
pub static UNDETERMINED: Class = Class {
    code: "could_not_be_told",
    title: "Could not be told",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["the step `federation_enabled` warns"],
    meaning: "No request got far enough to tell.",
    fix: "Mend the steps that failed, then verify again.",
    command: None,
};
