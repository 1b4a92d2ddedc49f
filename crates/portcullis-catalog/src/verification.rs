//! What is kept of the verification of integrations.

use std::time::SystemTime;

use portcullis_types::{IntegrationId, Revision, Slug, VerificationStatus};
use time::OffsetDateTime;

/// What an integration says of its last verification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerificationSummary {
    /// [`VerificationStatus::Unverified`] too when the last verification was of another revision. A change that leaves
    /// everything as it was that AWS sees (a new name, say) takes the verification along; and
    /// [`VerificationStatus::Unsafe`] stays through every change that leaves the role, the external ID and the way to
    /// the role as they were.
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
    /// What it says of the external ID.
    pub external_id: ExternalIdFinding,
    /// What each step came to, for people and programs. No secret.
    pub report: serde_json::Value,
    /// When it ended.
    pub verified_at: SystemTime,
    /// When it is to be done again. Kept to the second.
    pub next_at: SystemTime,
}

/// What a verification says of whether a role insists on its external ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternalIdFinding {
    /// The role was assumed with its external ID, and refused without one and with a wrong one.
    Enforced,
    /// The role was assumed without its external ID, or with a wrong one.
    Open,
    /// Neither was seen: STS was away, say, or there is no role.
    NotTold,
}

/// What a verification changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// How the integration stood before.
    pub before: VerificationStatus,
    /// How it stands now. [`VerificationStatus::Unsafe`] stays, whatever the verification came to, until one says that
    /// the external ID is enforced.
    pub now: VerificationStatus,
    /// How the two compare.
    pub change: Change,
}

impl Recorded {
    pub(crate) fn of(before: VerificationStatus, record: &VerificationRecord) -> Self {
        let now = match record.external_id {
            ExternalIdFinding::Open => VerificationStatus::Unsafe,
            ExternalIdFinding::NotTold if before == VerificationStatus::Unsafe => before,
            ExternalIdFinding::NotTold | ExternalIdFinding::Enforced => record.status,
        };
        Self { before, now, change: Change::between(before, now) }
    }

    /// One that came too late to be recorded.
    pub(crate) const fn outdated(status: VerificationStatus) -> Self {
        Self { before: status, now: status, change: Change::Outdated }
    }
}

/// A verification as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct LastVerification {
    /// The revision that was verified.
    pub revision: Revision,
    /// How the integration stood after it.
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
    /// As before.
    Same,
    /// It went well where it did not before.
    Better,
    /// It did not go as well as before: somebody should hear of it.
    Worse,
    /// The integration was changed while it was verified, so nothing was recorded.
    Outdated,
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
