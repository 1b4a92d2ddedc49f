//! What policies, subscriptions and workspaces refuse.
//!
//! Sources: "Claude Platform on AWS" in Anthropic's documentation, IAM's "Troubleshoot access denied error messages".

use super::{Class, Fault};

pub(in crate::error) const ALL: &[&Class] = &[
    &FEDERATION_DISABLED,
    &ACCESS_DENIED,
    &IDENTITY_POLICY,
    &SESSION_POLICY,
    &PERMISSIONS_BOUNDARY,
    &CONTROL_POLICY,
    &ENDPOINT_POLICY,
    &EXPLICIT_DENY,
    &WEB_IDENTITY_TOKEN,
    &NOT_SUBSCRIBED,
    &BILLING,
    &ORGANIZATION_ON_HOLD,
    &MODEL_ACCESS,
    &WORKSPACE_NOT_FOUND,
    &WORKSPACE_INVALID,
    &ENCRYPTION_KEY,
];

pub(in crate::error) static FEDERATION_DISABLED: Class = Class {
    code: "federation_disabled",
    title: "Outbound web identity federation is disabled",
    fault: Fault::Operator,
    phrases: &["Outbound web identity federation is disabled", "OutboundWebIdentityFederationDisabled"],
    signs: &[],
    meaning: "For every request AWS makes a token that tells Anthropic who calls. An account makes none until this is \
              switched on, once.",
    fix: "Switch it on with an administrator's credentials of the AWS account that the integration leads to; it is off \
          in every new account.",
    command: Some("aws iam enable-outbound-web-identity-federation"),
};

pub(in crate::error) static ACCESS_DENIED: Class = Class {
    code: "access_denied",
    title: "Access denied: not authorized to perform an action",
    fault: Fault::Operator,
    phrases: &["is not authorized to perform", "AccessDenied"],
    signs: &["HTTP 403 without a reason that is known"],
    meaning: "Some policy does not let the integration's identity do this, and AWS does not say which one.",
    fix: "Allow {action} on {resource} in the permission policy of {role}: {allow}. If it is allowed there, look at \
          the session policy, the permissions boundary and the organisation's control policies.",
    command: None,
};

pub(in crate::error) static IDENTITY_POLICY: Class = Class {
    code: "access_denied_identity_policy",
    title: "Access denied: no policy of the role allows the action",
    fault: Fault::Operator,
    phrases: &["because no identity-based policy allows"],
    signs: &[],
    meaning: "No permission policy of the role allows the action on this resource, most often because it allows \
              another workspace, or fewer actions than the integration's features need.",
    fix: "Add this statement to the permission policy of {role}: {allow}.",
    command: None,
};

pub(in crate::error) static SESSION_POLICY: Class = Class {
    code: "access_denied_session_policy",
    title: "Access denied: the session policy does not allow the action",
    fault: Fault::Operator,
    phrases: &["because no session policy allows"],
    signs: &[],
    meaning: "The gateway narrows its sessions to what the integration's features need. The role may do this; the \
              session may not.",
    fix: "Enable the feature that needs {action} in the integration, or set its `session_policy` to `off` or to a \
          policy of your own with this statement: {allow}.",
    command: None,
};

pub(in crate::error) static PERMISSIONS_BOUNDARY: Class = Class {
    code: "access_denied_permissions_boundary",
    title: "Access denied: the permissions boundary does not allow the action",
    fault: Fault::Operator,
    phrases: &["because no permissions boundary allows"],
    signs: &[],
    meaning: "A permissions boundary is attached to the role. What it does not allow, no permission policy can.",
    fix: "Ask whoever owns the permissions boundary of {role} to add this statement to it: {allow}.",
    command: None,
};

pub(in crate::error) static CONTROL_POLICY: Class = Class {
    code: "access_denied_control_policy",
    title: "Access denied: a control policy of the organisation forbids the action",
    fault: Fault::Operator,
    phrases: &[
        "because no service control policy allows",
        "because no resource control policy allows",
        "with an explicit deny in a service control policy",
        "with an explicit deny in a resource control policy",
    ],
    signs: &[],
    meaning: "AWS Organizations limits what the account may do. No policy inside the account can allow more.",
    fix: "Ask the administrator of the AWS organisation to let {action} through in {policy}; nothing in the account \
          itself helps.",
    command: None,
};

pub(in crate::error) static ENDPOINT_POLICY: Class = Class {
    code: "access_denied_endpoint_policy",
    title: "Access denied: the VPC endpoint's policy does not allow the action",
    fault: Fault::Operator,
    phrases: &["because no VPC endpoint policy allows"],
    signs: &[],
    meaning: "The request leaves through a VPC endpoint whose policy does not let it pass.",
    fix: "Add this statement, with a `Principal`, to the policy of the VPC endpoint: {allow}.",
    command: None,
};

pub(in crate::error) static EXPLICIT_DENY: Class = Class {
    code: "access_denied_explicit",
    title: "Access denied: a policy denies the action explicitly",
    fault: Fault::Operator,
    phrases: &["with an explicit deny"],
    signs: &[],
    meaning: "A `Deny` statement matches. It wins over every `Allow`, so that adding one does not help.",
    fix: "Remove the `Deny` statement that matches {action} from {policy}, or narrow it so that it leaves out {role}.",
    command: None,
};

pub(in crate::error) static WEB_IDENTITY_TOKEN: Class = Class {
    code: "access_denied_web_identity_token",
    title: "Access denied: the role may not have a web identity token made",
    fault: Fault::Operator,
    phrases: &["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"],
    signs: &[],
    meaning: "In the role's name AWS asks STS for the token that tells Anthropic who calls. The role needs two more \
              permissions for that, beside those of the service.",
    fix: "Add this statement to the permission policy of {role}, and to its session policy and permissions boundary \
          if they are your own: {allow_token}.",
    command: None,
};

pub(in crate::error) static NOT_SUBSCRIBED: Class = Class {
    code: "not_subscribed",
    title: "The AWS account has no subscription",
    fault: Fault::Operator,
    phrases: &["has not subscribed to this service"],
    signs: &[],
    meaning: "The service is bought in the AWS Marketplace, once per account, and this account has not.",
    fix: "Subscribe the AWS account to Claude Platform on AWS in the AWS Marketplace; it may take some minutes to \
          work.",
    command: None,
};

pub(in crate::error) static BILLING: Class = Class {
    code: "billing",
    title: "The account cannot be billed",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["HTTP 402 with `billing_error`"],
    meaning: "There is a subscription, but the upstream cannot charge for it.",
    fix: "Look at the subscription and its means of payment in the AWS Marketplace.",
    command: None,
};

pub(in crate::error) static ORGANIZATION_ON_HOLD: Class = Class {
    code: "organization_on_hold",
    title: "The organisation is on hold",
    fault: Fault::Operator,
    phrases: &["organization_on_hold", "organization is on hold"],
    signs: &[],
    meaning: "Anthropic has stopped the organisation's use for now, for a reason that it tells the owner.",
    fix: "Ask Anthropic's account representative, or the support that the notice to the organisation's owner names.",
    command: None,
};

pub(in crate::error) static MODEL_ACCESS: Class = Class {
    code: "model_access",
    title: "The account has no access to the model",
    fault: Fault::Operator,
    phrases: &[
        "does not have access to the model",
        "does not have access to model",
        "not have access to this model",
    ],
    signs: &[],
    meaning: "The model exists, but is not open to this organisation or workspace.",
    fix: "Ask Anthropic's account representative for access to the model, or name another one: `GET /v1/models` \
          of the workspace lists those that are open to it.",
    command: None,
};

pub(in crate::error) static WORKSPACE_NOT_FOUND: Class = Class {
    code: "workspace_not_found",
    title: "Workspace not found, or in another region",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["HTTP 404: Workspace `wrkspc_…` not found."],
    meaning: "There is no such workspace for this AWS account in this region. A workspace lives in one region, and \
              the answer is the same for a foreign one.",
    fix: "Check the integration's workspace id, that its region is the workspace's region, and that its role belongs \
          to the workspace's AWS account.",
    command: None,
};

pub(in crate::error) static WORKSPACE_INVALID: Class = Class {
    code: "workspace_invalid",
    title: "The workspace id is missing or malformed",
    fault: Fault::Operator,
    phrases: &[
        "anthropic-workspace-id header must be",
        "anthropic-workspace-id is required",
        "must include the anthropic-workspace-id header",
    ],
    signs: &[],
    meaning: "The upstream could not tell from the request which workspace it is for.",
    fix: "Set the integration's workspace id: it begins with `wrkspc_`.",
    command: None,
};

pub(in crate::error) static ENCRYPTION_KEY: Class = Class {
    code: "encryption_key",
    title: "The workspace's own encryption key cannot be used",
    fault: Fault::Operator,
    phrases: &[
        "cmek_key_disabled",
        "cmek_key_network_blocked",
        "cmek_key_unreachable",
        "cmek_context_unavailable",
    ],
    signs: &[],
    meaning: "The workspace's data is encrypted with a key of the customer's, and the service cannot reach or use it.",
    fix: "Check in AWS KMS that the workspace's key is enabled, and that its policy and the network let the service use \
          it.",
    command: None,
};
