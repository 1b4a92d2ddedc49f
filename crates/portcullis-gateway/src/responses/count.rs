//! `POST /v1/responses/input_tokens`: what the input of a response would count, asked of the upstream.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use portcullis_provider::anthropic::body::count_tokens_body;
use portcullis_provider::error::Dialect;
use portcullis_provider::responses::request::ResponsesRequest;
use portcullis_provider::routes::COUNT_TOKENS;
use serde::Deserialize;

use super::recall;
use crate::anthropic::tenancy;
use crate::arrival::Arrival;
use crate::content::Content;
use crate::destination::{self, Destination};
use crate::error::GatewayError;
use crate::gateway::{Gateway, Parts};
use crate::inbound::check_query;
use crate::way::send::read_answer;
use crate::way::{self, Answer, Attempt, Outcome, Payload};

/// Counts the tokens of a response's input.
pub(crate) async fn count_input_tokens(State(gateway): State<Gateway>, request: Request) -> Response {
    let parts = gateway.parts();
    let arrival = Arrival::of(&request, Dialect::OpenAi, parts.clock.as_ref());
    match parts.until_deadline(count(parts, &arrival, request)).await {
        Ok(response) => response,
        Err(error) => error.into_response(&arrival),
    }
}

async fn count(gateway: &Parts, arrival: &Arrival, request: Request) -> Result<Response, GatewayError> {
    let (client, body) = request.into_parts();
    check_query(client.uri.query(), &[])?;
    let (caller, body, snapshot) = way::receive(gateway, &client.headers, body).await?;
    let asked = ResponsesRequest::parse(&body)?.with_header_betas(way::client_betas(&client.headers));
    let whither = (asked.model(), COUNT_TOKENS);
    let place =
        Destination::of(gateway, caller, (&client.headers, snapshot), whither, asked.file_ids()).await?;
    let recalled = recall::turn(gateway, place.admitted.workspace, &asked).await?;
    let translated = asked.to_messages(&place.target(), recalled.as_ref())?;
    let Destination { admitted, model, .. } = place;
    tenancy::check_references(gateway, &admitted, &client.headers, &translated.body).await?;
    let counted = count_tokens_body(&translated.body);
    let payload = Payload {
        path: COUNT_TOKENS.path.into(),
        content: Content::json(counted.into()),
        ..Payload::translated(&client.headers, Vec::new(), false, &translated.betas)?
    };
    let endpoint = gateway.upstream.endpoint(&admitted.provider.platform.region);
    let n_tokens = ask(gateway, arrival, &Attempt::new(&admitted, &payload, &endpoint)).await?;
    let body = serde_json::json!({"object": "response.input_tokens", "input_tokens": n_tokens}).to_string();
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let told = (&model, &translated.warnings);
    destination::tell(gateway, arrival, told, StatusCode::OK, response.headers_mut());
    Ok(response)
}

#[derive(Deserialize)]
struct Counted {
    input_tokens: u64,
}

async fn ask(gateway: &Parts, arrival: &Arrival, attempt: &Attempt<'_>) -> Result<u64, GatewayError> {
    let (answer, mut settlement) = way::dispatch(gateway, arrival, attempt, false).await?;
    let body: Bytes = match answer {
        Answer::Success(_, body) => match read_answer(gateway, body).await {
            Ok(body) => body,
            Err(error) => return Err(settlement.refused(error)),
        },
        Answer::Failure(_, error, _) => {
            settlement.failed(error.cause().code());
            settlement.settle(Outcome::Refused);
            return Err(error.to_openai(&portcullis_provider::ResponseContext::default()).into());
        }
    };
    match serde_json::from_slice::<Counted>(&body) {
        Ok(counted) => {
            settlement.settle(Outcome::Complete);
            Ok(counted.input_tokens)
        }
        Err(_) => Err(settlement.refused(GatewayError::NotAsAsked)),
    }
}
