//! What the data plane is made of, and the limits it keeps.

use std::sync::Arc;
use std::time::Duration;

use portcullis_catalog::Catalog;
use portcullis_credentials::CredentialEngine;
use portcullis_provider::TranslationOptions;
use portcullis_signer::Signer;
use portcullis_types::SharedClock;
use tokio_util::sync::CancellationToken;

use crate::error::GatewayError;
use crate::upstream::Upstream;

pub use crate::upstream::{InvalidBaseUrl, UpstreamBase};

/// The limits of the data plane. The defaults are those of the Messages API and of its own clients.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// Where requests go: by region, or to an operator's own address.
    pub upstream_base: UpstreamBase,
    /// Largest request body, in bytes. The Messages API takes 32 MB.
    pub max_request_bytes: usize,
    /// How long a request's body may take to arrive whole.
    pub request_body_timeout: Duration,
    /// Largest whole (not streamed) answer of the upstream, in bytes.
    pub max_answer_bytes: usize,
    /// Largest single event of a stream, in bytes.
    pub max_event_bytes: usize,
    /// How long a connection to the upstream may take.
    pub connect_timeout: Duration,
    /// How long the upstream may take until the head of a streamed answer.
    pub stream_head_timeout: Duration,
    /// How long the upstream may take for a whole answer.
    pub answer_timeout: Duration,
    /// How long a stream may be silent before it counts as broken.
    pub stream_idle_timeout: Duration,
    /// How long a stream may be silent before the client gets a sign of life.
    pub ping_interval: Duration,
    /// Whether `HTTP_PROXY` and its kin are obeyed on the way upstream.
    pub use_system_proxy: bool,
    /// How requests are translated that cannot be said exactly.
    pub translation: TranslationOptions,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            upstream_base: UpstreamBase::ByRegion,
            max_request_bytes: 32 * 1024 * 1024,
            request_body_timeout: Duration::from_secs(300),
            max_answer_bytes: 64 * 1024 * 1024,
            max_event_bytes: portcullis_provider::sse::DEFAULT_EVENT_LIMIT,
            connect_timeout: Duration::from_secs(5),
            stream_head_timeout: Duration::from_secs(120),
            answer_timeout: Duration::from_secs(600),
            stream_idle_timeout: Duration::from_secs(120),
            ping_interval: Duration::from_secs(15),
            use_system_proxy: false,
            translation: TranslationOptions::default(),
        }
    }
}

/// The data plane: cheap handles on everything the way of a request needs.
#[derive(Clone)]
pub struct Gateway(Arc<Parts>);

/// The handles themselves.
pub(crate) struct Parts {
    pub(crate) catalog: Catalog,
    pub(crate) credentials: Arc<CredentialEngine>,
    pub(crate) signer: Signer,
    pub(crate) upstream: Upstream,
    pub(crate) settings: GatewaySettings,
    pub(crate) clock: SharedClock,
    /// Cancelled when the drain's time is over: streams that still run end with an error event.
    pub(crate) drain_deadline: CancellationToken,
}

impl Parts {
    /// What comes of `answer`, unless the drain's time is over before its head is there.
    pub(crate) async fn until_deadline<T>(
        &self,
        answer: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        let answer = self.drain_deadline.run_until_cancelled(answer).await;
        answer.unwrap_or(Err(GatewayError::ShuttingDown))
    }
}

impl Gateway {
    /// Puts the data plane together.
    ///
    /// `drain_deadline` is cancelled by the server when open streams must come to an end.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up, such as without any certificate authority on the system.
    pub fn new(
        catalog: Catalog,
        credentials: Arc<CredentialEngine>,
        settings: GatewaySettings,
        clock: SharedClock,
        drain_deadline: CancellationToken,
    ) -> Result<Self, reqwest::Error> {
        let upstream = Upstream::new(&settings)?;
        let signer = Signer::new();
        Ok(Self(Arc::new(Parts { catalog, credentials, signer, upstream, settings, clock, drain_deadline })))
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }
}
