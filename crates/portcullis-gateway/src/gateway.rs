//! The data plane put together.

use std::sync::Arc;

use portcullis_catalog::Catalog;
use portcullis_credentials::CredentialEngine;
use portcullis_signer::Signer;
use portcullis_types::{ClockSkew, SharedClock};
use tokio_util::sync::CancellationToken;

use crate::error::GatewayError;
use crate::model_list::ModelLists;
use crate::openai::known_files::FileCache;
use crate::settings::GatewaySettings;
use crate::upstream::Upstream;

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
    /// The engine's own: STS and the platform live by the same time.
    pub(crate) skew: Arc<ClockSkew>,
    /// The models of each provider, as they were listed last.
    pub(crate) model_lists: ModelLists,
    /// Files that requests named lately.
    pub(crate) files: FileCache,
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
        let skew = credentials.skew();
        Ok(Self(Arc::new(Parts {
            catalog,
            credentials,
            signer,
            upstream,
            settings,
            clock,
            skew,
            model_lists: ModelLists::new(),
            files: FileCache::default(),
            drain_deadline,
        })))
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }
}
