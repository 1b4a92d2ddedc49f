//! OpenAI's Responses API: `POST /v1/responses` and what is kept of its answers.
//!
//! A response is kept where the operator's retention allows it and the client does not decline; [`recall`] finds it
//! again, [`kept`] shows and deletes it, [`way_back`] translates and keeps it.

mod count;
mod kept;
mod recall;
mod way_back;

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::HeaderValue;
use http::header::ALLOW;
use portcullis_provider::error::Dialect;
use portcullis_provider::responses::request::ResponsesRequest;
use portcullis_provider::routes::CREATE_MESSAGE;
use portcullis_provider::{InvalidCode, InvalidRequest};

use crate::anthropic::tenancy;
use crate::arrival::Arrival;
use crate::destination::{self, Destination};
use crate::error::GatewayError;
use crate::exchange::Exchange;
use crate::gateway::{Gateway, Parts};
use crate::inbound::check_query;
use crate::way::{self, Payload};
use way_back::{Keeping, ResponsesWayBack};

pub(crate) use recall::turn as recalled;

/// The routes of the Responses API, for whoever documents or checks them.
pub(crate) const ROUTES: &[(&str, &str)] = &[
    ("POST", "/v1/responses"),
    ("POST", "/v1/responses/input_tokens"),
    ("POST", "/v1/responses/compact"),
    ("GET", "/v1/responses/{id}"),
    ("DELETE", "/v1/responses/{id}"),
    ("GET", "/v1/responses/{id}/input_items"),
    ("POST", "/v1/responses/{id}/cancel"),
];

/// What answers them.
pub(crate) fn router() -> Router<Gateway> {
    let (create, count) = (post(create_response), post(count::count_input_tokens));
    let (one, items) = (get(kept::retrieve).delete(kept::delete), get(kept::input_items));
    Router::new()
        .route("/v1/responses", create.fallback(refuse_method))
        .route("/v1/responses/input_tokens", count.fallback(refuse_method))
        .route("/v1/responses/compact", post(compact).fallback(refuse_method))
        .route("/v1/responses/{id}", one.fallback(refuse_method))
        .route("/v1/responses/{id}/input_items", items.fallback(refuse_method))
        .route("/v1/responses/{id}/cancel", post(kept::cancel).fallback(refuse_method))
}

async fn refuse_method(State(gateway): State<Gateway>, path: MatchedPath, request: Request) -> Response {
    let arrival = Arrival::of(&request, Dialect::OpenAi, gateway.parts().clock.as_ref());
    let methods: Vec<&str> =
        ROUTES.iter().filter(|(_, route)| *route == path.as_str()).map(|(method, _)| *method).collect();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let allowed = methods.join(", ");
    let allow = HeaderValue::try_from(allowed.as_str()).expect("names of methods");
    let mut response = GatewayError::MethodNotAllowed { method, path, allowed }.into_response(&arrival);
    response.headers_mut().insert(ALLOW, allow);
    response
}

/// `POST /v1/responses/compact`: by name, so that nobody takes it for a mistyped path.
async fn compact(State(gateway): State<Gateway>, request: Request) -> Response {
    let arrival = Arrival::of(&request, Dialect::OpenAi, gateway.parts().clock.as_ref());
    GatewayError::NotServed("compacting responses").into_response(&arrival)
}

/// Creates a response, whole or streamed.
pub(crate) async fn create_response(State(gateway): State<Gateway>, request: Request) -> Response {
    let parts = gateway.parts();
    let arrival = Arrival::of(&request, Dialect::OpenAi, parts.clock.as_ref());
    match parts.until_deadline(create(&gateway, &arrival, request)).await {
        Ok(response) => response,
        Err(error) => error.into_response(&arrival),
    }
}

async fn create(gateway: &Gateway, arrival: &Arrival, request: Request) -> Result<Response, GatewayError> {
    let parts = gateway.parts();
    let (client, body) = request.into_parts();
    check_query(client.uri.query(), &[])?;
    let (caller, body, snapshot) = way::receive(parts, &client.headers, body).await?;
    let asked = ResponsesRequest::parse(&body)?.with_header_betas(way::client_betas(&client.headers));
    let is_kept = is_kept(parts, &asked)?;
    let whither = (asked.model(), CREATE_MESSAGE);
    let place =
        Destination::of(parts, caller, (&client.headers, snapshot), whither, asked.file_ids()).await?;
    let recalled = recall::turn(parts, place.admitted.workspace, &asked).await?;
    let mut translated = asked.to_messages(&place.target(), recalled.as_ref())?;
    let Destination { admitted, model, options, .. } = place;
    tenancy::check_references(parts, &admitted, &client.headers, &translated.body).await?;
    translated.context.store = is_kept;
    let streams = translated.upstream_streams;
    let payload = Payload::translated(&client.headers, translated.body.clone(), streams, &translated.betas)?;
    let warnings = translated.warnings.clone();
    let keeping = is_kept.then(|| Keeping::of(parts, &admitted));
    drop(asked);
    let clock = Arc::clone(&parts.clock);
    let way_back = ResponsesWayBack::new(arrival, body, translated, keeping, options.pause_turn_max, clock);
    let exchange = Exchange {
        gateway: gateway.clone(),
        arrival: arrival.clone(),
        admitted,
        payload,
        warnings: warnings.header_value().map(Arc::from),
    };
    let mut response = Arc::new(exchange).answer(way_back).await?;
    let status = response.status();
    destination::tell(parts, arrival, (&model, &warnings), status, response.headers_mut());
    Ok(response)
}

/// Whether the response is to be kept. Where nothing is kept, whoever counts on it is told.
fn is_kept(gateway: &Parts, asked: &ResponsesRequest<'_>) -> Result<bool, GatewayError> {
    if gateway.settings.response_retention.is_some() {
        return Ok(asked.store() != Some(false));
    }
    let refuse = |code, param: &str, text: &'static str| Err(InvalidRequest::at(code, param, text).into());
    if asked.store() == Some(true) {
        let text = "this gateway keeps no responses: leave `store` out or send false, and send the whole input each time";
        return refuse(InvalidCode::UnsupportedValue, "store", text);
    }
    if asked.previous_response_id().is_some() {
        let text = "this gateway keeps no responses: send the whole input instead of `previous_response_id`";
        return refuse(InvalidCode::UnsupportedParameter, "previous_response_id", text);
    }
    Ok(false)
}
