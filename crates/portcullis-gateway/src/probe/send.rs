//! One probe: out, and back with what it means.

use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use portcullis_credentials::verification::{PlatformCredentials, ProbeAnswer, ProbeFailure};
use portcullis_provider::error::{Class, Denial, Explained, UpstreamCause, UpstreamError, network, redact};
use portcullis_signer::ClockOffset;
use portcullis_types::{ClaudePlatformAws, Region};
use reqwest::Request;
use serde_json::Value;

use super::PlatformProbe;
use crate::authorise::{Authorised, Credential, Outgoing, Pen};
use crate::collect::collect;
use crate::content::Content;
use crate::error::{GatewayError, chain};
use crate::upstream::UpstreamBody;

const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));
/// A probe's answer is small; a list of all models is the largest.
const MOST_BYTES: usize = 1024 * 1024;
/// For one probe, from its first byte to the answer's last.
const LIMIT: Duration = Duration::from_secs(20);
const CONNECT_LIMIT: Duration = Duration::from_secs(8);

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Probe<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) content: Content,
}

impl<'a> Probe<'a> {
    pub(super) const fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, query: None, content: Content::None }
    }
}

/// A success, read whole.
#[derive(Debug)]
pub(super) struct Replied {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) request_id: Option<String>,
    pub(super) aws_request_id: Option<String>,
}

impl Replied {
    /// The number in this place of the answer.
    ///
    /// # Errors
    /// When there is none: something else than the service answers.
    pub(super) fn number(&self, place: &str) -> Result<u64, ProbeFailure> {
        let number = self.body.pointer(place).and_then(Value::as_u64);
        number.ok_or_else(|| self.without(&format!("`{place}`")))
    }

    /// An answer that lacks what the service's has: something else than the service answers.
    pub(super) fn without(&self, what: &str) -> ProbeFailure {
        let evidence = format!("HTTP {} without {what} in its body", self.status);
        no_answer(&network::BAD_UPSTREAM_RESPONSE, evidence)
    }
}

impl PlatformProbe {
    /// Connects, and asks for nothing: any answer of HTTP shows that somebody is there whose certificate holds.
    pub(super) async fn connect(&self, region: &Region) -> Result<ProbeAnswer, ProbeFailure> {
        let endpoint = self.upstream.endpoint(region);
        let host = &endpoint.host;
        let request = Request::new(Method::HEAD, endpoint.url("/v1/models", None));
        let answer = tokio::time::timeout(CONNECT_LIMIT, self.upstream.execute(request)).await;
        let late = |_| {
            let evidence = format!("`{host}` did not answer within {} s", CONNECT_LIMIT.as_secs());
            no_answer(&network::UPSTREAM_UNREACHABLE, evidence)
        };
        let answer = answer.map_err(late)?.map_err(|error| {
            let why = chain(&GatewayError::unreachable(error));
            no_answer(&network::UPSTREAM_UNREACHABLE, format!("`{host}`: {why}"))
        })?;
        let evidence = format!("`{host}` answers");
        Ok(ProbeAnswer { status: answer.status().as_u16(), evidence, ..ProbeAnswer::default() })
    }

    /// Asks, and once more if AWS refused the time of the signature and said what time it is.
    pub(super) async fn ask(
        &self,
        platform: &ClaudePlatformAws,
        credentials: PlatformCredentials<'_>,
        probe: Probe<'_>,
    ) -> Result<Replied, ProbeFailure> {
        let credential = owned(credentials);
        let offset = self.skew.offset_seconds();
        let answer = self.ask_once(platform, &credential, probe.clone()).await;
        let is_corrected = self.skew.offset_seconds() != offset;
        match answer {
            Err(failure) if is_corrected && failure.cause == Some(UpstreamCause::ClockSkew) => {
                self.ask_once(platform, &credential, probe).await
            }
            answer => answer,
        }
    }

    async fn ask_once(
        &self,
        platform: &ClaudePlatformAws,
        credential: &Credential,
        probe: Probe<'_>,
    ) -> Result<Replied, ProbeFailure> {
        let endpoint = self.upstream.endpoint(&platform.region);
        let headers = HeaderMap::from_iter([VERSION]);
        let Probe { method, path, query, content } = probe;
        let accept = "application/json";
        let outgoing = Outgoing { method, endpoint: &endpoint, path, query, headers, accept, content };
        let offset_seconds = self.skew.offset_seconds();
        let offset = ClockOffset::from_seconds(offset_seconds);
        let pen = Pen { signer: &self.signer, at: self.clock.now(), offset };
        let Authorised(request) =
            outgoing.authorise(platform, credential, pen).map_err(|error| not_sent(&error))?;
        let late =
            |_| no_answer(&network::UPSTREAM_TIMEOUT, format!("no answer within {} s", LIMIT.as_secs()));
        tokio::time::timeout(LIMIT, self.exchange(request, offset_seconds)).await.map_err(late)?
    }

    async fn exchange(&self, request: Request, offset_seconds: i64) -> Result<Replied, ProbeFailure> {
        let response = self.upstream.execute(request).await.map_err(|error| {
            let why = chain(&GatewayError::unreachable(error));
            no_answer(&network::UPSTREAM_UNREACHABLE, why)
        })?;
        let (head, body) = response.into_parts();
        self.understand(&head, read(body).await, offset_seconds)
    }

    fn understand(
        &self,
        head: &Parts,
        body: Result<Bytes, ProbeFailure>,
        offset_seconds: i64,
    ) -> Result<Replied, ProbeFailure> {
        let status = head.status.as_u16();
        let header = |name: &str| head.headers.get(name)?.to_str().ok().map(str::to_owned);
        if !head.status.is_success() {
            let body = body.unwrap_or_default();
            let error = UpstreamError::parse(status, &header, &body);
            let cause = error.cause();
            if cause == UpstreamCause::ClockSkew {
                self.skew.learn_from_refusal(header("date").as_deref(), self.clock.now(), offset_seconds);
            }
            return Err(refused(&error, cause));
        }
        let body = serde_json::from_slice(&body?).map_err(|_| {
            let evidence = format!("HTTP {status} with a body that is no JSON");
            no_answer(&network::BAD_UPSTREAM_RESPONSE, evidence)
        })?;
        let (request_id, aws_request_id) = (header("request-id"), header("x-amzn-requestid"));
        Ok(Replied { status, body, request_id, aws_request_id })
    }
}

async fn read(body: UpstreamBody) -> Result<Bytes, ProbeFailure> {
    let broken = |_| {
        let evidence = "the answer broke off, or is far larger than any of the service's".to_owned();
        no_answer(&network::BAD_UPSTREAM_RESPONSE, evidence)
    };
    collect(body, MOST_BYTES, 0).await.map_err(broken)
}

fn owned(credentials: PlatformCredentials<'_>) -> Credential {
    match credentials {
        PlatformCredentials::Aws(credentials) => Credential::Aws(std::sync::Arc::new(credentials.clone())),
        PlatformCredentials::ApiKey { key, header } => Credential::ApiKey(key.clone(), header),
    }
}

fn refused(error: &UpstreamError, cause: UpstreamCause) -> ProbeFailure {
    let text = error.text();
    let evidence = match error.status {
        status if text.is_empty() => format!("HTTP {status} without a reason"),
        status => format!("HTTP {status}: {text}"),
    };
    ProbeFailure {
        explained: Box::new(cause.explain()),
        cause: Some(cause),
        status: Some(error.status),
        evidence: evidence.chars().map(|c| if c.is_control() { ' ' } else { c }).take(1000).collect(),
        request_id: error.request_id.clone(),
        aws_request_id: error.aws_request_id.clone(),
    }
}

fn not_sent(error: &GatewayError) -> ProbeFailure {
    let class = match error {
        GatewayError::UnusableApiKey => &network::UNUSABLE_API_KEY,
        _ => &network::BAD_UPSTREAM_RESPONSE,
    };
    no_answer(class, error.to_string())
}

fn no_answer(class: &'static Class, evidence: impl AsRef<str>) -> ProbeFailure {
    ProbeFailure {
        cause: None,
        status: None,
        evidence: redact(evidence.as_ref()).into_owned(),
        explained: Box::new(Explained::new(class, &Denial::default())),
        request_id: None,
        aws_request_id: None,
    }
}
