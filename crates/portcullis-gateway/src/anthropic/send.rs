//! From an admitted request to the client's answer, on a route of the platform's own.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts as Client;
use portcullis_provider::envelope::answers;
use portcullis_provider::error::UpstreamError;
use portcullis_types::Feature;

use super::answer::{refuse, with_head};
use super::download::Download;
use super::made::Keeper;
use super::own_page::ask_for_own;
use super::results::Results;
use super::route::{Gives, Native};
use super::{batches, tenancy};
use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::{Gateway, Parts};
use crate::way::send::{Head, read_answer};
use crate::way::{self, Admitted, Answer, Attempt, Outcome, Payload};

/// What the upstream said, read to its end.
pub(super) enum Answered {
    Whole(Head, Bytes),
    Refused(Head, Box<UpstreamError>, Bytes),
}

/// Sends, and answers as the upstream does.
pub(super) async fn send(
    shared: &Gateway,
    arrival: &Arrival,
    client: &Client,
    native: &Native,
    admitted: Admitted,
    payload: Payload,
) -> Result<Response, GatewayError> {
    let gateway = shared.parts();
    tenancy::check_object(gateway, &admitted, native).await?;
    let answered = match (native.gives(), tenancy::kind_of(native.feature)) {
        (Gives::Content, _) => return download(gateway, arrival, native, &admitted, &payload).await,
        (Gives::Page, Some(kind)) if admitted.is_shared => {
            ask_for_own(gateway, arrival, &admitted, &payload, kind).await?
        }
        _ if native.creates() || native.deletes().is_some() => {
            ask_all_the_way(shared, arrival, native, admitted, payload).await?
        }
        _ => ask(gateway, arrival, &admitted, &payload).await?,
    };
    match answered {
        Answered::Whole(head, answer) => {
            Ok(with_head(&head, Body::from(adapted(gateway, client, native, answer))))
        }
        Answered::Refused(head, error, body) => Ok(refuse(arrival, &head, &error, body)),
    }
}

/// Asks for what makes or deletes an object and records it, whether or not the client stays for it: of an object that is
/// upstream, somebody must know.
async fn ask_all_the_way(
    gateway: &Gateway,
    arrival: &Arrival,
    native: &Native,
    admitted: Admitted,
    payload: Payload,
) -> Result<Answered, GatewayError> {
    let (gateway, arrival, native) = (gateway.clone(), arrival.clone(), native.clone());
    let asking = async move {
        let gateway = gateway.parts();
        let answered = gateway.until_deadline(ask(gateway, &arrival, &admitted, &payload)).await?;
        if let Answered::Whole(_, answer) = &answered {
            tenancy::note(gateway, &arrival, &admitted, &native, answer).await;
        }
        Ok(answered)
    };
    // Nobody but the end of the process breaks the task off.
    tokio::spawn(asking).await.unwrap_or(Err(GatewayError::ShuttingDown))
}

/// Sends, and reads the answer before its head is sent on, so that one that breaks off is a failure and not half an object.
pub(super) async fn ask(
    gateway: &Parts,
    arrival: &Arrival,
    admitted: &Admitted,
    payload: &Payload,
) -> Result<Answered, GatewayError> {
    let endpoint = gateway.upstream.endpoint(&admitted.provider.platform.region);
    let attempt = Attempt::new(admitted, payload, &endpoint);
    let (answer, mut settlement) = way::dispatch(gateway, arrival, &attempt, false).await?;
    match answer {
        Answer::Success(head, body) => match read_answer(gateway, body).await {
            Ok(answer) => {
                settlement.first_byte();
                settlement.settle(Outcome::Complete);
                Ok(Answered::Whole(head, answer))
            }
            Err(error) => Err(settlement.refused(error)),
        },
        Answer::Failure(head, error, body) => {
            settlement.failed(error.cause().code());
            settlement.settle(Outcome::Refused);
            Ok(Answered::Refused(head, Box::new(error), body))
        }
    }
}

/// Sends, and passes on what comes as it comes.
async fn download(
    gateway: &Parts,
    arrival: &Arrival,
    native: &Native,
    admitted: &Admitted,
    payload: &Payload,
) -> Result<Response, GatewayError> {
    let endpoint = gateway.upstream.endpoint(&admitted.provider.platform.region);
    let attempt = Attempt::new(admitted, payload, &endpoint);
    let (answer, mut settlement) = way::dispatch(gateway, arrival, &attempt, true).await?;
    match answer {
        Answer::Success(head, body) => {
            let (patience, drain) = (gateway.settings.stream_idle_timeout, gateway.drain_deadline.clone());
            let mut download = Download::new(body, settlement, patience, drain);
            // Elsewhere nobody asks whose a file is.
            if native.feature == Feature::Batches && admitted.is_shared {
                download = download.watched_by(Results::new(Keeper::new(gateway, arrival, admitted)));
            }
            Ok(with_head(&head, Body::new(download)))
        }
        Answer::Failure(head, error, body) => {
            settlement.failed(error.cause().code());
            settlement.settle(Outcome::Refused);
            Ok(refuse(arrival, &head, &error, body))
        }
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
