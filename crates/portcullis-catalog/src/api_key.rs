//! The keys that developers and operators hold, as the control plane shows them.

use portcullis_types::{ApiKeyId, OnUnsupported, OrganisationId, TenantWorkspaceId};
use time::OffsetDateTime;

use crate::scope::Scope;

/// A key, without its secret: only a digest of that is kept.
///
/// A revoked key is no longer shown; its row stays, so that what it did can still be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub organisation_id: OrganisationId,
    /// The one workspace it works in; `None` for an organisation's key.
    pub workspace_id: Option<TenantWorkspaceId>,
    /// What kind of holder it is for.
    pub kind: KeyKind,
    /// The holder, when it is a person.
    pub user_id: Option<String>,
    /// As people know it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it may do, in the order of [`Scope::all`].
    pub scopes: Vec<Scope>,
    /// What its requests ask for at least, when it says so.
    pub on_unsupported: Option<OnUnsupported>,
    /// The secret's last four characters.
    pub last_four: String,
    /// Whether it works, at the time of reading.
    pub status: ApiKeyStatus,
    /// From when on it no longer works.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// What kind of holder a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Administers an organisation. Has no workspace, so it calls no models.
    OrganisationService,
    /// A machine in one workspace.
    WorkspaceService,
    /// A person in one workspace.
    WorkspaceUser,
}

impl KeyKind {
    /// The word for it in the admin API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrganisationService => "organisation-service",
            Self::WorkspaceService => "workspace-service",
            Self::WorkspaceUser => "workspace-user",
        }
    }

    pub(crate) fn parse(raw: &str) -> Option<Self> {
        [Self::OrganisationService, Self::WorkspaceService, Self::WorkspaceUser]
            .into_iter()
            .find(|kind| kind.as_str() == raw)
    }
}

/// Whether a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyStatus {
    /// It works.
    Active,
    /// Its time is over.
    Expired,
}

impl ApiKeyStatus {
    /// One word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Whose it will be.
    pub organisation_id: OrganisationId,
    /// The one workspace it works in: needed for a workspace's key, refused for an organisation's.
    pub workspace_id: Option<TenantWorkspaceId>,
    /// What kind of holder it is for.
    pub kind: KeyKind,
    /// The holder: needed for a person's key, refused for a machine's. 1 to 255 characters.
    pub user_id: Option<String>,
    /// 1 to 255 characters.
    pub name: String,
    /// Up to 2048 characters.
    pub description: Option<String>,
    /// What it may do; at least one.
    pub scopes: Vec<Scope>,
    /// What its requests ask for at least; refused for an organisation's key, which calls no models.
    pub on_unsupported: Option<OnUnsupported>,
    /// From when on it no longer works; must lie ahead.
    pub expires_at: Option<OffsetDateTime>,
}

/// Which keys a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApiKeyFilter {
    /// Only this workspace's.
    pub workspace_id: Option<TenantWorkspaceId>,
}
