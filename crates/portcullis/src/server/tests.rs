//! A server on a real socket, with handlers that do what ours never should.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Server, ServerLimits, Shutdown};

async fn answer_to(path: &str, address: std::net::SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await;
    read.expect("the connection ends").unwrap();
    answer
}

#[tokio::test]
async fn a_panic_ends_one_connection_and_no_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route(
            "/panics",
            get(|| async {
                if true {
                    panic!("on purpose")
                }
            }),
        )
        .route("/works", get(|| async { "works" }));
    let limits = ServerLimits { max_connections: 1, ..ServerLimits::default() };
    let shutdown = Shutdown::default();
    let server = tokio::spawn(Server { listener, router, limits, shutdown: shutdown.clone() }.run());
    for _ in 0..3 {
        assert_eq!(answer_to("/panics", address).await, "");
        assert!(answer_to("/works", address).await.ends_with("works"), "its place was given back");
    }
    shutdown.requests.close();
    shutdown.drain.cancel();
    shutdown.close.cancel();
    tokio::time::timeout(Duration::from_secs(10), shutdown.requests.wait()).await.expect("none is left");
    tokio::time::timeout(Duration::from_secs(10), server).await.expect("the server ends").unwrap();
}
