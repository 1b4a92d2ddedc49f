//! `/v1/files`: OpenAI's files. The input of a batch is kept here, sealed; what a model is to see lies upstream, and here
//! is written down what it is. Ids are the gateway's own (`file-…`).
//!
//! | purpose | where it goes |
//! |---|---|
//! | `batch` | stays here; judged when a batch is made of it |
//! | `user_data`, `vision`, `assistants` | to the upstream's Files API, through the provider that a header names, or the only one that has files |
//! | `batch_output` | what batches write; nobody uploads it |
//! | `fine-tune`, `evals` | refused |
//!
//! The content of what was uploaded for a model cannot be had back: the upstream gives out only what tools made.

mod form;
mod media;
mod object;
mod part;
mod upload;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::CONTENT_LENGTH;
use http::request::Parts as Head;
use http::{HeaderMap, HeaderValue, Method};
use portcullis_catalog::{CatalogError, FileFilter, FilePurpose, StoredFile, UpstreamObjectKind};
use portcullis_provider::ResponseContext;
use portcullis_provider::routes::route;
use portcullis_types::{Feature, FileId};
use serde_json::json;

use self::form::{Limits, read_form};
use self::object::FileObject;
use super::answer::{json_answer, stream_files};
use super::errand::{Errand, Reply, bare};
use super::member::Member;
use super::query::ListQuery;
use super::{answered, refusal, wrong_method};
use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::{Gateway, Parts};
use crate::inbound::check_query;
use crate::spool::SpoolPlace;
use crate::way::{self, Hint};

/// What a form may have besides its file, in bytes.
const FORM_OVERHEAD: u64 = 64 * 1024;

/// Answers on `/v1/files` and below.
pub(crate) async fn serve(State(gateway): State<Gateway>, request: Request) -> Response {
    answered(gateway.parts(), request, async |parts: &Parts, arrival: &Arrival, request| {
        let (client, body) = Request::into_parts(request);
        let path = client.uri.path().to_owned();
        let segments: Vec<&str> = path.trim_start_matches("/v1/files").split('/').skip(1).collect();
        match (client.method.as_str(), segments.as_slice()) {
            ("POST", []) => create(&gateway, arrival, &client, body).await,
            ("GET", []) => list(parts, &client).await,
            ("GET", [id]) => get(parts, &client, id).await,
            ("DELETE", [id]) => delete(parts, arrival, &client, id).await,
            ("GET", [id, "content"]) => content(parts, &client, id).await,
            (_, []) => Err(wrong_method(&client, "GET, POST")),
            (_, [_]) => Err(wrong_method(&client, "GET, DELETE")),
            (_, [_, "content"]) => Err(wrong_method(&client, "GET")),
            _ => Err(GatewayError::UnknownRoute { method: client.method.clone(), path: path.clone() }),
        }
    })
    .await
}

async fn create(
    shared: &Gateway,
    arrival: &Arrival,
    head: &Head,
    body: Body,
) -> Result<Response, GatewayError> {
    check_query(head.uri.query(), &[])?;
    let gateway = shared.parts();
    // Nobody unknown gets us to read a body.
    Member::of(gateway, &head.headers)?;
    let limits = limits(gateway, head);
    check_announced(&head.headers, &limits)?;
    let boundary = format!("portcullis{}", arrival.request_id.as_uuid().simple());
    let patience = gateway.settings.upload_timeout;
    let read = tokio::time::timeout(patience, read_form(&head.headers, body, &limits, boundary)).await;
    let upload = read.map_err(|_| GatewayError::BodyTooSlow { limit: patience })??;
    if upload.purpose == FilePurpose::Batch && upload.file.bytes > gateway.settings.batches.most_input_bytes {
        let limit = usize::try_from(gateway.settings.batches.most_input_bytes).unwrap_or(usize::MAX);
        return Err(GatewayError::BodyTooLarge { limit });
    }
    // An upload takes its time: whoever was known when it began must be known still.
    let member = Member::of(gateway, &head.headers)?;
    let file = upload::keep(shared, arrival, &member, &head.headers, upload).await?;
    gateway.files.forget(member.workspace, file.id).await;
    json_answer(&FileObject::from(&file))
}

fn limits(gateway: &Parts, head: &Head) -> Limits {
    let settings = &gateway.settings;
    let (place, account) = (SpoolPlace::of(settings), head.extensions.get().cloned());
    Limits { bytes: settings.max_upload_bytes as u64, place, account }
}

fn check_announced(headers: &HeaderMap, limits: &Limits) -> Result<(), GatewayError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits.bytes + FORM_OVERHEAD) {
        let limit = usize::try_from(limits.bytes).unwrap_or(usize::MAX);
        return Err(GatewayError::BodyTooLarge { limit });
    }
    Ok(())
}

async fn list(gateway: &Parts, head: &Head) -> Result<Response, GatewayError> {
    let query = ListQuery::read(head.uri.query(), &["after", "limit", "order", "purpose"])?;
    let member = Member::of(gateway, &head.headers)?;
    let filter = FileFilter {
        purpose: query.parsed("purpose", "the purpose of files here, such as `batch` or `user_data`")?,
        after: query.parsed("after", "a file's id")?,
        limit: query.limit(10_000, 10_000)?,
        order: query.order()?,
    };
    let slice = gateway.catalog.list_files(member.workspace, filter).await?;
    let data: Vec<FileObject> = slice.data.iter().map(FileObject::from).collect();
    let (first, last) = (data.first().map(|one| &one.id), data.last().map(|one| &one.id));
    json_answer(&json!({
        "object": "list", "data": data, "first_id": first, "last_id": last, "has_more": slice.has_more,
    }))
}

async fn get(gateway: &Parts, head: &Head, id: &str) -> Result<Response, GatewayError> {
    check_query(head.uri.query(), &[])?;
    let (_, file) = found(gateway, head, id).await?;
    json_answer(&FileObject::from(&file))
}

async fn content(gateway: &Parts, head: &Head, id: &str) -> Result<Response, GatewayError> {
    check_query(head.uri.query(), &[])?;
    let (member, file) = found(gateway, head, id).await?;
    if !file.is_kept {
        let message = format!(
            "the content of a file with the purpose `{}` cannot be downloaded: the upstream gives out only what tools made",
            file.purpose.as_str()
        );
        return Err(refusal::unfit("file_not_downloadable", message));
    }
    let reader = gateway.catalog.read_file(member.workspace, file.id).await?;
    // The name is left out: no header holds every name, and clients ask by id.
    let disposition = HeaderValue::from_static("attachment");
    Ok(stream_files(vec![reader], &file.mime_type, Some(disposition)))
}

async fn delete(gateway: &Parts, arrival: &Arrival, head: &Head, id: &str) -> Result<Response, GatewayError> {
    check_query(head.uri.query(), &[])?;
    let (member, file) = found(gateway, head, id).await?;
    delete_upstream(gateway, arrival, &member, &head.headers, &file).await?;
    match gateway.catalog.delete_file(member.workspace, file.id).await {
        Ok(_) | Err(CatalogError::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    gateway.files.forget(member.workspace, file.id).await;
    json_answer(&json!({"id": file.id.to_string(), "object": "file", "deleted": true}))
}

/// The upstream's copy goes first: a file that we know no more could be deleted by nobody.
async fn delete_upstream(
    gateway: &Parts,
    arrival: &Arrival,
    member: &Member,
    headers: &HeaderMap,
    file: &StoredFile,
) -> Result<(), GatewayError> {
    let Some(upstream) = &file.upstream else { return Ok(()) };
    let hint = Hint::Maker(upstream.provider_id);
    let caller = member.caller.clone();
    let resolved = way::resolve_without_model(caller, headers, &member.snapshot, hint, Feature::Files)?;
    let served = route("DELETE", "/v1/files/id").expect("the platform deletes files");
    let admitted = way::admit(resolved, served)?;
    let errand = Errand { gateway, arrival, admitted: &admitted };
    let payload = bare(Method::DELETE, format!("/v1/files/{}", upstream.upstream_id), None);
    match errand.ask(&payload).await? {
        Reply::Done(_) => {}
        Reply::Refused(error) if error.status == 404 => {}
        Reply::Refused(error) => return Err(error.to_openai(&ResponseContext::default()).into()),
    }
    let kind = UpstreamObjectKind::File;
    gateway.catalog.forget_upstream_object(member.workspace, kind, &upstream.upstream_id).await?;
    Ok(())
}

async fn found(gateway: &Parts, head: &Head, id: &str) -> Result<(Member, StoredFile), GatewayError> {
    let member = Member::of(gateway, &head.headers)?;
    let unknown = || refusal::no_such("file", id);
    let id: FileId = id.parse().map_err(|_| unknown())?;
    match gateway.catalog.file(member.workspace, id).await {
        Ok(file) => Ok((member, file)),
        Err(CatalogError::NotFound { .. }) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}
