//! From an attempt to the head of the upstream's answer.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use portcullis_credentials::Renewal;
use portcullis_provider::error::{UpstreamCause, UpstreamError};
use portcullis_signer::ClockOffset;
use portcullis_types::{AwsAuth, Exchange};
use tracing::warn;

use super::{Attempt, Outcome, Settlement};
use crate::arrival::Arrival;
use crate::authorise::{Authorised, Credential, Pen};
use crate::collect::{CollectError, collect};
use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::upstream::UpstreamBody;

/// An error answer longer than this is a page of some proxy's.
const MAX_ERROR_BYTES: usize = 256 * 1024;
/// How long an error's text is waited for.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// What the upstream answered.
pub(crate) enum Answer {
    /// A success, its body still to come.
    Success(Head, UpstreamBody),
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

/// Authorises and sends. What AWS refuses for its session or for its time gets a new session, or AWS's time, and one
/// more try.
///
/// Each try has a record of its own; the one of the last try comes back open, for whoever reads the answer.
///
/// # Errors
/// When nothing came back. The record is settled then.
pub(crate) async fn dispatch(
    gateway: &Parts,
    arrival: &Arrival,
    attempt: &Attempt<'_>,
    client_streams: bool,
) -> Result<(Answer, Settlement), GatewayError> {
    let open = |n| Settlement::open(arrival, attempt.admitted(), client_streams, n, &gateway.drain_deadline);
    let credential = credential(gateway, attempt).await?;
    let signing = Signing::now(gateway);
    let (answer, mut settlement) = send(gateway, attempt, &credential, signing, open(1)).await?;
    let Answer::Failure(head, error, _) = &answer else { return Ok((answer, settlement)) };
    let cause = error.cause();
    let mended = mend(gateway, attempt, &credential, signing, &cause, head);
    if mended == Mended::No {
        return Ok((answer, settlement));
    }
    let renewed = match self::credential(gateway, attempt).await {
        Ok(renewed) => renewed,
        Err(error) => return Err(settlement.refused(error)),
    };
    if mended == Mended::Session && renewed.access_key_id() == credential.access_key_id() {
        return Ok((answer, settlement)); // the source gave the same ones again
    }
    warn!(
        request.id = %arrival.request_id,
        integration.id = %attempt.admitted().provider.integration_id,
        error.code = cause.code(),
        clock.offset_s = gateway.skew.offset_seconds(),
        "refused by AWS; trying once more with a new session, or by AWS's clock"
    );
    settlement.failed(cause.code());
    settlement.settle(Outcome::Refused);
    send(gateway, attempt, &renewed, Signing::now(gateway), open(2)).await
}

/// When a request is signed, by the local clock, and how that is corrected: others may learn AWS's time meanwhile.
#[derive(Clone, Copy, Debug)]
struct Signing {
    at: SystemTime,
    offset_seconds: i64,
}

impl Signing {
    fn now(gateway: &Parts) -> Self {
        Self { at: gateway.clock.now(), offset_seconds: gateway.skew.offset_seconds() }
    }

    /// Learns AWS's time from the head of an answer that accepted a signature.
    fn learn(self, gateway: &Parts, head: &Head) {
        let Self { at: sent, offset_seconds } = self;
        let exchange = Exchange { sent, received: gateway.clock.now(), offset_seconds };
        gateway.skew.learn_from_success(head.header("date"), &exchange);
    }
}

/// What was put right after a refusal, if anything could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mended {
    /// The session is being replaced.
    Session,
    /// The clock goes by AWS's.
    Clock,
    No,
}

fn mend(
    gateway: &Parts,
    attempt: &Attempt<'_>,
    credential: &Credential,
    signing: Signing,
    cause: &UpstreamCause,
    head: &Head,
) -> Mended {
    // A workspace key knows neither sessions nor times.
    let Credential::Aws(credentials) = credential else { return Mended::No };
    if cause.is_stale_session() {
        let renewal = gateway.credentials.forget_rejected(&attempt.credential_request(), credentials);
        if renewal == Renewal::Worthwhile { Mended::Session } else { Mended::No }
    } else if *cause == UpstreamCause::ClockSkew
        && gateway.skew.learn_from_refusal(head.header("date"), gateway.clock.now(), signing.offset_seconds)
    {
        Mended::Clock
    } else {
        Mended::No
    }
}

async fn credential(gateway: &Parts, attempt: &Attempt<'_>) -> Result<Credential, GatewayError> {
    let request = attempt.credential_request();
    if let AwsAuth::ApiKey { key, header } = &request.platform.auth {
        return Ok(Credential::ApiKey(key.clone(), *header));
    }
    match gateway.credentials.cached(&request) {
        Some(credentials) => Ok(Credential::Aws(credentials)),
        None => Ok(Credential::Aws(gateway.credentials.credentials(&request).await?)),
    }
}

async fn send(
    gateway: &Parts,
    attempt: &Attempt<'_>,
    credential: &Credential,
    signing: Signing,
    mut settlement: Settlement,
) -> Result<(Answer, Settlement), GatewayError> {
    let sent = async {
        let offset = ClockOffset::from_seconds(signing.offset_seconds);
        let pen = Pen { signer: &gateway.signer, at: signing.at, offset };
        let authorised = attempt.authorise(credential, pen)?;
        execute(gateway, authorised, attempt.payload().streams).await
    };
    let (head, body) = match sent.await {
        Ok(answered) => answered,
        Err(error) => return Err(settlement.refused(error)),
    };
    settlement.answered(&head);
    if head.status.is_success() {
        // A workspace key is accepted at any time.
        if matches!(credential, Credential::Aws(_)) {
            signing.learn(gateway, &head);
        }
        return Ok((Answer::Success(head, body), settlement));
    }
    if head.status.is_redirection() || head.status.is_informational() {
        return Err(settlement.refused(GatewayError::UnexpectedUpstreamStatus(head.status)));
    }
    let body = read_error_body(body).await;
    let error =
        UpstreamError::parse(head.status.as_u16(), &|name| head.header(name).map(str::to_owned), &body);
    Ok((Answer::Failure(head, error, body), settlement))
}

async fn execute(
    gateway: &Parts,
    Authorised(request): Authorised,
    streams: bool,
) -> Result<(Head, UpstreamBody), GatewayError> {
    let limit = if streams { gateway.settings.stream_head_timeout } else { gateway.settings.answer_timeout };
    let answer = tokio::time::timeout(limit, gateway.upstream.execute(request)).await;
    let response = answer.map_err(|_| GatewayError::UpstreamTimeout { limit })?;
    let (parts, body) = response.map_err(GatewayError::unreachable)?.into_parts();
    Ok((Head { status: parts.status, headers: parts.headers }, body))
}

/// Reads what there is of an error's body; a body that is too long, too slow or breaks off counts as none: the status
/// tells what happened, and half a JSON text tells nothing more.
async fn read_error_body(body: UpstreamBody) -> Bytes {
    let read = collect(body, MAX_ERROR_BYTES, 0);
    tokio::time::timeout(ERROR_BODY_TIMEOUT, read).await.ok().and_then(Result::ok).unwrap_or_default()
}

/// Reads a whole answer.
///
/// # Errors
/// When it breaks off, takes too long or is larger than the settings allow.
pub(crate) async fn read_answer(gateway: &Parts, body: UpstreamBody) -> Result<Bytes, GatewayError> {
    let (bytes, limit) = (gateway.settings.max_answer_bytes, gateway.settings.answer_timeout);
    let read = tokio::time::timeout(limit, collect(body, bytes, 0)).await;
    read.map_err(|_| GatewayError::UpstreamTimeout { limit })?.map_err(|error| match error {
        CollectError::TooLarge { limit } => GatewayError::AnswerTooLarge { limit },
        CollectError::Body(error) => GatewayError::broken_answer(error),
    })
}
