//! An answer of any kind and length, passed on piece by piece: a file's content, a batch's results.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tracing::warn;

use super::results::Results;
use crate::upstream::UpstreamBody;
use crate::way::{Outcome, Settlement};

/// The upstream's bytes on their way to the client.
///
/// There is no way to say in these bytes that something went wrong, so whatever does ends the connection: a client
/// never takes half a file for a whole one. Dropping it closes the upstream and settles the attempt.
pub(super) struct Download {
    upstream: Option<UpstreamBody>,
    settlement: Settlement,
    watcher: Option<Results>,
    patience: Duration,
    alarm: Pin<Box<Sleep>>,
    drain: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Download {
    /// - `patience`: how long the upstream may be silent.
    pub(super) fn new(
        upstream: UpstreamBody,
        settlement: Settlement,
        patience: Duration,
        drain: CancellationToken,
    ) -> Self {
        Self {
            upstream: Some(upstream),
            settlement,
            watcher: None,
            patience,
            alarm: Box::pin(tokio::time::sleep(patience)),
            drain: Box::pin(drain.cancelled_owned()),
        }
    }

    /// Has the bytes looked at as they pass.
    pub(super) fn watched_by(mut self, watcher: Results) -> Self {
        self.watcher = Some(watcher);
        self
    }

    fn end(&mut self, outcome: Outcome) {
        self.upstream = None;
        self.settlement.settle(outcome);
    }

    fn break_off(&mut self, outcome: Outcome, why: &str) -> io::Error {
        warn!("an answer broke off: {why}");
        self.settlement.failed("upstream_stream_error");
        self.end(outcome);
        io::Error::other(why.to_owned())
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        let Some(upstream) = &mut this.upstream else { return Poll::Ready(None) };
        match Pin::new(upstream).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.settlement.first_byte();
                let due = Instant::now() + this.patience;
                this.alarm.as_mut().reset(due);
                if let (Some(watcher), Some(bytes)) = (&mut this.watcher, frame.data_ref()) {
                    watcher.push(bytes);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let why = format!("the upstream failed: {}", error.without_url());
                Poll::Ready(Some(Err(this.break_off(Outcome::BrokenOff, &why))))
            }
            Poll::Ready(None) => {
                if let Some(watcher) = &mut this.watcher {
                    watcher.end();
                }
                this.end(Outcome::Complete);
                Poll::Ready(None)
            }
            Poll::Pending if this.drain.as_mut().poll(cx).is_ready() => {
                Poll::Ready(Some(Err(this.break_off(Outcome::ShutDown, "the gateway is shutting down"))))
            }
            Poll::Pending => {
                ready!(this.alarm.as_mut().poll(cx));
                Poll::Ready(Some(Err(this.break_off(Outcome::BrokenOff, "the upstream stopped sending"))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.upstream.is_none()
    }

    /// The upstream's own length, where it gave one: the client then knows when a part is missing.
    fn size_hint(&self) -> SizeHint {
        self.upstream.as_ref().map_or_else(|| SizeHint::with_exact(0), UpstreamBody::size_hint)
    }
}
