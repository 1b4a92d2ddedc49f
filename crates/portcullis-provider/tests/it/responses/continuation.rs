//! A turn that the upstream pauses goes on in the same answer.

use portcullis_provider::anthropic::accumulator::MessageAccumulator;
use portcullis_provider::chat::response::to_completion;
use portcullis_provider::chat::stream::{ChatStream, Flow};
use portcullis_provider::error::ApiError;
use portcullis_provider::sse::Decoder;
use portcullis_provider::{ResponseContext, Usage};
use portcullis_types::Compliance;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::properties::{accumulate_python, aggregate, block, context, expected_by_python, stream_of};
use super::sdk::check_chunks;
use super::{CREATED, read, to_bytes};

const SENT: &str = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#;

/// A message as the upstream sends it.
fn message(id: &str, content: &Value, stop_reason: &str, input: u64) -> Value {
    json!({
        "id": id, "type": "message", "role": "assistant", "model": "claude-opus-5-5", "content": content,
        "stop_reason": stop_reason, "stop_sequence": null, "stop_details": null,
        "usage": {"input_tokens": input, "cache_read_input_tokens": 1, "output_tokens": 5},
    })
}

fn searching() -> Value {
    json!([
        {"type": "text", "text": "Let me see. "},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}},
    ])
}

fn found() -> Value {
    json!([
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
        {"type": "text", "text": "Found."},
        {"type": "tool_use", "id": "t1", "name": "get", "input": {"a": 1}},
    ])
}

/// The parts of one answer, each a stream of its own, and the bodies that were sent for those after the first.
fn splice(parts: &[Value], context: &ResponseContext, size: usize) -> (Vec<u8>, ChatStream, Vec<Value>) {
    let mut stream = ChatStream::new(context.clone(), CREATED).with_continuations(5);
    let (mut out, mut sent) = (Vec::new(), Vec::new());
    for (index, part) in parts.iter().enumerate() {
        let mut flow = Flow::Continue;
        let mut decoder = Decoder::default();
        for chunk in to_bytes(&stream_of(part, size)).chunks(7) {
            let pushed: Result<(), ApiError> = decoder.push(chunk, |event| {
                flow = stream.push(event, &mut out)?;
                Ok(())
            });
            pushed.unwrap();
        }
        if index + 1 < parts.len() {
            assert!(flow == Flow::Paused && stream.end().is_err());
            let next = stream.paused().expect("the turn is paused").next_body(SENT.as_bytes());
            sent.push(serde_json::from_slice(&next).unwrap());
            stream.resume();
            assert!(stream.paused().is_none() && stream.end().is_err() && stream.is_started());
        } else {
            assert!(flow == Flow::Done && stream.end().is_ok());
        }
    }
    (out, stream, sent)
}

/// The same parts, put together for a client that does not stream: every other one comes whole.
fn accumulate(parts: &[Value]) -> (Vec<u8>, Usage) {
    let mut accumulator = MessageAccumulator::new().with_continuations(5);
    for (index, part) in parts.iter().enumerate() {
        let flow = if index % 2 == 0 {
            accumulator.push_message(part.to_string().as_bytes()).unwrap()
        } else {
            let mut flow = Flow::Continue;
            let pushed: Result<(), ApiError> =
                Decoder::default().push(&to_bytes(&stream_of(part, 3)), |event| {
                    flow = accumulator.push(event)?;
                    Ok(())
                });
            pushed.map(|()| flow).unwrap()
        };
        assert_eq!(flow, if index + 1 < parts.len() { Flow::Paused } else { Flow::Done });
        accumulator.resume();
    }
    let usage = accumulator.usage().clone();
    (accumulator.finish().unwrap(), usage)
}

#[test]
fn the_client_sees_one_answer_and_the_upstream_its_own_turn() {
    let parts =
        [message("msg_1", &searching(), "pause_turn", 10), message("msg_2", &found(), "tool_use", 30)];
    let context = ResponseContext { include_usage: true, ..ResponseContext::default() };
    let (out, stream, sent) = splice(&parts, &context, 4);
    assert_eq!(
        sent,
        [json!({"model": "m", "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hi"}]}, {"role": "assistant", "content": searching()},
        ]})]
    );
    let (chunks, _, done) = read(&out);
    assert!(done && chunks.iter().all(|chunk| chunk["id"] == "msg_1"));
    check_chunks(&chunks, false, true);
    let (choice, usage) = aggregate(&chunks, accumulate_python);
    let blocks: Vec<Value> =
        [searching(), found()].iter().flat_map(|part| part.as_array().unwrap().clone()).collect();
    assert_eq!(choice["message"]["content"], "Let me see. Found.");
    assert_eq!(choice["message"]["content_blocks"], json!(blocks));
    assert_eq!(
        (&choice["finish_reason"], &choice["native_finish_reason"]),
        (&json!("tool_calls"), &json!("tool_use"))
    );
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(42), &json!(10)));
    assert_eq!(usage["native"], json!({"segments": [parts[0]["usage"], parts[1]["usage"]]}));
    // The gateway keeps a record of each call.
    assert_eq!((stream.usage().input_tokens, stream.stop_reason()), (30, Some("tool_use")));
}

#[test]
fn a_turn_may_pause_as_often_as_was_said_and_no_more() {
    let pause = message("msg_1", &searching(), "pause_turn", 1);
    let events = to_bytes(&stream_of(&pause, 4));
    let mut stream = ChatStream::new(ResponseContext::default(), CREATED).with_continuations(2);
    let mut accumulator = MessageAccumulator::new().with_continuations(2);
    let mut out = Vec::new();
    for expected in [Flow::Paused, Flow::Paused, Flow::Done] {
        let mut flow = Flow::Continue;
        let pushed: Result<(), ApiError> = Decoder::default().push(&events, |event| {
            flow = stream.push(event, &mut out)?;
            assert_eq!(accumulator.push(event)?, flow);
            Ok(())
        });
        assert_eq!(pushed.map(|()| flow), Ok(expected));
        stream.resume();
        accumulator.resume();
    }
    let (chunks, _, done) = read(&out);
    assert!(done && stream.end().is_ok() && stream.paused().is_none());
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "length");
    let completion =
        to_completion(&accumulator.finish().unwrap(), &ResponseContext::default(), CREATED).unwrap();
    assert_eq!(completion.stop_reason.as_deref(), Some("pause_turn"));
}

#[test]
fn an_answer_that_is_not_continued_ends_where_it_paused() {
    let events = to_bytes(&stream_of(&message("msg_1", &searching(), "pause_turn", 1), 4));
    let context = ResponseContext { include_usage: true, ..ResponseContext::default() };
    let run = |continuations: u8| {
        let mut stream = ChatStream::new(context.clone(), CREATED).with_continuations(continuations);
        let mut out = Vec::new();
        let pushed: Result<(), ApiError> =
            Decoder::default().push(&events, |event| stream.push(event, &mut out).map(|_| ()));
        pushed.unwrap();
        (stream, out)
    };
    let (mut stream, mut given_up) = run(1);
    stream.give_up(&mut given_up);
    assert!(stream.end().is_ok());
    let length = given_up.len();
    stream.give_up(&mut given_up);
    assert_eq!((given_up.len(), String::from_utf8(given_up)), (length, String::from_utf8(run(0).1)));
}

#[test]
fn what_goes_on_without_being_asked_is_corrupted() {
    let pause = to_bytes(&stream_of(&message("msg_1", &searching(), "pause_turn", 1), 4));
    let mut stream = ChatStream::new(ResponseContext::default(), CREATED).with_continuations(1);
    let push = |stream: &mut ChatStream, bytes: &[u8]| -> Result<(), ApiError> {
        Decoder::default().push(bytes, |event| stream.push(event, &mut Vec::new()).map(|_| ()))
    };
    push(&mut stream, &pause).unwrap();
    stream.resume();
    // A block before the second message has begun.
    let early = to_bytes(&[(
        "content_block_stop".to_owned(),
        json!({"type": "content_block_stop", "index": 0}).to_string(),
    )]);
    assert_eq!(push(&mut stream, &early).unwrap_err().code.as_deref(), Some("upstream_stream_error"));
    assert!(stream.paused().is_none() && stream.end().is_err());
}

/// Parts of one answer: all but the last are paused.
fn parts() -> impl Strategy<Value = Vec<Value>> {
    let content = proptest::collection::vec(block(), 0..4).prop_map(Value::Array);
    proptest::collection::vec((content, 0u64..100), 1..4).prop_map(|parts| {
        let last = parts.len() - 1;
        let reason = |index| if index < last { "pause_turn" } else { "end_turn" };
        let parts = parts.into_iter().enumerate();
        parts
            .map(|(index, (content, input))| message(&format!("msg_{index}"), &content, reason(index), input))
            .collect()
    })
}

proptest! {
    #[test]
    fn a_spliced_stream_ends_as_the_spliced_answer(parts in parts(), context in context(), size in 1usize..8) {
        let (whole, last) = accumulate(&parts);
        let completion = to_completion(&whole, &context, CREATED).unwrap();
        let (out, stream, sent) = splice(&parts, &context, size);
        let (chunks, _, done) = read(&out);
        prop_assert!(done);
        check_chunks(&chunks, context.compliance == Compliance::Strict, context.include_usage);
        let (python, usage) = aggregate(&chunks, accumulate_python);
        let completion: Value = serde_json::from_slice(&completion.body).unwrap();
        prop_assert_eq!(expected_by_python(python), completion["choices"][0].clone());
        if context.include_usage {
            prop_assert_eq!(&usage, &completion["usage"]);
        }
        prop_assert_eq!(stream.usage(), &last);
        let inputs = parts.iter().map(|part| part["usage"]["input_tokens"].as_u64().unwrap() + 1);
        prop_assert_eq!(completion["usage"]["prompt_tokens"].as_u64().unwrap(), inputs.sum::<u64>());
        // What is sent at the end holds all that came, block for block.
        if let Some(sent) = sent.last() {
            let before = parts[..parts.len() - 1].iter().flat_map(|part| part["content"].as_array().unwrap().clone());
            prop_assert_eq!(&sent["messages"][1]["content"], &Value::from_iter(before));
        }
    }
}
