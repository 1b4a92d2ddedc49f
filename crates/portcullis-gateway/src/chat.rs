//! `POST /v1/chat/completions`: OpenAI's dialect in and out, Messages upstream.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use portcullis_provider::chat::response::to_completion;
use portcullis_provider::chat::stream::ChatStream;
use portcullis_provider::error::{ApiError, Dialect, UpstreamError};
use portcullis_provider::routes::CREATE_MESSAGE;
use portcullis_provider::{ChatRequest, ResponseContext};

use crate::anthropic::tenancy;
use crate::arrival::Arrival;
use crate::destination::{self, Destination};
use crate::error::GatewayError;
use crate::exchange::{Exchange, WayBack, Whole};
use crate::gateway::Gateway;
use crate::inbound::check_query;
use crate::way::{self, Payload};

/// Answers a chat completion, whole or streamed.
pub(crate) async fn create_chat_completion(State(gateway): State<Gateway>, request: Request) -> Response {
    let parts = gateway.parts();
    let arrival = Arrival::of(&request, Dialect::OpenAi, parts.clock.as_ref());
    match parts.until_deadline(complete(&gateway, &arrival, request)).await {
        Ok(response) => response,
        Err(error) => error.into_response(&arrival),
    }
}

async fn complete(gateway: &Gateway, arrival: &Arrival, request: Request) -> Result<Response, GatewayError> {
    let parts = gateway.parts();
    let (client, body) = request.into_parts();
    check_query(client.uri.query(), &[])?;
    let (caller, body, snapshot) = way::receive(parts, &client.headers, body).await?;
    let chat = ChatRequest::parse(&body)?.with_header_betas(way::client_betas(&client.headers));
    let asked = (chat.model(), CREATE_MESSAGE);
    let place = Destination::of(parts, caller, (&client.headers, snapshot), asked, chat.file_ids()).await?;
    let translated = chat.to_messages(&place.target())?;
    let Destination { admitted, model, options, .. } = place;
    tenancy::check_references(parts, &admitted, &client.headers, &translated.body).await?;
    let streams = translated.upstream_streams;
    let payload = Payload::translated(&client.headers, translated.body, streams, &translated.betas)?;
    let exchange = Exchange {
        gateway: gateway.clone(),
        arrival: arrival.clone(),
        admitted,
        payload,
        warnings: translated.warnings.header_value().map(Arc::from),
    };
    let (context, continuations) = (translated.context, options.pause_turn_max);
    let way_back = ChatWayBack { context, created: arrival.created, continuations };
    let mut response = Arc::new(exchange).answer(way_back).await?;
    let status = response.status();
    destination::tell(parts, arrival, (&model, &translated.warnings), status, response.headers_mut());
    Ok(response)
}

/// Messages become chat completions, their events chunks.
struct ChatWayBack {
    context: ResponseContext,
    created: u64,
    continuations: u8,
}

impl WayBack for ChatWayBack {
    type Stream = ChatStream;

    fn streams(&self) -> bool {
        self.context.client_streams
    }

    fn refusal(&self, error: &UpstreamError) -> ApiError {
        error.to_openai(&self.context)
    }

    fn continuations(&self) -> u8 {
        self.continuations
    }

    fn whole(&self, message: &[u8]) -> Result<Whole, ApiError> {
        let completion = to_completion(message, &self.context, self.created)?;
        let (usage, stop_reason) = (completion.usage, completion.stop_reason);
        Ok(Whole { body: completion.body, usage, stop_reason, keepsake: None })
    }

    fn stream(&self) -> ChatStream {
        ChatStream::new(self.context.clone(), self.created).with_continuations(self.continuations)
    }
}
