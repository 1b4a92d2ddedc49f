//! Every route of the data plane.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{any, get, post};
use http::header::ALLOW;
use http::{HeaderValue, StatusCode};
use portcullis_provider::error::Dialect;

use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::{anthropic, chat, dialect, messages, openai, responses};

/// Method and path of every route that is the gateway's own to answer, for whoever documents or checks them. The rest of
/// what it serves stands in the platform's table, [`portcullis_provider::routes::ROUTES`].
pub const ROUTES: &[(&str, &str)] = &[
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/files"),
    ("GET", "/v1/files"),
    ("GET", "/v1/files/{id}"),
    ("GET", "/v1/files/{id}/content"),
    ("DELETE", "/v1/files/{id}"),
    ("POST", "/v1/batches"),
    ("GET", "/v1/batches"),
    ("GET", "/v1/batches/{id}"),
    ("POST", "/v1/batches/{id}/cancel"),
    ("GET", "/v1/batches/{id}/output"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{id}"),
    ("GET", "/api/hello"),
    ("POST", "/api/event_logging/{*path}"),
];

/// The data plane's routes. Authentication, limits and errors are each handler's own way (see the crate's head): a
/// layer would have to guess the client's dialect.
pub fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat::create_chat_completion).fallback(refuse_chat_method))
        .route("/v1/messages", post(messages::create_message).fallback(refuse_message_method))
        .route("/v1/files", any(files))
        .route("/v1/files/{*path}", any(files))
        .route("/v1/batches", any(openai::batches::serve))
        .route("/v1/batches/{*path}", any(openai::batches::serve))
        .route("/v1/models", any(models))
        .route("/v1/models/{*path}", any(models))
        // Claude Code asks whether somebody is there, and tells of itself: the one is answered, the other forgotten.
        .route("/api/hello", get(async || StatusCode::OK))
        .route("/api/event_logging/{*path}", post(async || StatusCode::NO_CONTENT))
        .merge(responses::router())
        // Whatever else the platform has a route for.
        .route("/v1/{*path}", any(anthropic::serve))
        .with_state(gateway)
}

/// `/v1/files` is a path of both APIs.
async fn files(gateway: State<Gateway>, request: Request) -> Response {
    match both(request) {
        (Dialect::Anthropic, request) => anthropic::serve(gateway, request).await,
        (Dialect::OpenAi, request) => openai::files::serve(gateway, request).await,
    }
}

/// `/v1/models` is a path of both APIs.
async fn models(gateway: State<Gateway>, request: Request) -> Response {
    match both(request) {
        (Dialect::Anthropic, request) => anthropic::models::serve(gateway, request).await,
        (Dialect::OpenAi, request) => openai::models::serve(gateway, request).await,
    }
}

/// The request, and in whose words it speaks.
fn both(request: Request) -> (Dialect, Request) {
    let (client, body) = request.into_parts();
    (dialect::of(&client), Request::from_parts(client, body))
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
