//! The Responses API against golden files and arbitrary input.
//!
//! A golden file holds one case: `{"name", "direction", "input", "expected", "why"}`. What an input may hold beside its
//! `request` or `response`:
//!
//! | key | meaning |
//! |---|---|
//! | `context.options` | what an operator set for the provider, as in the admin API |
//! | `context.files` | what the caller uploaded before, by the client's ids |
//! | `context.betas` | values of the client's own `anthropic-beta` |
//! | `earlier` | requests and the messages they were answered with, which are kept; the last one is continued if the request names it |

mod golden;
mod parameters;
mod properties;
mod stored;
mod streams;
mod upstream;

use portcullis_provider::error::ApiError;
use portcullis_provider::responses::context::ResponsesContext;
use portcullis_provider::responses::request::{ResponsesRequest, TranslatedResponses};
use portcullis_provider::responses::response::to_response;
use portcullis_provider::responses::stored::{StoredResponse, StoredTurn};
use portcullis_provider::responses::stream::ResponsesStream;
use portcullis_provider::sse::Decoder;
use portcullis_provider::target::{FileReference, KnownFiles, Target};
use portcullis_provider::{Flow, InvalidRequest};
use portcullis_types::{TranslationOptions, TranslationSettings};
use serde_json::{Value, json};

/// 2026-01-01T00:00:00Z, when every answer begins.
const CREATED: u64 = 1_767_225_600;
/// When it ends.
const COMPLETED: u64 = CREATED + 7;

/// Translates a request under what its case says.
fn translate(input: &Value) -> Result<TranslatedResponses, InvalidRequest> {
    let body = input["request"].to_string();
    let request = ResponsesRequest::parse(body.as_bytes())?;
    let recalled = recalled(input, request.previous_response_id());
    translate_with(request, &input["context"], recalled.as_ref())
}

fn translate_with(
    request: ResponsesRequest<'_>,
    context: &Value,
    recalled: Option<&StoredTurn>,
) -> Result<TranslatedResponses, InvalidRequest> {
    let betas = context["betas"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let request = request.with_header_betas(betas.map(str::to_owned));
    let model = request.model().parse().expect("the cases name models");
    let settings = context.get("options").cloned().unwrap_or_else(|| json!({}));
    let settings: TranslationSettings = serde_json::from_value(settings).unwrap();
    let options = TranslationOptions::default().with(&settings);
    let files = files(context);
    request.to_messages(&Target { files: &files, ..Target::embedded(&model, options) }, recalled)
}

fn files(context: &Value) -> KnownFiles {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let files = context["files"].as_object().into_iter().flatten();
    let reference = |file: &Value| FileReference {
        upstream_id: text(&file["upstream_id"]),
        mime_type: text(&file["mime_type"]),
        filename: text(&file["filename"]),
    };
    files.map(|(id, file)| (id.clone(), reference(file))).collect()
}

/// Plays the earlier requests, each kept under the id that its answer got.
fn recalled(input: &Value, previous_response_id: Option<&str>) -> Option<StoredTurn> {
    let earlier = input.get("earlier")?.as_array()?;
    let mut kept: Vec<StoredResponse> = Vec::new();
    for turn in earlier {
        let body = turn["request"].to_string();
        let request = ResponsesRequest::parse(body.as_bytes()).unwrap();
        let previous = kept.iter().find(|kept| Some(kept.id.as_str()) == request.previous_response_id());
        let recalled = previous.cloned().map(StoredTurn::following);
        let translated = translate_with(request.clone(), &Value::Null, recalled.as_ref()).unwrap();
        let message = turn["response"].to_string();
        let answer = to_response(message.as_bytes(), &translated.context, CREATED, COMPLETED).unwrap();
        kept.push(through_the_store(&StoredResponse::new(&request, &translated, &answer)));
    }
    let (named, others): (Vec<_>, Vec<_>) =
        kept.into_iter().partition(|kept| Some(kept.id.as_str()) == previous_response_id);
    let turn = named.into_iter().next().map_or_else(StoredTurn::default, StoredTurn::following);
    Some(others.into_iter().fold(turn, StoredTurn::with_items_of))
}

/// What a store would give back.
fn through_the_store(stored: &StoredResponse) -> StoredResponse {
    serde_json::from_str(&serde_json::to_string(stored).unwrap()).unwrap()
}

/// What a client received.
#[derive(Debug, PartialEq)]
struct Received {
    bytes: Vec<u8>,
    error: Option<ApiError>,
    /// The whole Response and the content, as the gateway would keep them.
    kept: Option<(Value, Value)>,
}

/// Translates a stream that arrives in these chunks, and ends the client's as the gateway would.
fn stream<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, context: &ResponsesContext) -> Received {
    let mut stream = ResponsesStream::new(context.clone(), CREATED);
    stream.set_now(COMPLETED);
    let mut decoder = Decoder::default();
    let mut bytes = Vec::new();
    let mut failed = None;
    for chunk in chunks {
        let result: Result<(), ApiError> = decoder.push(chunk, |event| {
            let before = bytes.len();
            let flow = stream.push(event, &mut bytes);
            assert!(flow.is_ok() || bytes.len() == before, "nothing is sent with an error");
            assert_eq!(flow == Ok(Flow::Done), stream.end().is_ok());
            flow.map(|_| ())
        });
        if let Err(error) = result {
            failed = Some(error);
            break;
        }
    }
    let error = failed.or_else(|| stream.end().err());
    if let Some(error) = error.as_ref().filter(|_| stream.is_started()) {
        stream.fail(error, &mut bytes);
    }
    let json = |text: &[u8]| serde_json::from_slice(text).unwrap();
    let kept = stream.answer().map(|answer| (json(&answer.body), json(answer.content().as_bytes())));
    Received { bytes, error, kept }
}

/// The events, without the comments; their names and the order of their numbers are checked.
fn read(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut events: Vec<Value> = Vec::new();
    for event in text.split_terminator("\n\n").filter(|event| *event != ": ping") {
        let (name, data) = event.split_once('\n').expect("a name and a data line");
        let data = data.strip_prefix("data: ").expect("a data line");
        assert!(!data.contains('\n'), "{data}");
        let data: Value = serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"));
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
        assert_eq!(data["sequence_number"], json!(events.len()), "no gap: {data}");
        events.push(data);
    }
    events
}
