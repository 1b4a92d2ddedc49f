//! Integrations verified again and again, so that a trust policy that is loosened, or a permission that goes, is noticed by
//! us before anybody else.
//!
//! Several gateways may run on one catalog: each integration that is due is given to one of them.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use portcullis_admin::{Recording, record, subject};
use portcullis_catalog::Integration;
use portcullis_credentials::Verifier;
use portcullis_credentials::verification::{ExternalIdProof, spread};
use tracing::{debug, warn};

/// So many at once: nobody waits for them.
const AT_ONCE: usize = 2;
/// So many are taken on at once. They must be done within the hour that the catalog gives for them.
const BATCH: u32 = 16;
/// How long one may take: a batch of the slowest is done within that hour. A verification's own limits end it sooner,
/// unless it waits long for its turn at STS.
const LIMIT: Duration = Duration::from_secs(5 * 60);
const _: () = assert!(LIMIT.as_secs() * BATCH as u64 / (AT_ONCE as u64) < 60 * 60);
/// How often the catalog is asked what is due.
const PAUSE: Duration = Duration::from_secs(60);

/// What verifies again.
pub(crate) struct Reverification {
    verifier: Verifier,
    recording: Recording,
    limit: Duration,
}

impl Reverification {
    /// - `recording`: its interval is the one between two verifications of an integration.
    pub(crate) fn new(verifier: Verifier, recording: Recording) -> Self {
        Self { verifier, recording, limit: LIMIT }
    }

    /// Verifies what is due, whenever it is, for ever.
    pub(crate) async fn run(self) {
        loop {
            tokio::time::sleep(spread(PAUSE)).await;
            while self.verify_due().await == BATCH as usize {}
        }
    }

    /// Verifies what is due now, at most a batch of it, and says how many there were.
    async fn verify_due(&self) -> usize {
        let due = match self.recording.catalog.due_verifications(self.recording.clock.now(), BATCH).await {
            Ok(due) => due,
            Err(error) => {
                warn!(error.cause = %error, "what is due for verification cannot be told");
                return 0;
            }
        };
        let n_due = due.len();
        stream::iter(due).for_each_concurrent(AT_ONCE, |integration| self.verify(integration)).await;
        n_due
    }

    async fn verify(&self, integration: Integration) {
        let before = ExternalIdProof::recorded(integration.verification.external_id_enforced);
        let subject = subject(&integration);
        let verified = tokio::time::timeout(self.limit, self.verifier.reverify(&subject, before)).await;
        let Ok(verdict) = verified else {
            // The catalog gives it to somebody again when the hour is over.
            warn!(integration.id = %integration.id, "a verification took more than {} s and was given up", self.limit.as_secs());
            return;
        };
        debug!(integration.id = %integration.id, verification.status = %verdict.status, "verified again");
        let recording = Recording { interval: spread(self.recording.interval), ..self.recording.clone() };
        record(&recording, &integration, &verdict).await;
    }
}

#[cfg(test)]
mod tests;
