//! Every route of the data plane.

use axum::Router;
use axum::routing::post;

use crate::settings::Gateway;
use crate::{chat, messages};

/// Method and path of every route here, for whoever documents or checks them.
pub const ROUTES: &[(&str, &str)] = &[("POST", "/v1/chat/completions"), ("POST", "/v1/messages")];

/// The data plane's routes. Authentication, limits and errors are each handler's own way (see the crate's head): a
/// layer would have to guess the client's dialect.
pub fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat::create_chat_completion))
        .route("/v1/messages", post(messages::create_message))
        .with_state(gateway)
}
