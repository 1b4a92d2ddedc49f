//! Answers with objects and with the content of files.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use portcullis_catalog::{CatalogError, FileReader};
use serde::Serialize;

use crate::error::GatewayError;

/// A JSON object.
pub(super) fn json_answer(object: &impl Serialize) -> Result<Response, GatewayError> {
    let body = serde_json::to_vec(object).expect("texts, numbers and JSON under string keys are always JSON");
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Kept files, one after the other, chunk by chunk. One that cannot be read on breaks the connection off: half a file must
/// not look like a whole one.
pub(super) fn stream_files(files: Vec<FileReader>, kind: &str, disposition: Option<HeaderValue>) -> Response {
    let n_bytes: u64 = files.iter().map(|reader| reader.file().bytes).sum();
    let mut files = files.into_iter();
    let first = files.next();
    let chunks = stream::try_unfold((first, files), async |(current, mut rest)| {
        let mut current = current;
        while let Some(mut reader) = current {
            if let Some(chunk) = reader.next().await? {
                return Ok::<_, CatalogError>(Some((Bytes::from(chunk), (Some(reader), rest))));
            }
            current = rest.next();
        }
        Ok(None)
    });
    let mut response = Response::new(Body::from_stream(chunks));
    fill(response.headers_mut(), n_bytes, kind);
    if let Some(disposition) = disposition {
        response.headers_mut().insert("content-disposition", disposition);
    }
    response
}

fn fill(headers: &mut HeaderMap, n_bytes: u64, kind: &str) {
    let kind = HeaderValue::try_from(kind).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(n_bytes));
}
