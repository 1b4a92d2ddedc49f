//! What a client sees when the upstream fails.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http_body_util::BodyExt;
use portcullis_types::{Clock, SystemClock};
use tokio::sync::Barrier;

use crate::stage::{Stage, json, text};
use crate::upstream::{Ending, MESSAGE, STREAM, Upstream, http, open_ended};

async fn streamed(bytes: &[u8], ending: Ending) -> (Upstream, Stage) {
    let upstream = Upstream::start(vec![open_ended("text/event-stream", bytes)], ending).await;
    let stage = Stage::with(upstream.address, |settings| {
        settings.stream_idle_timeout = Duration::from_millis(200);
        settings.stream_head_timeout = Duration::from_millis(400);
    })
    .await;
    (upstream, stage)
}

/// An upstream whose n-th answer is the stream cut after n bytes; the one after the last is whole.
async fn cut_everywhere() -> (Upstream, Stage) {
    let cuts = (0..=STREAM.len()).map(|cut| open_ended("text/event-stream", &STREAM.as_bytes()[..cut]));
    let upstream = Upstream::start(cuts.collect(), Ending::Close).await;
    let stage = Stage::before(upstream.address).await;
    (upstream, stage)
}

#[tokio::test]
async fn a_chat_stream_cut_after_any_byte_ends_with_an_error_or_not_at_all() {
    let (_upstream, stage) = cut_everywhere().await;
    for cut in 0..STREAM.len() {
        let response = stage.chat(true).await;
        let status = response.status().as_u16();
        let body = text(response).await;
        if status == 200 {
            let last = body.trim_end().rsplit("\n\n").next().unwrap();
            assert!(last.starts_with("data: {\"error\":"), "cut at {cut}: {last}");
            assert!(!body.contains("[DONE]"), "cut at {cut}");
        } else {
            assert_eq!(status, 502, "cut at {cut}: {body}");
        }
    }
    let whole = text(stage.chat(true).await).await;
    assert!(whole.ends_with("data: [DONE]\n\n") && !whole.contains("\"error\""), "{whole}");
}

#[tokio::test]
async fn a_message_stream_cut_after_any_byte_keeps_whole_events_and_ends_with_an_error_event() {
    let (_upstream, stage) = cut_everywhere().await;
    for cut in 0..STREAM.len() {
        let body = text(stage.message(true).await).await;
        let (events, error) =
            body.rsplit_once("event: error\n").unwrap_or_else(|| panic!("cut at {cut}: {body}"));
        assert!(STREAM.starts_with(events), "cut at {cut}: {events}");
        assert!(
            events.is_empty() || events.ends_with("\n\n"),
            "cut at {cut}: half an event was sent: {events}"
        );
        assert!(error.contains("\"type\":\"error\"") && error.ends_with("\n\n"), "cut at {cut}: {error}");
    }
    assert_eq!(text(stage.message(true).await).await, STREAM);
}

#[tokio::test]
async fn a_stream_that_goes_silent_ends_with_an_error_after_its_patience() {
    let half = &STREAM.as_bytes()[..STREAM.find("event: content_block_stop").unwrap()];
    let (_upstream, stage) = streamed(half, Ending::Silence).await;
    let chat = text(stage.chat(true).await).await;
    assert!(chat.contains("Héllo 🌍") && chat.contains("\"upstream_stream_error\""), "{chat}");
    let message = text(stage.message(true).await).await;
    assert!(message.contains("Héllo 🌍") && message.contains("event: error\n"), "{message}");
}

#[tokio::test]
async fn a_stream_that_never_begins_is_a_status_and_not_a_stream() {
    let (_upstream, stage) = streamed(b"", Ending::Silence).await;
    let response = stage.chat(true).await;
    assert_eq!(response.status(), 504);
    assert_eq!(json(response).await["error"]["code"], "upstream_timeout");
}

#[tokio::test]
async fn an_error_as_the_first_event_is_a_status() {
    let overloaded = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let (_upstream, stage) = streamed(overloaded.as_bytes(), Ending::Close).await;
    let response = stage.chat(true).await;
    assert_eq!(response.status(), 503);
    assert_eq!(json(response).await["error"]["code"], "overloaded");
}

#[tokio::test]
async fn an_event_that_never_ends_is_cut_at_the_limit() {
    let endless = ["event: message_start\ndata: ".as_bytes(), &vec![b'x'; 300_000]].concat();
    let upstream = Upstream::start(vec![open_ended("text/event-stream", &endless)], Ending::Silence).await;
    let stage = Stage::with(upstream.address, |settings| settings.max_event_bytes = 64 * 1024).await;
    assert_eq!(stage.chat(true).await.status(), 502);
    assert!(text(stage.message(true).await).await.starts_with("event: error\n"));
}

#[tokio::test]
async fn a_drain_ends_open_streams_with_an_error_event() {
    let half = &STREAM.as_bytes()[..STREAM.find("event: content_block_stop").unwrap()];
    let upstream = Upstream::start(vec![open_ended("text/event-stream", half)], Ending::Silence).await;
    let stage = Stage::before(upstream.address).await;
    let (mut chat, mut message) = (stage.chat(true).await, stage.message(true).await);
    let before = [first_frame(&mut chat).await, first_frame(&mut message).await];
    assert!(before.iter().all(|frame| frame.contains("Héllo 🌍")), "{before:?}");
    stage.drain_deadline.cancel();
    let (chat, message) = (text(chat).await, text(message).await);
    assert!(chat.starts_with("data: {\"error\":") && chat.contains("\"gateway_shutting_down\""), "{chat}");
    assert!(message.starts_with("event: error\n"), "{message}");
}

async fn first_frame(response: &mut Response) -> String {
    let frame = response.body_mut().frame().await.expect("a frame").expect("no transport error");
    String::from_utf8(frame.into_data().expect("data").to_vec()).expect("whole events are UTF-8")
}

#[tokio::test]
async fn a_whole_answer_that_is_cut_or_nonsense_is_a_bad_gateway() {
    let cut = &http(200, "application/json", "", MESSAGE);
    for answer in [
        cut[..cut.len() - 20].to_vec(),
        http(200, "text/html", "", "<html>hello</html>"),
        http(200, "application/json", "", ""),
        http(302, "text/plain", "location: http://169.254.169.254/\r\n", ""),
        b"HTTP/1.1 20".to_vec(),
    ] {
        let upstream = Upstream::start(vec![answer.clone()], Ending::Close).await;
        let stage = Stage::before(upstream.address).await;
        for response in [stage.chat(false).await, stage.message(false).await] {
            let status = response.status();
            let body = text(response).await;
            assert_eq!(status, 502, "{} → {body}", String::from_utf8_lossy(&answer));
        }
    }
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_bad_gateway() {
    let stage = Stage::before("127.0.0.1:1".parse().unwrap()).await;
    let response = stage.chat(false).await;
    assert_eq!(response.status(), 502);
    assert!(
        response.headers().contains_key("x-portkey-trace-id"),
        "Portkey's clients repeat a 5xx without it"
    );
    assert_eq!(json(response).await["error"]["code"], "upstream_unreachable");
    let response = stage.message(false).await;
    let body = json(response).await;
    assert_eq!(
        (body["type"].as_str(), body["error"]["type"].as_str()),
        (Some("error"), Some("api_error")),
        "{body}"
    );
}

#[tokio::test]
async fn a_session_that_aws_calls_expired_gets_one_more_try() {
    let expired = http(
        403,
        "application/json",
        "",
        r#"{"type":"error","error":{"type":"authentication_error","message":"The security token included in the request is expired"}}"#,
    );
    let answers = vec![expired.clone(), http(200, "application/json", "", MESSAGE)];
    let upstream = Upstream::start(answers, Ending::Close).await;
    let (stage, sts) = Stage::with_role(upstream.address).await;
    assert_eq!(stage.chat(false).await.status(), 200);
    assert_eq!((upstream.requests.lock().unwrap().len(), sts.n_sessions()), (2, 2));

    // An upstream that refuses every session gets one more try once, and then is believed.
    let upstream = Upstream::start(vec![expired.clone()], Ending::Close).await;
    let (stage, sts) = Stage::with_role(upstream.address).await;
    for _ in 0..3 {
        assert_eq!(stage.chat(false).await.status(), 502);
    }
    assert_eq!((upstream.requests.lock().unwrap().len(), sts.n_sessions()), (4, 2));

    // There is nothing newer than a long-term key.
    let upstream = Upstream::start(vec![expired], Ending::Close).await;
    let stage = Stage::before(upstream.address).await;
    assert_eq!(stage.chat(false).await.status(), 502);
    assert_eq!(upstream.requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_rejected_session_serves_again_while_sts_is_away() {
    let unknown = http(
        403,
        "application/json",
        "",
        r#"{"message":"The security token included in the request is invalid."}"#,
    );
    let fine = http(200, "application/json", "", MESSAGE);
    let upstream = Upstream::start(vec![fine.clone(), unknown, fine], Ending::Close).await;
    let (stage, sts) = Stage::with_role(upstream.address).await;
    assert_eq!(stage.chat(false).await.status(), 200);
    sts.goes_away();
    let refused = stage.chat(false).await;
    assert_eq!(refused.status(), 502);
    let said = json(refused).await["error"]["message"].as_str().unwrap().to_owned();
    assert!(said.contains("(invalid_credentials)"), "{said}");
    for _ in 0..3 {
        assert_eq!(stage.chat(false).await.status(), 200, "nobody else loses the session");
    }
    assert_eq!((upstream.requests.lock().unwrap().len(), sts.n_sessions()), (5, 2));
}

#[tokio::test]
async fn a_bare_401_costs_no_session() {
    for body in [r#"{"message":"Unauthorized"}"#, "<html>Authorization Required</html>", ""] {
        let upstream = Upstream::start(vec![http(401, "application/json", "", body)], Ending::Close).await;
        let (stage, sts) = Stage::with_role(upstream.address).await;
        for _ in 0..2 {
            assert_eq!(stage.chat(false).await.status(), 502, "{body}");
        }
        assert_eq!((upstream.requests.lock().unwrap().len(), sts.n_sessions()), (2, 1), "{body}");
    }
}

#[tokio::test]
async fn a_wrong_clock_is_set_by_the_upstreams_and_stays_so() {
    let refusal = http(403, "application/json", "date: Tue, 01 Jan 2030 00:00:00 GMT\r\n", SKEWED);
    let answers = vec![refusal, http(200, "application/json", "", MESSAGE)];
    let upstream = Upstream::start(answers, Ending::Close).await;
    let stage = Stage::before(upstream.address).await;
    for _ in 0..2 {
        assert_eq!(stage.chat(false).await.status(), 200);
    }
    let requests = upstream.requests.lock().unwrap();
    let dates = requests.iter().map(|request| request.contains("x-amz-date: 20300101T0000"));
    assert_eq!(dates.collect::<Vec<_>>(), [false, true, true], "{requests:?}");
}

const SKEWED: &str = r#"{"type":"error","error":{"type":"authentication_error","message":"Signature expired: 20200101T000000Z is now earlier than 20300101T000000Z"}}"#;

#[tokio::test]
async fn requests_that_are_refused_together_for_a_wrong_clock_are_all_tried_again() {
    const N: usize = 8;
    // Nobody is answered before all are there: each was signed before anybody could learn.
    let all_are_there = Arc::new(Barrier::new(N));
    let upstream = Upstream::judging(move |request| {
        let all_are_there = Arc::clone(&all_are_there);
        async move {
            if request.contains("x-amz-date: 20300101T0000") {
                return http(200, "application/json", "date: Tue, 01 Jan 2030 00:00:01 GMT\r\n", MESSAGE);
            }
            let _ = tokio::time::timeout(Duration::from_secs(10), all_are_there.wait()).await;
            http(403, "application/json", "date: Tue, 01 Jan 2030 00:00:00 GMT\r\n", SKEWED)
        }
    })
    .await;
    let stage = Stage::before(upstream.address).await;
    let answers = futures_util::future::join_all((0..N).map(|_| stage.chat(false))).await;
    assert_eq!(answers.iter().map(|answer| answer.status().as_u16()).collect::<Vec<_>>(), [200; N]);
    assert_eq!(upstream.requests.lock().unwrap().len(), 2 * N, "each was refused once");
}

/// One answer that is a success and says so many seconds from now.
async fn told_the_time(seconds: i64) -> i64 {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemClock.now();
    let date = httpdate::fmt_http_date(if seconds < 0 { now - distance } else { now + distance });
    let answer = http(200, "application/json", &format!("date: {date}\r\n"), MESSAGE);
    let upstream = Upstream::start(vec![answer], Ending::Close).await;
    let stage = Stage::before(upstream.address).await;
    assert_eq!(stage.chat(false).await.status(), 200);
    stage.skew.offset_seconds()
}

#[tokio::test]
async fn a_drifting_clock_is_set_by_answers_that_refuse_nothing() {
    for drift in [-240, 240] {
        let learnt = told_the_time(drift).await;
        assert!((learnt - drift).abs() <= 5, "{drift}: {learnt}");
    }
    for strange in [-3600, 400, 100_000_000] {
        assert_eq!(told_the_time(strange).await, 0, "AWS has accepted the signature");
    }
}

#[tokio::test]
async fn a_refusals_date_that_does_not_help_is_given_up() {
    let refusal = |date: &str| http(403, "application/json", &format!("date: {date}\r\n"), SKEWED);
    let wrong = refusal("Tue, 01 Jan 2030 00:00:00 GMT");
    let answers = vec![wrong.clone(), wrong.clone(), wrong, http(200, "application/json", "", MESSAGE)];
    let upstream = Upstream::start(answers, Ending::Close).await;
    let stage = Stage::before(upstream.address).await;
    assert_eq!(stage.chat(false).await.status(), 502);
    assert_eq!(stage.chat(false).await.status(), 200);
    let requests = upstream.requests.lock().unwrap();
    let by_that_date = requests.iter().map(|request| request.contains("x-amz-date: 20300101T0000"));
    assert_eq!(by_that_date.collect::<Vec<_>>(), [false, true, true, false]);
}

#[tokio::test]
async fn a_refusal_in_the_upstreams_own_dialect_passes_as_it_is() {
    let body =
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"},"request_id":"req_9"}"#;
    let answer = http(
        429,
        "application/json",
        "retry-after: 7\r\nrequest-id: req_9\r\nx-amzn-requestid: aws-9\r\nset-cookie: a=b\r\n",
        body,
    );
    let upstream = Upstream::start(vec![answer], Ending::Close).await;
    let stage = Stage::before(upstream.address).await;
    let response = stage.message(false).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(response.headers()["request-id"], "req_9");
    assert!(!response.headers().contains_key("set-cookie"));
    assert_eq!(text(response).await, body);
    let response = stage.chat(false).await;
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(json(response).await["error"]["code"], "rate_limit_exceeded");
}
