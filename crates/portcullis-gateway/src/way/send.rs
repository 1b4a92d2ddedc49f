//! From an attempt to the head of the upstream's answer.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use portcullis_provider::error::{UpstreamCause, UpstreamError};
use portcullis_signer::ClockOffset;
use portcullis_types::AwsCredentials;
use tracing::warn;

use super::{Attempt, Signed};
use crate::error::GatewayError;
use crate::settings::Parts;

/// An error answer longer than this is cut: it is a page of some proxy's.
const MAX_ERROR_BYTES: usize = 256 * 1024;

/// What the upstream answered.
pub(crate) enum Answer {
    /// A success, its body still to come.
    Success(Head, reqwest::Body),
    /// A refusal or a failure, read whole.
    Failure(Head, UpstreamError, Bytes),
}

/// Status and headers.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

impl Head {
    /// A header's text, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether a body of server-sent events follows.
    pub(crate) fn is_event_stream(&self) -> bool {
        self.header("content-type").is_some_and(|value| value.trim_start().starts_with("text/event-stream"))
    }
}

/// Signs and sends an attempt. When AWS says the session is over, it gets one new session and one more try.
pub(crate) async fn dispatch(gateway: &Parts, attempt: &Attempt<'_>) -> Result<Answer, GatewayError> {
    let credentials = credentials(gateway, attempt).await?;
    let answer = send(gateway, attempt, &credentials).await?;
    match answer {
        Answer::Failure(_, ref error, _) if error.cause() == UpstreamCause::ExpiredCredentials => {
            warn!(
                integration.id = %attempt.admitted.provider.integration_id,
                upstream.request_id = error.request_id.as_deref().unwrap_or(""),
                "the session was refused as expired; trying once more with a new one"
            );
            gateway.credentials.forget_rejected(&attempt.credential_request(), &credentials);
            let credentials = self::credentials(gateway, attempt).await?;
            send(gateway, attempt, &credentials).await
        }
        answer => Ok(answer),
    }
}

async fn credentials(
    gateway: &Parts,
    attempt: &Attempt<'_>,
) -> Result<std::sync::Arc<AwsCredentials>, GatewayError> {
    let request = attempt.credential_request();
    match gateway.credentials.cached(&request) {
        Some(credentials) => Ok(credentials),
        None => Ok(gateway.credentials.credentials(&request).await?),
    }
}

async fn send(
    gateway: &Parts,
    attempt: &Attempt<'_>,
    credentials: &AwsCredentials,
) -> Result<Answer, GatewayError> {
    let signed = attempt.sign(&gateway.signer, credentials, gateway.clock.now(), ClockOffset::NONE)?;
    let (head, body) = execute(gateway, signed, attempt.payload.streams).await?;
    if head.status.is_success() {
        return Ok(Answer::Success(head, body));
    }
    if head.status.is_redirection() || head.status.is_informational() {
        return Err(GatewayError::UnexpectedUpstreamStatus(head.status));
    }
    let body = read_error_body(body).await;
    let error =
        UpstreamError::parse(head.status.as_u16(), &|name| head.header(name).map(str::to_owned), &body);
    Ok(Answer::Failure(head, error, body))
}

async fn execute(
    gateway: &Parts,
    Signed(request): Signed,
    streams: bool,
) -> Result<(Head, reqwest::Body), GatewayError> {
    let limit = if streams { gateway.settings.stream_head_timeout } else { gateway.settings.answer_timeout };
    let answer = tokio::time::timeout(limit, gateway.upstream.execute(request)).await;
    let response =
        answer.map_err(|_| GatewayError::UpstreamTimeout { limit })?.map_err(GatewayError::unreachable)?;
    let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
    Ok((Head { status: parts.status, headers: parts.headers }, body))
}

/// Reads what there is of an error's body; a body that breaks off is as good as it got.
async fn read_error_body(mut body: reqwest::Body) -> Bytes {
    let read = async {
        let mut collected = BytesMut::new();
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(data) = frame.into_data() else { continue };
            let room = MAX_ERROR_BYTES.saturating_sub(collected.len());
            collected.extend_from_slice(&data[..data.len().min(room)]);
            if room <= data.len() {
                break;
            }
        }
        collected.freeze()
    };
    // The status already tells what happened: its text is not worth a hanging client.
    tokio::time::timeout(std::time::Duration::from_secs(10), read).await.unwrap_or_default()
}

/// Reads a whole answer.
///
/// # Errors
/// When it breaks off, takes too long or is larger than the settings allow.
pub(crate) async fn read_answer(gateway: &Parts, mut body: reqwest::Body) -> Result<Bytes, GatewayError> {
    let limit = gateway.settings.max_answer_bytes;
    let read = async {
        let mut first: Option<Bytes> = None;
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(GatewayError::broken_answer)?.into_data() else { continue };
            if first.as_ref().map_or(0, Bytes::len).max(all.len()) + data.len() > limit {
                return Err(GatewayError::AnswerTooLarge { limit });
            }
            match &first {
                None => first = Some(data),
                Some(head) => {
                    if all.is_empty() {
                        all.extend_from_slice(head);
                    }
                    all.extend_from_slice(&data);
                }
            }
        }
        Ok(if all.is_empty() { first.unwrap_or_default() } else { all.freeze() })
    };
    let limit = gateway.settings.answer_timeout;
    tokio::time::timeout(limit, read).await.map_err(|_| GatewayError::UpstreamTimeout { limit })?
}
