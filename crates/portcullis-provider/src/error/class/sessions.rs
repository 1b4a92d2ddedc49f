//! What is wrong with signatures, sessions and keys.
//!
//! Sources: "Common errors" of the AWS APIs, IAM's "Troubleshoot SigV4", "Errors" in Anthropic's documentation.

use super::{Class, Fault};

pub(in crate::error) const ALL: &[&Class] = &[
    &INVALID_SIGNATURE,
    &CLOCK_SKEW,
    &EXPIRED_CREDENTIALS,
    &INVALID_CREDENTIALS,
    &CREDENTIALS_REFUSED,
    &MISSING_CREDENTIALS,
    &WORKSPACE_KEY_REFUSED,
];

pub(in crate::error) static INVALID_SIGNATURE: Class = Class {
    code: "invalid_signature",
    title: "Invalid signature",
    fault: Fault::Operator,
    phrases: &[
        "request signature we calculated does not match",
        "Invalid signature",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "Credential should be scoped to",
        "Date in Credential scope does not match",
        "must be a 'SignedHeader'",
        "Authorization header requires",
        "does not match the calculated payload hash",
    ],
    signs: &[],
    meaning: "AWS computed another signature than the gateway. Either the secret is not the one of the key, or the \
              request is signed for another region, or something on the way changed it.",
    fix: "Check that the integration's region is the workspace's region, that an access key is stored with its own \
          secret, and that no proxy between gateway and AWS changes host, path or headers.",
    command: None,
};

pub(in crate::error) static CLOCK_SKEW: Class = Class {
    code: "clock_skew",
    title: "The clock is wrong",
    fault: Fault::Operator,
    phrases: &["Signature expired", "Signature not yet current", "RequestTimeTooSkewed", "RequestExpired"],
    signs: &[],
    meaning: "A signature holds for five minutes around AWS's time. The gateway corrects a wrong clock by AWS's \
              answers; this error remains when it could not.",
    fix: "Set the clock of the gateway's machine (NTP): it must be within five minutes of AWS's.",
    command: None,
};

pub(in crate::error) static EXPIRED_CREDENTIALS: Class = Class {
    code: "expired_credentials",
    title: "The session has expired",
    fault: Fault::Operator,
    phrases: &[
        "security token included in the request is expired",
        "token has expired",
        "token is expired",
        "token expired",
        "session has expired",
        "credentials have expired",
        "ExpiredToken",
        // The service mints a token of five minutes inside the session; STS refuses one that would outlive it.
        "SessionDurationEscalation",
    ],
    signs: &[],
    meaning: "AWS takes the session for ended. The gateway then fetches a new one and tries once more by itself.",
    fix: "Nothing if it happens once. If it lasts, look at the machine's clock and at whether the gateway reaches STS.",
    command: None,
};

pub(in crate::error) static INVALID_CREDENTIALS: Class = Class {
    code: "invalid_credentials",
    title: "AWS does not know the key or the session",
    fault: Fault::Operator,
    phrases: &[
        "security token included in the request is invalid",
        "security token is invalid",
        "does not exist in our records",
        "UnrecognizedClient",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
    ],
    signs: &[],
    meaning: "The access key is deleted or inactive, or the session was revoked or belongs to a region in which its \
              tokens do not hold. The gateway fetches a new session and tries once more by itself.",
    fix: "Check that the integration's access key exists and is active, or that its role still exists; for a region \
          that an account has to opt into, sessions must come from a regional endpoint of STS.",
    command: None,
};

pub(in crate::error) static CREDENTIALS_REFUSED: Class = Class {
    code: "credentials_refused",
    title: "The credentials are refused without a known reason",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["HTTP 401 without a reason that is known"],
    meaning: "The upstream does not accept the credentials and does not say, in words that the gateway knows, why. The               session is kept, because nothing says that it has ended.",
    fix: "Read the upstream's own sentence, and verify the integration: it tells which step fails. If a proxy stands           between gateway and AWS, check that the answer is not the proxy's.",
    command: None,
};

pub(in crate::error) static MISSING_CREDENTIALS: Class = Class {
    code: "missing_credentials",
    title: "The request came without credentials",
    fault: Fault::Operator,
    phrases: &["Missing Authentication Token", "MissingAuthenticationToken"],
    signs: &[],
    meaning: "AWS found no signature in the request, although the gateway signs each: something on the way took it off.",
    fix: "Check that no proxy between gateway and AWS removes the headers `authorization` and `x-amz-security-token`.",
    command: None,
};

pub(in crate::error) static WORKSPACE_KEY_REFUSED: Class = Class {
    code: "workspace_key_refused",
    title: "The workspace key is refused",
    fault: Fault::Operator,
    phrases: &["Invalid bearer token", "invalid x-api-key", "api_key_scope_missing"],
    signs: &[],
    meaning: "The integration uses a workspace key instead of a role, and the upstream does not accept it: it is \
              deleted, expired, of another kind, or sent in a header that it is not for.",
    fix: "Store a current key of this workspace in the integration, and check `anthropic_aws_api_key_header`.",
    command: None,
};
