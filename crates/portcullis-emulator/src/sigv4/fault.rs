//! Why a signature was refused, with the code and the text that AWS puts on the wire.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::macros::format_description;

/// Why a signature was refused.
///
/// `Display` is for logs; [`code`](Self::code) and [`message`](Self::message) are what AWS sends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// No `Authorization` header at all.
    #[error("no authorization header")]
    MissingAuthenticationToken,
    /// The header does not start with `AWS4-HMAC-SHA256 `.
    #[error("authorization is not signature version 4")]
    NotSignatureVersion4,
    /// `Credential`, `SignedHeaders` or `Signature` is missing, empty or there twice.
    #[error("authorization lacks one `{name}`")]
    MissingParameter {
        /// Which one.
        name: &'static str,
    },
    /// The parts are there but not well formed.
    #[error("malformed authorization: {reason}")]
    MalformedAuthorization {
        /// What is wrong, in a sentence that fits after "Authorization header ".
        reason: &'static str,
    },
    /// Signed in the query as well as in the header: which of the two counts?
    #[error("signed both in the header and in the query")]
    TwoSignatures,
    /// A header that the signature itself relies on came more than once.
    #[error("header `{name}` came more than once")]
    RepeatedHeader {
        /// Which one.
        name: &'static str,
    },
    /// Neither `x-amz-date` nor `date` came.
    #[error("neither `x-amz-date` nor `date` came")]
    MissingDate,
    /// The date is not of the form `yyyymmddThhmmssZ`.
    #[error("the signing date cannot be read")]
    InvalidDate,
    /// Nobody has this access key id.
    #[error("unknown access key id")]
    UnknownAccessKey,
    /// The scope names another service.
    #[error("scope is for another service than `{expected}`")]
    WrongService {
        /// The service of this endpoint.
        expected: String,
    },
    /// The scope names another region.
    #[error("scope is for another region: `{got}`")]
    WrongRegion {
        /// The region that was signed.
        got: String,
    },
    /// The scope's day is not the day of the signing time.
    #[error("scope is of day `{got}`, the request of `{expected}`")]
    ScopeDateMismatch {
        /// The scope's day.
        got: String,
        /// The day of the signing time.
        expected: String,
    },
    /// Signed too long ago.
    #[error("signed more than five minutes ago")]
    SignatureExpired {
        /// When it was signed.
        signed_at: SystemTime,
        /// The receiver's time.
        now: SystemTime,
    },
    /// Signed in the future.
    #[error("signed more than five minutes ahead")]
    SignatureNotYetCurrent {
        /// When it was signed.
        signed_at: SystemTime,
        /// The receiver's time.
        now: SystemTime,
    },
    /// A header that must be signed is not.
    #[error("header `{name}` must be signed")]
    UnsignedHeader {
        /// Which one.
        name: String,
    },
    /// A header is listed as signed but did not come.
    #[error("signed header `{name}` did not arrive")]
    SignedHeaderAbsent {
        /// Which one.
        name: String,
    },
    /// `UNSIGNED-PAYLOAD` or chunked signing: not accepted here.
    #[error("the payload is not signed")]
    UnsignedPayload,
    /// `x-amz-content-sha256` is not the hash of the body.
    #[error("`x-amz-content-sha256` is not the hash of the body")]
    PayloadHashMismatch,
    /// Temporary keys came without their session token.
    #[error("temporary key without a session token")]
    MissingSessionToken,
    /// The session token is not the one of this key.
    #[error("session token does not belong to the key")]
    InvalidSessionToken,
    /// The signature is wrong: secret, canonical request or both.
    #[error("signature does not match")]
    SignatureMismatch,
    /// The signature is right, but the key has expired.
    #[error("key has expired")]
    ExpiredToken,
}

impl SignatureFault {
    /// AWS's error code, in the spelling that STS uses.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingAuthenticationToken => "MissingAuthenticationToken",
            Self::NotSignatureVersion4
            | Self::MissingParameter { .. }
            | Self::MalformedAuthorization { .. }
            | Self::TwoSignatures
            | Self::RepeatedHeader { .. }
            | Self::MissingDate
            | Self::InvalidDate => "IncompleteSignature",
            Self::UnknownAccessKey | Self::MissingSessionToken | Self::InvalidSessionToken => {
                "InvalidClientTokenId"
            }
            Self::WrongService { .. }
            | Self::WrongRegion { .. }
            | Self::ScopeDateMismatch { .. }
            | Self::SignatureExpired { .. }
            | Self::SignatureNotYetCurrent { .. }
            | Self::UnsignedHeader { .. }
            | Self::SignedHeaderAbsent { .. }
            | Self::UnsignedPayload
            | Self::PayloadHashMismatch
            | Self::SignatureMismatch => "SignatureDoesNotMatch",
            Self::ExpiredToken => "ExpiredToken",
        }
    }

    /// The sentence that AWS sends with the code. Holds no secret and no signature.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::MissingAuthenticationToken => "Request is missing Authentication Token".into(),
            Self::NotSignatureVersion4 => "Unsupported authorization: AWS4-HMAC-SHA256 is expected.".into(),
            Self::MissingParameter { name } => format!("Authorization header requires '{name}' parameter."),
            Self::MalformedAuthorization { reason } => format!("Authorization header is not valid: {reason}."),
            Self::TwoSignatures => {
                "Only one auth mechanism allowed: either the Authorization header or X-Amz-* query parameters.".into()
            }
            Self::RepeatedHeader { name } => format!("Header '{name}' must not be repeated."),
            Self::MissingDate => {
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".into()
            }
            Self::InvalidDate => {
                "Date must be in ISO-8601 'basic format'. Example: 20261122T120000Z.".into()
            }
            Self::UnknownAccessKey | Self::MissingSessionToken | Self::InvalidSessionToken => {
                "The security token included in the request is invalid.".into()
            }
            Self::WrongService { expected } => format!("Credential should be scoped to correct service: '{expected}'."),
            Self::WrongRegion { got } => format!("Credential should be scoped to a valid region, not '{got}'."),
            Self::ScopeDateMismatch { got, expected } => {
                format!("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{got}' != '{expected}'.")
            }
            Self::SignatureExpired { signed_at, now } => format!(
                "Signature expired: {} is now earlier than {} ({} - 5 min.)",
                iso_basic(*signed_at),
                iso_basic(now.checked_sub(super::MAX_SKEW).unwrap_or(*now)),
                iso_basic(*now)
            ),
            Self::SignatureNotYetCurrent { signed_at, now } => format!(
                "Signature not yet current: {} is still later than {} ({} + 5 min.)",
                iso_basic(*signed_at),
                iso_basic(now.checked_add(super::MAX_SKEW).unwrap_or(*now)),
                iso_basic(*now)
            ),
            Self::UnsignedHeader { name } => {
                format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")
            }
            Self::PayloadHashMismatch => {
                "The value for the x-amz-content-sha256 header does not match the calculated payload hash.".into()
            }
            Self::UnsignedPayload => "The payload must be signed: UNSIGNED-PAYLOAD is not supported.".into(),
            Self::SignedHeaderAbsent { .. } | Self::SignatureMismatch => {
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.".into()
            }
            Self::ExpiredToken => "The security token included in the request is expired".into(),
        }
    }
}

fn iso_basic(moment: SystemTime) -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    OffsetDateTime::from(moment).format(format).unwrap_or_else(|_| "an unreadable time".to_owned())
}
