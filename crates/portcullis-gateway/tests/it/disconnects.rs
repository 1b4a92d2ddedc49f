//! A client that goes away takes its upstream request with it.

use std::time::Duration;

use http_body_util::BodyExt;

use crate::stage::Stage;
use crate::upstream::{Ending, STREAM, Upstream, open_ended};

async fn closes(upstream: &Upstream) {
    let closed = tokio::time::timeout(Duration::from_secs(1), upstream.closed.notified()).await;
    closed.expect("the upstream's connection is closed within a second");
}

#[tokio::test]
async fn dropping_a_stream_closes_the_upstream() {
    let half = &STREAM.as_bytes()[..STREAM.find("event: content_block_stop").unwrap()];
    let upstream = Upstream::start(vec![open_ended("text/event-stream", half)], Ending::Silence).await;
    let stage = Stage::before(upstream.address).await;
    for response in [stage.chat(true).await, stage.message(true).await] {
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        drop(body);
        closes(&upstream).await;
    }
}

#[tokio::test]
async fn dropping_a_request_before_its_answer_closes_the_upstream() {
    let upstream = Upstream::start(vec![Vec::new()], Ending::Silence).await;
    let stage = Stage::before(upstream.address).await;
    let waiting = tokio::time::timeout(Duration::from_millis(200), stage.chat(false)).await;
    assert!(waiting.is_err(), "the upstream never answers");
    closes(&upstream).await;
}
