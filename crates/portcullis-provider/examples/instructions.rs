//! Does one thing many times, for an instruction counter: `instructions CASE N`.
//!
//! The difference between two runs with different N, over the difference of the Ns, is what one costs:
//! start-up and the making of the input fall out. `cargo xtask instructions` does that under callgrind for every case.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool that talks to a terminal")]

use std::hint::black_box;
use std::process::ExitCode;

use bytes::Bytes;
use portcullis_provider::anthropic::tap::MessagesTap;
use portcullis_provider::chat::response::to_completion;
use portcullis_provider::chat::stream::ChatStream;
use portcullis_provider::error::ApiError;
use portcullis_provider::sse::Decoder;
use portcullis_provider::{ChatRequest, Envelope, ResponseContext, Target};
use portcullis_types::{ModelId, TranslationOptions};
use serde_json::{Value, json};

/// Does something so many times.
type Run = fn(usize);

/// The cases.
const CASES: &[(&str, Run)] = &[
    ("chat request, one message", |n| translate(&small(), n)),
    ("chat request, conversation with tools", |n| translate(&conversation(), n)),
    ("chat answer, whole", answers),
    ("chat stream, one text delta", deltas),
    ("messages stream, one text delta passed through", passed),
    ("messages request, model spliced", splices),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [case, n] = arguments.as_slice() else {
        CASES.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let known = CASES.iter().find(|(name, _)| name == case);
    let (Some((_, run)), Ok(n)) = (known, n.parse()) else {
        eprintln!("usage: instructions CASE N; without arguments the cases are listed");
        return ExitCode::FAILURE;
    };
    run(n);
    ExitCode::SUCCESS
}

fn small() -> Value {
    json!({
        "model": "@claude/claude-opus-4-8", "max_tokens": 1000,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the capital of France?"}],
    })
}

/// About two thousand tokens: a system prompt, tools, and a conversation that called them.
fn conversation() -> Value {
    let text = "The quick brown fox says \"hello\" and jumps over the lazy dog.\n".repeat(10);
    let parameters =
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let tool = |n| json!({"type": "function", "function": {"name": format!("tool_{n}"), "description": text, "parameters": parameters}});
    let mut messages = vec![json!({"role": "system", "content": text})];
    for n in 0..5 {
        let function = json!({"name": "tool_1", "arguments": "{\"city\":\"Paris\"}"});
        let call = json!({"id": format!("call_{n}"), "type": "function", "function": function});
        messages.push(json!({"role": "user", "content": text}));
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": [call]}));
        messages.push(json!({"role": "tool", "tool_call_id": format!("call_{n}"), "content": text}));
    }
    let tools: Vec<Value> = (0..4).map(tool).collect();
    json!({"model": "claude-opus-4-8", "messages": messages, "tools": tools, "stream": true, "reasoning_effort": "low"})
}

fn translate(request: &Value, n: usize) {
    let model: ModelId = "claude-opus-4-8".parse().expect("a model id");
    let body = request.to_string();
    for _ in 0..n {
        let request = ChatRequest::parse(black_box(body.as_bytes())).expect("a request");
        let target = Target::embedded(&model, TranslationOptions::default());
        black_box(request.into_messages(&target).expect("a translation"));
    }
}

fn answers(n: usize) {
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-8",
        "content": [{"type": "text", "text": "The capital of France is Paris, and has been for a long time."}],
        "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 12, "output_tokens": 15},
    });
    let message = message.to_string();
    let context = ResponseContext::default();
    for _ in 0..n {
        black_box(to_completion(black_box(message.as_bytes()), &context, 1_790_000_000).expect("an answer"));
    }
}

const START: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",",
    "\"role\":\"assistant\",\"model\":\"claude-opus-4-8\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,",
    "\"usage\":{\"input_tokens\":12,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,",
    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
);
const DELTA: &[u8] = concat!(
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,",
    "\"delta\":{\"type\":\"text_delta\",\"text\":\" and a few words\"}}\n\n",
)
.as_bytes();

fn deltas(n: usize) {
    let context = ResponseContext { client_streams: true, ..ResponseContext::default() };
    let (mut decoder, mut chat) = (Decoder::default(), ChatStream::new(context, 1_790_000_000));
    let mut out = Vec::with_capacity(1 << 16);
    for piece in std::iter::once(START.as_bytes()).chain(std::iter::repeat_n(DELTA, n)) {
        out.clear();
        let pushed: Result<(), ApiError> =
            decoder.push(black_box(piece), |event| chat.push(event, &mut out).map(drop));
        pushed.expect("the stream is whole");
        black_box(&out);
    }
}

fn passed(n: usize) {
    let mut tap = MessagesTap::new();
    for piece in std::iter::once(START.as_bytes()).chain(std::iter::repeat_n(DELTA, n)) {
        tap.push(black_box(piece));
    }
    black_box(tap.usage());
}

fn splices(n: usize) {
    let model: ModelId = "claude-opus-5".parse().expect("a model id");
    let body = Bytes::from(conversation().to_string());
    for _ in 0..n {
        black_box(Envelope::scan(black_box(&body)).expect("a body").splice_model(&body, &model));
    }
}
