//! Where an upload goes: a batch's input stays here, anything a model is to see goes upstream.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt;
use portcullis_catalog::{
    FileAtUpstream, FilePurpose, NewFile, StoredFile, UpstreamObject, UpstreamObjectKind,
};
use portcullis_provider::ResponseContext;
use portcullis_provider::error::{ApiError, ErrorKind};
use portcullis_provider::routes::route;
use portcullis_types::Feature;
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::form::{ReceivedFile, Upload};
use crate::arrival::Arrival;
use crate::content::Content;
use crate::error::GatewayError;
use crate::gateway::{Gateway, Parts};
use crate::openai::errand::{Errand, Reply, bare, payload};
use crate::openai::member::Member;
use crate::way::{self, Admitted, Hint};

/// How long a batch's input is kept when the client does not say. Source: OpenAI API reference, "Upload file".
const BATCH_INPUT_KEPT: Duration = Duration::days(30);

/// The upstream's file object, as far as we read it.
#[derive(Debug, Deserialize)]
struct UpstreamFile {
    id: String,
    #[serde(default)]
    mime_type: Option<String>,
    #[serde(default)]
    expires_at: Option<String>,
}

/// The provider that a file for a model is uploaded through; none for the input of a batch.
///
/// # Errors
/// When it is not clear which one, or it has no files.
pub(super) fn admit_upload(member: &Member, headers: &HeaderMap) -> Result<Admitted, GatewayError> {
    let caller = member.caller.clone();
    let resolved = way::resolve_without_model(caller, headers, &member.snapshot, Hint::None, Feature::Files)?;
    way::admit(resolved, route("POST", "/v1/files").expect("the platform takes files"))
}

/// Keeps an upload where its purpose wants it.
pub(super) async fn keep(
    shared: &Gateway,
    arrival: &Arrival,
    member: &Member,
    headers: &HeaderMap,
    upload: Upload,
) -> Result<StoredFile, GatewayError> {
    let gateway = shared.parts();
    let now = OffsetDateTime::from(gateway.clock.now());
    let expires_at = upload.expires_after.map(|life| now + life);
    let mut new = NewFile {
        workspace_id: member.workspace,
        purpose: upload.purpose,
        filename: upload.file.filename.clone(),
        mime_type: upload.file.mime_type.clone(),
        expires_at,
    };
    if upload.purpose == FilePurpose::Batch {
        new.expires_at = Some(expires_at.unwrap_or(now + BATCH_INPUT_KEPT));
        return keep_here(gateway, new, &upload.file).await;
    }
    let admitted = admit_upload(member, headers)?;
    send_all_the_way(shared, arrival.clone(), admitted, new, upload.file).await
}

/// Sends and records, whether or not the client stays for it: of a file that is upstream, somebody must know.
async fn send_all_the_way(
    gateway: &Gateway,
    arrival: Arrival,
    admitted: Admitted,
    new: NewFile,
    file: ReceivedFile,
) -> Result<StoredFile, GatewayError> {
    let gateway = gateway.clone();
    let sending = async move {
        let errand = Errand { gateway: gateway.parts(), arrival: &arrival, admitted: &admitted };
        errand.gateway.until_deadline(send(&errand, new, file)).await
    };
    // Nobody but the end of the process breaks the task off.
    tokio::spawn(sending).await.unwrap_or(Err(GatewayError::ShuttingDown))
}

async fn keep_here(gateway: &Parts, new: NewFile, file: &ReceivedFile) -> Result<StoredFile, GatewayError> {
    let mut writer = gateway.catalog.write_file(new).await?;
    let (mut skip, mut left) = (file.start, file.bytes);
    let mut pieces = file.spool.reader();
    while let Some(frame) = pieces.frame().await {
        let Ok(piece) = frame.map_err(GatewayError::Spool)?.into_data() else { continue };
        let piece = between(piece, &mut skip, &mut left);
        if !piece.is_empty() {
            writer.push(&piece).await?;
        }
    }
    Ok(writer.finish(None).await?)
}

/// What of a piece belongs to the file: not the head of the form before it, nor its end.
fn between(mut piece: Bytes, skip: &mut u64, left: &mut u64) -> Bytes {
    let clamp = |n: u64, most: usize| usize::try_from(n).unwrap_or(usize::MAX).min(most);
    let before = clamp(*skip, piece.len());
    *skip -= before as u64;
    let mut rest = piece.split_off(before);
    rest.truncate(clamp(*left, rest.len()));
    *left -= rest.len() as u64;
    rest
}

async fn send(errand: &Errand<'_>, new: NewFile, file: ReceivedFile) -> Result<StoredFile, GatewayError> {
    let kind = format!("multipart/form-data; boundary={}", file.boundary);
    let kind = HeaderValue::try_from(kind).expect("a boundary is letters and digits");
    let content = Content::Spooled { kind, spool: file.spool };
    let payload = payload(Method::POST, "/v1/files", None, content, &[])?;
    let made = match errand.ask(&payload).await? {
        Reply::Done(body) => read_object(&body)?,
        Reply::Refused(error) => return Err(error.to_openai(&ResponseContext::default()).into()),
    };
    let upstream_id = made.id.clone();
    let kept = record(errand, new, made, file.bytes, file.sha256).await;
    if kept.is_err() {
        // Nobody will ever know its id: it goes again.
        forget_upstream(errand, &upstream_id).await;
    }
    kept
}

async fn record(
    errand: &Errand<'_>,
    mut new: NewFile,
    made: UpstreamFile,
    bytes: u64,
    sha256: [u8; 32],
) -> Result<StoredFile, GatewayError> {
    let (catalog, provider) = (&errand.gateway.catalog, &errand.admitted.provider);
    new.mime_type = made.mime_type.unwrap_or(new.mime_type);
    new.expires_at =
        made.expires_at.and_then(|at| OffsetDateTime::parse(&at, &Rfc3339).ok()).or(new.expires_at);
    let object = UpstreamObject {
        kind: UpstreamObjectKind::File,
        anthropic_workspace_id: provider.platform.workspace_id.clone(),
        upstream_id: made.id.clone(),
        workspace_id: new.workspace_id,
        provider_id: provider.provider_id,
        created_at: OffsetDateTime::from(errand.gateway.clock.now()),
        expires_at: new.expires_at,
    };
    catalog.record_upstream_object(object).await?;
    let upstream = FileAtUpstream { provider_id: provider.provider_id, upstream_id: made.id };
    Ok(catalog.create_file(new, upstream, bytes, sha256).await?)
}

async fn forget_upstream(errand: &Errand<'_>, upstream_id: &str) {
    let payload = bare(Method::DELETE, format!("/v1/files/{upstream_id}"), None);
    if !matches!(errand.ask(&payload).await, Ok(Reply::Done(_))) {
        tracing::warn!(
            file.upstream_id = upstream_id,
            "an uploaded file that could not be recorded was left upstream"
        );
    }
}

fn read_object(body: &[u8]) -> Result<UpstreamFile, ApiError> {
    let is_sound = |file: &UpstreamFile| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        !file.id.is_empty() && file.id.bytes().all(allowed)
    };
    serde_json::from_slice(body).ok().filter(is_sound).ok_or_else(|| {
        let message = "the upstream's answer is no file object";
        ApiError::new(502, ErrorKind::Server, "upstream_invalid_response", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_cut_out_of_the_form_however_the_pieces_fall() {
        let form = b"head|the file|end";
        for size in 1..=form.len() {
            let (mut skip, mut left) = (5, 8);
            let pieces =
                form.chunks(size).map(|piece| between(Bytes::copy_from_slice(piece), &mut skip, &mut left));
            assert_eq!(pieces.collect::<Vec<_>>().concat(), b"the file", "{size}");
        }
    }
}
