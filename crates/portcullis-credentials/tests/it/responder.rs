//! A server on loopback that answers every request with the bytes its script makes, and counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to do with one request.
pub(crate) enum Reply {
    /// Write these bytes and close.
    Bytes(Vec<u8>),
    /// Say nothing and keep the connection open.
    Stall,
}

pub(crate) struct Responder {
    pub(crate) endpoint: String,
    calls: Arc<AtomicUsize>,
}

impl Responder {
    /// Answers with what `script` makes of each request (head and body as text).
    pub(crate) async fn start(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let (counted, script) = (Arc::clone(&calls), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&counted), Arc::clone(&script)));
            }
        });
        Self { endpoint, calls }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, calls: Arc<AtomicUsize>, script: Arc<impl Fn(&str) -> Reply>) {
    let Some(request) = read_request(&mut stream).await else { return };
    calls.fetch_add(1, Ordering::SeqCst);
    match script(&request) {
        Reply::Bytes(bytes) => {
            // The client may give up on a hopeless answer before it has read it all.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Reply::Stall => std::future::pending().await,
    }
}

/// The head and, by `content-length`, the body. `None` if the connection ends before.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut received = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
        if stream.read_buf(&mut received).await.ok()? == 0 {
            return None;
        }
    }
}

/// An HTTP/1.1 answer with this body, complete and well-formed.
pub(crate) fn http(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nx-amzn-requestid: c6104cbe-af31-11e0-8154-cbc7ccf896c7\r\nconnection: close\r\n\r\n{body}")
        .into_bytes()
}
