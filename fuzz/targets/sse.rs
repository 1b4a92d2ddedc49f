//! The event-stream codec: cuts change nothing, and what is encoded is decoded again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_fuzz::{EVENT_LIMIT, chunks};
use portcullis_provider::sse::{DEFAULT_EVENT_LIMIT, Decoder, SseError, encode};

#[derive(Debug, PartialEq)]
struct Owned {
    name: Option<String>,
    data: String,
    id: String,
}

fn decode<'a>(limit: usize, parts: impl Iterator<Item = &'a [u8]>) -> (Vec<Owned>, Result<(), SseError>) {
    let mut decoder = Decoder::new(limit);
    let mut events = Vec::new();
    for part in parts {
        let decoded: Result<(), SseError> = decoder.push(part, |event| {
            let (name, id) = (event.name.map(str::to_owned), event.id.to_owned());
            events.push(Owned { name, data: event.data.clone().into_owned(), id });
            Ok(())
        });
        if decoded.is_err() {
            return (events, decoded);
        }
    }
    (events, decoder.finish())
}

fuzz_target!(|data: &[u8]| {
    let Some((seed, stream)) = chunks::seed_and_stream(data) else { return };
    let (events, ended) = decode(EVENT_LIMIT, std::iter::once(stream));
    let in_pieces = decode(EVENT_LIMIT, chunks::cut(seed, stream));
    assert_eq!((&events, &ended), (&in_pieces.0, &in_pieces.1));
    let mut encoded = Vec::new();
    for event in &events {
        encode(event.name.as_deref(), &event.data, &mut encoded);
    }
    // What was no UTF-8 has become longer.
    let (again, ended) = decode(DEFAULT_EVENT_LIMIT, std::iter::once(encoded.as_slice()));
    assert_eq!(ended, Ok(()));
    let content = |events: &[Owned]| -> Vec<(Option<String>, String)> {
        events.iter().map(|event| (event.name.clone(), event.data.clone())).collect()
    };
    assert_eq!(content(&events), content(&again));
});
