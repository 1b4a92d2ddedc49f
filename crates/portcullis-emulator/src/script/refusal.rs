//! The refusals that a world cannot express, or not for one request alone, in the upstream's own words.

use serde_json::{Value, json};

use crate::answer::Answer;

/// One refusal by its directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    name: &'static str,
    status: u16,
    shape: Shape,
    message: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// The Claude API's envelope, with `error.type`.
    Anthropic(&'static str),
    /// The same, with `error.details.error_code`.
    WithCode(&'static str, &'static str),
    /// What AWS's own front doors answer, with `__type`.
    Aws(&'static str),
}

use Shape::{Anthropic, Aws, WithCode};

const fn refusal(name: &'static str, status: u16, shape: Shape, message: &'static str) -> Refusal {
    Refusal { name, status, shape, message }
}

const REFUSALS: &[Refusal] = &[
    refusal("500", 500, Anthropic("api_error"), "Internal server error"),
    refusal("503", 503, Anthropic("api_error"), "Service unavailable"),
    refusal("504", 504, Anthropic("timeout_error"), "The request took too long"),
    refusal("529", 529, Anthropic("overloaded_error"), "Overloaded"),
    refusal(
        "429",
        429,
        Anthropic("rate_limit_error"),
        "This request would exceed your organization's rate limit.",
    ),
    refusal(
        "429_spend_cap",
        429,
        Anthropic("rate_limit_error"),
        "You have reached your API usage limits. You will regain access on the first of next month at 00:00 UTC.",
    ),
    refusal(
        "429_contract_spend_limit",
        429,
        WithCode("rate_limit_error", "contract_spend_limit_reached"),
        "Your organization has reached the spend limit of its contract.",
    ),
    refusal(
        "429_enforced_spend_limit",
        429,
        WithCode("rate_limit_error", "enforced_spend_limit_reached"),
        "Your organization has reached its enforced spend limit.",
    ),
    refusal(
        "429_ramp",
        429,
        WithCode("rate_limit_error", "ramp_limit_exceeded"),
        "Your usage grew too quickly. Please ramp up your traffic more gradually.",
    ),
    refusal("429_aws", 429, Aws("ThrottlingException"), "Rate exceeded"),
    refusal(
        "400_spend_limit",
        400,
        Anthropic("invalid_request_error"),
        "You have reached your specified API usage limits. You will regain access on the first of next month at 00:00 UTC.",
    ),
    refusal(
        "400_workspace_spend_limit",
        400,
        Anthropic("invalid_request_error"),
        "You have reached your specified workspace API usage limits. You will regain access on the first of next month at 00:00 UTC.",
    ),
    refusal(
        "400_on_hold",
        400,
        WithCode("invalid_request_error", "organization_on_hold"),
        "Your organization is on hold.",
    ),
    refusal(
        "402_billing",
        402,
        Anthropic("billing_error"),
        "There is a problem with the billing of your subscription.",
    ),
    refusal(
        "401_bad_signature",
        401,
        Anthropic("authentication_error"),
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    ),
    refusal(
        "401_skew",
        401,
        Anthropic("authentication_error"),
        "Signature expired: 20261122T120000Z is now earlier than 20261122T130000Z (20261122T130500Z - 5 min.)",
    ),
    refusal(
        "401_expired_token",
        401,
        Anthropic("authentication_error"),
        "The security token included in the request is expired",
    ),
    refusal(
        "401_unknown_token",
        401,
        Anthropic("authentication_error"),
        "The security token included in the request is invalid.",
    ),
    refusal(
        "403_expired_token",
        403,
        Aws("ExpiredTokenException"),
        "The security token included in the request is expired",
    ),
    refusal(
        "403_unknown_token",
        403,
        Aws("UnrecognizedClientException"),
        "The security token included in the request is invalid.",
    ),
    refusal(
        "403_federation_off",
        403,
        Anthropic("permission_error"),
        "Outbound web identity federation is disabled for your account",
    ),
    refusal(
        "403_federation_off_aws",
        403,
        Aws("OutboundWebIdentityFederationDisabledException"),
        "Outbound web identity federation is not enabled for your account.",
    ),
    refusal(
        "403_not_subscribed",
        403,
        Anthropic("permission_error"),
        "Your account has not subscribed to this service yet",
    ),
    refusal(
        "403_model_access",
        403,
        Anthropic("permission_error"),
        "Your account does not have access to the model.",
    ),
    refusal(
        "503_key_unreachable",
        503,
        WithCode("api_error", "cmek_key_unreachable"),
        "The workspace's encryption key cannot be reached.",
    ),
    refusal(
        "503_registration_pending",
        503,
        WithCode("api_error", "registration_pending"),
        "The registration of your account is not complete yet.",
    ),
];

impl Refusal {
    pub(super) fn named(name: &str) -> Option<Self> {
        REFUSALS.iter().find(|refusal| refusal.name == name).copied()
    }

    /// The error inside Anthropic's envelope. What AWS refuses in its own shape is, inside, a failure of the service.
    pub(super) fn error(self) -> Value {
        match self.shape {
            Anthropic(kind) => json!({"type": kind, "message": self.message}),
            WithCode(kind, code) => {
                json!({"type": kind, "message": self.message, "details": {"error_code": code}})
            }
            Aws(_) => json!({"type": "api_error", "message": self.message}),
        }
    }

    pub(super) fn into_answer(self, request_id: &str) -> Answer {
        let (body, aws_type) = match self.shape {
            Aws(kind) => (json!({"__type": kind, "message": self.message}), Some(kind)),
            Anthropic(_) | WithCode(..) => {
                (json!({"type": "error", "error": self.error(), "request_id": request_id}), None)
            }
        };
        let answer = Answer::whole(self.status, "application/json", body.to_string());
        match aws_type {
            Some(kind) => answer.with_header("x-amzn-errortype", kind),
            None => answer,
        }
    }
}
