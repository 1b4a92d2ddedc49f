//! A translated request's way to the upstream and back, in whichever dialect the client speaks.
//!
//! What a dialect makes of an answer is its [`WayBack`]; that the upstream may stream where the client does not, may pause
//! its turn, or may fail, is the same for all and stands here.

mod aggregation;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_provider::ResponseContext;
use portcullis_provider::anthropic::accumulator::MessageAccumulator;
use portcullis_provider::anthropic::summary::MessageSummary;
use portcullis_provider::envelope::made::in_message;
use portcullis_provider::error::{ApiError, UpstreamError, rate_limit_headers};
use portcullis_provider::usage::Usage;

use crate::anthropic::made::Keeper;
use crate::arrival::Arrival;
use crate::body::StreamBody;
use crate::body::errands::{Continue, Continued, Errands, Keep, Keepsake};
use crate::body::translation::{Translates, Translation};
use crate::content::Content;
use crate::error::GatewayError;
use crate::gateway::{Gateway, Parts};
use crate::retirement;
use crate::upstream::UpstreamBody;
use crate::way::send::{Head, read_answer};
use crate::way::{self, Admitted, Answer, Attempt, Outcome, Payload, Settlement};

/// What a dialect makes of an answer.
pub(crate) trait WayBack: Send + Sync + 'static {
    /// What translates a stream.
    type Stream: Translates;

    /// Whether the client asked for a stream.
    fn streams(&self) -> bool;

    /// An upstream's refusal in the client's terms.
    fn refusal(&self, error: &UpstreamError) -> ApiError;

    /// How often a turn that the upstream pauses is continued.
    fn continuations(&self) -> u8;

    /// A whole message, translated.
    ///
    /// # Errors
    /// When it is no message.
    fn whole(&self, message: &[u8]) -> Result<Whole, ApiError>;

    /// A translation of the stream that is about to come.
    fn stream(&self) -> Self::Stream;

    /// What keeps answers, where any are kept.
    fn keeper(&self) -> Option<Keep> {
        None
    }
}

/// A whole answer in the client's dialect.
pub(crate) struct Whole {
    pub(crate) body: Vec<u8>,
    pub(crate) usage: Usage,
    pub(crate) stop_reason: Option<String>,
    pub(crate) keepsake: Option<Keepsake>,
}

/// A request on its way, with all that it takes to send more of it.
pub(crate) struct Exchange {
    pub(crate) gateway: Gateway,
    pub(crate) arrival: Arrival,
    pub(crate) admitted: Admitted,
    pub(crate) payload: Payload,
    /// What was lost in the translation, for the record.
    pub(crate) warnings: Option<Arc<str>>,
}

impl Exchange {
    /// Sends the request and brings the answer back.
    ///
    /// # Errors
    /// When nothing that can be told by the dialect's own refusal came back.
    pub(crate) async fn answer(self: Arc<Self>, way_back: impl WayBack) -> Result<Response, GatewayError> {
        let (answer, settlement) = self.send(&self.payload, way_back.streams()).await?;
        let (head, body) = match answer {
            Answer::Success(head, body) => (head, body),
            Answer::Failure(head, error, _) => {
                let mut refusal = way_back.refusal(&error);
                if let Some(model) = &self.admitted.model {
                    refusal = retirement::with_nearest(self.gateway.parts(), refusal, model);
                }
                let mut response = refuse(&self.arrival, settlement, &refusal);
                copy_upstream_headers(self.gateway.parts(), &head, response.headers_mut());
                return Ok(response);
            }
        };
        if way_back.streams() && !head.is_event_stream() {
            return Err(settlement.refused(GatewayError::NotAsAsked));
        }
        let mut response = if way_back.streams() {
            self.streamed(body, &way_back, settlement).await?
        } else {
            self.whole(&head, body, &way_back, settlement).await?
        };
        copy_upstream_headers(self.gateway.parts(), &head, response.headers_mut());
        Ok(response)
    }

    async fn send(
        &self,
        payload: &Payload,
        client_streams: bool,
    ) -> Result<(Answer, Settlement), GatewayError> {
        let gateway = self.gateway.parts();
        let endpoint = gateway.upstream.endpoint(&self.admitted.provider.platform.region);
        let attempt = Attempt::new(&self.admitted, payload, &endpoint);
        let (answer, mut settlement) =
            way::dispatch(gateway, &self.arrival, &attempt, client_streams).await?;
        if let Some(warnings) = &self.warnings {
            settlement.translated(Arc::clone(warnings));
        }
        Ok((answer, settlement))
    }

    /// Sends the body that makes the upstream go on with a turn it paused.
    async fn go_on(
        &self,
        body: Bytes,
        client_streams: bool,
    ) -> Result<(Head, UpstreamBody, Settlement), GatewayError> {
        let payload = Payload { content: Content::json(body), ..self.payload.clone() };
        match self.send(&payload, client_streams).await? {
            (Answer::Success(head, body), settlement) => Ok((head, body, settlement)),
            (Answer::Failure(_, error, _), mut settlement) => {
                settlement.failed(error.cause().code());
                settlement.settle(Outcome::Refused);
                Err(error.to_openai(&ResponseContext::default()).into())
            }
        }
    }

    async fn whole(
        &self,
        head: &Head,
        body: UpstreamBody,
        way_back: &impl WayBack,
        settlement: Settlement,
    ) -> Result<Response, GatewayError> {
        let gateway = self.gateway.parts();
        let (message, settlement) = read(gateway, head, body, settlement).await?;
        let may_go_on = way_back.continuations() > 0 && may_be_paused(&message);
        let (message, part, mut settlement) = match may_go_on {
            true => self.to_its_end(message, settlement, way_back.continuations()).await?,
            false => (message.clone(), message, settlement),
        };
        let whole = match way_back.whole(&message) {
            Ok(whole) => whole,
            Err(error) => return Err(settlement.refused(error.into())),
        };
        settlement.first_byte();
        if may_go_on {
            note(&part, &mut settlement);
        } else {
            settlement.used(&whole.usage, whole.stop_reason.as_deref());
        }
        settlement.settle(Outcome::Complete);
        let made = in_message(&message);
        if !made.is_empty()
            && let Some(kept) = self.keeper().keep(made)
        {
            drop(kept.await);
        }
        if let (Some(keepsake), Some(keep)) = (whole.keepsake, way_back.keeper()) {
            keep(keepsake).await;
        }
        let mut response = Response::new(Body::from(whole.body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }

    /// Has a paused turn continued. Returns the message that all its parts come to, and the last part with its record.
    async fn to_its_end(
        &self,
        message: Bytes,
        mut settlement: Settlement,
        continuations: u8,
    ) -> Result<(Bytes, Bytes, Settlement), GatewayError> {
        let gateway = self.gateway.parts();
        let mut whole = MessageAccumulator::new().with_continuations(continuations);
        let mut part = message;
        loop {
            let paused = match whole.push_message(&part) {
                Ok(_) => whole.paused(),
                Err(error) => return Err(settlement.refused(error.into())),
            };
            let Some(turn) = paused else { break };
            note(&part, &mut settlement);
            settlement.settle(Outcome::Complete);
            whole.resume();
            let (head, body, open) = self.go_on(turn.next_body(&self.sent()).into(), false).await?;
            (part, settlement) = read(gateway, &head, body, open).await?;
        }
        match whole.finish() {
            Ok(message) => Ok((message.into(), part, settlement)),
            Err(error) => Err(settlement.refused(error.into())),
        }
    }

    async fn streamed(
        self: &Arc<Self>,
        body: UpstreamBody,
        way_back: &impl WayBack,
        settlement: Settlement,
    ) -> Result<Response, GatewayError> {
        let gateway = self.gateway.parts();
        let keeper = self.keeper();
        let relay = Translation::new(way_back.stream(), self.sent(), gateway.settings.max_event_bytes)
            .telling(Box::new(move |made| drop(keeper.keep(made))));
        let may_go_on = way_back.continuations() > 0;
        let errands = Errands { continues: may_go_on.then(|| self.continues()), keeps: way_back.keeper() };
        let body = match StreamBody::open_with(gateway, body, relay, settlement, errands).await {
            Ok(body) => body,
            Err((error, settlement)) => return Err(settlement.refused(error)),
        };
        let mut response = Response::new(Body::new(body));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        Ok(response)
    }

    /// What asks the upstream of a stream to go on. It owns what it needs: a stream outlives its request.
    fn continues(self: &Arc<Self>) -> Continue {
        let exchange = Arc::clone(self);
        Box::new(move |body| {
            let exchange = Arc::clone(&exchange);
            async move { exchange.next_stream(body).await }.boxed()
        })
    }

    async fn next_stream(&self, body: Bytes) -> Continued {
        let (head, body, settlement) = self.go_on(body, true).await?;
        if head.is_event_stream() {
            Ok((body, settlement))
        } else {
            Err(settlement.refused(GatewayError::NotAsAsked))
        }
    }

    /// What records whose the files and containers of the answer are.
    fn keeper(&self) -> Keeper {
        Keeper::new(self.gateway.parts(), &self.arrival, &self.admitted)
    }

    fn sent(&self) -> Bytes {
        match &self.payload.content {
            Content::Bytes { bytes, .. } => bytes.clone(),
            Content::None | Content::Spooled { .. } => Bytes::new(),
        }
    }
}

/// Reads a message whole, put together if it comes as a stream.
async fn read(
    gateway: &Parts,
    head: &Head,
    body: UpstreamBody,
    settlement: Settlement,
) -> Result<(Bytes, Settlement), GatewayError> {
    if head.is_event_stream() {
        return aggregation::aggregate(gateway, body, settlement).await;
    }
    match read_answer(gateway, body).await {
        Ok(message) => Ok((message, settlement)),
        Err(error) => Err(settlement.refused(error)),
    }
}

/// Whether it is worth looking: most messages are not paused, and need not be read twice.
fn may_be_paused(message: &[u8]) -> bool {
    memchr::memmem::find(message, b"\"pause_turn\"").is_some()
}

/// Notes what one part of a turn that was paused used.
fn note(part: &[u8], settlement: &mut Settlement) {
    if let Ok(summary) = MessageSummary::of(part) {
        settlement.used(&summary.usage, summary.stop_reason.as_deref());
    }
}

fn refuse(arrival: &Arrival, mut settlement: Settlement, error: &ApiError) -> Response {
    settlement.failed(error.code.as_deref().unwrap_or(""));
    settlement.settle(Outcome::Refused);
    crate::error::respond(error, arrival)
}

/// What a client of OpenAI's reads of limits, and the upstream's own headers beside it.
fn copy_upstream_headers(gateway: &Parts, head: &Head, headers: &mut HeaderMap) {
    for (name, value) in &head.headers {
        if name == "request-id" || name.as_str().starts_with("anthropic-ratelimit-") {
            headers.insert(name.clone(), value.clone());
        }
    }
    let of_upstream = |name: &str| head.header(name).map(str::to_owned);
    for (name, text) in rate_limit_headers(&of_upstream, gateway.clock.now()) {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
