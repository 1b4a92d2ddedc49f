//! `POST /v1/messages`: Anthropic's own dialect. The client's bytes go upstream but for the model's value, and the
//! upstream's bytes come back.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use portcullis_provider::anthropic::summary::MessageSummary;
use portcullis_provider::error::{Dialect, UpstreamError};
use portcullis_provider::routes::CREATE_MESSAGE;
use portcullis_provider::{Envelope, ResponseContext};

use crate::arrival::Arrival;
use crate::body::StreamBody;
use crate::body::pass_through::PassThrough;
use crate::error::GatewayError;
use crate::gateway::{Gateway, Parts};
use crate::inbound::check_query;
use crate::upstream::UpstreamBody;
use crate::way::send::{Head, read_answer};
use crate::way::{self, Admitted, Answer, Attempt, Outcome, Payload, Settlement};

/// What of an answer's headers concerns a client. Framing is ours, the rest is the upstream's own business.
const FORWARDED: [&str; 5] =
    ["request-id", "retry-after", "retry-after-ms", "x-should-retry", "x-amzn-requestid"];

/// Answers a message, whole or streamed.
pub(crate) async fn create_message(State(gateway): State<Gateway>, request: Request) -> Response {
    let gateway = gateway.parts();
    let arrival = Arrival::of(&request, Dialect::Anthropic, gateway.clock.as_ref());
    match gateway.until_deadline(relay(gateway, &arrival, request)).await {
        Ok(response) => response,
        Err(error) => error.into_response(&arrival),
    }
}

async fn relay(gateway: &Parts, arrival: &Arrival, request: Request) -> Result<Response, GatewayError> {
    let (client, body) = request.into_parts();
    check_query(client.uri.query(), &["beta"])?;
    let (caller, body, snapshot) = way::receive(gateway, &client.headers, body).await?;
    let envelope = Envelope::scan(&body)?;
    let (resolved, model) = way::resolve(caller, &client.headers, &snapshot, &envelope.model)?;
    let admitted = way::admit(resolved, CREATE_MESSAGE)?;
    drop(snapshot);

    let body = envelope.splice_model(&body, &model);
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
    let attempt = Attempt::new(admitted, payload, &endpoint);
    let (answer, mut settlement) = way::dispatch(gateway, arrival, &attempt, payload.streams).await?;
    match answer {
        Answer::Success(head, _) if head.is_event_stream() != payload.streams => {
            Err(settlement.refused(GatewayError::NotAsAsked))
        }
        Answer::Success(head, body) => {
            let body = if payload.streams {
                streamed(gateway, arrival, body, settlement).await?
            } else {
                whole(gateway, body, settlement).await?
            };
            Ok(with_head(&head, body))
        }
        Answer::Failure(head, error, body) => {
            settlement.failed(error.cause().code());
            settlement.settle(Outcome::Refused);
            Ok(refuse(arrival, &head, &error, body))
        }
    }
}

/// A refusal in the client's own dialect passes byte for byte: clients branch on its words. What the operator has to
/// mend passes with an explanation added; what is not in that dialect (a proxy's page, AWS's own JSON) is said in it; and
/// what concerns the gateway's credentials is not the client's to take for its own key's failure.
fn refuse(arrival: &Arrival, head: &Head, error: &UpstreamError, body: Bytes) -> Response {
    let cause = error.cause();
    let concerns_credentials = matches!(head.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        || cause.is_authentication()
        || cause.is_permission();
    let is_in_dialect = error.error_type.is_some();
    if is_in_dialect && !concerns_credentials {
        let body = error.annotate(&body).map_or(body, Bytes::from);
        let mut response = with_head(head, Body::from(body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return response;
    }
    let mut response = crate::error::respond(&error.to_openai(&ResponseContext::default()), arrival);
    copy_headers(&head.headers, response.headers_mut());
    response
}

/// A whole answer is read before its head is sent, so that one that breaks off is a failure and not half a message.
async fn whole(
    gateway: &Parts,
    body: UpstreamBody,
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
    body: UpstreamBody,
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
    if let Some(kind) = head.headers.get(CONTENT_TYPE) {
        response.headers_mut().insert(CONTENT_TYPE, kind.clone());
    }
    response
}

fn copy_headers(from: &HeaderMap, to: &mut HeaderMap) {
    let is_forwarded =
        |name: &HeaderName| FORWARDED.contains(&name.as_str()) || name.as_str().starts_with("anthropic-");
    for (name, value) in from.iter().filter(|(name, _)| is_forwarded(name)) {
        to.insert(name.clone(), value.clone());
    }
}
