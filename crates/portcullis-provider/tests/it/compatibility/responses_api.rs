//! Rows about the Responses API.

use std::collections::BTreeSet;

use portcullis_provider::compatibility::{
    Emitted, EventRow, Outcome, RESPONSES_ITEMS, RESPONSES_OUTPUT, RESPONSES_PARAMETERS, RESPONSES_STREAM,
    RequestRow,
};
use portcullis_provider::error::ApiError;
use portcullis_provider::responses::context::ResponsesContext;
use portcullis_provider::responses::request::{ResponsesRequest, TranslatedResponses};
use portcullis_provider::responses::response::to_response;
use portcullis_provider::responses::stored::{StoredResponse, StoredTurn};
use portcullis_provider::responses::stream::ResponsesStream;
use portcullis_provider::sse::{self, Decoder};
use portcullis_provider::{InvalidRequest, KnownFiles, Target, openai};
use portcullis_types::TranslationOptions;

use super::requests::{Sent, check, files, judge, options};
use super::{MESSAGE, text, with};

const BASE: &str = r#"{"model":"claude-opus-4-8","max_output_tokens":1000,"input":"hi"}"#;
/// A response that is kept: `resp_kept`, with a web search `ws_srvtoolu_kept`.
const KEPT: &str = r#""id":"msg_kept","content":[{"type":"server_tool_use","id":"srvtoolu_kept","name":"web_search","input":{"query":"q"}},{"type":"web_search_tool_result","tool_use_id":"srvtoolu_kept","content":[]},{"type":"text","text":"kept"}]"#;

impl From<TranslatedResponses> for Sent {
    fn from(translated: TranslatedResponses) -> Self {
        Self::new(translated.body, &translated.warnings, translated.betas)
    }
}

fn request(row: &RequestRow, members: &str) -> String {
    let base = with(BASE, &format!(r#""model":"{}""#, row.model));
    text(with(&text(base), members))
}

fn kept() -> StoredResponse {
    let files = KnownFiles::default();
    let request = ResponsesRequest::parse(BASE.as_bytes()).unwrap();
    let model = request.model().parse().unwrap();
    let target = Target { files: &files, ..Target::embedded(&model, TranslationOptions::default()) };
    let translated = request.to_messages(&target, None).unwrap();
    let message = text(with(MESSAGE, KEPT));
    let answer = to_response(message.as_bytes(), &translated.context, 0, 0).unwrap();
    StoredResponse::new(&request, &translated, &answer)
}

fn recalled(previous: Option<&str>) -> Option<StoredTurn> {
    match previous {
        Some("resp_kept") => Some(StoredTurn::following(kept())),
        Some(_) => None,
        None => Some(StoredTurn::default().with_items_of(kept())),
    }
}

fn translated(
    body: &str,
    model: &str,
    options: TranslationOptions,
) -> Result<TranslatedResponses, InvalidRequest> {
    let (model, files) = (model.parse().unwrap(), files());
    let target = Target { files: &files, ..Target::embedded(&model, options) };
    let request = ResponsesRequest::parse(body.as_bytes())?;
    request.to_messages(&target, recalled(request.previous_response_id()).as_ref())
}

fn fault(row: &RequestRow) -> Option<String> {
    let (given, plain) = (request(row, row.given), request(row, ""));
    let translate = |body: &str| translated(body, row.model, options(row)).map(Sent::from);
    judge(row.outcome, &given, translate(&given), || translate(&plain).unwrap())
}

#[test]
fn every_row_about_a_responses_request_is_what_the_translator_does() {
    check([RESPONSES_PARAMETERS, RESPONSES_ITEMS].into_iter().flatten(), fault);
}

#[test]
fn every_parameter_of_a_responses_request_has_a_row() {
    let rows: BTreeSet<&str> =
        RESPONSES_PARAMETERS.iter().filter_map(|row| row.field.split(['.', '[']).next()).collect();
    let missing: Vec<&&str> =
        openai::RESPONSES_PARAMETERS.iter().filter(|name| !rows.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?} have no row in `compatibility`");
}

#[test]
fn every_row_refuses_with_the_code_that_openai_has() {
    let rows = RESPONSES_PARAMETERS.iter().chain(RESPONSES_ITEMS);
    for row in rows.filter(|row| matches!(row.outcome, Outcome::Refused(..))) {
        let error = translated(&request(row, row.given), row.model, options(row)).err().map(ApiError::from);
        assert_eq!(error.map(|error| error.status), Some(400), "{} {}", row.field, row.when);
    }
}

fn context(asked: &str) -> ResponsesContext {
    let body = text(with(BASE, asked));
    translated(&body, "claude-opus-4-8", TranslationOptions::default()).unwrap().context
}

#[test]
fn every_row_about_a_response_is_what_the_translator_does() {
    for row in RESPONSES_OUTPUT {
        let message = text(with(MESSAGE, row.given));
        let answer = to_response(message.as_bytes(), &context(row.asked), 0, 0).unwrap();
        let body = String::from_utf8(answer.body).unwrap();
        assert!(body.contains(row.holds), "{} ({}): {}\n{body}", row.upstream, row.when, row.holds);
    }
}

/// What the last event of a row brings.
fn last(row: &EventRow) -> Result<String, ApiError> {
    let message = text(with(MESSAGE, r#""content":[],"stop_reason":null"#));
    let start = format!(r#"{{"type":"message_start","message":{message}}}"#);
    let mut stream = ResponsesStream::new(context(row.asked), 0);
    let mut decoder = Decoder::default();
    let mut out = Vec::new();
    for data in std::iter::once(start.as_str()).chain(row.given.iter().copied()) {
        out.clear();
        let event: serde_json::Value = serde_json::from_str(data).unwrap();
        let mut bytes = Vec::new();
        sse::encode(event["type"].as_str(), data, &mut bytes);
        decoder.push(&bytes, |event| stream.push(event, &mut out).map(|_| ()))?;
    }
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn every_row_about_a_response_s_stream_is_what_the_translator_does() {
    for row in RESPONSES_STREAM {
        let sent = last(row);
        let right = match (&sent, row.emitted) {
            (Ok(sent), Emitted::Sends(piece)) => sent.contains(piece),
            (Ok(sent), Emitted::Nothing) => sent.is_empty(),
            (Err(error), Emitted::Fails(code)) => error.code.as_deref() == Some(code),
            _ => false,
        };
        assert!(right, "{} ({}): {:?}\n{sent:?}", row.event, row.when, row.emitted);
    }
}
