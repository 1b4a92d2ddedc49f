//! Organisations and their workspaces.

use portcullis_types::{OrganisationId, Slug, TenantWorkspaceId};
use time::OffsetDateTime;

/// A tenant: owns workspaces, integrations and admin keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// Unique in the database.
    pub slug: Slug,
    /// As people know it.
    pub name: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// An organisation to be made.
#[derive(Clone, Debug)]
pub struct NewOrganisation {
    /// Unique in the database.
    pub slug: Slug,
    /// 1 to 255 characters.
    pub name: String,
}

/// A sub-tenant of an organisation. Every data-plane request runs in exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its id.
    pub id: TenantWorkspaceId,
    /// Whose it is.
    pub organisation_id: OrganisationId,
    /// Unique in the organisation, such as `ws-default`.
    pub slug: Slug,
    /// As people know it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// A workspace to be made.
#[derive(Clone, Debug)]
pub struct NewWorkspace {
    /// Whose it will be.
    pub organisation_id: OrganisationId,
    /// Unique in the organisation; made from the name, with the prefix `ws-`, when absent.
    pub slug: Option<Slug>,
    /// 1 to 255 characters.
    pub name: String,
    /// Up to 2048 characters.
    pub description: Option<String>,
}
