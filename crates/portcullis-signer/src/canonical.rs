//! The canonical request: one text that both sides build from the same request.
//!
//! Start at [`CanonicalRequest::build`], which follows the six steps of the source in their order.
//!
//! Source: AWS IAM User Guide, "Create a signed AWS API request", step 1.

use std::borrow::Cow;
use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use crate::error::SignError;
use crate::request::{HeaderSelection, PathEncoding, PathNormalisation, SignableRequest, SigningOptions};
use crate::unsigned_headers::{is_reserved, is_signed};
use crate::{SERVICE, WORKSPACE_HEADER};

/// AWS's `UriEncode`: everything but letters, digits and `-._~`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same for a path, whose slashes stay.
const ENCODED_IN_PATH: &AsciiSet = &ENCODED.remove(b'/');

/// The headers that the signer adds, if they are signed.
pub(crate) struct AddedHeaders<'a> {
    /// `x-amz-date`.
    pub(crate) date: &'a str,
    /// `x-amz-security-token`.
    pub(crate) session_token: Option<&'a str>,
    /// `x-amz-content-sha256`.
    pub(crate) content_hash: Option<&'a str>,
}

/// The canonical request. Its text holds the session token, so it is neither `Debug` nor kept.
pub(crate) struct CanonicalRequest {
    text: String,
    signed_headers: Range<usize>,
}

impl CanonicalRequest {
    /// Builds the text.
    ///
    /// - `body_hash`: SHA-256 of the body, 64 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// What of the request cannot go on the wire as it is, or what the service's rules forbid; see [`SignError`].
    pub(crate) fn build(
        request: &SignableRequest<'_>,
        service: &str,
        options: &SigningOptions,
        added: &AddedHeaders<'_>,
        body_hash: &str,
    ) -> Result<Self, SignError> {
        check_request_line(request)?;
        let path = match options.path_normalisation {
            PathNormalisation::Normalise => normalise(request.path),
            PathNormalisation::Keep => Cow::Borrowed(request.path),
        };
        if service == SERVICE {
            check_workspace(&path, request.headers)?;
        }
        let headers = select_headers(request, options.headers, added)?;

        let mut text = String::with_capacity(estimate_length(request, added));
        text.push_str(request.method);
        text.push('\n');
        match options.path_encoding {
            PathEncoding::Once => text.push_str(&path),
            PathEncoding::Twice => text.extend(percent_encode(path.as_bytes(), ENCODED_IN_PATH)),
        }
        text.push('\n');
        push_query(&mut text, request.query.unwrap_or_default());
        text.push('\n');
        push_headers(&mut text, &headers);
        text.push('\n');
        let start = text.len();
        push_names(&mut text, &headers);
        let signed_headers = start..text.len();
        text.push('\n');
        text.push_str(body_hash);
        Ok(Self { text, signed_headers })
    }

    /// The text to hash.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the signed headers, sorted, with semicolons between.
    pub(crate) fn signed_headers(&self) -> &str {
        &self.text[self.signed_headers.clone()]
    }
}

/// Room for the whole text in the usual case: each header appears with its value and once more by name.
fn estimate_length(request: &SignableRequest<'_>, added: &AddedHeaders<'_>) -> usize {
    let headers: usize = request.headers.iter().map(|(name, value)| 2 * name.len() + value.len() + 3).sum();
    let query = request.query.map_or(0, str::len);
    256 + request.path.len() + query + request.host.len() + headers + added.session_token.map_or(0, str::len)
}

fn check_request_line(request: &SignableRequest<'_>) -> Result<(), SignError> {
    let visible = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
    if request.method.is_empty() || !request.method.bytes().all(is_token) {
        return Err(SignError::Method);
    }
    if request.host.is_empty() || !visible(request.host) || request.host.contains(['/', '?', '#', '@']) {
        return Err(SignError::Host);
    }
    if !request.path.starts_with('/') || !visible(request.path) || request.path.contains(['?', '#']) {
        return Err(SignError::Path);
    }
    if request.query.is_some_and(|query| !visible(query) || query.contains('#')) {
        return Err(SignError::Query);
    }
    Ok(())
}

/// A character of an HTTP token. Source: RFC 9110 §5.6.2.
fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

/// Whether the workspace is named once, where it has to be.
///
/// - `path`: normalised, so that no dot segment leads out of the account's own routes.
fn check_workspace(path: &str, headers: &[(&str, &str)]) -> Result<(), SignError> {
    let mut workspaces = headers.iter().filter(|(name, _)| *name == WORKSPACE_HEADER);
    match (workspaces.next(), workspaces.next()) {
        (Some(_), Some(_)) => Err(SignError::RepeatedWorkspace),
        (Some((_, value)), None) if !value.trim().is_empty() => Ok(()),
        (None, None) if is_account_route(path) => Ok(()),
        _ => Err(SignError::MissingWorkspace),
    }
}

/// Routes that belong to the account rather than to a workspace.
fn is_account_route(path: &str) -> bool {
    let rest = path.strip_prefix("/v1/organizations");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Step 2: dot segments resolved and empty segments dropped; a path that ends in either keeps its last slash.
///
/// Source: RFC 3986 §5.2.4, and AWS's vectors for repeated slashes.
fn normalise(path: &str) -> Cow<'_, str> {
    if !path.contains("//") && !path.contains("/.") {
        return Cow::Borrowed(path);
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_in_slash = false;
    for segment in path.split('/') {
        ends_in_slash = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let mut normal = String::with_capacity(path.len());
    for segment in &kept {
        normal.push('/');
        normal.push_str(segment);
    }
    if ends_in_slash {
        normal.push('/');
    }
    Cow::Owned(normal)
}

/// Step 3: decoded, encoded anew in AWS's own way, sorted by name and then by value.
///
/// A plus is a blank here, as it is for the servers: a literal plus is written `%2B`.
fn push_query(text: &mut String, query: &str) {
    if query.is_empty() {
        return;
    }
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode_again(name), encode_again(value))
        })
        .collect();
    pairs.sort_unstable();
    for (n, (name, value)) in pairs.iter().enumerate() {
        if n > 0 {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
}

fn encode_again(part: &str) -> String {
    let blanks = if part.contains('+') { Cow::Owned(part.replace('+', " ")) } else { Cow::Borrowed(part) };
    let decoded: Cow<'_, [u8]> = percent_decode_str(&blanks).into();
    percent_encode(&decoded, ENCODED).to_string()
}

/// Step 4, first half: which headers are signed, sorted by name; equal names keep their order.
fn select_headers<'a>(
    request: &SignableRequest<'a>,
    selection: HeaderSelection,
    added: &AddedHeaders<'a>,
) -> Result<Vec<(&'a str, &'a str)>, SignError> {
    let mut headers = Vec::with_capacity(request.headers.len() + 4);
    for &(name, value) in request.headers {
        if name.is_empty() || !name.bytes().all(|b| is_token(b) && !b.is_ascii_uppercase()) {
            return Err(SignError::HeaderName(name.into()));
        }
        if is_reserved(name) {
            return Err(SignError::ReservedHeader(name.into()));
        }
        if is_signed(name, selection) {
            check_value(name, value)?;
            headers.push((name, value));
        }
    }
    headers.push(("host", request.host));
    headers.push(("x-amz-date", added.date));
    if let Some(hash) = added.content_hash {
        headers.push(("x-amz-content-sha256", hash));
    }
    if let Some(token) = added.session_token {
        check_value("x-amz-security-token", token)?;
        headers.push(("x-amz-security-token", token));
    }
    headers.sort_by_key(|(name, _)| *name);
    Ok(headers)
}

fn check_value(name: &str, value: &str) -> Result<(), SignError> {
    if value.bytes().any(|b| b.is_ascii_control()) {
        Err(SignError::HeaderValue(name.into()))
    } else {
        Ok(())
    }
}

/// Step 4, second half: a line for each name, its values separated by commas.
fn push_headers(text: &mut String, headers: &[(&str, &str)]) {
    for group in headers.chunk_by(|(a, _), (b, _)| a == b) {
        text.push_str(group[0].0);
        for (n, (_, value)) in group.iter().enumerate() {
            text.push(if n == 0 { ':' } else { ',' });
            push_trimmed(text, value);
        }
        text.push('\n');
    }
}

/// A header's value without blanks at its ends, and with one blank where there were several.
fn push_trimmed(text: &mut String, value: &str) {
    let value = value.trim_matches(' ');
    if !value.contains("  ") {
        return text.push_str(value);
    }
    for (n, word) in value.split(' ').filter(|word| !word.is_empty()).enumerate() {
        if n > 0 {
            text.push(' ');
        }
        text.push_str(word);
    }
}

/// Step 5: the names of the signed headers.
fn push_names(text: &mut String, headers: &[(&str, &str)]) {
    for (n, group) in headers.chunk_by(|(a, _), (b, _)| a == b).enumerate() {
        if n > 0 {
            text.push(';');
        }
        text.push_str(group[0].0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_normal() {
        let check = |raw, expect| assert_eq!(normalise(raw), expect, "{raw}");
        check("/", "/");
        check("/v1/messages", "/v1/messages");
        check("//a//b//", "/a/b/");
        check("/a/./b/../c", "/a/c");
        check("/..", "/");
        check("/../..", "/");
        check("/a/..", "/");
        check("/a/b/..", "/a/");
        check("/a/.", "/a/");
        check("/.hidden/..x/x..", "/.hidden/..x/x..");
        check("/a/%2e%2e/b", "/a/%2e%2e/b");
    }

    #[test]
    fn queries_are_sorted_after_encoding() {
        let check = |raw, expect: &str| {
            let mut text = String::new();
            push_query(&mut text, raw);
            assert_eq!(text, expect, "{raw}");
        };
        check("", "");
        check("beta", "beta=");
        check("=v", "=v");
        check("b=2&a=1&&a=0&a", "a=&a=0&a=1&b=2");
        check("ids%5B%5D=file_b&ids[]=file_a", "ids%5B%5D=file_a&ids%5B%5D=file_b");
        check("a=b=c&x=1+2&y=1%2B2", "a=b%3Dc&x=1%202&y=1%2B2");
        check("a=%zz&b=%e2%82%ac&c=%FF", "a=%25zz&b=%E2%82%AC&c=%FF");
    }

    #[test]
    fn blanks_in_values_collapse() {
        let check = |raw, expect: &str| {
            let mut text = String::new();
            push_trimmed(&mut text, raw);
            assert_eq!(text, expect, "{raw:?}");
        };
        check("", "");
        check("    ", "");
        check("  a  b c   ", "a b c");
        check(" \u{a0}ä  \u{1f600} ", "\u{a0}ä \u{1f600}");
    }
}
