//! How long an answer takes on its way back: a stream of 40 events, a long one, and a whole message.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use portcullis_provider::ResponseContext;
use portcullis_provider::anthropic::tap::MessagesTap;
use portcullis_provider::chat::response::to_completion;
use portcullis_provider::chat::stream::ChatStream;
use portcullis_provider::error::ApiError;
use portcullis_provider::sse::{self, Decoder};

const MESSAGE: &str = r#"{"id":"msg_01","type":"message","role":"assistant","model":"claude-opus-5-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1,"service_tier":"standard"}}"#;

/// A text answer in this many deltas, each event a chunk of its own, as a network delivers a live stream.
fn stream(deltas: usize) -> Vec<Vec<u8>> {
    let event = |name: &str, data: &str| {
        let mut bytes = Vec::new();
        sse::encode(Some(name), data, &mut bytes);
        bytes
    };
    let start = format!(r#"{{"type":"message_start","message":{MESSAGE}}}"#);
    let block = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
    let delta = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" quick brown \"fox\" jumps"}}"#;
    let end = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":42}}"#;
    let mut chunks = vec![event("message_start", &start), event("content_block_start", block)];
    chunks.extend((0..deltas).map(|_| event("content_block_delta", delta)));
    chunks.push(event("content_block_stop", r#"{"type":"content_block_stop","index":0}"#));
    chunks.push(event("message_delta", end));
    chunks.push(event("message_stop", r#"{"type":"message_stop"}"#));
    chunks
}

fn translate(chunks: &[Vec<u8>]) -> usize {
    let mut stream = ChatStream::new(ResponseContext { include_usage: true, ..Default::default() }, 1);
    let mut decoder = Decoder::default();
    let (mut out, mut sent) = (Vec::with_capacity(512), 0);
    for chunk in chunks {
        let result: Result<(), ApiError> =
            decoder.push(chunk, |event| stream.push(event, &mut out).map(|_| ()));
        result.expect("the stream is whole");
        sent += out.len();
        out.clear();
    }
    sent
}

fn watch(chunks: &[Vec<u8>]) -> u64 {
    let mut tap = MessagesTap::new();
    chunks.iter().for_each(|chunk| tap.push(chunk));
    assert!(tap.saw_end());
    tap.usage().output_tokens
}

fn streams(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stream");
    for events in [40, 2000] {
        let chunks = stream(events - 5);
        group.throughput(Throughput::Elements(events as u64));
        group.bench_function(format!("translate {events} events"), |b| {
            b.iter(|| translate(black_box(&chunks)))
        });
        group.bench_function(format!("watch {events} events"), |b| b.iter(|| watch(black_box(&chunks))));
    }
    group.finish();
}

fn whole(criterion: &mut Criterion) {
    let context = ResponseContext::default();
    for (name, text) in [("small", "Hello there.".to_owned()), ("32 kB", "quick \"brown\" fox ".repeat(1820))]
    {
        let content = serde_json::json!([{"type": "text", "text": text}]).to_string();
        let message = MESSAGE.replace(r#""content":[]"#, &format!(r#""content":{content}"#));
        criterion.bench_function(&format!("whole message, {name}"), |b| {
            b.iter(|| to_completion(black_box(message.as_bytes()), &context, 1).expect("it is a message"));
        });
    }
}

criterion_group!(benches, streams, whole);
criterion_main!(benches);
