//! What is kept of the verification of integrations.

use std::time::SystemTime;

use portcullis_types::{IntegrationId, Revision, Slug, VerificationStatus};
use time::OffsetDateTime;

/// What an integration says of its last verification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerificationSummary {
    /// [`VerificationStatus::Unverified`] too when the last verification was of another revision. A change that leaves
    /// everything as it was that AWS sees (a new name, say) takes the verification along.
    pub status: VerificationStatus,
    /// The revision that was verified last.
    pub revision: Option<Revision>,
    /// When that was.
    pub verified_at: Option<OffsetDateTime>,
    /// Whether the role of the present revision was refused without the external ID, and with a wrong one.
    pub external_id_enforced: bool,
}

/// One verification, to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct VerificationRecord {
    /// What it came to.
    pub status: VerificationStatus,
    /// Whether the role was assumed with its external ID, and refused without one and with a wrong one.
    pub external_id_enforced: bool,
    /// What each step came to, for people and programs. No secret.
    pub report: serde_json::Value,
    /// When it ended.
    pub verified_at: SystemTime,
    /// When it is to be done again. Kept to the second.
    pub next_at: SystemTime,
}

/// A verification as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct LastVerification {
    /// The revision that was verified.
    pub revision: Revision,
    /// What it came to, then.
    pub status: VerificationStatus,
    /// What each step came to.
    pub report: serde_json::Value,
    /// When it ended.
    pub verified_at: OffsetDateTime,
    /// When the status last turned worse.
    pub worsened_at: Option<OffsetDateTime>,
}

/// Many integrations and how each stands, for metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerificationOverview {
    /// The oldest ones that serve, at most as many as were asked for.
    pub integrations: Vec<OverviewRow>,
    /// How many more there are.
    pub n_left_out: u64,
}

/// One integration among many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverviewRow {
    /// Which.
    pub id: IntegrationId,
    /// Whose.
    pub organisation_slug: Slug,
    /// Its name within the organisation.
    pub slug: Slug,
    /// What the last verification of its present revision came to.
    pub status: VerificationStatus,
}

/// How a verification compares with the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// As before; also said of one that is older than what is known already.
    Same,
    /// It went well where it did not before.
    Better,
    /// It did not go as well as before: somebody should hear of it.
    Worse,
}

impl Change {
    pub(crate) fn between(earlier: VerificationStatus, now: VerificationStatus) -> Self {
        if now.is_worse_than(earlier) {
            Self::Worse
        } else if earlier.is_worse_than(now) {
            Self::Better
        } else {
            Self::Same
        }
    }
}
