//! Every route of the data plane.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use http::HeaderValue;
use http::header::ALLOW;
use portcullis_provider::error::Dialect;

use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::{chat, messages};

/// Method and path of every route here, for whoever documents or checks them.
pub const ROUTES: &[(&str, &str)] = &[("POST", "/v1/chat/completions"), ("POST", "/v1/messages")];

/// The data plane's routes. Authentication, limits and errors are each handler's own way (see the crate's head): a
/// layer would have to guess the client's dialect.
pub fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat::create_chat_completion).fallback(refuse_chat_method))
        .route("/v1/messages", post(messages::create_message).fallback(refuse_message_method))
        .with_state(gateway)
}

async fn refuse_chat_method(State(gateway): State<Gateway>, request: Request) -> Response {
    refuse_method(Dialect::OpenAi, &gateway, &request)
}

async fn refuse_message_method(State(gateway): State<Gateway>, request: Request) -> Response {
    refuse_method(Dialect::Anthropic, &gateway, &request)
}

fn refuse_method(dialect: Dialect, gateway: &Gateway, request: &Request) -> Response {
    let arrival = Arrival::of(request, dialect, gateway.parts().clock.as_ref());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let allowed = "POST".to_owned();
    let mut response = GatewayError::MethodNotAllowed { method, path, allowed }.into_response(&arrival);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}
