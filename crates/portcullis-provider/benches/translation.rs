//! How long a translation takes: a small request, a long conversation, a megabyte of image and one of text; and what a
//! same-dialect body takes.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use portcullis_provider::{ChatRequest, Envelope, Target};
use portcullis_types::{ModelId, TranslationOptions};
use serde_json::{Value, json};

fn small() -> Value {
    json!({
        "model": "@claude/claude-opus-4-8", "max_tokens": 1000,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the capital of France?"}],
    })
}

/// About two thousand tokens: a system prompt, tools, and a conversation that called them.
fn conversation() -> Value {
    let text = "The quick brown fox says \"hello\" and jumps over the lazy dog.\n".repeat(10);
    let properties = json!({"city": {"type": "string", "description": "A city"}, "days": {"type": "integer", "minimum": 1}});
    let parameters = json!({"type": "object", "properties": properties, "required": ["city"]});
    let tools: Vec<Value> = (0..4)
        .map(|n| json!({"type": "function", "function": {"name": format!("tool_{n}"), "description": text, "parameters": parameters}}))
        .collect();
    let mut messages = vec![json!({"role": "system", "content": text})];
    for n in 0..5 {
        let call = json!({"id": format!("call_{n}"), "type": "function", "function": {"name": "tool_1", "arguments": "{\"city\":\"Paris\",\"days\":3}"}});
        messages.push(json!({"role": "user", "content": text}));
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": [call]}));
        messages.push(json!({"role": "tool", "tool_call_id": format!("call_{n}"), "content": text}));
    }
    json!({"model": "claude-opus-4-8", "messages": messages, "tools": tools, "stream": true, "reasoning_effort": "low"})
}

fn image() -> Value {
    let data = format!("data:image/png;base64,iVBORw0KGgoA{}", "AAAA".repeat(256 * 1024));
    json!({
        "model": "claude-opus-4-8", "max_tokens": 1000,
        "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": data}}]}],
    })
}

fn text() -> Value {
    let text = "The quick brown fox says \"hello\" and jumps over the lazy dog.\n".repeat(16 * 1024);
    json!({
        "model": "claude-opus-4-8", "max_tokens": 1000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}],
    })
}

fn requests(criterion: &mut Criterion) {
    let model: ModelId = "claude-opus-4-8".parse().expect("a model id");
    let mut group = criterion.benchmark_group("chat request to messages");
    for (name, request) in
        [("small", small()), ("conversation", conversation()), ("1 MB image", image()), ("1 MB text", text())]
    {
        let body = request.to_string();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let request = ChatRequest::parse(black_box(body.as_bytes())).expect("a request");
                request
                    .into_messages(&Target::embedded(&model, TranslationOptions::default()))
                    .expect("a translation")
            });
        });
    }
    group.finish();
}

fn envelopes(criterion: &mut Criterion) {
    let model: ModelId = "claude-opus-5".parse().expect("a model id");
    let mut group = criterion.benchmark_group("messages envelope");
    for (name, request) in [("small", small()), ("1 MB image", image()), ("1 MB text", text())] {
        let body = Bytes::from(request.to_string());
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| Envelope::scan(black_box(&body)).expect("a body").splice_model(&body, &model));
        });
    }
    group.finish();
}

criterion_group!(benches, requests, envelopes);
criterion_main!(benches);
