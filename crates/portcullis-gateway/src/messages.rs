//! `POST /v1/messages`: Anthropic's own dialect. The client's bytes go upstream but for the model's value, and the
//! upstream's bytes come back.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use portcullis_provider::Envelope;
use portcullis_provider::anthropic::summary::{MessageSummary, is_whole};
use portcullis_provider::envelope::made::in_message;
use portcullis_provider::error::Dialect;
use portcullis_provider::routes::CREATE_MESSAGE;

use crate::anthropic::answer::{refuse, with_head};
use crate::anthropic::made::Keeper;
use crate::anthropic::tenancy;
use crate::arrival::Arrival;
use crate::body::StreamBody;
use crate::body::pass_through::PassThrough;
use crate::error::GatewayError;
use crate::gateway::{Gateway, Parts};
use crate::inbound::check_query;
use crate::retirement;
use crate::upstream::UpstreamBody;
use crate::way::send::read_answer;
use crate::way::{self, Admitted, Answer, Attempt, Outcome, Payload, Settlement};
use tracing::warn;

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
    retirement::check(gateway, &model)?;
    tenancy::check_references(gateway, &admitted, &client.headers, &body).await?;

    let body = envelope.splice_model(&body, &model);
    let payload = Payload::passed_through(&client.headers, client.uri.query(), body, envelope.stream)?;
    let mut response = answer(gateway, arrival, &admitted, &payload).await?;
    let status = response.status();
    retirement::tell(gateway, &model, status, response.headers_mut());
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
            let keeper = Keeper::new(gateway, arrival, admitted);
            let body = if payload.streams {
                streamed(gateway, arrival, body, settlement, keeper).await?
            } else {
                whole(gateway, arrival, body, settlement, &keeper).await?
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

/// A whole answer is read before its head is sent, so that one that breaks off is a failure and not half a message.
///
/// One that is whole and says something unheard of passes all the same: that is between the client and the upstream.
async fn whole(
    gateway: &Parts,
    arrival: &Arrival,
    body: UpstreamBody,
    mut settlement: Settlement,
    keeper: &Keeper,
) -> Result<Body, GatewayError> {
    let message = match read_answer(gateway, body).await {
        Ok(message) => message,
        Err(error) => return Err(settlement.refused(error)),
    };
    match MessageSummary::of(&message) {
        Ok(summary) => settlement.used(&summary.usage, summary.stop_reason.as_deref()),
        Err(error) if !is_whole(&message) => return Err(settlement.refused(error.into())),
        Err(_) => warn!(
            request.id = %arrival.request_id,
            answer.bytes = message.len(),
            "the upstream answered with something that is no message: it is passed on, and nothing is known of its tokens"
        ),
    }
    settlement.first_byte();
    settlement.settle(Outcome::Complete);
    // Waited for, so that the client finds what it reads of; it goes on when the client leaves.
    if let Some(kept) = keeper.keep(in_message(&message)) {
        drop(kept.await);
    }
    Ok(Body::from(message))
}

async fn streamed(
    gateway: &Parts,
    arrival: &Arrival,
    body: UpstreamBody,
    settlement: Settlement,
    keeper: Keeper,
) -> Result<Body, GatewayError> {
    let relay = PassThrough::new(arrival.request_id.to_string(), gateway.settings.max_event_bytes)
        .telling(Box::new(move |made| drop(keeper.keep(made))));
    match StreamBody::open(gateway, body, relay, settlement).await {
        Ok(body) => Ok(Body::new(body)),
        Err((error, settlement)) => Err(settlement.refused(error)),
    }
}
