//! What a connection is doing, and how long it may go on doing it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::ServerLimits;

/// No such moment yet.
const NEVER: u64 = u64::MAX;
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2";

/// Moments of one connection, in milliseconds since it was opened.
#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    in_flight: AtomicUsize,
    has_served: AtomicBool,
    is_http2: AtomicBool,
    /// Set when the drain begins: the connection ends with the next answer.
    is_last_answer: AtomicBool,
    /// When the last request ended, or the connection began.
    quiet_since: AtomicU64,
    /// When the head of the next request began to come.
    head_since: AtomicU64,
    /// Since when the client takes nothing of what is sent.
    stalled_since: AtomicU64,
    /// Set when its place is given to another connection.
    makes_room: AtomicBool,
    asked_to_make_room: Notify,
}

/// What is to be done about a connection now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Look again then.
    Wait(Instant),
    /// It has used up its time.
    Close,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            in_flight: AtomicUsize::new(0),
            has_served: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            is_last_answer: AtomicBool::new(false),
            quiet_since: AtomicU64::new(0),
            head_since: AtomicU64::new(NEVER),
            stalled_since: AtomicU64::new(NEVER),
            makes_room: AtomicBool::new(false),
            asked_to_make_room: Notify::new(),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }

    fn at(&self, moment: u64, plus: Duration) -> Instant {
        self.opened + Duration::from_millis(moment) + plus
    }

    /// A request's head is complete. The request lasts as long as the guard.
    pub(super) fn begin_request(self: &Arc<Self>, protocol: Version) -> RequestGuard {
        self.in_flight.fetch_add(1, Relaxed);
        self.has_served.store(true, Relaxed);
        self.head_since.store(NEVER, Relaxed);
        if protocol == Version::HTTP_2 {
            self.is_http2.store(true, Relaxed);
        }
        RequestGuard(Arc::clone(self))
    }

    /// What is left of a refused request's body is still being read, for as long as the guard lasts.
    pub(super) fn begin_lingering(self: &Arc<Self>) -> RequestGuard {
        self.in_flight.fetch_add(1, Relaxed);
        RequestGuard(Arc::clone(self))
    }

    /// Whether the client speaks HTTP/2, as far as it has spoken.
    pub(super) fn is_http2(&self) -> bool {
        self.is_http2.load(Relaxed)
    }

    /// Whether all there is of the next request is a part of its head, and nothing of an answer is left to send.
    pub(super) fn is_within_a_head(&self) -> bool {
        let none = |moment: &AtomicU64| moment.load(Relaxed) == NEVER;
        self.in_flight.load(Relaxed) == 0
            && !self.is_http2()
            && !none(&self.head_since)
            && none(&self.stalled_since)
    }

    /// Since when the connection has had nothing to do. `None` when it has, or was told to make room already.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let is_never = |moment: &AtomicU64| moment.load(Relaxed) == NEVER;
        let is_idle = self.in_flight.load(Relaxed) == 0
            && is_never(&self.stalled_since)
            && (self.is_http2() || is_never(&self.head_since))
            && !self.makes_room.load(Relaxed);
        is_idle.then(|| self.at(self.quiet_since.load(Relaxed), Duration::ZERO))
    }

    /// Its place is wanted by another connection.
    pub(super) fn make_room(&self) {
        self.makes_room.store(true, Relaxed);
        self.asked_to_make_room.notify_one();
    }

    /// Waits for [`Activity::make_room`].
    pub(super) async fn asked_to_make_room(&self) {
        self.asked_to_make_room.notified().await;
    }

    /// From now on each answer says that it is the connection's last.
    pub(super) fn end_with_next_answer(&self) {
        self.is_last_answer.store(true, Relaxed);
    }

    /// Whether the answer that is about to be sent is the connection's last.
    pub(super) fn is_last_answer(&self) -> bool {
        self.is_last_answer.load(Relaxed)
    }

    fn on_read(&self, bytes: &[u8]) {
        if self.in_flight.load(Relaxed) > 0 || bytes.is_empty() {
            return;
        }
        if !self.has_served.load(Relaxed) && bytes.starts_with(HTTP2_PREFACE) {
            self.is_http2.store(true, Relaxed);
        }
        let _ = self.head_since.compare_exchange(NEVER, self.now(), Relaxed, Relaxed);
    }

    fn on_write(&self, stalled: bool) {
        if !stalled {
            self.stalled_since.store(NEVER, Relaxed);
        } else if self.stalled_since.load(Relaxed) == NEVER {
            self.stalled_since.store(self.now(), Relaxed);
        }
    }

    /// Whether the connection may go on, at `now`.
    pub(super) fn verdict(&self, limits: &ServerLimits, now: Instant) -> Verdict {
        // A shorter limit may begin to count meanwhile, of a head that comes or a client that stops reading.
        let next_look = now + limits.head.min(limits.write_stall).min(limits.keep_alive);
        match self.deadline(limits) {
            Some(deadline) if deadline <= now => Verdict::Close,
            Some(deadline) => Verdict::Wait(deadline.min(next_look)),
            None => Verdict::Wait(next_look),
        }
    }

    fn deadline(&self, limits: &ServerLimits) -> Option<Instant> {
        let stalled = self.stalled_since.load(Relaxed);
        if stalled != NEVER {
            return Some(self.at(stalled, limits.write_stall));
        }
        if self.in_flight.load(Relaxed) > 0 {
            return None;
        }
        let head = self.head_since.load(Relaxed);
        if head != NEVER && !self.is_http2.load(Relaxed) {
            return Some(self.at(head, limits.head));
        }
        let patience = if self.has_served.load(Relaxed) { limits.keep_alive } else { limits.first_byte };
        Some(self.at(self.quiet_since.load(Relaxed), patience))
    }
}

/// A request that is being answered. Dropped when the answer's last byte is handed over, or nobody wants it any more.
#[derive(Debug)]
pub(super) struct RequestGuard(Arc<Activity>);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.quiet_since.store(self.0.now(), Relaxed);
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

/// A socket that tells its [`Activity`] what passes.
pub(super) struct WatchedStream {
    pub(super) stream: TcpStream,
    pub(super) activity: Arc<Activity>,
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if polled.is_ready() {
            self.activity.on_read(&buf.filled()[before..]);
        }
        polled
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.activity.on_write(polled.is_pending());
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.activity.on_write(polled.is_pending());
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn closes_after(activity: &Activity, limits: &ServerLimits, expected: Duration) {
        let start = Instant::now();
        let just_before = start + expected - Duration::from_millis(2);
        assert_ne!(activity.verdict(limits, just_before), Verdict::Close);
        assert_eq!(activity.verdict(limits, start + expected), Verdict::Close);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_gets_the_first_byte_limit_and_a_used_one_the_keep_alive() {
        let (activity, limits) = (Activity::new(), ServerLimits::default());
        closes_after(&activity, &limits, limits.first_byte);
        drop(activity.begin_request(Version::HTTP_11));
        closes_after(&activity, &limits, limits.keep_alive);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_stops_on_a_used_connection_is_not_given_the_keep_alive() {
        let (activity, limits) = (Activity::new(), ServerLimits::default());
        drop(activity.begin_request(Version::HTTP_11));
        let Verdict::Wait(next_look) = activity.verdict(&limits, Instant::now()) else { panic!("not yet") };
        activity.on_read(b"POST ");
        assert!(
            next_look <= Instant::now() + limits.head,
            "the next look comes in time for the head's limit"
        );
        closes_after(&activity, &limits, limits.head);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_drips_in_has_one_limit_from_its_first_byte() {
        let (activity, limits) = (Activity::new(), ServerLimits::default());
        activity.on_read(b"POST ");
        advance(Duration::from_secs(9)).await;
        activity.on_read(b"/v1");
        closes_after(&activity, &limits, Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_in_flight_is_left_alone_unless_its_client_stops_reading() {
        let (activity, limits) = (Activity::new(), ServerLimits::default());
        let guard = activity.begin_request(Version::HTTP_11);
        advance(Duration::from_secs(3600)).await;
        assert!(matches!(activity.verdict(&limits, Instant::now()), Verdict::Wait(_)));
        activity.on_write(true);
        closes_after(&activity, &limits, limits.write_stall);
        activity.on_write(false);
        assert!(matches!(activity.verdict(&limits, Instant::now()), Verdict::Wait(_)));
        drop(guard);
    }

    #[tokio::test(start_paused = true)]
    async fn frames_between_requests_do_not_count_as_a_head_on_http2() {
        let (activity, limits) = (Activity::new(), ServerLimits::default());
        activity.on_read(b"PRI * HT");
        activity.on_read(b"TP/2.0\r\n\r\nSM\r\n\r\n");
        drop(activity.begin_request(Version::HTTP_2));
        activity.on_read(b"\0\0\x08\x06");
        closes_after(&activity, &limits, limits.keep_alive);
    }
}
