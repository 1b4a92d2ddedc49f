//! Providers: a workspace's handle on an integration, what callers address as `@slug`.

use portcullis_types::{
    IntegrationId, OrganisationId, ProviderId, Slug, TenantWorkspaceId, TranslationSettings,
};
use time::OffsetDateTime;

use crate::verification::VerificationSummary;

/// A workspace's handle on an integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its id.
    pub id: ProviderId,
    /// Whose it is.
    pub organisation_id: OrganisationId,
    /// Where it answers.
    pub workspace_id: TenantWorkspaceId,
    /// That workspace's slug.
    pub workspace_slug: Slug,
    /// What it leads to.
    pub integration_id: IntegrationId,
    /// That integration's slug.
    pub integration_slug: Slug,
    /// Unique in the workspace.
    pub slug: Slug,
    /// As people know it.
    pub name: String,
    /// What it is for.
    pub note: Option<String>,
    /// Whether it serves, at the time of reading.
    pub status: ProviderStatus,
    /// How its requests are said in another dialect.
    pub translation: TranslationSettings,
    /// From when on it no longer serves.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
    /// What is known of whether its integration works.
    pub verification: VerificationSummary,
}

/// Whether a provider serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderStatus {
    /// It serves.
    Active,
    /// Its time is over.
    Expired,
}

impl ProviderStatus {
    /// The word for it in the admin API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }
}

/// A provider to be made.
#[derive(Clone, Debug)]
pub struct NewProvider {
    /// Whose it will be.
    pub organisation_id: OrganisationId,
    /// Where it will answer.
    pub workspace_id: TenantWorkspaceId,
    /// The slug or the id of an integration of the organisation or of this workspace.
    pub integration: String,
    /// Unique in the workspace; made from the name when absent. Not a UUID, which would read as an id.
    pub slug: Option<Slug>,
    /// 1 to 255 characters.
    pub name: String,
    /// Up to 2048 characters.
    pub note: Option<String>,
    /// How its requests are said in another dialect.
    pub translation: TranslationSettings,
    /// From when on it no longer serves.
    pub expires_at: Option<OffsetDateTime>,
}

/// What is to change of a provider. `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct ProviderPatch {
    /// 1 to 255 characters.
    pub name: Option<String>,
    /// `Some(None)` clears it.
    pub note: Option<Option<String>>,
    /// All of them anew: what is absent here gets its default.
    pub translation: Option<TranslationSettings>,
    /// `Some(None)` clears it.
    pub expires_at: Option<Option<OffsetDateTime>>,
}

/// Which providers a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProviderFilter {
    /// Only this workspace's.
    pub workspace_id: Option<TenantWorkspaceId>,
    /// Only this integration's.
    pub integration_id: Option<IntegrationId>,
}
