//! An upstream that answers at once and checks nothing, for benchmarks: what is measured must be the gateway.
//!
//! `mock_upstream ADDRESS`: a body with `"stream":true` gets 40 text deltas a millisecond apart, any other one message.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::time::{Interval, MissedTickBehavior};

const N_DELTAS: usize = 40;
const GAP: Duration = Duration::from_millis(1);

const MESSAGE: &str = r#"{"id":"msg_01Mock","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"The quick brown fox jumps over the lazy dog, and then it does so once more for good measure."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":24,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":22,"service_tier":"standard"}}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            // A load generator cuts its connections at the end of a round.
            let _ = connection.await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, Infallible>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    let streams = memchr::memmem::find(&body, br#""stream":true"#).is_some();
    let (kind, body) = if streams {
        ("text/event-stream; charset=utf-8", Events::new().boxed())
    } else {
        ("application/json", Full::new(Bytes::from_static(MESSAGE.as_bytes())).boxed())
    };
    let response = Response::builder().header(header::CONTENT_TYPE, kind).header("request-id", "req_mock");
    Ok(response.body(body).expect("the headers are constants"))
}

/// The events of one streamed answer.
struct Events {
    next: usize,
    clock: Interval,
}

impl Events {
    fn new() -> Self {
        let mut clock = tokio::time::interval(GAP);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { next: 0, clock }
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.next > N_DELTAS + 1 {
            return Poll::Ready(None);
        }
        ready!(self.clock.poll_tick(cx));
        let event = match self.next {
            0 => START,
            n if n <= N_DELTAS => DELTA,
            _ => END,
        };
        self.next += 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(event.as_bytes())))))
    }
}

const START: &str = concat!(
    "event: message_start\n",
    r#"data: {"type":"message_start","message":{"id":"msg_01Mock","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":24,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1,"service_tier":"standard"}}}"#,
    "\n\nevent: content_block_start\n",
    r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
    "\n\n",
);
const DELTA: &str = concat!(
    "event: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" several words of text"}}"#,
    "\n\n",
);
const END: &str = concat!(
    "event: content_block_stop\n",
    r#"data: {"type":"content_block_stop","index":0}"#,
    "\n\nevent: message_delta\n",
    r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":160}}"#,
    "\n\nevent: message_stop\n",
    r#"data: {"type":"message_stop"}"#,
    "\n\n",
);
