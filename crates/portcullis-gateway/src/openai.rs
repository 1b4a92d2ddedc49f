//! OpenAI's objects: files, batches, models. Nothing of the upstream's lies behind most of their routes; what clients see is
//! kept in the catalog, and the upstream is asked for what only it can do.
//!
//! Start at [`files`] or [`batches`].

pub(crate) mod batches;
pub(crate) mod files;
pub(crate) mod known_files;
pub(crate) mod models;

mod answer;
mod errand;
mod expiry;
mod member;
mod query;
mod refusal;

use axum::extract::Request;
use axum::response::Response;
use portcullis_provider::error::Dialect;

use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::Parts;

/// The route is there, for another method.
fn wrong_method(client: &http::request::Parts, allowed: &str) -> GatewayError {
    let (method, path) = (client.method.clone(), client.uri.path().to_owned());
    GatewayError::MethodNotAllowed { method, path, allowed: allowed.to_owned() }
}

/// An answer in OpenAI's dialect, whatever comes of `answer`.
async fn answered(
    gateway: &Parts,
    request: Request,
    answer: impl AsyncFnOnce(&Parts, &Arrival, Request) -> Result<Response, GatewayError>,
) -> Response {
    let arrival = Arrival::of(&request, Dialect::OpenAi, gateway.clock.as_ref());
    match gateway.until_deadline(answer(gateway, &arrival, request)).await {
        Ok(mut response) => {
            arrival.stamp(response.headers_mut());
            response
        }
        Err(error) => error.into_response(&arrival),
    }
}
