//! The gateway's own identity, kept fresh: looked for again before it ends, when it is rejected, and, where it has no end,
//! so often that a rotated key is noticed within a minute.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::BoxFuture;
use crate::error::CredentialsError;
use crate::slot::{Fetched, Landed, Purpose, Renewal, Slot, Supply, Surroundings};
use crate::source::{Source, SourceChain, SourceFingerprint};

#[derive(Debug)]
pub(crate) struct Identity {
    slot: Arc<Slot<Arc<Source>>>,
    /// The identity last found. Outlives the source's own credentials: a chain that fails must not orphan live sessions.
    fingerprint: Arc<ArcSwapOption<SourceFingerprint>>,
}

impl Identity {
    pub(crate) fn new(around: Surroundings, chain: Arc<dyn SourceChain>) -> Self {
        let fingerprint: Arc<ArcSwapOption<SourceFingerprint>> = Arc::default();
        let supply = Chain { chain, fingerprint: Arc::clone(&fingerprint) };
        Self { slot: Arc::new(Slot::new(around, Arc::new(supply))), fingerprint }
    }

    /// Who the gateway is, as far as is known. `None` until it has been found once.
    pub(crate) fn fingerprint(&self) -> Option<Arc<SourceFingerprint>> {
        self.fingerprint.load_full()
    }

    /// Whether the gateway still is this.
    pub(crate) fn is(&self, fingerprint: &SourceFingerprint) -> bool {
        self.fingerprint.load().as_deref() == Some(fingerprint)
    }

    /// The credentials that are at hand. Never waits; replaces them in the background when they are due.
    pub(crate) fn at_hand(&self) -> Option<Arc<Source>> {
        self.slot.current()
    }

    /// The credentials, looked for if need be.
    pub(crate) async fn obtain(&self) -> Result<Arc<Source>, CredentialsError> {
        self.slot.obtain(Purpose::Wanted).await.map_err(of_the_source)
    }

    pub(crate) fn forget(&self) {
        self.slot.forget();
    }

    /// Takes note that AWS rejected the credentials with this access key id.
    pub(crate) fn reject(&self, access_key_id: &str) -> Renewal {
        self.slot.reject(|kept| kept.credentials.access_key_id.as_str() == access_key_id)
    }

    /// The same, whatever came of it last time: STS says so itself, and asks nobody else.
    pub(crate) fn forget_rejected(&self, access_key_id: &str) {
        self.slot.forget_if(|kept| kept.credentials.access_key_id.as_str() == access_key_id);
    }
}

/// The chain as the supply of a slot.
#[derive(Clone, Debug)]
struct Chain {
    chain: Arc<dyn SourceChain>,
    fingerprint: Arc<ArcSwapOption<SourceFingerprint>>,
}

impl Chain {
    async fn find(self) -> Result<Fetched<Arc<Source>>, CredentialsError> {
        let source = Arc::new(self.chain.find().await?);
        let is_new = self.fingerprint.load().as_deref() != Some(&*source.fingerprint);
        if is_new {
            tracing::info!(source.kind = %source.fingerprint.kind, "found the gateway's AWS identity");
            self.fingerprint.store(Some(Arc::clone(&source.fingerprint)));
        }
        let expires_at = source.credentials.expires_at;
        Ok(Fetched { value: source, expires_at })
    }
}

impl Supply<Arc<Source>> for Chain {
    fn fetch(&self, _: Purpose) -> BoxFuture<'static, Result<Fetched<Arc<Source>>, CredentialsError>> {
        Box::pin(self.clone().find())
    }

    fn landed(&self, outcome: Result<Landed, &CredentialsError>) {
        if let Err(error) = outcome {
            tracing::warn!(error.code = error.code(), "the gateway's AWS identity was not found: {error}");
        }
    }
}

/// A source that came too late or half expired is a matter of the source, not of STS.
fn of_the_source(error: CredentialsError) -> CredentialsError {
    match error {
        CredentialsError::StsUnavailable(why) | CredentialsError::MalformedAnswer(why) => {
            CredentialsError::SourceUnavailable(why)
        }
        other => other,
    }
}
