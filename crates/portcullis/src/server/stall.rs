//! Answers over HTTP/2 whose client takes nothing of them.
//!
//! Each stream has a window of its own: a client that does not open it stops one answer, while the socket goes on for
//! the others, so that the connection's own watch sees nothing. The protocol's code then neither asks the body for more
//! nor drops it, and the upstream's connection would be held for as long as the client likes.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body as AnyBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

/// Why an answer was cut.
#[derive(Debug, thiserror::Error)]
#[error("the client took nothing of the answer for {} s", .0.as_secs())]
struct Stalled(Duration);

/// An answer's body that is dropped when nobody asks for its next piece for too long. The stream then ends in an error.
pub(super) struct StallLimited {
    slot: Arc<Mutex<Slot>>,
    limit: Duration,
    watch: AbortHandle,
}

struct Slot {
    /// `None` once it was taken away.
    body: Option<AnyBody>,
    /// Since when the next piece could be asked for; `None` while it is the body that is waited for.
    waiting_since: Option<Instant>,
}

impl StallLimited {
    pub(super) fn new(body: AnyBody, limit: Duration) -> Self {
        let slot = Slot { body: Some(body), waiting_since: Some(Instant::now()) };
        let slot = Arc::new(Mutex::new(slot));
        let watch = tokio::spawn(watch(Arc::clone(&slot), limit)).abort_handle();
        Self { slot, limit, watch }
    }
}

/// A panic of the body leaves the slot as it was: it is dropped with it.
fn locked(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn watch(slot: Arc<Mutex<Slot>>, limit: Duration) {
    loop {
        let now = Instant::now();
        let due = locked(&slot).waiting_since.unwrap_or(now) + limit;
        if due <= now {
            let body = locked(&slot).body.take();
            tracing::debug!("an answer was cut: its client took nothing of it");
            drop(body);
            return;
        }
        sleep_until(due).await;
    }
}

impl Body for StallLimited {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut slot = locked(&self.slot);
        let Some(body) = &mut slot.body else {
            return Poll::Ready(Some(Err(axum::Error::new(Stalled(self.limit)))));
        };
        let polled = Pin::new(body).poll_frame(cx);
        slot.waiting_since = polled.is_ready().then(Instant::now);
        polled
    }

    fn is_end_stream(&self) -> bool {
        locked(&self.slot).body.as_ref().is_some_and(AnyBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        locked(&self.slot).body.as_ref().map_or_else(SizeHint::default, AnyBody::size_hint)
    }
}

impl Drop for StallLimited {
    fn drop(&mut self) {
        self.watch.abort();
        // The watch may be aborted later than now; the upstream must not wait for that.
        locked(&self.slot).body = None;
    }
}
