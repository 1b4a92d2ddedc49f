//! The gateway's own identity, kept fresh: looked for again before it ends, when it is rejected, and, where it has no end,
//! so often that a rotated key is noticed within a minute.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::time::{Duration, Instant};

use crate::BoxFuture;
use crate::backoff::jitter;
use crate::error::CredentialsError;
use crate::slot::{Fetched, Landed, Purpose, Renewal, Slot, Supply, Surroundings};
use crate::source::{Source, SourceChain, SourceFingerprint};

/// Over so long a time the sessions of an identity that has changed are replaced, so that the replicas of a gateway, which
/// notice it within the same minute, do not all call STS at once.
const REPLACED_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Identity {
    slot: Arc<Slot<Arc<Source>>>,
    last_found: Arc<ArcSwapOption<Found>>,
}

/// The identity last found. Outlives the source's own credentials.
#[derive(Debug)]
struct Found {
    fingerprint: Arc<SourceFingerprint>,
    /// When it took the place of another.
    changed_at: Option<Instant>,
}

impl Identity {
    pub(crate) fn new(around: Surroundings, chain: Arc<dyn SourceChain>) -> Self {
        let last_found: Arc<ArcSwapOption<Found>> = Arc::default();
        let supply = Chain { chain, last_found: Arc::clone(&last_found) };
        Self { slot: Arc::new(Slot::new(around, Arc::new(supply))), last_found }
    }

    /// Who the gateway is, as far as is known. `None` until it has been found once.
    pub(crate) fn fingerprint(&self) -> Option<Arc<SourceFingerprint>> {
        self.last_found.load().as_deref().map(|found| Arc::clone(&found.fingerprint))
    }

    /// Whether the gateway still is this.
    pub(crate) fn is(&self, fingerprint: &SourceFingerprint) -> bool {
        self.last_found.load().as_deref().is_some_and(|found| *found.fingerprint == *fingerprint)
    }

    /// How long a session that nobody waits for waits because the identity has just changed. Differs from call to call.
    pub(crate) fn pause_after_a_change(&self) -> Duration {
        let changed_at = self.last_found.load().as_deref().and_then(|found| found.changed_at);
        let left = changed_at.and_then(|at| REPLACED_WITHIN.checked_sub(at.elapsed())).unwrap_or_default();
        left.mul_f64(jitter())
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
    last_found: Arc<ArcSwapOption<Found>>,
}

impl Chain {
    async fn find(self) -> Result<Fetched<Arc<Source>>, CredentialsError> {
        let source = Arc::new(self.chain.find().await?);
        let before = self.last_found.load_full();
        if before.as_deref().is_none_or(|before| before.fingerprint != source.fingerprint) {
            tracing::info!(source.kind = %source.fingerprint.kind, "found the gateway's AWS identity");
            let (fingerprint, changed_at) = (Arc::clone(&source.fingerprint), before.map(|_| Instant::now()));
            self.last_found.store(Some(Arc::new(Found { fingerprint, changed_at })));
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
