//! A request as it came in: its query and its body.

mod decode;
mod form;

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::collect::{CollectError, collect};
use crate::error::GatewayError;
use decode::Encoding;

pub(crate) use form::{UploadLimits, spool_form};

/// Refuses a query with anything but the `known` parameters: it is signed and sent as it came, and a signature's or a
/// key's parameters in it would be somebody's.
pub(crate) fn check_query(query: Option<&str>, known: &[&str]) -> Result<(), GatewayError> {
    let names = query.unwrap_or_default().split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    // `ids[]` comes with its brackets escaped or bare.
    let names = names.map(|name| percent_decode_str(name).decode_utf8_lossy());
    match names.filter(|name| !name.is_empty()).find(|name| !known.contains(&name.as_ref())) {
        None => Ok(()),
        Some(name) => Err(GatewayError::UnknownQuery(name.chars().take(64).collect())),
    }
}

/// Reads a JSON body whole, and unpacks it if it is packed.
///
/// - `limit`: bytes it may have, before it is unpacked and afterwards.
///
/// # Errors
/// When it is too large, is not said to be JSON, is not packed as it is said to be, or stops coming.
pub(crate) async fn read_json_body(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, GatewayError> {
    check_content_type(headers)?;
    let encoding = Encoding::of(headers)?;
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(GatewayError::BodyTooLarge { limit });
    }
    // The server limits each pause; this limits them all together, or a body could drip in for hours.
    let read = tokio::time::timeout(patience, collect(body, limit, announced.unwrap_or(0))).await;
    let packed =
        read.map_err(|_| GatewayError::BodyTooSlow { limit: patience })?.map_err(|error| match error {
            CollectError::TooLarge { limit } => GatewayError::BodyTooLarge { limit },
            CollectError::Body(error) => GatewayError::BodyRead(error),
        })?;
    encoding.decode(packed, limit).await
}

fn check_content_type(headers: &HeaderMap) -> Result<(), GatewayError> {
    match headers.get(CONTENT_TYPE) {
        Some(value) if !is_json(value) => Err(GatewayError::UnsupportedContentType(printable(value))),
        _ => Ok(()),
    }
}

fn is_json(value: &HeaderValue) -> bool {
    let essence = value.as_bytes().split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    essence.eq_ignore_ascii_case(b"application/json") || essence.to_ascii_lowercase().ends_with(b"+json")
}

fn printable(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use http::HeaderName;

    fn framed(frames: &[&'static str]) -> Body {
        let frames: Vec<_> =
            frames.iter().map(|f| Ok::<_, std::io::Error>(Bytes::from_static(f.as_bytes()))).collect();
        Body::from_stream(stream::iter(frames))
    }

    async fn read(
        headers: &[(HeaderName, &'static str)],
        body: Body,
        limit: usize,
    ) -> Result<Bytes, GatewayError> {
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        read_json_body(&headers, body, limit, Duration::from_secs(5)).await
    }

    #[tokio::test]
    async fn a_body_in_frames_is_put_together() {
        assert_eq!(read(&[], framed(&["{\"a\"", ":1", "}"]), 100).await.unwrap(), "{\"a\":1}");
        assert_eq!(read(&[], framed(&["", "{", "", "}"]), 100).await.unwrap(), "{}");
        assert_eq!(read(&[], framed(&[]), 100).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_by_its_length_or_while_it_comes() {
        let by_length = read(&[(CONTENT_LENGTH, "11")], framed(&["{}"]), 10).await;
        assert!(matches!(by_length, Err(GatewayError::BodyTooLarge { limit: 10 })));
        let while_it_comes = read(&[], framed(&["12345", "67890", "1"]), 10).await;
        assert!(matches!(while_it_comes, Err(GatewayError::BodyTooLarge { limit: 10 })));
        assert!(read(&[], framed(&["12345", "67890"]), 10).await.is_ok());
    }

    #[tokio::test]
    async fn only_plain_json_is_read() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"] {
            assert!(read(&[(CONTENT_TYPE, good)], framed(&["{}"]), 10).await.is_ok(), "{good}");
        }
        let form = read(&[(CONTENT_TYPE, "application/x-www-form-urlencoded")], framed(&["{}"]), 10).await;
        assert!(matches!(form, Err(GatewayError::UnsupportedContentType(_))));
    }

    #[test]
    fn a_query_has_known_names_escaped_or_bare() {
        let check = |query: &str, known: &[&str], expect: Option<&str>| {
            let unknown = check_query(Some(query), known).err().map(|error| error.to_client().param.unwrap());
            assert_eq!(unknown.as_deref(), expect, "{query}");
        };
        check("beta=true&&limit=5", &["beta", "limit"], None);
        check("ids[]=a&ids%5B%5D=b&ids%5b%5d=c", &["ids[]"], None);
        check("X-Amz-Signature=a", &["beta"], Some("X-Amz-Signature"));
        check("b%65ta=1&key", &["beta"], Some("key"));
        check("=1", &["beta"], None);
    }
}
