//! `POST /v1/chat/completions`: OpenAI's dialect in and out, Messages upstream.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt;
use portcullis_provider::anthropic::accumulator::{Flow, MessageAccumulator};
use portcullis_provider::chat::response::to_completion;
use portcullis_provider::error::{ApiError, Dialect, rate_limit_headers};
use portcullis_provider::routes::CREATE_MESSAGE;
use portcullis_provider::{ChatRequest, ResponseContext, Target, Warnings, sse};
use portcullis_types::{Compliance, ModelId};

use crate::arrival::Arrival;
use crate::body::StreamBody;
use crate::body::translation::Translation;
use crate::error::GatewayError;
use crate::gateway::{Gateway, Parts};
use crate::inbound::check_query;
use crate::upstream::UpstreamBody;
use crate::way::send::{Head, read_answer};
use crate::way::{self, Admitted, Answer, Attempt, Outcome, Payload, Settlement};

const WARNINGS: HeaderName = HeaderName::from_static("x-portcullis-warnings");
const STRICT: HeaderName = HeaderName::from_static("x-portkey-strict-open-ai-compliance");

/// Answers a chat completion, whole or streamed.
pub(crate) async fn create_chat_completion(State(gateway): State<Gateway>, request: Request) -> Response {
    let gateway = gateway.parts();
    let arrival = Arrival::of(&request, Dialect::OpenAi, gateway.clock.as_ref());
    match gateway.until_deadline(complete(gateway, &arrival, request)).await {
        Ok(response) => response,
        Err(error) => error.into_response(&arrival),
    }
}

async fn complete(gateway: &Parts, arrival: &Arrival, request: Request) -> Result<Response, GatewayError> {
    let (client, body) = request.into_parts();
    check_query(client.uri.query(), &[])?;
    let (caller, body, snapshot) = way::receive(gateway, &client.headers, body).await?;
    let chat = ChatRequest::parse(&body)?.with_header_betas(way::client_betas(&client.headers));
    let (resolved, model) = way::resolve(caller, &client.headers, &snapshot, chat.model())?;
    let admitted = way::admit(resolved, CREATE_MESSAGE)?;
    drop(snapshot);

    let mut options = gateway.settings.translation;
    if let Some(compliance) = asked_compliance(&client.headers) {
        options.compliance = compliance;
    }
    let translated = chat.into_messages(&Target::embedded(&model, options))?;
    let payload = Payload::translated(
        &client.headers,
        translated.body,
        translated.upstream_streams,
        &translated.betas,
    )?;
    let mut response = answer(gateway, arrival, &admitted, &payload, translated.context).await?;
    decorate(response.headers_mut(), arrival, &translated.warnings, &model);
    Ok(response)
}

/// `x-portkey-strict-open-ai-compliance: true` leaves out every field that OpenAI does not know, `false` brings all.
fn asked_compliance(headers: &HeaderMap) -> Option<Compliance> {
    let value = headers.get(STRICT)?.as_bytes();
    let is = |text: &[u8]| value.eq_ignore_ascii_case(text);
    match (is(b"true"), is(b"false")) {
        (true, _) => Some(Compliance::Strict),
        (_, true) => Some(Compliance::Everything),
        _ => None,
    }
}

fn decorate(headers: &mut HeaderMap, arrival: &Arrival, warnings: &Warnings, model: &ModelId) {
    arrival.stamp(headers);
    if let Some(value) = warnings.header_value().and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(WARNINGS, value);
    }
    if let Ok(value) = HeaderValue::from_str(model.as_str()) {
        headers.insert("x-portcullis-model", value);
    }
}

async fn answer(
    gateway: &Parts,
    arrival: &Arrival,
    admitted: &Admitted,
    payload: &Payload,
    context: ResponseContext,
) -> Result<Response, GatewayError> {
    let endpoint = gateway.upstream.endpoint(&admitted.provider.platform.region);
    let attempt = Attempt::new(admitted, payload, &endpoint);
    let (answer, settlement) = way::dispatch(gateway, arrival, &attempt, context.client_streams).await?;
    let (head, body) = match answer {
        Answer::Success(head, body) => (head, body),
        Answer::Failure(head, error, _) => {
            return Ok(refuse(arrival, &head, settlement, &error.to_openai(&context)));
        }
    };
    let mut response = if !head.is_event_stream() {
        whole(gateway, arrival, body, &context, settlement).await?
    } else if context.client_streams {
        streamed(gateway, arrival, body, context, settlement).await?
    } else {
        aggregated(gateway, arrival, body, &context, settlement).await?
    };
    copy_upstream_headers(gateway, &head, response.headers_mut());
    Ok(response)
}

fn refuse(arrival: &Arrival, head: &Head, mut settlement: Settlement, error: &ApiError) -> Response {
    settlement.failed(error.code.as_deref().unwrap_or(""));
    settlement.settle(Outcome::Refused);
    let mut response = crate::error::respond(error, arrival);
    if let Some(id) = head.headers.get("request-id") {
        response.headers_mut().insert("request-id", id.clone());
    }
    response
}

/// The upstream answered at once: one message, translated.
async fn whole(
    gateway: &Parts,
    arrival: &Arrival,
    body: UpstreamBody,
    context: &ResponseContext,
    settlement: Settlement,
) -> Result<Response, GatewayError> {
    match read_answer(gateway, body).await {
        Ok(_) if context.client_streams => Err(settlement.refused(GatewayError::NotAsAsked)),
        Ok(message) => complete_with(arrival, &message, context, settlement),
        Err(error) => Err(settlement.refused(error)),
    }
}

fn complete_with(
    arrival: &Arrival,
    message: &[u8],
    context: &ResponseContext,
    mut settlement: Settlement,
) -> Result<Response, GatewayError> {
    let completion = match to_completion(message, context, arrival.created) {
        Ok(completion) => completion,
        Err(error) => return Err(settlement.refused(error.into())),
    };
    settlement.first_byte();
    settlement.used(&completion.usage, completion.stop_reason.as_deref());
    settlement.settle(Outcome::Complete);
    let mut response = Response::new(Body::from(completion.body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The upstream streams, the client does not: the stream is put together first.
async fn aggregated(
    gateway: &Parts,
    arrival: &Arrival,
    body: UpstreamBody,
    context: &ResponseContext,
    settlement: Settlement,
) -> Result<Response, GatewayError> {
    let mut aggregation = Aggregation { message: MessageAccumulator::new(), settlement };
    let limit = gateway.settings.answer_timeout;
    let read = tokio::time::timeout(limit, aggregation.read(gateway, body)).await;
    aggregation.note_usage();
    let (message, settlement) = (std::mem::take(&mut aggregation.message), aggregation.settlement.take());
    let read = read.unwrap_or(Err(GatewayError::UpstreamTimeout { limit }));
    match read.and_then(|()| Ok(message.finish()?)) {
        Ok(message) => complete_with(arrival, &message, context, settlement),
        Err(error) => Err(settlement.refused(error)),
    }
}

/// A message that is being put together. What was counted is noted also when it never becomes whole.
struct Aggregation {
    message: MessageAccumulator,
    settlement: Settlement,
}

impl Aggregation {
    async fn read(&mut self, gateway: &Parts, mut body: UpstreamBody) -> Result<(), GatewayError> {
        let mut decoder = sse::Decoder::new(gateway.settings.max_event_bytes);
        let (patience, limit) = (gateway.settings.stream_idle_timeout, gateway.settings.max_answer_bytes);
        let (mut n_bytes, mut done) = (0, false);
        while !done {
            let frame = tokio::time::timeout(patience, body.frame()).await;
            let frame = frame.map_err(|_| GatewayError::UpstreamTimeout { limit: patience })?;
            let Some(frame) = frame else { break };
            let data: Bytes = frame.map_err(GatewayError::broken_answer)?.into_data().unwrap_or_default();
            n_bytes += data.len();
            if n_bytes > limit {
                return Err(GatewayError::AnswerTooLarge { limit });
            }
            decoder.push(&data, |event| {
                done |= matches!(self.message.push(event)?, Flow::Done);
                Ok::<_, GatewayError>(())
            })?;
        }
        Ok(())
    }

    fn note_usage(&mut self) {
        self.settlement.used(self.message.usage(), None);
    }
}

impl Drop for Aggregation {
    fn drop(&mut self) {
        self.note_usage();
    }
}

/// Both stream.
async fn streamed(
    gateway: &Parts,
    arrival: &Arrival,
    body: UpstreamBody,
    context: ResponseContext,
    settlement: Settlement,
) -> Result<Response, GatewayError> {
    let relay = Translation::new(context, arrival.created, gateway.settings.max_event_bytes);
    let body = match StreamBody::open(gateway, body, relay, settlement).await {
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
