//! Request bodies that must keep coming, and answers that count as in flight until their last byte.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::activity::RequestGuard;

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// Nothing came for too long.
    #[error("nothing more of the body came within {} s", .0.as_secs())]
    Idle(Duration),
    /// The connection failed.
    #[error("the connection failed while the body was read")]
    Connection(#[source] hyper::Error),
}

pin_project! {
    /// A request's body with a limit on each pause.
    pub(super) struct IdleLimited<B> {
        #[pin]
        body: B,
        limit: Duration,
        alarm: Option<Pin<Box<Sleep>>>,
    }
}

impl<B> IdleLimited<B> {
    pub(super) const fn new(body: B, limit: Duration) -> Self {
        Self { body, limit, alarm: None }
    }
}

impl<B: Body<Data = Bytes, Error = hyper::Error>> Body for IdleLimited<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.project();
        if let Poll::Ready(frame) = this.body.poll_frame(cx) {
            *this.alarm = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Connection)));
        }
        let limit = *this.limit;
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(alarm.as_mut().poll(cx));
        Poll::Ready(Some(Err(BodyError::Idle(limit))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

pin_project! {
    /// An answer's body that keeps its request in flight.
    pub(super) struct InFlight<B> {
        #[pin]
        body: B,
        guard: RequestGuard,
    }
}

impl<B> InFlight<B> {
    pub(super) const fn new(body: B, guard: RequestGuard) -> Self {
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
