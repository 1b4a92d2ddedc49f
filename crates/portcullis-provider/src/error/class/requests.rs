//! What is wrong with requests, and what the service has no room for.
//!
//! Source: "Errors" and "Rate limits" in Anthropic's documentation.

use super::{Class, Fault};

pub(in crate::error) const LIMITS: &[&Class] =
    &[&SPEND_LIMIT, &TIER_SPEND_CAP, &RATE_LIMITED, &OVERLOADED, &TIMEOUT, &UPSTREAM_FAILED];

pub(in crate::error) const REQUESTS: &[&Class] = &[
    &MODEL_NOT_FOUND,
    &NOT_FOUND,
    &CONTEXT_TOO_LONG,
    &REQUEST_TOO_LARGE,
    &UNSUPPORTED_BETA,
    &INVALID_REQUEST,
    &CONFLICT,
    &OTHER,
];

pub(in crate::error) static SPEND_LIMIT: Class = Class {
    code: "spend_limit",
    title: "A spending limit of your own is reached",
    fault: Fault::Operator,
    phrases: &["You have reached your specified", "credit balance is too low"],
    signs: &["HTTP 400 that says when access returns"],
    meaning: "The organisation or the workspace has a spending limit, and this month's use has reached it.",
    fix: "Raise the spending limit of the workspace or organisation in the Claude Console, or wait for the month to \
          end.",
    command: None,
};

pub(in crate::error) static TIER_SPEND_CAP: Class = Class {
    code: "tier_spend_cap",
    title: "The monthly cap of the usage tier is reached",
    fault: Fault::Operator,
    phrases: &["You have reached your API usage limits"],
    signs: &["HTTP 429 without `retry-after`"],
    meaning: "Each usage tier has a monthly cap. Waiting a minute does not help: it ends at 00:00 UTC on the first of \
              the month, or with a higher tier.",
    fix: "Ask Anthropic's account representative for a higher tier; AWS organisations are not promoted by themselves, \
          and AWS service quotas play no part.",
    command: None,
};

pub(in crate::error) static RATE_LIMITED: Class = Class {
    code: "rate_limited",
    title: "Rate limit",
    fault: Fault::Upstream,
    phrases: &["ThrottlingException", "TooManyRequestsException"],
    signs: &["HTTP 429 with `retry-after`"],
    meaning: "Requests or tokens per minute of the organisation are used up for the moment, or rose too fast.",
    fix: "Wait as long as `retry-after` says; if it lasts, spread the load or ask Anthropic for higher limits.",
    command: None,
};

pub(in crate::error) static OVERLOADED: Class = Class {
    code: "overloaded",
    title: "Overload",
    fault: Fault::Upstream,
    phrases: &[],
    signs: &["HTTP 529 with `overloaded_error`"],
    meaning: "The service has no capacity for the moment, for anybody.",
    fix: "Wait and retry, or send the request to another provider.",
    command: None,
};

pub(in crate::error) static TIMEOUT: Class = Class {
    code: "timeout",
    title: "The upstream gave up waiting",
    fault: Fault::Upstream,
    phrases: &[],
    signs: &["HTTP 408 or 504"],
    meaning: "The answer took longer than the upstream waits.",
    fix: "Stream the answer, or ask for a shorter one.",
    command: None,
};

pub(in crate::error) static UPSTREAM_FAILED: Class = Class {
    code: "upstream_failed",
    title: "The upstream failed",
    fault: Fault::Upstream,
    phrases: &[],
    signs: &["HTTP 500 to 599"],
    meaning: "Something broke at AWS or Anthropic.",
    fix: "Retry. If it lasts, give both request ids to AWS support.",
    command: None,
};

pub(in crate::error) static MODEL_NOT_FOUND: Class = Class {
    code: "model_not_found",
    title: "No such model",
    fault: Fault::Caller,
    phrases: &[],
    signs: &["HTTP 404: model: …"],
    meaning: "The upstream does not know the model's name, or has retired it.",
    fix: "Check the model's name, and that it is offered in this region.",
    command: None,
};

pub(in crate::error) static NOT_FOUND: Class = Class {
    code: "not_found",
    title: "Something that the request names does not exist",
    fault: Fault::Caller,
    phrases: &[],
    signs: &["HTTP 404"],
    meaning: "A file, a batch or another thing with this id does not exist in the integration's workspace.",
    fix: "",
    command: None,
};

pub(in crate::error) static CONTEXT_TOO_LONG: Class = Class {
    code: "context_too_long",
    title: "The prompt is too long",
    fault: Fault::Caller,
    phrases: &["prompt is too long", "exceed context limit", "exceeds the context"],
    signs: &[],
    meaning: "Prompt and answer do not fit into the model's context.",
    fix: "Shorten the prompt, or lower the token limit of the answer.",
    command: None,
};

pub(in crate::error) static REQUEST_TOO_LARGE: Class = Class {
    code: "request_too_large",
    title: "The request is too large",
    fault: Fault::Caller,
    phrases: &[],
    signs: &["HTTP 413"],
    meaning: "The body has more bytes than the upstream accepts.",
    fix: "Make the request smaller: send files by id instead of inline.",
    command: None,
};

pub(in crate::error) static UNSUPPORTED_BETA: Class = Class {
    code: "unsupported_beta",
    title: "An unknown beta",
    fault: Fault::Caller,
    phrases: &["for the `anthropic-beta` header"],
    signs: &[],
    meaning: "A value of `anthropic-beta` is unknown to the upstream, or not offered on AWS.",
    fix: "Remove the value from the `anthropic-beta` header.",
    command: None,
};

pub(in crate::error) static INVALID_REQUEST: Class = Class {
    code: "invalid_request",
    title: "The request is wrong",
    fault: Fault::Caller,
    phrases: &[],
    signs: &["HTTP 400 or 422"],
    meaning: "The upstream's sentence says what is wrong, and mostly begins with the field's path.",
    fix: "",
    command: None,
};

pub(in crate::error) static CONFLICT: Class = Class {
    code: "conflict",
    title: "Conflict",
    fault: Fault::Caller,
    phrases: &[],
    signs: &["HTTP 409"],
    meaning: "The state of a thing forbids the request.",
    fix: "",
    command: None,
};

pub(in crate::error) static OTHER: Class = Class {
    code: "other",
    title: "Anything else",
    fault: Fault::Caller,
    phrases: &[],
    signs: &["any other status of 4xx"],
    meaning: "The upstream refused the request for a reason that the gateway does not know.",
    fix: "",
    command: None,
};
