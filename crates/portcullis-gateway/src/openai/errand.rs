//! Calls of the upstream that no client's request is passed on by: an upload, a batch, a look at how far it is.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use portcullis_provider::error::UpstreamError;

use crate::arrival::Arrival;
use crate::content::Content;
use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::upstream::UpstreamBody;
use crate::way::send::read_answer;
use crate::way::{self, Admitted, Answer, Attempt, Outcome, Payload};

const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));
const BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// What the gateway asks the upstream on behalf of an admitted caller.
#[derive(Clone, Copy)]
pub(super) struct Errand<'a> {
    pub(super) gateway: &'a Parts,
    pub(super) arrival: &'a Arrival,
    pub(super) admitted: &'a Admitted,
}

/// What came back, read whole.
#[derive(Debug)]
pub(super) enum Reply {
    Done(Bytes),
    Refused(Box<UpstreamError>),
}

impl Errand<'_> {
    /// Asks, and reads the answer whole.
    ///
    /// # Errors
    /// When nothing came back, or not all of it.
    pub(super) async fn ask(&self, payload: &Payload) -> Result<Reply, GatewayError> {
        match self.open(payload).await? {
            Opened::Done(body) => match body.whole(self.gateway).await {
                Ok(bytes) => Ok(Reply::Done(bytes)),
                Err(error) => Err(error),
            },
            Opened::Refused(error) => Ok(Reply::Refused(error)),
        }
    }

    /// Asks, and leaves the answer's body to be read.
    ///
    /// # Errors
    /// When nothing came back.
    pub(super) async fn open(&self, payload: &Payload) -> Result<Opened, GatewayError> {
        let endpoint = self.gateway.upstream.endpoint(&self.admitted.provider.platform.region);
        let attempt = Attempt::new(self.admitted, payload, &endpoint);
        let (answer, mut settlement) = way::dispatch(self.gateway, self.arrival, &attempt, false).await?;
        match answer {
            Answer::Success(_, body) => Ok(Opened::Done(Box::new(OpenBody { body, settlement }))),
            Answer::Failure(_, error, _) => {
                settlement.failed(error.cause().code());
                settlement.settle(Outcome::Refused);
                Ok(Opened::Refused(Box::new(error)))
            }
        }
    }
}

/// What came back, its body still to come.
pub(super) enum Opened {
    Done(Box<OpenBody>),
    Refused(Box<UpstreamError>),
}

/// A body and the record of the call that brought it.
pub(super) struct OpenBody {
    pub(super) body: UpstreamBody,
    settlement: way::Settlement,
}

impl OpenBody {
    /// Reads it all.
    pub(super) async fn whole(mut self, gateway: &Parts) -> Result<Bytes, GatewayError> {
        match read_answer(gateway, self.body).await {
            Ok(bytes) => {
                self.settlement.first_byte();
                self.settlement.settle(Outcome::Complete);
                Ok(bytes)
            }
            Err(error) => Err(self.settlement.refused(error)),
        }
    }

    /// The record of a body that was read by somebody else.
    pub(super) fn settle(&mut self, outcome: Outcome) {
        self.settlement.first_byte();
        self.settlement.settle(outcome);
    }
}

/// A request of the gateway's own.
///
/// - `betas`: values for `anthropic-beta`.
pub(super) fn payload(
    method: Method,
    path: impl Into<Cow<'static, str>>,
    query: Option<String>,
    content: Content,
    betas: &[String],
) -> Result<Payload, GatewayError> {
    let mut headers = HeaderMap::from_iter([VERSION]);
    if !betas.is_empty() {
        let value = HeaderValue::try_from(betas.join(","));
        headers.insert(BETA, value.map_err(|_| GatewayError::InvalidHeader(BETA))?);
    }
    Ok(Payload { method, path: path.into(), query, content, headers, accept: "*/*", streams: false })
}

/// A request without a body.
pub(super) fn bare(method: Method, path: impl Into<Cow<'static, str>>, query: Option<&str>) -> Payload {
    let query = query.map(str::to_owned);
    payload(method, path, query, Content::None, &[]).expect("without betas every header is a constant")
}
