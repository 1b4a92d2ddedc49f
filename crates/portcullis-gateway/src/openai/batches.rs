//! `/v1/batches`: OpenAI's batches over message batches.
//!
//! What a client makes is only written down here; the work is done by [`worker`], step by step: the input is validated,
//! the lines are translated and sent in as many upstream batches as they need ([`send`]), the upstream is asked how far it
//! is ([`poll`]), and its results become files ([`finish`]).

mod create;
mod document;
mod draft;
mod finish;
mod job;
mod lines;
mod object;
mod output_files;
mod poll;
mod prepare;
mod provider;
mod recover;
mod results;
mod send;
mod settings;
mod validate;
mod wire;
mod worker;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use http::request::Parts as Head;
use portcullis_catalog::{CatalogError, FilePurpose, NewBatch, NewFile, StoredBatch};
use portcullis_provider::{InvalidCode, InvalidRequest};
use portcullis_types::{BatchId, FileId, OnUnsupported};
use serde_json::json;
use serde_json::value::RawValue;
use time::{Duration, OffsetDateTime};

use self::create::{Input, NewBatchBody, item_error};
use self::document::{AskedBy, Document, Form};
use self::lines::FileLine;
use self::object::batch_object;
use self::provider::ProviderOfLines;
use self::validate::Check;
use super::answer::{json_answer, stream_files};
use super::member::Member;
use super::query::ListQuery;
use super::{answered, refusal, wrong_method};
use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::{Gateway, Parts};
use crate::inbound::check_query;
use crate::way::{self, metadata_of, slug_of_headers};

pub use settings::BatchSettings;

/// How long a batch can be asked for.
const KEPT: Duration = Duration::days(90);

/// Answers on `/v1/batches` and below.
pub(crate) async fn serve(State(gateway): State<Gateway>, request: Request) -> Response {
    answered(gateway.parts(), request, async |parts: &Parts, _: &Arrival, request| {
        let (client, body) = Request::into_parts(request);
        let path = client.uri.path().to_owned();
        let segments: Vec<&str> = path.trim_start_matches("/v1/batches").split('/').skip(1).collect();
        match (client.method.as_str(), segments.as_slice()) {
            ("POST", []) => create(&gateway, &client, body).await,
            ("GET", []) => list(parts, &client).await,
            ("GET", [id]) => get(&gateway, &client, id).await,
            ("POST", [id, "cancel"]) => cancel(&gateway, &client, id).await,
            ("GET", [id, "output"]) => output(&gateway, &client, id).await,
            (_, []) => Err(wrong_method(&client, "GET, POST")),
            (_, [_] | [_, "output"]) => Err(wrong_method(&client, "GET")),
            (_, [_, "cancel"]) => Err(wrong_method(&client, "POST")),
            _ => Err(GatewayError::UnknownRoute { method: client.method.clone(), path: path.clone() }),
        }
    })
    .await
}

async fn create(gateway: &Gateway, head: &Head, body: Body) -> Result<Response, GatewayError> {
    check_query(head.uri.query(), &[])?;
    let parts = gateway.parts();
    let (caller, body, snapshot) = way::receive(parts, &head.headers, body).await?;
    let member = Member::from_caller(caller, snapshot)?;
    let new = NewBatchBody::parse(&body)?;
    let (form, input_file) = match &new.input {
        Input::File { id, endpoint } => (Form::Lines(*endpoint), checked_file(parts, &member, *id).await?),
        Input::Requests(items) => {
            (Form::Requests, keep_requests(parts, &member, &head.headers, items).await?)
        }
    };
    let mut document = document(&member, &head.headers, form)?;
    document.metadata = new.metadata;
    document.output_expires_after = new.output_expires_after.map(|life| life.as_secs());
    let batch = parts
        .catalog
        .create_batch(NewBatch {
            workspace_id: member.workspace,
            key_id: member.caller.0.key_id,
            provider_id: None,
            endpoint: endpoint_text(form),
            input_file_id: Some(input_file),
            document: document.to_json(),
            keep_until: Some(OffsetDateTime::from(parts.clock.now()) + KEPT),
        })
        .await?;
    drop(gateway.begin_batch(member.workspace, batch.id));
    shown(parts, head, &batch)
}

fn endpoint_text(form: Form) -> String {
    match form {
        Form::Lines(endpoint) => endpoint.as_str().to_owned(),
        Form::Requests => "/v1/batches".to_owned(),
    }
}

fn document(member: &Member, headers: &HeaderMap, form: Form) -> Result<Document, GatewayError> {
    if let Some(value) = headers.get("x-portcullis-on-unsupported") {
        let asked = value.to_str().ok().and_then(|text| text.trim().parse::<OnUnsupported>().ok());
        asked.ok_or(GatewayError::InvalidOnUnsupported)?;
    }
    let asked_by = AskedBy::new(&member.caller.0, headers, &metadata_of(headers)?);
    let slug = named_provider(member, headers)?;
    Ok(Document::new(form, slug.as_ref(), asked_by))
}

/// The provider that a header names, which must have batches: the client is told at once.
fn named_provider(
    member: &Member,
    headers: &HeaderMap,
) -> Result<Option<portcullis_types::Slug>, GatewayError> {
    let Some(slug) = slug_of_headers(headers)? else { return Ok(None) };
    let lines = ProviderOfLines::new(Some(slug.clone()));
    lines.resolve(&member.snapshot, member.workspace).map_err(item_error)?;
    Ok(Some(slug))
}

/// The input file. What is in it is judged later, and makes the batch `failed`.
async fn checked_file(parts: &Parts, member: &Member, id: FileId) -> Result<FileId, GatewayError> {
    let refuse = |message: String| InvalidRequest::at(InvalidCode::InvalidValue, "input_file_id", message);
    match parts.catalog.file(member.workspace, id).await {
        Ok(file) if file.purpose == FilePurpose::Batch && file.is_kept => Ok(id),
        Ok(file) => {
            let purpose = file.purpose.as_str();
            Err(refuse(format!("`{id}` was uploaded with the purpose `{purpose}`, not `batch`")).into())
        }
        Err(CatalogError::NotFound { .. }) => {
            Err(refuse(format!("there is no file `{id}` in the key's workspace")).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Checks the items of the inline form and keeps them as a file, one a line.
async fn keep_requests(
    parts: &Parts,
    member: &Member,
    headers: &HeaderMap,
    items: &[&RawValue],
) -> Result<FileId, GatewayError> {
    let lines: Vec<FileLine> = (0..).zip(items).map(|(index, item)| one_line(index, item)).collect();
    let mut check = Check::new(Form::Requests, ProviderOfLines::new(slug_of_headers(headers)?));
    for line in &lines {
        check.line(line);
        if let Some(error) = check.first_error() {
            return Err(item_error(error).into());
        }
    }
    check.resolve(&member.snapshot, member.workspace).map_err(item_error)?;
    let new = NewFile {
        workspace_id: member.workspace,
        purpose: FilePurpose::Batch,
        filename: "requests.jsonl".to_owned(),
        mime_type: "application/jsonl".to_owned(),
        expires_at: Some(OffsetDateTime::from(parts.clock.now()) + Duration::days(30)),
    };
    let mut file = parts.catalog.write_file(new).await?;
    for line in lines {
        let mut bytes = line.bytes;
        bytes.push(b'\n');
        file.push(&bytes).await?;
    }
    Ok(file.finish(None).await?.id)
}

/// JSON without line breaks. In a text of JSON they are escaped, so each is white space.
fn one_line(index: u64, item: &RawValue) -> FileLine {
    let space = |b: u8| if matches!(b, b'\n' | b'\r') { b' ' } else { b };
    FileLine { index, number: index + 1, bytes: item.get().bytes().map(space).collect() }
}

async fn list(parts: &Parts, head: &Head) -> Result<Response, GatewayError> {
    let query = ListQuery::read(head.uri.query(), &["after", "limit"])?;
    let member = Member::of(parts, &head.headers)?;
    let after = query.parsed::<BatchId>("after", "a batch's id")?;
    let slice = parts.catalog.list_batches(member.workspace, after, query.limit(20, 100)?).await?;
    let base = base(parts, head);
    let data = slice.data.iter().map(|batch| batch_object(batch, base.as_deref()));
    let data = data.collect::<Result<Vec<_>, _>>()?;
    let (first, last) = (data.first().map(|one| &one.id), data.last().map(|one| &one.id));
    json_answer(&json!({
        "object": "list", "data": data, "first_id": first, "last_id": last, "has_more": slice.has_more,
    }))
}

async fn get(gateway: &Gateway, head: &Head, id: &str) -> Result<Response, GatewayError> {
    check_query(head.uri.query(), &[])?;
    let (member, id, batch) = found(gateway.parts(), head, id).await?;
    if batch.state.is_over() {
        return shown(gateway.parts(), head, &batch);
    }
    gateway.look_at_batch(member.workspace, id, &batch).await;
    let batch = gateway.parts().catalog.batch(member.workspace, id).await?;
    shown(gateway.parts(), head, &batch)
}

async fn cancel(gateway: &Gateway, head: &Head, id: &str) -> Result<Response, GatewayError> {
    check_query(head.uri.query(), &[])?;
    let parts = gateway.parts();
    let (member, id, batch) = found(parts, head, id).await?;
    if batch.state.is_over() {
        let status = batch.state.as_str();
        let message = format!("a batch with the status `{status}` cannot be cancelled");
        return Err(refusal::conflict("batch_is_over", message));
    }
    let batch = parts.catalog.request_cancel(member.workspace, id).await?;
    drop(gateway.begin_batch(member.workspace, id));
    shown(parts, head, &batch)
}

async fn output(gateway: &Gateway, head: &Head, id: &str) -> Result<Response, GatewayError> {
    check_query(head.uri.query(), &[])?;
    let parts = gateway.parts();
    let (member, id, batch) = found(parts, head, id).await?;
    if !batch.state.is_over() {
        gateway.look_at_batch(member.workspace, id, &batch).await;
    }
    let batch = parts.catalog.batch(member.workspace, id).await?;
    if !batch.state.is_over() {
        let status = batch.state.as_str();
        let message = format!("the batch has no output yet: its status is `{status}`");
        return Err(refusal::unfit("batch_not_ended", message));
    }
    let mut readers = Vec::new();
    for file in [batch.output_file_id, batch.error_file_id].into_iter().flatten() {
        readers.push(parts.catalog.read_file(member.workspace, file).await?);
    }
    Ok(stream_files(readers, "application/jsonl", None))
}

async fn found(parts: &Parts, head: &Head, id: &str) -> Result<(Member, BatchId, StoredBatch), GatewayError> {
    let member = Member::of(parts, &head.headers)?;
    let unknown = || refusal::no_such("batch", id);
    let id: BatchId = id.parse().map_err(|_| unknown())?;
    match parts.catalog.batch(member.workspace, id).await {
        Ok(batch) => Ok((member, id, batch)),
        Err(CatalogError::NotFound { .. }) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

fn shown(parts: &Parts, head: &Head, batch: &StoredBatch) -> Result<Response, GatewayError> {
    json_answer(&batch_object(batch, base(parts, head).as_deref())?)
}

fn base(parts: &Parts, head: &Head) -> Option<String> {
    Some(crate::anthropic::public_base(parts.settings.public_url.as_deref(), head))
}
