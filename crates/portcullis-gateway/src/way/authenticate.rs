//! Who is calling: from a key in one of three headers to a caller of the snapshot.

use std::sync::Arc;
use std::time::SystemTime;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use portcullis_catalog::{Caller, Snapshot};

use crate::error::GatewayError;

/// Portkey's own header, which both its clients always send.
const PORTKEY_KEY: HeaderName = HeaderName::from_static("x-portkey-api-key");
/// Anthropic's header.
const ANTHROPIC_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// A caller whose key is known and has not expired.
#[derive(Clone, Debug)]
pub(crate) struct Authenticated(pub(crate) Arc<Caller>);

/// Finds the caller.
///
/// Nothing in the answer tells an unknown key from a revoked or an expired one.
pub(crate) fn authenticate(
    headers: &HeaderMap,
    snapshot: &Snapshot,
    now: SystemTime,
) -> Result<Authenticated, GatewayError> {
    let key = presented_key(headers)?;
    let caller = snapshot.caller(key).ok_or(GatewayError::UnknownKey)?;
    if caller.is_expired(now) {
        return Err(GatewayError::UnknownKey);
    }
    Ok(Authenticated(Arc::clone(caller)))
}

/// The key as the caller wrote it.
///
/// `x-portkey-api-key` wins alone: Portkey's clients send a placeholder as `Authorization` beside it. Without it,
/// `Authorization` and `x-api-key` may both be there (an Anthropic client with a key helper sends both), but must agree.
fn presented_key(headers: &HeaderMap) -> Result<&str, GatewayError> {
    if let Some(key) = text(headers, &PORTKEY_KEY) {
        return Ok(key);
    }
    match (bearer(headers), text(headers, &ANTHROPIC_KEY)) {
        (Some(bearer), Some(key)) if bearer != key => Err(GatewayError::ContradictingKeys),
        (Some(key), _) | (None, Some(key)) => Ok(key),
        (None, None) => Err(GatewayError::NoKey),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = text(headers, &AUTHORIZATION)?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn check(headers: &[(&'static str, &'static str)], expect: Result<&str, &str>) {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let seen = presented_key(&headers);
        match (seen, expect) {
            (Ok(key), Ok(expected)) => assert_eq!(key, expected),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (seen, expect) => panic!("{headers:?}: {seen:?}, expected {expect:?}"),
        }
    }

    #[test]
    fn a_key_is_taken_from_any_of_three_headers() {
        check(&[("x-portkey-api-key", "k")], Ok("k"));
        check(&[("authorization", "Bearer k")], Ok("k"));
        check(&[("authorization", "bearer  k ")], Ok("k"));
        check(&[("x-api-key", "k")], Ok("k"));
    }

    #[test]
    fn portkeys_header_wins_over_the_placeholder_beside_it() {
        check(&[("x-portkey-api-key", "k"), ("authorization", "Bearer OPENAI_API_KEY")], Ok("k"));
    }

    #[test]
    fn two_headers_must_agree() {
        check(&[("authorization", "Bearer k"), ("x-api-key", "k")], Ok("k"));
        check(&[("authorization", "Bearer k"), ("x-api-key", "other")], Err("differ"));
    }

    #[test]
    fn without_a_key_there_is_no_caller() {
        check(&[], Err("no key"));
        check(&[("authorization", "Basic abc")], Err("no key"));
        check(&[("x-api-key", "")], Err("no key"));
    }
}
