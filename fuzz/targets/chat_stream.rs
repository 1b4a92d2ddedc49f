//! Streams of Messages into chunks of a chat completion: cuts change nothing, and an error is the last word.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_fuzz::{CREATED, EVENT_LIMIT, chunks, received};
use portcullis_provider::chat::stream::{ChatStream, Flow};
use portcullis_provider::sse::Decoder;
use portcullis_provider::{ApiError, ResponseContext};

fn translate<'a>(parts: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Option<ApiError>) {
    let context = ResponseContext { include_usage: true, client_streams: true, ..ResponseContext::default() };
    let (mut decoder, mut stream) = (Decoder::new(EVENT_LIMIT), ChatStream::new(context, CREATED));
    let (mut out, mut done) = (Vec::new(), false);
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
            return (out, Some(error));
        }
    }
    (out, stream.end().err())
}

fuzz_target!(|data: &[u8]| {
    let Some((seed, stream)) = chunks::seed_and_stream(data) else { return };
    let (sent, error) = translate(std::iter::once(stream));
    let in_pieces = translate(chunks::cut(seed, stream));
    assert_eq!(String::from_utf8_lossy(&sent), String::from_utf8_lossy(&in_pieces.0));
    assert_eq!(error.is_some(), in_pieces.1.is_some());

    let (chunks, ended) = received::events(&sent);
    assert_eq!(ended, error.is_none(), "a stream has the end mark if, and only if, it ends well");
    let deltas = chunks.iter().filter_map(|chunk| chunk["choices"].get(0)).map(|choice| &choice["delta"]);
    let calls = deltas.filter_map(|delta| delta["tool_calls"].as_array()).flatten();
    let mut begun = 0;
    for call in calls {
        let index = call["index"].as_u64().expect("a call has an index");
        if call.get("id").is_some() {
            assert_eq!(index, begun, "calls are counted from 0 without gaps");
            begun += 1;
        }
        assert!(index < begun, "a call begins with its name");
    }
    if let Some(error) = error {
        received::check_error(&error);
    }
});
