//! The form of an upload, field by field as it arrives; the fields may stand in any order.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use multer::{Field, Multipart};
use portcullis_catalog::FilePurpose;
use portcullis_provider::{InvalidCode, InvalidRequest};
use sha2::{Digest, Sha256};

use super::media::media_type;
use super::part;
use crate::body_account::BodyAccount;
use crate::error::GatewayError;
use crate::openai::expiry::expires_after;
use crate::spool::{Spool, SpoolPlace, SpoolWriter};

/// Bytes of a field that is no file.
const MOST_FIELD_BYTES: usize = 1024;
/// Characters of a file's name. Source: Claude docs, "Files API": 1 to 255; the catalog keeps no more either.
const LONGEST_FILENAME: usize = 255;

/// What an upload may be, and where it is kept until it is whole.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// Bytes of the file.
    pub(super) bytes: u64,
    pub(super) place: SpoolPlace,
    /// Gets back what is in a file, so that an upload of any size takes as much of the server's memory as a small one.
    pub(super) account: Option<BodyAccount>,
}

/// An upload that is whole.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) purpose: FilePurpose,
    pub(super) expires_after: Option<Duration>,
    pub(super) file: ReceivedFile,
}

/// A file as it came.
#[derive(Debug)]
pub(super) struct ReceivedFile {
    pub(super) filename: String,
    pub(super) mime_type: String,
    pub(super) bytes: u64,
    pub(super) sha256: [u8; 32],
    /// The file between the head of the upstream form's part and the end of it: whether it goes there is known only when
    /// all fields are read.
    pub(super) spool: Spool,
    /// The boundary of that form.
    pub(super) boundary: String,
    /// Where in the spool the file begins.
    pub(super) start: u64,
}

/// The fields so far.
#[derive(Default)]
struct Fields {
    purpose: Option<FilePurpose>,
    anchor: Option<String>,
    seconds: Option<String>,
    file: Option<Receiving>,
}

/// A file that is here, its spool still open for the end of the form.
struct Receiving {
    filename: String,
    mime_type: String,
    bytes: u64,
    sha256: [u8; 32],
    spool: SpoolWriter,
    boundary: String,
    start: u64,
}

/// Reads a form to its end.
///
/// - `boundary`: of the form that may go upstream; it stands nowhere in the file, being random.
///
/// # Errors
/// It is no form, lacks a field, has one that is wrong or unknown, or its file is too large.
pub(super) async fn read_form(
    headers: &HeaderMap,
    body: Body,
    limits: &Limits,
    boundary: String,
) -> Result<Upload, GatewayError> {
    let mut form = Multipart::new(body.into_data_stream(), boundary_of(headers)?);
    let mut fields = Fields::default();
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        fields.take(field, limits, &boundary).await?;
    }
    fields.finish().await
}

fn boundary_of(headers: &HeaderMap) -> Result<String, GatewayError> {
    if let Some(encoding) = headers.get(CONTENT_ENCODING).filter(|value| *value != "identity") {
        return Err(GatewayError::UnsupportedEncoding(encoding.to_str().unwrap_or_default().to_owned()));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    multer::parse_boundary(kind).map_err(|_| GatewayError::NotAForm(kind.chars().take(64).collect()))
}

impl Fields {
    async fn take(
        &mut self,
        mut field: Field<'_>,
        limits: &Limits,
        boundary: &str,
    ) -> Result<(), GatewayError> {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "file" => once("file", &mut self.file, receive(&mut field, limits, boundary).await?),
            "purpose" => once("purpose", &mut self.purpose, purpose(&text("purpose", &mut field).await?)?),
            "expires_after[anchor]" => once(
                "expires_after.anchor",
                &mut self.anchor,
                text("expires_after.anchor", &mut field).await?,
            ),
            "expires_after[seconds]" => once(
                "expires_after.seconds",
                &mut self.seconds,
                text("expires_after.seconds", &mut field).await?,
            ),
            _ => {
                let name: String = name.chars().take(80).flat_map(char::escape_default).collect();
                let message = format!("there is no field `{name}`");
                Err(InvalidRequest::at(InvalidCode::UnknownParameter, name, message).into())
            }
        }
    }

    async fn finish(self) -> Result<Upload, GatewayError> {
        let missing = |name: &'static str| {
            let message = format!("the form has no field `{name}`");
            InvalidRequest::at(InvalidCode::MissingRequiredParameter, name, message)
        };
        let purpose = self.purpose.ok_or_else(|| missing("purpose"))?;
        let file = self.file.ok_or_else(|| missing("file"))?;
        let expires_after = expires_after("expires_after", self.anchor.as_deref(), self.seconds.as_deref())?;
        Ok(Upload { purpose, expires_after, file: file.finish(expires_after).await? })
    }
}

impl Receiving {
    async fn finish(self, expires_after: Option<Duration>) -> Result<ReceivedFile, GatewayError> {
        let Self { filename, mime_type, bytes, sha256, mut spool, boundary, start } = self;
        let end = part::end(&boundary, expires_after);
        spool.push(end).await.map_err(GatewayError::Spool)?;
        let spool = spool.finish().await.map_err(GatewayError::Spool)?;
        Ok(ReceivedFile { filename, mime_type, bytes, sha256, spool, boundary, start })
    }
}

fn once<T>(name: &'static str, place: &mut Option<T>, value: T) -> Result<(), GatewayError> {
    if place.replace(value).is_some() {
        let message = format!("the form has the field `{name}` more than once");
        return Err(InvalidRequest::at(InvalidCode::DuplicateParameter, name, message).into());
    }
    Ok(())
}

async fn text(name: &'static str, field: &mut Field<'_>) -> Result<String, GatewayError> {
    let invalid = |message: String| InvalidRequest::at(InvalidCode::InvalidValue, name, message);
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST_FIELD_BYTES {
            return Err(invalid(format!("`{name}` is too long")).into());
        }
    }
    String::from_utf8(bytes).map_err(|_| invalid(format!("`{name}` is not UTF-8")).into())
}

/// What clients may upload. What the batches write is `batch_output`.
fn purpose(text: &str) -> Result<FilePurpose, InvalidRequest> {
    match text.parse() {
        Ok(
            purpose @ (FilePurpose::Assistants
            | FilePurpose::Batch
            | FilePurpose::UserData
            | FilePurpose::Vision),
        ) => Ok(purpose),
        Ok(FilePurpose::BatchOutput) | Err(_) => {
            let message = "`purpose` must be `batch`, `user_data`, `vision` or `assistants`";
            Err(InvalidRequest::at(InvalidCode::InvalidValue, "purpose", message))
        }
    }
}

async fn receive(field: &mut Field<'_>, limits: &Limits, boundary: &str) -> Result<Receiving, GatewayError> {
    let invalid = |message: &'static str| InvalidRequest::at(InvalidCode::InvalidValue, "file", message);
    let filename = field.file_name().unwrap_or_default().to_owned();
    if filename.trim().is_empty() || filename.chars().count() > LONGEST_FILENAME {
        return Err(invalid("`file` must be a file with a name of 1 to 255 characters").into());
    }
    if filename.chars().any(char::is_control) {
        return Err(invalid("the name of `file` must not hold control characters").into());
    }
    let declared = field.content_type().map(|kind| kind.essence_str().to_owned());
    let mime_type = media_type(&filename, declared.as_deref());
    let mut spool = SpoolWriter::new(limits.place.clone()).on_account(limits.account.clone());
    spool.push(part::head(boundary, &filename, &mime_type)).await.map_err(GatewayError::Spool)?;
    let start = spool.length();
    let mut hash = Sha256::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? {
        let chunk: Bytes = chunk;
        if spool.length() - start + chunk.len() as u64 > limits.bytes {
            return Err(GatewayError::BodyTooLarge {
                limit: usize::try_from(limits.bytes).unwrap_or(usize::MAX),
            });
        }
        hash.update(&chunk);
        spool.push(chunk).await.map_err(GatewayError::Spool)?;
    }
    let (bytes, sha256) = (spool.length() - start, hash.finalize().into());
    if bytes == 0 {
        return Err(invalid("`file` is empty").into());
    }
    Ok(Receiving { filename, mime_type, bytes, sha256, spool, boundary: boundary.to_owned(), start })
}

fn broken(error: &multer::Error) -> GatewayError {
    match error {
        multer::Error::StreamReadFailed(_) | multer::Error::IncompleteStream => {
            InvalidRequest::body("the form broke off").into()
        }
        other => InvalidRequest::body(format!("the body is no form: {other}")).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use http::HeaderValue;
    use http_body_util::BodyExt;

    fn field(name: &str, value: &str) -> String {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    }

    fn file(content: &str) -> String {
        format!(
            "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n{content}\r\n"
        )
    }

    async fn read(parts: &[String]) -> Result<Upload, GatewayError> {
        let kind = HeaderValue::from_static("multipart/form-data; boundary=x");
        let headers = [(CONTENT_TYPE, kind)].into_iter().collect();
        let body = Body::from(format!("{}--x--\r\n", parts.concat()));
        let limits = Limits { bytes: 10, place: SpoolPlace { memory_bytes: 8, folder: None }, account: None };
        read_form(&headers, body, &limits, "ours".to_owned()).await
    }

    async fn param(parts: &[String]) -> Option<String> {
        read(parts).await.unwrap_err().to_client().param
    }

    #[tokio::test]
    async fn fields_may_stand_in_any_order() {
        for parts in
            [[file("12345"), field("purpose", "user_data")], [field("purpose", "user_data"), file("12345")]]
        {
            let upload = read(&parts).await.unwrap();
            let ReceivedFile { filename, mime_type, bytes, spool, start, .. } = upload.file;
            assert_eq!((upload.purpose.as_str(), upload.expires_after), ("user_data", None));
            assert_eq!((filename.as_str(), mime_type.as_str(), bytes), ("a.pdf", "application/pdf", 5));
            let form = spool.reader().collect().await.unwrap().to_bytes();
            assert_eq!(&form[start as usize..start as usize + 5], b"12345");
            assert!(form.ends_with(b"--ours--\r\n"), "{form:?}");
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_form_is_named() {
        let purpose = || field("purpose", "batch");
        assert_eq!(param(&[purpose()]).await.as_deref(), Some("file"));
        assert_eq!(param(&[file("1")]).await.as_deref(), Some("purpose"));
        assert_eq!(param(&[file(""), purpose()]).await.as_deref(), Some("file"));
        assert_eq!(param(&[file("1"), purpose(), purpose()]).await.as_deref(), Some("purpose"));
        for other in ["fine-tune", "evals", "batch_output", ""] {
            assert_eq!(param(&[field("purpose", other)]).await.as_deref(), Some("purpose"), "{other}");
        }
        assert_eq!(param(&[field("model", "m")]).await.as_deref(), Some("model"));
        let soon = field("expires_after[seconds]", "5");
        let anchor = field("expires_after[anchor]", "created_at");
        let seen = param(&[purpose(), soon, anchor, file("1")]).await;
        assert_eq!(seen.as_deref(), Some("expires_after.seconds"));
        let large = read(&[purpose(), file("12345678901")]).await.unwrap_err();
        assert!(matches!(large, GatewayError::BodyTooLarge { limit: 10 }));
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_kept_is_refused_before_the_file_is_read() {
        let named = |name: &str| {
            let content = "longer than any file may be here";
            file(content).replace("a.pdf", name)
        };
        for name in ["é".repeat(256), " ".to_owned(), "a\tb".to_owned()] {
            assert_eq!(param(&[named(&name)]).await.as_deref(), Some("file"), "{name}");
        }
        let longest = read(&[named(&"é".repeat(255))]).await.unwrap_err();
        assert!(matches!(longest, GatewayError::BodyTooLarge { .. }), "{longest:?}");
    }

    #[tokio::test]
    async fn what_is_in_a_file_is_given_back_to_the_account() {
        let given_back = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&given_back);
        let account = BodyAccount::new(move |n_bytes| {
            count.fetch_add(n_bytes, Ordering::Relaxed);
        });
        let kind = HeaderValue::from_static("multipart/form-data; boundary=x");
        let headers = [(CONTENT_TYPE, kind)].into_iter().collect();
        let body = Body::from(format!("{}{}--x--\r\n", field("purpose", "batch"), file("1234567890")));
        let place = SpoolPlace { memory_bytes: 8, folder: None };
        let limits = Limits { bytes: 10, place, account: Some(account) };
        read_form(&headers, body, &limits, "ours".to_owned()).await.unwrap();
        assert!(given_back.load(Ordering::Relaxed) >= 10);
    }

    #[tokio::test]
    async fn a_form_that_breaks_off_is_none() {
        let kind = HeaderValue::from_static("multipart/form-data; boundary=x");
        let headers = [(CONTENT_TYPE, kind)].into_iter().collect();
        let body = Body::from(file("12345"));
        let limits = Limits { bytes: 10, place: SpoolPlace { memory_bytes: 8, folder: None }, account: None };
        let error = read_form(&headers, body, &limits, "ours".to_owned()).await.unwrap_err();
        assert_eq!(error.to_client().status, 400);
    }
}
