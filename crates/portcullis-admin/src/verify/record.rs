//! Keeps what a verification came to, and says it when that is worse than before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portcullis_catalog::{Catalog, Change, Integration, VerificationRecord};
use portcullis_credentials::verification::Verdict;
use portcullis_types::SharedClock;
use serde_json::json;

/// Where verdicts are kept. A cheap handle.
#[derive(Clone)]
pub struct Recording {
    /// The catalog.
    pub catalog: Catalog,
    /// When a verification ended.
    pub clock: SharedClock,
    /// When the next one is due, after this one.
    pub interval: Duration,
    /// How many came out worse than the one before, since the start.
    pub n_worsened: Arc<AtomicU64>,
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}

/// Records a verdict, and whether it could be: a database that is away is logged.
pub async fn record(recording: &Recording, integration: &Integration, verdict: &Verdict) -> bool {
    let now = recording.clock.now();
    let record = VerificationRecord {
        status: verdict.status,
        external_id_enforced: verdict.is_external_id_enforced(),
        report: json!(verdict),
        verified_at: now,
        next_at: now + recording.interval,
    };
    match recording.catalog.record_verification(integration.id, integration.revision, record).await {
        Ok(Change::Worse) => {
            recording.n_worsened.fetch_add(1, Ordering::Relaxed);
            say_worse(integration, verdict);
            true
        }
        Ok(Change::Same | Change::Better) => true,
        Err(error) => {
            tracing::error!(integration.id = %integration.id, error.cause = %error, "a verification was not recorded");
            false
        }
    }
}

/// The event that somebody should hear of.
fn say_worse(integration: &Integration, verdict: &Verdict) {
    let failed = verdict.first_failure();
    tracing::warn!(
        event.name = "integration.verification_worsened",
        integration.id = %integration.id,
        integration.slug = %integration.slug,
        organisation.slug = %integration.organisation_slug,
        verification.before = %integration.verification.status,
        verification.status = %verdict.status,
        verification.step = failed.map(|step| step.step.as_str()),
        verification.code = failed.and_then(|step| step.code),
        "the integration `{}` is {} now: its verification came out worse than the one before",
        integration.slug,
        verdict.status
    );
}
