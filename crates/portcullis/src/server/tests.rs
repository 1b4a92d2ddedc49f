//! A server on a real socket, with handlers that do what ours never should.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use portcullis_gateway::BodyAccount;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{Server, ServerLimits, Shutdown};

/// A server in this process.
struct Running {
    address: SocketAddr,
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

impl Running {
    async fn new(router: Router, limits: ServerLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::default();
        let task = tokio::spawn(Server { listener, router, limits, shutdown: shutdown.clone() }.run());
        Self { address, shutdown, task }
    }

    /// The whole answer on a connection of its own, which ends with it.
    async fn answer_to(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within(stream.read_to_string(&mut answer)).await.unwrap();
        answer
    }

    async fn get(&self, path: &str) -> String {
        self.answer_to(&format!("GET {path} HTTP/1.0\r\n\r\n")).await
    }

    /// Ends, with no request left.
    async fn end(self) {
        self.shutdown.requests.close();
        self.shutdown.drain.cancel();
        self.shutdown.close.cancel();
        within(self.shutdown.requests.wait()).await;
        within(self.task).await.unwrap();
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), work).await.expect("it takes no ten seconds")
}

fn one_connection() -> ServerLimits {
    ServerLimits { max_connections: 1, ..ServerLimits::default() }
}

async fn panics() {
    if true {
        panic!("on purpose, with the secret of a prompt")
    }
}

#[tokio::test]
async fn a_panic_of_a_handler_is_answered() {
    let router = Router::new().route("/panics", get(panics)).route("/works", get(|| async { "works" }));
    let server = Running::new(router, one_connection()).await;
    let request = "GET /panics HTTP/1.1\r\nhost: a\r\nx-portkey-trace-id: trace-1\r\n\r\n";
    let then = "GET /works HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answers = server.answer_to(&[request, request, then].concat()).await;
    assert_eq!(answers.matches("HTTP/1.1 500 ").count(), 2, "{answers}");
    assert_eq!(answers.matches("x-portkey-trace-id: trace-1\r\n").count(), 2, "{answers}");
    assert_eq!(answers.matches("\"code\":\"internal_error\"").count(), 2, "{answers}");
    assert!(answers.ends_with("works") && !answers.contains("secret"), "{answers}");
    server.end().await;
}

#[tokio::test]
async fn a_panic_within_an_answer_ends_one_connection_and_no_more() {
    let breaks = || async {
        let pieces = stream::iter(0..2).map(|piece| match piece {
            0 => Ok::<_, std::io::Error>(Bytes::from_static(b"begun")),
            _ => panic!("on purpose"),
        });
        Body::from_stream(pieces)
    };
    let router = Router::new().route("/breaks", get(breaks)).route("/works", get(|| async { "works" }));
    let server = Running::new(router, one_connection()).await;
    for _ in 0..3 {
        server.get("/breaks").await;
        assert!(server.get("/works").await.ends_with("works"), "its place was given back");
    }
    server.end().await;
}

/// Whether the answer is a refusal that says to try again, in a body that clients of both dialects read.
fn asks_to_try_again(answer: &str, code: &str) -> bool {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let told = (&body["type"], &body["error"]["type"], &body["error"]["code"]);
    assert_eq!(told, (&"error".into(), &"server_error".into(), &code.into()), "{answer}");
    head.contains("503") && head.contains("\r\nretry-after: 1\r\n") && head.contains("x-portkey-trace-id: ")
}

/// A router whose `/held` reads its body and then waits for a word, and the bell that says it has read.
fn holding() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (read, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (bell, word) = (Arc::clone(&read), Arc::clone(&go));
    let held = move |body: Bytes| async move {
        bell.notify_one();
        word.notified().await;
        body.len().to_string()
    };
    let router = Router::new()
        .route("/held", post(held))
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/livez", get(|| async { "alive" }));
    (router, read, go)
}

fn body_of(path: &str, length: usize) -> String {
    let body = "a".repeat(length);
    format!("POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
}

#[tokio::test]
async fn one_request_more_than_allowed_is_refused_at_once_and_a_probe_is_not() {
    let (router, read, go) = holding();
    let limits = ServerLimits { max_requests: 1, ..ServerLimits::default() };
    let server = Arc::new(Running::new(router, limits).await);
    let first = tokio::spawn({
        let server = Arc::clone(&server);
        async move { server.answer_to(&body_of("/held", 3)).await }
    });
    within(read.notified()).await;
    let second = server.answer_to(&body_of("/length", 100_000)).await;
    assert!(asks_to_try_again(&second, "too_many_requests_in_flight"), "{second}");
    assert!(server.get("/livez").await.ends_with("alive"));
    go.notify_one();
    assert!(first.await.unwrap().ends_with("\r\n\r\n3"));
    assert!(server.answer_to(&body_of("/length", 4)).await.ends_with("\r\n\r\n4"), "there is room again");
    Arc::into_inner(server).unwrap().end().await;
}

#[tokio::test]
async fn bodies_that_are_too_much_together_are_refused_and_small_ones_still_fit() {
    let (router, read, go) = holding();
    let limits = ServerLimits { max_buffered_bytes: 1_000_000, ..ServerLimits::default() };
    let server = Arc::new(Running::new(router, limits).await);
    let first = tokio::spawn({
        let server = Arc::clone(&server);
        async move { server.answer_to(&body_of("/held", 600_000)).await }
    });
    within(read.notified()).await;
    let second = server.answer_to(&body_of("/length", 600_000)).await;
    assert!(asks_to_try_again(&second, "too_many_bytes_in_flight"), "{second}");
    assert!(server.answer_to(&body_of("/length", 300_000)).await.ends_with("\r\n\r\n300000"));
    go.notify_one();
    assert!(first.await.unwrap().ends_with("\r\n\r\n600000"));
    assert!(server.answer_to(&body_of("/length", 600_000)).await.ends_with("\r\n\r\n600000"));
    Arc::into_inner(server).unwrap().end().await;
}

#[tokio::test]
async fn what_a_handler_lets_go_of_its_body_makes_room_for_others() {
    let (read, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (bell, word) = (Arc::clone(&read), Arc::clone(&go));
    let spooled = move |Extension(account): Extension<BodyAccount>, body: Bytes| async move {
        // Twice: more than there was is not made of it.
        account.give_back(body.len());
        account.give_back(body.len());
        bell.notify_one();
        word.notified().await;
        body.len().to_string()
    };
    let length = |body: Bytes| async move { body.len().to_string() };
    let router = Router::new().route("/spooled", post(spooled)).route("/length", post(length));
    let limits = ServerLimits { max_buffered_bytes: 1_000_000, ..ServerLimits::default() };
    let server = Arc::new(Running::new(router, limits).await);
    let first = tokio::spawn({
        let server = Arc::clone(&server);
        async move { server.answer_to(&body_of("/spooled", 600_000)).await }
    });
    within(read.notified()).await;
    assert!(server.answer_to(&body_of("/length", 900_000)).await.ends_with("\r\n\r\n900000"));
    let over = server.answer_to(&body_of("/length", 1_200_000)).await;
    assert!(asks_to_try_again(&over, "too_many_bytes_in_flight"), "{over}");
    go.notify_one();
    assert!(first.await.unwrap().ends_with("\r\n\r\n600000"));
    Arc::into_inner(server).unwrap().end().await;
}
