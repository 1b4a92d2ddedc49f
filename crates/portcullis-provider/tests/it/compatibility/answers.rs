//! Rows about answers and streams in OpenAI's dialect.

use portcullis_provider::chat::response::to_completion;
use portcullis_provider::chat::stream::ChatStream;
use portcullis_provider::compatibility::{
    AnswerRow, CHAT_RESPONSE, CHAT_STREAM, COMPLIANCES, Emitted, EventRow, Shown,
};
use portcullis_provider::error::ApiError;
use portcullis_provider::sse::{self, Decoder};
use portcullis_provider::{ChatRequest, ResponseContext, Target};
use portcullis_types::{Compliance, TranslationOptions};

use super::{MESSAGE, text, with};

const REQUEST: &str =
    r#"{"model":"claude-opus-4-8","max_tokens":1000,"messages":[{"role":"user","content":"hi"}]}"#;

fn context(asked: &str, compliance: Compliance) -> ResponseContext {
    let request = text(with(REQUEST, asked));
    let request = ChatRequest::parse(request.as_bytes()).unwrap();
    let model = request.model().parse().unwrap();
    let options = TranslationOptions { compliance, ..TranslationOptions::default() };
    request.into_messages(&Target::embedded(&model, options)).unwrap().context
}

fn answers(row: &AnswerRow) -> [String; 3] {
    COMPLIANCES.map(|compliance| {
        let message = text(with(MESSAGE, row.given));
        let completion = to_completion(message.as_bytes(), &context(row.asked, compliance), 0).unwrap();
        String::from_utf8(completion.body).unwrap()
    })
}

#[test]
fn every_row_about_an_answer_is_what_the_translator_does() {
    for row in CHAT_RESPONSE {
        let answers = answers(row);
        let (piece, expect) = match row.shown {
            Shown::Map(piece) => (piece, [true, true, true]),
            Shown::Extension(piece) => (piece, [false, true, true]),
            Shown::Asked(piece) => (piece, [false, false, true]),
            Shown::Nowhere(piece) => (piece, [false, false, false]),
        };
        let seen = answers.each_ref().map(|answer| answer.contains(piece));
        assert_eq!(seen, expect, "{} ({}): {piece}\n{}", row.upstream, row.when, answers[1]);
    }
}

/// What the last event of a row brings.
fn last(row: &EventRow) -> Result<String, ApiError> {
    let start = format!(
        r#"{{"type":"message_start","message":{}}}"#,
        text(with(MESSAGE, r#""content":[],"stop_reason":null"#))
    );
    let mut stream = ChatStream::new(context(row.asked, Compliance::Extended), 0);
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
fn every_row_about_a_stream_is_what_the_translator_does() {
    for row in CHAT_STREAM {
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
