//! A client that does on a socket whatever it is told, and waits for nothing longer than for its patience.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// A header's value; names in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    /// One whose kernel keeps only so many bytes that have not been read.
    pub(crate) fn with_buffer(address: SocketAddr, bytes: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(bytes).unwrap();
            socket.connect(address).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        Self::over(stream)
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream, unread: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Whether the bytes could still be sent.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next bytes; none once the other side has closed or reset the connection.
    pub(crate) fn read_some(&mut self) -> Vec<u8> {
        if !self.unread.is_empty() {
            return std::mem::take(&mut self.unread);
        }
        let mut bytes = vec![0; 16 * 1024];
        let n = match self.stream.read(&mut bytes) {
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("nothing came: {error}"),
        };
        bytes.truncate(n);
        bytes
    }

    /// Everything up to and with the marker.
    pub(crate) fn read_until(&mut self, marker: &str) -> String {
        let mut seen = Vec::new();
        loop {
            if let Some(at) = seen.windows(marker.len()).position(|window| window == marker.as_bytes()) {
                self.unread = seen.split_off(at + marker.len());
                return String::from_utf8(seen).unwrap();
            }
            let more = self.read_some();
            let text = String::from_utf8_lossy(&seen);
            assert!(!more.is_empty(), "closed before {marker:?}: {text}");
            seen.extend(more);
        }
    }

    /// Everything until the other side closes.
    pub(crate) fn read_to_end(&mut self) -> String {
        let mut seen = Vec::new();
        loop {
            let more = self.read_some();
            if more.is_empty() {
                return String::from_utf8_lossy(&seen).into_owned();
            }
            seen.extend(more);
        }
    }

    /// What came, and how long it took until the other side closed.
    pub(crate) fn closes(&mut self) -> (String, Duration) {
        let start = Instant::now();
        (self.read_to_end(), start.elapsed())
    }

    /// The next whole answer.
    pub(crate) fn answer(&mut self) -> Answer {
        let head = self.read_until("\r\n\r\n").trim_end().to_owned();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut answer = Answer { status: status.unwrap(), head, body: String::new() };
        answer.body = if answer.header("transfer-encoding") == Some("chunked") {
            self.read_chunks()
        } else if let Some(length) = answer.header("content-length") {
            self.read_exactly(length.parse().unwrap())
        } else {
            self.read_to_end()
        };
        answer
    }

    fn read_exactly(&mut self, length: usize) -> String {
        let mut seen = std::mem::take(&mut self.unread);
        while seen.len() < length {
            let more = self.read_some();
            assert!(!more.is_empty(), "closed after {} of {length} bytes", seen.len());
            seen.extend(more);
        }
        self.unread = seen.split_off(length);
        String::from_utf8(seen).unwrap()
    }

    fn read_chunks(&mut self) -> String {
        let mut body = String::new();
        loop {
            let size = usize::from_str_radix(self.read_until("\r\n").trim_end(), 16).unwrap();
            body.push_str(&self.read_exactly(size));
            self.read_exactly(2);
            if size == 0 {
                return body;
            }
        }
    }

    /// Sends a request and reads its answer.
    pub(crate) fn ask(&mut self, request: impl AsRef<[u8]>) -> Answer {
        self.send(request);
        self.answer()
    }
}

/// A request without a body.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: gateway\r\n\r\n")
}

/// A request with a JSON body.
pub(crate) fn post(path: &str, key: &str, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: gateway\r\nx-portkey-api-key: {key}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// One request on a connection of its own.
pub(crate) fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    Connection::open(address).ask(request)
}
