//! A form with files, spooled as it comes: its bytes go on as they are, boundary and all.

use std::time::Duration;

use axum::body::Body;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;

use super::decode::Encoding;
use super::printable;
use crate::body_account::BodyAccount;
use crate::content::Content;
use crate::error::GatewayError;
use crate::spool::{Spool, SpoolPlace, SpoolWriter};

/// What an upload may be.
#[derive(Clone, Debug)]
pub(crate) struct UploadLimits {
    /// Bytes it may have.
    pub(crate) bytes: usize,
    /// How long it may take to arrive.
    pub(crate) patience: Duration,
    /// Where it is kept until it is whole.
    pub(crate) place: SpoolPlace,
    /// Gets back what is in memory no longer.
    pub(crate) account: Option<BodyAccount>,
}

/// Reads a form whole.
///
/// # Errors
/// When it is no form, is compressed, is too large, stops coming, or cannot be kept.
pub(crate) async fn spool_form(
    headers: &HeaderMap,
    body: Body,
    limits: UploadLimits,
) -> Result<Content, GatewayError> {
    let kind = form_kind(headers)?;
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limits.bytes) {
        return Err(GatewayError::BodyTooLarge { limit: limits.bytes });
    }
    let patience = limits.patience;
    let writer = SpoolWriter::new(limits.place).on_account(limits.account);
    let spooled = tokio::time::timeout(patience, spool(body, limits.bytes, writer)).await;
    let spool = spooled.map_err(|_| GatewayError::BodyTooSlow { limit: patience })??;
    Ok(Content::Spooled { kind, spool })
}

async fn spool(mut body: Body, limit: usize, mut writer: SpoolWriter) -> Result<Spool, GatewayError> {
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(GatewayError::BodyRead)?.into_data() else { continue };
        if writer.length() + data.len() as u64 > limit as u64 {
            return Err(GatewayError::BodyTooLarge { limit });
        }
        writer.push(data).await.map_err(GatewayError::Spool)?;
    }
    writer.finish().await.map_err(GatewayError::Spool)
}

/// The type with its boundary, which is signed and sent as it came.
fn form_kind(headers: &HeaderMap) -> Result<HeaderValue, GatewayError> {
    if Encoding::of(headers)? != Encoding::Identity {
        return Err(GatewayError::UnsupportedEncoding("a packed form".to_owned()));
    }
    let kind = headers.get(CONTENT_TYPE);
    let is_form = |value: &&HeaderValue| {
        let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
        text.starts_with("multipart/form-data") && text.contains("boundary=")
    };
    match kind.filter(is_form) {
        Some(kind) => Ok(kind.clone()),
        None => Err(GatewayError::NotAForm(kind.map(printable).unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;

    use super::*;

    fn limits(bytes: usize) -> UploadLimits {
        let place = SpoolPlace { memory_bytes: 8, folder: None };
        UploadLimits { bytes, patience: Duration::from_secs(5), place, account: None }
    }

    async fn spooled(kind: &'static str, body: Body, limits: UploadLimits) -> Result<Content, GatewayError> {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static(kind))].into_iter().collect();
        spool_form(&headers, body, limits).await
    }

    const KIND: &str = "multipart/form-data; boundary=x";

    #[tokio::test]
    async fn a_form_keeps_its_bytes_and_its_boundary() {
        let content = spooled(KIND, Body::from("--x\r\n\r\n0123456789\r\n--x--"), limits(100)).await.unwrap();
        assert_eq!(content.kind().unwrap(), KIND);
        let Content::Spooled { spool, .. } = content else { panic!("spooled") };
        let read = spool.reader().collect().await.unwrap().to_bytes();
        assert_eq!(read, "--x\r\n\r\n0123456789\r\n--x--");
    }

    #[tokio::test]
    async fn what_is_no_form_or_too_large_is_refused() {
        for kind in ["application/json", "multipart/form-data", "multipart/mixed; boundary=x"] {
            let refused = spooled(kind, Body::from("x"), limits(100)).await;
            assert!(matches!(refused, Err(GatewayError::NotAForm(_))), "{kind}");
        }
        let large = spooled(KIND, Body::from("12345"), limits(4)).await;
        assert!(matches!(large, Err(GatewayError::BodyTooLarge { limit: 4 })));
    }

    #[tokio::test]
    async fn a_form_that_stops_coming_is_given_up() {
        let silent = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let brief = UploadLimits { patience: Duration::from_millis(20), ..limits(100) };
        let refused = spooled(KIND, silent, brief).await;
        assert!(matches!(refused, Err(GatewayError::BodyTooSlow { .. })));
    }
}
