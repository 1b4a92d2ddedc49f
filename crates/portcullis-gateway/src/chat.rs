//! `POST /v1/chat/completions`: OpenAI's dialect in and out, Messages upstream.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_provider::chat::response::to_completion;
use portcullis_provider::chat::stream::ChatStream;
use portcullis_provider::error::{ApiError, Dialect, UpstreamError};
use portcullis_provider::routes::CREATE_MESSAGE;
use portcullis_provider::{ChatRequest, InvalidCode, InvalidRequest, ResponseContext};

use crate::anthropic::tenancy;
use crate::arrival::Arrival;
use crate::destination::{self, Destination};
use crate::error::GatewayError;
use crate::exchange::{Exchange, WayBack, Whole};
use crate::gateway::Gateway;
use crate::inbound::check_query;
use crate::way::{self, Payload};

const USER_PROFILE: HeaderName = HeaderName::from_static("anthropic-user-profile-id");

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
    let headers = with_profile(client.headers, translated.user_profile.as_deref())?;
    tenancy::check_references(parts, &admitted, &headers, &translated.body).await?;
    let streams = translated.upstream_streams;
    let payload = Payload::translated(&headers, translated.body, streams, &translated.betas)?;
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

/// The client's headers with the user profile that the body asks for.
fn with_profile(mut headers: HeaderMap, profile: Option<&str>) -> Result<HeaderMap, GatewayError> {
    let Some(profile) = profile else { return Ok(headers) };
    if headers.get_all(USER_PROFILE).iter().any(|said| said.as_bytes() != profile.as_bytes()) {
        let what = "`user_profile_id` and the header `anthropic-user-profile-id` name different profiles";
        return Err(InvalidRequest::at(InvalidCode::ConflictingParameters, "user_profile_id", what).into());
    }
    let value = HeaderValue::try_from(profile).map_err(|_| GatewayError::InvalidHeader(USER_PROFILE))?;
    headers.insert(USER_PROFILE, value);
    Ok(headers)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_of_the_body_becomes_the_header_unless_they_contradict_each_other() {
        let said = |profile| HeaderMap::from_iter([(USER_PROFILE, HeaderValue::from_static(profile))]);
        let sent =
            |client, body| with_profile(client, body).map(|headers| headers.get(USER_PROFILE).cloned());
        assert_eq!(sent(HeaderMap::new(), None).unwrap(), None);
        assert_eq!(sent(HeaderMap::new(), Some("uprof_1")).unwrap().unwrap(), "uprof_1");
        assert_eq!(sent(said("uprof_1"), Some("uprof_1")).unwrap().unwrap(), "uprof_1");
        assert_eq!(sent(said("uprof_1"), None).unwrap().unwrap(), "uprof_1");
        let error = sent(said("uprof_1"), Some("uprof_2")).unwrap_err();
        assert!(error.to_string().contains("different profiles"), "{error}");
    }
}
