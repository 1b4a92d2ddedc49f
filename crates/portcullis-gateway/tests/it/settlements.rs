//! Each dispatched attempt is settled exactly once, whatever becomes of it.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use http_body_util::BodyExt;
use serde_json::Value;

use crate::stage::{Stage, text};
use crate::upstream::{Ending, MESSAGE, STREAM, Upstream, http, open_ended};

thread_local! {
    /// What this thread has logged: a test is one thread.
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The log of this test.
struct Log;

impl Log {
    /// Empties the log. One subscriber serves all tests: tracing remembers for the whole process whether anybody listens
    /// to a line, so subscribers that come and go with their tests would miss some.
    fn capture() -> Self {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let subscriber = tracing_subscriber::fmt().json().with_writer(|| ThisThread).finish();
            tracing::subscriber::set_global_default(subscriber).expect("nobody else sets one");
        });
        LINES.with_borrow_mut(Vec::clear);
        Self
    }

    /// The record of each settled attempt.
    fn records(&self) -> Vec<Value> {
        let text = String::from_utf8(LINES.with_borrow(Clone::clone)).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let records = lines.map(|line| line["fields"].clone());
        records.filter(|fields| fields["message"] == "request settled").collect()
    }

    /// Outcome, attempt, input tokens and error code of each settled attempt.
    fn settled(&self) -> Vec<(String, u64, u64, String)> {
        let records = self.records().into_iter();
        records
            .map(|fields| {
                let word = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
                let number = |name: &str| fields[name].as_u64().unwrap_or_default();
                (word("outcome"), number("request.attempt"), number("usage.input_tokens"), word("error.code"))
            })
            .collect()
    }
}

struct ThisThread;

impl Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn record(outcome: &str, attempt: u64, input_tokens: u64, code: &str) -> (String, u64, u64, String) {
    (outcome.into(), attempt, input_tokens, code.into())
}

fn half() -> &'static [u8] {
    &STREAM.as_bytes()[..STREAM.find("event: content_block_stop").unwrap()]
}

async fn stage(answers: Vec<Vec<u8>>, ending: Ending) -> (Upstream, Stage) {
    let upstream = Upstream::start(answers, ending).await;
    let stage = Stage::before(upstream.address).await;
    (upstream, stage)
}

#[tokio::test]
async fn a_whole_answer_and_a_whole_stream_are_complete() {
    let answers =
        vec![http(200, "application/json", "", MESSAGE), open_ended("text/event-stream", STREAM.as_bytes())];
    let (_upstream, stage) = stage(answers, Ending::Close).await;
    let log = Log::capture();
    text(stage.chat(false).await).await;
    text(stage.chat(true).await).await;
    text(stage.message(true).await).await;
    let complete = record("complete", 1, 9, "");
    assert_eq!(log.settled(), [complete.clone(), complete.clone(), complete]);
}

#[tokio::test]
async fn a_refusal_and_a_broken_stream_carry_their_codes_and_what_was_counted() {
    let answers = vec![
        http(
            429,
            "application/json",
            "",
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}"#,
        ),
        open_ended("text/event-stream", half()),
    ];
    let (_upstream, stage) = stage(answers, Ending::Close).await;
    let log = Log::capture();
    text(stage.chat(true).await).await;
    text(stage.message(true).await).await;
    text(stage.chat(true).await).await;
    let broken = record("broken_off", 1, 9, "upstream_stream_error");
    assert_eq!(log.settled(), [record("refused", 1, 0, "rate_limit_exceeded"), broken.clone(), broken]);
}

#[tokio::test]
async fn a_request_that_is_tried_again_has_a_record_for_each_try() {
    let expired = r#"{"message":"The security token included in the request is expired","__type":"ExpiredTokenException"}"#;
    let answers =
        vec![http(403, "application/json", "", expired), http(200, "application/json", "", MESSAGE)];
    let upstream = Upstream::start(answers, Ending::Close).await;
    let (stage, _sts) = Stage::with_role(upstream.address).await;
    let log = Log::capture();
    text(stage.chat(false).await).await;
    assert_eq!(log.settled(), [record("refused", 1, 0, "expired_credentials"), record("complete", 2, 9, "")]);
}

#[tokio::test]
async fn a_dropped_settlement_is_a_client_that_went_away() {
    let (_upstream, stage) = stage(vec![open_ended("text/event-stream", half())], Ending::Silence).await;
    let log = Log::capture();
    let mut response = stage.chat(true).await;
    response.body_mut().frame().await.unwrap().unwrap();
    drop(response);
    assert_eq!(log.settled(), [record("client_gone", 1, 9, "")]);
}

#[tokio::test]
async fn what_a_drain_ends_is_shut_down() {
    let (_upstream, stage) = stage(vec![open_ended("text/event-stream", half())], Ending::Silence).await;
    let log = Log::capture();
    let response = stage.chat(true).await;
    stage.drain_deadline.cancel();
    text(response).await;
    assert_eq!(log.settled(), [record("shut_down", 1, 9, "gateway_shutting_down")]);
}

#[tokio::test]
async fn what_was_counted_is_kept_when_a_stream_behind_a_whole_answer_breaks() {
    let (_upstream, stage) = stage(vec![open_ended("text/event-stream", half())], Ending::Close).await;
    let log = Log::capture();
    // Without `max_tokens` the upstream streams and the gateway puts the answer together.
    let body = r#"{"model":"@claude/claude-haiku-4-5","messages":[{"role":"user","content":"Hi"}]}"#;
    assert_eq!(stage.post("/v1/chat/completions", body).await.status(), 502);
    let settled = log.settled();
    assert_eq!((settled[0].0.as_str(), settled[0].2, settled.len()), ("refused", 9, 1), "{settled:?}");
}

#[tokio::test]
async fn claude_codes_place_in_its_work_is_in_the_record_and_stays_here() {
    let log = Log::capture();
    let upstream = Upstream::start(vec![http(200, "application/json", "", MESSAGE)], Ending::Close).await;
    let stage = Stage::before(upstream.address).await;
    let body =
        r#"{"model":"@claude/claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#;
    let request = axum::http::Request::post("/v1/messages?beta=true")
        // Both headers, with one value, as it sends them.
        .header("authorization", format!("Bearer {}", stage.key))
        .header("x-api-key", &stage.key)
        .header("x-claude-code-session-id", "8d3f-session")
        .header("x-claude-code-agent-id", "agent-1")
        .body(axum::body::Body::from(body));
    assert_eq!(stage.send(request.unwrap()).await.status(), 200);
    let record = log.records().pop().unwrap();
    assert_eq!(record["claude_code.session_id"], "8d3f-session");
    assert_eq!(record["claude_code.agent_id"], "agent-1");
    assert_eq!(
        (&record["route.path"], &record["route.action"]),
        (&"/v1/messages".into(), &"CreateInference".into())
    );
    assert!(!upstream.requests.lock().unwrap()[0].contains("claude-code"));
}
