//! Statements on verifications. They lie beside the catalog: recording one is no change of the catalog.

use portcullis_types::{IntegrationId, OrganisationId, Revision, VerificationStatus};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Transaction, change, statement};
use crate::error::CatalogError;
use crate::text::{corrupt, parsed};
use crate::verification::{LastVerification, OverviewRow, VerificationSummary};

const WHAT: &str = "verification";

/// One verification as it lies in the table. Without a time it was made to be locked, and says nothing.
#[derive(Clone, sqlx::FromRow)]
pub(crate) struct VerificationRow {
    pub(crate) integration_id: Uuid,
    pub(crate) revision: i64,
    pub(crate) status: String,
    pub(crate) external_id_enforced: bool,
    pub(crate) report: Option<String>,
    pub(crate) verified_at: Option<OffsetDateTime>,
    pub(crate) worsened_at: Option<OffsetDateTime>,
    pub(crate) next_at: OffsetDateTime,
}

/// The last verification, as the statements on what was verified read it beside.
#[derive(Clone, Default, sqlx::FromRow)]
pub(crate) struct VerificationColumns {
    verification_status: Option<String>,
    verification_revision: Option<i64>,
    verified_at: Option<OffsetDateTime>,
    external_id_enforced: Option<bool>,
}

impl VerificationColumns {
    /// What it says of the present revision of an integration.
    ///
    /// - `what`, `id`: the row that it was read with.
    pub(crate) fn summary(
        &self,
        what: &'static str,
        id: Uuid,
        present: Revision,
    ) -> Result<VerificationSummary, CatalogError> {
        let is_of_now = self.verification_revision == Some(present.0);
        let raw = self.verification_status.as_deref();
        let status = match raw.map(|raw| parsed(what, id, raw)).transpose()? {
            Some(status) if is_of_now || status == VerificationStatus::Unsafe => status,
            _ => VerificationStatus::Unverified,
        };
        Ok(VerificationSummary {
            status,
            // A row without a time was made to be locked, and says nothing.
            revision: self.verified_at.and(self.verification_revision).map(Revision),
            verified_at: self.verified_at,
            external_id_enforced: is_of_now && self.external_id_enforced == Some(true),
        })
    }
}

impl VerificationRow {
    /// What it says of `revision`. One that is unsafe is so at every revision, until its door becomes another one
    /// ([`forget_unsafe`]).
    pub(crate) fn status_of(&self, revision: Revision) -> Result<VerificationStatus, CatalogError> {
        let status = parsed(WHAT, self.integration_id, &self.status)?;
        let is_told = self.revision == revision.0 || status == VerificationStatus::Unsafe;
        Ok(if is_told { status } else { VerificationStatus::Unverified })
    }

    /// `None` when nothing was verified yet.
    pub(crate) fn read(self) -> Result<Option<LastVerification>, CatalogError> {
        let (Some(report), Some(verified_at)) = (&self.report, self.verified_at) else { return Ok(None) };
        let report =
            serde_json::from_str(report).map_err(|error| corrupt(WHAT, self.integration_id, error))?;
        Ok(Some(LastVerification {
            revision: Revision(self.revision),
            status: parsed(WHAT, self.integration_id, &self.status)?,
            report,
            verified_at,
            worsened_at: self.worsened_at,
        }))
    }
}

/// One row of the overview, and how many rows there are.
#[derive(sqlx::FromRow)]
pub(crate) struct OverviewColumns {
    id: Uuid,
    organisation_slug: String,
    slug: String,
    status: String,
}

impl OverviewColumns {
    pub(crate) fn read(self) -> Result<OverviewRow, CatalogError> {
        Ok(OverviewRow {
            id: IntegrationId::from_uuid(self.id),
            organisation_slug: parsed(WHAT, self.id, &self.organisation_slug)?,
            slug: parsed(WHAT, self.id, &self.slug)?,
            status: parsed(WHAT, self.id, &self.status)?,
        })
    }
}

/// The integrations that serve, the oldest first, and what is known of each one's present revision.
pub(crate) async fn overview(
    transaction: &mut Transaction,
    organisation: Option<OrganisationId>,
    limit: i64,
) -> Result<(Vec<OverviewColumns>, i64), CatalogError> {
    let organisation = organisation.map(|id| *id.as_uuid());
    let rows = statement!(transaction, "reading how integrations stand", |connection| {
        sqlx::query_as(
            "select i.id, o.slug as organisation_slug, i.slug, \
             case when v.revision = i.revision or v.status = 'unsafe' then v.status else 'unverified' end as status \
             from integrations i join organisations o on o.id = i.organisation_id \
             left join integration_verifications v on v.integration_id = i.id \
             where i.status = 'active' and ($1 is null or i.organisation_id = $1) order by i.id limit $2",
        )
        .bind(organisation)
        .bind(limit)
        .fetch_all(connection)
    })?;
    let n_all = statement!(transaction, "counting integrations", |connection| {
        sqlx::query_scalar(
            "select count(*) from integrations where status = 'active' and ($1 is null or organisation_id = $1)",
        )
        .bind(organisation)
        .fetch_one(connection)
    })?;
    Ok((rows, n_all))
}

/// The integrations that serve and are unsafe, the oldest first.
pub(crate) async fn all_unsafe(transaction: &mut Transaction) -> Result<Vec<OverviewColumns>, CatalogError> {
    statement!(transaction, "looking for unsafe integrations", |connection| {
        sqlx::query_as(
            "select i.id, o.slug as organisation_slug, i.slug, v.status from integrations i \
             join organisations o on o.id = i.organisation_id \
             join integration_verifications v on v.integration_id = i.id \
             where i.status = 'active' and v.status = 'unsafe' order by i.id",
        )
        .fetch_all(connection)
    })
}

/// The integration's present revision; `None` when it is gone.
pub(crate) async fn revision_of(
    transaction: &mut Transaction,
    integration: IntegrationId,
) -> Result<Option<Revision>, CatalogError> {
    let revision: Option<i64> = statement!(transaction, "reading a revision", |connection| {
        sqlx::query_scalar("select revision from integrations where id = $1")
            .bind(*integration.as_uuid())
            .fetch_optional(connection)
    })?;
    Ok(revision.map(Revision))
}

pub(crate) async fn find(
    transaction: &mut Transaction,
    integration: IntegrationId,
) -> Result<Option<VerificationRow>, CatalogError> {
    statement!(transaction, "reading a verification", |connection| {
        sqlx::query_as(
            "select integration_id, revision, status, external_id_enforced, report, verified_at, worsened_at, next_at \
             from integration_verifications where integration_id = $1",
        )
        .bind(*integration.as_uuid())
        .fetch_optional(connection)
    })
}

/// Puts an integration's next verification off until `until`, when it is due at `now`; one that has no row gets one.
///
/// The row is this transaction's alone from then on, also when it was not due: whoever else does the same waits.
pub(crate) async fn put_off(
    transaction: &mut Transaction,
    integration: IntegrationId,
    revision: Revision,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<bool, CatalogError> {
    let n_rows = change!(transaction, "putting off a verification", {
        sqlx::query(
            "insert into integration_verifications (integration_id, revision, status, external_id_enforced, next_at) \
             values ($1, $2, 'unverified', false, $3) on conflict (integration_id) do update \
             set next_at = excluded.next_at where integration_verifications.next_at <= $4",
        )
        .bind(*integration.as_uuid())
        .bind(revision.0)
        .bind(until)
        .bind(now)
    })?;
    Ok(n_rows == 1)
}

pub(crate) async fn write(transaction: &mut Transaction, row: &VerificationRow) -> Result<(), CatalogError> {
    change!(transaction, "writing a verification", {
        sqlx::query(
            "insert into integration_verifications (integration_id, revision, status, external_id_enforced, report, \
             verified_at, worsened_at, next_at) values ($1, $2, $3, $4, $5, $6, $7, $8) \
             on conflict (integration_id) do update set revision = excluded.revision, status = excluded.status, \
             external_id_enforced = excluded.external_id_enforced, report = excluded.report, \
             verified_at = excluded.verified_at, worsened_at = excluded.worsened_at, next_at = excluded.next_at",
        )
        .bind(row.integration_id)
        .bind(row.revision)
        .bind(&row.status)
        .bind(row.external_id_enforced)
        .bind(&row.report)
        .bind(row.verified_at)
        .bind(row.worsened_at)
        .bind(row.next_at)
    })?;
    Ok(())
}

/// Takes the verification of one revision along to the next, which nothing that AWS sees tells apart.
pub(crate) async fn take_along(
    transaction: &mut Transaction,
    integration: Uuid,
    from: i64,
    to: i64,
) -> Result<(), CatalogError> {
    change!(transaction, "taking a verification along", {
        sqlx::query(
            "update integration_verifications set revision = $3 where integration_id = $1 and revision = $2",
        )
        .bind(integration)
        .bind(from)
        .bind(to)
    })?;
    Ok(())
}

/// Forgets that an integration's role can be assumed without its external ID: it has another role now, or another way
/// to it.
pub(crate) async fn forget_unsafe(
    transaction: &mut Transaction,
    integration: Uuid,
) -> Result<(), CatalogError> {
    change!(transaction, "forgetting what was unsafe", {
        sqlx::query(
            "update integration_verifications set status = 'unverified' where integration_id = $1 and status = 'unsafe'",
        )
        .bind(integration)
    })?;
    Ok(())
}

/// The integrations that serve and whose verification is due, the longest overdue first.
///
/// - `made_before`: when one that nobody has verified yet must have been made to be due. Changes do not put it off.
pub(crate) async fn due(
    transaction: &mut Transaction,
    now: OffsetDateTime,
    made_before: OffsetDateTime,
    limit: i64,
) -> Result<Vec<Uuid>, CatalogError> {
    statement!(transaction, "looking for due verifications", |connection| {
        sqlx::query_scalar(
            "select i.id from integrations i left join integration_verifications v on v.integration_id = i.id \
             where i.status = 'active' and (v.next_at <= $1 or (v.next_at is null and i.created_at <= $2)) \
             order by coalesce(v.next_at, i.created_at), i.id limit $3",
        )
        .bind(now)
        .bind(made_before)
        .bind(limit)
        .fetch_all(connection)
    })
}
