//! What may go wrong on the way to a session: the gateway's own identity, STS, and the role's trust.
//!
//! Source: STS API reference, "Common errors" and `AssumeRole`.

use super::{Class, Fault};

pub(in crate::error) const ALL: &[&Class] = &[
    &ASSUME_ROLE_DENIED,
    &SOURCE_UNAVAILABLE,
    &SOURCE_REJECTED,
    &REGION_DISABLED,
    &DURATION_REFUSED,
    &POLICY_TOO_LARGE,
    &STS_INVALID_REQUEST,
    &STS_THROTTLED,
    &STS_UNAVAILABLE,
    &STS_MALFORMED,
];

/// The role's trust does not include the gateway, or the gateway may not ask.
pub static ASSUME_ROLE_DENIED: Class = Class {
    code: "aws_assume_role_denied",
    title: "Trust policy error: STS refuses to assume the role",
    fault: Fault::Operator,
    phrases: &["is not authorized to perform: sts:AssumeRole"],
    signs: &["STS answers `AccessDenied`"],
    meaning: "STS does not say which it is: the role does not exist, its trust policy does not name the gateway's \
              principal, the external ID differs, or the gateway's own identity may not call `sts:AssumeRole`. A role \
              that was just made or changed takes up to a minute to work.",
    fix: "{said}Check that the role exists and that its trust policy has a statement like this one, with this integration's \
          external ID: {trust}. Check too that the gateway's own identity may do this: {assume}.",
    command: Some("portcullis verify <integration>"),
};

/// The gateway has no identity of its own.
pub static SOURCE_UNAVAILABLE: Class = Class {
    code: "aws_source_unavailable",
    title: "The gateway has no AWS identity",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["the gateway found no AWS identity of its own"],
    meaning: "To assume a role the gateway must be somebody. It looked in the environment, the configuration files, \
              for web identity, and at the container's and the machine's metadata services.",
    fix: "Give the gateway an AWS identity: an instance, task or pod role, AWS_PROFILE, or AWS_ACCESS_KEY_ID with \
          AWS_SECRET_ACCESS_KEY.",
    command: Some("portcullis whoami"),
};

/// STS does not accept the gateway's own credentials.
pub static SOURCE_REJECTED: Class = Class {
    code: "aws_source_rejected",
    title: "AWS does not accept the gateway's own credentials",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["STS answers `InvalidClientTokenId`, `ExpiredToken` or `SignatureDoesNotMatch`"],
    meaning: "The credentials that the gateway found for itself are expired, deleted or incomplete, or its clock is \
              wrong.",
    fix: "Renew the gateway's own AWS credentials, and check that the machine's clock is right.",
    command: Some("portcullis whoami"),
};

/// STS is switched off in the region.
pub static REGION_DISABLED: Class = Class {
    code: "aws_sts_region_disabled",
    title: "STS is not active in this region",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["STS answers `RegionDisabledException`"],
    meaning: "An account can switch STS off for a region, and has done so here.",
    fix: "Activate STS for this region in the account's IAM settings, or use an integration in another region.",
    command: None,
};

/// Sessions of the role may not last as long as was asked.
pub static DURATION_REFUSED: Class = Class {
    code: "aws_session_duration_refused",
    title: "The session may not last that long",
    fault: Fault::Operator,
    phrases: &["DurationSeconds exceeds"],
    signs: &[],
    meaning: "The role's maximum session duration is shorter than what was asked for, or the session is assumed from \
              another role's, which never lasts longer than one hour.",
    fix: "Raise the role's maximum session duration to at least one hour, or lower the integration's \
          `duration_seconds`; a session assumed from another role never lasts longer than an hour.",
    command: None,
};

/// Session policy and tags exceed AWS's packed limit.
pub static POLICY_TOO_LARGE: Class = Class {
    code: "aws_packed_policy_too_large",
    title: "Session policy and tags are too large",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["STS answers `PackedPolicyTooLarge`"],
    meaning: "AWS packs session policy and session tags together, and they exceed the limit that this has, even if \
              each is short enough.",
    fix: "Enable fewer features, give fewer or shorter session tags, or set the integration's `session_policy` to a \
          shorter one or to `off`.",
    command: None,
};

/// STS could not accept what was sent.
pub static STS_INVALID_REQUEST: Class = Class {
    code: "aws_sts_invalid_request",
    title: "STS does not accept the request",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["STS answers `ValidationError` or `MalformedPolicyDocument`"],
    meaning: "A value that the integration gives breaks a rule of STS; its sentence names it.",
    fix: "Read what STS says and correct the integration's role, external ID or session settings.",
    command: None,
};

/// STS asks to be called less often.
pub static STS_THROTTLED: Class = Class {
    code: "aws_sts_throttled",
    title: "STS is throttling",
    fault: Fault::Upstream,
    phrases: &[],
    signs: &["STS answers `Throttling`, or HTTP 429"],
    meaning: "The account calls STS too often. Sessions that the gateway has go on working.",
    fix: "Wait; the gateway asks again by itself. If it lasts, look for others who call STS in this account.",
    command: None,
};

/// STS cannot be reached, is too slow or fails.
pub static STS_UNAVAILABLE: Class = Class {
    code: "aws_sts_unavailable",
    title: "STS is unavailable",
    fault: Fault::Upstream,
    phrases: &[],
    signs: &["no connection to STS, no answer in time, or HTTP 5xx"],
    meaning: "STS cannot be reached or fails. Sessions that the gateway has go on working.",
    fix: "Check that the gateway can reach the region's STS endpoint (DNS, proxy, firewall, VPC endpoint); it asks \
          again by itself.",
    command: None,
};

/// What came back is no answer of STS.
pub static STS_MALFORMED: Class = Class {
    code: "aws_sts_malformed_answer",
    title: "The answer of STS makes no sense",
    fault: Fault::Upstream,
    phrases: &[],
    signs: &["an answer that lacks fields, or is not STS's at all"],
    meaning: "Something else than STS answers, or its answer is cut.",
    fix: "Check that AWS_ENDPOINT_URL_STS leads to STS and that no proxy answers in its place.",
    command: None,
};
