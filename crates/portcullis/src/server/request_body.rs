//! Request bodies that must keep coming, and answers that count as in flight until their last byte.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::time::Sleep;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::activity::{Activity, RequestGuard};
use super::load::{HeldBytes, Place};

/// Where the rest of a body that nobody wants is read, and for how long.
pub(super) struct Lingering {
    pub(super) activity: Arc<Activity>,
    pub(super) limit: Duration,
}

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// Nothing came for too long.
    #[error("nothing more of the body came within {} s", .0.as_secs())]
    Idle(Duration),
    /// Too much of it and of others is held already.
    #[error("the gateway holds as many bytes of requests as it may")]
    NoRoom,
    /// The connection failed.
    #[error("the connection failed while the body was read")]
    Connection(#[source] hyper::Error),
}

/// A request's body with a limit on each pause.
///
/// When it is dropped before its end, as after a refusal, the rest is read and thrown away: closing a socket with
/// unread bytes in it resets the connection, and the client may lose the answer that says why it was refused.
pub(super) struct RequestBody {
    body: Option<Incoming>,
    limit: Duration,
    alarm: Option<Pin<Box<Sleep>>>,
    /// The connection to read the rest from, where that is to be done.
    lingering: Option<Lingering>,
    /// Where its bytes are counted, unless they are thrown away.
    held: Option<Arc<HeldBytes>>,
}

impl RequestBody {
    pub(super) const fn new(
        body: Incoming,
        limit: Duration,
        lingering: Option<Lingering>,
        held: Option<Arc<HeldBytes>>,
    ) -> Self {
        Self { body: Some(body), limit, alarm: None, lingering, held }
    }

    /// Whether there is room for what has come.
    fn has_room(&self, frame: &Frame<Bytes>) -> bool {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        self.held.as_ref().is_none_or(|held| held.take(bytes))
    }

    /// Reads the rest and throws it away, where that is to be done. Nothing more comes of this body.
    fn give_up(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        let Some(lingering) = self.lingering.take() else { return };
        // At the very end of the process there is no runtime, and nothing to linger for.
        if let Ok(runtime) = Handle::try_current() {
            let limit = self.limit;
            runtime.spawn(async move {
                let _guard = lingering.activity.begin_lingering();
                let _ = tokio::time::timeout(lingering.limit, read_to_end(body, limit)).await;
            });
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let error = match Pin::new(body).poll_frame(cx) {
            Poll::Ready(Some(Err(error))) => BodyError::Connection(error),
            Poll::Ready(Some(Ok(frame))) if !this.has_room(&frame) => {
                this.give_up();
                return Poll::Ready(Some(Err(BodyError::NoRoom)));
            }
            Poll::Ready(frame) => {
                this.alarm = None;
                return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Connection)));
            }
            Poll::Pending => {
                let limit = this.limit;
                let alarm = this.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
                ready!(alarm.as_mut().poll(cx));
                BodyError::Idle(limit)
            }
        };
        // Of this client nothing more is to be expected.
        this.body = None;
        Poll::Ready(Some(Err(error)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.give_up();
    }
}

async fn read_to_end(body: Incoming, limit: Duration) {
    let mut rest = RequestBody::new(body, limit, None, None);
    while poll_fn(|cx| Pin::new(&mut rest).poll_frame(cx)).await.is_some_and(|frame| frame.is_ok()) {}
}

/// What an answer holds until its last byte.
type Guard = ((TaskTrackerToken, RequestGuard), Option<Place>);

pin_project! {
    /// An answer's body that keeps its request in flight.
    pub(super) struct InFlight<B> {
        #[pin]
        body: B,
        guard: Guard,
    }
}

impl<B> InFlight<B> {
    pub(super) const fn new(body: B, guard: Guard) -> Self {
        Self { body, guard }
    }
}

impl<B: Body> Body for InFlight<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
