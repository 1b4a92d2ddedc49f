//! `POST /v1/messages`: Anthropic's own dialect. The client's bytes go upstream but for the model's value, and the
//! upstream's bytes come back.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderName};
use portcullis_provider::Envelope;
use portcullis_provider::anthropic::summary::MessageSummary;
use portcullis_provider::error::Dialect;

use crate::body::StreamBody;
use crate::body::pass_through::PassThrough;
use crate::error::GatewayError;
use crate::inbound::{Arrival, read_json_body};
use crate::settings::{Gateway, Parts};
use crate::way::send::{Head, read_answer};
use crate::way::{self, Admitted, Answer, Attempt, Outcome, Payload, Settlement};

/// What of an answer's headers concerns a client. Framing is ours, the rest is the upstream's own business.
const FORWARDED: [&str; 6] =
    ["content-type", "request-id", "retry-after", "retry-after-ms", "x-should-retry", "x-amzn-requestid"];

/// Answers a message, whole or streamed.
pub(crate) async fn create_message(State(gateway): State<Gateway>, request: Request) -> Response {
    let gateway = gateway.parts();
    let arrival = Arrival::of(request.headers(), Dialect::Anthropic, gateway.clock.as_ref());
    match gateway.until_deadline(relay(gateway, &arrival, request)).await {
        Ok(response) => response,
        Err(error) => error.into_response(&arrival),
    }
}

async fn relay(gateway: &Parts, arrival: &Arrival, request: Request) -> Result<Response, GatewayError> {
    let (client, body) = request.into_parts();
    let snapshot = gateway.catalog.snapshot();
    let now = gateway.clock.now();
    let caller = way::authenticate(&client.headers, &snapshot, now)?;
    let body = read_json_body(&client.headers, body, gateway.settings.max_request_bytes).await?;
    let envelope = Envelope::scan(&body)?;
    let resolved = way::resolve(caller, &client.headers, &snapshot, &envelope.model)?;
    let admitted = way::admit(resolved)?;
    drop(snapshot);

    let body = envelope.splice_model(&body, &admitted.model);
    let payload = Payload::passed_through(&client.headers, client.uri.query(), body, envelope.stream)?;
    let mut response = answer(gateway, arrival, &admitted, &payload).await?;
    arrival.stamp(response.headers_mut());
    Ok(response)
}

async fn answer(
    gateway: &Parts,
    arrival: &Arrival,
    admitted: &Admitted,
    payload: &Payload,
) -> Result<Response, GatewayError> {
    let endpoint = gateway.upstream.endpoint(&admitted.provider.platform.region);
    let attempt = Attempt { admitted, payload, endpoint: &endpoint };
    let mut settlement = Settlement::open(arrival, admitted, payload.streams);
    match way::dispatch(gateway, &attempt).await {
        Ok(Answer::Success(head, body)) => {
            settlement.answered(&head);
            let body = if head.is_event_stream() {
                streamed(gateway, arrival, body, settlement).await?
            } else {
                whole(gateway, body, settlement).await?
            };
            Ok(with_head(&head, body))
        }
        Ok(Answer::Failure(head, error, body)) => {
            settlement.answered(&head);
            settlement.failed(error.cause().code());
            settlement.settle(Outcome::Refused);
            Ok(with_head(&head, Body::from(body)))
        }
        Err(error) => Err(settlement.refused(error)),
    }
}

/// A whole answer is read before its head is sent, so that one that breaks off is a failure and not half a message.
async fn whole(
    gateway: &Parts,
    body: reqwest::Body,
    mut settlement: Settlement,
) -> Result<Body, GatewayError> {
    let message = match read_answer(gateway, body).await {
        Ok(message) => message,
        Err(error) => return Err(settlement.refused(error)),
    };
    match MessageSummary::of(&message) {
        Ok(summary) => {
            settlement.first_byte();
            settlement.used(&summary.usage, summary.stop_reason.as_deref());
            settlement.settle(Outcome::Complete);
            Ok(Body::from(message))
        }
        Err(error) => Err(settlement.refused(error.into())),
    }
}

async fn streamed(
    gateway: &Parts,
    arrival: &Arrival,
    body: reqwest::Body,
    settlement: Settlement,
) -> Result<Body, GatewayError> {
    let relay = PassThrough::new(arrival.request_id.to_string(), gateway.settings.max_event_bytes);
    match StreamBody::open(gateway, body, relay, settlement).await {
        Ok(body) => Ok(Body::new(body)),
        Err((error, settlement)) => Err(settlement.refused(error)),
    }
}

fn with_head(head: &Head, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    copy_headers(&head.headers, response.headers_mut());
    response
}

fn copy_headers(from: &HeaderMap, to: &mut HeaderMap) {
    let is_forwarded =
        |name: &HeaderName| FORWARDED.contains(&name.as_str()) || name.as_str().starts_with("anthropic-");
    for (name, value) in from.iter().filter(|(name, _)| is_forwarded(name)) {
        to.append(name.clone(), value.clone());
    }
}
