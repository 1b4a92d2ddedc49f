//! What goes wrong on the way to the upstream and back, before or after it has said anything.

use super::{Class, Fault};

pub(in crate::error) const ALL: &[&Class] = &[
    &UPSTREAM_UNREACHABLE,
    &UPSTREAM_TIMEOUT,
    &BAD_UPSTREAM_RESPONSE,
    &UPSTREAM_STREAM_ERROR,
    &UNUSABLE_API_KEY,
];

/// No connection came about.
pub static UPSTREAM_UNREACHABLE: Class = Class {
    code: "upstream_unreachable",
    title: "The upstream cannot be reached",
    fault: Fault::Upstream,
    phrases: &[],
    signs: &["the upstream could not be reached"],
    meaning: "The gateway got no connection to the region's endpoint, or something before the service answered with a \
              page of its own.",
    fix: "Check that the gateway can reach the region's endpoint, `aws-external-anthropic.<region>.api.aws` on port \
          443 (DNS, proxy, firewall, VPC endpoint), and what `ANTHROPIC_AWS_BASE_URL` names if it is set.",
    command: None,
};

/// No answer came in time.
pub static UPSTREAM_TIMEOUT: Class = Class {
    code: "upstream_timeout",
    title: "The upstream does not answer in time",
    fault: Fault::Upstream,
    phrases: &[],
    signs: &["the upstream did not answer within … s"],
    meaning: "The gateway waited as long as its settings allow, and gave up.",
    fix: "Stream the answer or ask for a shorter one; the operator may raise the gateway's time limits.",
    command: None,
};

/// What came is no answer.
pub static BAD_UPSTREAM_RESPONSE: Class = Class {
    code: "bad_upstream_response",
    title: "The upstream's answer makes no sense",
    fault: Fault::Upstream,
    phrases: &[],
    signs: &["the upstream's answer broke off; a redirect, or something that is no message"],
    meaning: "The answer was cut, too large, or is not what the service answers.",
    fix: "Retry. If it lasts, check that `ANTHROPIC_AWS_BASE_URL` leads to the service and that no proxy answers in \
          its place.",
    command: None,
};

/// A stream broke off.
pub static UPSTREAM_STREAM_ERROR: Class = Class {
    code: "upstream_stream_error",
    title: "The upstream's stream broke off",
    fault: Fault::Upstream,
    phrases: &[],
    signs: &["an error as the last event of a stream: upstream stream ended unexpectedly"],
    meaning: "The connection ended before the stream's own last event, or an event broke the protocol. What came \
              before is not the whole answer.",
    fix: "Ask again. If it lasts, look for a proxy between gateway and AWS that ends long connections.",
    command: None,
};

/// The integration's key cannot be sent.
pub static UNUSABLE_API_KEY: Class = Class {
    code: "unusable_api_key",
    title: "The workspace key cannot be sent",
    fault: Fault::Operator,
    phrases: &[],
    signs: &["the integration's workspace key has characters that no header can carry"],
    meaning: "The stored key has line ends or other characters that it cannot really have.",
    fix: "Store the workspace key in the integration again, exactly as it was given.",
    command: None,
};
