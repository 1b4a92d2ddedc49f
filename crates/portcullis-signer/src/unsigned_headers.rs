//! The headers that are never signed, and those that only the signer sets.

use crate::request::HeaderSelection;

/// Exact names left out of a signature.
///
/// Beyond the hop-by-hop headers of RFC 9110 §7.6.1: what tracers rewrite at each hop, what HTTP clients set themselves
/// after signing (`accept-encoding`, `content-length`, `user-agent`), and what caches and proxies rewrite. A union of what
/// the AWS SDKs for Python, JavaScript and Rust leave out.
const UNSIGNED: &[&str] = &[
    "accept-encoding",
    "authorization",
    "b3",
    "baggage",
    "cache-control",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "from",
    "keep-alive",
    "max-forwards",
    "pragma",
    "referer",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-amzn-trace-id",
];

/// Families of names left out of a signature.
const UNSIGNED_PREFIXES: &[&str] = &["proxy-", "sec-", "x-b3-", "x-forwarded-"];

/// What the AWS SDK for Rust leaves out.
const UNSIGNED_BY_THE_SDK: &[&str] = &["authorization", "transfer-encoding", "user-agent", "x-amzn-trace-id"];

/// What the signer sets; a request's own would contradict it.
const RESERVED: &[&str] = &["host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"];

/// Whether the header called `name` (lower case) becomes part of the signature.
pub(crate) fn is_signed(name: &str, selection: HeaderSelection) -> bool {
    match selection {
        HeaderSelection::AsTheSdk => !UNSIGNED_BY_THE_SDK.contains(&name),
        HeaderSelection::SafeFromProxies => {
            UNSIGNED.binary_search(&name).is_err()
                && !UNSIGNED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        }
    }
}

/// Whether only the signer may set the header called `name`.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_for_its_search() {
        assert!(UNSIGNED.is_sorted());
    }

    #[test]
    fn what_proxies_change_is_not_signed() {
        let unsigned = |name| !is_signed(name, HeaderSelection::SafeFromProxies);
        for name in UNSIGNED {
            assert!(unsigned(name), "{name}");
        }
        for name in ["proxy-authorization", "sec-fetch-mode", "x-forwarded-for", "x-b3-traceid"] {
            assert!(unsigned(name), "{name}");
        }
        for name in
            ["anthropic-version", "anthropic-workspace-id", "anthropic-beta", "content-type", "accept"]
        {
            assert!(!unsigned(name), "{name}");
        }
    }
}
