//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower::ServiceExt;
use tracing::debug;

use super::activity::{Activity, Verdict, WatchedStream};
use super::idle_body::{IdleLimited, InFlight};
use super::{ServerLimits, Shutdown};

/// Largest head of a request, in bytes; larger ones get 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;
const MAX_HTTP2_STREAMS: u32 = 250;

/// Serves one connection until it ends, uses up its time, or the drain's deadline is over.
pub(super) async fn serve(stream: TcpStream, router: Router, limits: ServerLimits, shutdown: Shutdown) {
    // Without it an event waits for the one before it to be acknowledged, 40 ms on a delayed-ACK client.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(error.cause = %error, "a connection was gone before it was served");
        return;
    }
    let activity = Activity::new();
    let io = TokioIo::new(WatchedStream { stream, activity: Arc::clone(&activity) });
    let builder = builder();
    let body_idle = limits.body_idle;
    let watched = Arc::clone(&activity);
    let service = service_fn(move |request| answer(router.clone(), request, Arc::clone(&watched), body_idle));
    let connection = builder.serve_connection(io, service);
    tokio::pin!(connection);

    let alarm = tokio::time::sleep_until(next_look(&activity, &limits));
    let too_late = deadline_and_grace(&shutdown);
    tokio::pin!(alarm, too_late);
    let mut draining = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(error.cause = %error, "a connection ended badly");
                }
                return;
            }
            () = shutdown.drain.cancelled(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
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
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
}

async fn answer(
    router: Router,
    request: Request<Incoming>,
    activity: Arc<Activity>,
    body_idle: std::time::Duration,
) -> Result<Response<Body>, Infallible> {
    let guard = activity.begin_request();
    let request = request.map(|body| Body::new(IdleLimited::new(body, body_idle)));
    let response = router.oneshot(request).await?;
    Ok(response.map(|body| Body::new(InFlight::new(body, guard))))
}
