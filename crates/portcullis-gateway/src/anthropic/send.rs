//! From an admitted request to the client's answer, on a route of the platform's own.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts as Client;
use portcullis_provider::envelope::answers;
use portcullis_types::Feature;

use super::answer::{refuse, with_head};
use super::batches;
use super::download::Download;
use super::route::{Gives, Native};
use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::upstream::UpstreamBody;
use crate::way::send::read_answer;
use crate::way::{self, Admitted, Answer, Attempt, Outcome, Payload, Settlement};

/// Sends, and answers as the upstream does.
pub(super) async fn send(
    gateway: &Parts,
    arrival: &Arrival,
    client: &Client,
    native: &Native,
    admitted: &Admitted,
    payload: &Payload,
) -> Result<Response, GatewayError> {
    let endpoint = gateway.upstream.endpoint(&admitted.provider.platform.region);
    let attempt = Attempt::new(admitted, payload, &endpoint);
    let (answer, mut settlement) = way::dispatch(gateway, arrival, &attempt, false).await?;
    match answer {
        Answer::Success(head, body) if native.gives() == Gives::Content => {
            let (patience, drain) = (gateway.settings.stream_idle_timeout, gateway.drain_deadline.clone());
            let download = Download::new(body, settlement, patience, drain);
            Ok(with_head(&head, Body::new(download)))
        }
        Answer::Success(head, body) => {
            let answer = whole(gateway, body, settlement).await?;
            Ok(with_head(&head, Body::from(adapted(gateway, client, native, answer))))
        }
        Answer::Failure(head, error, body) => {
            settlement.failed(error.cause().code());
            settlement.settle(Outcome::Refused);
            Ok(refuse(arrival, &head, &error, body))
        }
    }
}

/// Reads an answer before its head is sent, so that one that breaks off is a failure and not half an object.
async fn whole(
    gateway: &Parts,
    body: UpstreamBody,
    mut settlement: Settlement,
) -> Result<Bytes, GatewayError> {
    match read_answer(gateway, body).await {
        Ok(answer) => {
            settlement.first_byte();
            settlement.settle(Outcome::Complete);
            Ok(answer)
        }
        Err(error) => Err(settlement.refused(error)),
    }
}

/// What must not reach a client as the upstream says it: where results are.
fn adapted(gateway: &Parts, client: &Client, native: &Native, answer: Bytes) -> Bytes {
    if native.feature == Feature::Batches {
        let base = batches::public_base(gateway.settings.public_url.as_deref(), client);
        answers::point_results_at(&answer, &base)
    } else {
        answer
    }
}
