//! What an upstream's error means, whose fault it is and what to do.
//!
//! Neither AWS nor Anthropic promises the wording, so a phrase is matched in any case and anywhere in the text, and
//! what is not recognised falls back to the status. The phrases stand in the [table](super::class).

use super::class::{Class, Fault, access, requests, sessions};
use super::denial::Denial;
use super::explain::Explained;
use super::upstream::UpstreamError;

/// What an upstream's error means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UpstreamCause {
    /// The account has not enabled outbound web identity federation, which the service needs on every request.
    FederationDisabled,
    /// A policy does not allow the role to do this.
    NotAuthorized(Box<Denial>),
    /// The signature does not match: wrong region or service name in the scope, or a changed header.
    InvalidSignature,
    /// The signature's time is too far from the upstream's.
    ClockSkew,
    /// The role's session has expired.
    ExpiredCredentials,
    /// The access key or the token is unknown.
    InvalidCredentials,
    /// A 401 that gives no reason that is known.
    CredentialsRefused,
    /// The request came without a signature.
    MissingCredentials,
    /// The workspace's key is not accepted.
    WorkspaceKeyRefused,
    /// The AWS account has no subscription to the service.
    NotSubscribed,
    /// The account has no access to the model.
    ModelAccess,
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
    /// A spending limit of the organisation's or workspace's own is reached.
    SpendLimit,
    /// The monthly cap of the usage tier is reached.
    TierSpendCap,
    /// The account cannot be billed.
    Billing,
    /// Anthropic has stopped the organisation's use.
    OrganizationOnHold,
    /// The customer's own key, with which the workspace is encrypted, cannot be used.
    EncryptionKey,
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

/// What is recognised by its words, whatever the status. The first match counts: a refusal for the lack of a token's
/// permission is a refusal too, and so is one that names another's error.
const RECOGNISED: &[(&Class, UpstreamCause)] = {
    use UpstreamCause as C;
    &[
        (&access::FEDERATION_DISABLED, C::FederationDisabled),
        (&access::NOT_SUBSCRIBED, C::NotSubscribed),
        (&sessions::CLOCK_SKEW, C::ClockSkew),
        (&sessions::INVALID_SIGNATURE, C::InvalidSignature),
        (&sessions::EXPIRED_CREDENTIALS, C::ExpiredCredentials),
        (&sessions::INVALID_CREDENTIALS, C::InvalidCredentials),
        (&sessions::MISSING_CREDENTIALS, C::MissingCredentials),
        (&sessions::WORKSPACE_KEY_REFUSED, C::WorkspaceKeyRefused),
        (&access::WORKSPACE_INVALID, C::WorkspaceInvalid),
        (&access::MODEL_ACCESS, C::ModelAccess),
        (&access::ORGANIZATION_ON_HOLD, C::OrganizationOnHold),
        (&access::ENCRYPTION_KEY, C::EncryptionKey),
        (&requests::SPEND_LIMIT, C::SpendLimit),
        (&requests::TIER_SPEND_CAP, C::TierSpendCap),
        (&requests::RATE_LIMITED, C::RateLimited),
    ]
};

/// The same for a 400 alone.
const RECOGNISED_IN_400: &[(&Class, UpstreamCause)] = &[
    (&requests::CONTEXT_TOO_LONG, UpstreamCause::ContextTooLong),
    (&requests::UNSUPPORTED_BETA, UpstreamCause::UnsupportedBeta),
];

impl UpstreamCause {
    /// What an error means.
    ///
    /// A 400 may quote the client's request, so the phrases that stand for a fault of the credentials count there
    /// only if the body is not Anthropic's: AWS's front door answers some of them with a 400 of its own.
    pub(super) fn of(error: &UpstreamError) -> Self {
        let text =
            format!("{} {} {}", error.error_type_text(), error.code_text(), error.text()).to_lowercase();
        let quotes_client = error.is_anthropic() && matches!(error.status, 400 | 404 | 413 | 422);
        let always = recognised(RECOGNISED, &text)
            .or_else(|| is_refusal(&text).then(|| Self::not_authorized(error.text())))
            .filter(|cause| !quotes_client || cause.is_told_in_400());
        let cause =
            always.or_else(|| if error.status == 400 { recognised(RECOGNISED_IN_400, &text) } else { None });
        match cause {
            // A limit that says when to come back is a rate.
            Some(Self::SpendLimit | Self::TierSpendCap)
                if error.status == 429 && error.retry_after.is_some() =>
            {
                Self::RateLimited
            }
            Some(cause) => cause,
            None => Self::of_status(error, &text),
        }
    }

    fn of_status(error: &UpstreamError, text: &str) -> Self {
        match error.status {
            400 | 422 => Self::InvalidRequest,
            401 => Self::CredentialsRefused,
            402 => Self::Billing,
            403 => Self::not_authorized(error.text()),
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

    fn not_authorized(text: &str) -> Self {
        Self::NotAuthorized(Box::new(Denial::parse(text)))
    }

    /// Anthropic says these with a 400 too, and in words that a client's request hardly has.
    fn is_told_in_400(&self) -> bool {
        matches!(
            self,
            Self::FederationDisabled
                | Self::SpendLimit
                | Self::TierSpendCap
                | Self::WorkspaceInvalid
                | Self::OrganizationOnHold
                | Self::EncryptionKey
        )
    }

    /// The row of the table.
    #[must_use]
    pub fn class(&self) -> &'static Class {
        match self {
            Self::FederationDisabled => &access::FEDERATION_DISABLED,
            Self::NotAuthorized(denial) => denial.class(),
            Self::InvalidSignature => &sessions::INVALID_SIGNATURE,
            Self::ClockSkew => &sessions::CLOCK_SKEW,
            Self::ExpiredCredentials => &sessions::EXPIRED_CREDENTIALS,
            Self::InvalidCredentials => &sessions::INVALID_CREDENTIALS,
            Self::CredentialsRefused => &sessions::CREDENTIALS_REFUSED,
            Self::MissingCredentials => &sessions::MISSING_CREDENTIALS,
            Self::WorkspaceKeyRefused => &sessions::WORKSPACE_KEY_REFUSED,
            Self::NotSubscribed => &access::NOT_SUBSCRIBED,
            Self::ModelAccess => &access::MODEL_ACCESS,
            Self::WorkspaceNotFound => &access::WORKSPACE_NOT_FOUND,
            Self::WorkspaceInvalid => &access::WORKSPACE_INVALID,
            Self::ModelNotFound => &requests::MODEL_NOT_FOUND,
            Self::NotFound => &requests::NOT_FOUND,
            Self::ContextTooLong => &requests::CONTEXT_TOO_LONG,
            Self::RequestTooLarge => &requests::REQUEST_TOO_LARGE,
            Self::UnsupportedBeta => &requests::UNSUPPORTED_BETA,
            Self::InvalidRequest => &requests::INVALID_REQUEST,
            Self::SpendLimit => &requests::SPEND_LIMIT,
            Self::TierSpendCap => &requests::TIER_SPEND_CAP,
            Self::Billing => &access::BILLING,
            Self::OrganizationOnHold => &access::ORGANIZATION_ON_HOLD,
            Self::EncryptionKey => &access::ENCRYPTION_KEY,
            Self::RateLimited => &requests::RATE_LIMITED,
            Self::Overloaded => &requests::OVERLOADED,
            Self::Timeout => &requests::TIMEOUT,
            Self::Conflict => &requests::CONFLICT,
            Self::UpstreamFailed => &requests::UPSTREAM_FAILED,
            Self::Other => &requests::OTHER,
        }
    }

    /// A stable word for programs, logs and documentation.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.class().code
    }

    /// Who can do something about it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.class().fault
    }

    /// What it means and what to do about it.
    #[must_use]
    pub fn explain(&self) -> Explained {
        match self {
            Self::NotAuthorized(denial) => Explained::new(self.class(), denial),
            _ => Explained::new(self.class(), &Denial::default()),
        }
    }

    /// What AWS says of a refusal.
    #[must_use]
    pub fn denial(&self) -> Option<&Denial> {
        match self {
            Self::NotAuthorized(denial) => Some(denial),
            _ => None,
        }
    }

    /// Whether the same request may succeed a little later, from the gateway's point of view. Expired credentials
    /// count: the gateway fetches new ones.
    #[must_use]
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

    /// Whether a new session may be answered better: AWS says that this one has expired, or that it does not know it. A
    /// refusal that says neither does not count: a session costs a call of STS, and a good one is not replaced for
    /// somebody's bare 401.
    #[must_use]
    pub fn is_stale_session(&self) -> bool {
        matches!(self, Self::ExpiredCredentials | Self::InvalidCredentials)
    }

    /// Whether the upstream refused the credentials themselves.
    #[must_use]
    pub fn is_authentication(&self) -> bool {
        matches!(
            self,
            Self::InvalidSignature
                | Self::ClockSkew
                | Self::ExpiredCredentials
                | Self::InvalidCredentials
                | Self::CredentialsRefused
                | Self::MissingCredentials
                | Self::WorkspaceKeyRefused
        )
    }

    /// Whether the upstream knows the credentials and refuses what they ask for.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        matches!(
            self,
            Self::FederationDisabled | Self::NotAuthorized(_) | Self::NotSubscribed | Self::ModelAccess
        )
    }
}

fn recognised(rows: &[(&Class, UpstreamCause)], text: &str) -> Option<UpstreamCause> {
    rows.iter().find(|(class, _)| class.is_in(text)).map(|(_, cause)| cause.clone())
}

/// Whether AWS refuses an action.
fn is_refusal(text: &str) -> bool {
    access::ACCESS_DENIED.is_in(text) || access::WEB_IDENTITY_TOKEN.is_in(text)
}
