//! What can go wrong between the gateway and a session: whose fault it is, and what to do.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portcullis_provider::error::{Class, Denial, Explained, redact, sts};

pub use portcullis_provider::error::Fault;

/// Longest text of AWS that is kept, in characters: a denial with two long ARNs fits, an HTML page does not.
const LONGEST_MESSAGE: usize = 1000;

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

/// Text from outside as one line of bounded length, without keys and tokens: it goes to logs and into JSON.
fn one_line(raw: &str) -> String {
    redact(raw).chars().take(LONGEST_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect()
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
    /// Session policy and session tags exceed AWS's packed limit.
    #[error("the session policy and tags are too large: {0}")]
    PolicyTooLarge(Explanation),
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
    /// The row of the table of causes.
    #[must_use]
    pub fn class(&self) -> &'static Class {
        match self {
            Self::SourceUnavailable(_) => &sts::SOURCE_UNAVAILABLE,
            Self::SourceRejected(_) => &sts::SOURCE_REJECTED,
            Self::AccessDenied(_) => &sts::ASSUME_ROLE_DENIED,
            Self::RegionDisabled(_) => &sts::REGION_DISABLED,
            Self::DurationTooLong(_) => &sts::DURATION_REFUSED,
            Self::PolicyTooLarge(_) => &sts::POLICY_TOO_LARGE,
            Self::InvalidRequest(_) => &sts::STS_INVALID_REQUEST,
            Self::Throttled(_) => &sts::STS_THROTTLED,
            Self::StsUnavailable(_) => &sts::STS_UNAVAILABLE,
            Self::MalformedAnswer(_) => &sts::STS_MALFORMED,
        }
    }

    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.class().code
    }

    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.class().fault
    }

    /// What it means and what to do, with the statements to add where AWS's sentence names principal and role.
    #[must_use]
    pub fn explain(&self) -> Explained {
        Explained::new(self.class(), &Denial::parse(&self.explanation().message))
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
            | Self::PolicyTooLarge(_)
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
            | Self::PolicyTooLarge(e)
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
        self.explanation_mut().retry_after = Some(remaining);
        self
    }

    /// The same error with more to its message.
    pub(crate) fn map_message(mut self, change: impl FnOnce(&str) -> String) -> Self {
        let explanation = self.explanation_mut();
        explanation.message = one_line(&change(&explanation.message)).into();
        self
    }

    const fn explanation_mut(&mut self) -> &mut Explanation {
        match self {
            Self::SourceUnavailable(e)
            | Self::SourceRejected(e)
            | Self::AccessDenied(e)
            | Self::RegionDisabled(e)
            | Self::DurationTooLong(e)
            | Self::PolicyTooLarge(e)
            | Self::InvalidRequest(e)
            | Self::Throttled(e)
            | Self::StsUnavailable(e)
            | Self::MalformedAnswer(e) => e,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_code_and_one_line_of_what_to_do() {
        let why = Explanation::new("why");
        let all = [
            CredentialsError::SourceUnavailable(why.clone()),
            CredentialsError::SourceRejected(why.clone()),
            CredentialsError::AccessDenied(why.clone()),
            CredentialsError::RegionDisabled(why.clone()),
            CredentialsError::DurationTooLong(why.clone()),
            CredentialsError::PolicyTooLarge(why.clone()),
            CredentialsError::InvalidRequest(why.clone()),
            CredentialsError::Throttled(why.clone()),
            CredentialsError::StsUnavailable(why.clone()),
            CredentialsError::MalformedAnswer(why),
        ];
        let codes: std::collections::BTreeSet<_> = all.iter().map(CredentialsError::code).collect();
        assert_eq!(codes.len(), all.len());
        for error in all {
            assert!(error.to_string().ends_with(": why"), "{error}");
            let fix = error.explain().fix.unwrap();
            assert!(fix.len() > 20 && !fix.contains('\n'), "{error}: {fix}");
        }
    }

    #[test]
    fn text_from_outside_is_one_line_of_bounded_length() {
        assert_eq!(&*Explanation::new("a\r\nb\u{1b}c").message, "a  b c");
        assert_eq!(Explanation::new(&"é".repeat(5000)).message.chars().count(), LONGEST_MESSAGE);
    }

    #[test]
    fn what_sts_repeats_of_keys_is_taken_out() {
        let said = "The security token AKIAIOSFODNN7EXAMPLE is invalid";
        assert_eq!(&*Explanation::new(said).message, "The security token [redacted] is invalid");
    }

    #[test]
    fn a_refused_role_is_explained_with_the_statements_for_both_sides() {
        let said = "User: arn:aws:sts::111111111111:assumed-role/gateway/i-1 is not authorized to perform: \
                    sts:AssumeRole on resource: arn:aws:iam::222222222222:role/claude";
        let explained = CredentialsError::AccessDenied(Explanation::new(said)).explain();
        assert_eq!((explained.code, explained.fault), ("aws_assume_role_denied", Fault::Operator));
        let fix = explained.fix.unwrap();
        assert!(fix.contains(r#""Principal":{"AWS":"arn:aws:iam::111111111111:role/gateway"}"#), "{fix}");
        assert!(fix.contains(r#""Resource":"arn:aws:iam::222222222222:role/claude""#), "{fix}");
    }
}
