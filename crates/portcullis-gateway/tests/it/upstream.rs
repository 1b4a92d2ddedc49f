//! An upstream of raw bytes: it reads a request, writes what it was told, and ends as it was told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What the upstream does after its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Closes the connection.
    Close,
    /// Keeps it open and says nothing more.
    Silence,
}

/// A listening upstream.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    /// The requests it has read, head and body.
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    /// Told when a client has closed its side while the upstream was silent.
    pub(crate) closed: Arc<Notify>,
}

impl Upstream {
    /// Starts one that answers each request with the next of `answers`, and the last one again and again.
    pub(crate) async fn start(answers: Vec<Vec<u8>>, ending: Ending) -> Self {
        Self::listen(ending, move |n_before| {
            let answer = answers[n_before.min(answers.len() - 1)].clone();
            move |_: String| std::future::ready(answer)
        })
        .await
    }

    /// Starts one that answers each request with what `judge` makes of its text.
    pub(crate) async fn judging<F>(judge: impl Fn(String) -> F + Clone + Send + 'static) -> Self
    where
        F: Future<Output = Vec<u8>> + Send + 'static,
    {
        Self::listen(Ending::Close, move |_| judge.clone()).await
    }

    /// - `judges`: who answers the next connection, given how many there were before.
    async fn listen<J, F>(ending: Ending, judges: impl Fn(usize) -> J + Send + 'static) -> Self
    where
        J: FnOnce(String) -> F + Send + 'static,
        F: Future<Output = Vec<u8>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, closed) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let (seen, hung_up) = (Arc::clone(&requests), Arc::clone(&closed));
        tokio::spawn(async move {
            let mut n_answered = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let judge = judges(n_answered);
                n_answered += 1;
                tokio::spawn(serve(stream, judge, ending, Arc::clone(&seen), Arc::clone(&hung_up)));
            }
        });
        Self { address, requests, closed }
    }
}

async fn serve<F: Future<Output = Vec<u8>>>(
    mut stream: TcpStream,
    judge: impl FnOnce(String) -> F,
    ending: Ending,
    seen: Arc<Mutex<Vec<String>>>,
    closed: Arc<Notify>,
) {
    let request = read_request(&mut stream).await;
    seen.lock().unwrap().push(request.clone());
    let answer = judge(request).await;
    stream.write_all(&answer).await.unwrap();
    stream.flush().await.unwrap();
    if ending == Ending::Silence {
        let mut rest = [0; 16];
        while stream.read(&mut rest).await.is_ok_and(|n| n > 0) {}
        closed.notify_one();
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if n == 0 || is_whole(&text) {
            return text;
        }
    }
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// A whole answer of HTTP.
pub(crate) fn http(status: u16, kind: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}").into_bytes()
}

/// The beginning of an answer whose end is the connection's end, as a stream cut anywhere looks.
pub(crate) fn open_ended(kind: &str, body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n").into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// A short streamed answer with a thought, text with an emoji, and a tool call.
pub(crate) const STREAM: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-haiku-4-5\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Héllo 🌍\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{}}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":1}\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":12}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

/// A whole message.
pub(crate) const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":2}}"#;
