//! HTTP/2 without TLS, by prior knowledge.

use std::net::SocketAddr;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::stage::{Stage, question};

type Sender = http2::SendRequest<Full<Bytes>>;

async fn connect(address: SocketAddr) -> (Sender, tokio::task::JoinHandle<hyper::Result<()>>) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    (sender, tokio::spawn(connection))
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("http://gateway{path}")).body(Full::default()).unwrap()
}

fn chat(stage: &Stage, text: &str, stream: bool) -> Request<Full<Bytes>> {
    Request::post("http://gateway/v1/chat/completions")
        .header("authorization", format!("Bearer {}", stage.key))
        .header("content-type", "application/json")
        .body(question(text, stream).to_string().into())
        .unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    let body = timeout(Duration::from_secs(20), response.into_body().collect()).await.expect("it ends");
    String::from_utf8(body.unwrap().to_bytes().to_vec()).unwrap()
}

/// One streamed chat completion, whole.
pub(crate) fn ask_once(stage: &Stage, prompt: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut sender, _connection) = connect(stage.gateway.address).await;
        let answer = sender.send_request(chat(stage, prompt, true)).await.unwrap();
        assert!(text(answer).await.ends_with("data: [DONE]\n\n"));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_share_a_connection_and_a_stalled_one_holds_up_no_other() {
    let stage = Stage::new(&[]);
    let (mut sender, _connection) = connect(stage.gateway.address).await;
    let stalled = sender.send_request(chat(&stage, "[[emulator:stall_mid_stream]]", true)).await.unwrap();
    let asked: Vec<_> = (0..20).map(|_| sender.send_request(chat(&stage, "Hello", true))).collect();
    for response in asked {
        assert!(text(response.await.unwrap()).await.ends_with("data: [DONE]\n\n"));
    }
    drop(stalled);
    let upstream = || (stage.closed_early() == 1).then_some(());
    crate::process::eventually("the cancelled stream's upstream is closed", upstream);
    assert_eq!(sender.send_request(get("/livez")).await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_refused() {
    let stage = Stage::new(&[]);
    let (mut sender, _connection) = connect(stage.gateway.address).await;
    let mut request = get("/livez");
    for number in 0..10 {
        let name = http::HeaderName::try_from(format!("x-long-{number}")).unwrap();
        request.headers_mut().insert(name, "a".repeat(7000).parse().unwrap());
    }
    let answer = sender.send_request(request).await;
    assert!(answer.as_ref().is_err() || answer.is_ok_and(|answer| answer.status() == 431));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_finishes_while_the_gateway_drains() {
    let mut stage = Stage::new(&[]);
    let (mut sender, connection) = connect(stage.gateway.address).await;
    let request = chat(&stage, "[[emulator:slow=100]] Please answer at some length", true);
    let stream = sender.send_request(request).await.unwrap();
    stage.gateway.terminate();
    assert!(text(stream).await.ends_with("data: [DONE]\n\n"));
    drop(sender);
    timeout(Duration::from_secs(10), connection).await.expect("the connection ends").unwrap().unwrap();
    assert_eq!(stage.gateway.ended().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_of_one_stream_does_not_hold_its_upstream() {
    let stage = Stage::new(&[("PORTCULLIS_WRITE_STALL_TIMEOUT_S", "1")]);
    let (mut sender, _connection) = connect(stage.gateway.address).await;
    // The client's window is full after some of this, and nothing of it is ever read.
    let request = chat(&stage, "[[emulator:long=100000]]", true);
    let unread = sender.send_request(request).await.unwrap();
    let upstream = || (stage.closed_early() == 1).then_some(());
    crate::process::eventually("its upstream is closed", upstream);
    assert_eq!(sender.send_request(get("/livez")).await.unwrap().status(), 200, "the connection lives on");
    let end = timeout(Duration::from_secs(20), unread.into_body().collect()).await.expect("it ends");
    assert!(end.is_err(), "a stream that was cut is no whole one");
}
