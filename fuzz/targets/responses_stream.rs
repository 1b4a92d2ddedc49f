//! Streams of Messages into events of a response: cuts change nothing, and the events are numbered without a gap.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use portcullis_fuzz::{CREATED, EVENT_LIMIT, chunks, received, responses};
use portcullis_provider::responses::stream::ResponsesStream;
use portcullis_provider::sse::Decoder;
use portcullis_provider::{ApiError, Flow};
use serde_json::Value;

fn translate<'a>(parts: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Option<ApiError>) {
    let mut stream = ResponsesStream::new(responses::context(), CREATED);
    let (mut decoder, mut out, mut done) = (Decoder::new(EVENT_LIMIT), Vec::new(), false);
    let mut fault = None;
    for part in parts {
        let pushed: Result<(), ApiError> = decoder.push(part, |event| {
            // What follows the terminal event is nobody's.
            if !done {
                let before = out.len();
                let flow = stream.push(event, &mut out);
                assert!(flow.is_ok() || out.len() == before, "nothing is sent with an error");
                done = flow? == Flow::Done;
            }
            Ok(())
        });
        if !done && let Err(error) = pushed {
            fault = Some(error);
            break;
        }
    }
    let error = fault.or_else(|| stream.end().err());
    if stream.is_started()
        && let Some(error) = &error
    {
        stream.fail(error, &mut out);
    }
    (out, error)
}

/// What OpenAI's clients rely on when they put a response together.
fn check(events: &[Value], failed: bool) {
    let mut added = BTreeSet::new();
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"].as_u64(), Some(at as u64), "{event}");
        let kind = event["type"].as_str().expect("an event has a type");
        assert_eq!(at == 0, kind == "response.created", "{kind} at {at}");
        let Some(index) = event["output_index"].as_u64() else { continue };
        if kind == "response.output_item.added" {
            assert!(added.insert(index), "an item is added once");
        }
        assert!(added.contains(&index), "{kind} before its item");
    }
    if let Some(last) = events.last() {
        let kind = last["type"].as_str().expect("an event has a type");
        let ends: &[&str] =
            if failed { &["response.failed"] } else { &["response.completed", "response.incomplete"] };
        assert!(ends.contains(&kind), "{kind} is the last event");
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((seed, stream)) = chunks::seed_and_stream(data) else { return };
    let (sent, error) = translate(std::iter::once(stream));
    let in_pieces = translate(chunks::cut(seed, stream));
    assert_eq!(String::from_utf8_lossy(&sent), String::from_utf8_lossy(&in_pieces.0));
    let (events, ended) = received::events(&sent);
    assert!(!ended, "this dialect has no end mark");
    check(&events, error.is_some());
    if let Some(error) = error {
        received::check_error(&error);
    }
});
