//! What can go wrong between the gateway and a session: whose fault it is, and what to do.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Longest text of AWS that is kept, in characters: a denial with two long ARNs fits, an HTML page does not.
const LONGEST_MESSAGE: usize = 1000;

/// Who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Whoever set up the integration, or owns the AWS account it leads to.
    Caller,
    /// Whoever runs this gateway.
    Operator,
    /// AWS, or the way to it. Waiting helps.
    Aws,
}

/// What AWS said, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// AWS's sentence (or ours, where AWS said nothing), on one line, cut at 1000 characters. Never a secret.
    pub message: Arc<str>,
    /// AWS's own error code, such as `AccessDenied`.
    pub aws_code: Option<Arc<str>>,
    /// The id under which AWS knows the call.
    pub request_id: Option<Arc<str>>,
    /// When the engine will ask AWS again: until then it repeats this answer. `None` when it can ask at once.
    pub retry_after: Option<Duration>,
}

impl Explanation {
    /// An explanation without AWS's code and request id.
    #[must_use]
    pub fn new(message: &str) -> Self {
        Self { message: one_line(message).into(), aws_code: None, request_id: None, retry_after: None }
    }

    /// The explanation that a chain of errors gives, outermost first.
    #[must_use]
    pub fn from_chain(error: &dyn Error) -> Self {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            next = cause.source();
        }
        Self::new(&text)
    }

    /// The same with AWS's error code and request id.
    #[must_use]
    pub fn with_aws(mut self, code: Option<&str>, request_id: Option<&str>) -> Self {
        self.aws_code = code.map(|code| one_line(code).into());
        self.request_id = request_id.map(|id| one_line(id).into());
        self
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Text from outside as one line of bounded length: it goes to logs and into JSON.
fn one_line(raw: &str) -> String {
    raw.chars().take(LONGEST_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Why there are no credentials.
///
/// Source of the codes: STS API reference, "Common errors" and `AssumeRole`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// The standard AWS chain found no identity for the gateway itself.
    #[error("the gateway found no AWS identity of its own: {0}")]
    SourceUnavailable(Explanation),
    /// STS does not accept the gateway's own credentials: expired, unknown, or wrongly signed.
    #[error("AWS does not accept the gateway's own credentials: {0}")]
    SourceRejected(Explanation),
    /// STS refused. It does not say which of the possible reasons applies.
    #[error("STS refused to assume the role: {0}")]
    AccessDenied(Explanation),
    /// STS is switched off in this region for the account.
    #[error("STS is not active in this region for the account: {0}")]
    RegionDisabled(Explanation),
    /// The role, or role chaining, allows less time than was asked for.
    #[error("the role's sessions may not last that long: {0}")]
    DurationTooLong(Explanation),
    /// STS could not accept what was sent.
    #[error("STS did not accept the request: {0}")]
    InvalidRequest(Explanation),
    /// STS asks to be called less often.
    #[error("STS is throttling: {0}")]
    Throttled(Explanation),
    /// STS could not be reached, was too slow, or failed.
    #[error("STS is unavailable: {0}")]
    StsUnavailable(Explanation),
    /// What came back is not an answer of STS, or is not usable.
    #[error("the answer of STS makes no sense: {0}")]
    MalformedAnswer(Explanation),
}

impl CredentialsError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SourceUnavailable(_) => "aws_source_unavailable",
            Self::SourceRejected(_) => "aws_source_rejected",
            Self::AccessDenied(_) => "aws_assume_role_denied",
            Self::RegionDisabled(_) => "aws_sts_region_disabled",
            Self::DurationTooLong(_) => "aws_session_duration_refused",
            Self::InvalidRequest(_) => "aws_sts_invalid_request",
            Self::Throttled(_) => "aws_sts_throttled",
            Self::StsUnavailable(_) => "aws_sts_unavailable",
            Self::MalformedAnswer(_) => "aws_sts_malformed_answer",
        }
    }

    /// Who has to act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::SourceUnavailable(_) | Self::SourceRejected(_) | Self::InvalidRequest(_) => Fault::Operator,
            Self::AccessDenied(_) | Self::RegionDisabled(_) | Self::DurationTooLong(_) => Fault::Caller,
            Self::Throttled(_) | Self::StsUnavailable(_) | Self::MalformedAnswer(_) => Fault::Aws,
        }
    }

    /// What to do, in one line.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::SourceUnavailable(_) => {
                "Give the gateway an AWS identity: an instance, task or pod role, AWS_PROFILE, or AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY."
            }
            Self::SourceRejected(_) => {
                "Renew the gateway's own AWS credentials, and check that the machine's clock is right."
            }
            Self::AccessDenied(_) => {
                "Check that the role exists, that its trust policy names the gateway's principal and this integration's external ID, and that the gateway may call sts:AssumeRole on it."
            }
            Self::RegionDisabled(_) => {
                "Activate STS for this region in the account's IAM settings, or use an integration in another region."
            }
            Self::DurationTooLong(_) => {
                "Raise the role's maximum session duration to at least one hour; a session assumed from another role never lasts longer than one."
            }
            Self::InvalidRequest(_) => {
                "Read what STS says and correct the integration's role, external ID or session settings."
            }
            Self::Throttled(_) => {
                "Wait; the gateway asks again by itself. If it lasts, look for others who call STS in this account."
            }
            Self::StsUnavailable(_) => {
                "Check that the gateway can reach the region's STS endpoint (DNS, proxy, firewall, VPC endpoint); it asks again by itself."
            }
            Self::MalformedAnswer(_) => {
                "Check that AWS_ENDPOINT_URL_STS leads to STS and that no proxy answers in its place."
            }
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Throttled(_)
            | Self::StsUnavailable(_)
            | Self::MalformedAnswer(_)
            | Self::SourceRejected(_) => true,
            // The instance metadata service and web identity files come late on a fresh machine.
            Self::SourceUnavailable(_) => true,
            Self::AccessDenied(_)
            | Self::RegionDisabled(_)
            | Self::DurationTooLong(_)
            | Self::InvalidRequest(_) => false,
        }
    }

    /// What AWS said.
    #[must_use]
    pub const fn explanation(&self) -> &Explanation {
        match self {
            Self::SourceUnavailable(e)
            | Self::SourceRejected(e)
            | Self::AccessDenied(e)
            | Self::RegionDisabled(e)
            | Self::DurationTooLong(e)
            | Self::InvalidRequest(e)
            | Self::Throttled(e)
            | Self::StsUnavailable(e)
            | Self::MalformedAnswer(e) => e,
        }
    }

    /// When asking again may bring another answer; see [`Explanation::retry_after`].
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.explanation().retry_after
    }

    /// The same error, to be repeated for `remaining`.
    pub(crate) fn with_retry_after(mut self, remaining: Duration) -> Self {
        match &mut self {
            Self::SourceUnavailable(e)
            | Self::SourceRejected(e)
            | Self::AccessDenied(e)
            | Self::RegionDisabled(e)
            | Self::DurationTooLong(e)
            | Self::InvalidRequest(e)
            | Self::Throttled(e)
            | Self::StsUnavailable(e)
            | Self::MalformedAnswer(e) => e.retry_after = Some(remaining),
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_code_and_one_line_of_advice() {
        let why = Explanation::new("why");
        let all = [
            CredentialsError::SourceUnavailable(why.clone()),
            CredentialsError::SourceRejected(why.clone()),
            CredentialsError::AccessDenied(why.clone()),
            CredentialsError::RegionDisabled(why.clone()),
            CredentialsError::DurationTooLong(why.clone()),
            CredentialsError::InvalidRequest(why.clone()),
            CredentialsError::Throttled(why.clone()),
            CredentialsError::StsUnavailable(why.clone()),
            CredentialsError::MalformedAnswer(why),
        ];
        let codes: std::collections::BTreeSet<_> = all.iter().map(CredentialsError::code).collect();
        assert_eq!(codes.len(), all.len());
        for error in all {
            assert!(error.to_string().ends_with(": why"), "{error}");
            assert!(error.advice().len() > 20 && !error.advice().contains('\n'), "{error}");
        }
    }

    #[test]
    fn text_from_outside_is_one_line_of_bounded_length() {
        assert_eq!(&*Explanation::new("a\r\nb\u{1b}c").message, "a  b c");
        assert_eq!(Explanation::new(&"é".repeat(5000)).message.chars().count(), LONGEST_MESSAGE);
    }
}
