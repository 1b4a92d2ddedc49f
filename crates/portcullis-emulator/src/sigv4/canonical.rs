//! The canonical request of Signature Version 4, rebuilt from the bytes that arrived.
//!
//! Every service but S3 encodes the path twice and normalises it; so does this one.
//! Source: AWS IAM User Guide, "Create a canonical request".

use std::fmt::Write;

use super::ReceivedRequest;

/// The whole canonical request: method, path, query, headers, signed headers and payload hash, joined by newlines.
///
/// - `signed_headers`: lower-case and sorted.
/// - `payload_sha256`: lower-case hex.
#[must_use]
pub fn canonical_request(
    request: &ReceivedRequest<'_>,
    signed_headers: &[String],
    payload_sha256: &str,
) -> String {
    let headers: String =
        signed_headers.iter().map(|name| format!("{name}:{}\n", canonical_header(request, name))).collect();
    format!(
        "{}\n{}\n{}\n{headers}\n{}\n{payload_sha256}",
        request.method,
        canonical_path(request.path),
        canonical_query(request.query.unwrap_or_default()),
        signed_headers.join(";"),
    )
}

/// Removes dot segments and empty segments, then percent-encodes what is there, so that a `%` becomes `%25`.
#[must_use]
pub fn canonical_path(raw: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let is_folder = matches!(raw.rsplit('/').next(), Some("" | "." | ".."));
    let mut path = String::from("/");
    percent_encode(segments.join("/").as_bytes(), Slash::Kept, &mut path);
    if is_folder && path.len() > 1 {
        path.push('/');
    }
    path
}

/// Decodes each name and value once, encodes them by AWS's rule, and sorts by name, then value. Repeated names stay.
///
/// A bare `+` is read as a space, as a form's query is; a plus sign arrives as `%2B`.
#[must_use]
pub fn canonical_query(raw: &str) -> String {
    let mut pairs: Vec<(String, String)> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (reencode(name), reencode(value)))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// All values of a header: each trimmed, runs of spaces made one, joined by a comma.
fn canonical_header(request: &ReceivedRequest<'_>, name: &str) -> String {
    super::header_values(request, name)
        .map(|value| value.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(",")
}

fn reencode(component: &str) -> String {
    let spaced = component.replace('+', " ");
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(&spaced).collect();
    let mut encoded = String::with_capacity(decoded.len());
    percent_encode(&decoded, Slash::Encoded, &mut encoded);
    encoded
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slash {
    Kept,
    Encoded,
}

fn percent_encode(bytes: &[u8], slash: Slash, out: &mut String) {
    for &byte in bytes {
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if unreserved || (byte == b'/' && slash == Slash::Kept) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
}
