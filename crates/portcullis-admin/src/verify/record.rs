//! Keeps what a verification came to, and says it when that is worse than before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portcullis_catalog::{Catalog, Change, ExternalIdFinding, Integration, Recorded, VerificationRecord};
use portcullis_credentials::verification::{ExternalIdProof, Verdict};
use portcullis_types::{SharedClock, VerificationStatus};
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

/// A role that AWS did not know everywhere yet is looked at again after this.
const SOON: Duration = Duration::from_secs(15 * 60);

/// Records a verdict, and tells what that changed. `None` when it could not be: a database that is away is logged.
pub async fn record(recording: &Recording, integration: &Integration, verdict: &Verdict) -> Option<Recorded> {
    let now = recording.clock.now();
    let interval = if verdict.verify_again_soon { SOON.min(recording.interval) } else { recording.interval };
    let record = VerificationRecord {
        status: verdict.status,
        external_id: finding(verdict.external_id),
        report: json!(verdict),
        verified_at: now,
        next_at: now + interval,
    };
    match recording.catalog.record_verification(integration.id, integration.revision, record).await {
        Ok(recorded) => {
            tell(recording, integration, verdict, recorded);
            Some(recorded)
        }
        Err(error) => {
            tracing::error!(integration.id = %integration.id, error.cause = %error, "a verification was not recorded");
            None
        }
    }
}

const fn finding(proof: ExternalIdProof) -> ExternalIdFinding {
    match proof {
        ExternalIdProof::Enforced => ExternalIdFinding::Enforced,
        ExternalIdProof::Open => ExternalIdFinding::Open,
        ExternalIdProof::NotTold => ExternalIdFinding::NotTold,
    }
}

/// Says what changed to whoever should hear of it.
fn tell(recording: &Recording, integration: &Integration, verdict: &Verdict, recorded: Recorded) {
    match recorded.change {
        Change::Worse => {
            recording.n_worsened.fetch_add(1, Ordering::Relaxed);
            say_worse(integration, verdict, recorded);
        }
        Change::Better if recorded.before == VerificationStatus::Unsafe => say_closed(integration, recorded),
        Change::Outdated => tracing::info!(
            integration.id = %integration.id,
            "the integration `{}` was changed while it was verified, so that was not recorded",
            integration.slug
        ),
        Change::Same | Change::Better => {}
    }
}

/// What somebody may be waiting for, but need not be woken for.
fn say_closed(integration: &Integration, recorded: Recorded) {
    tracing::info!(
        integration.id = %integration.id,
        integration.slug = %integration.slug,
        organisation.slug = %integration.organisation_slug,
        verification.status = %recorded.now,
        "the integration `{}` is unsafe no more: its role insists on the external ID again",
        integration.slug
    );
}

/// The event that somebody should hear of.
fn say_worse(integration: &Integration, verdict: &Verdict, recorded: Recorded) {
    let failed = verdict.first_failure();
    tracing::warn!(
        event.name = "integration.verification_worsened",
        integration.id = %integration.id,
        integration.slug = %integration.slug,
        organisation.slug = %integration.organisation_slug,
        verification.before = %recorded.before,
        verification.status = %recorded.now,
        verification.step = failed.map(|step| step.step.as_str()),
        verification.code = failed.and_then(|step| step.code),
        "the integration `{}` is {} now: its verification came out worse than the one before",
        integration.slug,
        recorded.now
    );
}
