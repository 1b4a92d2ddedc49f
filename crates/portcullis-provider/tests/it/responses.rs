//! The response side against golden files and arbitrary input.

mod continuation;
mod golden;
pub(crate) mod properties;
mod sdk;

use portcullis_provider::ResponseContext;
use portcullis_provider::chat::stream::{ChatStream, Flow};
use portcullis_provider::error::ApiError;
use portcullis_provider::sse::{self, Decoder};
use serde_json::Value;

/// 2026-01-01T00:00:00Z.
const CREATED: u64 = 1_767_225_600;

/// What a client received.
#[derive(Debug, PartialEq)]
struct Received {
    bytes: Vec<u8>,
    error: Option<ApiError>,
}

/// Translates a stream that arrives in these chunks.
fn translate<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, context: &ResponseContext) -> Received {
    let mut stream = ChatStream::new(context.clone(), CREATED);
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
    Received { bytes, error }
}

/// Events as an upstream would send them.
fn to_bytes(events: &[(String, String)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, data) in events {
        sse::encode(Some(name), data, &mut bytes);
    }
    bytes
}

/// The chunks, how many comments stood between them, and whether the end mark came last.
fn read(bytes: &[u8]) -> (Vec<Value>, usize, bool) {
    let text = std::str::from_utf8(bytes).unwrap();
    let (mut chunks, mut comments, mut done) = (Vec::new(), 0, false);
    for event in text.split_terminator("\n\n") {
        if event == ": ping" {
            comments += 1;
            continue;
        }
        assert!(!done, "something follows the end mark: {event}");
        match event.strip_prefix("data: ").expect("one data line") {
            "[DONE]" => done = true,
            data => chunks.push(serde_json::from_str(data).unwrap_or_else(|e| panic!("{e}: {data}"))),
        }
    }
    (chunks, comments, done)
}
