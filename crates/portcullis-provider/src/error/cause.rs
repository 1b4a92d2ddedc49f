//! What an upstream's error means, whose fault it is and what to do.
//!
//! Neither AWS nor Anthropic promises the wording, so a phrase is matched in any case and anywhere in the text, and
//! what is not recognised falls back to the status. Sources: "Claude Platform on AWS" and "Errors" in Anthropic's
//! documentation, IAM's "Troubleshoot access denied error messages", "Common errors" of the AWS APIs.

use std::fmt;

use super::upstream::UpstreamError;

/// Who can do something about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The one who sent the request.
    Caller,
    /// The one who runs the gateway or owns the AWS account.
    Operator,
    /// The upstream; waiting helps.
    Upstream,
}

/// What an upstream's error means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UpstreamCause {
    /// The account has not enabled outbound web identity federation, which the service needs on every request.
    FederationDisabled,
    /// A policy does not allow the role to do this.
    NotAuthorized {
        /// The IAM action, such as `aws-external-anthropic:CreateInference`, if the text names it.
        action: Option<String>,
    },
    /// The signature does not match: wrong region or service name in the scope, or a changed header.
    InvalidSignature,
    /// The signature's time is too far from the upstream's.
    ClockSkew,
    /// The role's session has expired.
    ExpiredCredentials,
    /// The access key or the token is unknown, or there is none.
    InvalidCredentials,
    /// The AWS account has no subscription to the service.
    NotSubscribed,
    /// The workspace does not exist, or not for this account and region.
    WorkspaceNotFound,
    /// The workspace id is missing or malformed.
    WorkspaceInvalid,
    /// No such model, or not for this account.
    ModelNotFound,
    /// Another thing does not exist.
    NotFound,
    /// Prompt and answer do not fit into the model's context.
    ContextTooLong,
    /// The body is larger than the upstream accepts.
    RequestTooLarge,
    /// A value of `anthropic-beta` is unknown.
    UnsupportedBeta,
    /// The request is wrong in another way.
    InvalidRequest,
    /// A spending limit is reached.
    SpendLimit,
    /// The account cannot be billed.
    Billing,
    /// Too many requests or tokens for now.
    RateLimited,
    /// The upstream has no capacity for now.
    Overloaded,
    /// The upstream gave up waiting.
    Timeout,
    /// The state of a thing forbids the request.
    Conflict,
    /// The upstream failed.
    UpstreamFailed,
    /// None of these.
    Other,
}

/// Phrases in lower case, and what they mean wherever they stand and whatever the status. The first match counts.
const PHRASES: &[(&str, UpstreamCause)] = {
    use UpstreamCause as C;
    &[
        ("outbound web identity federation is disabled", C::FederationDisabled),
        ("outboundwebidentityfederationdisabled", C::FederationDisabled),
        ("has not subscribed to this service", C::NotSubscribed),
        ("signature expired", C::ClockSkew),
        ("signature not yet current", C::ClockSkew),
        ("requesttimetooskewed", C::ClockSkew),
        ("request signature we calculated does not match", C::InvalidSignature),
        ("invalid signature", C::InvalidSignature),
        ("invalidsignatureexception", C::InvalidSignature),
        ("signaturedoesnotmatch", C::InvalidSignature),
        ("incompletesignature", C::InvalidSignature),
        ("credential should be scoped to", C::InvalidSignature),
        ("security token included in the request is expired", C::ExpiredCredentials),
        ("security token has expired", C::ExpiredCredentials),
        ("security token expired", C::ExpiredCredentials),
        ("expiredtoken", C::ExpiredCredentials),
        // The service mints a token of five minutes inside the session; STS refuses one that would outlive it.
        ("sessiondurationescalation", C::ExpiredCredentials),
        ("security token included in the request is invalid", C::InvalidCredentials),
        ("unrecognizedclient", C::InvalidCredentials),
        ("invalidclienttokenid", C::InvalidCredentials),
        ("missing authentication token", C::InvalidCredentials),
        ("missingauthenticationtoken", C::InvalidCredentials),
        ("invalid bearer token", C::InvalidCredentials),
        ("is not authorized to perform", C::NotAuthorized { action: None }),
        ("accessdenied", C::NotAuthorized { action: None }),
        ("sts:getwebidentitytoken", C::NotAuthorized { action: None }),
        ("sts:taggetwebidentitytoken", C::NotAuthorized { action: None }),
        ("anthropic-workspace-id header must be", C::WorkspaceInvalid),
        ("anthropic-workspace-id is required", C::WorkspaceInvalid),
        ("must include the anthropic-workspace-id header", C::WorkspaceInvalid),
        ("you have reached your api usage limits", C::SpendLimit),
        ("you have reached your specified", C::SpendLimit),
        ("throttlingexception", C::RateLimited),
        ("toomanyrequestsexception", C::RateLimited),
    ]
};

/// Phrases of a 400.
const INVALID_REQUEST_PHRASES: &[(&str, UpstreamCause)] = &[
    ("prompt is too long", UpstreamCause::ContextTooLong),
    ("exceed context limit", UpstreamCause::ContextTooLong),
    ("exceeds the context", UpstreamCause::ContextTooLong),
    ("credit balance is too low", UpstreamCause::SpendLimit),
    ("for the `anthropic-beta` header", UpstreamCause::UnsupportedBeta),
];

impl UpstreamCause {
    /// What an error means.
    ///
    /// A 400 may quote the client's request, so the phrases that stand for a fault of the credentials count there
    /// only if the body is not Anthropic's: AWS's front door answers some of them with a 400 of its own.
    pub(super) fn of(error: &UpstreamError) -> Self {
        let text =
            format!("{} {} {}", error.error_type_text(), error.code_text(), error.text()).to_lowercase();
        let found = |phrases: &[(&str, Self)]| {
            phrases.iter().find(|(phrase, _)| text.contains(phrase)).map(|(_, cause)| cause.clone())
        };
        let quotes_client = error.is_anthropic() && matches!(error.status, 400 | 404 | 413 | 422);
        let always = found(PHRASES).filter(|cause| {
            !quotes_client
                || matches!(cause, Self::FederationDisabled | Self::SpendLimit | Self::WorkspaceInvalid)
        });
        let cause =
            always.or_else(|| if error.status == 400 { found(INVALID_REQUEST_PHRASES) } else { None });
        match cause {
            // A limit that says when to come back is a rate.
            Some(Self::SpendLimit) if error.status == 429 && error.retry_after.is_some() => Self::RateLimited,
            Some(Self::NotAuthorized { .. }) => Self::NotAuthorized { action: action(error.text()) },
            Some(cause) => cause,
            None => Self::of_status(error, &text),
        }
    }

    fn of_status(error: &UpstreamError, text: &str) -> Self {
        match error.status {
            400 | 422 => Self::InvalidRequest,
            401 => Self::InvalidCredentials,
            402 => Self::Billing,
            403 => Self::NotAuthorized { action: action(error.text()) },
            404 if text.contains("workspace") => Self::WorkspaceNotFound,
            404 if error.text().trim_start().to_lowercase().starts_with("model") => Self::ModelNotFound,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            409 => Self::Conflict,
            413 => Self::RequestTooLarge,
            429 if error.retry_after.is_none() && error.code_text().contains("_spend_limit_") => {
                Self::SpendLimit
            }
            429 => Self::RateLimited,
            529 => Self::Overloaded,
            500.. => Self::UpstreamFailed,
            _ => Self::Other,
        }
    }

    /// A stable word for programs, logs and documentation.
    pub fn code(&self) -> &'static str {
        match self {
            Self::FederationDisabled => "federation_disabled",
            Self::NotAuthorized { .. } => "access_denied",
            Self::InvalidSignature => "invalid_signature",
            Self::ClockSkew => "clock_skew",
            Self::ExpiredCredentials => "expired_credentials",
            Self::InvalidCredentials => "invalid_credentials",
            Self::NotSubscribed => "not_subscribed",
            Self::WorkspaceNotFound => "workspace_not_found",
            Self::WorkspaceInvalid => "workspace_invalid",
            Self::ModelNotFound => "model_not_found",
            Self::NotFound => "not_found",
            Self::ContextTooLong => "context_too_long",
            Self::RequestTooLarge => "request_too_large",
            Self::UnsupportedBeta => "unsupported_beta",
            Self::InvalidRequest => "invalid_request",
            Self::SpendLimit => "spend_limit",
            Self::Billing => "billing",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::Conflict => "conflict",
            Self::UpstreamFailed => "upstream_failed",
            Self::Other => "other",
        }
    }

    /// Who can do something about it.
    pub fn fault(&self) -> Fault {
        match self {
            Self::FederationDisabled
            | Self::NotAuthorized { .. }
            | Self::InvalidSignature
            | Self::ClockSkew
            | Self::ExpiredCredentials
            | Self::InvalidCredentials
            | Self::NotSubscribed
            | Self::WorkspaceNotFound
            | Self::WorkspaceInvalid
            | Self::SpendLimit
            | Self::Billing => Fault::Operator,
            Self::ModelNotFound
            | Self::NotFound
            | Self::ContextTooLong
            | Self::RequestTooLarge
            | Self::UnsupportedBeta
            | Self::InvalidRequest
            | Self::Conflict
            | Self::Other => Fault::Caller,
            Self::RateLimited | Self::Overloaded | Self::Timeout | Self::UpstreamFailed => Fault::Upstream,
        }
    }

    /// Whether the same request may succeed a little later, from the gateway's point of view. Expired credentials
    /// count: the gateway fetches new ones.
    pub fn should_retry(&self) -> bool {
        matches!(
            self,
            Self::ExpiredCredentials
                | Self::RateLimited
                | Self::Overloaded
                | Self::Timeout
                | Self::Conflict
                | Self::UpstreamFailed
        )
    }

    /// Whether the upstream refused the credentials themselves.
    pub(super) fn is_authentication(&self) -> bool {
        matches!(
            self,
            Self::InvalidSignature | Self::ClockSkew | Self::ExpiredCredentials | Self::InvalidCredentials
        )
    }

    /// Whether the upstream knows the credentials and refuses what they ask for.
    pub(super) fn is_permission(&self) -> bool {
        matches!(self, Self::FederationDisabled | Self::NotAuthorized { .. } | Self::NotSubscribed)
    }

    /// What the operator should do, as a sentence; none if there is nothing to do.
    pub fn advice(&self) -> Option<Advice<'_>> {
        let silent = matches!(
            self,
            Self::NotFound | Self::InvalidRequest | Self::Conflict | Self::UpstreamFailed | Self::Other
        );
        if silent { None } else { Some(Advice(self)) }
    }
}

/// A sentence for the operator; see [`UpstreamCause::advice`].
#[derive(Clone, Copy, Debug)]
pub struct Advice<'a>(&'a UpstreamCause);

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use UpstreamCause as C;
        f.write_str(match self.0 {
            C::FederationDisabled => {
                "enable it once per AWS account: aws iam enable-outbound-web-identity-federation"
            }
            C::NotAuthorized { action: Some(action) } => {
                return write!(
                    f,
                    "allow {action} on the workspace's ARN in the role's permission policy, and check session \
                     policies, permission boundaries and service control policies"
                );
            }
            C::NotAuthorized { action: None } => {
                "check the role's permission policy for the workspace's ARN, session policies and service control \
                 policies"
            }
            C::InvalidSignature => {
                "check that the integration's region is the workspace's region and that nothing between gateway and \
                 upstream changes the request"
            }
            C::ClockSkew => "set the gateway's clock: it must be within five minutes of AWS's",
            C::ExpiredCredentials => "nothing if it happens once: the gateway fetches new credentials",
            C::InvalidCredentials => "check the integration's role and that its session token is sent",
            C::NotSubscribed => "subscribe the AWS account to Claude Platform on AWS in the AWS Marketplace",
            C::WorkspaceNotFound => {
                "check the integration's workspace id, and that it belongs to this AWS account and region"
            }
            C::WorkspaceInvalid => "set the integration's workspace id: it begins with wrkspc_",
            C::ModelNotFound => "check the model's name, and that the account has access to it in this region",
            C::ContextTooLong => "shorten the prompt, or lower the token limit of the answer",
            C::RequestTooLarge => "make the request smaller: send files by id instead of inline",
            C::UnsupportedBeta => "remove the value from the anthropic-beta header",
            C::SpendLimit => "raise the spending limit, or wait for the month to end",
            C::Billing => "check the subscription's billing in the AWS Marketplace",
            C::RateLimited => "wait as long as retry-after says",
            C::Overloaded => "wait and retry, or send the request to another provider",
            C::Timeout => "stream the answer, or ask for a shorter one",
            C::NotFound | C::InvalidRequest | C::Conflict | C::UpstreamFailed | C::Other => "",
        })
    }
}

/// The action that a refusal names, such as `sts:GetWebIdentityToken`.
fn action(text: &str) -> Option<String> {
    let is_action = |word: &str| {
        let Some((service, name)) = word.split_once(':') else { return false };
        matches!(service, "aws-external-anthropic" | "sts" | "aws-marketplace" | "iam")
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-')))
        .map(|word| word.trim_end_matches(':'))
        .find(|word| is_action(word))
        .map(str::to_owned)
}
