//! An answer as a script: bytes, pauses, and the ways in which a connection can die.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::journal::{EarlyClose, unix_ms};
use crate::server::ConnectionControl;
use crate::state::State;

/// Long enough for the bytes before it to be sent and read before the connection dies.
const BEFORE_THE_END: Duration = Duration::from_millis(20);

/// One step of an answer's body.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Bytes(Bytes),
    Pause(Duration),
    /// TCP reset.
    Reset,
    /// The connection is closed with the body unfinished.
    Cut,
    /// Nothing more, and the connection stays open.
    Stall,
}

/// Status, headers and the script of the body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) pieces: VecDeque<Piece>,
    /// The `content-length` to announce; `None` is chunked.
    pub(crate) length: Option<u64>,
    /// Never sent: the client waits for the first byte.
    pub(crate) silent: bool,
    /// The connection is reset after this many bytes, head included.
    pub(crate) reset_after: Option<usize>,
}

impl Answer {
    pub(crate) fn whole(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            length: Some(u64::try_from(body.len()).unwrap_or(u64::MAX)),
            pieces: VecDeque::from([Piece::Bytes(body)]),
            silent: false,
            reset_after: None,
        }
    }

    pub(crate) fn events(pieces: VecDeque<Piece>) -> Self {
        let headers = vec![
            ("content-type", "text/event-stream; charset=utf-8".to_owned()),
            ("cache-control", "no-cache".to_owned()),
        ];
        Self { status: 200, headers, pieces, length: None, silent: false, reset_after: None }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn into_response(
        self,
        connection: ConnectionControl,
        guard: Option<AnswerGuard>,
    ) -> Response<ScriptedBody> {
        let body =
            ScriptedBody { pieces: self.pieces, remaining: self.length, sleep: None, connection, guard };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

/// The body of an [`Answer`].
#[derive(Debug)]
pub(crate) struct ScriptedBody {
    pieces: VecDeque<Piece>,
    remaining: Option<u64>,
    sleep: Option<Pin<Box<Sleep>>>,
    connection: ConnectionControl,
    guard: Option<AnswerGuard>,
}

/// The script says that the connection dies here.
#[derive(Debug, thiserror::Error)]
#[error("the script ends the connection here")]
pub(crate) struct ScriptedEnd;

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = ScriptedEnd;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ScriptedEnd>>> {
        let this = self.get_mut();
        loop {
            if let Some(sleep) = this.sleep.as_mut() {
                ready!(sleep.as_mut().poll(context));
                this.sleep = None;
            }
            match this.pieces.pop_front() {
                None => {
                    this.finish();
                    return Poll::Ready(None);
                }
                Some(Piece::Bytes(bytes)) => {
                    if let Some(guard) = this.guard.as_mut() {
                        guard.pieces_sent += 1;
                    }
                    let sent = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    this.remaining = this.remaining.map(|remaining| remaining.saturating_sub(sent));
                    if this.pieces.is_empty() {
                        this.finish();
                    }
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Piece::Pause(pause)) => this.sleep = Some(Box::pin(tokio::time::sleep(pause))),
                Some(piece @ (Piece::Reset | Piece::Cut)) if !this.connection.is_ending() => {
                    this.connection.begin_end();
                    this.pieces.push_front(piece);
                    this.sleep = Some(Box::pin(tokio::time::sleep(BEFORE_THE_END)));
                }
                Some(piece @ (Piece::Reset | Piece::Cut)) => {
                    this.finish();
                    if matches!(piece, Piece::Reset) {
                        this.connection.reset_now();
                    }
                    return Poll::Ready(Some(Err(ScriptedEnd)));
                }
                // The waker is the connection's own: it wakes when the client leaves.
                Some(Piece::Stall) => {
                    this.pieces.push_front(Piece::Stall);
                    return Poll::Pending;
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl ScriptedBody {
    fn finish(&mut self) {
        if let Some(guard) = self.guard.as_mut() {
            guard.finished = true;
        }
    }
}

/// Counts an answer as open until it is dropped; dropped unfinished means that the client left.
#[derive(Debug)]
pub(crate) struct AnswerGuard {
    state: Arc<State>,
    request_id: String,
    pieces_sent: u64,
    pub(crate) finished: bool,
}

impl AnswerGuard {
    pub(crate) fn open(state: &Arc<State>, request_id: &str) -> Self {
        state.journal.count(|counters| {
            counters.platform_calls += 1;
            counters.open_answers += 1;
        });
        Self { state: Arc::clone(state), request_id: request_id.to_owned(), pieces_sent: 0, finished: false }
    }
}

impl Drop for AnswerGuard {
    fn drop(&mut self) {
        let at_ms = unix_ms(self.state.now());
        self.state.journal.count(|counters| {
            counters.open_answers = counters.open_answers.saturating_sub(1);
            if self.finished {
                counters.finished_answers += 1;
            } else {
                let request_id = std::mem::take(&mut self.request_id);
                counters.closed_early.push(EarlyClose { at_ms, request_id, pieces_sent: self.pieces_sent });
            }
        });
    }
}
