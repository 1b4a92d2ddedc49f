//! What an answer of STS means.

use std::error::Error;
use std::time::SystemTime;

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use portcullis_types::AwsCredentials;

use crate::error::{CredentialsError, Explanation};
use crate::sts::{AssumedRole, CallerIdentity};

/// The session in an answer. The SDK puts empty strings and 1970 where a field is missing; neither may be used.
pub(super) fn session(answer: AssumeRoleOutput) -> Result<AssumedRole, CredentialsError> {
    let arn = answer.assumed_role_user.map(|user| user.arn).filter(|arn| !arn.is_empty());
    #[expect(
        deprecated,
        reason = "its successor counts tags and context as well, and older endpoints do not send it"
    )]
    let packed_policy_percent = answer.packed_policy_size.and_then(|percent| u8::try_from(percent).ok());
    let given = answer.credentials.ok_or_else(|| malformed("`Credentials` is missing"))?;
    if given.secret_access_key.is_empty() {
        return Err(malformed("`SecretAccessKey` is missing"));
    }
    if given.session_token.is_empty() {
        return Err(malformed("`SessionToken` is missing"));
    }
    if given.expiration.secs() <= 0 {
        return Err(malformed("`Expiration` is missing"));
    }
    let credentials = AwsCredentials {
        access_key_id: given
            .access_key_id
            .parse()
            .map_err(|_| malformed("`AccessKeyId` is missing or no access key id"))?,
        secret_access_key: given.secret_access_key.into(),
        session_token: Some(given.session_token.into()),
        expires_at: Some(
            SystemTime::try_from(given.expiration).map_err(|_| malformed("`Expiration` is no time"))?,
        ),
    };
    Ok(AssumedRole { credentials, arn, packed_policy_percent })
}

/// The caller in an answer.
pub(super) fn identity(answer: &GetCallerIdentityOutput) -> Result<CallerIdentity, CredentialsError> {
    match (answer.account(), answer.arn()) {
        (Some(account), Some(arn)) if !account.is_empty() && !arn.is_empty() => {
            Ok(CallerIdentity { account: account.to_owned(), arn: arn.to_owned() })
        }
        _ => Err(malformed("`Account` or `Arn` is missing")),
    }
}

/// What a failed call means.
pub(super) fn error<E>(error: SdkError<E, HttpResponse>) -> CredentialsError
where
    E: ProvideErrorMetadata + RequestId + Error + Send + Sync + 'static,
{
    match &error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => {
            CredentialsError::StsUnavailable(Explanation::from_chain(&error))
        }
        // Only what the operator set can be wrong here: a base URL that is none, above all.
        SdkError::ConstructionFailure(_) => CredentialsError::InvalidRequest(Explanation::from_chain(&error)),
        SdkError::ServiceError(service) => {
            let said = service.err();
            let status = service.raw().status().as_u16();
            refusal(status, said.code(), said.message(), said.request_id())
        }
        // The SDK's own words may quote the answer, which may hold half a session.
        _ => {
            let status = error.raw_response().map_or(200, |answer| answer.status().as_u16());
            refusal(status, None, None, None)
        }
    }
}

/// What an error answer means: by AWS's code, and where there is none, by the status.
fn refusal(
    status: u16,
    code: Option<&str>,
    message: Option<&str>,
    request_id: Option<&str>,
) -> CredentialsError {
    use CredentialsError as E;
    let explanation = match message.filter(|message| !message.is_empty()) {
        Some(message) => Explanation::new(message),
        None if code.is_some() => Explanation::new(code.unwrap_or_default()),
        None => Explanation::new(&format!("HTTP {status} without an answer that STS would give")),
    }
    .with_aws(code, request_id);
    let kind: fn(Explanation) -> E = match code.unwrap_or_default() {
        "AccessDenied" | "AccessDeniedException" => E::AccessDenied,
        "RegionDisabledException" => E::RegionDisabled,
        "PackedPolicyTooLarge" | "PackedPolicyTooLargeException" => E::PolicyTooLarge,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException"
        | "MissingAuthenticationToken"
        | "RequestExpired"
        | "RequestTimeTooSkewed" => E::SourceRejected,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException" => E::Throttled,
        "ValidationError" if explanation.message.contains("DurationSeconds exceeds") => E::DurationTooLong,
        "ServiceUnavailable" | "InternalFailure" | "InternalError" | "RequestTimeout" => E::StsUnavailable,
        _ if status == 429 => E::Throttled,
        _ if status >= 500 => E::StsUnavailable,
        "" => E::MalformedAnswer,
        _ => E::InvalidRequest,
    };
    kind(explanation)
}

fn malformed(why: &str) -> CredentialsError {
    CredentialsError::MalformedAnswer(Explanation::new(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, code: &str, message: &str, expected: &str) {
        let code = (!code.is_empty()).then_some(code);
        let got = refusal(status, code, Some(message), Some("req-1"));
        assert_eq!(got.code(), expected, "{status} {code:?}");
        assert_eq!(got.explanation().request_id.as_deref(), Some("req-1"));
    }

    #[test]
    fn refusals_are_told_apart_by_code_and_then_by_status() {
        check(403, "AccessDenied", "User: x is not authorized", "aws_assume_role_denied");
        check(403, "RegionDisabledException", "STS is not activated", "aws_sts_region_disabled");
        check(400, "ExpiredToken", "expired", "aws_source_rejected");
        check(403, "InvalidClientTokenId", "invalid", "aws_source_rejected");
        check(403, "SignatureDoesNotMatch", "no", "aws_source_rejected");
        check(403, "RequestExpired", "no", "aws_source_rejected");
        check(403, "RequestTimeTooSkewed", "no", "aws_source_rejected");
        check(400, "Throttling", "Rate exceeded", "aws_sts_throttled");
        check(503, "Throttling", "Rate exceeded", "aws_sts_throttled");
        check(429, "", "", "aws_sts_throttled");
        check(503, "ServiceUnavailable", "", "aws_sts_unavailable");
        check(502, "", "", "aws_sts_unavailable");
        check(400, "PackedPolicyTooLarge", "110%", "aws_packed_policy_too_large");
        check(400, "ValidationError", "1 validation error detected", "aws_sts_invalid_request");
        check(403, "", "", "aws_sts_malformed_answer");
        let too_long = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
        check(400, "ValidationError", too_long, "aws_session_duration_refused");
        let too_long = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        check(400, "ValidationError", too_long, "aws_session_duration_refused");
    }

    #[test]
    fn the_words_of_aws_are_kept() {
        let said =
            "User: arn:aws:iam::123456789012:user/gateway is not authorized to perform: sts:AssumeRole";
        let got = refusal(403, Some("AccessDenied"), Some(said), None);
        assert_eq!(&*got.explanation().message, said);
        assert!(got.to_string().ends_with(said));
    }
}
