//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use futures_util::FutureExt;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Request, Response, Version};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use portcullis_gateway::BodyAccount;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::debug;

use super::activity::{Activity, Verdict, WatchedStream};
use super::load::{HeldBytes, Load, Place};
use super::request_body::{InFlight, Lingering, RequestBody};
use super::stall::StallLimited;
use super::{ServerLimits, Shutdown};
use crate::health::is_probe;
use crate::own_error::{GivenTrace, OwnError};

/// Largest head of a request, in bytes; larger ones get 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;
const MAX_HTTP2_STREAMS: u32 = 250;

/// What answers on a connection, as far as there is room.
pub(super) struct Site {
    pub(super) router: Router,
    pub(super) load: Arc<Load>,
    /// Whether there is room for no more than to answer a probe and to say so.
    pub(super) is_full: bool,
}

/// Serves one connection until it ends, uses up its time, or the drain's deadline is over.
pub(super) async fn serve(
    stream: TcpStream,
    activity: Arc<Activity>,
    site: Site,
    limits: ServerLimits,
    shutdown: Shutdown,
) {
    // Without it an event waits for the one before it to be acknowledged, 40 ms on a delayed-ACK client.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(error.cause = %error, "a connection was gone before it was served");
        return;
    }
    if site.is_full {
        activity.end_with_next_answer();
    }
    // None of a socket that was closed meanwhile, which is about to be found out.
    let peer = stream.peer_addr().ok();
    let io = TokioIo::new(WatchedStream { stream, activity: Arc::clone(&activity) });
    let builder = builder();
    let front = Arc::new(Front {
        site,
        peer,
        activity: Arc::clone(&activity),
        requests: shutdown.requests.clone(),
        body_idle: limits.body_idle,
        lingering: limits.lingering,
        write_stall: limits.write_stall,
    });
    let service = service_fn(move |request| Arc::clone(&front).answer(request));
    let connection = builder.serve_connection(io, service);
    tokio::pin!(connection);

    let alarm = tokio::time::sleep_until(next_look(&activity, &limits));
    let (too_late, make_room) = (deadline_and_grace(&shutdown), activity.asked_to_make_room());
    tokio::pin!(alarm, too_late, make_room);
    let (mut is_draining, mut is_closing) = (false, false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(error.cause = %error, "a connection ended badly");
                }
                return;
            }
            () = shutdown.drain.cancelled(), if !is_draining => {
                is_draining = true;
                activity.end_with_next_answer();
                // HTTP/2 has a frame for it that loses no request; HTTP/1 has the next answer's head.
                if activity.is_http2() {
                    connection.as_mut().graceful_shutdown();
                }
            }
            () = async { tokio::select! {
                () = shutdown.close.cancelled() => {}
                () = make_room.as_mut() => {}
            } }, if !is_closing => {
                is_closing = true;
                connection.as_mut().graceful_shutdown();
                // Half a head would be waited for: it is not yet a request.
                if activity.is_within_a_head() {
                    return;
                }
            }
            () = alarm.as_mut() => match activity.verdict(&limits, Instant::now()) {
                Verdict::Wait(until) => alarm.as_mut().reset(until),
                Verdict::Close => return,
            },
            () = too_late.as_mut() => return,
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // The activity's own limits apply: hyper's would need a timer per connection and know less.
    builder.http1().header_read_timeout(None).max_buf_size(MAX_HEAD_BYTES).max_headers(MAX_HEADERS);
    builder.http2().max_concurrent_streams(MAX_HTTP2_STREAMS).max_header_list_size(MAX_HEAD_BYTES as u32);
    builder
}

fn next_look(activity: &Activity, limits: &ServerLimits) -> Instant {
    match activity.verdict(limits, Instant::now()) {
        Verdict::Wait(until) => until,
        Verdict::Close => Instant::now(),
    }
}

/// After the deadline each stream ends with an event that says why; this is its time to arrive.
async fn deadline_and_grace(shutdown: &Shutdown) {
    shutdown.deadline.cancelled().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
}

/// What stands between a connection and the router.
struct Front {
    site: Site,
    peer: Option<SocketAddr>,
    activity: Arc<Activity>,
    requests: TaskTracker,
    body_idle: Duration,
    lingering: Duration,
    write_stall: Duration,
}

impl Front {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let protocol = request.version();
        let guard = (self.requests.token(), self.activity.begin_request(protocol));
        let (place, response) = self.admitted(request).await;
        let guard = (guard, place);
        let mut response = response.map(|body| Body::new(InFlight::new(body, guard)));
        if protocol == Version::HTTP_2 {
            return Ok(response.map(|body| Body::new(StallLimited::new(body, self.write_stall))));
        }
        if self.activity.is_last_answer() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// The answer and the place it takes until its last byte; without a place, that there is none.
    async fn admitted(&self, request: Request<Incoming>) -> (Option<Place>, Response<Body>) {
        if is_probe(request.uri().path()) {
            return (None, self.handled(request).await);
        }
        if self.site.is_full {
            return (None, self.refused(request, &OwnError::TOO_MANY_CONNECTIONS));
        }
        match self.site.load.place() {
            Some(place) => (Some(place), self.handled(request).await),
            None => (None, self.refused(request, &OwnError::TOO_MANY_REQUESTS)),
        }
    }

    fn refused(&self, request: Request<Incoming>, error: &OwnError) -> Response<Body> {
        self.site.load.refused(error);
        let trace = GivenTrace::of(request.headers());
        drop(self.watched(request, None));
        error.answer(trace)
    }

    /// What the router says, or that it has failed, or that the body would have been too much.
    async fn handled(&self, mut request: Request<Incoming>) -> Response<Body> {
        let trace = GivenTrace::of(request.headers());
        let held = (!request.body().is_end_stream()).then(|| self.site.load.body());
        if let Some(held) = held.clone() {
            // Uploads go into a file, where they are no burden.
            request.extensions_mut().insert(BodyAccount::new(move |bytes| held.give_back(bytes)));
        }
        let answering = self.site.router.clone().oneshot(self.watched(request, held.clone()));
        // What a handler leaves behind half done is its request's own and is dropped with it. What it shares with others
        // is changed in one step each (atomics, snapshots, channels) or lies behind locks that tell of a panic.
        let answered = AssertUnwindSafe(answering).catch_unwind().await;
        if held.is_some_and(|held| held.was_refused()) {
            // Whatever the handler made of a body that broke off.
            self.site.load.refused(&OwnError::TOO_MANY_BYTES);
            return OwnError::TOO_MANY_BYTES.answer(trace);
        }
        match answered {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => OwnError::PANICKED.answer(trace),
        }
    }

    fn watched(&self, mut request: Request<Incoming>, held: Option<Arc<HeldBytes>>) -> Request<Body> {
        // HTTP/2 ends the one stream. A client that waits to be asked for its body will not send it after a refusal.
        let lingers = request.version() != Version::HTTP_2 && !request.headers().contains_key(EXPECT);
        let lingering =
            lingers.then(|| Lingering { activity: Arc::clone(&self.activity), limit: self.lingering });
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        request.map(|body| Body::new(RequestBody::new(body, self.body_idle, lingering, held)))
    }
}
