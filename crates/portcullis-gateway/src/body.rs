//! The body of a streamed answer: upstream bytes in, client bytes out, and never a silent end.

pub(crate) mod errands;
pub(crate) mod pass_through;
pub(crate) mod translation;

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body::{Body, Frame};
use portcullis_provider::error::{ApiError, ErrorKind};
use portcullis_provider::usage::Usage;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tracing::warn;

use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::upstream::UpstreamBody;
use crate::way::{Outcome, Settlement};
use errands::{Continued, Errands, Keepsake};

/// Turns what the upstream streams into what the client reads. Pure: it sees bytes, not sockets.
pub(crate) trait Relay: Unpin + Send + 'static {
    /// Takes the next bytes of the upstream and returns what the client is to get for them now, perhaps nothing.
    fn push(&mut self, chunk: Bytes) -> Relayed;

    /// The upstream closed. What the client is still to get, or why this is no proper end.
    fn end(&mut self) -> Result<Bytes, ApiError>;

    /// Whether the first event that means something has been seen: only then is a status sent to the client.
    fn has_started(&self) -> bool;

    /// A sign of life in the client's dialect, if one may be sent at this point.
    fn ping(&self) -> Option<Bytes>;

    /// An error event in the client's dialect.
    fn error_event(&mut self, error: &ApiError) -> Bytes;

    /// Tokens so far, and why the upstream stopped. After a pause: of the part that runs.
    fn usage(&self) -> (&Usage, Option<&str>);

    /// What is to be kept of an answer that is whole, before the client learns that it is.
    fn keepsake(&mut self) -> Option<Keepsake> {
        None
    }
}

/// What became of a chunk.
pub(crate) struct Relayed {
    /// For the client, now.
    pub(crate) bytes: Bytes,
    /// Whether the stream goes on.
    pub(crate) flow: Flow,
}

/// Whether a stream goes on.
pub(crate) enum Flow {
    /// More may come.
    Continue,
    /// The terminal event has been seen.
    Done,
    /// The upstream paused its turn and goes on when it is sent this body.
    Paused(Bytes),
    /// The stream cannot go on: its own error event, or bytes that make no sense.
    Broken(ApiError),
    /// The upstream's own error event, already in the client's dialect and among the bytes.
    Failed,
}

/// Where the next bytes come from.
enum Source {
    Upstream(UpstreamBody),
    /// The upstream has been asked to go on with a paused turn.
    Continuing(BoxFuture<'static, Continued>),
    /// The answer is whole and being kept; these are its last bytes.
    Keeping(BoxFuture<'static, ()>, Bytes),
    /// Nothing more is wanted of the upstream.
    Closed,
}

/// How long a stream may be silent.
#[derive(Clone, Copy, Debug)]
struct Patience {
    idle: Duration,
    ping: Duration,
}

/// A streamed answer on its way. Dropping it closes the upstream and settles the attempt.
pub(crate) struct StreamBody<R: Relay> {
    source: Source,
    errands: Errands,
    relay: R,
    ready: Bytes,
    settlement: Settlement,
    patience: Patience,
    last_chunk: Instant,
    last_sent: Instant,
    /// Fires at the earliest moment at which something may be due; set anew only when it fires.
    alarm: Option<Pin<Box<Sleep>>>,
    drain: CancellationToken,
    drain_deadline: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<R: Relay> StreamBody<R> {
    /// Reads the upstream until its first event that means something, so that a failure before it can still be told by
    /// a status.
    ///
    /// # Errors
    /// When the stream fails, breaks off or stays silent before that event.
    pub(crate) async fn open(
        gateway: &Parts,
        upstream: UpstreamBody,
        relay: R,
        settlement: Settlement,
    ) -> Result<Self, (GatewayError, Settlement)> {
        Self::open_with(gateway, upstream, relay, settlement, Errands::default()).await
    }

    /// As [`StreamBody::open`], with what is to be done on the way.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn open_with(
        gateway: &Parts,
        upstream: UpstreamBody,
        relay: R,
        settlement: Settlement,
        errands: Errands,
    ) -> Result<Self, (GatewayError, Settlement)> {
        let patience =
            Patience { idle: gateway.settings.stream_idle_timeout, ping: gateway.settings.ping_interval };
        let drain = gateway.drain_deadline.clone();
        let mut body = Self::new(upstream, relay, settlement, errands, patience, drain);
        let limit = gateway.settings.stream_head_timeout;
        let started = match tokio::time::timeout(limit, body.read_until_started()).await {
            Ok(started) => started,
            Err(_) => Err(GatewayError::UpstreamTimeout { limit }),
        };
        match started {
            Ok(()) => Ok(body),
            Err(error) => Err((error, body.into_settlement())),
        }
    }

    fn new(
        upstream: UpstreamBody,
        relay: R,
        settlement: Settlement,
        errands: Errands,
        patience: Patience,
        drain: CancellationToken,
    ) -> Self {
        let now = Instant::now();
        Self {
            source: Source::Upstream(upstream),
            errands,
            relay,
            ready: Bytes::new(),
            settlement,
            patience,
            last_chunk: now,
            last_sent: now,
            alarm: None,
            drain_deadline: Box::pin(drain.clone().cancelled_owned()),
            drain,
        }
    }

    async fn read_until_started(&mut self) -> Result<(), GatewayError> {
        use http_body_util::BodyExt;
        let mut held = Vec::new();
        while !self.relay.has_started() {
            let Source::Upstream(upstream) = &mut self.source else { break };
            let relayed = match upstream.frame().await {
                Some(Ok(frame)) => self.relay.push(frame.into_data().unwrap_or_default()),
                Some(Err(error)) => return Err(GatewayError::broken_answer(error)),
                None => Relayed { bytes: self.relay.end()?, flow: Flow::Done },
            };
            held.extend_from_slice(&relayed.bytes);
            if !held.is_empty() && !matches!(relayed.flow, Flow::Broken(_)) {
                self.settlement.first_byte();
            }
            match relayed.flow {
                Flow::Continue => {}
                Flow::Broken(error) => return Err(error.into()),
                Flow::Done => {
                    let last = self.complete(std::mem::take(&mut held).into());
                    held = last.into();
                }
                Flow::Paused(next) => held.extend_from_slice(&self.go_on(next)),
                Flow::Failed => {
                    self.settlement.failed("upstream_stream_error");
                    self.finish(Outcome::BrokenOff);
                }
            }
        }
        self.last_chunk = Instant::now();
        self.ready = held.into();
        Ok(())
    }

    fn into_settlement(mut self) -> Settlement {
        self.note_usage();
        self.settlement.take()
    }

    fn note_usage(&mut self) {
        let (usage, stop_reason) = self.relay.usage();
        self.settlement.used(usage, stop_reason);
    }

    /// Lets the upstream go and closes the record.
    fn finish(&mut self, outcome: Outcome) {
        self.source = Source::Closed;
        self.note_usage();
        self.settlement.settle(outcome);
    }

    /// Asks the upstream to go on with a turn that it paused. The paused part has its record, the next gets another.
    fn go_on(&mut self, next: Bytes) -> Bytes {
        self.finish(Outcome::Complete);
        let Some(continues) = &self.errands.continues else {
            return self.break_off(&stream_error("the upstream paused its turn"), Outcome::BrokenOff);
        };
        self.source = Source::Continuing(continues(next));
        self.last_chunk = Instant::now();
        Bytes::new()
    }

    /// The answer is whole: closes the record, and holds the last bytes back until what is to be kept is kept.
    fn complete(&mut self, last: Bytes) -> Bytes {
        self.finish(Outcome::Complete);
        let (Some(keepsake), Some(keeps)) = (self.relay.keepsake(), &self.errands.keeps) else { return last };
        self.source = Source::Keeping(keeps(keepsake), last);
        self.last_chunk = Instant::now();
        Bytes::new()
    }

    fn on_continued(&mut self, answer: Continued) -> Bytes {
        match answer {
            Ok((upstream, settlement)) => {
                (self.source, self.settlement) = (Source::Upstream(upstream), settlement);
                self.last_chunk = Instant::now();
                Bytes::new()
            }
            Err(error) => {
                let shown = error.to_client();
                warn!(error.cause = %error, "a paused turn could not be continued");
                self.break_off(&shown, Outcome::BrokenOff)
            }
        }
    }

    /// Ends the stream with an error event; what was complete before it has been sent.
    fn break_off(&mut self, error: &ApiError, outcome: Outcome) -> Bytes {
        self.settlement.failed(error.code.as_deref().unwrap_or("upstream_stream_error"));
        self.finish(outcome);
        self.relay.error_event(error)
    }

    /// The next bytes for the client from the upstream's next move; empty when it was not worth telling.
    fn on_frame(&mut self, frame: Option<Result<Frame<Bytes>, reqwest::Error>>) -> Bytes {
        let relayed = match frame {
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { return Bytes::new() };
                self.last_chunk = Instant::now();
                self.relay.push(data)
            }
            Some(Err(error)) => {
                let error = error.without_url();
                warn!(error.cause = %error, "the upstream's stream broke off");
                Relayed {
                    bytes: Bytes::new(),
                    flow: Flow::Broken(stream_error("the upstream's stream broke off")),
                }
            }
            None => match self.relay.end() {
                Ok(bytes) => Relayed { bytes, flow: Flow::Done },
                Err(error) => Relayed { bytes: Bytes::new(), flow: Flow::Broken(error) },
            },
        };
        self.after(relayed)
    }

    fn after(&mut self, Relayed { bytes, flow }: Relayed) -> Bytes {
        if !bytes.is_empty() {
            self.settlement.first_byte();
        }
        match flow {
            Flow::Continue => bytes,
            Flow::Done => self.complete(bytes),
            Flow::Paused(next) => {
                let rest = self.go_on(next);
                if rest.is_empty() { bytes } else { [bytes, rest].concat().into() }
            }
            Flow::Failed => {
                self.settlement.failed("upstream_stream_error");
                self.finish(Outcome::BrokenOff);
                bytes
            }
            Flow::Broken(error) => {
                let event = self.break_off(&error, Outcome::BrokenOff);
                if bytes.is_empty() { event } else { [bytes, event].concat().into() }
            }
        }
    }

    /// What the source's next move means for the client.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        match &mut self.source {
            Source::Upstream(upstream) => {
                let frame = ready!(Pin::new(upstream).poll_frame(cx));
                Poll::Ready(self.on_frame(frame))
            }
            Source::Continuing(answer) => {
                let answer = ready!(answer.as_mut().poll(cx));
                Poll::Ready(self.on_continued(answer))
            }
            Source::Keeping(kept, last) => {
                ready!(kept.as_mut().poll(cx));
                let last = std::mem::take(last);
                self.source = Source::Closed;
                Poll::Ready(last)
            }
            Source::Closed => Poll::Ready(Bytes::new()),
        }
    }

    /// What silence calls for: nothing yet, a sign of life, or the end.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        if self.drain_deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(self.shut_down());
        }
        self.poll_alarm(cx)
    }

    /// Ends the stream because the gateway stops. An answer that is whole is not failed by it.
    fn shut_down(&mut self) -> Bytes {
        if let Source::Keeping(_, last) = &mut self.source {
            let last = std::mem::take(last);
            self.source = Source::Closed;
            return last;
        }
        let message = "the gateway is shutting down";
        let error = ApiError::new(503, ErrorKind::Overloaded, "gateway_shutting_down", message);
        self.break_off(&error, Outcome::ShutDown)
    }

    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        loop {
            let due = self.next_due();
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            ready!(alarm.as_mut().poll(cx));
            let now = Instant::now();
            let bytes = if now >= self.last_chunk + self.patience.idle {
                let error = stream_error("the upstream stopped sending");
                self.break_off(&error, Outcome::BrokenOff)
            } else if now >= self.last_sent.max(self.last_chunk) + self.patience.ping {
                self.last_sent = now;
                self.relay.ping().unwrap_or_default()
            } else {
                Bytes::new()
            };
            let due = self.next_due();
            if let Some(alarm) = &mut self.alarm {
                alarm.as_mut().reset(due);
            }
            if !bytes.is_empty() {
                return Poll::Ready(bytes);
            }
        }
    }

    fn next_due(&self) -> Instant {
        (self.last_chunk + self.patience.idle).min(self.last_sent.max(self.last_chunk) + self.patience.ping)
    }
}

impl<R: Relay> Body for StreamBody<R> {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        loop {
            if !this.ready.is_empty() {
                this.last_sent = Instant::now();
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.ready)))));
            }
            if matches!(this.source, Source::Closed) {
                // What was read before the end has been sent.
                return Poll::Ready(None);
            }
            if this.drain.is_cancelled() {
                // Also for an upstream so fast that it is never waited for.
                this.ready = this.shut_down();
                continue;
            }
            this.ready = match this.poll_source(cx) {
                Poll::Ready(bytes) => bytes,
                Poll::Pending => ready!(this.poll_patience(cx)),
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Closed) && self.ready.is_empty()
    }
}

impl<R: Relay> Drop for StreamBody<R> {
    fn drop(&mut self) {
        self.note_usage();
    }
}

fn stream_error(message: &str) -> ApiError {
    ApiError::new(502, ErrorKind::Server, "upstream_stream_error", message.to_owned())
}
