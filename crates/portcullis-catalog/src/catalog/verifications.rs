//! Verifications: recorded, read, and shared out between the processes that make them.

use std::time::{Duration, SystemTime};

use portcullis_types::{IntegrationId, OrganisationId, Revision};
use time::OffsetDateTime;

use super::Catalog;
use crate::error::CatalogError;
use crate::integration::Integration;
use crate::store::verifications::{self, OverviewColumns, VerificationRow};
use crate::store::{Reference, Transaction, integrations};
use crate::text::{stored_time, whole_seconds};
use crate::verification::{
    Change, ExternalIdFinding, LastVerification, Recorded, VerificationOverview, VerificationRecord,
};

/// How long whoever takes on a verification has for it, before another process tries.
const LEASE: Duration = Duration::from_secs(60 * 60);
/// How long an integration that nobody has verified is left alone: its role may still be in the making.
const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

impl Catalog {
    /// Records a verification of one revision, and says how it compares with what was known of that revision.
    ///
    /// It changes neither the integration's revision nor the catalog's version. One of a revision that is no longer the
    /// present one is not recorded, which [`Change::Outdated`] tells.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when there is no such integration (any more).
    pub async fn record_verification(
        &self,
        integration: IntegrationId,
        revision: Revision,
        record: VerificationRecord,
    ) -> Result<Recorded, CatalogError> {
        let mut transaction = self.0.store.write_beside().await?;
        // Makes the row or finds it, never due at that time, and keeps it for this transaction.
        let (never, next_at) = (OffsetDateTime::UNIX_EPOCH, whole_seconds(record.next_at.into()));
        let taken = verifications::put_off(&mut transaction, integration, revision, never, next_at).await;
        taken.map_err(gone)?;
        let present = verifications::revision_of(&mut transaction, integration).await?;
        let present = present.ok_or(CatalogError::NotFound { what: "integration" })?;
        let before = verifications::find(&mut transaction, integration).await?;
        let known = before.as_ref().map(|row| row.status_of(present)).transpose()?.unwrap_or_default();
        if present != revision {
            return Ok(Recorded::outdated(known));
        }
        let recorded = Recorded::of(known, &record);
        let worsened_at = before.and_then(|row| row.worsened_at);
        let row = row(integration, revision, &record, recorded, worsened_at);
        verifications::write(&mut transaction, &row).await?;
        transaction.commit().await?;
        Ok(recorded)
    }

    /// What the last verification of an integration came to, of whichever revision. `None` when there was none.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] when the organisation has no integration of this slug or id.
    pub async fn last_verification(
        &self,
        organisation: OrganisationId,
        slug_or_id: &str,
    ) -> Result<Option<LastVerification>, CatalogError> {
        let mut read = self.0.store.read().await?;
        let row = integrations::find(&mut read, organisation, Reference::parse(slug_or_id)).await?;
        let found = verifications::find(&mut read, IntegrationId::from_uuid(row.id)).await?;
        found.map_or(Ok(None), VerificationRow::read)
    }

    /// The integrations that are to be verified now, the longest overdue first: those whose `next_at` has come, and those
    /// that nobody has verified within a day of their making. Archived ones are left alone.
    ///
    /// Each is given to one caller: its next verification is put off by an hour, in which it should be recorded.
    ///
    /// # Errors
    /// When the database cannot be asked. A row that cannot be read is logged and left out.
    pub async fn due_verifications(
        &self,
        now: SystemTime,
        limit: u32,
    ) -> Result<Vec<Integration>, CatalogError> {
        let (until, made_before) = (whole_seconds((now + LEASE).into()), stored_time((now - GRACE).into()));
        let now = stored_time(now.into());
        let mut transaction = self.0.store.write_beside().await?;
        let due = verifications::due(&mut transaction, now, made_before, limit.into()).await?;
        let mut claimed = Vec::with_capacity(due.len());
        for id in due {
            let integration = IntegrationId::from_uuid(id);
            let revision = verifications::revision_of(&mut transaction, integration).await?;
            let Some(revision) = revision else { continue };
            if verifications::put_off(&mut transaction, integration, revision, now, until).await? {
                claimed.extend(self.readable(&mut transaction, integration).await?);
            }
        }
        transaction.commit().await?;
        Ok(claimed)
    }

    /// How the integrations that serve stand, the oldest first.
    ///
    /// - `organisation`: whose; `None` for everybody's.
    /// - `limit`: so many are listed, and the rest counted.
    ///
    /// # Errors
    /// When the database cannot be asked, or a row cannot be read.
    pub async fn verification_overview(
        &self,
        organisation: Option<OrganisationId>,
        limit: u32,
    ) -> Result<VerificationOverview, CatalogError> {
        let mut read = self.0.store.read().await?;
        let (rows, n_all) = verifications::overview(&mut read, organisation, limit.into()).await?;
        let n_left_out = u64::try_from(n_all).unwrap_or_default().saturating_sub(rows.len() as u64);
        let integrations = rows.into_iter().map(OverviewColumns::read).collect::<Result<_, _>>()?;
        Ok(VerificationOverview { integrations, n_left_out })
    }

    /// The integrations that serve and whose role can be assumed without their external ID, the oldest first, whosever
    /// they are.
    ///
    /// - `limit`: so many are listed, and the rest counted.
    ///
    /// # Errors
    /// When the database cannot be asked, or a row cannot be read.
    pub async fn unsafe_integrations(&self, limit: u32) -> Result<VerificationOverview, CatalogError> {
        let mut read = self.0.store.read().await?;
        let mut rows = verifications::all_unsafe(&mut read).await?;
        let n_left_out = rows.len().saturating_sub(limit as usize) as u64;
        rows.truncate(limit as usize);
        let integrations = rows.into_iter().map(OverviewColumns::read).collect::<Result<_, _>>()?;
        Ok(VerificationOverview { integrations, n_left_out })
    }

    async fn readable(
        &self,
        transaction: &mut Transaction,
        id: IntegrationId,
    ) -> Result<Option<Integration>, CatalogError> {
        let Some(row) = integrations::find_of_any(transaction, id).await? else { return Ok(None) };
        let read = row.read(&self.0.keys);
        Ok(read.inspect_err(|error| tracing::error!("left out of verification: {error}")).ok())
    }
}

fn row(
    integration: IntegrationId,
    revision: Revision,
    record: &VerificationRecord,
    Recorded { now, change, .. }: Recorded,
    worsened_at: Option<OffsetDateTime>,
) -> VerificationRow {
    let verified_at = stored_time(record.verified_at.into());
    VerificationRow {
        integration_id: *integration.as_uuid(),
        revision: revision.0,
        status: now.as_str().into(),
        external_id_enforced: record.external_id == ExternalIdFinding::Enforced,
        report: Some(record.report.to_string()),
        verified_at: Some(verified_at),
        worsened_at: if change == Change::Worse { Some(verified_at) } else { worsened_at },
        next_at: whole_seconds(record.next_at.into()),
    }
}

/// The integration was deleted while its verification was written.
fn gone(error: CatalogError) -> CatalogError {
    match error {
        CatalogError::InUse { .. } => CatalogError::NotFound { what: "integration" },
        other => other,
    }
}
