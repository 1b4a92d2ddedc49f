//! Verifies AWS Signature Version 4 in the `Authorization` header, byte for byte, as the receiving side does.
//!
//! Start at [`verify`]; [`canonical`] rebuilds the canonical request from what arrived. Nothing here is shared with
//! the code that signs: two readings of the same text must agree.
//!
//! Source: AWS IAM User Guide, "Create a signed AWS API request" and "Troubleshoot Signature Version 4 signing".

mod authorization;
pub mod canonical;
mod fault;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use time::format_description::well_known::Rfc2822;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use authorization::Authorization;
pub use fault::SignatureFault;
pub(crate) use token::{PREFIX as SHORT_TERM_KEY_PREFIX, verify_short_term_key};

/// How far the signer's clock may be from ours, in either direction. An age of exactly this much still passes.
pub const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

/// A request as it arrived, before anything decoded it.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedRequest<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// The path as it stood in the request line, still percent-encoded, without the query.
    pub path: &'a str,
    /// What followed the first `?`, if there was one.
    pub query: Option<&'a str>,
    /// Every header line, in order of arrival. Names in any case; `host` is one of them.
    pub headers: &'a [(&'a str, &'a str)],
    /// The whole body.
    pub body: &'a [u8],
}

/// What the receiving side knows about an access key.
#[derive(Clone)]
pub struct KnownKey {
    /// The secret access key.
    pub secret: String,
    /// The token that temporary keys must come with; `None` for long-term keys.
    pub session_token: Option<String>,
    /// When the key stops working; `None` for long-term keys.
    pub expires_at: Option<SystemTime>,
}

impl fmt::Debug for KnownKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KnownKey").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The region and the service that this endpoint answers for.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedScope<'a> {
    /// For example `us-west-2`.
    pub region: &'a str,
    /// The signing name, for example `aws-external-anthropic`.
    pub service: &'a str,
}

/// Whether headers that AWS accepts unsigned must be signed all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkspaceHeader {
    /// `anthropic-workspace-id` must be signed, so that nothing on the way can swap the workspace.
    #[default]
    MustBeSigned,
    /// As AWS does: it may be unsigned.
    MayBeUnsigned,
}

/// What a verified signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The access key id that signed.
    pub access_key_id: String,
    /// The scope's day, `yyyymmdd`.
    pub date: String,
    /// The scope's region.
    pub region: String,
    /// The scope's service.
    pub service: String,
    /// Names of the signed headers, lower-case, sorted.
    pub signed_headers: Vec<String>,
    /// When the signer says it signed.
    pub signed_at: SystemTime,
    /// SHA-256 of the body, lower-case hex.
    pub body_sha256: String,
}

/// Verifies the signature of `request`, with the strict rule for the workspace header.
///
/// - `secret_for`: looks up an access key id.
/// - `now`: the receiver's time.
///
/// # Errors
/// The first [`SignatureFault`] found, in the order in which AWS looks: header, key, scope, time, headers, signature, expiry.
pub fn verify(
    request: &ReceivedRequest<'_>,
    secret_for: impl Fn(&str) -> Option<KnownKey>,
    expected: ExpectedScope<'_>,
    now: SystemTime,
) -> Result<Verified, SignatureFault> {
    verify_with(request, secret_for, expected, now, WorkspaceHeader::MustBeSigned)
}

/// Like [`verify`], with a choice about the workspace header.
///
/// # Errors
/// As [`verify`].
pub fn verify_with(
    request: &ReceivedRequest<'_>,
    secret_for: impl Fn(&str) -> Option<KnownKey>,
    expected: ExpectedScope<'_>,
    now: SystemTime,
    workspace_header: WorkspaceHeader,
) -> Result<Verified, SignatureFault> {
    let authorization = Authorization::parse(request)?;
    let (date_time, signed_at) = signing_time(request)?;
    let key = secret_for(&authorization.access_key_id).ok_or(SignatureFault::UnknownAccessKey)?;
    check_scope(&authorization, expected, &date_time)?;
    check_skew(signed_at, now)?;
    check_signed_headers(request, &authorization.signed_headers, workspace_header)?;
    let body_sha256 = hex::encode(Sha256::digest(request.body));
    check_declared_payload_hash(request, &body_sha256)?;
    check_session_token(request, &key)?;

    let canonical = canonical::canonical_request(request, &authorization.signed_headers, &body_sha256);
    let scope =
        format!("{}/{}/{}/aws4_request", authorization.date, authorization.region, authorization.service);
    let string_to_sign = format!(
        "AWS4-HMAC-SHA256\n{date_time}\n{scope}\n{}",
        hex::encode(Sha256::digest(canonical.as_bytes()))
    );
    let signing_key =
        signing_key(&key.secret, &authorization.date, &authorization.region, &authorization.service);
    let signature = hex::encode(hmac(&signing_key, string_to_sign.as_bytes()));
    if !equal_in_constant_time(signature.as_bytes(), authorization.signature.as_bytes()) {
        return Err(SignatureFault::SignatureMismatch);
    }
    if key.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(SignatureFault::ExpiredToken);
    }
    Ok(Verified {
        access_key_id: authorization.access_key_id,
        date: authorization.date,
        region: authorization.region,
        service: authorization.service,
        signed_headers: authorization.signed_headers,
        signed_at,
        body_sha256,
    })
}

/// The access key id that the signature claims, unverified.
pub(crate) fn claimed_access_key_id(request: &ReceivedRequest<'_>) -> Option<String> {
    Authorization::parse(request).ok().map(|authorization| authorization.access_key_id)
}

/// The region that the signature claims, unverified: to find the endpoint that the request was meant for.
#[must_use]
pub fn claimed_region(request: &ReceivedRequest<'_>) -> Option<String> {
    Authorization::parse(request).ok().map(|authorization| authorization.region)
}

/// Derives the 32-byte signing key of one UTC day, region and service.
#[must_use]
pub fn signing_key(secret: &str, date: &str, region: &str, service: &str) -> [u8; 32] {
    let of_date = hmac(format!("AWS4{secret}").as_bytes(), date.as_bytes());
    let of_region = hmac(&of_date, region.as_bytes());
    let of_service = hmac(&of_region, service.as_bytes());
    hmac(&of_service, b"aws4_request")
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn equal_in_constant_time(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// The values of one header, in order of arrival.
fn header_values<'a>(request: &ReceivedRequest<'a>, name: &'a str) -> impl Iterator<Item = &'a str> {
    request
        .headers
        .iter()
        .filter(move |(candidate, _)| candidate.eq_ignore_ascii_case(name))
        .map(|(_, value)| *value)
}

/// The header's only value. Two lines of a header that the protocol itself reads are ambiguous, hence refused.
fn single_header<'a>(
    request: &ReceivedRequest<'a>,
    name: &'static str,
) -> Result<Option<&'a str>, SignatureFault> {
    let mut values = header_values(request, name);
    let first = values.next();
    if values.next().is_some() {
        Err(SignatureFault::RepeatedHeader { name })
    } else {
        Ok(first.map(str::trim))
    }
}

/// `x-amz-date`, else `date`, as the text to sign (ISO 8601 basic) and as a time.
fn signing_time(request: &ReceivedRequest<'_>) -> Result<(String, SystemTime), SignatureFault> {
    let iso_basic = format_description!("[year][month][day]T[hour][minute][second]Z");
    let moment = match (single_header(request, "x-amz-date")?, single_header(request, "date")?) {
        (Some(text), _) => PrimitiveDateTime::parse(text, iso_basic).ok().map(PrimitiveDateTime::assume_utc),
        (None, Some(text)) => PrimitiveDateTime::parse(text, iso_basic)
            .map(PrimitiveDateTime::assume_utc)
            .or_else(|_| OffsetDateTime::parse(text, &Rfc2822))
            .ok(),
        (None, None) => return Err(SignatureFault::MissingDate),
    };
    let moment = moment.ok_or(SignatureFault::InvalidDate)?;
    let text =
        moment.to_offset(time::UtcOffset::UTC).format(iso_basic).map_err(|_| SignatureFault::InvalidDate)?;
    Ok((text, moment.into()))
}

fn check_scope(
    authorization: &Authorization,
    expected: ExpectedScope<'_>,
    date_time: &str,
) -> Result<(), SignatureFault> {
    if authorization.service != expected.service {
        return Err(SignatureFault::WrongService { expected: expected.service.to_owned() });
    }
    if authorization.region != expected.region {
        return Err(SignatureFault::WrongRegion { got: authorization.region.clone() });
    }
    if !date_time.starts_with(&authorization.date) {
        return Err(SignatureFault::ScopeDateMismatch {
            got: authorization.date.clone(),
            expected: date_time.chars().take(8).collect(),
        });
    }
    Ok(())
}

fn check_skew(signed_at: SystemTime, now: SystemTime) -> Result<(), SignatureFault> {
    if now.duration_since(signed_at).is_ok_and(|age| age > MAX_SKEW) {
        Err(SignatureFault::SignatureExpired { signed_at, now })
    } else if signed_at.duration_since(now).is_ok_and(|ahead| ahead > MAX_SKEW) {
        Err(SignatureFault::SignatureNotYetCurrent { signed_at, now })
    } else {
        Ok(())
    }
}

fn check_signed_headers(
    request: &ReceivedRequest<'_>,
    signed: &[String],
    workspace_header: WorkspaceHeader,
) -> Result<(), SignatureFault> {
    let is_signed = |name: &str| signed.binary_search_by(|candidate| candidate.as_str().cmp(name)).is_ok();
    if !is_signed("host") {
        return Err(SignatureFault::UnsignedHeader { name: "host".to_owned() });
    }
    if !is_signed("x-amz-date") && !is_signed("date") {
        return Err(SignatureFault::UnsignedHeader { name: "x-amz-date".to_owned() });
    }
    for (name, _) in request.headers {
        let name = name.to_ascii_lowercase();
        let must = name.starts_with("x-amz-")
            || (name == "anthropic-workspace-id" && workspace_header == WorkspaceHeader::MustBeSigned);
        if must && !is_signed(&name) {
            return Err(SignatureFault::UnsignedHeader { name });
        }
    }
    match signed.iter().find(|name| header_values(request, name).next().is_none()) {
        Some(absent) => Err(SignatureFault::SignedHeaderAbsent { name: absent.clone() }),
        None => Ok(()),
    }
}

fn check_declared_payload_hash(request: &ReceivedRequest<'_>, actual: &str) -> Result<(), SignatureFault> {
    match single_header(request, "x-amz-content-sha256")? {
        None => Ok(()),
        Some(declared) if declared == actual => Ok(()),
        Some(declared) if declared == "UNSIGNED-PAYLOAD" || declared.starts_with("STREAMING-") => {
            Err(SignatureFault::UnsignedPayload)
        }
        Some(_) => Err(SignatureFault::PayloadHashMismatch),
    }
}

fn check_session_token(request: &ReceivedRequest<'_>, key: &KnownKey) -> Result<(), SignatureFault> {
    let sent = single_header(request, "x-amz-security-token")?;
    match (&key.session_token, sent) {
        (None, None) => Ok(()),
        (Some(expected), Some(sent)) if equal_in_constant_time(expected.as_bytes(), sent.as_bytes()) => {
            Ok(())
        }
        (Some(_), None) => Err(SignatureFault::MissingSessionToken),
        (Some(_) | None, Some(_)) => Err(SignatureFault::InvalidSessionToken),
    }
}
