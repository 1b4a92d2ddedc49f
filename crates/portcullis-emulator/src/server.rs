//! The accept loop, and a socket that can be told to break.
//!
//! HTTP/1.1 only: a reset must hit one request, not all that share a connection.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::answer::{Answer, AnswerGuard, ScriptedBody};
use crate::clock::Clock;
use crate::handle::EmulatorHandle;
use crate::journal::{LoggedRequest, unix_ms};
use crate::sigv4::{ReceivedRequest, Verified};
use crate::state::State;
use crate::world::World;
use crate::{control, platform, sources, sts};

/// An emulator that is not serving yet.
#[derive(Clone, Debug)]
pub struct Emulator(Arc<State>);

/// Puts an [`Emulator`] together.
#[derive(Debug)]
pub struct EmulatorBuilder {
    world: World,
    clock: Clock,
}

impl Emulator {
    /// Starts from the example world and the machine's clock.
    #[must_use]
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder { world: World::example(), clock: Clock::system() }
    }

    /// Serves until the future is dropped, which also drops every connection.
    ///
    /// # Errors
    /// When the listener fails for good. A connection that cannot be accepted is skipped.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        listener.local_addr()?;
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(serve_connection(Arc::clone(&self.0), stream));
                    }
                    Err(error) => tracing::warn!(%error, "failed to accept a connection"),
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// Serves in a task of its own until the handle is dropped. For tests of other crates.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn spawn(self, listener: TcpListener) -> io::Result<EmulatorHandle> {
        let address = listener.local_addr()?;
        let state = Arc::clone(&self.0);
        let task = tokio::spawn(self.serve(listener));
        Ok(EmulatorHandle::new(address, state, task))
    }
}

impl EmulatorBuilder {
    /// What exists.
    #[must_use]
    pub fn world(mut self, world: World) -> Self {
        self.world = world;
        self
    }

    /// What time it is.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The emulator.
    #[must_use]
    pub fn build(self) -> Emulator {
        Emulator(Arc::new(State::new(self.world, self.clock)))
    }
}

async fn serve_connection(state: Arc<State>, stream: TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "failed to set TCP_NODELAY");
    }
    let control = ConnectionControl::default();
    let number = state.next_connection();
    let socket = Socket { stream, control: control.clone() };
    let service = service_fn(move |request| handle(Arc::clone(&state), control.clone(), number, request));
    let served =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn handle(
    state: Arc<State>,
    connection: ConnectionControl,
    number: u64,
    request: Request<Incoming>,
) -> Result<Response<ScriptedBody>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, platform::max_body_bytes(parts.uri.path())).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            let answer = platform::too_large();
            return Ok(answer.into_response(connection, None));
        }
    };
    let arrival = Arrival {
        connection: number,
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect(),
        body,
    };
    let (answer, guard): (Answer, Option<AnswerGuard>) = if arrival.path.starts_with("/_emulator") {
        (control::answer(&state, &arrival), None)
    } else if arrival.path == "/" || arrival.path.is_empty() {
        (sts::answer(&state, &arrival, &connection).await, None)
    } else if let Some(answer) = sources::answer(&state, &arrival) {
        (answer, None)
    } else {
        let (answer, guard) = platform::answer(&state, &arrival, &connection).await;
        (answer, Some(guard))
    };
    // Its own clock, which may differ from the machine's: a client learns the time from here.
    let answer = answer.with_header("date", &http_date(state.now()));
    Ok(answer.into_response(connection, guard))
}

fn http_date(at: SystemTime) -> String {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    OffsetDateTime::from(at).format(format).expect("a time of this century has an HTTP form")
}

/// A request, whole and as it arrived.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The number of the connection that it came on.
    pub(crate) connection: u64,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Arrival {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header_pairs(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    pub(crate) fn as_received<'a>(&'a self, headers: &'a [(&'a str, &'a str)]) -> ReceivedRequest<'a> {
        ReceivedRequest {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers,
            body: &self.body,
        }
    }

    /// What the log says of every request, before anything was checked.
    pub(crate) fn log_entry(&self, at: SystemTime, request_id: &str) -> LoggedRequest {
        let betas: Vec<&str> = self
            .headers
            .iter()
            .filter(|(name, _)| name == "anthropic-beta")
            .map(|(_, value)| value.as_str())
            .collect();
        LoggedRequest {
            at_ms: unix_ms(at),
            request_id: request_id.to_owned(),
            connection: self.connection,
            operation: format!("{} {}", self.method, self.path),
            query: self.query.clone(),
            headers: self.headers.iter().map(|(name, value)| (name.clone(), shown(name, value))).collect(),
            header_names: self.headers.iter().map(|(name, _)| name.clone()).collect(),
            workspace: self.header("anthropic-workspace-id").map(str::to_owned),
            anthropic_version: self.header("anthropic-version").map(str::to_owned),
            anthropic_beta: (!betas.is_empty()).then(|| betas.join(",")),
            body_sha256: hex::encode(Sha256::digest(&self.body)),
            body_bytes: u64::try_from(self.body.len()).unwrap_or(u64::MAX),
            ..LoggedRequest::default()
        }
    }
}

/// The value of a header, but not of one that is or proves a secret.
fn shown(name: &str, value: &str) -> String {
    let is_secret = ["authorization", "api-key", "token", "cookie"].iter().any(|part| name.contains(part));
    if is_secret { "(not kept)".to_owned() } else { value.to_owned() }
}

impl LoggedRequest {
    pub(crate) fn note_verified(&mut self, verified: &Verified) {
        self.verified = true;
        self.access_key_id = Some(verified.access_key_id.clone());
        self.signed_headers.clone_from(&verified.signed_headers);
        self.region = Some(verified.region.clone());
        self.service = Some(verified.service.clone());
    }
}

/// Tells a connection how to die.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionControl(Arc<Switches>);

#[derive(Debug)]
struct Switches {
    /// How many more bytes may be written.
    write_budget: AtomicUsize,
    resets: AtomicBool,
    ending: AtomicBool,
}

impl Default for ConnectionControl {
    fn default() -> Self {
        Self(Arc::new(Switches {
            write_budget: AtomicUsize::new(usize::MAX),
            resets: AtomicBool::new(false),
            ending: AtomicBool::new(false),
        }))
    }
}

impl ConnectionControl {
    /// From now on nothing can be written, and closing sends a TCP reset.
    pub(crate) fn reset_now(&self) {
        self.reset_after(0);
    }

    /// Writes `bytes` more, then resets.
    pub(crate) fn reset_after(&self, bytes: usize) {
        self.0.resets.store(true, Ordering::SeqCst);
        self.0.write_budget.store(bytes, Ordering::SeqCst);
    }

    pub(crate) fn begin_end(&self) {
        self.0.ending.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.0.ending.load(Ordering::SeqCst)
    }
}

/// A TCP stream that obeys a [`ConnectionControl`].
#[derive(Debug)]
struct Socket {
    stream: TcpStream,
    control: ConnectionControl,
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let budget = this.control.0.write_budget.load(Ordering::SeqCst);
        if budget == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let allowed = &bytes[..bytes.len().min(budget)];
        let written = std::task::ready!(Pin::new(&mut this.stream).poll_write(context, allowed))?;
        if budget != usize::MAX {
            this.control.0.write_budget.store(budget - written, Ordering::SeqCst);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // A FIN before the reset would look like an orderly end.
        if this.control.0.resets.load(Ordering::SeqCst) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.control.0.resets.load(Ordering::SeqCst)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "failed to arm a reset");
        }
    }
}
